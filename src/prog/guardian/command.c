#include "prog/guardian/command.h"
#include "base/bug.h"

#include <stdlib.h>
#include <string.h>

#define GLOBAL(name_, type_, value_, standard_, min_, max_, help_) \
    {.kind = ROW_GLOBAL,                                           \
     .name = name_,                                                \
     .type = type_,                                                \
     .value = value_,                                              \
     .standard = standard_,                                        \
     .min = min_,                                                  \
     .max = max_,                                                  \
     .help = help_},
#define COMMAND(handler, verb, noun_, summary, more_) \
    {.kind = ROW_COMMAND,                             \
     .name = verb,                                    \
     .noun = noun_,                                   \
     .help = summary,                                 \
     .more = more_,                                   \
     .run = handler},
#define ARGUMENT(name_, type_, flags_, help_) \
    {.kind = ROW_ARGUMENT,                    \
     .name = name_,                           \
     .type = type_,                           \
     .flags = flags_,                         \
     .max = UINT64_MAX,                       \
     .help = help_},
#define OPTION(name_, type_, flags_, value_, standard_, min_, max_, help_) \
    {.kind = ROW_OPTION,                                                   \
     .name = name_,                                                        \
     .type = type_,                                                        \
     .flags = flags_,                                                      \
     .value = value_,                                                      \
     .standard = standard_,                                                \
     .min = min_,                                                          \
     .max = max_,                                                          \
     .help = help_},

const struct row command_rows[] = {
#include "prog/guardian/commands.def"
    {.kind = ROW_END}};

static const struct row *forward_to(const struct row *row, enum row_kind kind)
{
    while (row->kind != kind && row->kind != ROW_END)
        row++;
    return row->kind == kind ? row : NULL;
}

const struct row *command_first(void)
{
    return forward_to(command_rows, ROW_COMMAND);
}

const struct row *command_next(const struct row *row)
{
    return forward_to(row + 1, ROW_COMMAND);
}

const struct row *command_find(const char *verb, const char *noun)
{
    for (const struct row *row = command_first(); row; row = command_next(row))
        if (strcmp(row->name, verb) == 0 && strcmp(row->noun, noun ? noun : "") == 0)
            return row;
    return NULL;
}

const struct row *command_part(const struct row *command, const struct row *previous)
{
    const struct row *row = (previous ? previous : command) + 1;
    return row->kind == ROW_ARGUMENT || row->kind == ROW_OPTION ? row : NULL;
}

const struct row *command_global(const struct row *previous)
{
    const struct row *row = previous ? previous + 1 : command_rows;
    return row->kind == ROW_GLOBAL ? row : NULL;
}

/* The row that declares a name for this command; asking for another name is our bug. */
static const struct row *declared(const struct call *call, const char *name)
{
    for (const struct row *row = NULL; (row = command_part(call->command, row));)
        if (strcmp(row->name, name) == 0)
            return row;
    for (const struct row *row = NULL; (row = command_global(row));)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

const char *call_nth(const struct call *call, const char *name, size_t i)
{
    GD_BUG_ON(!declared(call, name));
    for (size_t k = 0; k < call->n; k++)
        if (strcmp(call->values[k].row->name, name) == 0 && i-- == 0)
            return call->values[k].text;
    return NULL;
}

size_t call_times(const struct call *call, const char *name)
{
    size_t n = 0;
    while (call_nth(call, name, n))
        n++;
    return n;
}

bool call_has(const struct call *call, const char *name)
{
    return call_nth(call, name, 0) != NULL;
}

bool call_flag(const struct call *call, const char *name)
{
    return call_has(call, name);
}

const char *call_text(const struct call *call, const char *name)
{
    const char *given = call_nth(call, name, 0);
    return given ? given : declared(call, name)->standard;
}

uint64_t call_count(const struct call *call, const char *name)
{
    const char *text = call_text(call, name);
    GD_BUG_ON(!text);
    return strtoull(text, NULL, 10);
}
