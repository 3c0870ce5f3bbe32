/* X25519 (RFC 7748): the key agreement under sealed boxes and dealings. */
#ifndef BASE_CRYPTO_X25519_H
#define BASE_CRYPTO_X25519_H

#include "base/err.h"
#include "base/rng.h"
#include "base/secret.h"

struct x25519_public {
    uint8_t b[32];
};

/* A fresh key pair; wipe the secret with secret32_wipe(). */
void x25519_keygen(struct rng rng, struct secret32 *secret, struct x25519_public *public);
/* The public key of a secret (RFC 7748, section 6.1). */
struct x25519_public x25519_public_of(const struct secret32 *secret);
/* The shared secret; E_VALUE if the other key has small order (all zeros), `out` is then wiped. */
enum err x25519(const struct secret32 *mine, const struct x25519_public *theirs,
                struct secret32 *out);
/* OK for a canonical u-coordinate (< 2^255-19) that has not small order, else E_VALUE. */
enum err x25519_public_check(const struct x25519_public *public);

#endif
