#include "base/crypto/hash.h"
#include "base/writer.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

struct hash32 sha256(struct bytes in)
{
    struct hash32 out;
    crypto_hash_sha256(out.b, in.p, in.n);
    return out;
}

void sha384(struct bytes in, uint8_t out[static 48])
{
    unsigned n = 48;
    if (EVP_Digest(in.p, in.n, out, &n, EVP_sha384(), NULL) != 1)
        memset(out, 0, 48);
}

struct hash64 sha512(struct bytes in)
{
    struct hash64 out;
    crypto_hash_sha512(out.b, in.p, in.n);
    return out;
}

void sha256_init(struct sha256 *h)
{
    crypto_hash_sha256_init(&h->s);
}

void sha256_add(struct sha256 *h, struct bytes part)
{
    crypto_hash_sha256_update(&h->s, part.p, part.n);
}

struct hash32 sha256_final(struct sha256 *h)
{
    struct hash32 out;
    crypto_hash_sha256_final(&h->s, out.b);
    wipe(h, sizeof *h);
    return out;
}

void sha512_init(struct sha512 *h)
{
    crypto_hash_sha512_init(&h->s);
}

void sha512_add(struct sha512 *h, struct bytes part)
{
    crypto_hash_sha512_update(&h->s, part.p, part.n);
}

struct hash64 sha512_final(struct sha512 *h)
{
    struct hash64 out;
    crypto_hash_sha512_final(&h->s, out.b);
    wipe(h, sizeof *h);
    return out;
}

static void be32(uint8_t out[static 4], uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

void sha256_add_var(struct sha256 *h, struct bytes part)
{
    uint8_t length[4];
    be32(length, (uint32_t)part.n);
    sha256_add(h, BYTES_OF(length));
    sha256_add(h, part);
}

void thash_init(struct thash *h, const char *tag)
{
    crypto_hash_sha512_init(&h->s);
    thash_add(h, bytes_str(tag));
}

void thash_add(struct thash *h, struct bytes part)
{
    uint8_t length[4];
    be32(length, (uint32_t)part.n);
    crypto_hash_sha512_update(&h->s, length, sizeof length);
    crypto_hash_sha512_update(&h->s, part.p, part.n);
}

void thash_u32(struct thash *h, uint32_t v)
{
    uint8_t b[4];
    be32(b, v);
    thash_add(h, BYTES_OF(b));
}

void thash_u64(struct thash *h, uint64_t v)
{
    uint8_t b[8];
    be32(b, (uint32_t)(v >> 32));
    be32(b + 4, (uint32_t)v);
    thash_add(h, BYTES_OF(b));
}

struct hash64 thash_final(struct thash *h)
{
    struct hash64 out;
    crypto_hash_sha512_final(&h->s, out.b);
    wipe(h, sizeof *h);
    return out;
}

struct hash32 thash_final32(struct thash *h)
{
    struct hash64 full = thash_final(h);
    struct hash32 out;
    memcpy(out.b, full.b, sizeof out.b);
    wipe(&full, sizeof full);
    return out;
}

uint64_t siphash(const uint8_t key[static 16], struct bytes in)
{
    uint64_t hash;
    _Static_assert(sizeof hash == crypto_shorthash_BYTES && crypto_shorthash_KEYBYTES == 16);
    crypto_shorthash((uint8_t *)&hash, in.p, in.n, key);
    return hash;
}

void hmac_sha256(struct bytes key, struct bytes in, uint8_t out[static 32])
{
    crypto_auth_hmacsha256_state s;
    crypto_auth_hmacsha256_init(&s, key.p, key.n);
    crypto_auth_hmacsha256_update(&s, in.p, in.n);
    crypto_auth_hmacsha256_final(&s, out);
    wipe(&s, sizeof s);
}

enum err hkdf_sha512(struct bytes key, struct bytes info, void *out, size_t n)
{
    enum err e = E_INTERNAL;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA512", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key.p, key.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.p, info.n),
        OSSL_PARAM_construct_end(),
    };
    if (ctx && EVP_KDF_derive(ctx, out, n, params) == 1)
        e = OK;
    else
        wipe(out, n);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return e;
}
