#include "base/crypto/aead.h"

#include <sodium.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG   crypto_aead_xchacha20poly1305_ietf_ABYTES
_Static_assert(NONCE + TAG == AEAD_OVERHEAD, "nonce and tag");

enum err aead_seal(struct rng rng, const struct secret32 *key, struct bytes ad, struct bytes plain,
                   struct buf *out)
{
    uint8_t *to = buf_extend(out, plain.n + AEAD_OVERHEAD);
    if (!to)
        return E_TOO_LARGE;
    rng_fill(rng, to, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(to + NONCE, NULL, plain.p, plain.n, ad.p, ad.n, NULL,
                                               to, key->b);
    return OK;
}

enum err aead_open(const struct secret32 *key, struct bytes ad, struct bytes sealed,
                   struct buf *out)
{
    if (sealed.n < AEAD_OVERHEAD)
        return E_SIGNATURE;
    size_t n = sealed.n - AEAD_OVERHEAD;
    uint8_t *to = buf_extend(out, n);
    if (!to)
        return E_TOO_LARGE;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            to, NULL, NULL, sealed.p + NONCE, sealed.n - NONCE, ad.p, ad.n, sealed.p, key->b) == 0)
        return OK;
    wipe(to, n);
    out->n -= n;
    return E_SIGNATURE;
}
