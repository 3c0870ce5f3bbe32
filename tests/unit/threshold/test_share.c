#include "core/threshold/share.h"
#include "test.h"

static struct rng_seeded seeded;

static void every_domain_has_its_own_tag(void **state)
{
    for (int a = 0; a < DOMAIN_COUNT; a++) {
        assert_int_equal(strncmp(domain_tag(a), "guardian/v1/", 12), 0);
        for (int b = 0; b < a; b++)
            assert_string_not_equal(domain_tag(a), domain_tag(b));
    }
}

static void lagrange_refuses_zero_duplicates_and_sizes(void **state)
{
    struct scalar out;
    uint32_t ids[THRESHOLD_MAX + 1] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
    assert_err(lagrange_at_zero(ids, 0, 0, &out), E_VALUE);
    assert_err(lagrange_at_zero(ids, 3, 3, &out), E_VALUE);
    assert_err(lagrange_at_zero(ids, THRESHOLD_MAX + 1, 0, &out), E_VALUE);
    assert_ok(lagrange_at_zero(ids, THRESHOLD_MAX, 0, &out));
    uint32_t zero[] = {0, 2}, twice[] = {5, 3, 5};
    assert_err(lagrange_at_zero(zero, 2, 0, &out), E_VALUE);
    assert_err(lagrange_at_zero(zero, 2, 1, &out), E_VALUE);
    assert_err(lagrange_at_zero(twice, 3, 0, &out), E_VALUE);
    assert_err(lagrange_at_zero(twice, 3, 2, &out), E_VALUE);
    const struct scalar sub[3] = {{{1}}, {{2}}, {{3}}};
    assert_err(reshare_combine_shares(twice, sub, 3, &out), E_VALUE);
    assert_err(reshare_combine_shares(ids, sub, 0, &out), E_VALUE);
}

static void interpolation_gives_the_value_at_zero(void **state)
{
    struct rng rng = rng_numbered(&seeded, 1);
    const uint32_t ids[] = {70000, 1, 4000000000u, 9};
    struct scalar f[4], sub[4], out;
    for (size_t m = 0; m < 4; m++)
        scalar_random(rng, &f[m]);
    for (size_t i = 0; i < 4; i++)
        polynomial_eval(f, 4, ids[i], &sub[i]);
    assert_ok(reshare_combine_shares(ids, sub, 4, &out));
    assert_true(scalar_eq(&out, &f[0]));
    assert_ok(reshare_combine_shares(ids, sub, 3, &out));
    assert_false(scalar_eq(&out, &f[0]));
}

static void polynomial_of(struct rng rng, enum group g, uint32_t t,
                          struct scalar f[static THRESHOLD_MAX], struct commitment *c)
{
    for (uint32_t m = 0; m < t; m++)
        scalar_random(rng, &f[m]);
    assert_ok(commitment_of(g, f, t, c));
}

static void a_share_fits_its_id_and_commitment_alone(void **state)
{
    struct rng rng = rng_numbered(&seeded, 2);
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        struct scalar f[THRESHOLD_MAX], other[THRESHOLD_MAX], share;
        struct commitment c, d;
        polynomial_of(rng, g, 3, f, &c);
        polynomial_of(rng, g, 3, other, &d);
        polynomial_eval(f, 3, 5, &share);
        assert_ok(share_check(g, &c, 5, &share));
        assert_err(share_check(g, &c, 6, &share), E_VALUE);
        assert_err(share_check(g, &c, 0, &share), E_VALUE);
        assert_err(share_check(g, &d, 5, &share), E_VALUE);
        share.b[0] ^= 1;
        assert_err(share_check(g, &c, 5, &share), E_VALUE);
        c.t = THRESHOLD_MAX + 1;
        assert_err(share_check(g, &c, 5, &share), E_VALUE);
        c.t = 0;
        assert_err(share_check(g, &c, 5, &share), E_VALUE);
    }
}

/* A dealer that makes Horner's intermediate sum vanish at x = 3 gains nothing. */
static void a_chosen_polynomial_does_not_disturb_evaluation(void **state)
{
    struct rng rng = rng_numbered(&seeded, 3);
    struct scalar f[THRESHOLD_MAX], three, share;
    struct commitment c;
    polynomial_of(rng, GROUP_E, 3, f, &c);
    scalar_from_u32(&three, 3);
    struct scalar zero = {{0}};
    scalar_mul(&f[1], &f[2], &three);
    scalar_sub(&f[1], &zero, &f[1]);
    assert_ok(commitment_of(GROUP_E, f, 3, &c));
    polynomial_eval(f, 3, 3, &share);
    assert_true(scalar_eq(&share, &f[0]));
    assert_ok(share_check(GROUP_E, &c, 3, &share));
}

static void combining_refuses_what_does_not_belong_together(void **state)
{
    struct rng rng = rng_numbered(&seeded, 4);
    struct scalar f[THRESHOLD_MAX];
    struct commitment c[3], out;
    const uint32_t ids[] = {1, 2, 3};
    for (size_t i = 0; i < 3; i++)
        polynomial_of(rng, GROUP_R, 2, f, &c[i]);
    assert_err(dkg_combine(GROUP_R, c, 0, &out), E_VALUE);
    assert_err(dkg_combine(GROUP_R, c, THRESHOLD_MAX + 1, &out), E_VALUE);
    assert_ok(dkg_combine(GROUP_R, c, 3, &out));
    assert_err(reshare_combine(GROUP_R, ids, c, 3, &out.c[0], &out), E_VALUE);
    polynomial_of(rng, GROUP_R, 3, f, &c[2]);
    assert_err(dkg_combine(GROUP_R, c, 3, &out), E_VALUE);
    /* A coefficient that cancels out would leave the identity. */
    struct scalar zero = {{0}}, minus;
    polynomial_of(rng, GROUP_R, 2, f, &c[0]);
    scalar_sub(&minus, &zero, &f[1]);
    f[1] = minus;
    assert_ok(commitment_of(GROUP_R, f, 2, &c[1]));
    assert_err(dkg_combine(GROUP_R, c, 2, &out), E_VALUE);
}

static enum err read_commitment(struct bytes in, enum group g, struct commitment *out)
{
    struct reader r = reader(in);
    commitment_read(&r, g, out);
    return reader_end(&r, E_MALFORMED);
}

static void commitments_are_read_strictly(void **state)
{
    struct rng rng = rng_numbered(&seeded, 5);
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        struct scalar f[THRESHOLD_MAX];
        struct commitment c, back;
        struct buf b = BUF_INIT(1024);
        struct writer w = writer(&b);
        polynomial_of(rng, g, 4, f, &c);
        commitment_write(&w, &c);
        assert_ok(writer_end(&w));
        for (size_t n = 0; n < b.n; n++)
            assert_err(read_commitment(bytes(b.p, n), g, &back), E_MALFORMED);
        assert_ok(read_commitment(buf_bytes(&b), g, &back));
        assert_true(commitment_eq(&c, &back));
        for (uint32_t m = 0; m < 4; m++) {
            struct point good = c.c[m], bad = point_identity(g);
            memcpy(b.p + 4 + 32 * m, bad.b, 32);
            assert_err(read_commitment(buf_bytes(&b), g, &back), E_MALFORMED);
            memset(b.p + 4 + 32 * m, 0xff, 32);
            assert_err(read_commitment(buf_bytes(&b), g, &back), E_MALFORMED);
            memcpy(b.p + 4 + 32 * m, good.b, 32);
        }
        b.p[3] = 0;
        assert_err(read_commitment(bytes(b.p, 4), g, &back), E_MALFORMED);
        b.p[3] = THRESHOLD_MAX + 1;
        assert_err(read_commitment(buf_bytes(&b), g, &back), E_MALFORMED);
        buf_free(&b);
    }
}

static void a_proof_of_knowledge_holds_for_its_terms_alone(void **state)
{
    struct rng rng = rng_numbered(&seeded, 6);
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        struct scalar s;
        struct point image, base, other;
        struct pok pok, bad;
        const struct pok_terms terms = {DOMAIN_POK_CONFIRM, (enum group)g, {{9}}, 4, NULL};
        struct pok_terms t = terms;
        scalar_random(rng, &s);
        assert_ok(point_base(g, &image, &s));
        scalar_random(rng, &s);
        assert_ok(point_base(g, &base, &s));
        assert_ok(point_base(g, &other, &s));
        assert_ok(pok_prove(rng, &terms, &s, &pok));
        assert_ok(pok_check(&terms, &other, &pok));
        assert_err(pok_check(&terms, &image, &pok), E_SIGNATURE);
        t.domain = DOMAIN_POK_DEALER;
        assert_err(pok_check(&t, &other, &pok), E_SIGNATURE);
        t = terms;
        t.context.b[31] ^= 1;
        assert_err(pok_check(&t, &other, &pok), E_SIGNATURE);
        t = terms;
        t.gid = 5;
        assert_err(pok_check(&t, &other, &pok), E_SIGNATURE);
        t = terms;
        t.base = &base;
        assert_err(pok_check(&t, &other, &pok), E_SIGNATURE);
        image = point_identity(g);
        assert_err(pok_check(&terms, &image, &pok), E_SIGNATURE);
        for (size_t i = 0; i < sizeof pok; i++) {
            bad = pok;
            ((uint8_t *)&bad)[i] ^= 0x10;
            assert_err(pok_check(&terms, &other, &bad), E_SIGNATURE);
        }
        memset(&bad, 0, sizeof bad);
        assert_err(pok_check(&terms, &other, &bad), E_SIGNATURE);
        struct scalar zero = {{0}};
        assert_err(pok_prove(rng, &terms, &zero, &bad), E_VALUE);
    }
}

static void stuck_fill(void *ctx, void *out, size_t n)
{
    memset(out, 0x42, n);
}

/* With a generator that repeats itself two proofs must not share a nonce. */
static void a_stuck_generator_does_not_give_the_scalar_away(void **state)
{
    struct rng stuck = {stuck_fill, NULL};
    struct scalar s, left, right, nonce[2];
    struct pok pok[2];
    scalar_from_u32(&s, 123456);
    for (uint32_t i = 0; i < 2; i++) {
        struct pok_terms t = {DOMAIN_POK_CONFIRM, GROUP_R, {{(uint8_t)i}}, 4, NULL};
        assert_ok(pok_prove(stuck, &t, &s, &pok[i]));
        scalar_mul(&left, &pok[i].c, &s);
        scalar_sub(&nonce[i], &pok[i].z, &left);
    }
    scalar_sub(&right, &nonce[0], &nonce[1]);
    assert_false(scalar_is_zero(&right));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_domain_has_its_own_tag),
        cmocka_unit_test(lagrange_refuses_zero_duplicates_and_sizes),
        cmocka_unit_test(interpolation_gives_the_value_at_zero),
        cmocka_unit_test(a_share_fits_its_id_and_commitment_alone),
        cmocka_unit_test(a_chosen_polynomial_does_not_disturb_evaluation),
        cmocka_unit_test(combining_refuses_what_does_not_belong_together),
        cmocka_unit_test(commitments_are_read_strictly),
        cmocka_unit_test(a_proof_of_knowledge_holds_for_its_terms_alone),
        cmocka_unit_test(a_stuck_generator_does_not_give_the_scalar_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
