/* Addresses from the registry: asked in a worker thread, wanted until it no longer names them. */
#include "prog/guardiand/node_int.h"

#include "base/log.h"
#include "io/registry/registry.h"

#include <stdlib.h>

#define POLL_MS    10000 /* the published interval */
#define TIMEOUT_MS 3000  /* an end of the process waits for no more */

struct node_registry {
    struct node *node;
    struct timer *timer;
    struct registry_source source; /* the thread reads this, */
    struct registry_list list;     /* and writes these */
    struct problem problem;
    enum err e;
    bool asking, silent; /* silent: the failure was logged */
};

static void ask(void *ctx)
{
    struct node_registry *r = ctx;
    r->e = registry_fetch(&r->source, &r->list, &r->problem);
}

static void tell_failure(struct node_registry *r)
{
    if (!r->silent)
        log_warn("registry %s: %s", r->source.url, problem_text(&r->problem));
    r->silent = true;
}

/* A registry that fails takes no address away: whoever was found there may still be there. */
static void answered(void *ctx)
{
    struct node_registry *r = ctx;
    struct node *n = r->node;
    r->asking = false;
    if (n->stopping)
        return;
    timer_start(r->timer, POLL_MS);
    if (r->e != OK) {
        tell_failure(r);
        return;
    }
    r->silent = false;
    struct wire_address found[REGISTRY_NODES_MAX];
    for (size_t i = 0; i < r->list.n; i++) {
        found[i].port = r->list.nodes[i].raft_port;
        snprintf(found[i].host, sizeof found[i].host, "%s", r->list.nodes[i].host);
    }
    node_links_want(n, NODE_BY_REGISTRY, found, r->list.n);
}

static void poll_registry(void *ctx)
{
    struct node_registry *r = ctx;
    r->problem = (struct problem){0};
    r->asking = loop_work(r->node->loop, ask, answered, r) == OK;
    if (!r->asking)
        timer_start(r->timer, POLL_MS);
}

enum err node_registry_open(struct node *n)
{
    const struct config *c = n->config;
    if (!c->registry_url[0])
        return OK;
    struct node_registry *r = calloc(1, sizeof *r);
    if (!r)
        return E_NOMEM;
    n->registry = r;
    r->node = n;
    r->source = (struct registry_source){
        .url = c->registry_url,
        .namespace = c->registry_namespace,
        .ca_file = c->registry_ca[0] ? c->registry_ca : NULL,
        .timeout_ms = TIMEOUT_MS,
    };
    TRY(timer_open(n->loop, poll_registry, r, &r->timer));
    timer_start(r->timer, 0);
    return OK;
}

void node_registry_close(struct node *n)
{
    if (n->registry)
        timer_close(n->registry->timer);
}

void node_registry_free(struct node *n)
{
    free(n->registry);
}
