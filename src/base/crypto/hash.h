/*
 * Hashes, MACs and key derivation.
 *
 * H of the threshold protocol: SHA-512 over length-prefixed parts, the first of
 * which is a tag that names the use and its version ("guardian/v1/..."). Two
 * uses never share a tag, and no two lists of parts give the same bytes.
 */
#ifndef BASE_CRYPTO_HASH_H
#define BASE_CRYPTO_HASH_H

#include "base/bytes.h"
#include "base/secret.h"

#include <sodium.h>

struct hash32 {
    uint8_t b[32];
};
struct hash64 {
    uint8_t b[64];
};

static inline bool hash32_eq(struct hash32 a, struct hash32 b)
{
    return memcmp(a.b, b.b, 32) == 0;
}
static inline bool hash32_is_zero(struct hash32 a)
{
    return bytes_is_zero(bytes(a.b, 32));
}

struct hash32 sha256(struct bytes in);
void sha384(struct bytes in, uint8_t out[static 48]);
struct hash64 sha512(struct bytes in);

struct sha256 {
    crypto_hash_sha256_state s;
};
void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, struct bytes part);
struct hash32 sha256_final(struct sha256 *h);

struct sha512 {
    crypto_hash_sha512_state s;
};
void sha512_init(struct sha512 *h);
void sha512_add(struct sha512 *h, struct bytes part);
/* Ends the hash and wipes its state. */
struct hash64 sha512_final(struct sha512 *h);

/* H(tag; x1, ...) = SHA-512((len32 || tag) (len32 || x1) ...), lengths big-endian. */
struct thash {
    crypto_hash_sha512_state s;
};
void thash_init(struct thash *h, const char *tag);
void thash_add(struct thash *h, struct bytes part);
void thash_u32(struct thash *h, uint32_t v);
void thash_u64(struct thash *h, uint64_t v);
/* Ends the hash and wipes its state. */
struct hash64 thash_final(struct thash *h);
/* The first 32 bytes of the same. */
struct hash32 thash_final32(struct thash *h);

/* The length-prefixed SHA-256 that the challenge of the workload protocol uses. */
void sha256_add_var(struct sha256 *h, struct bytes part);

/* SipHash-2-4, for places in tables; no commitment. */
uint64_t siphash(const uint8_t key[static 16], struct bytes in);

void hmac_sha256(struct bytes key, struct bytes in, uint8_t out[static 32]);
/* HKDF-SHA-512 (RFC 5869) with an empty salt. n <= 64 * 255. */
enum err hkdf_sha512(struct bytes key, struct bytes info, void *out, size_t n);

#endif
