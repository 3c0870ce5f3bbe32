/*
 * Ed25519 (RFC 8032) keys of guardians and administrators.
 *
 * A signature always covers a hash made with struct thash under the tag of its
 * use, so a signature made for one purpose means nothing for another.
 */
#ifndef BASE_CRYPTO_SIG_H
#define BASE_CRYPTO_SIG_H

#include "base/crypto/hash.h"
#include "base/rng.h"

struct sig_public {
    uint8_t b[32];
};
/* The expanded key of libsodium: seed || public key. Wipe with sig_secret_wipe(). */
struct sig_secret {
    uint8_t b[64];
};
struct signature {
    uint8_t b[64];
};

void sig_keygen(struct rng rng, struct sig_secret *secret, struct sig_public *public);
void sig_from_seed(const uint8_t seed[static 32], struct sig_secret *secret,
                   struct sig_public *public);
struct sig_public sig_public_of(const struct sig_secret *secret);
static inline void sig_secret_wipe(struct sig_secret *secret)
{
    wipe(secret, sizeof *secret);
}
static inline bool sig_public_eq(struct sig_public a, struct sig_public b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

struct signature sig_sign(const struct sig_secret *secret, struct bytes message);
/* Strict verification (no small-order keys or points); E_SIGNATURE. */
enum err sig_verify(const struct sig_public *public, struct bytes message,
                    const struct signature *signature);

/*
 * The same operations as an interface, so that a simulation of thousands of
 * schedules can run on an ideal stub; everything that ships passes &sig_ed25519.
 */
struct sig_scheme {
    void (*keygen)(struct rng rng, struct sig_secret *secret, struct sig_public *public);
    struct signature (*sign)(const struct sig_secret *secret, struct bytes message);
    enum err (*verify)(const struct sig_public *public, struct bytes message,
                       const struct signature *signature);
};
extern const struct sig_scheme sig_ed25519;

#endif
