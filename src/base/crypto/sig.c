#include "base/crypto/sig.h"

void sig_from_seed(const uint8_t seed[static 32], struct sig_secret *secret,
                   struct sig_public *public)
{
    crypto_sign_seed_keypair(public->b, secret->b, seed);
}

void sig_keygen(struct rng rng, struct sig_secret *secret, struct sig_public *public)
{
    SECRET_AUTO seed;
    rng_fill(rng, seed.b, sizeof seed.b);
    sig_from_seed(seed.b, secret, public);
}

struct sig_public sig_public_of(const struct sig_secret *secret)
{
    struct sig_public public;
    memcpy(public.b, secret->b + 32, sizeof public.b);
    return public;
}

struct signature sig_sign(const struct sig_secret *secret, struct bytes message)
{
    struct signature s;
    crypto_sign_detached(s.b, NULL, message.p, message.n, secret->b);
    return s;
}

enum err sig_verify(const struct sig_public *public, struct bytes message,
                    const struct signature *signature)
{
    return crypto_sign_verify_detached(signature->b, message.p, message.n, public->b) == 0
               ? OK
               : E_SIGNATURE;
}

const struct sig_scheme sig_ed25519 = {sig_keygen, sig_sign, sig_verify};
