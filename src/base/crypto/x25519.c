#include "base/crypto/x25519.h"
#include "base/ct.h"

#include <sodium.h>
#include <string.h>

struct x25519_public x25519_public_of(const struct secret32 *secret)
{
    struct x25519_public public;
    crypto_scalarmult_curve25519_base(public.b, secret->b);
    ct_public(&public, sizeof public);
    return public;
}

void x25519_keygen(struct rng rng, struct secret32 *secret, struct x25519_public *public)
{
    rng_fill(rng, secret->b, sizeof secret->b);
    *public = x25519_public_of(secret);
}

enum err x25519(const struct secret32 *mine, const struct x25519_public *theirs,
                struct secret32 *out)
{
    bool zero = crypto_scalarmult_curve25519(out->b, mine->b, theirs->b) != 0;
    if (!ct_public_bool(zero))
        return OK;
    secret32_wipe(out);
    return E_VALUE;
}

/* u < 2^255 - 19. The key is public, so this may branch. */
static bool is_canonical(const struct x25519_public *public)
{
    if (public->b[31] != 0x7f)
        return public->b[31] < 0x7f;
    for (unsigned i = 30; i > 0; i--)
        if (public->b[i] != 0xff)
            return true;
    return public->b[0] < 0xed;
}

enum err x25519_public_check(const struct x25519_public *public)
{
    if (!is_canonical(public))
        return E_VALUE;
    /* Multiplying by any clamped scalar, a multiple of 8, shows small order as zero. */
    struct secret32 any = {{1}}, shared;
    return x25519(&any, public, &shared);
}
