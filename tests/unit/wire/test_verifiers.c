/* Vault's side, with this test in the place of the first process and the verifiers. */
#include "core/evidence/evidence.h"
#include "core/evidence/sim/sim.h"
#include "io/vault/wire.h"
#include "prog/guardiand/verifiers.h"
#include "test.h"

#include <sys/socket.h>
#include <unistd.h>

static const struct now start = {1000000, 1700000000000};

struct world {
    struct ipc_loop loop;
    struct verifiers v;
    int control;
    struct ipc verifier[VERIFIERS]; /* the other ends */
    unsigned answers, inspections;
    int64_t until;
    uint64_t id;
    enum err e;
    enum platform platform;
    bool has_problem;
};

static void judged(void *ctx, const struct wire_judged *a)
{
    struct world *w = ctx;
    w->answers++;
    w->id = a->id;
    w->e = a->e;
    w->platform = a->claims.platform;
    w->has_problem = a->problem.detail[0];
}

static void inspected(void *ctx, const struct wire_inspected *a)
{
    struct world *w = ctx;
    w->inspections++;
    w->id = a->id;
    w->e = a->e;
    w->until = a->facts.until;
    w->has_problem = a->problem.detail[0];
}

static struct world *new_world(void)
{
    struct world *w = calloc(1, sizeof *w);
    int ends[2];
    assert_non_null(w);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    w->control = ends[0];
    w->v = (struct verifiers){
        .control = ends[1], .loop = &w->loop, .judged = judged, .inspected = inspected, .ctx = w};
    verifiers_open(&w->v);
    for (size_t i = 0; i < VERIFIERS; i++)
        w->verifier[i].fd = -1;
    return w;
}

static void free_world(struct world *w)
{
    verifiers_close(&w->v);
    for (size_t i = 0; i < VERIFIERS; i++)
        ipc_close(&w->verifier[i]);
    if (w->control >= 0)
        close(w->control);
    free(w);
}

static void pass_verifier(struct world *w, uint8_t slot)
{
    int ends[2];
    ipc_close(&w->verifier[slot]);
    assert_ok(ipc_pair(ends));
    assert_ok(verifiers_pass(w->control, slot, ends[0]));
    close(ends[0]);
    assert_ok(ipc_open(&w->verifier[slot], ends[1]));
}

static int64_t stop_now(void *ctx, struct now now)
{
    struct ipc_loop *l = ctx;
    static unsigned turns;
    l->stop = ++turns % 3 == 0;
    return 0;
}

/* Lets vault's loop read and write what is there. */
static void run(struct world *w)
{
    w->loop.turn = stop_now;
    w->loop.ctx = &w->loop;
    assert_ok(ipc_loop_run(&w->loop));
}

/* The question that the verifier was asked, or false. */
static bool question(struct world *w, uint8_t slot, struct wire *m)
{
    struct ipc_frame frame;
    run(w);
    enum err e = ipc_pump(&w->verifier[slot]);
    if (e != OK || !ipc_next_frame(&w->verifier[slot], &frame))
        return false;
    assert_ok(wire_decode(WIRE_VAULT, WIRE_VERIFY, frame.type, frame.body, m));
    return true;
}

static void answer(struct world *w, uint8_t slot, const struct wire *m)
{
    assert_ok(wire_send(&w->verifier[slot], WIRE_VERIFY, m));
    assert_ok(ipc_flush(&w->verifier[slot]));
    run(w);
}

static bool complaint(struct world *w, uint8_t *slot)
{
    return recv(w->control, slot, 1, MSG_DONTWAIT) == 1;
}

static struct now after(uint64_t ms)
{
    return (struct now){start.mono_ms + ms, start.unix_ms + ms};
}

static void a_verifier_that_ends_makes_its_question_invalid(void **state)
{
    struct world *w = new_world();
    struct wire m;
    uint8_t slot;
    pass_verifier(w, 0);
    assert_ok(verifiers_ask(&w->v, 5, bytes_str("evidence")));
    assert_ok(verifiers_turn(&w->v, start));
    assert_true(question(w, 0, &m));
    ipc_close(&w->verifier[0]);
    run(w);
    assert_int_equal(w->answers, 1);
    assert_int_equal(w->id, 5);
    assert_err(w->e, E_FORMAT);
    assert_true(w->has_problem);
    assert_false(complaint(w, &slot)); /* it may have a successor already */
    free_world(w);
}

static void a_verifier_that_hangs_is_given_up_and_replaced(void **state)
{
    struct world *w = new_world();
    struct wire m;
    uint8_t slot = 9;
    pass_verifier(w, 1);
    assert_ok(verifiers_ask(&w->v, 6, bytes_str("evidence")));
    assert_ok(verifiers_turn(&w->v, start));
    assert_true(question(w, 1, &m));
    assert_ok(verifiers_turn(&w->v, after(VERIFIERS_PATIENCE_MS)));
    assert_int_equal(w->answers, 0);
    assert_ok(verifiers_turn(&w->v, after(VERIFIERS_PATIENCE_MS + 1)));
    assert_int_equal(w->answers, 1);
    assert_err(w->e, E_FORMAT);
    assert_true(complaint(w, &slot));
    assert_int_equal(slot, 1);
    pass_verifier(w, 1);
    assert_ok(verifiers_ask(&w->v, 7, bytes_str("more")));
    assert_ok(verifiers_turn(&w->v, after(VERIFIERS_PATIENCE_MS + 2)));
    assert_true(question(w, 1, &m));
    assert_int_equal(m.judge.id, 7);
    free_world(w);
}

static void an_answer_to_another_question_does_not_count(void **state)
{
    const struct wire wrong[] = {{WIRE_JUDGED, .judged = {.id = 9, .e = E_CHAIN}},
                                 {WIRE_JUDGED, .judged = {.id = 0, .e = E_CHAIN}}};
    for (size_t i = 0; i < 2; i++) {
        struct world *w = new_world();
        struct wire m;
        uint8_t slot;
        pass_verifier(w, 0);
        assert_ok(verifiers_ask(&w->v, 8, bytes_str("evidence")));
        assert_ok(verifiers_turn(&w->v, start));
        assert_true(question(w, 0, &m));
        answer(w, 0, &wrong[i]);
        assert_int_equal(w->answers, 1);
        assert_int_equal(w->id, 8);
        assert_err(w->e, E_FORMAT);
        assert_true(complaint(w, &slot));
        free_world(w);
    }
}

static void an_unasked_answer_reaches_nobody(void **state)
{
    struct world *w = new_world();
    uint8_t slot;
    pass_verifier(w, 0);
    assert_ok(verifiers_turn(&w->v, start));
    answer(w, 0, &(struct wire){WIRE_JUDGED, .judged = {.id = 0, .e = E_CHAIN}});
    assert_int_equal(w->answers, 0);
    assert_true(complaint(w, &slot));
    free_world(w);
}

static void questions_wait_for_a_verifier_and_the_queue_ends(void **state)
{
    struct world *w = new_world();
    static const uint8_t large[EVIDENCE_MAX + 1];
    struct wire m;
    assert_err(verifiers_ask(&w->v, 1, BYTES_OF(large)), E_TOO_LARGE);
    for (uint64_t i = 0; i < VERIFIERS_QUEUE; i++)
        assert_ok(verifiers_ask(&w->v, 100 + i, bytes_str("evidence")));
    assert_err(verifiers_ask(&w->v, 1, bytes_str("evidence")), E_RATE);
    pass_verifier(w, 0);
    for (uint64_t i = 0; i < VERIFIERS_QUEUE; i++) {
        assert_ok(verifiers_turn(&w->v, start));
        assert_true(question(w, 0, &m));
        assert_int_equal(m.judge.id, 100 + i);
        assert_false(question(w, 0, &m)); /* one at a time */
        answer(w, 0, &(struct wire){WIRE_JUDGED, .judged = {.id = 100 + i, .e = E_CHAIN}});
        assert_int_equal(w->answers, i + 1);
        assert_err(w->e, E_CHAIN);
    }
    free_world(w);
}

/* Evidence, and the claims that an honest verifier makes of it. */
static struct buf evidence_of(uint64_t machine, struct claims *claims)
{
    static const uint8_t report_data[64] = "vouched for";
    struct claims c = sim_claims(PLATFORM_SNP, machine);
    struct buf raw = BUF_INIT(1 << 16);
    struct sim_machine m;
    struct evidence e;
    assert_ok(sim_machine_init(&m, &c, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &raw));
    assert_ok(evidence_parse(buf_bytes(&raw), &e, NULL));
    *claims = e.claims;
    evidence_free(&e);
    sim_machine_free(&m);
    return raw;
}

static void claims_that_the_evidence_does_not_make_are_invalid(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct world *w = new_world();
        struct wire m, a = {WIRE_JUDGED, .judged = {.id = 3, .e = OK}};
        struct buf evidence = evidence_of(1, &a.judged.claims);
        uint8_t slot = 9;
        a.judged.claims.report_data[0] ^= i == 0;
        a.judged.claims.snp.measurement[47] ^= i == 1;
        pass_verifier(w, 0);
        struct bytes asked = i == 2 ? bytes_str("unreadable") : buf_bytes(&evidence);
        assert_ok(verifiers_ask(&w->v, 3, asked));
        assert_ok(verifiers_turn(&w->v, start));
        assert_true(question(w, 0, &m));
        answer(w, 0, &a);
        assert_int_equal(w->answers, 1);
        assert_err(w->e, E_FORMAT);
        assert_true(complaint(w, &slot));
        assert_int_equal(slot, 0);
        buf_free(&evidence);
        free_world(w);
    }
}

static void claims_and_the_time_go_through(void **state)
{
    struct world *w = new_world();
    struct wire m, a = {WIRE_JUDGED, .judged = {.id = 3, .e = OK}};
    struct buf evidence = evidence_of(1, &a.judged.claims);
    pass_verifier(w, 0);
    assert_ok(verifiers_ask(&w->v, 3, buf_bytes(&evidence)));
    assert_ok(verifiers_turn(&w->v, start));
    assert_true(question(w, 0, &m));
    assert_int_equal(m.judge.unix_s, start.unix_ms / 1000);
    assert_true(bytes_eq(m.judge.evidence, buf_bytes(&evidence)));
    answer(w, 0, &a);
    assert_err(w->e, OK);
    assert_int_equal(w->platform, PLATFORM_SNP);
    buf_free(&evidence);
    free_world(w);
}

static const struct vendor_object list = {.kind = OBJECT_SGX_ROOT_CRL};

static void an_object_is_inspected_and_by_no_answer_about_evidence(void **state)
{
    struct world *w = new_world();
    struct wire m, a = {WIRE_INSPECTED, .inspected = {.id = 4, .facts = {1, 2}}};
    uint8_t slot;
    pass_verifier(w, 0);
    assert_ok(verifiers_inspect(&w->v, 4, &list, bytes_str("body"), bytes_str("chain")));
    assert_ok(verifiers_turn(&w->v, start));
    assert_true(question(w, 0, &m));
    assert_int_equal(m.type, WIRE_INSPECT);
    assert_true(object_eq(&m.inspect.object, &list));
    assert_int_equal(m.inspect.unix_s, start.unix_ms / 1000);
    assert_true(bytes_eq(m.inspect.body, bytes_str("body")));
    assert_true(bytes_eq(m.inspect.chain, bytes_str("chain")));
    answer(w, 0, &a);
    assert_int_equal(w->inspections, 1);
    assert_err(w->e, OK);
    assert_int_equal(w->until, 2);
    assert_ok(verifiers_inspect(&w->v, 5, &list, bytes_str("body"), BYTES_NONE));
    assert_ok(verifiers_turn(&w->v, start));
    assert_true(question(w, 0, &m));
    answer(w, 0, &(struct wire){WIRE_JUDGED, .judged = {.id = 5, .e = E_CHAIN}});
    assert_int_equal(w->answers, 0);
    assert_int_equal(w->inspections, 2);
    assert_err(w->e, E_FORMAT);
    assert_true(complaint(w, &slot));
    free_world(w);
}

/* Reads frames that were sent to the verifier until the question. */
static void expect_held(struct world *w, uint8_t slot, const char *expected)
{
    struct ipc_frame frame;
    char seen[256] = "";
    struct wire m = {0};
    run(w);
    assert_ok(ipc_pump(&w->verifier[slot]));
    while (m.type != WIRE_JUDGE && ipc_next_frame(&w->verifier[slot], &frame)) {
        assert_ok(wire_decode(WIRE_VAULT, WIRE_VERIFY, frame.type, frame.body, &m));
        if (m.type == WIRE_HOLD)
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%u=%.*s+%.*s ", m.hold.slot,
                     (int)m.hold.body.n, (const char *)m.hold.body.p, (int)m.hold.chain.n,
                     (const char *)m.hold.chain.p);
    }
    assert_int_equal(m.type, WIRE_JUDGE);
    assert_string_equal(seen, expected);
    answer(w, slot, &(struct wire){WIRE_JUDGED, .judged = {.id = m.judge.id, .e = E_CHAIN}});
}

static void what_is_held_is_given_once_and_to_a_new_one_again(void **state)
{
    struct world *w = new_world();
    static const uint8_t large[WIRE_CHAIN_MAX + 1];
    pass_verifier(w, 0);
    assert_ok(verifiers_hold(&w->v, 3, bytes_str("a"), bytes_str("b")));
    assert_ok(verifiers_hold(&w->v, WIRE_SLOTS - 1, bytes_str("z"), BYTES_NONE));
    assert_ok(verifiers_ask(&w->v, 1, bytes_str("evidence")));
    assert_ok(verifiers_turn(&w->v, start));
    expect_held(w, 0, "3=a+b 511=z+ ");
    assert_ok(verifiers_hold(&w->v, 3, BYTES_NONE, BYTES_NONE));
    assert_err(verifiers_hold(&w->v, 511, bytes_str("y"), BYTES_OF(large)), E_TOO_LARGE);
    assert_ok(verifiers_ask(&w->v, 2, bytes_str("evidence")));
    assert_ok(verifiers_turn(&w->v, start));
    expect_held(w, 0, "3=+ ");
    assert_ok(verifiers_ask(&w->v, 3, bytes_str("evidence")));
    assert_ok(verifiers_turn(&w->v, start));
    expect_held(w, 0, "");
    pass_verifier(w, 0);
    run(w);
    assert_ok(verifiers_ask(&w->v, 4, bytes_str("evidence")));
    assert_ok(verifiers_turn(&w->v, start));
    expect_held(w, 0, "3=+ 511=z+ ");
    free_world(w);
}

static void without_the_first_process_vault_ends(void **state)
{
    struct world *w = new_world();
    close(w->control);
    w->control = -1;
    assert_err(verifiers_turn(&w->v, start), E_IO);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verifier_that_ends_makes_its_question_invalid),
        cmocka_unit_test(a_verifier_that_hangs_is_given_up_and_replaced),
        cmocka_unit_test(an_answer_to_another_question_does_not_count),
        cmocka_unit_test(an_unasked_answer_reaches_nobody),
        cmocka_unit_test(questions_wait_for_a_verifier_and_the_queue_ends),
        cmocka_unit_test(claims_that_the_evidence_does_not_make_are_invalid),
        cmocka_unit_test(claims_and_the_time_go_through),
        cmocka_unit_test(an_object_is_inspected_and_by_no_answer_about_evidence),
        cmocka_unit_test(what_is_held_is_given_once_and_to_a_new_one_again),
        cmocka_unit_test(without_the_first_process_vault_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
