/*
 * ECDSA (FIPS 186-4) on P-256 and P-384 over a hash the caller made: what Intel
 * and AMD sign evidence with, and what the simulated vendor signs it with.
 *
 * Keys and signatures are raw and big-endian: x || y and r || s, each half as
 * long as the curve's field (32 or 48 bytes). r and s outside [1, n-1] never
 * verify; both s and n-s do (the equation has two solutions), so a signature is
 * not an identity of what it signs.
 *
 * P-256 verification runs on OpenSSL, everything else on nettle: each is the
 * faster of the two there. Signing takes no secret-dependent branch or index.
 */
#ifndef BASE_CRYPTO_ECDSA_H
#define BASE_CRYPTO_ECDSA_H

#include "base/bytes.h"
#include "base/rng.h"
#include "base/secret.h"

enum curve { CURVE_P256, CURVE_P384 };

#define ECDSA_FIELD_MAX 48

/* Bytes of the curve's field: 32 or 48. */
static inline size_t curve_size(enum curve c)
{
    return c == CURVE_P256 ? 32 : 48;
}

/* x || y, 2 * curve_size() bytes of it used. */
struct ecdsa_point {
    uint8_t xy[2 * ECDSA_FIELD_MAX];
};
/* r || s, 2 * curve_size() bytes of it used. */
struct ecdsa_rs {
    uint8_t rs[2 * ECDSA_FIELD_MAX];
};

/* A public key ready for verification; worth keeping for a second signature. */
struct ecdsa_key;

/* E_SIGNATURE if xy is no point of the curve. */
enum err ecdsa_key_new(enum curve curve, const uint8_t *xy, struct ecdsa_key **out);
/* key may be NULL. */
void ecdsa_key_free(struct ecdsa_key *key);
/*
 * E_SIGNATURE if rs is not a signature of the digest. The digest is a hash of
 * the curve's own length or shorter (32 bytes, P-384 also 48).
 */
enum err ecdsa_key_verify(const struct ecdsa_key *key, struct bytes digest, const uint8_t *rs);

/* A private scalar, big-endian, curve_size() bytes of it used. Wipe after use. */
struct ecdsa_secret {
    enum curve curve;
    uint8_t d[ECDSA_FIELD_MAX];
};

void ecdsa_secret_new(enum curve curve, struct rng rng, struct ecdsa_secret *secret,
                      struct ecdsa_point *public);
/* E_VALUE if the secret is zero or not below the group's order. */
enum err ecdsa_secret_sign(const struct ecdsa_secret *secret, struct rng rng, struct bytes digest,
                           struct ecdsa_rs *out);
static inline void ecdsa_secret_wipe(struct ecdsa_secret *secret)
{
    wipe(secret, sizeof *secret);
}

/* Appends the DER form of a signature, as certificates carry it. */
enum err ecdsa_rs_to_der(enum curve curve, const uint8_t *rs, struct buf *out);

#endif
