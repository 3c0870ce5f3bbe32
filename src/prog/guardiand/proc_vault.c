/*
 * The vault process: frames become calls of core/member, its wishes become
 * frames. Nothing is decided here.
 */
#include "base/codec/json.h"
#include "base/crypto/group.h"
#include "base/log.h"
#include "core/member/member.h"
#include "io/sandbox/sandbox.h"
#include "io/vault/wire.h"
#include "prog/guardiand/keeper.h"
#include "prog/guardiand/node_wire.h"
#include "prog/guardiand/processes.h"
#include "prog/guardiand/verifiers.h"

#define TICK_BUSY_MS 20
#define TICK_IDLE_MS 50
/* What came this short a while ago makes it busy. */
#define BUSY_MS 500
/* Messages to peers are dropped while node is behind by more; records and answers are not. */
#define BACKLOG_MAX (24u << 20)

#define SEALING_CONTEXT "guardian/v1/vault"

struct vault {
    const struct guardiand *g;
    struct guardian *member;
    struct ipc_loop loop;
    struct ipc node, attest;
    struct verifiers verifiers;
    struct keeper keeper;
    struct rng_seeded seeded;
    struct rng rng;
    struct platform_id platform_id;
    struct secret32 sealing_key;
    uint8_t api_key[1024];
    size_t api_key_size;
    bool is_started, has_failed;
    uint64_t last_tick_ms, busy_until_ms, dropped;
};

/* Ends the process; the first reason counts. */
static void fail(struct vault *v, const char *what, enum err e)
{
    if (!v->has_failed)
        log_error("%s: %s", what, err_text(e));
    v->has_failed = true;
    v->loop.stop = true;
}

/* --- what the member wants ---------------------------------------------------------------------
 */

/* Sends a frame whose body was encoded with `e` as result, and frees the body. */
static enum err say(struct vault *v, enum node_frame type, enum err e, struct buf *body)
{
    if (e == OK)
        e = ipc_send(&v->node, (uint8_t)type, buf_bytes(body));
    buf_free(body);
    return e;
}

/* The same where node cannot go on without it. */
static void must_say(struct vault *v, enum node_frame type, enum err e, struct buf *body)
{
    e = say(v, type, e, body);
    if (e != OK)
        fail(v, node_frame_name(type), e);
}

static void say_message(struct vault *v, enum node_frame type, uint32_t link, struct bytes data)
{
    const struct wire_message m = {link, data};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    must_say(v, type, wire_message_encode(&m, &body), &body);
}

static void out_send(void *ctx, uint32_t link, struct bytes message)
{
    struct vault *v = ctx;
    if (v->node.out.n - v->node.out_at > BACKLOG_MAX) {
        if (v->dropped++ % 1000 == 0)
            log_warn("node is behind: dropped=%llu messages", (unsigned long long)v->dropped);
        return;
    }
    say_message(v, WIRE_SEND, link, message);
}

static void out_close(void *ctx, uint32_t link, const char *why)
{
    struct vault *v = ctx;
    say_message(v, WIRE_CLOSE, link, bytes(why, strnlen(why, WIRE_WHY_MAX)));
}

static void out_trust(void *ctx, uint32_t link)
{
    say_message(ctx, WIRE_TRUST, link, BYTES_NONE);
}

static void out_store(void *ctx, uint64_t token, enum member_record kind, uint64_t number,
                      struct bytes sealed)
{
    const struct wire_record m = {token, (uint8_t)kind, number, sealed};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    must_say(ctx, WIRE_STORE, wire_record_encode(&m, &body), &body);
}

static void out_quote(void *ctx, uint64_t id, const struct quote_request *request)
{
    struct vault *v = ctx;
    struct wire m = {.type = WIRE_QUOTE, .quote = {id, *request}};
    enum err e = wire_send(&v->attest, WIRE_VAULT, &m);
    if (e != OK)
        fail(v, "attest cannot be asked", e);
}

/* Without an answer the member gives up after a while, as a client would. */
static void out_judge(void *ctx, uint64_t id, struct bytes evidence)
{
    struct vault *v = ctx;
    enum err e = verifiers_ask(&v->verifiers, id, evidence);
    if (e != OK)
        log_warn("evidence is not judged: %s", err_text(e));
}

static void out_reply(void *ctx, uint64_t request, int status, const char *type, struct bytes data)
{
    struct wire_reply m = {.id = request, .status = (uint16_t)status, .body = data};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    if (data.n > WIRE_DATA_MAX) { /* no answer is that large; the client hears of it, at least */
        m.status = (uint16_t)err_status(E_INTERNAL);
        m.body = BYTES_NONE;
    }
    snprintf(m.type, sizeof m.type, "%s", type);
    must_say(ctx, WIRE_REPLY, wire_reply_encode(&m, &body), &body);
}

static void out_serve(void *ctx, struct bytes chain_pem)
{
    const struct wire_blob m = {chain_pem};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    must_say(ctx, WIRE_SERVE, wire_blob_encode(&m, &body), &body);
}

static void out_peers(void *ctx, const struct rec_seat *seats, size_t n)
{
    struct wire_peers m = {0};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    for (size_t i = 0; i < n && m.n < WIRE_PEERS_MAX; i++) {
        if (!seats[i].host[0])
            continue;
        struct wire_address *a = &m.peers[m.n++];
        snprintf(a->host, sizeof a->host, "%s", seats[i].host);
        a->port = seats[i].peer_port;
    }
    must_say(ctx, WIRE_PEERS, wire_peers_encode(&m, &body), &body);
}

static void out_kept(void *ctx, uint64_t number, struct bytes plain)
{
    struct vault *v = ctx;
    enum err e = keeper_load(&v->keeper, ipc_now(), number, plain);
    if (e != OK)
        log_warn("a stored object of a vendor is not used: number=%llu: %s",
                 (unsigned long long)number, err_text(e));
}

/* --- what the keeper of collateral wants --------------------------------------------------------
 */

static void keeper_fetch(void *ctx, uint32_t slot, const struct vendor_object *object)
{
    const struct wire_fetch m = {slot, *object};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    must_say(ctx, WIRE_FETCH, wire_fetch_encode(&m, &body), &body);
}

static bool keeper_inspect(void *ctx, uint32_t slot, const struct vendor_object *object,
                           struct bytes body, struct bytes chain)
{
    struct vault *v = ctx;
    return verifiers_inspect(&v->verifiers, slot, object, body, chain) == OK;
}

static void keeper_hold(void *ctx, uint32_t slot, struct bytes body, struct bytes chain)
{
    struct vault *v = ctx;
    enum err e = verifiers_hold(&v->verifiers, slot, body, chain);
    if (e != OK)
        log_warn("verifiers cannot hold collateral: slot=%u: %s", slot, err_text(e));
}

static void keeper_store(void *ctx, uint32_t slot, struct bytes record)
{
    struct vault *v = ctx;
    member_keep(v->member, ipc_now(), slot, record);
}

static void keeper_changed(void *ctx)
{
    struct vault *v = ctx;
    member_collateral_changed(v->member, ipc_now());
}

static void open_keeper(struct vault *v)
{
    const struct config_collateral *c = &v->g->config.collateral;
    v->keeper = (struct keeper){
        .out = {v, keeper_fetch, keeper_inspect, keeper_hold, keeper_store, keeper_changed},
        .rng = rng_system(),
        .asks = {[PLAN_INTEL] = c->pcs_url[0], [PLAN_AMD] = c->kds_url[0]},
        .plan.refresh_ms = 1000ull * c->refresh_s};
}

/* --- what node says ----------------------------------------------------------------------------
 */

/* Blocks and checkpoints come in rising order, kinds too: node reads them in the order of keys. */
static enum err on_record(struct vault *v, struct bytes body)
{
    struct wire_record m;
    TRY(wire_record_decode(body, &m));
    if (v->is_started || m.kind < RECORD_MANIFEST || m.kind > RECORD_COLLATERAL)
        return E_MALFORMED;
    enum err e = member_load(v->member, (enum member_record)m.kind, m.number, m.sealed);
    if (e != OK)
        log_warn("a stored record is not used: kind=%u number=%llu: %s", m.kind,
                 (unsigned long long)m.number, err_text(e));
    return e == E_NOMEM ? e : OK;
}

static enum err on_api_key(struct vault *v, struct bytes body)
{
    struct wire_blob m;
    TRY(wire_blob_decode(body, &m));
    if (m.data.n == 0 || m.data.n > sizeof v->api_key)
        return E_MALFORMED;
    memcpy(v->api_key, m.data.p, m.data.n);
    v->api_key_size = m.data.n;
    if (v->is_started)
        member_api_key(v->member, ipc_now(), m.data);
    return OK;
}

static enum err on_start(struct vault *v, struct bytes body)
{
    struct wire_blob m;
    TRY(wire_blob_decode(body, &m));
    if (v->is_started || m.data.n)
        return E_MALFORMED;
    v->is_started = true;
    member_start(v->member, ipc_now());
    if (v->api_key_size)
        member_api_key(v->member, ipc_now(), bytes(v->api_key, v->api_key_size));
    return OK;
}

static enum err on_link_open(struct vault *v, struct bytes body)
{
    struct wire_link m;
    TRY(wire_link_decode(body, &m));
    member_link_open(v->member, ipc_now(), m.link, BYTES_OF(m.exporter), m.dialled);
    return OK;
}

static enum err on_link_message(struct vault *v, struct bytes body)
{
    struct wire_message m;
    TRY(wire_message_decode(body, &m));
    member_link_message(v->member, ipc_now(), m.link, m.data);
    return OK;
}

static enum err on_link_closed(struct vault *v, struct bytes body)
{
    struct wire_message m;
    TRY(wire_message_decode(body, &m));
    member_link_closed(v->member, ipc_now(), m.link);
    return OK;
}

static enum err on_stored(struct vault *v, struct bytes body)
{
    struct wire_stored m;
    TRY(wire_stored_decode(body, &m));
    member_stored(v->member, ipc_now(), m.token);
    return OK;
}

static enum err on_request(struct vault *v, struct bytes body)
{
    struct wire_request m;
    TRY(wire_request_decode(body, &m));
    struct member_request r = {.route = m.route,
                               .query = m.query,
                               .body = m.body,
                               .client = m.client,
                               .exporter = BYTES_OF(m.exporter)};
    for (uint32_t i = 0; i < m.n_params; i++)
        r.param[i] = m.params[i];
    memcpy(r.server_spki.b, m.server_spki_sha256, sizeof r.server_spki.b);
    member_request(v->member, ipc_now(), m.id, &r);
    return OK;
}

static enum err on_fetched(struct vault *v, struct bytes body)
{
    struct wire_fetched m;
    char why[WIRE_REASON_MAX + 1] = "";
    TRY(wire_fetched_decode(body, &m));
    if (m.e >= ERR_COUNT)
        return E_MALFORMED;
    if (m.why.n)
        memcpy(why, m.why.p, m.why.n);
    const struct keeper_fetched f = {.slot = m.slot,
                                     .e = m.e,
                                     .why = why,
                                     .retry_after_s = m.retry_after_s,
                                     .body = m.body,
                                     .chain = m.chain};
    keeper_fetched(&v->keeper, ipc_now(), &f);
    return OK;
}

static enum err on_folder(struct vault *v, struct bytes body)
{
    static struct wire_folder m; /* large, and there is one vault */
    TRY(wire_folder_decode(body, &m));
    keeper_folder(&v->keeper, m.files, m.n);
    return OK;
}

/* Everything node may say; `early`: before START. */
static const struct {
    enum node_frame type;
    bool early;
    enum err (*handle)(struct vault *v, struct bytes body);
} from_node[] = {
    {WIRE_RECORD, true, on_record},
    {WIRE_API_KEY, true, on_api_key},
    {WIRE_START, true, on_start},
    {WIRE_LINK_OPEN, false, on_link_open},
    {WIRE_LINK_MESSAGE, false, on_link_message},
    {WIRE_LINK_CLOSED, false, on_link_closed},
    {WIRE_STORED, false, on_stored},
    {WIRE_REQUEST, false, on_request},
    {WIRE_FETCHED, false, on_fetched},
    {WIRE_FOLDER, false, on_folder},
};

static void node_said(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    struct vault *v = ctx;
    enum err e = E_NOT_ALLOWED;
    v->busy_until_ms = ipc_now().mono_ms + BUSY_MS;
    for (size_t i = 0; i < sizeof from_node / sizeof *from_node; i++)
        if (from_node[i].type == (enum node_frame)frame->type &&
            (from_node[i].early || v->is_started))
            e = from_node[i].handle(v, frame->body);
    if (e != OK)
        fail(v, node_frame_name(frame->type), e);
}

/* Node ends first when the guardian is told to end. */
static void node_closed(void *ctx, struct ipc *c, enum err e)
{
    struct vault *v = ctx;
    if (e == E_MALFORMED)
        fail(v, "node", e);
    v->loop.stop = true;
}

/* --- what attest says --------------------------------------------------------------------------
 */

static void on_platform(struct vault *v, const struct wire *m)
{
    v->platform_id = m->platform_is.id;
}

static void on_derived(struct vault *v, const struct wire *m)
{
    v->sealing_key = m->derived.key;
    v->loop.stop = v->member == NULL; /* both are known: the beginning is over */
}

static void on_quoted(struct vault *v, const struct wire *m)
{
    if (v->is_started)
        member_quoted(v->member, ipc_now(), m->quoted.id, m->quoted.evidence);
}

static const struct {
    enum wire_type type;
    void (*handle)(struct vault *v, const struct wire *m);
} from_attest[] = {
    {WIRE_PLATFORM_IS, on_platform}, {WIRE_DERIVED, on_derived}, {WIRE_QUOTED, on_quoted}};

static void attest_said(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    struct vault *v = ctx;
    struct wire m;
    enum err e = wire_decode(WIRE_ATTEST, WIRE_VAULT, frame->type, frame->body, &m);
    if (e != OK) {
        fail(v, "attest", e);
        return;
    }
    for (size_t i = 0; i < sizeof from_attest / sizeof *from_attest; i++)
        if (from_attest[i].type == m.type)
            from_attest[i].handle(v, &m);
    wipe(&m, sizeof m);
}

static void attest_closed(void *ctx, struct ipc *c, enum err e)
{
    fail(ctx, "attest ended", e);
}

static void judged(void *ctx, const struct wire_judged *a)
{
    struct vault *v = ctx;
    keeper_want(&v->keeper, ipc_now(), a->objects, a->n_objects, a->is_stranger);
    member_judged(v->member, ipc_now(), a->id, a->e, a->e == OK ? &a->claims : NULL, &a->problem);
}

static void inspected(void *ctx, const struct wire_inspected *a)
{
    struct vault *v = ctx;
    keeper_inspected(&v->keeper, ipc_now(), (uint32_t)a->id, a->e, &a->facts, a->problem.detail);
}

/* --- the life of the process -------------------------------------------------------------------
 */

static void check_seat(struct vault *v, struct now now)
{
    struct member_status s;
    uint32_t wanted = v->g->config.seat;
    if (!wanted)
        return;
    member_status(v->member, now, &s);
    if (s.gid && s.gid != wanted) {
        log_error("this machine has seat %u, and the configuration says %u", s.gid, wanted);
        fail(v, "seat", E_NOT_ALLOWED);
    }
}

static int64_t turn(void *ctx, struct now now)
{
    struct vault *v = ctx;
    enum err e = verifiers_turn(&v->verifiers, now);
    if (e != OK)
        fail(v, "verifiers", e);
    if (!v->is_started)
        return TICK_IDLE_MS;
    uint64_t period = now.mono_ms < v->busy_until_ms ? TICK_BUSY_MS : TICK_IDLE_MS;
    if (now.mono_ms >= v->last_tick_ms + period) {
        v->last_tick_ms = now.mono_ms;
        member_tick(v->member, now);
        keeper_turn(&v->keeper, now);
        check_seat(v, now);
    }
    return (int64_t)(v->last_tick_ms + period - now.mono_ms);
}

/* Asks attest for the machine and its key, and waits for the answers. */
static enum err ask_machine(struct vault *v)
{
    struct wire platform = {.type = WIRE_PLATFORM};
    struct wire derive = {WIRE_DERIVE, .derive = {bytes_str(SEALING_CONTEXT)}};
    ipc_loop_add(&v->loop, &v->attest, (struct ipc_handler){attest_said, attest_closed, v});
    TRY(wire_send(&v->attest, WIRE_VAULT, &platform));
    TRY(wire_send(&v->attest, WIRE_VAULT, &derive));
    TRY(ipc_loop_run(&v->loop));
    return v->has_failed || v->platform_id.n == 0 ? E_IO : OK;
}

/*
 * Simulation only: all of vault's randomness follows from a text and the
 * machine's name, so that a test can compute the secrets it looks for.
 */
static struct rng pick_rng(struct vault *v)
{
    const struct config *c = &v->g->config;
    if (!v->g->genesis.simulation || !c->is_simulated || !c->simulated.seed[0])
        return rng_system();
    struct thash h;
    thash_init(&h, "guardian/v1/simulated/seed");
    thash_add(&h, bytes_str(c->simulated.seed));
    thash_add(&h, bytes_str(c->simulated.machine));
    log_warn("this guardian's secrets follow from the seed in its configuration");
    return rng_seeded(&v->seeded, thash_final32(&h).b);
}

static enum err make_member(struct vault *v)
{
    struct member_config config = {.genesis = &v->g->genesis,
                                   .cluster_id = v->g->cluster_id,
                                   .deps = {&sig_ed25519, &dealing_ve, &frost_ed25519},
                                   .rng = pick_rng(v),
                                   .sealing_key = v->sealing_key,
                                   .platform_id = v->platform_id,
                                   .out = {v, out_send, out_close, out_trust, out_store, out_quote,
                                           out_judge, out_reply, out_serve, out_peers, out_kept}};
    enum err e = member_new(&config, &v->member);
    secret32_wipe(&config.sealing_key);
    secret32_wipe(&v->sealing_key);
    return e;
}

static enum err live(struct vault *v)
{
    TRY(ask_machine(v));
    open_keeper(v);
    TRY(make_member(v));
    ipc_loop_add(&v->loop, &v->node, (struct ipc_handler){node_said, node_closed, v});
    v->loop.turn = turn;
    v->loop.ctx = v;
    v->loop.wake = v->verifiers.control;
    TRY(ipc_loop_run(&v->loop));
    return v->has_failed ? E_IO : OK;
}

static enum err confine(const struct guardiand *g, const int *keep, size_t n)
{
    const struct sandbox_options options = {keep, n, g->genesis.simulation};
    struct problem p = {0};
    enum err e = sandbox_enter(SANDBOX_VAULT, &options, NULL, &p);
    if (e != OK)
        log_error("%s", problem_text(&p));
    return e;
}

int proc_vault_run(const struct guardiand *g, int node, int attest, int control)
{
    const int keep[] = {node, attest, control};
    static struct vault v; /* large, and there is one */
    v = (struct vault){.g = g,
                       .node.fd = -1,
                       .attest.fd = -1,
                       .verifiers = {.control = control,
                                     .loop = &v.loop,
                                     .judged = judged,
                                     .inspected = inspected,
                                     .ctx = &v}};
    verifiers_open(&v.verifiers);
    json_use_wiping_allocator();
    if (confine(g, keep, 3) != OK)
        return 1;
    if (!group_self_test()) {
        log_error("the group arithmetic of this libsodium is wrong");
        return 1;
    }
    enum err e = ipc_open(&v.node, node);
    if (e == OK)
        e = ipc_open(&v.attest, attest);
    if (e == OK)
        e = live(&v);
    if (e != OK)
        log_error("vault ends: %s", err_text(e));
    member_free(v.member);
    keeper_free(&v.keeper);
    verifiers_close(&v.verifiers);
    ipc_close(&v.attest);
    ipc_close(&v.node);
    wipe(&v, sizeof v);
    return e == OK ? 0 : 1;
}
