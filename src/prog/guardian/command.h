/*
 * The table of commands (commands.def) in memory, and a parsed command line.
 */
#ifndef PROG_GUARDIAN_COMMAND_H
#define PROG_GUARDIAN_COMMAND_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* 0 done; 1 refused, failed or not valid; 2 the command line or a file it names is unusable. */
enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

enum option_type {
    OPT_FLAG,
    OPT_TEXT,
    OPT_COUNT, /* a decimal number within min and max */
    OPT_PATH,  /* not empty */
    OPT_HEX,   /* an even number of hex digits, at least two */
    OPT_NAME,  /* a DNS label in lower case */
    OPT_LIST,  /* words separated by commas */
    OPT_URL,   /* https://host[:port], nothing behind */
    OPT_ENUM   /* one of the choices in `value` */
};

enum row_kind { ROW_GLOBAL, ROW_COMMAND, ROW_ARGUMENT, ROW_OPTION, ROW_END };
enum { ROW_OPTIONAL = 1, ROW_REQUIRED = 2, ROW_REPEAT = 4 };

struct call;
typedef enum exit_code command_fn(const struct call *call);

/* A row of commands.def; rows of arguments and options follow their command's. */
struct row {
    enum row_kind kind;
    const char *name; /* the verb of a command */
    const char *noun; /* "" if it has none */
    enum option_type type;
    unsigned flags;
    const char *value;    /* how help calls the value */
    const char *standard; /* the default, or NULL */
    uint64_t min, max;
    const char *help;
    const char *more; /* a paragraph; may be empty */
    command_fn *run;
};

/* Every handler of the table. */
#define GLOBAL(...)
#define COMMAND(handler, ...) command_fn handler;
#define ARGUMENT(...)
#define OPTION(...)
#include "prog/guardian/commands.def"
#undef GLOBAL
#undef COMMAND
#undef ARGUMENT
#undef OPTION

/* Ends with a ROW_END. Globals come first. */
extern const struct row command_rows[];

/* The first row that is a command, and the next one after `row`; NULL at the end. */
const struct row *command_first(void);
const struct row *command_next(const struct row *row);
/* NULL if there is none; noun NULL or "" for commands of one word. */
const struct row *command_find(const char *verb, const char *noun);
/* Steps through the rows of a command: pass NULL first; NULL at the end. */
const struct row *command_part(const struct row *command, const struct row *previous);
/* The same for global options. */
const struct row *command_global(const struct row *previous);

#define CALL_VALUES_MAX 64 /* far more than any command can use; a limit on repetition */

struct call_value {
    const struct row *row;
    const char *text; /* borrowed from argv */
};

/* A parsed command line. Asking for a name that the command doesn't declare is a bug. */
struct call {
    const struct row *command;
    struct call_value values[CALL_VALUES_MAX];
    size_t n;
};

/* What was given, else the default, else NULL. */
const char *call_text(const struct call *call, const char *name);
/* Whether it was given, not defaulted. */
bool call_has(const struct call *call, const char *name);
bool call_flag(const struct call *call, const char *name);
/* What was given or the default, as a number; a bug if there is neither. */
uint64_t call_count(const struct call *call, const char *name);
/* How often it was given, and the i-th. */
size_t call_times(const struct call *call, const char *name);
const char *call_nth(const struct call *call, const char *name, size_t i);

/*
 * Parses argv[1..]; options may stand anywhere, `--` ends them, `--x=v` is `--x v`.
 * E_VALUE with a sentence for the user in *p, which lists the possible next words
 * where a word was wrong; `-h` and `--help` turn into the help of the command.
 */
enum err command_parse(int argc, char *const argv[], struct call *call, struct problem *p);

#endif
