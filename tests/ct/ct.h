/*
 * Constant-time tests under valgrind: what is secret is undefined, so that
 * every branch and every index that depends on it is reported as an error.
 * The code under test is compiled with GUARDIAN_CT, which makes the marks of
 * base/ct.h declare defined what the protocols publish.
 */
#ifndef CT_H
#define CT_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One operation; secrets are made undefined inside. */
struct ct_case {
    const char *name;
    void (*run)(void);
};

/* Makes n bytes secret. */
void ct_secret(void *p, size_t n);
/* A seeded generator whose output is secret. */
struct rng ct_rng(void);
/* Stops the program if the operation itself failed: then nothing was tested. */
void ct_must(bool ok, const char *what);

/* Runs all of them; 0 if none reported anything, 77 if not under valgrind. */
int ct_main(const struct ct_case *cases, size_t n);

#endif
