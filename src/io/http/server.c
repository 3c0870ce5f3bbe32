#include "io/http/http.h"
#include "io/http/problem.h"

#include "base/bug.h"
#include "base/codec/hex.h"
#include "base/log.h"

#include <stdlib.h>
#include <time.h>

#define HEADERS_MAX 512
#define STASH_MAX   (HTTP_HEAD_MAX + 65536) /* its limit is noticed after one more read */
#define RETRY_AFTER "2" /* seconds: a leader is replaced and a lease renewed in less */

/*
 * A connection is in one of these, and each has its deadline:
 * IDLE -> HEAD -> BODY -> ANSWER -> WRITE -> NEXT -> IDLE ...; from any of them
 * to FINISH, where the stream lingers and only its end is awaited.
 */
enum phase { IDLE, HEAD, BODY, ANSWER, WRITE, NEXT, FINISH };

struct connection {
    struct http_server *server;
    struct stream *stream;
    struct timer *timer;
    enum phase phase;
    struct http_message *message; /* HEAD and BODY; then the request's */
    struct http_request *request; /* ANSWER */
    struct buf stash;             /* what came before its turn */
    bool keep_alive, processing;
    struct connection *previous, *next;
};

struct http_request {
    struct connection *connection; /* NULL: gone */
    struct http_message *message;
    bool handed_over; /* `request` was called: the handler owes an answer */
    void *tag;
    char id[HTTP_REQUEST_ID + 1];
    char headers[HEADERS_MAX + 1];
};

struct http_server {
    struct loop *loop;
    struct http_config config;
    struct rng rng;
    const struct http_handler *handler;
    void *ctx;
    struct listener *listener;
    struct connection *first;
    uint32_t connections;
    bool draining;
    struct timer *drain_timer; /* tells it outside of the owner's call */
    void (*drained)(void *ctx);
    void *drained_ctx;
};

const struct http_config http_defaults = {
    .max_connections = 1024, /* about 64 KiB each under TLS */
    .max_per_address = 256,  /* a proxy or a NAT may stand for many clients */
    .max_half_open = 64,     /* of a round trip each; it takes 16 addresses to fill all places */
    .handshake_ms = 5000,
    .idle_ms = 60000,
    .head_ms = 5000,
    .body_ms = 10000,
    .answer_ms = 30000,
    .write_ms = 10000,
    .linger_ms = 2000,
};

static void process(struct connection *c, struct bytes in);

/* --- answers as bytes --- */

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

/* RFC 9110, 5.6.7 */
static void http_date(struct loop *l, char out[static 32])
{
    time_t now = (time_t)(loop_now(l).unix_ms / 1000);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(out, 32, "%a, %d %b %Y %H:%M:%S GMT", &tm); /* the C locale: nobody calls setlocale */
}

struct answer {
    int status;
    const char *type, *headers, *id;
    struct bytes body;
    bool without_body;
};

static enum err render(struct connection *c, const struct answer *a, struct buf *out)
{
    char head[HEADERS_MAX + 512], date[32];
    http_date(c->server->loop, date);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                     "X-Request-Id: %s\r\n%s%s\r\n",
                     a->status, reason(a->status), date, a->type, a->body.n, a->id, a->headers,
                     c->keep_alive ? "" : "Connection: close\r\n");
    if (n < 0 || (size_t)n >= sizeof head)
        return E_INTERNAL;
    TRY(buf_add(out, head, (size_t)n));
    return a->without_body ? OK : buf_add(out, a->body.p, a->body.n);
}

/* --- connections --- */

static void forget(struct connection *c)
{
    struct http_server *s = c->server;
    if (c->previous)
        c->previous->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    s->connections--;
    if (s->draining && s->connections == 0)
        timer_start(s->drain_timer, 0);
}

static void request_free(struct http_request *rq)
{
    if (rq->connection)
        rq->connection->request = NULL;
    http_message_free(rq->message);
    free(rq);
}

/* Lets go of the request. If the handler owes an answer, returns it: it goes into the void. */
static struct http_request *release_request(struct connection *c)
{
    struct http_request *rq = c->request;
    if (!rq)
        return NULL;
    c->request = NULL;
    rq->connection = NULL;
    if (rq->handed_over)
        return rq;
    request_free(rq);
    return NULL;
}

static void connection_free(struct connection *c)
{
    release_request(c);
    forget(c);
    timer_close(c->timer);
    http_message_free(c->message);
    buf_free(&c->stash);
    free(c);
}

static void tell_gone(struct http_server *s, struct http_request *rq)
{
    if (rq && s->handler->gone)
        s->handler->gone(s->ctx, rq);
}

static void enter(struct connection *c, enum phase phase, uint32_t after_ms)
{
    c->phase = phase;
    timer_start(c->timer, after_ms);
}

static void finish(struct connection *c)
{
    c->phase = FINISH;
    timer_stop(c->timer);
    /* What is queued has write_ms, then the client has linger_ms. */
    stream_finish(c->stream, stream_queued(c->stream) ? c->server->config.write_ms
                                                      : c->server->config.linger_ms);
}

/* Sends bytes; then comes the next request, or the end. */
static void send_answer(struct connection *c, const struct answer *a)
{
    struct buf out = BUF_INIT(HTTP_ANSWER_MAX + HEADERS_MAX + 512);
    c->keep_alive = c->keep_alive && !c->server->draining;
    enum err e = render(c, a, &out);
    if (e == OK)
        e = stream_write(c->stream, buf_bytes(&out));
    if (e != OK)
        log_warn("answer lost status=%d request=%s: %s", a->status, a->id, err_text(e));
    buf_free(&out);
    if (e != OK || !c->keep_alive)
        finish(c);
    else if (stream_queued(c->stream) > 0)
        enter(c, WRITE, c->server->config.write_ms);
    else if (c->stash.n > 0 && !c->processing)
        enter(c, NEXT, 0);
    else
        enter(c, IDLE, c->server->config.idle_ms);
}

static void new_id(struct http_server *s, char out[static HTTP_REQUEST_ID + 1])
{
    uint8_t random[HTTP_REQUEST_ID / 2];
    rng_fill(s->rng, random, sizeof random);
    random[0] |= 0x80; /* as a number it has all of its digits */
    hex_encode(BYTES_OF(random), out);
}

static const char *retry_header(int status)
{
    return status == 429 || status == 503 ? "Retry-After: " RETRY_AFTER "\r\n" : "";
}

/* Refuses what never became a request, and ends the connection. */
static void refuse_and_end(struct connection *c, const struct problem *p)
{
    struct buf body = BUF_INIT(4096);
    char id[HTTP_REQUEST_ID + 1];
    new_id(c->server, id);
    c->keep_alive = false;
    enum err e = http_problem_write(p, id, &body);
    if (e == OK)
        send_answer(c, &(struct answer){.status = err_status(p->err),
                                        .type = HTTP_PROBLEM_TYPE,
                                        .headers = retry_header(err_status(p->err)),
                                        .id = id,
                                        .body = buf_bytes(&body)});
    else
        finish(c);
    buf_free(&body);
}

static void refuse_late(struct connection *c, const char *what)
{
    struct problem p;
    p.err = problem(&p, E_MALFORMED, "%s took too long", what);
    refuse_and_end(c, &p);
}

static void answer_overdue(struct connection *c)
{
    struct http_server *s = c->server;
    struct http_request *rq = release_request(c);
    struct problem p;
    p.err = problem(&p, E_NOT_READY, "no answer within %u ms", s->config.answer_ms);
    refuse_and_end(c, &p);
    tell_gone(s, rq);
}

static void take_next(struct connection *c)
{
    struct buf stash = c->stash;
    c->stash = BUF_INIT(STASH_MAX);
    enter(c, IDLE, c->server->config.idle_ms);
    process(c, buf_bytes(&stash));
    if (c->phase == IDLE && c->server->draining)
        finish(c);
    if (c->phase != FINISH)
        stream_pause(c->stream, c->stash.n > HTTP_HEAD_MAX);
    buf_free(&stash);
}

static void timer_fired(void *ctx)
{
    struct connection *c = ctx;
    switch (c->phase) {
    case IDLE:
        finish(c);
        break;
    case HEAD:
        refuse_late(c, "the head of the request");
        break;
    case BODY:
        refuse_late(c, "the body of the request");
        break;
    case ANSWER:
        answer_overdue(c);
        break;
    case WRITE:
        stream_close(c->stream); /* it does not read: there is no orderly end */
        connection_free(c);
        break;
    case NEXT:
        take_next(c);
        break;
    case FINISH:
        break;
    }
}

/* --- requests --- */

static struct http_request *request_new(struct connection *c)
{
    struct http_request *rq = calloc(1, sizeof *rq);
    if (!rq)
        return NULL;
    rq->connection = c;
    rq->message = c->message;
    c->message = NULL;
    c->request = rq;
    new_id(c->server, rq->id);
    return rq;
}

/* The handler judges the head; says whether the body may come. */
static bool allow(struct connection *c, struct http_request *rq)
{
    const struct http_head *h = http_message_head(rq->message);
    struct http_server *s = c->server;
    struct problem p = {0};
    size_t limit = 0;
    c->keep_alive = h->keep_alive && !s->draining;
    p.err = s->handler->head(s->ctx, rq, &limit, &p);
    if (p.err == OK && http_message_allow(rq->message, limit) != OK)
        p.err = problem(&p, E_TOO_LARGE, "the body may have up to %zu bytes", limit);
    if (p.err == OK)
        return true;
    c->keep_alive = c->keep_alive && !h->has_body; /* the body would be taken for a request */
    http_refuse(rq, &p);
    return false;
}

static void head_done(struct connection *c)
{
    struct http_request *rq = request_new(c);
    if (!rq) {
        finish(c);
        return;
    }
    enter(c, BODY, c->server->config.body_ms);
    if (!allow(c, rq) || !http_message_head(rq->message)->expects_continue)
        return;
    if (stream_write(c->stream, bytes_str("HTTP/1.1 100 Continue\r\n\r\n")) != OK)
        finish(c);
}

/* What is being read: a message of its own, or from the head on the request's. */
static struct http_message *reading(struct connection *c)
{
    if (c->phase == IDLE) {
        c->message = http_message_new();
        enter(c, HEAD, c->server->config.head_ms);
    }
    return c->phase == HEAD ? c->message : c->request->message;
}

static void step(struct connection *c, enum http_step step, struct http_message *m)
{
    struct http_server *s = c->server;
    if (step == HTTP_STEP_HEAD) {
        head_done(c);
    } else if (step == HTTP_STEP_DONE) {
        enter(c, ANSWER, s->config.answer_ms);
        c->request->handed_over = true;
        s->handler->request(s->ctx, c->request);
    } else if (step == HTTP_STEP_BAD) {
        struct problem p = *http_message_problem(m);
        release_request(c);
        refuse_and_end(c, &p);
    }
}

/* Takes input as far as it goes; the rest waits in the stash. */
static void process(struct connection *c, struct bytes in)
{
    bool more = in.n > 0;
    c->processing = true;
    while (more && (c->phase == IDLE || c->phase == HEAD || c->phase == BODY)) {
        struct http_message *m = reading(c);
        if (!m) {
            finish(c);
            break;
        }
        enum http_step s = http_message_feed(m, &in);
        step(c, s, m);
        /* A request without a body is complete without further input. */
        more = in.n > 0 || (s == HTTP_STEP_HEAD && c->phase == BODY);
    }
    c->processing = false;
    if (in.n > 0 && c->phase != FINISH && buf_add(&c->stash, in.p, in.n) != OK)
        finish(c);
}

/* --- the stream's side --- */

static void on_data(void *ctx, struct stream *stream, struct bytes in)
{
    struct connection *c = ctx;
    process(c, in);
    if (c->phase != FINISH && c->stash.n > HTTP_HEAD_MAX)
        stream_pause(stream, true);
}

static void on_drained(void *ctx, struct stream *stream)
{
    struct connection *c = ctx;
    if (c->phase == WRITE)
        take_next(c);
}

static void on_closed(void *ctx, enum err why, const char *detail)
{
    struct connection *c = ctx;
    struct http_server *s = c->server;
    if (why != OK)
        log_debug("http connection lost: %s", detail);
    struct http_request *rq = release_request(c);
    connection_free(c);
    tell_gone(s, rq);
}

static const struct stream_handler stream_handler = {
    .data = on_data,
    .drained = on_drained,
    .closed = on_closed,
};

/* The last place was taken: the oldest connection that has nothing to say makes room. */
static void make_room(struct http_server *s, const struct connection *newest)
{
    struct connection *oldest = NULL;
    for (struct connection *c = s->first; c; c = c->next)
        if (c->phase == IDLE && c != newest)
            oldest = c;
    if (oldest)
        finish(oldest);
}

static void on_accepted(void *ctx, struct stream *stream)
{
    struct http_server *s = ctx;
    struct connection *c = calloc(1, sizeof *c);
    if (!c || timer_open(s->loop, timer_fired, c, &c->timer) != OK) {
        free(c);
        stream_close(stream);
        return;
    }
    c->server = s;
    c->stream = stream;
    c->stash = BUF_INIT(STASH_MAX);
    c->next = s->first;
    if (s->first)
        s->first->previous = c;
    s->first = c;
    s->connections++;
    stream_attach(stream, &stream_handler, c);
    enter(c, IDLE, s->config.idle_ms);
    if (s->connections >= s->config.max_connections)
        make_room(s, c);
}

/* --- the owner's side --- */

static void tell_drained(void *ctx)
{
    struct http_server *s = ctx;
    s->drained(s->drained_ctx);
}

enum err http_server_open(struct loop *l, const struct http_config *config, struct rng rng,
                          const struct http_handler *handler, void *ctx, struct http_server **out)
{
    enum err e;
    struct http_server *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return E_NOMEM;
    s->loop = l;
    s->config = *config;
    s->rng = rng;
    s->handler = handler;
    s->ctx = ctx;
    struct listener_config listener = {
        .address = config->address,
        .port = config->port,
        .tls = config->tls,
        .stream = {config->handshake_ms, HTTP_ANSWER_MAX + HEADERS_MAX + 512},
        .max_connections = config->max_connections,
        .max_per_address = config->max_per_address,
        .max_half_open = config->max_half_open,
    };
    TRY_OUT(timer_open(l, tell_drained, s, &s->drain_timer));
    TRY_OUT(listener_open(l, &listener, on_accepted, s, &s->listener));
    *out = s;
    return OK;
out:
    timer_close(s->drain_timer);
    free(s);
    return e;
}

uint16_t http_server_port(const struct http_server *s)
{
    return listener_port(s->listener);
}

uint32_t http_server_connections(const struct http_server *s)
{
    return s->connections;
}

void http_server_drain(struct http_server *s, void (*drained)(void *ctx), void *ctx)
{
    s->draining = true;
    s->drained = drained;
    s->drained_ctx = ctx;
    listener_close(s->listener);
    s->listener = NULL;
    for (struct connection *c = s->first; c; c = c->next)
        if (c->phase == IDLE)
            finish(c);
    if (s->connections == 0)
        timer_start(s->drain_timer, 0);
}

void http_server_close(struct http_server *s)
{
    if (!s)
        return;
    s->draining = false;
    listener_close(s->listener);
    while (s->first) {
        stream_close(s->first->stream);
        connection_free(s->first);
    }
    timer_close(s->drain_timer);
    free(s);
}

const struct http_head *http_request_head(const struct http_request *rq)
{
    return http_message_head(rq->message);
}

struct bytes http_request_body(const struct http_request *rq)
{
    return http_message_body(rq->message);
}

const char *http_request_id(const struct http_request *rq)
{
    return rq->id;
}

void http_request_set_tag(struct http_request *rq, void *tag)
{
    rq->tag = tag;
}

void *http_request_tag(const struct http_request *rq)
{
    return rq->tag;
}

const char *http_request_address(const struct http_request *rq)
{
    return rq->connection ? stream_peer_address(rq->connection->stream) : "";
}

size_t http_request_certificates(const struct http_request *rq)
{
    return rq->connection ? stream_peer_certificates(rq->connection->stream) : 0;
}

struct bytes http_request_certificate(const struct http_request *rq, size_t i)
{
    return i < http_request_certificates(rq) ? stream_peer_certificate(rq->connection->stream, i)
                                             : BYTES_NONE;
}

enum err http_request_export(const struct http_request *rq, const char *label, void *out, size_t n)
{
    memset(out, 0, n);
    return rq->connection ? stream_export(rq->connection->stream, label, out, n) : E_NOT_READY;
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

void http_add_header(struct http_request *rq, const char *name, const char *value)
{
    size_t have = strlen(rq->headers), room = sizeof rq->headers - have;
    GD_BUG_ON(!is_plain(name) || !is_plain(value));
    int n = snprintf(rq->headers + have, room, "%s: %s\r\n", name, value);
    GD_BUG_ON(n < 0 || (size_t)n >= room);
}

void http_answer(struct http_request *rq, int status, const char *type, struct bytes body)
{
    struct answer a = {
        .status = status,
        .type = type,
        .headers = rq->headers,
        .id = rq->id,
        .body = body,
        .without_body = strcmp(http_request_head(rq)->method, "HEAD") == 0,
    };
    struct connection *c = rq->connection;
    if (c) {
        c->request = NULL;
        rq->connection = NULL;
        send_answer(c, &a);
    }
    request_free(rq);
}

void http_refuse(struct http_request *rq, const struct problem *p)
{
    struct buf body = BUF_INIT(4096);
    int status = err_status(p->err);
    GD_BUG_ON(p->err == OK);
    if (retry_header(status)[0])
        http_add_header(rq, "Retry-After", RETRY_AFTER);
    if (http_problem_write(p, rq->id, &body) != OK)
        buf_clear(&body); /* out of memory: the status has to do */
    http_answer(rq, status, HTTP_PROBLEM_TYPE, buf_bytes(&body));
    buf_free(&body);
}
