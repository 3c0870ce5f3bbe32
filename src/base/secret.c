#include "base/secret.h"

#include <sodium.h>

/* The one use of libsodium outside base/crypto: its wipe and comparison are the careful ones. */

void wipe(void *p, size_t n)
{
    if (n)
        sodium_memzero(p, n);
}

bool ct_eq(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

bool ct_is_zero(const void *a, size_t n)
{
    return sodium_is_zero(a, n) == 1;
}
