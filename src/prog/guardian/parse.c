#include "prog/guardian/command.h"
#include "base/bug.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    char *const *argv;
    int argc, at;
    const char *verb; /* once seen, until the noun is */
    struct call *call;
    const struct row *next_argument;
    bool options_ended;
    bool help;
    struct problem *p;
};

/* ---- what may come next, for messages ---- */

static void list_add(char *list, size_t cap, const char *word)
{
    size_t n = strlen(list);
    snprintf(list + n, cap - n, "%s%s", n ? " " : "", word);
}

static void possible_verbs(char *list, size_t cap)
{
    const char *last = "";
    for (const struct row *row = command_first(); row; row = command_next(row)) {
        if (strcmp(row->name, last) != 0)
            list_add(list, cap, row->name);
        last = row->name;
    }
}

static void possible_nouns(const char *verb, char *list, size_t cap)
{
    for (const struct row *row = command_first(); row; row = command_next(row))
        if (strcmp(row->name, verb) == 0)
            list_add(list, cap, row->noun);
}

static void possible_options(const struct row *command, char *list, size_t cap)
{
    char word[64];
    for (const struct row *row = NULL; command && (row = command_part(command, row));)
        if (row->kind == ROW_OPTION) {
            snprintf(word, sizeof word, "--%s", row->name);
            list_add(list, cap, word);
        }
    for (const struct row *row = NULL; (row = command_global(row));) {
        snprintf(word, sizeof word, "--%s", row->name);
        list_add(list, cap, word);
    }
}

/* ---- values ---- */

static enum err check_count(const struct row *row, const char *text, struct problem *p)
{
    errno = 0;
    char *end;
    unsigned long long v = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
    if (!isdigit((unsigned char)text[0]) || *end || errno || v < row->min || v > row->max) {
        if (row->max == UINT64_MAX)
            return problem(p, E_VALUE, "%s must be a number, not \"%s\"", row->name, text);
        return problem(p, E_VALUE, "%s must be a number from %llu to %llu, not \"%s\"", row->name,
                       (unsigned long long)row->min, (unsigned long long)row->max, text);
    }
    return OK;
}

static enum err check_hex(const struct row *row, const char *text, struct problem *p)
{
    size_t n = strspn(text, "0123456789abcdefABCDEF");
    if (n == 0 || n % 2 || text[n])
        return problem(p, E_VALUE, "%s must be hex digits, not \"%.80s\"", row->name, text);
    return OK;
}

/* RFC 1123 section 2.1, in lower case. */
static enum err check_name(const struct row *row, const char *text, struct problem *p)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n == 0 || n > 63 || text[n] || text[0] == '-' || text[n - 1] == '-')
        return problem(p, E_VALUE, "%s must be 1 to 63 of a-z, 0-9 and -, not \"%.80s\"", row->name,
                       text);
    return OK;
}

static enum err check_url(const struct row *row, const char *text, struct problem *p)
{
    const char *host = text + strlen("https://");
    if (strncmp(text, "https://", strlen("https://")) != 0 || !*host || strchr(host, '/') ||
        strpbrk(host, " \t@?#"))
        return problem(p, E_VALUE, "%s must be https://host:port, not \"%.80s\"", row->name, text);
    return OK;
}

static enum err check_enum(const struct row *row, const char *text, struct problem *p)
{
    size_t n = strlen(text);
    for (const char *choice = row->value; choice; choice = strchr(choice, '|')) {
        choice += *choice == '|';
        if (n && strncmp(choice, text, n) == 0 && (choice[n] == '|' || !choice[n]))
            return OK;
    }
    return problem(p, E_VALUE, "--%s must be one of %s, not \"%.80s\"", row->name, row->value,
                   text);
}

static enum err check_value(const struct row *row, const char *text, struct problem *p)
{
    switch (row->type) {
    case OPT_COUNT:
        return check_count(row, text, p);
    case OPT_HEX:
        return check_hex(row, text, p);
    case OPT_NAME:
        return check_name(row, text, p);
    case OPT_URL:
        return check_url(row, text, p);
    case OPT_ENUM:
        return check_enum(row, text, p);
    default:
        if (!*text)
            return problem(p, E_VALUE, "%s must not be empty", row->name);
        return OK;
    }
}

static enum err add_value(struct parser *ps, const struct row *row, const char *text)
{
    struct call *call = ps->call;
    for (size_t i = 0; i < call->n; i++)
        if (strcmp(call->values[i].row->name, row->name) == 0 && !(row->flags & ROW_REPEAT))
            return problem(ps->p, E_VALUE, "--%s was given twice", row->name);
    if (call->n == CALL_VALUES_MAX)
        return problem(ps->p, E_VALUE, "too many options");
    if (row->type != OPT_FLAG)
        TRY(check_value(row, text, ps->p));
    call->values[call->n++] = (struct call_value){row, text};
    return OK;
}

/* ---- options ---- */

static bool names(const struct row *row, const char *word, size_t n)
{
    return strlen(row->name) == n && memcmp(row->name, word, n) == 0;
}

static const struct row *find_option(const struct row *command, const char *word, size_t n)
{
    for (const struct row *row = NULL; command && (row = command_part(command, row));)
        if (row->kind == ROW_OPTION && names(row, word, n))
            return row;
    for (const struct row *row = NULL; (row = command_global(row));)
        if (names(row, word, n))
            return row;
    return NULL;
}

static enum err unknown_option(const struct parser *ps, const char *word)
{
    char list[512] = "";
    possible_options(ps->call->command, list, sizeof list);
    return problem(ps->p, E_VALUE, "%s \"%.40s\"; possible: %s",
                   ps->call->command ? "unknown option" : "before the command, unknown option",
                   word, list);
}

static enum err parse_option(struct parser *ps, const char *word)
{
    const char *name = word + 2, *value = strchr(name, '=');
    size_t n = value ? (size_t)(value - name) : strlen(name);
    const struct row *row =
        strncmp(word, "--", 2) == 0 ? find_option(ps->call->command, name, n) : NULL;
    if (!row)
        return unknown_option(ps, word);
    if (row->type == OPT_FLAG)
        return value ? problem(ps->p, E_VALUE, "--%s takes no value", row->name)
                     : add_value(ps, row, "");
    if (value)
        return add_value(ps, row, value + 1);
    if (ps->at == ps->argc)
        return problem(ps->p, E_VALUE, "--%s needs a value (%s)", row->name, row->value);
    return add_value(ps, row, ps->argv[ps->at++]);
}

/* ---- words ---- */

static void begin_command(struct parser *ps, const struct row *command)
{
    ps->call->command = command;
    ps->next_argument = command_part(command, NULL);
    while (ps->next_argument && ps->next_argument->kind != ROW_ARGUMENT)
        ps->next_argument = command_part(command, ps->next_argument);
}

static enum err parse_verb(struct parser *ps, const char *word)
{
    const struct row *command = command_find(word, "");
    if (command) {
        begin_command(ps, command);
        return OK;
    }
    for (const struct row *row = command_first(); row; row = command_next(row))
        if (strcmp(row->name, word) == 0) {
            ps->verb = row->name;
            return OK;
        }
    char list[256] = "";
    possible_verbs(list, sizeof list);
    return problem(ps->p, E_VALUE, "unknown command \"%.40s\"; possible: %s", word, list);
}

static enum err parse_noun(struct parser *ps, const char *word)
{
    const struct row *command = *word ? command_find(ps->verb, word) : NULL;
    if (command) {
        begin_command(ps, command);
        return OK;
    }
    char list[256] = "";
    possible_nouns(ps->verb, list, sizeof list);
    return problem(ps->p, E_VALUE, "unknown word \"%.40s\" after %s; possible: %s", word, ps->verb,
                   list);
}

static enum err parse_word(struct parser *ps, const char *word)
{
    if (!ps->call->command)
        return ps->verb ? parse_noun(ps, word) : parse_verb(ps, word);
    const struct row *row = ps->next_argument;
    if (!row)
        return problem(ps->p, E_VALUE, "there is no place for \"%.80s\"", word);
    TRY(add_value(ps, row, word));
    const struct row *next = command_part(ps->call->command, row);
    ps->next_argument = next && next->kind == ROW_ARGUMENT ? next : NULL;
    return OK;
}

/* ---- the whole line ---- */

static enum err check_complete(const struct parser *ps)
{
    char list[256] = "";
    const struct row *command = ps->call->command;
    if (!command && ps->verb) {
        possible_nouns(ps->verb, list, sizeof list);
        return problem(ps->p, E_VALUE, "%s needs another word; possible: %s", ps->verb, list);
    }
    if (!command) {
        possible_verbs(list, sizeof list);
        return problem(ps->p, E_VALUE, "a command is missing; possible: %s", list);
    }
    for (const struct row *row = NULL; (row = command_part(command, row));) {
        bool needed = row->kind == ROW_ARGUMENT ? !(row->flags & ROW_OPTIONAL)
                                                : (row->flags & ROW_REQUIRED) != 0;
        if (needed && !call_has(ps->call, row->name))
            return problem(ps->p, E_VALUE, "%s%s is missing: %s",
                           row->kind == ROW_OPTION ? "--" : "", row->name, row->help);
    }
    return OK;
}

/* `guardian dev up --help` is `guardian help dev up`, whatever else was given. */
static void turn_into_help(struct parser *ps)
{
    struct call *call = ps->call;
    const struct row *about = call->command;
    *call = (struct call){.command = command_find("help", "")};
    const struct row *verb = command_part(call->command, NULL);
    const struct row *noun = command_part(call->command, verb);
    const char *word = about ? about->name : ps->verb;
    if (word)
        call->values[call->n++] = (struct call_value){verb, word};
    if (about && about->noun[0])
        call->values[call->n++] = (struct call_value){noun, about->noun};
}

enum err command_parse(int argc, char *const argv[], struct call *call, struct problem *p)
{
    *call = (struct call){0};
    struct parser ps = {.argv = argv, .argc = argc, .at = 1, .call = call, .p = p};
    enum err e = OK;
    for (; e == OK && ps.at < argc;) {
        const char *word = argv[ps.at++];
        if (!ps.options_ended && strcmp(word, "--") == 0)
            ps.options_ended = true;
        else if (!ps.options_ended && (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0))
            ps.help = true;
        else if (!ps.options_ended && word[0] == '-' && word[1])
            e = parse_option(&ps, word);
        else
            e = parse_word(&ps, word);
    }
    if (ps.help && e == OK) {
        turn_into_help(&ps);
        return OK;
    }
    return e ? e : check_complete(&ps);
}
