#include "prog/guardian/help.h"

#include <string.h>

static bool first_of_its_verb(const struct row *command)
{
    for (const struct row *row = command_first(); row != command; row = command_next(row))
        if (strcmp(row->name, command->name) == 0)
            return false;
    return true;
}

static void words_of_verb(FILE *out, const char *verb)
{
    fprintf(out, "        '%s')", verb);
    fputs(" words='", out);
    for (const struct row *row = command_first(); row; row = command_next(row))
        if (strcmp(row->name, verb) == 0)
            fprintf(out, "%s ", row->noun);
    fputs("' ;;\n", out);
}

static void options_of(FILE *out, const struct row *command)
{
    fprintf(out, "        '%s%s%s'*) words='", command->name, command->noun[0] ? " " : "",
            command->noun);
    for (const struct row *row = NULL; (row = command_part(command, row));)
        if (row->kind == ROW_OPTION)
            fprintf(out, "--%s ", row->name);
    fputs("' ;;\n", out);
}

static void choices_of(FILE *out, const struct row *row)
{
    fprintf(out, "        --%s) words='", row->name);
    for (const char *c = row->value; *c; c++)
        fputc(*c == '|' ? ' ' : *c, out);
    fputs("' ;;\n", out);
}

/* An option with other choices in another command can't be told apart here: the first one counts.
 */
static bool first_of_its_name(const struct row *row)
{
    for (const struct row *r = command_rows; r < row; r++)
        if (r->kind == ROW_OPTION && r->type == OPT_ENUM && strcmp(r->name, row->name) == 0)
            return false;
    return true;
}

static void values_of_options(FILE *out)
{
    for (const struct row *row = command_rows; row->kind != ROW_END; row++)
        if (row->kind == ROW_OPTION && row->type == OPT_ENUM && first_of_its_name(row))
            choices_of(out, row);
}

static void options_with_values(FILE *out)
{
    fputs("--none", out);
    for (const struct row *row = command_rows; row->kind != ROW_END; row++)
        if ((row->kind == ROW_GLOBAL || row->kind == ROW_OPTION) && row->type != OPT_FLAG)
            fprintf(out, "|--%s", row->name);
}

static void verbs(FILE *out)
{
    for (const struct row *row = command_first(); row; row = command_next(row))
        if (first_of_its_verb(row))
            fprintf(out, "%s ", row->name);
}

void help_completion_bash(FILE *out)
{
    fputs("# bash completion for guardian(1)\n"
          "_guardian() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= i w\n"
          "    local -a said=()\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        w=${COMP_WORDS[i]}\n"
          "        case $w in\n"
          "        ",
          out);
    options_with_values(out);
    fputs(") ((i++)) ;;\n"
          "        -*) ;;\n"
          "        *) said+=(\"$w\") ;;\n"
          "        esac\n"
          "    done\n"
          "    case $prev in\n",
          out);
    values_of_options(out);
    fputs("        *) case ${#said[@]} in\n        0) words='", out);
    verbs(out);
    fputs("' ;;\n        1) case ${said[0]} in\n", out);
    for (const struct row *row = command_first(); row; row = command_next(row))
        if (row->noun[0] && first_of_its_verb(row))
            words_of_verb(out, row->name);
    fputs("        esac ;;\n        esac ;;\n    esac\n"
          "    if [[ $cur == -* ]]; then\n        case \"${said[0]}${said[1]:+ ${said[1]}}\" in\n",
          out);
    for (const struct row *row = command_first(); row; row = command_next(row))
        options_of(out, row);
    fputs("        *) words= ;;\n        esac\n        words+=' ", out);
    for (const struct row *row = NULL; (row = command_global(row));)
        fprintf(out, "--%s ", row->name);
    fputs("'\n    fi\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "}\n"
          "complete -o default -F _guardian guardian\n",
          out);
}
