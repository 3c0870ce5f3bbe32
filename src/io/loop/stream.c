#include "io/loop/stream_int.h"

#include "base/bug.h"
#include "base/secret.h"

#include <openssl/err.h>

#define KEEPALIVE_SECONDS 30
/* Beyond write_limit, for what TLS adds: record headers, alerts, answers to KeyUpdate. */
#define TLS_SLACK (4 * RECORD_CHUNK)

struct write {
    uv_write_t uv;
    struct stream *stream;
    size_t n;
    uint8_t data[];
};

static void drive(struct stream *s);
static void kicked(uv_timer_t *timer);

/* --- memory and end --- */

void stream_unpin(struct stream *s)
{
    if (--s->pins > 0)
        return;
    SSL_free(s->ssl);
    buf_free(&s->chain);
    dial_free(s);
    free(s);
}

static void timer_closed(uv_handle_t *handle)
{
    stream_unpin(handle->data);
}

static void socket_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;
    free(handle);
    stream_unpin(s);
}

enum err stream_new(struct loop *l, const struct stream_config *config, struct stream **out)
{
    struct stream *s = calloc(1, sizeof *s);
    *out = s;
    if (!s)
        return E_NOMEM;
    s->loop = l;
    s->write_limit = config->write_limit;
    s->chain = BUF_INIT(TLS_CHAIN_BYTES_MAX);
    uv_timer_init(&l->uv, &s->deadline);
    uv_timer_init(&l->uv, &s->kick);
    s->deadline.data = s->kick.data = s;
    s->pins = 2;
    return OK;
}

enum err stream_socket(struct stream *s)
{
    if (s->tcp)
        uv_close((uv_handle_t *)s->tcp, socket_closed);
    s->tcp = calloc(1, sizeof *s->tcp);
    if (!s->tcp)
        return E_NOMEM;
    uv_tcp_init(&s->loop->uv, s->tcp);
    s->tcp->data = s;
    s->pins++;
    return OK;
}

/* close_notify without waiting: a courtesy, so a full socket may swallow it. */
static void say_goodbye(struct stream *s)
{
    char *wire;
    if (!s->ssl || !SSL_is_init_finished(s->ssl) || s->queued > 0)
        return;
    SSL_shutdown(s->ssl);
    long n = BIO_get_mem_data(SSL_get_wbio(s->ssl), &wire);
    uv_buf_t out = uv_buf_init(wire, (unsigned)n);
    if (n > 0)
        uv_try_write((uv_stream_t *)s->tcp, &out, 1);
    ERR_clear_error();
}

static void release(struct stream *s)
{
    if (s->state == STREAM_OPEN)
        say_goodbye(s);
    s->state = STREAM_CLOSED;
    s->on = NULL;
    if (s->tcp)
        uv_close((uv_handle_t *)s->tcp, socket_closed);
    uv_close((uv_handle_t *)&s->deadline, timer_closed);
    uv_close((uv_handle_t *)&s->kick, timer_closed);
    if (s->listener)
        listener_forget(s);
}

void stream_end(struct stream *s, enum err why, const char *detail)
{
    if (s->state == STREAM_CLOSED)
        return;
    const struct stream_handler *on = s->on;
    release(s);
    if (on)
        on->closed(s->ctx, why, detail);
}

void stream_fail(struct stream *s, enum err why, const char *detail)
{
    if (s->state == STREAM_CLOSED || s->failed != OK)
        return;
    s->failed = why;
    s->failure = detail;
    uv_timer_start(&s->kick, kicked, 0, 0);
}

void stream_close(struct stream *s)
{
    if (s->state != STREAM_CLOSED)
        release(s);
}

static void kicked(uv_timer_t *timer)
{
    struct stream *s = timer->data;
    if (s->failed != OK)
        stream_end(s, s->failed, s->failure);
    else
        drive(s);
}

static void deadline_passed(uv_timer_t *timer)
{
    struct stream *s = timer->data;
    if (s->state == STREAM_CONNECTING)
        dial_deadline(s);
    else if (s->state == STREAM_FINISHING)
        stream_end(s, OK, "closed after lingering");
    else
        stream_end(s, E_IO, "the handshake took too long");
}

void stream_set_deadline(struct stream *s, uint64_t after_ms)
{
    uv_update_time(&s->loop->uv);
    uv_timer_start(&s->deadline, deadline_passed, after_ms, 0);
}

/* --- writing --- */

static void written(uv_write_t *uv, int status)
{
    struct write *w = uv->data;
    struct stream *s = w->stream;
    s->queued -= w->n;
    wipe(w->data, w->n); /* plain streams carry the text itself */
    free(w);
    if (s->state != STREAM_CLOSED) {
        if (status < 0)
            stream_end(s, E_IO, uv_strerror(status));
        else if (s->queued == 0 && s->state == STREAM_OPEN && s->on && s->on->drained)
            s->on->drained(s->ctx, s);
    }
    stream_unpin(s);
}

static void queue_wire(struct stream *s, const char *p, size_t n)
{
    struct write *w = malloc(sizeof *w + n);
    if (!w) {
        stream_fail(s, E_NOMEM, "out of memory");
        return;
    }
    w->stream = s;
    w->n = n;
    w->uv.data = w;
    memcpy(w->data, p, n);
    uv_buf_t out = uv_buf_init((char *)w->data, (unsigned)n);
    int status = uv_write(&w->uv, (uv_stream_t *)s->tcp, &out, 1, written);
    if (status < 0) {
        free(w);
        stream_fail(s, E_IO, uv_strerror(status));
        return;
    }
    s->pins++;
    s->queued += n;
}

/* Straight to the kernel as far as it takes it, the rest into libuv's queue. */
static void send_wire(struct stream *s, const char *p, size_t n)
{
    if (n > 0 && s->queued == 0) {
        uv_buf_t out = uv_buf_init((char *)p, (unsigned)n);
        int taken = uv_try_write((uv_stream_t *)s->tcp, &out, 1);
        if (taken < 0 && taken != UV_EAGAIN) {
            stream_fail(s, E_IO, uv_strerror(taken));
            return;
        }
        size_t done = taken > 0 ? (size_t)taken : 0;
        p += done;
        n -= done;
    }
    if (n > 0)
        queue_wire(s, p, n);
}

static void flush_tls(struct stream *s)
{
    char *wire;
    BIO *out = SSL_get_wbio(s->ssl);
    long n = BIO_get_mem_data(out, &wire);
    if (n <= 0)
        return;
    send_wire(s, wire, (size_t)n);
    (void)BIO_reset(out);
    if (s->queued > s->write_limit + TLS_SLACK)
        stream_fail(s, E_RATE, "the other side does not read");
}

static enum err write_tls(struct stream *s, struct bytes out)
{
    while (out.n > 0) {
        size_t done, n = out.n < RECORD_CHUNK ? out.n : RECORD_CHUNK;
        ERR_clear_error();
        if (SSL_write_ex(s->ssl, out.p, n, &done) != 1) {
            stream_fail(s, E_IO, "TLS refused to write");
            return E_NOT_READY;
        }
        flush_tls(s);
        out = bytes(out.p + done, out.n - done);
    }
    return OK;
}

enum err stream_write(struct stream *s, struct bytes out)
{
    if (s->state != STREAM_OPEN || s->failed != OK)
        return E_NOT_READY;
    if (out.n > s->write_limit)
        return E_TOO_LARGE;
    if (s->queued + out.n > s->write_limit)
        return E_RATE;
    if (s->ssl)
        return write_tls(s, out);
    send_wire(s, (const char *)out.p, out.n);
    return OK;
}

size_t stream_queued(const struct stream *s)
{
    return s->queued;
}

/* --- reading --- */

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct stream *s = handle->data;
    GD_BUG_ON(s->loop->in_use);
    s->loop->in_use = true;
    *out = uv_buf_init((char *)s->loop->wire, READ_CHUNK);
}

static void got_eof(struct stream *s, ssize_t status)
{
    if (s->state == STREAM_FINISHING)
        stream_end(s, OK, "closed");
    else if (status != UV_EOF)
        stream_end(s, E_IO, uv_strerror((int)status));
    else if (s->ssl)
        stream_end(s, E_IO, "cut off without close_notify");
    else
        stream_end(s, OK, "closed by the other side");
}

static void got_bytes(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = tcp->data;
    s->loop->in_use = false;
    if (n < 0) {
        got_eof(s, n);
    } else if (n == 0 || s->state == STREAM_FINISHING) {
        return;
    } else if (s->ssl) {
        if (BIO_write(SSL_get_rbio(s->ssl), buf->base, (int)n) != n)
            stream_end(s, E_NOMEM, "out of memory");
        else
            drive(s);
    } else if (s->on) {
        s->on->data(s->ctx, s, bytes(buf->base, (size_t)n));
    }
}

static void start_reading(struct stream *s)
{
    int status = uv_read_start((uv_stream_t *)s->tcp, give_buffer, got_bytes);
    if (status < 0 && status != UV_EALREADY)
        stream_fail(s, E_IO, uv_strerror(status));
}

static enum err keep_certificate(struct stream *s, X509 *certificate)
{
    uint8_t *der = NULL;
    if (s->chain_n == TLS_CHAIN_MAX)
        return E_TOO_LARGE;
    int n = i2d_X509(certificate, &der);
    if (n <= 0)
        return E_NOMEM;
    enum err e = buf_add(&s->chain, der, (size_t)n);
    OPENSSL_free(der);
    if (e == OK)
        s->chain_at[++s->chain_n] = s->chain.n;
    return e;
}

/* The leaf, then what it came with; OpenSSL's list holds the leaf on the client's side only. */
static enum err keep_chain(struct stream *s)
{
    X509 *leaf = SSL_get0_peer_certificate(s->ssl);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(s->ssl);
    if (!leaf)
        return OK;
    TRY(keep_certificate(s, leaf));
    for (int i = SSL_is_server(s->ssl) ? 0 : 1; i < sk_X509_num(chain); i++)
        TRY(keep_certificate(s, sk_X509_value(chain, i)));
    return OK;
}

static void is_open(struct stream *s)
{
    s->state = STREAM_OPEN;
    uv_timer_stop(&s->deadline);
    if (s->listener)
        listener_opened(s);
    else if (s->on->opened)
        s->on->opened(s->ctx, s);
}

/* One step of the handshake; says whether to go on. */
static bool shake_hands(struct stream *s)
{
    int result = SSL_do_handshake(s->ssl);
    int why = SSL_get_error(s->ssl, result);
    flush_tls(s); /* also an alert that says what was wrong */
    if (result == 1) {
        if (keep_chain(s) != OK)
            stream_end(s, E_TOO_LARGE, "too many certificates");
        else
            is_open(s);
        return true;
    }
    if (why != SSL_ERROR_WANT_READ) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        stream_end(s, E_IO, reason ? reason : "the handshake failed");
    }
    return false;
}

/* One record; says whether to go on. */
static bool read_record(struct stream *s)
{
    size_t n;
    int result = SSL_read_ex(s->ssl, s->loop->plain, RECORD_CHUNK, &n);
    if (result == 1) {
        s->on->data(s->ctx, s, bytes(s->loop->plain, n));
        return true;
    }
    int why = SSL_get_error(s->ssl, result);
    flush_tls(s);
    if (why == SSL_ERROR_ZERO_RETURN)
        stream_end(s, OK, "closed by the other side");
    else if (why != SSL_ERROR_WANT_READ)
        stream_end(s, E_IO, "a bad TLS record");
    return false;
}

/* Does what the bytes that have come allow, until the owner pauses or closes. */
static void drive(struct stream *s)
{
    if (s->driving || !s->ssl)
        return;
    s->driving = true;
    for (bool more = true; more;) {
        ERR_clear_error();
        if (s->state == STREAM_HANDSHAKE)
            more = shake_hands(s);
        else
            more = s->state == STREAM_OPEN && !s->paused && s->failed == OK && read_record(s);
    }
    ERR_clear_error();
    s->driving = false;
}

void stream_pause(struct stream *s, bool paused)
{
    if (s->state != STREAM_OPEN || s->paused == paused)
        return;
    s->paused = paused;
    if (paused) {
        uv_read_stop((uv_stream_t *)s->tcp);
        return;
    }
    start_reading(s);
    uv_timer_start(&s->kick, kicked, 0, 0); /* what TLS holds back already */
}

/* --- opening and finishing --- */

void stream_set_origin(struct stream *s)
{
    struct sockaddr_storage storage;
    int n = sizeof storage;
    if (uv_tcp_getpeername(s->tcp, (struct sockaddr *)&storage, &n) < 0)
        return;
    if (storage.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&storage;
        uv_ip4_name(in, s->address, sizeof s->address);
        memcpy(s->origin, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
        memcpy(s->origin + 12, &in->sin_addr, 4);
    } else if (storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&storage;
        uv_ip6_name(in, s->address, sizeof s->address);
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in->sin6_addr);
        memcpy(s->origin, &in->sin6_addr, mapped ? 16 : 8);
    }
}

void stream_connected(struct stream *s, struct tls_context *tls, const char *server_name)
{
    uv_tcp_nodelay(s->tcp, 1);
    uv_tcp_keepalive(s->tcp, 1, KEEPALIVE_SECONDS);
    start_reading(s);
    if (!tls) {
        is_open(s);
        return;
    }
    s->state = STREAM_HANDSHAKE;
    if (tls_context_connection(tls, &s->ssl) != OK) {
        stream_fail(s, E_NOMEM, "out of memory");
        return;
    }
    if (server_name)
        SSL_set_tlsext_host_name(s->ssl, server_name);
    drive(s); /* a client speaks first */
}

void stream_attach(struct stream *s, const struct stream_handler *on, void *ctx)
{
    s->on = on;
    s->ctx = ctx;
}

static void shut_down(uv_shutdown_t *uv, int status)
{
    stream_unpin(uv->data);
    free(uv);
}

void stream_finish(struct stream *s, uint32_t linger_ms)
{
    if (s->state != STREAM_OPEN)
        return;
    if (s->ssl && s->failed == OK) {
        SSL_shutdown(s->ssl);
        flush_tls(s);
        ERR_clear_error();
    }
    s->state = STREAM_FINISHING;
    uv_shutdown_t *request = calloc(1, sizeof *request);
    if (!request || uv_shutdown(request, (uv_stream_t *)s->tcp, shut_down) < 0) {
        free(request);
        stream_fail(s, E_IO, "cannot shut down");
        return;
    }
    request->data = s;
    s->pins++;
    if (s->paused)
        start_reading(s);
    stream_set_deadline(s, linger_ms);
}

const char *stream_peer_address(const struct stream *s)
{
    return s->address;
}

struct bytes stream_peer_certificate(const struct stream *s, size_t i)
{
    GD_BUG_ON(i >= s->chain_n);
    return bytes(s->chain.p + s->chain_at[i], s->chain_at[i + 1] - s->chain_at[i]);
}

size_t stream_peer_certificates(const struct stream *s)
{
    return s->chain_n;
}

enum err stream_export(const struct stream *s, const char *label, void *out, size_t n)
{
    memset(out, 0, n);
    if (!s->ssl || s->state != STREAM_OPEN)
        return E_NOT_READY;
    /* In TLS 1.3 no context and an empty one are the same (RFC 8446, 7.5). */
    return SSL_export_keying_material(s->ssl, out, n, label, strlen(label), NULL, 0, 0) == 1
               ? OK
               : E_INTERNAL;
}
