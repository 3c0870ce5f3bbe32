#include "prog/guardian/help.h"

#include <string.h>

#define TEXT_WIDTH 80

/* Prints text in lines of TEXT_WIDTH, the first one at `column` already, the others at `indent`. */
static void print_wrapped(FILE *out, const char *text, size_t column, size_t indent)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > indent && column + 1 + n > TEXT_WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, n, out);
        column += n;
        text += n + strspn(text + n, " ");
    }
    fputc('\n', out);
}

static void print_entry(FILE *out, const char *left, size_t indent, const char *text)
{
    size_t n = strlen(left);
    fprintf(out, "  %s", left);
    if (n + 2 >= indent)
        fprintf(out, "\n%*s", (int)indent, "");
    else
        fprintf(out, "%*s", (int)(indent - n - 2), "");
    print_wrapped(out, text, indent, indent);
}

static void option_left(const struct row *row, char *left, size_t cap)
{
    snprintf(left, cap, "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
}

static void option_text(const struct row *row, char *text, size_t cap)
{
    snprintf(text, cap, "%s%s%s%s%s%s", row->help, row->flags & ROW_REQUIRED ? " (required)" : "",
             row->flags & ROW_REPEAT ? " (may be repeated)" : "", row->standard ? " [" : "",
             row->standard ? row->standard : "", row->standard ? "]" : "");
}

static void print_option(FILE *out, const struct row *row)
{
    char left[80], text[400];
    option_left(row, left, sizeof left);
    option_text(row, text, sizeof text);
    print_entry(out, left, 26, text);
}

static bool replaced(const struct row *command, const struct row *global)
{
    for (const struct row *row = NULL; (row = command_part(command, row));)
        if (strcmp(row->name, global->name) == 0)
            return true;
    return false;
}

/* "dev up", or "status". */
static void command_words(const struct row *command, char *words, size_t cap)
{
    snprintf(words, cap, "%s%s%s", command->name, command->noun[0] ? " " : "", command->noun);
}

static void print_commands(FILE *out, const char *verb)
{
    for (const struct row *row = command_first(); row; row = command_next(row)) {
        char words[64];
        if (verb && strcmp(row->name, verb) != 0)
            continue;
        command_words(row, words, sizeof words);
        print_entry(out, words, 24, row->help);
    }
}

static void print_globals(FILE *out, const struct row *command)
{
    for (const struct row *row = NULL; (row = command_global(row));)
        if (!command || !replaced(command, row))
            print_option(out, row);
}

void help_overview(FILE *out)
{
    fputs("usage: guardian [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n", out);
    print_commands(out, NULL);
    fputs("\nOptions of every command:\n", out);
    print_globals(out, NULL);
    fputs("\nguardian help COMMAND says more about one of them.\n", out);
}

void help_verb(FILE *out, const char *verb)
{
    fprintf(out, "usage: guardian [OPTIONS] %s COMMAND [ARGUMENTS]\n\nCommands:\n", verb);
    print_commands(out, verb);
}

static bool has_options(const struct row *command)
{
    for (const struct row *row = NULL; (row = command_part(command, row));)
        if (row->kind == ROW_OPTION)
            return true;
    return false;
}

static void print_synopsis(FILE *out, const struct row *command)
{
    char words[64];
    command_words(command, words, sizeof words);
    fprintf(out, "guardian %s", words);
    for (const struct row *row = NULL; (row = command_part(command, row));) {
        if (row->kind == ROW_ARGUMENT)
            fprintf(out, row->flags & ROW_OPTIONAL ? " [%s]" : " <%s>", row->name);
        else if (row->flags & ROW_REQUIRED)
            fprintf(out, " --%s %s", row->name, row->value);
    }
    if (has_options(command))
        fputs(" [OPTIONS]", out);
}

void help_command(FILE *out, const struct row *command)
{
    fputs("usage: ", out);
    print_synopsis(out, command);
    fprintf(out, "\n\n  %s\n", command->help);
    if (command->more[0]) {
        fputs("\n  ", out);
        print_wrapped(out, command->more, 2, 2);
    }
    fputc('\n', out);
    for (const struct row *row = NULL; (row = command_part(command, row));)
        if (row->kind == ROW_ARGUMENT)
            print_entry(out, row->name, 26, row->help);
    for (const struct row *row = NULL; (row = command_part(command, row));)
        if (row->kind == ROW_OPTION)
            print_option(out, row);
    fputs("\nOptions of every command:\n", out);
    print_globals(out, command);
}
