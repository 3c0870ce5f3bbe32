#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *code, *text;
    int status;
    enum err_class class;
} table[ERR_COUNT] = {
    [OK] = {"OK", "no error", 200, ERR_CLASS_NONE},
#define ERR(symbol, code, status, class, text) [symbol] = {code, text, status, ERR_CLASS_##class},
#include "base/err.def"
#undef ERR
};

static enum err known(enum err e)
{
    return (unsigned)e < ERR_COUNT ? e : E_INTERNAL;
}

const char *err_code(enum err e)
{
    return table[known(e)].code;
}

const char *err_text(enum err e)
{
    return table[known(e)].text;
}

int err_status(enum err e)
{
    return table[known(e)].status;
}

enum err_class err_class(enum err e)
{
    return table[known(e)].class;
}

enum err err_from_code(const char *code)
{
    for (unsigned i = 0; i < ERR_COUNT; i++)
        if (strcmp(table[i].code, code) == 0)
            return (enum err)i;
    return E_INTERNAL;
}

enum err problem(struct problem *p, enum err e, const char *format, ...)
{
    if (!p)
        return e;
    p->err = e;
    va_list args;
    va_start(args, format);
    vsnprintf(p->detail, sizeof p->detail, format, args);
    va_end(args);
    return e;
}

const char *problem_text(const struct problem *p)
{
    return p->detail[0] ? p->detail : err_text(p->err);
}
