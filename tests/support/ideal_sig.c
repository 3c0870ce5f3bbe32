#include "ideal_sig.h"

/* As with Ed25519, the second half of the secret is the public key, so sig_public_of() works. */
static void ideal_keygen(struct rng rng, struct sig_secret *secret, struct sig_public *public)
{
    rng_fill(rng, secret->b, 32);
    crypto_generichash(public->b, sizeof public->b, secret->b, 32, NULL, 0);
    memcpy(secret->b + 32, public->b, 32);
}

static struct signature tag(const uint8_t *public, struct bytes message)
{
    struct signature s = {0};
    crypto_generichash(s.b, 32, message.p, message.n, public, 32);
    return s;
}

static struct signature ideal_sign(const struct sig_secret *secret, struct bytes message)
{
    return tag(secret->b + 32, message);
}

static enum err ideal_verify(const struct sig_public *public, struct bytes message,
                             const struct signature *signature)
{
    struct signature s = tag(public->b, message);
    return memcmp(s.b, signature->b, sizeof s.b) == 0 ? OK : E_SIGNATURE;
}

const struct sig_scheme sig_ideal = {ideal_keygen, ideal_sign, ideal_verify};
