#include "base/crypto/cert.h"

#include "base/codec/b64.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

struct cert {
    X509 *x;
    struct buf der;
    char subject[CERT_NAME_MAX], issuer[CERT_NAME_MAX];
    int64_t not_before, not_after;
    enum cert_sig sig;
};

/* --- parsing --- */

/* The last common name as printable text; a name that does not fit or is odd is left empty. */
static void common_name(X509_NAME *name, char out[CERT_NAME_MAX])
{
    int at = -1;
    out[0] = 0;
    for (int i; (i = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;)
        at = i;
    if (at < 0)
        return;
    const ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    int n = ASN1_STRING_length(s);
    const unsigned char *p = ASN1_STRING_get0_data(s);
    if (n <= 0 || n >= CERT_NAME_MAX)
        return;
    for (int i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e)
            return;
    memcpy(out, p, (size_t)n);
    out[n] = 0;
}

/* Days since 1970-01-01 of a civil date (proleptic Gregorian). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool unix_of(const ASN1_TIME *t, int64_t *out)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(t, &tm))
        return false;
    *out = days_of(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 86400 + tm.tm_hour * 3600 +
           tm.tm_min * 60 + tm.tm_sec;
    return true;
}

static enum cert_sig signature_kind(X509 *x)
{
    int digest, key;
    if (!X509_get_signature_info(x, &digest, &key, NULL, NULL))
        return CERT_SIG_OTHER;
    if (digest == NID_sha256 && key == EVP_PKEY_EC)
        return CERT_SIG_ECDSA_SHA256;
    if (digest == NID_sha384 && key == EVP_PKEY_EC)
        return CERT_SIG_ECDSA_SHA384;
    return digest == NID_sha384 && key == EVP_PKEY_RSA_PSS ? CERT_SIG_PSS_SHA384 : CERT_SIG_OTHER;
}

static bool extension_twice(const X509 *x)
{
    for (int i = 0; i < X509_get_ext_count(x); i++)
        if (X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(X509_get_ext(x, i)), i) >= 0)
            return true;
    return false;
}

/* What OpenSSL read must be what was sent: its parser takes some BER. */
static bool is_canonical(X509 *x, struct bytes der)
{
    unsigned char *again = NULL;
    int n = i2d_X509(x, &again);
    bool same = n > 0 && bytes_eq(bytes(again, (size_t)n), der);
    OPENSSL_free(again);
    return same;
}

static enum err check_form(X509 *x, struct bytes der, struct problem *p)
{
    if (!is_canonical(x, der))
        return problem(p, E_CHAIN, "a certificate is not in DER");
    if (X509_get_version(x) != X509_VERSION_3)
        return problem(p, E_CHAIN, "a certificate is not of version 3");
    uint32_t flags = X509_get_extension_flags(x);
    if (flags & EXFLAG_INVALID || extension_twice(x))
        return problem(p, E_CHAIN, "a certificate has invalid extensions");
    if (flags & EXFLAG_CRITICAL)
        return problem(p, E_CHAIN, "a certificate has an unknown critical extension");
    return OK;
}

static enum err fill(struct cert *c, struct bytes der, struct problem *p)
{
    const unsigned char *at = der.p;
    if (der.n == 0 || der.n > CERT_SIZE_MAX)
        return problem(p, E_CHAIN, "a certificate of %zu bytes (at most %d)", der.n, CERT_SIZE_MAX);
    c->x = d2i_X509(NULL, &at, (long)der.n);
    if (!c->x || at != der.p + der.n)
        return problem(p, E_CHAIN, "a certificate cannot be parsed");
    TRY(check_form(c->x, der, p));
    if (!unix_of(X509_get0_notBefore(c->x), &c->not_before) ||
        !unix_of(X509_get0_notAfter(c->x), &c->not_after))
        return problem(p, E_CHAIN, "a certificate has an invalid date");
    common_name(X509_get_subject_name(c->x), c->subject);
    common_name(X509_get_issuer_name(c->x), c->issuer);
    c->sig = signature_kind(c->x);
    return buf_add(&c->der, der.p, der.n);
}

enum err cert_parse(struct bytes der, struct cert **out, struct problem *p)
{
    struct cert *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return E_NOMEM;
    c->der = BUF_INIT(CERT_SIZE_MAX);
    enum err e = fill(c, der, p);
    ERR_clear_error(); /* nothing is left behind for the next user of OpenSSL's queue */
    if (e == OK)
        *out = c;
    else
        cert_free(c);
    return e;
}

void cert_free(struct cert *c)
{
    if (!c)
        return;
    X509_free(c->x);
    buf_free(&c->der);
    free(c);
}

/* --- what it says --- */

const char *cert_subject(const struct cert *c)
{
    return c->subject;
}

const char *cert_issuer(const struct cert *c)
{
    return c->issuer;
}

int64_t cert_not_before(const struct cert *c)
{
    return c->not_before;
}

int64_t cert_not_after(const struct cert *c)
{
    return c->not_after;
}

bool cert_is_ca(const struct cert *c)
{
    uint32_t flags = X509_get_extension_flags(c->x);
    bool may_sign = !(flags & EXFLAG_KUSAGE) || X509_get_key_usage(c->x) & KU_KEY_CERT_SIGN;
    return flags & EXFLAG_CA && may_sign;
}

enum cert_sig cert_sig(const struct cert *c)
{
    return c->sig;
}

struct bytes cert_der(const struct cert *c)
{
    return buf_bytes(&c->der);
}

struct hash32 cert_spki_hash(const struct cert *c)
{
    unsigned char *der = NULL;
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &der);
    struct hash32 h = n > 0 ? sha256(bytes(der, (size_t)n)) : (struct hash32){0};
    OPENSSL_free(der);
    return h;
}

enum err cert_ec_point(const struct cert *c, enum curve curve, struct ecdsa_point *out)
{
    ASN1_OBJECT *type, *group = NULL;
    const unsigned char *key;
    int n, kind;
    const void *parameter;
    X509_ALGOR *algorithm;
    size_t size = 2 * curve_size(curve);
    if (!X509_PUBKEY_get0_param(&type, &key, &n, &algorithm, X509_get_X509_PUBKEY(c->x)))
        return E_CHAIN;
    X509_ALGOR_get0(NULL, &kind, &parameter, algorithm);
    if (OBJ_obj2nid(type) != NID_X9_62_id_ecPublicKey || kind != V_ASN1_OBJECT)
        return E_CHAIN;
    group = (ASN1_OBJECT *)parameter;
    if (OBJ_obj2nid(group) != (curve == CURVE_P256 ? NID_X9_62_prime256v1 : NID_secp384r1))
        return E_CHAIN;
    if ((size_t)n != 1 + size || key[0] != 0x04)
        return E_CHAIN;
    memset(out, 0, sizeof *out);
    memcpy(out->xy, key + 1, size);
    return OK;
}

enum err cert_extension(const struct cert *c, const char *oid, struct bytes *value)
{
    ASN1_OBJECT *name = OBJ_txt2obj(oid, 1);
    if (!name)
        return E_NOMEM;
    int at = X509_get_ext_by_OBJ(c->x, name, -1);
    ASN1_OBJECT_free(name);
    if (at < 0)
        return E_NOT_FOUND;
    const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(X509_get_ext(c->x, at));
    *value = bytes(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    return OK;
}

/* --- the steps of a chain check --- */

enum err cert_check_issued(const struct cert *c, const struct cert *issuer, unsigned below,
                           struct problem *p)
{
    if (X509_NAME_cmp(X509_get_issuer_name(c->x), X509_get_subject_name(issuer->x)) != 0)
        return problem(p, E_CHAIN, "certificate \"%s\" is not issued by \"%s\"", c->subject,
                       issuer->subject);
    if (!cert_is_ca(issuer))
        return problem(p, E_CHAIN, "certificate \"%s\" may not issue others", issuer->subject);
    long pathlen = X509_get_pathlen(issuer->x);
    if (pathlen >= 0 && (unsigned long)pathlen < below)
        return problem(p, E_CHAIN, "certificate \"%s\" allows no chain this long", issuer->subject);
    EVP_PKEY *key = X509_get0_pubkey(issuer->x);
    if (c->sig == CERT_SIG_OTHER || !key)
        return problem(p, E_CHAIN, "certificate \"%s\" uses an unsupported algorithm", c->subject);
    bool good = X509_verify(c->x, key) == 1;
    ERR_clear_error();
    return good ? OK
                : problem(p, E_CHAIN, "the signature on certificate \"%s\" does not verify",
                          c->subject);
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
