#include "prog/guardian/help.h"

#include <string.h>

static bool is_verb(const char *word)
{
    for (const struct row *row = command_first(); row; row = command_next(row))
        if (strcmp(row->name, word) == 0)
            return true;
    return false;
}

enum exit_code cmd_help(const struct call *call)
{
    const char *verb = call_text(call, "verb"), *noun = call_text(call, "noun");
    const struct row *command = verb ? command_find(verb, noun) : NULL;
    if (call_flag(call, "man")) {
        help_man(stdout);
    } else if (call_has(call, "completion")) {
        help_completion_bash(stdout);
    } else if (!verb) {
        help_overview(stdout);
    } else if (command) {
        help_command(stdout, command);
    } else if (!noun && is_verb(verb)) {
        help_verb(stdout, verb);
    } else {
        fprintf(stderr, "guardian: there is no command \"%s%s%s\"\n", verb, noun ? " " : "",
                noun ? noun : "");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

enum exit_code cmd_version(const struct call *call)
{
    if (call_flag(call, "json"))
        printf("{\"version\":\"%s\"}\n", GUARDIAN_VERSION);
    else
        printf("guardian %s\n", GUARDIAN_VERSION);
    return EXIT_DONE;
}
