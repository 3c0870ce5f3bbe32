/* Requests on their way to vault, and its answers on their way back. */
#include "prog/guardiand/node_int.h"

#include "base/log.h"
#include "base/writer.h"
#include "io/api/openapi.h"
#include "io/api/route.h"

#include <inttypes.h>
#include <stdlib.h>

#define JSON "application/json"

/* --- which request waits for which answer --- */

static struct node_waiting *find_waiting(struct node *n, uint64_t id)
{
    for (size_t i = 0; i < n->n_waiting; i++)
        if (n->waiting[i].id == id)
            return &n->waiting[i];
    return NULL;
}

static void forget_waiting(struct node *n, struct node_waiting *w)
{
    *w = n->waiting[--n->n_waiting];
}

static enum err remember_waiting(struct node *n, uint64_t id, struct http_request *rq)
{
    if (n->n_waiting == NODE_REQUESTS_MAX || find_waiting(n, id))
        return E_NOT_READY;
    n->waiting[n->n_waiting++] = (struct node_waiting){id, rq};
    return OK;
}

static uint64_t request_number(const struct http_request *rq)
{
    return strtoull(http_request_id(rq), NULL, 16);
}

/* --- routing --- */

static enum err match(const struct http_request *rq, enum api_listener listener,
                      struct api_match *out, char allow[static API_ALLOW_SIZE], struct problem *p)
{
    const struct http_head *h = http_request_head(rq);
    const char *names[HTTP_PARAMS_MAX];
    size_t sizes[HTTP_PARAMS_MAX];
    for (size_t i = 0; i < h->n_params; i++) {
        names[i] = h->params[i].name;
        sizes[i] = strlen(h->params[i].value);
    }
    struct api_request request = {
        .listener = listener,
        .method = h->method,
        .segments = h->segments,
        .n_segments = h->n_segments,
        .query = names,
        .query_sizes = sizes,
        .n_query = h->n_params,
        .content_type = http_header(h, "content-type"),
        .has_certificate = http_request_certificates(rq) > 0,
    };
    return api_match(&request, out, allow, p);
}

static enum err judge_head(struct node *n, enum api_listener listener, struct http_request *rq,
                           size_t *body_limit, struct problem *p)
{
    struct api_match m;
    char allow[API_ALLOW_SIZE];
    enum err e = match(rq, listener, &m, allow, p);
    n->requests++;
    if (e == E_METHOD)
        http_add_header(rq, "Allow", allow);
    if (e == OK)
        e = budget_take(&n->budget, m.route->budget, http_request_address(rq),
                        loop_now(n->loop).mono_ms);
    if (e == E_RATE)
        e = problem(p, e, "too many requests of this kind");
    n->refused += e != OK;
    if (e == OK)
        *body_limit = m.route->body_max;
    return e;
}

/* --- what node answers itself --- */

static void put_metric(struct writer *w, const char *name, const char *type, const char *help,
                       uint64_t value)
{
    char line[256];
    int size = snprintf(line, sizeof line, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name,
                        help, name, type, name, value);
    wr_raw(w, line, (size_t)size);
}

static void answer_metrics(struct node *n, struct http_request *rq)
{
    struct buf text = BUF_INIT(16384);
    struct writer w = writer(&text);
    struct disk_stats disk = disk_stats(n->disk);
    put_metric(&w, "guardian_http_requests_total", "counter", "Requests with a complete head.",
               n->requests);
    put_metric(&w, "guardian_http_refused_total", "counter",
               "Requests refused before vault saw them.", n->refused);
    put_metric(&w, "guardian_http_waiting", "gauge", "Requests that wait for vault.", n->n_waiting);
    put_metric(&w, "guardian_http_connections", "gauge", "Connections to the API.",
               http_server_connections(n->api));
    put_metric(&w, "guardian_peer_targets", "gauge", "Addresses that links are wanted to.",
               n->n_targets);
    put_metric(&w, "guardian_peer_frames_dropped_total", "counter",
               "Frames dropped for want of room in a link's queue.", peers_dropped(n->peers));
    put_metric(&w, "guardian_peer_messages_dropped_total", "counter",
               "Messages dropped because vault was behind.", n->messages_dropped);
    put_metric(&w, "guardian_disk_batches_total", "counter", "Batches of records.", disk.batches);
    put_metric(&w, "guardian_disk_transactions_total", "counter", "Transactions made durable.",
               disk.transactions);
    http_answer(rq, 200, "text/plain; version=0.0.4", buf_bytes(&text));
    buf_free(&text);
}

static bool answer_here(struct node *n, const struct api_route *route, struct http_request *rq)
{
    if (strcmp(route->name, "openapi") == 0)
        http_answer(rq, 200, JSON, buf_bytes(&n->openapi));
    else if (strcmp(route->name, "status.metrics") == 0)
        answer_metrics(n, rq);
    else
        return false;
    return true;
}

/* --- what vault answers --- */

static void refuse(struct http_request *rq, enum err e, const char *detail)
{
    struct problem p;
    p.err = problem(&p, e, "%s", detail);
    http_refuse(rq, &p);
}

static enum err ask_vault(struct node *n, const struct api_match *m, struct http_request *rq)
{
    const char *query = strchr(http_request_head(rq)->target, '?');
    struct wire_request ask = {
        .id = request_number(rq),
        .n_params = (uint32_t)m->n_params,
        .query = query ? bytes_str(query + 1) : BYTES_NONE,
        .body = http_request_body(rq),
        .client = http_request_certificate(rq, 0),
    };
    snprintf(ask.route, sizeof ask.route, "%s", m->route->name);
    for (size_t i = 0; i < m->n_params; i++)
        ask.params[i] = bytes_str(m->params[i]);
    /* Without TLS there is none: zeros. */
    (void)!http_request_export(rq, BINDING_EXPORTER_LABEL, ask.exporter, sizeof ask.exporter);
    memcpy(ask.server_spki_sha256, n->api_spki.b, sizeof ask.server_spki_sha256);
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    TRY(remember_waiting(n, ask.id, rq));
    enum err e = node_say(n, WIRE_REQUEST, wire_request_encode(&ask, &body), &body);
    if (e != OK)
        forget_waiting(n, find_waiting(n, ask.id));
    return e;
}

static void handle(struct node *n, enum api_listener listener, struct http_request *rq)
{
    struct api_match m;
    char allow[API_ALLOW_SIZE];
    struct problem p = {0};
    p.err = match(rq, listener, &m, allow, &p);
    if (p.err != OK)
        http_refuse(rq, &p); /* the head was judged: cannot be */
    else if (!answer_here(n, m.route, rq) && ask_vault(n, &m, rq) != OK)
        refuse(rq, E_NOT_READY, "this guardian is overloaded");
}

enum err node_http_reply(struct node *n, struct bytes frame)
{
    struct wire_reply reply;
    TRY(wire_reply_decode(frame, &reply));
    struct node_waiting *w = find_waiting(n, reply.id);
    if (!w)
        return OK; /* nobody waits any more */
    struct http_request *rq = w->rq;
    forget_waiting(n, w);
    if (reply.status == 429 || reply.status == 503)
        http_add_header(rq, "Retry-After", "2");
    http_answer(rq, reply.status, reply.type, reply.body);
    return OK;
}

/* --- the servers' callbacks --- */

static enum err api_head(void *ctx, struct http_request *rq, size_t *limit, struct problem *p)
{
    return judge_head(ctx, API_LISTENER_API, rq, limit, p);
}

static void api_handle(void *ctx, struct http_request *rq)
{
    handle(ctx, API_LISTENER_API, rq);
}

static enum err observe_head(void *ctx, struct http_request *rq, size_t *limit, struct problem *p)
{
    return judge_head(ctx, API_LISTENER_OBSERVE, rq, limit, p);
}

static void observe_handle(void *ctx, struct http_request *rq)
{
    handle(ctx, API_LISTENER_OBSERVE, rq);
}

/* Vault's answer will find nobody. */
static void gone(void *ctx, struct http_request *rq)
{
    struct node *n = ctx;
    struct node_waiting *w = find_waiting(n, request_number(rq));
    if (w)
        forget_waiting(n, w);
    http_answer(rq, 503, JSON, BYTES_NONE);
}

/* --- opening and closing --- */

static enum err open_identity(struct node *n)
{
    struct tls_config tls = {.side = TLS_SERVER, .ask_certificate = true, .alpn = "http/1.1"};
    TRY(tls_identity_self_signed("guardian", &n->api_id));
    n->api_spki = sha256(tls_identity_spki(n->api_id));
    return tls_context_open(&tls, n->api_id, &n->api_tls);
}

static enum err open_server(struct node *n, const struct config_address *address,
                            struct tls_context *tls, uint32_t max_connections,
                            const struct http_handler *handler, struct http_server **out)
{
    struct http_config config = http_defaults;
    config.address = address->host;
    config.port = address->port;
    config.tls = tls;
    config.max_connections = max_connections;
    return http_server_open(n->loop, &config, n->rng, handler, n, out);
}

enum err node_http_open(struct node *n)
{
    static const struct http_handler api = {api_head, api_handle, gone};
    static const struct http_handler observe = {observe_head, observe_handle, gone};
    n->openapi = BUF_INIT(API_OPENAPI_MAX);
    budget_init(&n->budget, n->rng, loop_now(n->loop).mono_ms);
    TRY(api_openapi_write(&n->openapi));
    TRY(open_identity(n));
    TRY(open_server(n, &n->config->api, n->api_tls, http_defaults.max_connections, &api, &n->api));
    /* Scrapers and probes: few, and apart from the API's own. */
    return open_server(n, &n->config->observability, NULL, 128, &observe, &n->observe);
}

enum err node_http_serve(struct node *n, struct bytes frame)
{
    struct wire_blob chain;
    struct tls_identity *id;
    TRY(wire_blob_decode(frame, &chain));
    TRY(tls_identity_with_pem(n->api_id, chain.data, &id));
    enum err e = tls_context_set_certificate(n->api_tls, id);
    tls_identity_free(id);
    if (e == OK)
        log_info("the API has a certificate of the cluster");
    return e;
}

void node_http_drain(struct node *n, void (*drained)(void *ctx))
{
    http_server_drain(n->api, drained, n);
    http_server_drain(n->observe, drained, n);
}

void node_http_close(struct node *n)
{
    http_server_close(n->api);
    http_server_close(n->observe);
    for (size_t i = 0; i < n->n_waiting; i++)
        http_answer(n->waiting[i].rq, 503, JSON, BYTES_NONE); /* their clients are gone */
    n->n_waiting = 0;
    tls_context_close(n->api_tls);
    tls_identity_free(n->api_id);
    buf_free(&n->openapi);
}
