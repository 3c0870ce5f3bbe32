#include "io/loop/stream_int.h"

#include "base/bug.h"
#include "base/log.h"

/* As many as wait politely; the kernel caps it (net.core.somaxconn). */
#define BACKLOG 512

struct listener {
    uv_tcp_t tcp;
    struct loop *loop;
    struct listener_config config;
    void (*accepted)(void *ctx, struct stream *s);
    void *ctx;
    struct stream *first;
    uint32_t connections;
    bool waiting;     /* libuv holds a connection that there was no room for */
    uv_timer_t again; /* accepts it outside of any owner's call */
    unsigned pins;
};

static void accept_again(uv_timer_t *timer);

/* What one address holds. */
struct holdings {
    uint32_t connections, half_open;
    struct stream *oldest; /* of the half-open ones */
};

static struct holdings holdings_of(const struct listener *n, const uint8_t origin[static 16])
{
    struct holdings h = {0};
    for (struct stream *s = n->first; s; s = s->next) { /* the newest first */
        if (memcmp(s->origin, origin, 16) != 0)
            continue;
        h.connections++;
        if (s->state == STREAM_HANDSHAKE) {
            h.half_open++;
            h.oldest = s;
        }
    }
    return h;
}

static void remember(struct listener *n, struct stream *s)
{
    s->listener = n;
    s->next = n->first;
    if (n->first)
        n->first->previous = s;
    n->first = s;
    n->connections++;
}

void listener_forget(struct stream *s)
{
    struct listener *n = s->listener;
    if (s->previous)
        s->previous->next = s->next;
    else
        n->first = s->next;
    if (s->next)
        s->next->previous = s->previous;
    s->listener = NULL;
    n->connections--;
    if (n->waiting)
        uv_timer_start(&n->again, accept_again, 0, 0);
}

void listener_opened(struct stream *s)
{
    struct listener *n = s->listener;
    n->accepted(n->ctx, s);
    GD_BUG_ON(!s->on && s->state != STREAM_CLOSED);
}

/* Counts the newcomer in, or turns it away. */
static bool let_in(struct listener *n, struct stream *s)
{
    stream_set_origin(s);
    struct holdings its = holdings_of(n, s->origin);
    if (its.oldest && its.half_open >= n->config.max_half_open) {
        log_debug("too many handshakes from=%s port=%u", s->address, listener_port(n));
        stream_close(its.oldest);
        its.connections--;
    }
    if (its.connections >= n->config.max_per_address) {
        log_debug("too many connections from=%s port=%u", s->address, listener_port(n));
        stream_close(s);
        return false;
    }
    remember(n, s);
    return true;
}

static void accept_one(struct listener *n)
{
    struct stream *s;
    n->waiting = n->connections >= n->config.max_connections;
    if (n->waiting)
        return;
    if (stream_new(n->loop, &n->config.stream, &s) != OK) {
        n->waiting = true; /* libuv keeps it until the next connection goes */
        return;
    }
    if (stream_socket(s) != OK || uv_accept((uv_stream_t *)&n->tcp, (uv_stream_t *)s->tcp) < 0) {
        stream_close(s);
        return;
    }
    if (let_in(n, s)) {
        stream_set_deadline(s, n->config.stream.handshake_ms);
        stream_connected(s, n->config.tls, NULL);
    }
}

static void accept_again(uv_timer_t *timer)
{
    struct listener *n = timer->data;
    if (n->waiting)
        accept_one(n);
}

static void connection_came(uv_stream_t *tcp, int status)
{
    struct listener *n = tcp->data;
    if (status < 0)
        log_warn("accept failed: %s", uv_strerror(status));
    else
        accept_one(n);
}

static void handle_closed(uv_handle_t *handle)
{
    struct listener *n = handle->data;
    if (--n->pins == 0)
        free(n);
}

static int bind_and_listen(struct listener *n)
{
    struct sockaddr_storage storage;
    const char *address = n->config.address;
    if (uv_ip4_addr(address, n->config.port, (struct sockaddr_in *)&storage) < 0 &&
        uv_ip6_addr(address, n->config.port, (struct sockaddr_in6 *)&storage) < 0)
        return UV_EINVAL;
    int status = uv_tcp_bind(&n->tcp, (const struct sockaddr *)&storage, 0);
    return status < 0 ? status : uv_listen((uv_stream_t *)&n->tcp, BACKLOG, connection_came);
}

enum err listener_open(struct loop *l, const struct listener_config *config,
                       void (*accepted)(void *ctx, struct stream *s), void *ctx,
                       struct listener **out)
{
    *out = NULL;
    struct listener *n = calloc(1, sizeof *n);
    if (!n)
        return E_NOMEM;
    *n = (struct listener){.loop = l, .config = *config, .accepted = accepted, .ctx = ctx};
    uv_tcp_init(&l->uv, &n->tcp);
    uv_timer_init(&l->uv, &n->again);
    n->tcp.data = n->again.data = n;
    n->pins = 2;
    int status = bind_and_listen(n);
    if (status < 0) {
        log_error("cannot listen on %s port %u: %s", config->address, config->port,
                  uv_strerror(status));
        listener_close(n);
        return uv_err(status);
    }
    *out = n;
    return OK;
}

uint16_t listener_port(const struct listener *n)
{
    struct sockaddr_storage storage;
    int size = sizeof storage;
    if (uv_tcp_getsockname(&n->tcp, (struct sockaddr *)&storage, &size) < 0)
        return 0;
    /* The port stands at the same place in both families. */
    return ntohs(((const struct sockaddr_in *)&storage)->sin_port);
}

uint32_t listener_connections(const struct listener *n)
{
    return n->connections;
}

void listener_close(struct listener *n)
{
    if (!n)
        return;
    n->waiting = false;
    for (struct stream *s = n->first, *next; s; s = next) {
        next = s->next;
        if (s->on)
            listener_forget(s);
        else
            stream_close(s);
    }
    uv_close((uv_handle_t *)&n->tcp, handle_closed);
    uv_close((uv_handle_t *)&n->again, handle_closed);
}
