/* Certificates: the steps of a chain check, and PEM. */
#include "base/codec/b64.h"
#include "base/codec/der.h"
#include "base/crypto/cert_parse.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* --- signatures --- */

/* An INTEGER of a signature as n big-endian bytes. */
static enum err read_half(struct bytes *in, uint8_t *out, size_t n)
{
    struct bytes v;
    TRY(der_expect(in, DER_INTEGER, &v));
    bool padded = v.n > 1 && v.p[0] == 0;
    if (v.n == 0 || v.p[0] & 0x80 || (padded && !(v.p[1] & 0x80)) || v.n - padded > n)
        return E_MALFORMED;
    memset(out, 0, n);
    memcpy(out + n - (v.n - padded), v.p + padded, v.n - padded);
    return OK;
}

/* SEQUENCE {r INTEGER, s INTEGER} (RFC 3279 2.2.3), minimal. */
static enum err read_ecdsa(struct bytes der, enum curve curve, struct ecdsa_rs *out)
{
    struct bytes halves;
    size_t n = curve_size(curve);
    TRY(der_expect(&der, DER_SEQUENCE, &halves));
    TRY(read_half(&halves, out->rs, n));
    TRY(read_half(&halves, out->rs + n, n));
    return halves.n || der.n ? E_MALFORMED : OK;
}

static bool verify_ecdsa(struct bytes tbs, struct bytes signature, const struct cert *issuer,
                         enum curve curve)
{
    struct ecdsa_point point;
    struct ecdsa_key *key;
    struct ecdsa_rs rs;
    uint8_t digest[48];
    if (cert_ec_point(issuer, curve, &point) != OK || read_ecdsa(signature, curve, &rs) != OK)
        return false;
    if (curve == CURVE_P256)
        memcpy(digest, sha256(tbs).b, 32);
    else
        sha384(tbs, digest);
    if (ecdsa_key_new(curve, point.xy, &key) != OK)
        return false;
    bool good = ecdsa_key_verify(key, bytes(digest, curve_size(curve)), rs.rs) == OK;
    ecdsa_key_free(key);
    return good;
}

/* RSASSA-PSS with SHA-384, MGF1 with SHA-384 and 48 bytes of salt, as cert.c pins it. */
static bool verify_pss(struct bytes tbs, struct bytes signature, const struct cert *issuer)
{
    const unsigned char *at = issuer->spki.p;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)issuer->spki.n);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL;
    bool good = key && md && at == issuer->spki.p + issuer->spki.n && EVP_PKEY_is_a(key, "RSA") &&
                EVP_PKEY_get_bits(key) >= 2048 &&
                EVP_DigestVerifyInit(md, &ctx, EVP_sha384(), NULL, key) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 48) == 1 &&
                EVP_DigestVerify(md, signature.p, signature.n, tbs.p, tbs.n) == 1;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* nothing is left behind for the next user of OpenSSL's queue */
    return good;
}

bool cert_verify_signed(enum cert_sig sig, struct bytes tbs, struct bytes signature,
                        const struct cert *issuer)
{
    switch (sig) {
    case CERT_SIG_ECDSA_SHA256:
        return verify_ecdsa(tbs, signature, issuer, CURVE_P256);
    case CERT_SIG_ECDSA_SHA384:
        return verify_ecdsa(tbs, signature, issuer, CURVE_P384);
    case CERT_SIG_PSS_SHA384:
        return verify_pss(tbs, signature, issuer);
    default:
        return false;
    }
}

/* --- links --- */

enum err cert_check_issued(const struct cert *c, const struct cert *issuer, unsigned below,
                           struct problem *p)
{
    if (!bytes_eq(c->issuer_name, issuer->subject_name))
        return problem(p, E_CHAIN, "certificate \"%s\" is not issued by \"%s\"", c->subject,
                       issuer->subject);
    if (!cert_is_ca(issuer))
        return problem(p, E_CHAIN, "certificate \"%s\" may not issue others", issuer->subject);
    if (issuer->has_pathlen && issuer->pathlen < below)
        return problem(p, E_CHAIN, "certificate \"%s\" allows no chain this long", issuer->subject);
    if (!cert_verify_signed(c->sig, c->tbs, c->signature, issuer))
        return problem(p, E_CHAIN, "the signature on certificate \"%s\" does not verify",
                       c->subject);
    return OK;
}

enum err cert_check_dates(const struct cert *c, int64_t unix_time, struct problem *p)
{
    if (unix_time < c->not_before)
        return problem(p, E_CHAIN, "certificate \"%s\" is valid from %lld, the time is %lld",
                       c->subject, (long long)c->not_before, (long long)unix_time);
    if (unix_time > c->not_after)
        return problem(p, E_CHAIN, "certificate \"%s\" expired at %lld, the time is %lld",
                       c->subject, (long long)c->not_after, (long long)unix_time);
    return OK;
}

/* --- containers --- */

static bool take(struct bytes *in, const char *text)
{
    size_t n = strlen(text);
    if (in->n < n || memcmp(in->p, text, n) != 0)
        return false;
    in->p += n;
    in->n -= n;
    return true;
}

static bool take_line_end(struct bytes *in)
{
    return take(in, "\n") || take(in, "\r\n");
}

static void skip_space(struct bytes *in)
{
    while (in->n && (in->p[0] == '\n' || in->p[0] == '\r' || in->p[0] == ' '))
        in->p++, in->n--;
}

/* Up to the first '-', without line ends. */
static enum err take_base64(struct bytes *in, struct buf *text)
{
    while (in->n && in->p[0] != '-') {
        if (take_line_end(in))
            continue;
        TRY(buf_add(text, in->p, 1));
        in->p++, in->n--;
    }
    return OK;
}

enum err cert_next_pem(struct bytes *text, struct buf *der)
{
    struct buf base64 = BUF_INIT(CERT_SIZE_MAX * 2);
    struct bytes in = *text;
    enum err e = OK;
    skip_space(&in);
    if (in.n == 0)
        return E_NOT_FOUND;
    if (!take(&in, "-----BEGIN CERTIFICATE-----") || !take_line_end(&in))
        return E_MALFORMED;
    TRY_OUT(take_base64(&in, &base64));
    if (!take(&in, "-----END CERTIFICATE-----") || (in.n && !take_line_end(&in))) {
        e = E_MALFORMED;
        goto out;
    }
    TRY_OUT(b64_decode(B64_STANDARD, buf_bytes(&base64), der));
    *text = in;
out:
    buf_free(&base64);
    return e == OK || e == E_NOMEM ? e : E_MALFORMED;
}
