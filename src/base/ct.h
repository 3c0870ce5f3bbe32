/*
 * Marks of the constant-time tests (tests/ct). There, secrets are undefined to
 * valgrind, which then reports every branch and index that depends on them;
 * here a value computed from secrets is declared public, because the protocol
 * publishes it (a commitment, a proof, whether a check held). Elsewhere these
 * do nothing.
 */
#ifndef BASE_CT_H
#define BASE_CT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef GUARDIAN_CT
#include <valgrind/memcheck.h>
static inline void ct_public(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}
#else
static inline void ct_public(const void *p, size_t n)
{
    (void)p;
    (void)n;
}
#endif

/* The same for the answer of a test. */
static inline bool ct_public_bool(bool answer)
{
    ct_public(&answer, sizeof answer);
    return answer;
}

#endif
