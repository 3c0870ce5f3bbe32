/*
 * Streams: TCP connections, plain or under TLS 1.3, as callbacks.
 *
 * Life: stream_connect(), or a listener's `accepted`; then `data` any number of
 * times; then exactly one of
 *   - the owner calls stream_close(): no callback follows, queued bytes may be lost;
 *   - `closed` is called: the other side went, a deadline passed, something
 *     failed, or a stream_finish() is through. It is the last callback; the
 *     stream must not be used after it returns.
 * No callback is ever made from inside a function the owner calls.
 *
 * TCP_NODELAY and keep-alive probes are set on every connection: with Nagle's
 * algorithm a request in two writes waits for a delayed ACK (40 ms).
 */
#ifndef IO_LOOP_STREAM_H
#define IO_LOOP_STREAM_H

#include "io/loop/loop.h"
#include "io/loop/tls.h"

struct stream;
struct listener;

struct stream_handler {
    /* Connected and, with TLS, handshaken. Dialled streams only; may be NULL. */
    void (*opened)(void *ctx, struct stream *s);
    /* At least one byte; the view is valid during the call only. */
    void (*data)(void *ctx, struct stream *s, struct bytes in);
    /* The queue is empty again: follows a stream_write() after which stream_queued() was not 0.
     * May be NULL. */
    void (*drained)(void *ctx, struct stream *s);
    /* OK: the other side closed in order. detail says more, for a log line; never NULL. */
    void (*closed)(void *ctx, enum err why, const char *detail);
};

struct stream_config {
    uint32_t handshake_ms; /* from accept, or from connect (names included), to open */
    size_t write_limit;    /* bytes queued, beyond which stream_write() refuses */
};

struct dial_config {
    const char *host; /* a name, or an IPv4 or IPv6 address without brackets */
    uint16_t port;
    struct tls_context *tls; /* NULL: plain */
    struct stream_config stream;
};

/* Every address of the name is tried, each with its share of handshake_ms. */
enum err stream_connect(struct loop *l, const struct dial_config *config,
                        const struct stream_handler *on, void *ctx, struct stream **out);
/* Gives an accepted stream its owner. */
void stream_attach(struct stream *s, const struct stream_handler *on, void *ctx);

/*
 * Queues a copy. E_RATE when that would exceed write_limit (wait for `drained`),
 * E_TOO_LARGE when it never fits, E_NOT_READY before it is open, after
 * stream_finish() or when it has failed (`closed` follows); then nothing was queued.
 */
enum err stream_write(struct stream *s, struct bytes out);
/* Bytes written and not yet taken by the kernel. */
size_t stream_queued(const struct stream *s);
/* Stops (true) or resumes reading: back-pressure on the other side, whose end is not noticed then.
 */
void stream_pause(struct stream *s, bool paused);
/*
 * The orderly end: what is queued goes out, then close_notify and FIN; what
 * still comes in is read and dropped, so that the kernel sends no RST that would
 * destroy the last answer on its way; `closed` when the other side has closed
 * too, or after linger_ms at the latest, whatever is still queued then.
 */
void stream_finish(struct stream *s, uint32_t linger_ms);
void stream_close(struct stream *s);

/* The other side's IP address as text, valid as long as the stream. */
const char *stream_peer_address(const struct stream *s);
/* The DER certificates it showed, leaf first; n = 0 if none. Valid as long as the stream. */
struct bytes stream_peer_certificate(const struct stream *s, size_t i);
size_t stream_peer_certificates(const struct stream *s);
/* RFC 8446, 7.5, empty context: equal on both sides of this connection only. E_NOT_READY without
 * TLS. */
enum err stream_export(const struct stream *s, const char *label, void *out, size_t n);

struct listener_config {
    const char *address; /* an IPv4 or IPv6 address; "::" is both */
    uint16_t port;       /* 0: any free one */
    struct tls_context *tls;
    struct stream_config stream;
    /* Connections at once, half-open ones included. Above max_connections newcomers wait in the
     * kernel's backlog; above max_per_address (IPv6: per /64, what one host owns) they are closed.
     */
    uint32_t max_connections, max_per_address;
    /* Of these, unfinished handshakes of one address. Above it the oldest of them is closed, not
     * the newcomer: whoever holds them open keeps out neither others nor those behind its own
     * address, whose handshakes take a round trip. */
    uint32_t max_half_open;
};

/* `accepted` gets open streams only; it calls stream_attach() or stream_close(). */
enum err listener_open(struct loop *l, const struct listener_config *config,
                       void (*accepted)(void *ctx, struct stream *s), void *ctx,
                       struct listener **out);
uint16_t listener_port(const struct listener *n);
uint32_t listener_connections(const struct listener *n);
/* Stops listening and closes half-open connections; attached streams stay. n may be NULL. */
void listener_close(struct listener *n);

#endif
