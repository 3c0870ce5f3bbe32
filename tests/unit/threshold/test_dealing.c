#include "core/threshold/dealing.h"
#include "ideal_dealing.h"
#include "test.h"

static struct rng_seeded seeded;

/* One dealer, three recipients, two of which suffice. */
struct scene {
    struct deal_terms terms;
    struct recipient to[3];
    struct secret32 x[3];
    struct scalar secret;
    struct point public;
    struct buf dealing;
    struct commitment c;
};

static struct rng make_scene(struct scene *s, enum group g, uint64_t seed)
{
    struct rng rng = rng_numbered(&seeded, seed);
    memset(s, 0, sizeof *s);
    s->terms = (struct deal_terms){g, {{1, 2, 3}}, 7, 2, s->to, 3};
    for (uint32_t j = 0; j < 3; j++) {
        s->to[j].gid = 3 * j + 1;
        receive_keygen(rng, &s->x[j], s->to[j].x);
    }
    scalar_random(rng, &s->secret);
    assert_ok(point_base(g, &s->public, &s->secret));
    s->dealing = BUF_INIT(DEALING_MAX);
    return rng;
}

static void deal(struct scene *s, const struct dealing_scheme *scheme, struct rng rng)
{
    assert_ok(scheme->deal(rng, &s->terms, &s->secret, &s->dealing));
}

static enum err check(struct scene *s)
{
    return dealing_ve.check(&s->terms, buf_bytes(&s->dealing), &s->public, &s->c);
}

static void impossible_terms_are_refused(void **state)
{
    struct scene s;
    struct scalar share;
    struct rng rng = make_scene(&s, GROUP_R, 1);
    deal(&s, &dealing_ve, rng);
    const struct deal_terms good = s.terms;
    struct recipient unsorted[] = {s.to[1], s.to[0], s.to[2]}, twice[] = {s.to[0], s.to[0]},
                     zero[] = {s.to[0], s.to[1]}, many[THRESHOLD_MAX + 1];
    zero[0].gid = 0;
    for (uint32_t j = 0; j <= THRESHOLD_MAX; j++) {
        many[j] = s.to[0];
        many[j].gid = j + 1;
    }
    struct deal_terms bad[] = {good, good, good, good, good, good, good, good};
    bad[0].dealer = 0;
    bad[1].t = 0;
    bad[2].t = 4;
    bad[3].n_to = 0;
    bad[4].to = unsorted;
    bad[5].to = twice, bad[5].n_to = 2;
    bad[6].to = zero, bad[6].n_to = 2;
    bad[7].to = many, bad[7].n_to = THRESHOLD_MAX + 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf out = BUF_INIT(DEALING_MAX);
        assert_err(dealing_ve.deal(rng, &bad[i], &s.secret, &out), E_VALUE);
        assert_int_equal(out.n, 0);
        assert_err(dealing_ve.check(&bad[i], buf_bytes(&s.dealing), NULL, &s.c), E_VALUE);
        assert_err(dealing_ve.open(&bad[i], buf_bytes(&s.dealing), 1, &s.x[0], &share), E_VALUE);
    }
    assert_err(dealing_ve.open(&good, buf_bytes(&s.dealing), 2, &s.x[0], &share), E_VALUE);
    assert_err(dealing_ve.open(&good, buf_bytes(&s.dealing), 0, &s.x[0], &share), E_VALUE);
    buf_free(&s.dealing);
}

static void impossible_secrets_and_keys_are_refused(void **state)
{
    struct scene s;
    struct rng rng = make_scene(&s, GROUP_E, 2);
    struct buf out = BUF_INIT(DEALING_MAX), small = BUF_INIT(1000);
    struct scalar zero = {{0}}, big;
    memset(&big, 0xff, sizeof big);
    assert_err(dealing_ve.deal(rng, &s.terms, &zero, &out), E_VALUE);
    assert_err(dealing_ve.deal(rng, &s.terms, &big, &out), E_VALUE);
    assert_err(dealing_ve.deal(rng, &s.terms, &s.secret, &small), E_TOO_LARGE);
    assert_int_equal(small.n, 0);
    memset(s.to[1].x, 0, sizeof s.to[1].x);
    assert_err(receive_key_check(s.to[1].x), E_VALUE);
    assert_err(dealing_ve.deal(rng, &s.terms, &s.secret, &out), E_VALUE);
    assert_int_equal(out.n, 0);
    buf_free(&small);
    buf_free(&out);
}

static void every_recipient_finds_its_share(void **state)
{
    const struct dealing_scheme *schemes[] = {&dealing_ve, &dealing_ideal};
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        for (size_t k = 0; k < 2; k++) {
            struct scene s;
            struct rng rng = make_scene(&s, g, 3);
            struct scalar shares[3], sum;
            const uint32_t ids[] = {1, 7};
            deal(&s, schemes[k], rng);
            assert_true(s.dealing.n <= DEALING_MAX);
            assert_ok(schemes[k]->check(&s.terms, buf_bytes(&s.dealing), NULL, &s.c));
            assert_ok(schemes[k]->check(&s.terms, buf_bytes(&s.dealing), &s.public, &s.c));
            assert_memory_equal(&s.c.c[0], &s.public, sizeof s.public);
            for (size_t j = 0; j < 3; j++) {
                assert_ok(schemes[k]->open(&s.terms, buf_bytes(&s.dealing), s.to[j].gid, &s.x[j],
                                           &shares[j]));
                assert_ok(share_check(g, &s.c, s.to[j].gid, &shares[j]));
            }
            shares[1] = shares[2];
            assert_ok(reshare_combine_shares(ids, shares, 2, &sum));
            assert_true(scalar_eq(&sum, &s.secret));
            buf_free(&s.dealing);
        }
    }
}

static void nobody_opens_with_anothers_key(void **state)
{
    struct scene s;
    struct scalar share;
    struct rng rng = make_scene(&s, GROUP_R, 4);
    deal(&s, &dealing_ve, rng);
    assert_err(dealing_ve.open(&s.terms, buf_bytes(&s.dealing), 1, &s.x[1], &share), E_VALUE);
    assert_err(dealing_ve.open(&s.terms, buf_bytes(&s.dealing), 4, &s.x[0], &share), E_VALUE);
    buf_free(&s.dealing);
}

static void a_dealing_of_another_secret_is_refused_in_a_reshare(void **state)
{
    const struct dealing_scheme *schemes[] = {&dealing_ve, &dealing_ideal};
    for (size_t k = 0; k < 2; k++) {
        struct scene s;
        struct rng rng = make_scene(&s, GROUP_R, 5);
        struct scalar other;
        scalar_random(rng, &other);
        assert_ok(schemes[k]->deal(rng, &s.terms, &other, &s.dealing));
        assert_err(schemes[k]->check(&s.terms, buf_bytes(&s.dealing), &s.public, &s.c), E_VALUE);
        assert_ok(schemes[k]->check(&s.terms, buf_bytes(&s.dealing), NULL, &s.c));
        buf_free(&s.dealing);
    }
}

/* Replay in another session, re-attribution, other recipients, another group: never accepted. */
static void a_dealing_is_worth_nothing_under_other_terms(void **state)
{
    struct scene s;
    struct rng rng = make_scene(&s, GROUP_R, 6);
    struct scalar share;
    deal(&s, &dealing_ve, rng);
    const struct deal_terms good = s.terms;
    struct recipient changed[3], fewer[2] = {s.to[0], s.to[1]}, more[4];
    memcpy(changed, s.to, sizeof changed);
    changed[2].x[0] ^= 1;
    memcpy(more, s.to, sizeof s.to);
    more[3] = s.to[0];
    more[3].gid = 100;
    struct deal_terms bad[] = {good, good, good, good, good, good, good};
    bad[0].sid.b[31] ^= 1;
    bad[1].dealer = 8;
    bad[2].to = changed;
    bad[3].to = fewer, bad[3].n_to = 2;
    bad[4].to = more, bad[4].n_to = 4;
    bad[5].t = 3;
    bad[6].group = GROUP_E;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(dealing_ve.check(&bad[i], buf_bytes(&s.dealing), NULL, &s.c) != OK);
    for (size_t i = 0; i < 2; i++) /* the pads are of another session, or another dealer */
        assert_err(dealing_ve.open(&bad[i], buf_bytes(&s.dealing), 1, &s.x[0], &share), E_VALUE);
    s.terms.sid.b[0] ^= 1;
    buf_clear(&s.dealing);
    s.terms = good;
    deal(&s, &dealing_ideal, rng);
    assert_err(dealing_ideal.check(&bad[0], buf_bytes(&s.dealing), NULL, &s.c), E_SIGNATURE);
    assert_err(dealing_ideal.check(&bad[1], buf_bytes(&s.dealing), NULL, &s.c), E_SIGNATURE);
    buf_free(&s.dealing);
}

/* Every byte in front of the rounds, and a sample of the bytes of the rounds. */
static void every_changed_byte_is_found(void **state)
{
    const size_t head = 4 + 2 * 32 + 64 + 16;
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        struct scene s;
        struct rng rng = make_scene(&s, g, 7);
        deal(&s, &dealing_ve, rng);
        for (size_t i = 0; i < head; i++) {
            s.dealing.p[i] ^= 0x04;
            assert_true(check(&s) != OK);
            s.dealing.p[i] ^= 0x04;
        }
        for (unsigned k = 0; k < 24; k++) {
            size_t i = k < 10 ? head + 8 * k : head + rng_below(rng, s.dealing.n - head);
            uint8_t flip = (uint8_t)(1 << rng_below(rng, 8));
            s.dealing.p[i] ^= flip;
            assert_true(check(&s) != OK);
            s.dealing.p[i] ^= flip;
        }
        assert_ok(check(&s));
        buf_free(&s.dealing);
    }
}

static void truncated_and_extended_dealings_are_refused(void **state)
{
    struct scene s;
    struct scalar share;
    struct rng rng = make_scene(&s, GROUP_R, 8);
    deal(&s, &dealing_ve, rng);
    size_t n = s.dealing.n;
    for (size_t cut = 0; cut < n; cut += cut < 160 || cut > n - 4 ? 1 : (n - cut) / 8 + 1)
        assert_err(dealing_ve.check(&s.terms, bytes(s.dealing.p, cut), &s.public, &s.c),
                   E_MALFORMED);
    assert_err(dealing_ve.open(&s.terms, bytes(s.dealing.p, 148), 1, &s.x[0], &share), E_MALFORMED);
    assert_ok(buf_add(&s.dealing, "", 1));
    assert_err(check(&s), E_MALFORMED);
    buf_free(&s.dealing);
}

static void stuck_fill(void *ctx, void *out, size_t n)
{
    memset(out, 0x42, n);
}

/* What a cloned machine would do: the same randomness in two sessions. */
static void a_stuck_generator_repeats_no_polynomial_in_another_session(void **state)
{
    struct rng stuck = {stuck_fill, NULL};
    struct scene s;
    struct commitment first;
    make_scene(&s, GROUP_R, 9);
    deal(&s, &dealing_ve, stuck);
    assert_ok(check(&s));
    first = s.c;
    buf_clear(&s.dealing);
    s.terms.sid.b[0] ^= 1;
    deal(&s, &dealing_ve, stuck);
    assert_ok(check(&s));
    assert_memory_equal(&first.c[0], &s.c.c[0], sizeof first.c[0]);
    assert_memory_not_equal(&first.c[1], &s.c.c[1], sizeof first.c[1]);
    buf_free(&s.dealing);
}

static void the_largest_dealing_fits_its_limit(void **state)
{
    struct recipient to[THRESHOLD_MAX];
    struct secret32 x;
    struct rng rng = rng_numbered(&seeded, 10);
    struct scalar secret, share;
    struct commitment c;
    struct buf out = BUF_INIT(DEALING_MAX);
    for (uint32_t j = 0; j < THRESHOLD_MAX; j++) {
        to[j].gid = 65536 + j;
        receive_keygen(rng, &x, to[j].x);
    }
    struct deal_terms terms = {GROUP_R, {{1}}, 4000000000u, THRESHOLD_MAX, to, THRESHOLD_MAX};
    scalar_random(rng, &secret);
    assert_ok(dealing_ve.deal(rng, &terms, &secret, &out));
    assert_ok(dealing_ve.check(&terms, buf_bytes(&out), NULL, &c));
    assert_ok(dealing_ve.open(&terms, buf_bytes(&out), 65551, &x, &share));
    assert_ok(share_check(GROUP_R, &c, 65551, &share));
    /* Were all 128 rounds masked: */
    assert_true(4 + 32 * 16 + 64 + 16 + 128 * (32 + 32 * 16 + 32 * 16) <= DEALING_MAX);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_terms_are_refused),
        cmocka_unit_test(impossible_secrets_and_keys_are_refused),
        cmocka_unit_test(every_recipient_finds_its_share),
        cmocka_unit_test(nobody_opens_with_anothers_key),
        cmocka_unit_test(a_dealing_of_another_secret_is_refused_in_a_reshare),
        cmocka_unit_test(a_dealing_is_worth_nothing_under_other_terms),
        cmocka_unit_test(every_changed_byte_is_found),
        cmocka_unit_test(truncated_and_extended_dealings_are_refused),
        cmocka_unit_test(a_stuck_generator_repeats_no_polynomial_in_another_session),
        cmocka_unit_test(the_largest_dealing_fits_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
