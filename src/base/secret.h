/*
 * Secrets are typed, of fixed size, wiped on every path, and compared in
 * constant time. Where they live is the process's business: vault locks all of
 * its memory and forbids dumps before the first secret exists.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Overwrites with zeros in a way the compiler keeps. p may be NULL when n is 0. */
void wipe(void *p, size_t n);
/* Constant-time equality of n bytes. */
bool ct_eq(const void *a, const void *b, size_t n);
/* Constant-time test for n zero bytes. */
bool ct_is_zero(const void *a, size_t n);

struct secret32 {
    uint8_t b[32];
};
static inline void secret32_wipe(struct secret32 *s)
{
    wipe(s, sizeof *s);
}
/* A stack secret that is wiped when it goes out of scope. */
#define SECRET_AUTO __attribute__((cleanup(secret32_wipe))) struct secret32

#endif
