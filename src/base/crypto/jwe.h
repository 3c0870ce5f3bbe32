/*
 * Encryption to an attested key: JWE compact serialisation (RFC 7516) with
 * ECDH-ES+A256KW on P-256 and A256GCM (RFC 7518, 4.6 and 5.3), and the two JWK
 * forms around it (RFC 7517).
 *
 * Made from OpenSSL's primitives instead of libjose: libjose takes its
 * randomness from the process and leaves keys and plaintext in jansson strings,
 * while here randomness is an argument and everything secret is wiped.
 * One algorithm, no negotiation.
 */
#ifndef BASE_CRYPTO_JWE_H
#define BASE_CRYPTO_JWE_H

#include "base/bytes.h"
#include "base/crypto/p256.h"
#include "base/rng.h"

/* Plaintexts are keys, MACs, random bytes and decrypted values of an API with 1 MiB bodies. */
#define JWE_PLAIN_MAX (1 << 20)
/* The longest P-256 JWK with a few optional members. */
#define JWK_MAX 2048

/* Appends header.key.iv.ciphertext.tag. E_VALUE for a bad point, E_TOO_LARGE. */
enum err jwe_encrypt(struct rng rng, const struct p256_public *to, struct bytes plain,
                     struct buf *out);
/*
 * Appends the plaintext. E_MALFORMED for another form or algorithm, E_SIGNATURE if it was
 * not made for this key or was changed. The header may have apu, apv, typ, cty and kid;
 * "crit", "zip" or anything unknown is E_MALFORMED.
 */
enum err jwe_decrypt(const struct p256_secret *key, struct bytes jwe, struct buf *out);

/*
 * The point of a public P-256 JWK, given as JSON text. kty, crv, x, y are required; alg, use,
 * key_ops, kid are ignored; a private member ("d") or an unknown one is E_VALUE. A bad value
 * is E_VALUE, text that is no JSON object E_MALFORMED.
 */
enum err jwk_p256_read(struct bytes text, struct p256_public *out);
/* Appends {"crv":"P-256","kty":"EC","x":...,"y":...}. */
enum err jwk_p256_write(const struct p256_public *key, struct buf *out);
/* Appends {"k":...,"kty":"oct"}: what a released key is inside its JWE. */
enum err jwk_oct_write(struct bytes key, struct buf *out);
/* Appends the key of such a JWK; a member other than k, kty, alg, use, key_ops, kid is E_VALUE. */
enum err jwk_oct_read(struct bytes text, struct buf *out);

#endif
