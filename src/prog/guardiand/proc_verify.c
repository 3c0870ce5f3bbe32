#include "prog/guardiand/processes.h"

#include "base/log.h"
#include "io/sandbox/sandbox.h"
#include "io/vault/wire.h"
#include "prog/guardiand/judge.h"
#include "prog/guardiand/verifiers.h"

struct verify {
    struct judge judge;
    struct ipc_loop loop;
    struct ipc vault;
};

_Static_assert(JUDGE_SLOTS == WIRE_SLOTS, "a place for everything vault may give");

static void judge(struct verify *v, const struct wire_judge *q, struct wire_judged *a)
{
    struct judgement j;
    a->id = q->id;
    a->e = judge_evidence(&v->judge, q->evidence, (int64_t)q->unix_s, &j, &a->problem);
    a->claims = j.claims;
    a->n_objects = j.n_objects;
    memcpy(a->objects, j.objects, sizeof a->objects);
    a->is_stranger = j.is_stranger;
}

static void inspect(struct verify *v, const struct wire_inspect *q, struct wire_inspected *a)
{
    a->id = q->id;
    a->e = judge_object(&v->judge, &q->object, q->body, q->chain, (int64_t)q->unix_s, &a->facts,
                        &a->problem);
}

static enum err answer(struct verify *v, const struct wire *m)
{
    struct wire a = {.type = m->type == WIRE_INSPECT ? WIRE_INSPECTED : WIRE_JUDGED};
    if (m->type == WIRE_HOLD)
        return judge_hold(&v->judge, m->hold.slot, m->hold.body, m->hold.chain);
    if (m->type == WIRE_INSPECT)
        inspect(v, &m->inspect, &a.inspected);
    else
        judge(v, &m->judge, &a.judged);
    return wire_send(&v->vault, WIRE_VERIFY, &a);
}

static void on_frame(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    struct verify *v = ctx;
    struct wire m;
    enum err e = wire_decode(WIRE_VAULT, WIRE_VERIFY, frame->type, frame->body, &m);
    if (e == OK)
        e = sandbox_limit_cpu(VERIFIERS_PATIENCE_MS / 1000);
    if (e == OK)
        e = answer(v, &m);
    if (e != OK) {
        log_error("vault's question: %s", err_text(e));
        v->loop.stop = true;
    }
}

static void on_closed(void *ctx, struct ipc *c, enum err e)
{
    ((struct verify *)ctx)->loop.stop = true;
}

int proc_verify_run(const struct guardiand *g, int vault)
{
    const struct sandbox_options options = {
        .keep = &vault, .n_keep = 1, .simulation = g->genesis.simulation};
    static struct verify v; /* large, and there is one */
    v = (struct verify){.judge.simulation = g->genesis.simulation};
    struct problem p = {0};
    if (sandbox_enter(SANDBOX_VERIFY, &options, NULL, &p) != OK) {
        log_error("%s", problem_text(&p));
        return 1;
    }
    enum err e = ipc_open(&v.vault, vault);
    if (e == OK) {
        ipc_loop_add(&v.loop, &v.vault, (struct ipc_handler){on_frame, on_closed, &v});
        e = ipc_loop_run(&v.loop);
    }
    ipc_close(&v.vault);
    judge_free(&v.judge);
    return e == OK ? 0 : 1;
}
