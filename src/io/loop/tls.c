#include "io/loop/tls_int.h"

#include <openssl/err.h>

#define CIPHERS    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
#define GROUPS     "X25519:P-256"
#define SIGNATURES "ECDSA+SHA256:ed25519"

struct tls_context {
    SSL_CTX *ctx;
    enum tls_side side;
    uint8_t alpn[256]; /* RFC 7301: a length byte and the name; empty if unused */
    uint8_t alpn_n;
};

/* Chains are judged in vault: see the header. */
static int accept_any_chain(X509_STORE_CTX *store, void *arg)
{
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static int choose_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_n, const uint8_t *in,
                       unsigned in_n, void *arg)
{
    const struct tls_context *c = arg;
    uint8_t *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_n, c->alpn, c->alpn_n, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_alpn(struct tls_context *c, const char *name)
{
    if (!name)
        return true;
    size_t n = strlen(name);
    if (n == 0 || n > 254)
        return false;
    c->alpn[0] = (uint8_t)n;
    memcpy(c->alpn + 1, name, n);
    c->alpn_n = (uint8_t)(n + 1);
    if (c->side == TLS_CLIENT)
        return SSL_CTX_set_alpn_protos(c->ctx, c->alpn, c->alpn_n) == 0;
    SSL_CTX_set_alpn_select_cb(c->ctx, choose_alpn, c);
    return true;
}

static bool set_rules(SSL_CTX *ctx, const struct tls_config *config)
{
    int verify = SSL_VERIFY_NONE;
    if (config->side == TLS_CLIENT || config->ask_certificate)
        verify = SSL_VERIFY_PEER;
    if (config->require_certificate)
        verify = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ctx, verify, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, accept_any_chain, NULL);
    SSL_CTX_set_max_cert_list(ctx, TLS_CHAIN_BYTES_MAX);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, CIPHERS) == 1 &&
           SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1;
}

enum err tls_context_open(const struct tls_config *config, const struct tls_identity *id,
                          struct tls_context **out)
{
    *out = NULL;
    enum err e;
    struct tls_context *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    c->side = config->side;
    c->ctx = SSL_CTX_new(config->side == TLS_SERVER ? TLS_server_method() : TLS_client_method());
    TRY_OUT(c->ctx && set_rules(c->ctx, config) && set_alpn(c, config->alpn) ? OK : E_INTERNAL);
    if (id)
        TRY_OUT(tls_context_set_certificate(c, id));
    *out = c;
    return OK;
out:
    tls_context_close(c);
    ERR_clear_error();
    return e;
}

enum err tls_context_set_certificate(struct tls_context *c, const struct tls_identity *id)
{
    /* The chain of SSL_CTX_use_cert_and_key() is what follows the leaf. */
    STACK_OF(X509) *rest = sk_X509_dup(id->chain);
    if (!rest)
        return E_NOMEM;
    X509 *leaf = sk_X509_shift(rest);
    int done = SSL_CTX_use_cert_and_key(c->ctx, leaf, id->key, rest, 1);
    sk_X509_free(rest);
    ERR_clear_error();
    return done == 1 ? OK : E_CHAIN;
}

enum err tls_context_connection(struct tls_context *c, SSL **out)
{
    *out = NULL;
    SSL *ssl = SSL_new(c->ctx);
    BIO *in = BIO_new(BIO_s_mem()), *to = BIO_new(BIO_s_mem());
    if (!ssl || !in || !to) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(to);
        return E_NOMEM;
    }
    SSL_set_bio(ssl, in, to);
    if (c->side == TLS_SERVER)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    *out = ssl;
    return OK;
}

void tls_context_close(struct tls_context *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ctx);
    free(c);
}
