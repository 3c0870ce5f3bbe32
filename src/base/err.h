/*
 * The one error idiom: a function that can fail returns enum err, OK is zero,
 * and the compiler warns when the result is dropped.
 *
 * Where a person must be told more than the code says (which component, what
 * was expected, what came), the function takes a struct problem and fills it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum [[nodiscard]] err{OK = 0,
#define ERR(symbol, code, status, class, text) symbol,
#include "base/err.def"
#undef ERR
                       ERR_COUNT};

enum err_class {
    ERR_CLASS_NONE,
    ERR_CLASS_INPUT,
    ERR_CLASS_DENIED,
    ERR_CLASS_STATE,
    ERR_CLASS_OURS
};

/* The stable code ("NonceMismatch"), never NULL; "OK" for OK. */
const char *err_code(enum err e);
/* One sentence without a full stop, never NULL. */
const char *err_text(enum err e);
/* The HTTP status of api.md; 200 for OK. */
int err_status(enum err e);
enum err_class err_class(enum err e);
/* The error with this code; E_INTERNAL if there is none. */
enum err err_from_code(const char *code);

/* What went wrong, for a person: one sentence with expected and actual values. */
struct problem {
    enum err err;
    char detail[256];
};

/* Sets *p (p may be NULL) and returns e, so that `return problem(p, E_X, ...)` is one line. */
enum err problem(struct problem *p, enum err e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The detail if one was given, else the error's own text. */
const char *problem_text(const struct problem *p);

/* Returns from the calling function when `expression` fails. Not for functions with cleanup. */
#define TRY(expression)                   \
    do {                                  \
        enum err try_err_ = (expression); \
        if (try_err_ != OK)               \
            return try_err_;              \
    } while (0)

/* Jumps to `out` with `e` set when `expression` fails. For functions with cleanup. */
#define TRY_OUT(expression) \
    do {                    \
        e = (expression);   \
        if (e != OK)        \
            goto out;       \
    } while (0)

#endif
