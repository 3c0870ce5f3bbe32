/*
 * P-256 keys: ECDSA with SHA-256 (FIPS 186-5) for issuing CAs and leaves, and
 * the SubjectPublicKeyInfo by which the protocols name a key.
 */
#ifndef BASE_CRYPTO_P256_H
#define BASE_CRYPTO_P256_H

#include "base/bytes.h"
#include "base/rng.h"
#include "base/secret.h"

#define P256_SPKI_SIZE 91 /* DER, uncompressed point, named curve: the only form accepted */

struct p256_secret {
    uint8_t b[32]; /* big-endian, 1 to n-1 */
};
static inline void p256_secret_wipe(struct p256_secret *s)
{
    wipe(s, sizeof *s);
}

/* From 48 bytes of randomness, mod (n-1) + 1. */
enum err p256_keygen(struct rng rng, struct p256_secret *secret);
enum err p256_spki(const struct p256_secret *secret, uint8_t out[static P256_SPKI_SIZE]);
/* The form above, and a point on the curve. */
bool p256_spki_is_valid(struct bytes spki);
/* Appends the DER signature. */
enum err p256_sign(struct rng rng, const struct p256_secret *secret, struct bytes message,
                   struct buf *der_signature);
/* E_SIGNATURE. */
enum err p256_verify(struct bytes spki, struct bytes message, struct bytes der_signature);
/* PKCS#8 in PEM, for key files of clients. */
enum err p256_to_pem(const struct p256_secret *secret, struct buf *out);
/* E_MALFORMED. */
enum err p256_from_pem(struct bytes pem, struct p256_secret *secret);

#endif
