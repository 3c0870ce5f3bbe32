/*
 * An HTTP/1.1 server on streams. It frames, limits and times; what a request
 * means is the handler's.
 *
 * One request at a time per connection. While it is being answered, at most
 * HTTP_HEAD_MAX bytes of what follows are kept, then reading stops. Each phase
 * has a deadline of its own, counted from its start and moved by nothing the
 * client sends. When all connections are taken, the oldest idle one is closed, so
 * that holding them open keeps nobody out. What cannot be understood gets a 400 problem and the
 * connection ends; nothing a client sends gives a 500.
 *
 * Does not: route, authenticate, compress, range, cache, or speak HTTP/2.
 */
#ifndef IO_HTTP_HTTP_H
#define IO_HTTP_HTTP_H

#include "base/rng.h"
#include "io/http/message.h"
#include "io/loop/stream.h"

#define HTTP_ANSWER_MAX (8u << 20) /* lists are paged; the largest is a receipt with its proof */
#define HTTP_REQUEST_ID 16         /* hex digits of a number above 2^63 */

struct http_server;
struct http_request;

struct http_config {
    const char *address;
    uint16_t port;
    struct tls_context *tls; /* NULL: plain */
    uint32_t max_connections, max_per_address;
    uint32_t max_half_open; /* per address */
    uint32_t handshake_ms;  /* TLS */
    uint32_t idle_ms;       /* until the first byte of a request */
    uint32_t head_ms;       /* from there to the end of the headers */
    uint32_t body_ms;       /* from there to the end of the body */
    uint32_t answer_ms;     /* from there to the handler's answer, then it is 503 NotReady */
    uint32_t write_ms;      /* until the kernel has taken the answer */
    uint32_t linger_ms;     /* for the client to close after us */
};

/* The limits of the HTTP contract; address, port and tls are the caller's. */
extern const struct http_config http_defaults;

struct http_handler {
    /*
     * The head is complete and no body was read. OK, with the body's limit in
     * bytes; or an error, which is sent as it stands in *p (http_add_header()
     * may add to it) and `request` is not called.
     */
    enum err (*head)(void *ctx, struct http_request *rq, size_t *body_limit, struct problem *p);
    /* The request is complete. Exactly one http_answer() or http_refuse() must follow, now or
     * later. */
    void (*request)(void *ctx, struct http_request *rq);
    /* Nobody waits for the answer any more: the client went, or answer_ms passed. The answer must
     * still be given, and goes nowhere. May be NULL. */
    void (*gone)(void *ctx, struct http_request *rq);
};

/* address, port and tls of config are read here and not kept. */
enum err http_server_open(struct loop *l, const struct http_config *config, struct rng rng,
                          const struct http_handler *handler, void *ctx, struct http_server **out);
uint16_t http_server_port(const struct http_server *s);
uint32_t http_server_connections(const struct http_server *s);
/*
 * Stops accepting, ends idle connections at once and others after their answer,
 * and calls `drained` when none is left; requests go on being answered.
 */
void http_server_drain(struct http_server *s, void (*drained)(void *ctx), void *ctx);
/* Ends all connections at once, without `gone`; requests not yet answered must still be. s may be
 * NULL. */
void http_server_close(struct http_server *s);

/* Valid until the answer, whatever happens to the client. */
const struct http_head *http_request_head(const struct http_request *rq);
struct bytes http_request_body(const struct http_request *rq);
const char *http_request_id(const struct http_request *rq);
/* A word of the handler's own, NULL at first. */
void http_request_set_tag(struct http_request *rq, void *tag);
void *http_request_tag(const struct http_request *rq);

/* These are the connection's: "", none and E_NOT_READY once the client is gone. */
const char *http_request_address(const struct http_request *rq);
size_t http_request_certificates(const struct http_request *rq);
struct bytes http_request_certificate(const struct http_request *rq, size_t i);
enum err http_request_export(const struct http_request *rq, const char *label, void *out, size_t n);

/* Adds "name: value" to the answer; both must be plain ASCII without controls. At most 512 bytes.
 */
void http_add_header(struct http_request *rq, const char *name, const char *value);
/* The answer; rq must not be used after it. A HEAD request gets its headers only. */
void http_answer(struct http_request *rq, int status, const char *type, struct bytes body);
/* The answer as a problem; p->err is not OK. 429 and 503 carry Retry-After. */
void http_refuse(struct http_request *rq, const struct problem *p);

#endif
