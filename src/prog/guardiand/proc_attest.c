#include "prog/guardiand/processes.h"

#include "base/log.h"
#include "io/platform/attest.h"
#include "io/sandbox/sandbox.h"
#include "io/vault/wire.h"
#include "prog/guardiand/machine.h"

struct attester {
    const struct guardiand *g;
    struct attest *machine;
    struct platform_id id;
    struct ipc_loop loop;
    struct ipc vault;
};

static enum err say(struct attester *a, const struct wire *m)
{
    return wire_send(&a->vault, WIRE_ATTEST, m);
}

static enum err on_platform(struct attester *a, const struct wire *question)
{
    struct wire m = {WIRE_PLATFORM_IS, .platform_is = {attest_platform(a->machine), a->id}};
    return say(a, &m);
}

static enum err on_derive(struct attester *a, const struct wire *question)
{
    struct wire m = {.type = WIRE_DERIVED};
    TRY(attest_sealing_key(a->machine, question->derive.context, &m.derived.key));
    enum err e = say(a, &m);
    wipe(&m, sizeof m);
    return e;
}

/* Evidence is made for this cluster only, whatever vault was talked into. */
static bool report_data(const struct attester *a, const struct quote_request *q, struct hash64 *out)
{
    bool peer = q->kind == QUOTE_PEER;
    if (!hash32_eq(peer ? q->peer.cluster_id : q->api.cluster_id, a->g->cluster_id))
        return false;
    *out = peer ? binding_peer(&q->peer) : binding_api(&q->api);
    return true;
}

static enum err on_quote(struct attester *a, const struct wire *question)
{
    struct buf evidence = BUF_INIT(ATTEST_EVIDENCE_MAX);
    struct hash64 data;
    enum err e = E_NOT_ALLOWED;
    if (report_data(a, &question->quote.request, &data))
        e = attest_evidence(a->machine, data.b, &evidence);
    if (e != OK) {
        log_warn("no evidence: %s", err_text(e));
        buf_clear(&evidence);
    }
    struct wire m = {WIRE_QUOTED, .quoted = {question->quote.id, buf_bytes(&evidence)}};
    e = say(a, &m);
    buf_free(&evidence);
    return e;
}

/* Everything vault may ask. */
static const struct {
    enum wire_type type;
    enum err (*answer)(struct attester *a, const struct wire *question);
} questions[] = {{WIRE_PLATFORM, on_platform}, {WIRE_DERIVE, on_derive}, {WIRE_QUOTE, on_quote}};

static void on_frame(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    struct attester *a = ctx;
    struct wire m;
    enum err e = wire_decode(WIRE_VAULT, WIRE_ATTEST, frame->type, frame->body, &m);
    for (size_t i = 0; e == OK && i < sizeof questions / sizeof *questions; i++)
        if (questions[i].type == m.type)
            e = questions[i].answer(a, &m);
    if (e != OK) {
        log_error("vault's question: %s", err_text(e));
        a->loop.stop = true;
    }
}

static void on_closed(void *ctx, struct ipc *c, enum err e)
{
    ((struct attester *)ctx)->loop.stop = true;
}

/* While files can still be opened. */
static enum err open_machine(struct attester *a, struct problem *p)
{
    const struct config *c = &a->g->config;
    if (!c->is_simulated)
        return attest_open_device(&(struct attest_device){c->platform, "guardiand", rng_system()},
                                  &a->machine, p);
    const struct attest_simulated s = {.claims = machine_claims(&c->simulated),
                                       .cluster_id = a->g->cluster_id,
                                       .key_file = c->simulated.key_file,
                                       .rng = rng_system()};
    return attest_open_simulated(&s, &a->machine, p);
}

static void say_what_it_is(struct attester *a)
{
    struct bytes id = attest_platform_id(a->machine);
    memcpy(a->id.b, id.p, id.n);
    a->id.n = id.n;
    if (attest_sealing(a->machine) == ATTEST_SEALS_RUN)
        log_warn("this machine has no key that outlives the process: what is sealed to disk"
                 " cannot be read after a restart");
}

static enum err confine(const struct attester *a, int vault, struct problem *p)
{
    const struct attest_needs needs = attest_needs(a->machine);
    int keep[1 + ATTEST_FDS_MAX] = {vault};
    memcpy(keep + 1, needs.fds, needs.n_fds * sizeof *keep);
    const struct sandbox_options options = {.keep = keep,
                                            .n_keep = 1 + needs.n_fds,
                                            .simulation = a->g->genesis.simulation,
                                            .root = needs.root,
                                            .ioctls = needs.ioctls,
                                            .n_ioctls = needs.n_ioctls};
    return sandbox_enter(SANDBOX_ATTEST, &options, NULL, p);
}

static enum err serve(struct attester *a, int vault)
{
    TRY(ipc_open(&a->vault, vault));
    ipc_loop_add(&a->loop, &a->vault, (struct ipc_handler){on_frame, on_closed, a});
    return ipc_loop_run(&a->loop);
}

int proc_attest_run(const struct guardiand *g, int vault)
{
    struct attester a = {.g = g, .vault.fd = -1};
    struct problem p = {0};
    enum err e = open_machine(&a, &p);
    if (e == OK) {
        say_what_it_is(&a);
        e = confine(&a, vault, &p);
    }
    if (e != OK)
        log_error("%s", problem_text(&p));
    else
        e = serve(&a, vault);
    ipc_close(&a.vault);
    attest_close(a.machine);
    return e == OK ? 0 : 1;
}
