#include "prog/guardian/transport.h"
#include "core/evidence/binding.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_S 5

struct transport_session {
    CURL *curl;
};

enum err transport_open(struct transport_session **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return E_NOMEM;
    (*out)->curl = curl_easy_init();
    if (!(*out)->curl) {
        free(*out);
        *out = NULL;
        return E_NOMEM;
    }
    return OK;
}

void transport_close(struct transport_session *session)
{
    if (session)
        curl_easy_cleanup(session->curl);
    free(session);
}

/* ---- what comes in ---- */

struct incoming {
    CURL *curl;
    struct buf *body;
    struct transport_binding *binding;
    enum err err;
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct incoming *in = ctx;
    in->err = buf_add(in->body, p, size * n);
    return in->err == OK ? size * n : 0;
}

static enum err read_binding(SSL *ssl, struct transport_binding *out)
{
    uint8_t *spki = NULL;
    X509 *cert = SSL_get0_peer_certificate(ssl);
    int n = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki) : 0;
    if (n <= 0)
        return E_CHAIN;
    out->server_spki = sha256(bytes(spki, (size_t)n));
    OPENSSL_free(spki);
    return SSL_export_keying_material(ssl, out->exporter, sizeof out->exporter,
                                      BINDING_EXPORTER_LABEL, strlen(BINDING_EXPORTER_LABEL), NULL,
                                      0, 0) == 1
               ? OK
               : E_CHAIN;
}

/* Headers come while the connection is known to curl, which it isn't after the exchange. */
static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct incoming *in = ctx;
    struct curl_tlssessioninfo *tls = NULL;
    if (in->binding) {
        if (curl_easy_getinfo(in->curl, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls ||
            tls->backend != CURLSSLBACKEND_OPENSSL || !tls->internals)
            in->err = E_CHAIN;
        else
            in->err = read_binding(tls->internals, in->binding);
    }
    return in->err == OK ? size * n : 0;
}

/* ---- what goes out ---- */

static void set_tls(CURL *c, const struct transport *t)
{
    bool verify = !t->binding;
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    if (verify && t->root_file && t->root_file[0])
        curl_easy_setopt(c, CURLOPT_CAINFO, t->root_file);
    curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    if (t->cert_file) {
        curl_easy_setopt(c, CURLOPT_SSLCERT, t->cert_file);
        curl_easy_setopt(c, CURLOPT_SSLKEY, t->key_file);
    }
}

static void set_request(CURL *c, const struct transport *t, struct curl_slist *headers)
{
    bool post = t->body.n > 0;
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, t->method);
    if (post) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, t->body.p);
    }
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)t->timeout_s);
}

static enum err explain(CURLcode code, const char *text, const struct transport *t,
                        const struct incoming *in, struct problem *p)
{
    if (in->err == E_TOO_LARGE)
        return problem(p, E_TOO_LARGE, "%s answers with more than %zu bytes", t->url,
                       in->body->max);
    if (in->err != OK)
        return problem(p, in->err, "%s: this TLS connection cannot be bound to evidence", t->url);
    bool untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    return problem(p, untrusted ? E_CHAIN : E_IO, "%s: %.160s", t->url,
                   text[0] ? text : curl_easy_strerror(code));
}

static enum err exchange(CURL *c, const struct transport *t, int *status, struct buf *body,
                         struct problem *p)
{
    char url[1024], text[CURL_ERROR_SIZE] = "";
    struct incoming in = {.curl = c, .body = body, .binding = t->binding};
    if (snprintf(url, sizeof url, "%s%s", t->url, t->path) >= (int)sizeof url)
        return problem(p, E_VALUE, "the URL is too long");
    struct curl_slist *headers =
        curl_slist_append(NULL, t->body.n ? "Content-Type: application/json" : "Content-Type:");
    curl_easy_reset(c); /* keeps the connection */
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &in);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &in);
    set_tls(c, t);
    set_request(c, t, headers);
    CURLcode code = curl_easy_perform(c);
    curl_slist_free_all(headers);
    long got = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &got);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
    *status = (int)got;
    return code == CURLE_OK ? OK : explain(code, text, t, &in, p);
}

enum err transport(const struct transport *t, int *status, struct buf *body, struct problem *p)
{
    struct transport_session *own = t->session;
    if (!own)
        TRY(transport_open(&own));
    enum err e = exchange(own->curl, t, status, body, p);
    if (!t->session)
        transport_close(own);
    return e;
}
