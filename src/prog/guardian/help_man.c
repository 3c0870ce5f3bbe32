#include "prog/guardian/help.h"

#include <string.h>

/* Text for man(7): hyphens are typed characters here, and no line starts a request. */
static void man_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
    }
}

static void man_option(FILE *out, const struct row *row)
{
    fputs(".TP\n.B \\-\\-", out);
    man_text(out, row->name);
    if (row->value) {
        fputc(' ', out);
        man_text(out, row->value);
    }
    fputc('\n', out);
    man_text(out, row->help);
    if (row->flags & ROW_REQUIRED)
        fputs(" (required)", out);
    if (row->flags & ROW_REPEAT)
        fputs(" (may be repeated)", out);
    if (row->standard)
        fprintf(out, " [%s]", row->standard);
    fputc('\n', out);
}

static void man_command(FILE *out, const struct row *command)
{
    fprintf(out, ".SS guardian %s%s%s", command->name, command->noun[0] ? " " : "", command->noun);
    for (const struct row *row = NULL; (row = command_part(command, row));)
        if (row->kind == ROW_ARGUMENT)
            fprintf(out, row->flags & ROW_OPTIONAL ? " [%s]" : " <%s>", row->name);
    fputs("\n", out);
    man_text(out, command->help);
    fputs(".\n", out);
    if (command->more[0]) {
        fputs(".PP\n", out);
        man_text(out, command->more);
        fputc('\n', out);
    }
    for (const struct row *row = NULL; (row = command_part(command, row));) {
        if (row->kind == ROW_OPTION) {
            man_option(out, row);
            continue;
        }
        fprintf(out, ".TP\n.I %s\n", row->name);
        man_text(out, row->help);
        fputc('\n', out);
    }
}

static const char man_tail[] =
    ".SH FILES\n"
    ".TP\n.I DIR/client.json\nThe guardians' addresses and the cluster's ids, written by dev up "
    "and attest.\n"
    ".TP\n.I DIR/root.pem\nThe root certificate, pinned when a guardian was attested.\n"
    ".TP\n.I DIR/admin*.key\nAdministrators' keys; used only if readable by their owner alone.\n"
    ".SH EXIT STATUS\n"
    "0 done; 1 refused, failed or not valid; 2 the command line or a file it names is unusable.\n"
    ".SH SECURITY\n"
    "No secret is ever taken from the command line or shown without being asked for; files with\n"
    "secrets are made with mode 0600 and refused if others can read them.\n"
    ".SH SEE ALSO\n"
    ".BR guardiand (8),\n.BR guardian.yaml (5)\n";

void help_man(FILE *out)
{
    fprintf(out, ".TH GUARDIAN 1 \"\" \"guardian %s\" \"User Commands\"\n", GUARDIAN_VERSION);
    fputs(".SH NAME\nguardian \\- keys and certificates for attested workloads\n"
          ".SH SYNOPSIS\n.B guardian\n[OPTIONS] COMMAND [ARGUMENTS]\n"
          ".SH DESCRIPTION\n"
          "Asks a cluster of guardians, administers it, verifies evidence and receipts, and runs\n"
          "clusters of simulated guardians for development. Output is for people; with\n"
          ".B \\-\\-json\nit is one JSON object.\n"
          ".SH OPTIONS\nThese may stand anywhere on the command line.\n",
          out);
    for (const struct row *row = NULL; (row = command_global(row));)
        man_option(out, row);
    fputs(".SH COMMANDS\n", out);
    for (const struct row *row = command_first(); row; row = command_next(row))
        man_command(out, row);
    fputs(man_tail, out);
}
