/* The node process, as its files share it. */
#ifndef PROG_GUARDIAND_NODE_INT_H
#define PROG_GUARDIAND_NODE_INT_H

#include "io/api/budget.h"
#include "io/disk/disk.h"
#include "io/http/http.h"
#include "io/ipc/ipc.h"
#include "io/peer/link.h"
#include "io/registry/registry.h"
#include "prog/guardiand/config.h"
#include "prog/guardiand/node_wire.h"

/* Requests under way: no more than both listeners have connections. */
#define NODE_REQUESTS_MAX 2048
/* Peers' messages are dropped while vault is behind by more; consensus repeats them. */
#define NODE_BACKLOG_MAX (24u << 20)

struct node_waiting {
    uint64_t id;
    struct http_request *rq;
};

/* An address that links are wanted to, and who wants it. */
enum node_wanting { NODE_BY_VAULT = 1, NODE_BY_CONFIG = 2, NODE_BY_REGISTRY = 4 };
struct node_target {
    struct wire_address address;
    uint32_t id; /* of io/peer */
    unsigned by; /* who wants it; dropped when nobody does */
};
#define NODE_TARGETS_MAX (WIRE_PEERS_MAX + CONFIG_PEERS_MAX + REGISTRY_NODES_MAX)

struct node_registry;
struct node_collateral;

struct node {
    const struct config *config;
    struct loop *loop;
    struct rng rng;
    struct ipc vault;
    int vault_poll; /* a copy of its descriptor: a channel that fails closes its own at once */
    struct watch *vault_watch, *disk_watch;
    struct loop_signal *terminate, *interrupt;
    struct timer *drain_timer;
    int exit_code;
    bool stopping;
    unsigned draining; /* servers that still have connections */

    struct disk *disk;

    struct tls_identity *api_id;
    struct tls_context *api_tls;
    struct hash32 api_spki;
    struct http_server *api, *observe;
    struct budget budget;
    struct buf openapi;
    struct node_waiting waiting[NODE_REQUESTS_MAX];
    size_t n_waiting;
    uint64_t requests, refused;

    struct tls_identity *peer_id;
    struct peers *peers;
    struct node_target targets[NODE_TARGETS_MAX];
    size_t n_targets;
    uint64_t messages_dropped;

    struct node_registry *registry; /* NULL: none is configured */
    struct node_collateral *collateral;
};

/* Ends the process with a failure; the first reason counts. */
void node_fail(struct node *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * Sends a frame whose body was encoded with `encoded` as result, and frees the
 * body. E_NOT_READY: vault is so far behind that its queue is full.
 */
enum err node_say(struct node *n, enum node_frame type, enum err encoded, struct buf *body);
/* The same where vault cannot go on without it: a failure ends the process. */
void node_must_say(struct node *n, enum node_frame type, enum err encoded, struct buf *body);

/* node_store.c: opens the file; tells vault all that was stored; keeps what vault wants kept. */
enum err node_store_open(struct node *n);
void node_store_tell(struct node *n);
enum err node_store_keep(struct node *n, struct bytes frame);
void node_store_close(struct node *n);

/* node_http.c: both listeners, and vault's answers. */
enum err node_http_open(struct node *n);
enum err node_http_reply(struct node *n, struct bytes frame);
enum err node_http_serve(struct node *n, struct bytes frame);
void node_http_drain(struct node *n, void (*drained)(void *ctx));
void node_http_close(struct node *n);

/* node_links.c: the links to other guardians. */
enum err node_links_open(struct node *n);
enum err node_links_send(struct node *n, struct bytes frame);
enum err node_links_shut(struct node *n, struct bytes frame);
enum err node_links_trust(struct node *n, struct bytes frame);
enum err node_links_peers(struct node *n, struct bytes frame);
/* These addresses, and no others, are wanted by `by`. */
void node_links_want(struct node *n, enum node_wanting by, const struct wire_address *wanted,
                     size_t count);
void node_links_close(struct node *n);

/* node_collateral.c: vendors' services and the folder. Freed after the loop is closed. */
enum err node_collateral_open(struct node *n);
enum err node_collateral_fetch(struct node *n, struct bytes frame);
void node_collateral_close(struct node *n);
void node_collateral_free(struct node *n);

/* node_registry.c: a further source of addresses. Freed after the loop is closed. */
enum err node_registry_open(struct node *n);
void node_registry_close(struct node *n);
void node_registry_free(struct node *n);

#endif
