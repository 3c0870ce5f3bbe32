/*
 * What the user reads. With --json: one JSON object per command on standard
 * output, also for failures, {"code","status","detail"}. Without: text for people on
 * standard output, failures on standard error.
 */
#ifndef PROG_GUARDIAN_SAY_H
#define PROG_GUARDIAN_SAY_H

#include "base/codec/json.h"
#include "prog/guardian/command.h"

/* "guardian: detail (Code)", and EXIT_REFUSED. */
enum exit_code say_refused(const struct call *call, const struct problem *p);
/* EXIT_REFUSED for `e`, whose sentence is in *p if somebody put it there. */
enum exit_code say_failed(const struct call *call, enum err e, struct problem *p);
/* The same as say_refused() with EXIT_USAGE, for files and options that can't be used. */
enum exit_code say_unusable(const struct call *call, const struct problem *p);
/* One line of compact JSON. */
enum exit_code say_json(const json_t *v);
/* Ends the builder and prints it; frees it in any case. */
enum exit_code say_built(struct json_builder *b);

/* "name: value", the values below each other; control characters of others' texts are replaced. */
void say_field(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A row of a list: cells padded to widths[i], the last one as it is. */
void say_row(const int *widths, size_t n, const char *const *cells);
/* What is going on, on standard error, not with --json. */
void say_step(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
