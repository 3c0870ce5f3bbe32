/* Links to other guardians: frames through, and a list of addresses kept connected. */
#include "prog/guardiand/node_int.h"

#include "base/log.h"
#include "core/member/member.h"
#include "io/platform/attest.h"

/* Longer than vault waits itself: node only catches what vault forgot. */
#define ATTEST_MS 20000

/* A message that this guardian's vault would take is not refused on the way. */
_Static_assert(ATTEST_EVIDENCE_MAX <= MEMBER_EVIDENCE_MAX, "peers take what attest makes");
_Static_assert(MEMBER_EVIDENCE_MAX + 1024 <= PEER_FRAME_MAX_UNTRUSTED,
               "evidence and its signatures");
_Static_assert(MEMBER_MESSAGE_MAX <= PEER_FRAME_MAX, "any message of an attested peer");

static void say_message(struct node *n, enum node_frame type, uint32_t link, struct bytes data)
{
    struct wire_message m = {link, data};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    node_must_say(n, type, wire_message_encode(&m, &body), &body);
}

static void opened(void *ctx, const struct peer_opened *o)
{
    struct wire_link link = {.link = o->link, .dialled = o->role == PEER_DIALLED};
    struct buf body = BUF_INIT(256);
    memcpy(link.exporter, o->exporter, sizeof link.exporter);
    node_must_say(ctx, WIRE_LINK_OPEN, wire_link_encode(&link, &body), &body);
}

static void frame_came(void *ctx, uint32_t link, struct bytes frame)
{
    struct node *n = ctx;
    if (n->vault.out.n - n->vault.out_at > NODE_BACKLOG_MAX) {
        if (n->messages_dropped++ == 0)
            log_warn("vault is behind: messages of peers are dropped");
        return;
    }
    say_message(n, WIRE_LINK_MESSAGE, link, frame);
}

static void closed(void *ctx, uint32_t link, const char *why)
{
    log_debug("link=%u closed: %s", link, why);
    say_message(ctx, WIRE_LINK_CLOSED, link, bytes_str(why));
}

/* --- what vault wants --- */

enum err node_links_send(struct node *n, struct bytes frame)
{
    struct wire_message m;
    TRY(wire_message_decode(frame, &m));
    enum err e = peers_send(n->peers, m.link, m.data);
    return e == E_NOT_FOUND ? OK : e; /* it closed meanwhile, and vault will hear of it */
}

enum err node_links_shut(struct node *n, struct bytes frame)
{
    struct wire_message m;
    TRY(wire_message_decode(frame, &m));
    log_debug("link=%u closed by vault: %.*s", m.link, (int)m.data.n, (const char *)m.data.p);
    peers_close_link(n->peers, m.link);
    return OK;
}

enum err node_links_trust(struct node *n, struct bytes frame)
{
    struct wire_message m;
    TRY(wire_message_decode(frame, &m));
    peers_trust(n->peers, m.link);
    return OK;
}

/* --- targets --- */

static struct node_target *want(struct node *n, const struct wire_address *a)
{
    for (size_t i = 0; i < n->n_targets; i++) {
        struct node_target *t = &n->targets[i];
        if (t->address.port == a->port && strcmp(t->address.host, a->host) == 0)
            return t;
    }
    if (n->n_targets == NODE_TARGETS_MAX)
        return NULL;
    uint32_t id = peers_dial(n->peers, a->host, a->port);
    if (id == 0)
        return NULL;
    struct node_target *t = &n->targets[n->n_targets++];
    *t = (struct node_target){.address = *a, .id = id};
    return t;
}

static void drop_unwanted(struct node *n)
{
    for (size_t i = 0; i < n->n_targets;) {
        struct node_target *t = &n->targets[i];
        if (t->by) {
            i++;
            continue;
        }
        peers_give_up(n->peers, t->id);
        *t = n->targets[--n->n_targets];
    }
}

void node_links_want(struct node *n, enum node_wanting by, const struct wire_address *wanted,
                     size_t count)
{
    for (size_t i = 0; i < n->n_targets; i++)
        n->targets[i].by &= ~(unsigned)by;
    for (size_t i = 0; i < count; i++) {
        struct node_target *t = want(n, &wanted[i]);
        if (t)
            t->by |= by;
    }
    drop_unwanted(n);
}

enum err node_links_peers(struct node *n, struct bytes frame)
{
    static struct wire_peers wanted; /* large */
    TRY(wire_peers_decode(frame, &wanted));
    node_links_want(n, NODE_BY_VAULT, wanted.peers, wanted.n);
    return OK;
}

static void want_configured(struct node *n)
{
    struct wire_address known[CONFIG_PEERS_MAX];
    for (size_t i = 0; i < n->config->n_known; i++) {
        known[i].port = n->config->known[i].port;
        snprintf(known[i].host, sizeof known[i].host, "%s", n->config->known[i].host);
    }
    node_links_want(n, NODE_BY_CONFIG, known, n->config->n_known);
}

/* --- opening and closing --- */

enum err node_links_open(struct node *n)
{
    static const struct peers_handler handler = {opened, frame_came, closed};
    struct peers_config config = peers_defaults;
    config.address = n->config->peers.host;
    config.port = n->config->peers.port;
    config.attest_ms = ATTEST_MS;
    TRY(tls_identity_self_signed("guardian", &n->peer_id));
    TRY(peers_open(n->loop, &config, n->peer_id, n->rng, &handler, n, &n->peers));
    want_configured(n);
    return OK;
}

void node_links_close(struct node *n)
{
    peers_close(n->peers);
    tls_identity_free(n->peer_id);
}
