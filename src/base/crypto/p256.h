/*
 * NIST P-256: ECDSA with SHA-256 for issuing CAs, ECDH for boxes to attested
 * wrap keys, and the encodings of its keys (SEC 1, RFC 5480).
 *
 * Randomness is an argument. An ECDSA nonce is derived from the key, the
 * message and fresh random bytes together, so that neither a broken generator
 * nor a cloned machine gives the same nonce to two messages (as RFC 6979,
 * section 3.6 allows).
 */
#ifndef BASE_CRYPTO_P256_H
#define BASE_CRYPTO_P256_H

#include "base/bytes.h"
#include "base/rng.h"
#include "base/secret.h"

/* A number from 1 to n-1, big-endian. */
struct p256_secret {
    uint8_t b[32];
};
/* An uncompressed point: 04 || x || y. */
struct p256_public {
    uint8_t b[65];
};

static inline void p256_secret_wipe(struct p256_secret *s)
{
    wipe(s, sizeof *s);
}
#define P256_AUTO __attribute__((cleanup(p256_secret_wipe))) struct p256_secret

/* A DER ECDSA-Sig-Value is never longer. */
#define P256_SIG_MAX 72
/* The length of every P-256 SubjectPublicKeyInfo that p256_spki_read() accepts. */
#define P256_SPKI_LEN 91

/* 48 random bytes mod n-1, plus 1 (FIPS 186-5, A.2.1). E_NOMEM. */
enum err p256_keygen(struct rng rng, struct p256_secret *secret, struct p256_public *public);
/* The key pair of 48 uniform bytes, for keys that are derived. E_NOMEM. */
enum err p256_from_wide(const uint8_t wide[static 48], struct p256_secret *secret,
                        struct p256_public *public);
/* E_VALUE if the secret is 0 or not below n. */
enum err p256_public_of(const struct p256_secret *secret, struct p256_public *public);
/* E_VALUE unless it is a point of the curve. */
enum err p256_check(const struct p256_public *public);

/* Appends the signature of SHA-256(message) as DER, at most P256_SIG_MAX bytes. */
enum err p256_sign(struct rng rng, const struct p256_secret *secret, struct bytes message,
                   struct buf *out);
/* Strict DER; E_SIGNATURE. */
enum err p256_verify(const struct p256_public *public, struct bytes message, struct bytes sig);

/* The x coordinate of the shared point (SP 800-56A). The peer's point is checked; E_VALUE. */
enum err p256_ecdh(const struct p256_secret *secret, const struct p256_public *peer,
                   struct secret32 *shared);

/* Appends the DER SubjectPublicKeyInfo with the named curve and an uncompressed point. */
enum err p256_spki_write(const struct p256_public *public, struct buf *out);
/* Exactly that form, a point of the curve, nothing behind it; E_VALUE. */
enum err p256_spki_read(struct bytes spki, struct p256_public *public);
bool p256_spki_is_valid(struct bytes spki);

/* Appends the DER of an ECPrivateKey (RFC 5915), for programs that keep their key in a file. */
enum err p256_private_write(const struct p256_secret *secret, struct buf *out);
/* The same form with or without its optional public key, which must match; E_VALUE. */
enum err p256_private_read(struct bytes der, struct p256_secret *secret,
                           struct p256_public *public);

#endif
