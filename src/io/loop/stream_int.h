/* Streams as stream.c, dial.c and listener.c share them; nobody else includes it. */
#ifndef IO_LOOP_STREAM_INT_H
#define IO_LOOP_STREAM_INT_H

#include "io/loop/loop_int.h"
#include "io/loop/stream.h"
#include "io/loop/tls_int.h"

/*
 * CONNECTING -> HANDSHAKE -> OPEN -> FINISHING -> CLOSED, forward only, any of
 * them may be left out. CLOSED: no callback, libuv may still hold memory.
 */
enum stream_state {
    STREAM_CONNECTING,
    STREAM_HANDSHAKE,
    STREAM_OPEN,
    STREAM_FINISHING,
    STREAM_CLOSED,
};

struct dial;

struct stream {
    struct loop *loop;
    enum stream_state state;
    unsigned pins; /* handles and requests libuv holds; the memory goes with the last */
    uv_tcp_t *tcp; /* NULL while a name is looked up */
    uv_timer_t deadline;
    uv_timer_t kick; /* fires at once: what may not happen inside an owner's call */
    SSL *ssl;        /* NULL: plain */

    const struct stream_handler *on;
    void *ctx;
    struct dial *dial; /* dialled streams, until connected */
    struct listener *listener;
    struct stream *previous, *next; /* among the listener's */

    bool paused, driving;
    size_t queued, write_limit;
    enum err failed; /* to be reported by `kick` */
    const char *failure;

    char address[INET6_ADDRSTRLEN];
    uint8_t origin[16]; /* what max_per_address counts */
    struct buf chain;
    size_t chain_at[TLS_CHAIN_MAX + 1], chain_n;
};

/* A stream without a socket, its timers ready. */
enum err stream_new(struct loop *l, const struct stream_config *config, struct stream **out);
/* Gives it a fresh socket; an old one is closed. */
enum err stream_socket(struct stream *s);
/* Connected: TLS begins under what is left of the deadline, or it is open at once. */
void stream_connected(struct stream *s, struct tls_context *tls, const char *server_name);
/* Asks the socket for the other side's address. */
void stream_set_origin(struct stream *s);
void stream_set_deadline(struct stream *s, uint64_t after_ms);
/* Ends it and tells the owner. Only from libuv's callbacks. */
void stream_end(struct stream *s, enum err why, const char *detail);
/* Ends it from `kick`: may be called from inside an owner's call. */
void stream_fail(struct stream *s, enum err why, const char *detail);
void stream_unpin(struct stream *s);

/* The deadline passed while connecting: the next address, or the end. */
void dial_deadline(struct stream *s);
void dial_free(struct stream *s);
/* An accepted stream is open; one is gone. */
void listener_opened(struct stream *s);
void listener_forget(struct stream *s);

#endif
