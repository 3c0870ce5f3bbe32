#include "io/client/client.h"

#include "base/codec/b64.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define DEFAULT_TIMEOUT_MS 10000
#define CONNECT_TIMEOUT_MS 5000
#define CERT_MAX           (16 << 10)

struct client_session {
    CURL *curl;
};

struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    const struct client_request *request;
    struct client_answer *answer;
    size_t head_read; /* bytes of header so far, of interim answers too */
    enum err err;     /* of the callbacks */
    char pin[64], text[CURL_ERROR_SIZE];
};

/* --- the answer --- */

struct client_answer client_answer(size_t max)
{
    return (struct client_answer){
        .body = BUF_INIT(max), .cert = BUF_INIT(CERT_MAX), .head = BUF_INIT(CLIENT_HEAD_MAX)};
}

void client_answer_free(struct client_answer *a)
{
    buf_free(&a->body);
    buf_free(&a->cert);
    buf_free(&a->head);
    a->status = 0;
    a->retry_after_s = 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    x->err = buf_add(&x->answer->body, p, size * n);
    return x->err == OK ? size * n : 0;
}

static enum err read_channel(SSL *ssl, struct client_channel *out)
{
    uint8_t *spki = NULL;
    X509 *cert = SSL_get0_peer_certificate(ssl);
    int n = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki) : 0;
    if (n <= 0)
        return E_CHAIN;
    out->server_spki = sha256(bytes(spki, (size_t)n));
    OPENSSL_free(spki);
    bool ok = SSL_export_keying_material(ssl, out->exporter, sizeof out->exporter, out->label,
                                         strlen(out->label), NULL, 0, 0) == 1;
    return ok ? OK : E_CHAIN;
}

/* curl knows its connection during the exchange alone. */
static enum err keep_channel(struct exchange *x)
{
    struct curl_tlssessioninfo *tls = NULL;
    if (!x->request->channel)
        return OK;
    if (curl_easy_getinfo(x->curl, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || !tls ||
        tls->backend != CURLSSLBACKEND_OPENSSL || !tls->internals)
        return E_CHAIN;
    return read_channel(tls->internals, x->request->channel);
}

/* curl keeps every line, so what it may keep is limited here. */
static size_t on_head(char *p, size_t size, size_t n, void *ctx)
{
    struct exchange *x = ctx;
    if (x->head_read == 0)
        x->err = keep_channel(x);
    x->head_read += size * n;
    return x->err == OK && x->head_read <= CLIENT_HEAD_MAX ? size * n : 0;
}

static void keep_retry_after(struct exchange *x)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(x->curl, CURLINFO_RETRY_AFTER, &seconds);
    x->answer->retry_after_s = seconds < UINT32_MAX ? (uint32_t)seconds : UINT32_MAX;
}

/* As name, NUL, value, NUL. Of a value that is empty curl 7.88 leaves the CR. */
static enum err keep_head(struct exchange *x)
{
    struct buf *out = &x->answer->head;
    struct curl_header *h = NULL;
    while ((h = curl_easy_nextheader(x->curl, CURLH_HEADER, -1, h))) {
        TRY(buf_add(out, h->name, strlen(h->name) + 1));
        TRY(buf_add(out, h->value, strcspn(h->value, "\r")));
        TRY(buf_add(out, "", 1));
    }
    return OK;
}

enum err client_header(const struct client_answer *a, const char *name, struct bytes *value)
{
    const char *at = (const char *)a->head.p, *end = at ? at + a->head.n : NULL;
    unsigned found = 0;
    *value = BYTES_NONE;
    while (at < end) {
        const char *text = at + strlen(at) + 1;
        if (strcasecmp(at, name) == 0 && ++found)
            *value = bytes_str(text);
        at = text + strlen(text) + 1;
    }
    return found == 1 ? OK : found ? E_MALFORMED : E_NOT_FOUND;
}

/* curl gives certificates as PEM text, the server's own first. */
static enum err keep_certificate(struct exchange *x)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END";
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(x->curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
        info->num_of_certs < 1)
        return OK;
    for (struct curl_slist *line = info->certinfo[0]; line; line = line->next) {
        const char *from = strstr(line->data, begin), *to = from ? strstr(from, end) : NULL;
        if (!to)
            continue;
        struct buf text = BUF_INIT(2 * CERT_MAX);
        enum err e = OK;
        for (from += sizeof begin - 1; from < to && e == OK; from++)
            if (*from != '\n' && *from != '\r')
                e = buf_add(&text, from, 1);
        if (e == OK)
            e = b64_decode(B64_STANDARD, buf_bytes(&text), &x->answer->cert);
        buf_free(&text);
        return e;
    }
    return OK;
}

/* --- the request --- */

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static enum err set_pin(struct exchange *x)
{
    char *text = b64_string(B64_STANDARD, BYTES_OF(x->request->pinned_spki->b));
    if (!text)
        return E_NOMEM;
    snprintf(x->pin, sizeof x->pin, "sha256//%s", text);
    free(text);
    curl_easy_setopt(x->curl, CURLOPT_PINNEDPUBLICKEY, x->pin);
    return OK;
}

static enum err set_trust(struct exchange *x)
{
    const struct client_request *r = x->request;
    bool verify = !r->pinned_spki && !r->channel;
    long oldest = r->tls13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;
    curl_easy_setopt(x->curl, CURLOPT_SSLVERSION, oldest);
    curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(x->curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    curl_easy_setopt(x->curl, CURLOPT_CERTINFO, 1L);
    if (r->ca_file) {
        curl_easy_setopt(x->curl, CURLOPT_CAINFO, r->ca_file);
        curl_easy_setopt(x->curl, CURLOPT_CAPATH, NULL);
    }
    if (r->cert_file) {
        curl_easy_setopt(x->curl, CURLOPT_SSLCERT, r->cert_file);
        curl_easy_setopt(x->curl, CURLOPT_SSLKEY, r->key_file);
    }
    return r->pinned_spki ? set_pin(x) : OK;
}

static enum err add_header(struct exchange *x, const char *text)
{
    struct curl_slist *longer = curl_slist_append(x->headers, text);
    if (!longer)
        return E_NOMEM;
    x->headers = longer;
    return OK;
}

static enum err add_line(struct exchange *x, const char *name, const char *value)
{
    char line[1024];
    int n = snprintf(line, sizeof line, "%s%s", name, value);
    if (n >= (int)sizeof line || strpbrk(value, "\r\n"))
        return E_VALUE;
    return add_header(x, line);
}

static enum err set_headers(struct exchange *x)
{
    const struct client_request *r = x->request;
    TRY(add_line(x, "Accept: ", r->accept ? r->accept : "application/json"));
    TRY(add_header(x, r->body.n ? "Content-Type: application/json" : "Content-Type:"));
    TRY(add_header(x, "Expect:"));
    if (r->bearer)
        TRY(add_line(x, "Authorization: Bearer ", r->bearer));
    curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
    return OK;
}

/* An empty name also turns off what the environment names. */
static enum err set_proxy(struct exchange *x)
{
    const char *proxy = x->request->proxy;
    if (proxy && strncmp(proxy, "http://", 7) != 0 && strncmp(proxy, "https://", 8) != 0) {
        snprintf(x->text, sizeof x->text, "the proxy must begin with http:// or https://");
        return E_VALUE;
    }
    curl_easy_setopt(x->curl, CURLOPT_PROXY, proxy ? proxy : "");
    curl_easy_setopt(x->curl, CURLOPT_NOPROXY, "");
    curl_easy_setopt(x->curl, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(x->curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    return OK;
}

static void set_exchange(struct exchange *x)
{
    CURL *c = x->curl;
    const struct client_request *r = x->request;
    uint32_t timeout = r->timeout_ms ? r->timeout_ms : DEFAULT_TIMEOUT_MS;
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    if (r->body.n) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->body.p);
    }
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->text);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
}

/* --- errors --- */

static const struct {
    CURLcode code;
    enum err err;
} codes[] = {
    {CURLE_PEER_FAILED_VERIFICATION, E_CHAIN}, {CURLE_SSL_PINNEDPUBKEYNOTMATCH, E_CHAIN},
    {CURLE_SSL_CACERT_BADFILE, E_CHAIN},       {CURLE_URL_MALFORMAT, E_VALUE},
    {CURLE_UNSUPPORTED_PROTOCOL, E_VALUE},     {CURLE_OUT_OF_MEMORY, E_NOMEM},
};

static enum err explain(const struct exchange *x, CURLcode code, struct problem *p)
{
    const char *url = x->request->url;
    enum err e = E_IO;
    if (x->head_read > CLIENT_HEAD_MAX)
        return problem(p, E_TOO_LARGE, "%.120s answers with more than %d bytes of header", url,
                       CLIENT_HEAD_MAX);
    if (x->err == E_TOO_LARGE)
        return problem(p, E_TOO_LARGE, "%.120s answers with more than %zu bytes", url,
                       x->answer->body.max);
    if (x->err == E_CHAIN)
        return problem(p, E_CHAIN, "%.120s: this connection cannot be bound to evidence", url);
    if (x->err != OK)
        return problem(p, x->err, "%.120s: %.110s", url, x->text[0] ? x->text : err_text(x->err));
    long sent = 0;
    curl_easy_getinfo(x->curl, CURLINFO_REQUEST_SIZE, &sent);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].code == code)
            e = codes[i].err;
    /* curl has one code for a URL it cannot ask and an answer that is no HTTP. */
    if (e == E_VALUE && sent > 0)
        e = E_IO;
    return problem(p, e, "%.120s: %.110s", url, x->text[0] ? x->text : curl_easy_strerror(code));
}

static enum err perform(struct exchange *x, struct problem *p)
{
    set_exchange(x);
    x->err = set_trust(x);
    if (x->err == OK)
        x->err = set_proxy(x);
    if (x->err == OK)
        x->err = set_headers(x);
    CURLcode code = x->err == OK ? curl_easy_perform(x->curl) : CURLE_FAILED_INIT;
    if (code == CURLE_OK)
        x->err = keep_certificate(x);
    if (code == CURLE_OK && x->err == OK)
        x->err = keep_head(x);
    if (code != CURLE_OK || x->err != OK)
        return explain(x, code, p);
    long status = 0;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    x->answer->status = (int)status;
    keep_retry_after(x);
    return OK;
}

enum err client_session_open(struct client_session **out)
{
    pthread_once(&started, start_curl);
    *out = calloc(1, sizeof **out);
    if (*out)
        (*out)->curl = curl_easy_init();
    if (*out && (*out)->curl)
        return OK;
    client_session_close(*out);
    *out = NULL;
    return E_NOMEM;
}

void client_session_close(struct client_session *s)
{
    if (s)
        curl_easy_cleanup(s->curl);
    free(s);
}

enum err client_call(const struct client_request *r, struct client_answer *out, struct problem *p)
{
    struct client_session *session = r->session;
    if (!session && client_session_open(&session) != OK)
        return problem(p, E_NOMEM, "out of memory");
    struct exchange x = {.curl = session->curl, .request = r, .answer = out};
    enum err e = perform(&x, p);
    curl_easy_reset(x.curl); /* what points to this exchange; the connection stays */
    curl_slist_free_all(x.headers);
    if (!r->session)
        client_session_close(session);
    if (e != OK)
        client_answer_free(out);
    return e;
}
