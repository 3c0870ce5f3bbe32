#include "base/codec/hex.h"

#include <sodium.h>

/* libsodium's functions don't branch or index on the content. */

void hex_encode(struct bytes in, char *out)
{
    sodium_bin2hex(out, 2 * in.n + 1, in.p, in.n);
}

enum err hex_decode(const char *text, void *out, size_t n)
{
    size_t got = 0;
    if (strlen(text) == 2 * n && sodium_hex2bin(out, n, text, 2 * n, NULL, &got, NULL) == 0 &&
        got == n)
        return OK;
    memset(out, 0, n);
    return E_MALFORMED;
}
