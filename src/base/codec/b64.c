#include "base/codec/b64.h"

#include <sodium.h>
#include <stdlib.h>

static int sodium_variant(enum b64 v)
{
    return v == B64_URL ? sodium_base64_VARIANT_URLSAFE_NO_PADDING : sodium_base64_VARIANT_ORIGINAL;
}

char *b64_string(enum b64 variant, struct bytes in)
{
    size_t n = sodium_base64_encoded_len(in.n, sodium_variant(variant));
    char *text = malloc(n);
    if (text)
        sodium_bin2base64(text, n, in.p, in.n, sodium_variant(variant));
    return text;
}

enum err b64_encode(enum b64 variant, struct bytes in, struct buf *out)
{
    char *text = b64_string(variant, in);
    if (!text)
        return E_NOMEM;
    size_t n = strlen(text);
    enum err e = buf_add(out, text, n);
    wipe(text, n);
    free(text);
    return e;
}

/* libsodium 1.0.18 takes some bytes above 0x7f for letters: its table is computed on signed char.
 */
static bool is_ascii(struct bytes text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.n; i++)
        all |= text.p[i];
    return all < 0x80;
}

/* Exact for valid text, so that a buffer's limit means decoded bytes. */
static size_t decoded_size(struct bytes text)
{
    size_t n = text.n;
    for (int i = 0; i < 2 && n > 0 && text.p[n - 1] == '='; i++)
        n--;
    return n / 4 * 3 + n % 4 * 3 / 4;
}

enum err b64_decode(enum b64 variant, struct bytes text, struct buf *out)
{
    if (!is_ascii(text))
        return E_MALFORMED;
    size_t most = decoded_size(text), got = 0;
    uint8_t *to = buf_extend(out, most);
    if (!to)
        return E_TOO_LARGE;
    size_t before = out->n - most;
    int failed = sodium_base642bin(to, most, (const char *)text.p, text.n, NULL, &got, NULL,
                                   sodium_variant(variant));
    if (failed)
        got = 0;
    wipe(to + got, most - got);
    out->n = before + got;
    return failed ? E_MALFORMED : OK;
}
