#include "base/crypto/jwe.h"
#include "base/codec/b64.h"
#include "base/codec/json.h"
#include "base/crypto/hash.h"
#include "base/writer.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define IV_SIZE      12
#define TAG_SIZE     16
#define CEK_SIZE     32
#define WRAPPED_SIZE (CEK_SIZE + 8)
#define ALGORITHM    "ECDH-ES+A256KW"

/* --- primitives ---------------------------------------------------------------------------- */

/* One round of the Concat KDF (RFC 7518, 4.6.2; NIST SP 800-56A, 5.8.1): 32 bytes from SHA-256. */
static void concat_kdf(const struct secret32 *z, struct bytes apu, struct bytes apv,
                       struct secret32 *kek)
{
    static const uint8_t round[4] = {0, 0, 0, 1}, bits[4] = {0, 0, 1, 0};
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, BYTES_OF(round));
    sha256_add(&h, BYTES_OF(z->b));
    sha256_add_var(&h, bytes_str(ALGORITHM));
    sha256_add_var(&h, apu);
    sha256_add_var(&h, apv);
    sha256_add(&h, BYTES_OF(bits));
    struct hash32 out = sha256_final(&h);
    memcpy(kek->b, out.b, sizeof kek->b);
    wipe(&out, sizeof out);
}

/* AES-256 key wrap (RFC 3394), either way; E_SIGNATURE if an unwrapped key fails its check. */
static enum err key_wrap(const struct secret32 *kek, bool wrap, struct bytes in, uint8_t *out)
{
    int n = 0, last = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return E_NOMEM;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool ok = EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek->b, NULL, wrap) == 1 &&
              EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1 &&
              EVP_CipherFinal_ex(ctx, out + n, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? OK : E_SIGNATURE;
}

static enum err gcm_seal(const uint8_t cek[static CEK_SIZE], const uint8_t iv[static IV_SIZE],
                         struct bytes ad, struct bytes plain, uint8_t *out,
                         uint8_t tag[static TAG_SIZE])
{
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, cek, iv) == 1 &&
              EVP_EncryptUpdate(ctx, NULL, &n, ad.p, (int)ad.n) == 1 &&
              EVP_EncryptUpdate(ctx, out, &n, plain.p, (int)plain.n) == 1 &&
              EVP_EncryptFinal_ex(ctx, out + n, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? OK : E_INTERNAL;
}

static enum err gcm_open(const uint8_t cek[static CEK_SIZE], struct bytes iv, struct bytes ad,
                         struct bytes in, struct bytes tag, uint8_t *out)
{
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, cek, iv.p) == 1 &&
              EVP_DecryptUpdate(ctx, NULL, &n, ad.p, (int)ad.n) == 1 &&
              EVP_DecryptUpdate(ctx, out, &n, in.p, (int)in.n) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, (void *)tag.p) == 1 &&
              EVP_DecryptFinal_ex(ctx, out + n, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok ? OK : E_SIGNATURE;
}

/* --- JWK -------------------------------------------------------------------------------------- */

static enum err coordinate(const char *text, uint8_t out[static 32])
{
    struct buf b = BUF_INIT(64);
    enum err e = b64_decode(B64_URL, bytes_str(text), &b);
    if (e == OK && b.n == 32)
        memcpy(out, b.p, 32);
    else
        e = E_VALUE;
    buf_free(&b);
    return e;
}

static enum err point_of(const json_t *jwk, struct p256_public *out)
{
    const char *kty, *crv, *x, *y, *unused;
    json_t *ignored;
    const struct json_field fields[] = {
        {"kty", JF_TEXT, &kty, 16, JF_REQUIRED, NULL, 0},
        {"crv", JF_TEXT, &crv, 16, JF_REQUIRED, NULL, 0},
        {"x", JF_TEXT, &x, 64, JF_REQUIRED, NULL, 0},
        {"y", JF_TEXT, &y, 64, JF_REQUIRED, NULL, 0},
        {"alg", JF_TEXT, &unused, 64, JF_OPTIONAL, NULL, 0},
        {"use", JF_TEXT, &unused, 64, JF_OPTIONAL, NULL, 0},
        {"kid", JF_TEXT, &unused, 256, JF_OPTIONAL, NULL, 0},
        {"key_ops", JF_ARRAY, &ignored, 16, JF_OPTIONAL, NULL, 0},
    };
    if (json_fields(jwk, "jwk", JSON_FIELDS(fields), NULL) != OK || strcmp(kty, "EC") != 0 ||
        strcmp(crv, "P-256") != 0)
        return E_VALUE;
    out->b[0] = 4; /* uncompressed */
    TRY(coordinate(x, out->b + 1));
    TRY(coordinate(y, out->b + 33));
    return p256_check(out) == OK ? OK : E_VALUE;
}

enum err jwk_p256_read(struct bytes text, struct p256_public *out)
{
    json_t *jwk;
    TRY(json_parse(text, JWK_MAX, &jwk, NULL));
    enum err e = json_is_obj(jwk) ? point_of(jwk, out) : E_MALFORMED;
    json_free(jwk);
    return e;
}

static void put_b64(struct json_builder *b, const char *name, struct bytes v)
{
    char *text = b64_string(B64_URL, v);
    jb_text(b, name, text ? text : "");
    if (!text)
        b->err = E_NOMEM;
    else
        wipe(text, strlen(text));
    free(text);
}

static void put_point(struct json_builder *b, const struct p256_public *key)
{
    jb_text(b, "crv", "P-256");
    jb_text(b, "kty", "EC");
    put_b64(b, "x", bytes(key->b + 1, 32));
    put_b64(b, "y", bytes(key->b + 33, 32));
}

enum err jwk_p256_write(const struct p256_public *key, struct buf *out)
{
    struct json_builder b = json_build();
    put_point(&b, key);
    return jb_write(&b, out);
}

enum err jwk_oct_write(struct bytes key, struct buf *out)
{
    struct json_builder b = json_build();
    put_b64(&b, "k", key);
    jb_text(&b, "kty", "oct");
    return jb_write(&b, out);
}

enum err jwk_oct_read(struct bytes text, struct buf *out)
{
    json_t *jwk, *ignored;
    const char *kty, *k, *unused;
    TRY(json_parse(text, JWE_PLAIN_MAX, &jwk, NULL));
    const struct json_field fields[] = {
        {"kty", JF_TEXT, &kty, 16, JF_REQUIRED, NULL, 0},
        {"k", JF_TEXT, &k, 0, JF_REQUIRED, NULL, 0},
        {"alg", JF_TEXT, &unused, 64, JF_OPTIONAL, NULL, 0},
        {"use", JF_TEXT, &unused, 64, JF_OPTIONAL, NULL, 0},
        {"kid", JF_TEXT, &unused, 256, JF_OPTIONAL, NULL, 0},
        {"key_ops", JF_ARRAY, &ignored, 16, JF_OPTIONAL, NULL, 0},
    };
    enum err e = E_VALUE;
    if (json_fields(jwk, "jwk", JSON_FIELDS(fields), NULL) == OK && strcmp(kty, "oct") == 0 &&
        b64_decode(B64_URL, bytes_str(k), out) == OK)
        e = OK;
    json_free(jwk);
    return e;
}

/* --- JWE ----------------------------------------------------------------------------------------
 */

static enum err write_header(const struct p256_public *epk, struct buf *out)
{
    struct buf text = BUF_INIT(JWK_MAX);
    struct json_builder b = json_build();
    jb_text(&b, "alg", ALGORITHM);
    jb_text(&b, "enc", "A256GCM");
    jb_object(&b, "epk");
    put_point(&b, epk);
    jb_close(&b);
    enum err e = jb_write(&b, &text);
    if (e == OK)
        e = b64_encode(B64_URL, buf_bytes(&text), out);
    buf_free(&text);
    return e;
}

/* The parts after the header, each behind a dot. */
static enum err write_part(struct buf *out, struct bytes part)
{
    TRY(buf_add(out, ".", 1));
    return b64_encode(B64_URL, part, out);
}

enum err jwe_encrypt(struct rng rng, const struct p256_public *to, struct bytes plain,
                     struct buf *out)
{
    P256_AUTO ephemeral;
    SECRET_AUTO z, kek, cek;
    struct p256_public epk;
    uint8_t wrapped[WRAPPED_SIZE], iv[IV_SIZE], tag[TAG_SIZE];
    struct buf cipher = BUF_INIT(JWE_PLAIN_MAX), header = BUF_INIT(JWK_MAX);
    size_t before = out->n;
    enum err e;
    if (plain.n > JWE_PLAIN_MAX)
        return E_TOO_LARGE;
    TRY_OUT(p256_keygen(rng, &ephemeral, &epk));
    TRY_OUT(p256_ecdh(&ephemeral, to, &z));
    concat_kdf(&z, BYTES_NONE, BYTES_NONE, &kek);
    rng_fill(rng, cek.b, sizeof cek.b);
    rng_fill(rng, iv, sizeof iv);
    TRY_OUT(key_wrap(&kek, true, BYTES_OF(cek.b), wrapped));
    TRY_OUT(write_header(&epk, &header));
    uint8_t *to_cipher = buf_extend(&cipher, plain.n);
    if (!to_cipher) {
        e = E_NOMEM;
        goto out;
    }
    TRY_OUT(gcm_seal(cek.b, iv, buf_bytes(&header), plain, to_cipher, tag));
    TRY_OUT(buf_add(out, header.p, header.n));
    TRY_OUT(write_part(out, BYTES_OF(wrapped)));
    TRY_OUT(write_part(out, BYTES_OF(iv)));
    TRY_OUT(write_part(out, buf_bytes(&cipher)));
    TRY_OUT(write_part(out, BYTES_OF(tag)));
out:
    if (e != OK)
        out->n = before;
    buf_free(&cipher);
    buf_free(&header);
    return e;
}

struct parts {
    struct bytes header; /* the text: it is the associated data */
    struct buf json, wrapped, iv, cipher, tag;
};

static void parts_free(struct parts *p)
{
    buf_free(&p->json);
    buf_free(&p->wrapped);
    buf_free(&p->iv);
    buf_free(&p->cipher);
    buf_free(&p->tag);
}

static enum err split(struct bytes jwe, struct parts *p)
{
    struct buf *const into[] = {&p->json, &p->wrapped, &p->iv, &p->cipher, &p->tag};
    for (unsigned i = 0; i < 5; i++) {
        const uint8_t *dot = memchr(jwe.p, '.', jwe.n);
        size_t n = dot ? (size_t)(dot - jwe.p) : jwe.n;
        if ((i < 4) != (dot != NULL))
            return E_MALFORMED;
        if (i == 0)
            p->header = bytes(jwe.p, n);
        if (b64_decode(B64_URL, bytes(jwe.p, n), into[i]) != OK)
            return E_MALFORMED;
        jwe = i < 4 ? bytes(jwe.p + n + 1, jwe.n - n - 1) : BYTES_NONE;
    }
    bool sizes = p->wrapped.n == WRAPPED_SIZE && p->iv.n == IV_SIZE && p->tag.n == TAG_SIZE;
    return sizes ? OK : E_MALFORMED;
}

/* The members of a header that we take: one algorithm, and party info that goes into the KDF. */
static enum err read_header(struct bytes text, struct p256_public *epk, struct buf *apu,
                            struct buf *apv)
{
    json_t *header, *key;
    const char *alg, *enc, *u = "", *v = "", *unused;
    TRY(json_parse(text, JWK_MAX, &header, NULL));
    const struct json_field fields[] = {
        {"alg", JF_TEXT, &alg, 64, JF_REQUIRED, NULL, 0},
        {"enc", JF_TEXT, &enc, 64, JF_REQUIRED, NULL, 0},
        {"epk", JF_OBJECT, &key, 0, JF_REQUIRED, NULL, 0},
        {"apu", JF_TEXT, &u, 256, JF_OPTIONAL, NULL, 0},
        {"apv", JF_TEXT, &v, 256, JF_OPTIONAL, NULL, 0},
        {"typ", JF_TEXT, &unused, 64, JF_OPTIONAL, NULL, 0},
        {"cty", JF_TEXT, &unused, 64, JF_OPTIONAL, NULL, 0},
        {"kid", JF_TEXT, &unused, 256, JF_OPTIONAL, NULL, 0},
    };
    enum err e = E_MALFORMED;
    if (json_fields(header, "header", JSON_FIELDS(fields), NULL) == OK &&
        strcmp(alg, ALGORITHM) == 0 && strcmp(enc, "A256GCM") == 0 && point_of(key, epk) == OK &&
        b64_decode(B64_URL, bytes_str(u), apu) == OK &&
        b64_decode(B64_URL, bytes_str(v), apv) == OK)
        e = OK;
    json_free(header);
    return e;
}

enum err jwe_decrypt(const struct p256_secret *key, struct bytes jwe, struct buf *out)
{
    SECRET_AUTO z, kek, cek;
    struct p256_public epk;
    struct parts p = {.json = BUF_INIT(JWK_MAX),
                      .wrapped = BUF_INIT(256),
                      .iv = BUF_INIT(64),
                      .cipher = BUF_INIT(JWE_PLAIN_MAX),
                      .tag = BUF_INIT(64)};
    struct buf apu = BUF_INIT(512), apv = BUF_INIT(512);
    uint8_t *to = NULL;
    enum err e;
    TRY_OUT(split(jwe, &p));
    TRY_OUT(read_header(buf_bytes(&p.json), &epk, &apu, &apv));
    TRY_OUT(p256_ecdh(key, &epk, &z));
    concat_kdf(&z, buf_bytes(&apu), buf_bytes(&apv), &kek);
    uint8_t unwrapped[WRAPPED_SIZE] = {0}; /* OpenSSL may write a block more than the key */
    e = key_wrap(&kek, false, buf_bytes(&p.wrapped), unwrapped);
    memcpy(cek.b, unwrapped, sizeof cek.b);
    wipe(unwrapped, sizeof unwrapped);
    if (e != OK)
        goto out;
    to = buf_extend(out, p.cipher.n);
    e = to ? gcm_open(cek.b, buf_bytes(&p.iv), p.header, buf_bytes(&p.cipher), buf_bytes(&p.tag),
                      to)
           : E_TOO_LARGE;
    if (to && e != OK) {
        wipe(to, p.cipher.n);
        out->n -= p.cipher.n;
    }
out:
    parts_free(&p);
    buf_free(&apu);
    buf_free(&apv);
    return e;
}
