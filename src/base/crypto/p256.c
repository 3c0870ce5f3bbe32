/*
 * OpenSSL's EVP interface neither takes a nonce nor a generator, so ECDSA is
 * made with the older calls, which do; they are deprecated in 3.0, not gone.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/crypto/p256.h"

#include "base/bug.h"
#include "base/crypto/hash.h"
#include "base/reader.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <pthread.h>

/* --- the curve and its numbers --- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EC_GROUP *curve;

static void make_curve(void)
{
    curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    GD_BUG_ON(!curve);
}

static const EC_GROUP *group(void)
{
    pthread_once(&once, make_curve);
    return curve;
}

static const BIGNUM *order(void)
{
    return EC_GROUP_get0_order(group());
}

/* A number of the context, which wipes it when it is freed; NULL when out of memory. */
static BIGNUM *secret_number(BN_CTX *ctx)
{
    BIGNUM *v = BN_CTX_get(ctx);
    if (v)
        BN_set_flags(v, BN_FLG_CONSTTIME);
    return v;
}

static enum err load_secret(const struct p256_secret *secret, BN_CTX *ctx, BIGNUM **out)
{
    *out = secret_number(ctx);
    if (!*out || !BN_bin2bn(secret->b, sizeof secret->b, *out))
        return E_NOMEM;
    return BN_is_zero(*out) || BN_cmp(*out, order()) >= 0 ? E_VALUE : OK;
}

/* wide mod (n-1), plus 1 (FIPS 186-5, A.2.1). */
static enum err reduce(const void *wide, size_t n, BN_CTX *ctx, BIGNUM **out)
{
    BIGNUM *v = secret_number(ctx), *less = BN_CTX_get(ctx);
    *out = secret_number(ctx);
    bool done = *out && BN_bin2bn(wide, (int)n, v) && BN_sub(less, order(), BN_value_one()) &&
                BN_mod(*out, v, less, ctx) && BN_add_word(*out, 1);
    return done ? OK : E_NOMEM;
}

/* d*G, or d*point. */
static enum err multiply(const BIGNUM *d, const EC_POINT *point, BN_CTX *ctx, EC_POINT **out)
{
    *out = EC_POINT_new(group());
    if (!*out)
        return E_NOMEM;
    int done = point ? EC_POINT_mul(group(), *out, NULL, point, d, ctx)
                     : EC_POINT_mul(group(), *out, d, NULL, NULL, ctx);
    return done == 1 ? OK : E_NOMEM;
}

static enum err point_of(const struct p256_public *public, BN_CTX *ctx, EC_POINT **out)
{
    *out = EC_POINT_new(group());
    if (!*out)
        return E_NOMEM;
    if (public->b[0] == POINT_CONVERSION_UNCOMPRESSED &&
        EC_POINT_oct2point(group(), *out, public->b, sizeof public->b, ctx) == 1)
        return OK;
    ERR_clear_error(); /* nothing is left behind for the next user of OpenSSL's queue */
    return E_VALUE;
}

/* --- key pairs --- */

static enum err public_of(const BIGNUM *d, BN_CTX *ctx, struct p256_public *public)
{
    EC_POINT *point;
    enum err e = multiply(d, NULL, ctx, &point);
    if (e == OK && EC_POINT_point2oct(group(), point, POINT_CONVERSION_UNCOMPRESSED, public->b,
                                      sizeof public->b, ctx) != sizeof public->b)
        e = E_NOMEM;
    EC_POINT_free(point);
    return e;
}

enum err p256_from_wide(const uint8_t wide[static 48], struct p256_secret *secret,
                        struct p256_public *public)
{
    BIGNUM *d;
    BN_CTX *ctx = BN_CTX_new();
    if (!ctx)
        return E_NOMEM;
    enum err e = reduce(wide, 48, ctx, &d);
    if (e == OK && BN_bn2binpad(d, secret->b, sizeof secret->b) != sizeof secret->b)
        e = E_NOMEM;
    if (e == OK)
        e = public_of(d, ctx, public);
    if (e != OK)
        p256_secret_wipe(secret);
    BN_CTX_free(ctx);
    return e;
}

enum err p256_keygen(struct rng rng, struct p256_secret *secret, struct p256_public *public)
{
    uint8_t wide[48];
    rng_fill(rng, wide, sizeof wide);
    enum err e = p256_from_wide(wide, secret, public);
    wipe(wide, sizeof wide);
    return e;
}

enum err p256_public_of(const struct p256_secret *secret, struct p256_public *public)
{
    BIGNUM *d;
    BN_CTX *ctx = BN_CTX_new();
    if (!ctx)
        return E_NOMEM;
    enum err e = load_secret(secret, ctx, &d);
    if (e == OK)
        e = public_of(d, ctx, public);
    BN_CTX_free(ctx);
    return e;
}

enum err p256_check(const struct p256_public *public)
{
    EC_POINT *point;
    enum err e = point_of(public, NULL, &point);
    EC_POINT_free(point);
    return e;
}

/* --- ECDSA (FIPS 186-5, section 6) --- */

static enum err draw_nonce(struct rng rng, const struct p256_secret *secret, struct bytes digest,
                           BN_CTX *ctx, BIGNUM **k)
{
    SECRET_AUTO fresh;
    struct thash h;
    rng_fill(rng, fresh.b, sizeof fresh.b);
    thash_init(&h, "guardian/v1/p256/nonce");
    thash_add(&h, BYTES_OF(secret->b));
    thash_add(&h, digest);
    thash_add(&h, BYTES_OF(fresh.b));
    struct hash64 wide = thash_final(&h);
    enum err e = reduce(wide.b, sizeof wide.b, ctx, k);
    wipe(&wide, sizeof wide);
    return e;
}

/* r = x(k*G) mod n, and 1/k by Fermat, whose exponent n-2 is public. */
static enum err prepare(const BIGNUM *k, BN_CTX *ctx, BIGNUM *inverse, BIGNUM *r)
{
    EC_POINT *point;
    BIGNUM *x = BN_CTX_get(ctx), *exponent = BN_CTX_get(ctx);
    enum err e = multiply(k, NULL, ctx, &point);
    if (e == OK &&
        !(exponent && EC_POINT_get_affine_coordinates(group(), point, x, NULL, ctx) &&
          BN_nnmod(r, x, order(), ctx) && BN_copy(exponent, order()) && BN_sub_word(exponent, 2) &&
          BN_mod_exp_mont_consttime(inverse, k, exponent, order(), ctx,
                                    EC_GROUP_get_mont_data(group()))))
        e = E_NOMEM;
    EC_POINT_clear_free(point);
    return e;
}

static enum err sign(struct rng rng, const struct p256_secret *secret, struct bytes digest,
                     EC_KEY *key, BN_CTX *ctx, ECDSA_SIG **out)
{
    BIGNUM *d, *k, *inverse = secret_number(ctx), *r = BN_CTX_get(ctx);
    TRY(load_secret(secret, ctx, &d));
    if (EC_KEY_set_group(key, group()) != 1 || EC_KEY_set_private_key(key, d) != 1)
        return E_NOMEM;
    TRY(draw_nonce(rng, secret, digest, ctx, &k));
    TRY(prepare(k, ctx, inverse, r));
    *out = ECDSA_do_sign_ex(digest.p, (int)digest.n, inverse, r, key);
    return *out ? OK : E_NOMEM;
}

enum err p256_sign(struct rng rng, const struct p256_secret *secret, struct bytes message,
                   struct buf *out)
{
    struct hash32 digest = sha256(message);
    uint8_t der[P256_SIG_MAX], *end = der;
    ECDSA_SIG *sig = NULL;
    EC_KEY *key = EC_KEY_new();
    BN_CTX *ctx = BN_CTX_new();
    enum err e = key && ctx ? sign(rng, secret, BYTES_OF(digest.b), key, ctx, &sig) : E_NOMEM;
    if (e == OK) {
        int n = i2d_ECDSA_SIG(sig, &end);
        e = n > 0 ? buf_add(out, der, (size_t)n) : E_NOMEM;
    }
    ECDSA_SIG_free(sig);
    EC_KEY_free(key);
    BN_CTX_free(ctx);
    return e;
}

/* OpenSSL refuses r and s out of range, and any DER but the canonical one. */
enum err p256_verify(const struct p256_public *public, struct bytes message, struct bytes sig)
{
    struct hash32 digest = sha256(message);
    EC_POINT *point;
    EC_KEY *key = EC_KEY_new();
    enum err e = point_of(public, NULL, &point);
    if (e == E_VALUE)
        e = E_SIGNATURE;
    if (e == OK && !(key && EC_KEY_set_group(key, group()) && EC_KEY_set_public_key(key, point)))
        e = E_NOMEM;
    if (e == OK && (sig.n > P256_SIG_MAX ||
                    ECDSA_verify(0, digest.b, sizeof digest.b, sig.p, (int)sig.n, key) != 1))
        e = E_SIGNATURE;
    ERR_clear_error();
    EC_POINT_free(point);
    EC_KEY_free(key);
    return e;
}

/* --- ECDH (SP 800-56A, 5.7.1.2) --- */

enum err p256_ecdh(const struct p256_secret *secret, const struct p256_public *peer,
                   struct secret32 *shared)
{
    BIGNUM *d, *x;
    EC_POINT *point = NULL, *product = NULL;
    enum err e;
    BN_CTX *ctx = BN_CTX_new();
    if (!ctx)
        return E_NOMEM;
    TRY_OUT(load_secret(secret, ctx, &d));
    TRY_OUT(point_of(peer, ctx, &point));
    TRY_OUT(multiply(d, point, ctx, &product));
    x = secret_number(ctx);
    if (!x || EC_POINT_get_affine_coordinates(group(), product, x, NULL, ctx) != 1 ||
        BN_bn2binpad(x, shared->b, sizeof shared->b) != sizeof shared->b)
        e = E_NOMEM;
out:
    EC_POINT_free(point);
    EC_POINT_clear_free(product);
    BN_CTX_free(ctx);
    return e;
}

/* --- encodings: each key has one form, so a fixed frame is the whole grammar --- */

/* id-ecPublicKey, prime256v1, BIT STRING of 65 bytes (RFC 5480, 2). */
static const uint8_t spki_frame[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                     0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
_Static_assert(sizeof spki_frame + 65 == P256_SPKI_LEN, "frame and point");

enum err p256_spki_write(const struct p256_public *public, struct buf *out)
{
    uint8_t spki[P256_SPKI_LEN];
    memcpy(spki, spki_frame, sizeof spki_frame);
    memcpy(spki + sizeof spki_frame, public->b, sizeof public->b);
    return buf_add(out, spki, sizeof spki);
}

enum err p256_spki_read(struct bytes spki, struct p256_public *public)
{
    if (spki.n != P256_SPKI_LEN || memcmp(spki.p, spki_frame, sizeof spki_frame) != 0)
        return E_VALUE;
    memcpy(public->b, spki.p + sizeof spki_frame, sizeof public->b);
    return p256_check(public);
}

bool p256_spki_is_valid(struct bytes spki)
{
    struct p256_public public;
    return p256_spki_read(spki, &public) == OK;
}

/* ECPrivateKey (RFC 5915, 3): version 1, the number, [0] prime256v1, [1] the point. */
static const uint8_t private_version[] = {0x02, 0x01, 0x01, 0x04, 0x20};
static const uint8_t private_curve[] = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static const uint8_t private_point[] = {0xa1, 0x44, 0x03, 0x42, 0x00};
#define PRIVATE_SHORT (sizeof private_version + 32 + sizeof private_curve)
#define PRIVATE_LONG  (PRIVATE_SHORT + sizeof private_point + 65)

enum err p256_private_write(const struct p256_secret *secret, struct buf *out)
{
    struct p256_public public;
    TRY(p256_public_of(secret, &public));
    uint8_t *to = buf_extend(out, 2 + PRIVATE_LONG);
    if (!to)
        return E_TOO_LARGE;
    *to++ = 0x30;
    *to++ = PRIVATE_LONG;
    to = (uint8_t *)mempcpy(to, private_version, sizeof private_version);
    to = (uint8_t *)mempcpy(to, secret->b, sizeof secret->b);
    to = (uint8_t *)mempcpy(to, private_curve, sizeof private_curve);
    to = (uint8_t *)mempcpy(to, private_point, sizeof private_point);
    memcpy(to, public.b, sizeof public.b);
    return OK;
}

static bool read_frame(struct reader *r, const uint8_t *frame, size_t n)
{
    struct bytes found = rd_bytes(r, n);
    rd_require(r, bytes_eq(found, bytes(frame, n)));
    return !r->bad;
}

enum err p256_private_read(struct bytes der, struct p256_secret *secret, struct p256_public *public)
{
    struct reader r = reader(der);
    rd_require(&r, rd_u8(&r) == 0x30);
    rd_require(&r, rd_u8(&r) == rd_left(&r));
    read_frame(&r, private_version, sizeof private_version);
    rd_copy(&r, secret->b, sizeof secret->b);
    read_frame(&r, private_curve, sizeof private_curve);
    struct bytes point = BYTES_NONE;
    if (rd_left(&r) > 0 && read_frame(&r, private_point, sizeof private_point))
        point = rd_bytes(&r, sizeof public->b);
    enum err e = reader_end(&r, E_VALUE);
    if (e == OK)
        e = p256_public_of(secret, public);
    if (e == OK && point.n && !bytes_eq(point, BYTES_OF(public->b)))
        e = E_VALUE;
    if (e != OK)
        p256_secret_wipe(secret);
    return e;
}
