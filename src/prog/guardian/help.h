/* Help, the manual page and shell completion: three printings of the table of commands. */
#ifndef PROG_GUARDIAN_HELP_H
#define PROG_GUARDIAN_HELP_H

#include "prog/guardian/command.h"

#include <stdio.h>

/* All commands with one line each, and the global options. */
void help_overview(FILE *out);
/* The commands of one verb. */
void help_verb(FILE *out, const char *verb);
void help_command(FILE *out, const struct row *command);
/* guardian(1), for man(7). */
void help_man(FILE *out);
/* A script for bash: `source <(guardian help --completion bash)`. */
void help_completion_bash(FILE *out);

#endif
