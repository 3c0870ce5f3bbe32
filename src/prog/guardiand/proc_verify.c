#include "prog/guardiand/processes.h"

#include "base/log.h"
#include "io/sandbox/sandbox.h"
#include "io/vault/wire.h"
#include "prog/guardiand/judge.h"

struct verify {
    const struct guardiand *g;
    struct ipc_loop loop;
    struct ipc vault;
};

static enum err answer(struct verify *v, const struct wire_judge *question)
{
    struct wire m = {.type = WIRE_JUDGED, .judged.id = question->id};
    struct wire_judged *a = &m.judged;
    a->e = judge_evidence(question->evidence, v->g->genesis.simulation, (int64_t)question->unix_s,
                          &a->claims, &a->problem);
    return wire_send(&v->vault, WIRE_VERIFY, &m);
}

static void on_frame(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    struct verify *v = ctx;
    struct wire m;
    enum err e = wire_decode(WIRE_VAULT, WIRE_VERIFY, frame->type, frame->body, &m);
    if (e == OK)
        e = answer(v, &m.judge);
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
    const struct sandbox_options options = {&vault, 1, g->genesis.simulation};
    struct verify v = {.g = g};
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
    return e == OK ? 0 : 1;
}
