#include "io/peer/link.h"
#include "io/peer/queue.h"

#include "base/crypto/hash.h"
#include "base/log.h"

#include <stdlib.h>

#define ALPN "guardian-peer/1"
/* Beyond this the rest waits in our queue, where it can still be dropped. */
#define STREAM_LOW (256u << 10)
#define LINGER_MS  1000

struct target {
    uint32_t id;
    char *host;
    uint16_t port;
    struct peers *peers;
    struct link *link; /* NULL: waiting for the timer */
    struct timer *timer;
    uint32_t delay_ms;
    bool is_ourselves;
    struct frame_queue waiting;
    struct target *next;
};

/* CONNECTING -> OPEN -> TRUSTED; from either to CLOSING, where only the stream's end is awaited. */
enum link_state { LINK_CONNECTING, LINK_OPEN, LINK_TRUSTED, LINK_CLOSING };

struct link {
    uint32_t id;
    enum link_state state;
    struct peers *peers;
    struct target *target;
    struct stream *stream;
    struct timer *timer; /* attest_ms, then stall_ms */
    struct framer framer;
    struct frame_queue queue;
    struct link *next;
};

struct peers {
    struct loop *loop;
    struct peers_config config;
    struct rng rng;
    const struct peers_handler *handler;
    void *ctx;
    struct tls_context *server, *client;
    struct hash32 own_certificate;
    struct listener *listener;
    struct link *links;
    struct target *targets;
    uint32_t last_id;
    uint64_t dropped;
};

const struct peers_config peers_defaults = {
    .handshake_ms = 5000,
    .attest_ms = 5000,
    .stall_ms = 10000,
    .backoff_min_ms = 100,
    .backoff_max_ms = 5000,
    .queue_bytes = 2 * (PEER_FRAME_MAX + FRAME_HEADER),
    .max_links = 256,
    .max_per_address = 64, /* guardians behind one NAT, and a whole cluster on one machine */
    .max_half_open = 16,   /* all of a cluster at once, each dialling once */
};

static void dial_now(void *ctx);

/* --- finding and freeing --- */

static struct link *find_link(const struct peers *p, uint32_t id)
{
    for (struct link *k = p->links; k; k = k->next)
        if (k->id == id && (k->state == LINK_OPEN || k->state == LINK_TRUSTED))
            return k;
    return NULL;
}

static struct target *find_target(const struct peers *p, uint32_t id)
{
    for (struct target *t = p->targets; t; t = t->next)
        if (t->id == id)
            return t;
    return NULL;
}

static void link_free(struct link *k)
{
    struct link **at = &k->peers->links;
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    timer_close(k->timer);
    framer_free(&k->framer);
    frame_queue_free(&k->queue);
    free(k);
}

/* The target's connection is gone, or never came: again after a while. */
static void dial_later(struct target *t)
{
    uint32_t delay = t->delay_ms;
    uint32_t twice = delay * 2;
    t->link = NULL;
    if (t->is_ourselves)
        return;
    t->delay_ms = twice < t->peers->config.backoff_max_ms ? twice : t->peers->config.backoff_max_ms;
    timer_start(t->timer, delay / 2 + rng_below(t->peers->rng, delay / 2 + 1));
}

/* Lets go of the link on our side; what it was for goes on. */
static void link_gone(struct link *k)
{
    struct target *t = k->target;
    link_free(k);
    if (t)
        dial_later(t);
}

/* Ends a link by our own decision, and tells the owner. From callbacks only. */
static void link_end(struct link *k, const char *why)
{
    struct peers *p = k->peers;
    uint32_t id = k->id;
    bool known = k->state == LINK_OPEN || k->state == LINK_TRUSTED;
    stream_close(k->stream);
    link_gone(k);
    if (known)
        p->handler->closed(p->ctx, id, why);
}

static void link_overdue(void *ctx)
{
    struct link *k = ctx;
    link_end(k, k->state == LINK_OPEN ? "not attested in time" : "the peer does not read");
}

/* --- sending --- */

/* Moves frames to the stream while it has room; starts the clock when it has not. */
static void pump(struct link *k)
{
    while (k->queue.first && stream_queued(k->stream) < STREAM_LOW) {
        struct queued_frame *f = frame_queue_take(&k->queue);
        enum err e = stream_write(k->stream, bytes(f->wire, f->n));
        free(f);
        if (e != OK)
            return; /* the stream has failed and will say so */
    }
    if (k->state != LINK_TRUSTED)
        return;
    if (stream_queued(k->stream) == 0)
        timer_stop(k->timer);
    else if (!timer_is_active(k->timer))
        timer_start(k->timer, k->peers->config.stall_ms);
}

static enum err check_frame(struct bytes frame)
{
    if (frame.n == 0)
        return E_MALFORMED;
    return frame.n <= PEER_FRAME_MAX ? OK : E_TOO_LARGE;
}

enum err peers_send(struct peers *p, uint32_t link, struct bytes frame)
{
    TRY(check_frame(frame));
    struct link *k = find_link(p, link);
    if (!k)
        return E_NOT_FOUND;
    TRY(frame_queue_add(&k->queue, frame, &p->dropped));
    pump(k);
    return OK;
}

enum err peers_send_to(struct peers *p, uint32_t target, struct bytes frame)
{
    TRY(check_frame(frame));
    struct target *t = find_target(p, target);
    if (!t)
        return E_NOT_FOUND;
    if (t->link && t->link->state == LINK_TRUSTED)
        return peers_send(p, t->link->id, frame);
    return frame_queue_add(&t->waiting, frame, &p->dropped);
}

void peers_trust(struct peers *p, uint32_t link)
{
    struct link *k = find_link(p, link);
    if (!k || k->state == LINK_TRUSTED)
        return;
    k->state = LINK_TRUSTED;
    k->framer.max = PEER_FRAME_MAX;
    timer_stop(k->timer);
    if (k->target) {
        k->target->delay_ms = p->config.backoff_min_ms;
        frame_queue_move(&k->queue, &k->target->waiting, &p->dropped);
    }
    pump(k);
}

/* --- the stream's side --- */

static void on_data(void *ctx, struct stream *s, struct bytes in)
{
    struct link *k = ctx;
    struct peers *p = k->peers;
    uint32_t id = k->id;
    while (in.n > 0 && k->state != LINK_CLOSING) {
        struct buf frame;
        enum err e = framer_feed(&k->framer, &in, &frame);
        if (e != OK) {
            link_end(k, e == E_TOO_LARGE ? "a frame is too large" : "a frame is malformed");
            return;
        }
        if (frame.n == 0)
            return;
        p->handler->frame(p->ctx, id, buf_bytes(&frame));
        buf_free(&frame);
        if (find_link(p, id) != k)
            return; /* closed by the owner */
    }
}

static void on_drained(void *ctx, struct stream *s)
{
    struct link *k = ctx;
    if (k->state == LINK_TRUSTED)
        timer_stop(k->timer); /* it moves: the clock starts anew */
    pump(k);
}

static void on_closed(void *ctx, enum err why, const char *detail)
{
    struct link *k = ctx;
    struct peers *p = k->peers;
    uint32_t id = k->id;
    bool known = k->state == LINK_OPEN || k->state == LINK_TRUSTED;
    if (k->target)
        log_debug("peer %s port=%u: %s", k->target->host, k->target->port, detail);
    if (k->state == LINK_CLOSING)
        link_free(k);
    else
        link_gone(k);
    if (known)
        p->handler->closed(p->ctx, id, detail);
}

static void is_open(struct link *k)
{
    struct peers *p = k->peers;
    struct peer_opened opened = {
        .link = k->id,
        .role = k->target ? PEER_DIALLED : PEER_ACCEPTED,
        .target = k->target ? k->target->id : 0,
        .address = stream_peer_address(k->stream),
    };
    if (stream_peer_certificates(k->stream) == 0 ||
        stream_export(k->stream, BINDING_EXPORTER_LABEL, opened.exporter, BINDING_EXPORTER_SIZE) !=
            OK) {
        link_end(k, "no certificate");
        return;
    }
    opened.certificate = stream_peer_certificate(k->stream, 0);
    if (hash32_eq(sha256(opened.certificate), p->own_certificate)) {
        if (k->target)
            k->target->is_ourselves = true;
        link_end(k, "this is ourselves");
        return;
    }
    k->state = LINK_OPEN;
    timer_start(k->timer, p->config.attest_ms);
    p->handler->opened(p->ctx, &opened);
}

static void on_opened(void *ctx, struct stream *s)
{
    is_open(ctx);
}

static const struct stream_handler stream_handler = {on_opened, on_data, on_drained, on_closed};

static bool is_used(const struct peers *p, uint32_t id)
{
    for (struct link *k = p->links; k; k = k->next)
        if (k->id == id)
            return true;
    return id == 0 || find_target(p, id);
}

static uint32_t new_id(struct peers *p)
{
    do
        p->last_id++;
    while (is_used(p, p->last_id));
    return p->last_id;
}

static struct link *link_new(struct peers *p, struct target *t)
{
    struct link *k = calloc(1, sizeof *k);
    if (!k || timer_open(p->loop, link_overdue, k, &k->timer) != OK) {
        free(k);
        return NULL;
    }
    k->id = new_id(p);
    k->peers = p;
    k->target = t;
    framer_init(&k->framer, PEER_FRAME_MAX_UNTRUSTED);
    k->queue.max = p->config.queue_bytes;
    k->next = p->links;
    p->links = k;
    return k;
}

static void on_accepted(void *ctx, struct stream *s)
{
    struct link *k = link_new(ctx, NULL);
    if (!k) {
        stream_close(s);
        return;
    }
    k->stream = s;
    stream_attach(s, &stream_handler, k);
    is_open(k);
}

/* Also for our own end: one frame, and what TLS adds. */
static struct stream_config stream_config(const struct peers *p)
{
    return (struct stream_config){
        .handshake_ms = p->config.handshake_ms,
        .write_limit = STREAM_LOW + FRAME_HEADER + PEER_FRAME_MAX,
    };
}

/* --- targets --- */

static void dial_now(void *ctx)
{
    struct target *t = ctx;
    struct peers *p = t->peers;
    struct dial_config config = {t->host, t->port, p->client, stream_config(p)};
    t->link = link_new(p, t);
    if (!t->link) {
        dial_later(t);
        return;
    }
    if (stream_connect(p->loop, &config, &stream_handler, t->link, &t->link->stream) != OK)
        link_gone(t->link);
}

static void target_free(struct target *t)
{
    timer_close(t->timer);
    frame_queue_free(&t->waiting);
    free(t->host);
    free(t);
}

uint32_t peers_dial(struct peers *p, const char *host, uint16_t port)
{
    struct target *t = calloc(1, sizeof *t);
    if (!t)
        return 0;
    t->host = strdup(host);
    if (!t->host || timer_open(p->loop, dial_now, t, &t->timer) != OK) {
        free(t->host);
        free(t);
        return 0;
    }
    t->id = new_id(p);
    t->port = port;
    t->peers = p;
    t->delay_ms = p->config.backoff_min_ms;
    t->waiting.max = p->config.queue_bytes;
    t->next = p->targets;
    p->targets = t;
    timer_start(t->timer, 0);
    return t->id;
}

/* No more callbacks, but what is queued still goes out. */
static void link_close(struct link *k)
{
    bool open = k->state == LINK_OPEN || k->state == LINK_TRUSTED;
    enum err e = open ? OK : E_NOT_READY;
    for (struct queued_frame *f; e == OK && (f = frame_queue_take(&k->queue)); free(f))
        e = stream_write(k->stream, bytes(f->wire, f->n));
    k->target = NULL;
    k->state = LINK_CLOSING;
    timer_stop(k->timer);
    if (open) {
        stream_finish(k->stream, LINGER_MS);
    } else {
        stream_close(k->stream);
        link_free(k);
    }
}

void peers_give_up(struct peers *p, uint32_t target)
{
    struct target **at = &p->targets, *t = find_target(p, target);
    if (!t)
        return;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    struct link *k = t->link;
    if (k) {
        uint32_t id = k->id;
        bool known = k->state == LINK_OPEN || k->state == LINK_TRUSTED;
        link_close(k);
        if (known) /* the owner named a target; that this was its link it hears here */
            p->handler->closed(p->ctx, id, "no longer wanted");
    }
    target_free(t);
}

void peers_close_link(struct peers *p, uint32_t link)
{
    struct link *k = find_link(p, link);
    if (!k)
        return;
    struct target *t = k->target;
    link_close(k);
    if (t)
        dial_later(t);
}

/* --- the whole --- */

static enum err open_tls(struct peers *p, const struct tls_identity *id)
{
    struct tls_config server = {TLS_SERVER, true, true, ALPN};
    struct tls_config client = {.side = TLS_CLIENT, .alpn = ALPN};
    TRY(tls_context_open(&server, id, &p->server));
    return tls_context_open(&client, id, &p->client);
}

enum err peers_open(struct loop *l, const struct peers_config *config,
                    const struct tls_identity *id, struct rng rng,
                    const struct peers_handler *handler, void *ctx, struct peers **out)
{
    enum err e;
    struct peers *p = calloc(1, sizeof *p);
    *out = NULL;
    if (!p)
        return E_NOMEM;
    *p = (struct peers){.loop = l, .config = *config, .rng = rng, .handler = handler, .ctx = ctx};
    p->own_certificate = sha256(tls_identity_leaf(id));
    TRY_OUT(open_tls(p, id));
    struct listener_config listener = {
        .address = config->address,
        .port = config->port,
        .tls = p->server,
        .stream = stream_config(p),
        .max_connections = config->max_links,
        .max_per_address = config->max_per_address,
        .max_half_open = config->max_half_open,
    };
    TRY_OUT(listener_open(l, &listener, on_accepted, p, &p->listener));
    *out = p;
    return OK;
out:
    peers_close(p);
    return e;
}

uint16_t peers_port(const struct peers *p)
{
    return listener_port(p->listener);
}

uint64_t peers_dropped(const struct peers *p)
{
    return p->dropped;
}

void peers_close(struct peers *p)
{
    if (!p)
        return;
    listener_close(p->listener);
    while (p->links) {
        stream_close(p->links->stream);
        link_free(p->links);
    }
    for (struct target *t; (t = p->targets);) {
        p->targets = t->next;
        target_free(t);
    }
    tls_context_close(p->server);
    tls_context_close(p->client);
    free(p);
}
