/* The record of secrets: read back as it was written, and no part of it alone. */
#include "core/member/member_int.h"
#include "test.h"

static void fill(struct secrets *s)
{
    struct rng_seeded seed;
    struct rng rng = rng_numbered(&seed, 5);
    memset(s, 0, sizeof *s);
    rng_fill(rng, s->seat.b, sizeof s->seat.b);
    rng_fill(rng, s->vote.b, sizeof s->vote.b);
    rng_fill(rng, s->instance_id, sizeof s->instance_id);
    s->has_seat = s->has_vote = true;
    s->share.epoch = 7;
    scalar_random(rng, &s->share.r);
    scalar_random(rng, &s->share.e);
    s->session.live = s->session.has_share = true;
    rng_fill(rng, s->session.sid.b, sizeof s->session.sid.b);
    rng_fill(rng, s->session.x.b, sizeof s->session.x.b);
    struct ns_secret *n = secrets_ns(s, "blue", 2, true);
    n->has_key = true;
    rng_fill(rng, n->key.b, sizeof n->key.b);
}

static void no_part_of_the_record_is_a_record(void **state)
{
    static struct secrets s, back, zero;
    struct buf b = BUF_INIT(1 << 16);
    fill(&s);
    assert_ok(secrets_encode(&s, true, &b));
    for (size_t n = 0; n < b.n; n++) {
        fill(&back);
        assert_err(secrets_decode(bytes(b.p, n), &back), E_MALFORMED);
        assert_memory_equal(&back, &zero, sizeof back); /* nothing is left of what was read */
    }
    b.p[0]++; /* another version */
    assert_err(secrets_decode(buf_bytes(&b), &back), E_MALFORMED);
    b.p[0]--;
    assert_ok(buf_add(&b, "", 1));
    assert_err(secrets_decode(buf_bytes(&b), &back), E_MALFORMED);
    buf_free(&b);
}

static void the_record_is_read_back_as_it_was(void **state)
{
    static struct secrets s, back;
    struct buf b = BUF_INIT(1 << 16), again = BUF_INIT(1 << 16);
    fill(&s);
    assert_ok(secrets_encode(&s, true, &b));
    assert_ok(secrets_decode(buf_bytes(&b), &back));
    assert_ok(secrets_encode(&back, true, &again));
    assert_true(bytes_eq(buf_bytes(&b), buf_bytes(&again)));
    assert_true(back.has_vote && back.share.epoch == 7 && back.n_ns == 1);
    assert_memory_equal(secrets_ns(&back, "blue", 2, false)->key.b, s.ns[0].key.b,
                        sizeof s.ns[0].key.b);
    buf_free(&b);
    buf_free(&again);
}

static void a_vote_key_is_kept_only_where_it_may_outlive_a_boot(void **state)
{
    static struct secrets s, back;
    struct buf b = BUF_INIT(1 << 16);
    fill(&s);
    assert_ok(secrets_encode(&s, false, &b));
    assert_ok(secrets_decode(buf_bytes(&b), &back));
    assert_false(back.has_vote);
    assert_true(bytes_is_zero(BYTES_OF(back.vote.b)));
    assert_null(memmem(b.p, b.n, s.vote.b, 32));
    buf_free(&b);
}

static void there_is_room_for_so_many_namespaces(void **state)
{
    static struct secrets s;
    assert_null(secrets_ns(&s, "blue", 1, false));
    for (uint32_t i = 0; i < NS_KEYS_MAX; i++)
        assert_non_null(secrets_ns(&s, "blue", i + 1, true));
    assert_null(secrets_ns(&s, "blue", NS_KEYS_MAX + 1, true));
    assert_null(secrets_ns(&s, "pink", 1, false));
    assert_ptr_equal(secrets_ns(&s, "blue", 3, true), &s.ns[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_part_of_the_record_is_a_record),
        cmocka_unit_test(the_record_is_read_back_as_it_was),
        cmocka_unit_test(a_vote_key_is_kept_only_where_it_may_outlive_a_boot),
        cmocka_unit_test(there_is_room_for_so_many_namespaces),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
