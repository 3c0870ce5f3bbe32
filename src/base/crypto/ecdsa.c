#include "base/crypto/ecdsa.h"

#include "base/bug.h"

#include <nettle/bignum.h>
#include <nettle/dsa.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <nettle/ecdsa.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

struct ecdsa_key {
    enum curve curve;
    EVP_PKEY *pkey;       /* P-256 */
    EVP_PKEY_CTX *verify; /* P-256 */
    struct ecc_point ecc; /* P-384 */
};

/* 2 + (3 + 1 + 48) * 2, with room for a length byte above 127. */
#define DER_SIGNATURE_MAX 112

static const struct ecc_curve *nettle_curve(enum curve c)
{
    return c == CURVE_P256 ? nettle_get_secp_256r1() : nettle_get_secp_384r1();
}

/* --- DER of a signature: SEQUENCE of two minimal INTEGERs (RFC 3279 2.2.3) --- */

static size_t der_integer(uint8_t *out, const uint8_t *v, size_t n)
{
    while (n > 1 && v[0] == 0)
        v++, n--;
    bool pad = v[0] & 0x80;
    out[0] = 0x02;
    out[1] = (uint8_t)(n + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, v, n);
    return 2 + pad + n;
}

/* At most 2 * (2 + 1 + 48) = 102 bytes of content, so one length byte is enough. */
static size_t der_signature(enum curve curve, const uint8_t *rs, uint8_t out[DER_SIGNATURE_MAX])
{
    size_t n = curve_size(curve);
    size_t used = der_integer(out + 2, rs, n);
    used += der_integer(out + 2 + used, rs + n, n);
    out[0] = 0x30;
    out[1] = (uint8_t)used;
    return 2 + used;
}

enum err ecdsa_rs_to_der(enum curve curve, const uint8_t *rs, struct buf *out)
{
    uint8_t der[DER_SIGNATURE_MAX];
    return buf_add(out, der, der_signature(curve, rs, der));
}

/* --- verification --- */

static enum err new_p256(struct ecdsa_key *key, const uint8_t *xy)
{
    uint8_t point[65] = {0x04};
    memcpy(point + 1, xy, 64);
    char group[] = "prime256v1";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!make)
        return E_NOMEM;
    bool made = EVP_PKEY_fromdata_init(make) == 1 &&
                EVP_PKEY_fromdata(make, &key->pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(make);
    ERR_clear_error();
    if (!made)
        return E_SIGNATURE; /* not on the curve */
    key->verify = EVP_PKEY_CTX_new(key->pkey, NULL);
    return key->verify && EVP_PKEY_verify_init(key->verify) == 1 ? OK : E_NOMEM;
}

static enum err new_p384(struct ecdsa_key *key, const uint8_t *xy)
{
    mpz_t x, y;
    nettle_mpz_init_set_str_256_u(x, 48, xy);
    nettle_mpz_init_set_str_256_u(y, 48, xy + 48);
    ecc_point_init(&key->ecc, nettle_curve(CURVE_P384));
    bool on_curve = ecc_point_set(&key->ecc, x, y);
    mpz_clear(x);
    mpz_clear(y);
    return on_curve ? OK : E_SIGNATURE;
}

enum err ecdsa_key_new(enum curve curve, const uint8_t *xy, struct ecdsa_key **out)
{
    struct ecdsa_key *key = calloc(1, sizeof *key);
    *out = NULL;
    if (!key)
        return E_NOMEM;
    key->curve = curve;
    enum err e = curve == CURVE_P256 ? new_p256(key, xy) : new_p384(key, xy);
    if (e == OK)
        *out = key;
    else
        ecdsa_key_free(key);
    return e;
}

void ecdsa_key_free(struct ecdsa_key *key)
{
    if (!key)
        return;
    EVP_PKEY_CTX_free(key->verify);
    EVP_PKEY_free(key->pkey);
    if (key->curve == CURVE_P384)
        ecc_point_clear(&key->ecc);
    free(key);
}

/* OpenSSL refuses r and s out of range and any DER but the canonical one. */
static bool verify_p256(const struct ecdsa_key *key, struct bytes digest, const uint8_t *rs)
{
    uint8_t der[DER_SIGNATURE_MAX];
    size_t n = der_signature(CURVE_P256, rs, der);
    bool good = EVP_PKEY_verify(key->verify, der, n, digest.p, digest.n) == 1;
    if (!good)
        ERR_clear_error(); /* nothing is left behind for the next user of OpenSSL's queue */
    return good;
}

/* nettle refuses r and s out of range. */
static bool verify_p384(const struct ecdsa_key *key, struct bytes digest, const uint8_t *rs)
{
    struct dsa_signature s;
    dsa_signature_init(&s);
    nettle_mpz_set_str_256_u(s.r, 48, rs);
    nettle_mpz_set_str_256_u(s.s, 48, rs + 48);
    bool good = nettle_ecdsa_verify(&key->ecc, digest.n, digest.p, &s);
    dsa_signature_clear(&s);
    return good;
}

enum err ecdsa_key_verify(const struct ecdsa_key *key, struct bytes digest, const uint8_t *rs)
{
    GD_BUG_ON(digest.n > curve_size(key->curve));
    bool good =
        key->curve == CURVE_P256 ? verify_p256(key, digest, rs) : verify_p384(key, digest, rs);
    return good ? OK : E_SIGNATURE;
}

/* --- keys and signing --- */

static void nettle_random(void *ctx, size_t n, uint8_t *out)
{
    rng_fill(*(struct rng *)ctx, out, n);
}

/* Clears a number that held a secret. */
static void mpz_wipe(mpz_t v)
{
    size_t limbs = mpz_size(v);
    if (limbs)
        wipe(mpz_limbs_modify(v, (mp_size_t)limbs), limbs * sizeof(mp_limb_t));
    mpz_limbs_finish(v, 0);
    mpz_clear(v);
}

void ecdsa_secret_new(enum curve curve, struct rng rng, struct ecdsa_secret *secret,
                      struct ecdsa_point *public)
{
    size_t n = curve_size(curve);
    struct ecc_point point;
    struct ecc_scalar scalar;
    mpz_t a, b;
    ecc_point_init(&point, nettle_curve(curve));
    ecc_scalar_init(&scalar, nettle_curve(curve));
    mpz_init(a);
    mpz_init(b);
    ecdsa_generate_keypair(&point, &scalar, &rng, nettle_random);

    memset(secret, 0, sizeof *secret);
    memset(public, 0, sizeof *public);
    secret->curve = curve;
    ecc_scalar_get(&scalar, a);
    nettle_mpz_get_str_256(n, secret->d, a);
    mpz_wipe(a);
    mpz_init(a);
    ecc_point_get(&point, a, b);
    nettle_mpz_get_str_256(n, public->xy, a);
    nettle_mpz_get_str_256(n, public->xy + n, b);

    mpz_clear(a);
    mpz_clear(b);
    ecc_scalar_clear(&scalar);
    ecc_point_clear(&point);
}

enum err ecdsa_secret_sign(const struct ecdsa_secret *secret, struct rng rng, struct bytes digest,
                           struct ecdsa_rs *out)
{
    size_t n = curve_size(secret->curve);
    GD_BUG_ON(digest.n > n);
    struct ecc_scalar scalar;
    struct dsa_signature s;
    mpz_t d;
    ecc_scalar_init(&scalar, nettle_curve(secret->curve));
    nettle_mpz_init_set_str_256_u(d, (unsigned)n, secret->d);
    bool usable = ecc_scalar_set(&scalar, d);
    if (usable) {
        dsa_signature_init(&s);
        nettle_ecdsa_sign(&scalar, &rng, nettle_random, digest.n, digest.p, &s);
        memset(out, 0, sizeof *out);
        nettle_mpz_get_str_256(n, out->rs, s.r);
        nettle_mpz_get_str_256(n, out->rs + n, s.s);
        dsa_signature_clear(&s);
    }
    mpz_wipe(d);
    ecc_scalar_clear(&scalar);
    return usable ? OK : E_VALUE;
}
