#include "io/loop/tls_int.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <limits.h>

#define DER_MAX 65536

static enum err der_of(int (*encode)(const void *object, uint8_t **out), const void *object,
                       struct buf *out)
{
    uint8_t *der = NULL;
    int n = encode(object, &der);
    if (n <= 0)
        return E_NOMEM;
    enum err e = buf_add(out, der, (size_t)n);
    OPENSSL_free(der);
    return e;
}

static int encode_certificate(const void *certificate, uint8_t **out)
{
    return i2d_X509(certificate, out);
}

static int encode_spki(const void *key, uint8_t **out)
{
    return i2d_PUBKEY(key, out);
}

/* Takes key and chain over, also on failure. */
static enum err identity_new(EVP_PKEY *key, STACK_OF(X509) * chain, struct tls_identity **out)
{
    *out = NULL;
    struct tls_identity *id = calloc(1, sizeof *id);
    if (!id) {
        EVP_PKEY_free(key);
        sk_X509_pop_free(chain, X509_free);
        return E_NOMEM;
    }
    *id = (struct tls_identity){key, chain, BUF_INIT(DER_MAX), BUF_INIT(DER_MAX)};
    enum err e;
    if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1) {
        e = E_CHAIN;
        goto out;
    }
    TRY_OUT(der_of(encode_certificate, sk_X509_value(chain, 0), &id->leaf));
    TRY_OUT(der_of(encode_spki, key, &id->spki));
    *out = id;
    return OK;
out:
    tls_identity_free(id);
    return e;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

static bool set_serial(X509 *certificate)
{
    uint8_t random[16];
    if (RAND_bytes(random, sizeof random) != 1)
        return false;
    random[0] = (uint8_t)((random[0] & 0x7f) | 0x40); /* positive, of full length */
    BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

static bool fill_self_signed(X509 *certificate, EVP_PKEY *key, const char *name)
{
    char san[300];
    int n = snprintf(san, sizeof san, "DNS:%s", name);
    X509_NAME *subject = X509_get_subject_name(certificate);
    return n > 0 && (size_t)n < sizeof san && X509_set_version(certificate, X509_VERSION_3) == 1 &&
           set_serial(certificate) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                                      0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), -86400) &&
           ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") == 1 &&
           X509_set_pubkey(certificate, key) == 1 &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_subject_alt_name, san) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

enum err tls_identity_self_signed(const char *name, struct tls_identity **out)
{
    *out = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!key || !certificate || !chain || !fill_self_signed(certificate, key, name) ||
        sk_X509_push(chain, certificate) <= 0) {
        EVP_PKEY_free(key);
        X509_free(certificate);
        sk_X509_free(chain);
        return E_NOMEM;
    }
    return identity_new(key, chain, out);
}

/* Takes the certificate over. */
static enum err push_certificate(STACK_OF(X509) * chain, X509 *certificate)
{
    if (!certificate)
        return E_MALFORMED;
    if (sk_X509_num(chain) < TLS_CHAIN_MAX && sk_X509_push(chain, certificate) > 0)
        return OK;
    X509_free(certificate);
    return E_TOO_LARGE;
}

static X509 *certificate_from_der(struct bytes der)
{
    const uint8_t *p = der.p;
    if (der.n == 0 || der.n > DER_MAX)
        return NULL;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.n);
    if (certificate && p != der.p + der.n) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

enum err tls_identity_with_chain(const struct tls_identity *id, const struct bytes *chain, size_t n,
                                 struct tls_identity **out)
{
    *out = NULL;
    if (n == 0)
        return E_MALFORMED;
    STACK_OF(X509) *certificates = sk_X509_new_null();
    enum err e = certificates ? OK : E_NOMEM;
    for (size_t i = 0; i < n && e == OK; i++)
        e = push_certificate(certificates, certificate_from_der(chain[i]));
    if (e == OK && EVP_PKEY_up_ref(id->key) == 1)
        return identity_new(id->key, certificates, out);
    sk_X509_pop_free(certificates, X509_free);
    return e != OK ? e : E_NOMEM;
}

/* No passphrase is ever asked for. */
static int no_passphrase(char *out, int size, int writing, void *ctx)
{
    return -1;
}

static enum err chain_from_pem(BIO *in, STACK_OF(X509) * chain)
{
    enum err e = OK;
    for (X509 *x; e == OK && (x = PEM_read_bio_X509(in, NULL, no_passphrase, NULL));)
        e = push_certificate(chain, x);
    return e == OK && sk_X509_num(chain) == 0 ? E_MALFORMED : e;
}

enum err tls_identity_with_pem(const struct tls_identity *id, struct bytes chain,
                               struct tls_identity **out)
{
    *out = NULL;
    if (chain.n > INT_MAX)
        return E_TOO_LARGE;
    BIO *in = BIO_new_mem_buf(chain.p, (int)chain.n);
    STACK_OF(X509) *certificates = sk_X509_new_null();
    enum err e = in && certificates ? chain_from_pem(in, certificates) : E_NOMEM;
    BIO_free(in);
    ERR_clear_error(); /* the end of the text counts as one */
    if (e == OK && EVP_PKEY_up_ref(id->key) == 1)
        return identity_new(id->key, certificates, out);
    sk_X509_pop_free(certificates, X509_free);
    return e != OK ? e : E_NOMEM;
}

enum err tls_identity_from_pem(struct bytes key, struct bytes chain, struct tls_identity **out)
{
    *out = NULL;
    if (key.n > INT_MAX || chain.n > INT_MAX)
        return E_TOO_LARGE;
    enum err e;
    BIO *key_in = BIO_new_mem_buf(key.p, (int)key.n);
    BIO *chain_in = BIO_new_mem_buf(chain.p, (int)chain.n);
    STACK_OF(X509) *certificates = sk_X509_new_null();
    EVP_PKEY *private = NULL;
    TRY_OUT(key_in && chain_in && certificates ? OK : E_NOMEM);
    private = PEM_read_bio_PrivateKey(key_in, NULL, no_passphrase, NULL);
    TRY_OUT(private ? OK : E_MALFORMED);
    TRY_OUT(chain_from_pem(chain_in, certificates));
    e = identity_new(private, certificates, out);
    private = NULL; /* taken over, like the chain */
    certificates = NULL;
out:
    EVP_PKEY_free(private);
    sk_X509_pop_free(certificates, X509_free);
    BIO_free(key_in);
    BIO_free(chain_in);
    return e;
}

struct bytes tls_identity_spki(const struct tls_identity *id)
{
    return buf_bytes(&id->spki);
}

struct bytes tls_identity_leaf(const struct tls_identity *id)
{
    return buf_bytes(&id->leaf);
}

void tls_identity_free(struct tls_identity *id)
{
    if (!id)
        return;
    EVP_PKEY_free(id->key); /* OpenSSL wipes private keys when the last reference goes */
    sk_X509_pop_free(id->chain, X509_free);
    buf_free(&id->leaf);
    buf_free(&id->spki);
    free(id);
}
