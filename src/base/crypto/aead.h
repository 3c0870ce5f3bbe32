/*
 * Authenticated encryption: XChaCha20-Poly1305 with random nonces for what we
 * store, and sealed boxes to an X25519 key for what one guardian sends another.
 */
#ifndef BASE_CRYPTO_AEAD_H
#define BASE_CRYPTO_AEAD_H

#include "base/bytes.h"
#include "base/rng.h"
#include "base/secret.h"

/* Nonce (24 bytes) in front, tag (16 bytes) behind. */
#define AEAD_OVERHEAD 40

/* Appends the sealed plaintext to out. ad binds it to its place and is not stored. */
enum err aead_seal(struct rng rng, const struct secret32 *key, struct bytes ad, struct bytes plain,
                   struct buf *out);
/* Appends the plaintext to out; E_SIGNATURE if anything was changed, and out is unchanged. */
enum err aead_open(const struct secret32 *key, struct bytes ad, struct bytes sealed,
                   struct buf *out);

#endif
