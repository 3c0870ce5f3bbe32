/*
 * Line 28 of Algorithm 1: a block proposed again is prevoted only if its POL is
 * not older than the own lock. Random schedules don't find a member that forgets
 * this comparison, so it has a script: four seats, C lies.
 *
 *   round 0  A, B and C prevote v; C hides it, so nobody locks
 *   round 1  B proposes w; the member under test sees the POL of w and locks it
 *   round 2  C proposes v again with the POL of round 0: too old
 *   round 4  A proposes v again with a POL of round 2: new enough
 */
#include "bench.h"
#include "core/consensus/inside.h"
#include "test.h"

enum { A, B, C, ME };

struct script {
    struct bench t;
    struct buf v, w;
    struct hash32 v_id, w_id;
    struct certificate old_pol;
};

static void to_round(struct bench *t, uint32_t round)
{
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, round, (struct hash32){0}, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, round, (struct hash32){0}, NULL));
    struct bft_status s;
    bft_status(t->b, &s);
    assert_int_equal(s.round, round);
}

/* Up to the lock in round 1. */
static struct script *begin(unsigned mutants)
{
    struct script *s = calloc(1, sizeof *s);
    assert_non_null(s);
    struct bench *t = &s->t;
    bench_new(t, 4, 1, BFT_STRICT, ME);
    t->b->mutants = mutants;
    s->v = bench_block(t, A, 0, 1, 0);
    s->w = bench_block(t, B, 1, 2, 0);
    s->v_id = bench_id(buf_bytes(&s->v));
    s->w_id = bench_id(buf_bytes(&s->w));
    s->old_pol = bench_certify(t, VOTE_PREVOTE, 7, 0, s->v_id);
    struct certificate pol = bench_certify(t, VOTE_PREVOTE, 3 | 1 << ME, 1, s->w_id);
    struct message m = {.type = WIRE_POL, .certificate = pol, .block = buf_bytes(&s->w)};
    assert_ok(bench_give(t, A, &m));
    assert_ok(bench_give_proposal(t, B, 1, buf_bytes(&s->w), NULL));
    assert_memory_equal(bench_vote_of(t, VOTE_PREVOTE, 1)->id.b, s->w_id.b, 32);
    assert_memory_equal(bench_vote_of(t, VOTE_PRECOMMIT, 1)->id.b, s->w_id.b, 32);
    return s;
}

static void end(struct script *s)
{
    bench_free(&s->t);
    buf_free(&s->v);
    buf_free(&s->w);
    free(s);
}

/* What it prevotes when v comes again in `round` with this POL. */
static struct hash32 prevote_for_v(struct script *s, uint32_t seat, uint32_t round,
                                   const struct certificate *pol)
{
    assert_ok(bench_give_proposal(&s->t, seat, round, buf_bytes(&s->v), pol));
    to_round(&s->t, round);
    const struct vote *vote = bench_vote_of(&s->t, VOTE_PREVOTE, round);
    assert_non_null(vote);
    return vote->id;
}

static void an_older_pol_does_not_open_the_lock(void **state)
{
    struct script *s = begin(0);
    assert_true(hash32_is_zero(prevote_for_v(s, C, 2, &s->old_pol)));
    end(s);
}

static void a_newer_pol_opens_the_lock(void **state)
{
    struct script *s = begin(0);
    to_round(&s->t, 3);
    struct certificate pol = bench_certify(&s->t, VOTE_PREVOTE, 7, 2, s->v_id);
    assert_true(hash32_eq(prevote_for_v(s, A, 4, &pol), s->v_id));
    end(s);
}

static void the_locked_block_is_prevoted_whatever_its_pol(void **state)
{
    struct script *s = begin(0);
    struct certificate pol = bench_certify(&s->t, VOTE_PREVOTE, 3 | 1 << ME, 1, s->w_id);
    assert_ok(bench_give_proposal(&s->t, C, 2, buf_bytes(&s->w), &pol));
    to_round(&s->t, 2);
    assert_memory_equal(bench_vote_of(&s->t, VOTE_PREVOTE, 2)->id.b, s->w_id.b, 32);
    end(s);
}

static void a_fresh_block_does_not_open_the_lock(void **state)
{
    struct script *s = begin(0);
    struct buf x = bench_block(&s->t, C, 2, 3, 0);
    assert_ok(bench_give_proposal(&s->t, C, 2, buf_bytes(&x), NULL));
    to_round(&s->t, 2);
    assert_true(hash32_is_zero(bench_vote_of(&s->t, VOTE_PREVOTE, 2)->id));
    buf_free(&x);
    end(s);
}

/* A POL that was already waved through once proves nothing by being older: the script would not
   be worth much if a member without the comparison passed it. */
static void a_member_that_does_not_compare_is_caught(void **state)
{
    struct script *s = begin(MUTANT_VALID_ROUND);
    assert_true(hash32_eq(prevote_for_v(s, C, 2, &s->old_pol), s->v_id));
    end(s);
}

static void a_member_without_locks_is_caught(void **state)
{
    struct script *s = begin(MUTANT_NO_LOCK);
    struct buf x = bench_block(&s->t, C, 2, 3, 0);
    assert_ok(bench_give_proposal(&s->t, C, 2, buf_bytes(&x), NULL));
    to_round(&s->t, 2);
    struct hash32 id = bench_id(buf_bytes(&x));
    assert_memory_equal(bench_vote_of(&s->t, VOTE_PREVOTE, 2)->id.b, id.b, 32);
    buf_free(&x);
    end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_pol_does_not_open_the_lock),
        cmocka_unit_test(a_newer_pol_opens_the_lock),
        cmocka_unit_test(the_locked_block_is_prevoted_whatever_its_pol),
        cmocka_unit_test(a_fresh_block_does_not_open_the_lock),
        cmocka_unit_test(a_member_that_does_not_compare_is_caught),
        cmocka_unit_test(a_member_without_locks_is_caught),
    };
    return cmocka_run_group_tests_name("valid round and lock", tests, NULL, NULL);
}
