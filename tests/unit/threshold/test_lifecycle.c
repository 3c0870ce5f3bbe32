#include "ceremony.h"
#include "ideal_dealing.h"
#include "test.h"

/* One life of a root: a join at a time, a member replaced, a refresh, fewer members. */
static const struct epoch {
    size_t n;
    uint32_t t;
    uint32_t gids[6];
} life[] = {
    {1, 1, {1}},          {2, 2, {1, 2}},       {3, 2, {1, 2, 3}},  {5, 3, {1, 2, 3, 4, 9}},
    {4, 3, {1, 2, 4, 9}}, {4, 3, {1, 2, 4, 9}}, {3, 2, {2, 9, 40}}, {2, 2, {9, 40}},
};
#define EPOCHS (sizeof life / sizeof life[0])

static void assert_signs(struct cluster *k, const struct scalar *tweak,
                         const struct point *verify_under)
{
    struct signature signature;
    assert_ok(ceremony_sign(k, tweak, bytes_str("certificate"), &signature));
    assert_int_equal(crypto_sign_verify_detached(signature.b, (const uint8_t *)"certificate", 11,
                                                 verify_under->b),
                     0);
}

/* Same child key, same public keys, valid signatures under A and A' in every epoch. */
static void live(const struct dealing_scheme *scheme, uint64_t seed)
{
    struct rng_seeded seeded;
    struct cluster k = {.scheme = scheme, .rng = rng_numbered(&seeded, seed)};
    ceremony_dkg(&k, life[0].gids, life[0].n, life[0].t);
    struct point roots[] = {k.c[GROUP_R].c[0], k.c[GROUP_E].c[0]};
    struct oprf_output child = ceremony_child(&k, "label"), other = ceremony_child(&k, "other");
    assert_memory_not_equal(&child, &other, sizeof child);
    struct scalar tweak;
    struct frost_key derived;
    frost_tweak(&roots[GROUP_E], 1, "k8s-staging", "ca", &tweak);
    assert_ok(frost_key_init(&roots[GROUP_E], 1, &tweak, &derived));
    for (size_t e = 1; e < EPOCHS; e++) {
        ceremony_reshare(&k, life[e].gids, life[e].n, life[e].t);
        assert_memory_equal(&k.c[GROUP_R].c[0], &roots[GROUP_R], sizeof roots[0]);
        assert_memory_equal(&k.c[GROUP_E].c[0], &roots[GROUP_E], sizeof roots[0]);
        ceremony_shuffle(&k);
        struct oprf_output again = ceremony_child(&k, "label");
        assert_memory_equal(&child, &again, sizeof child);
        assert_signs(&k, NULL, &roots[GROUP_E]);
        assert_signs(&k, &tweak, &derived.public);
    }
}

static void a_root_outlives_its_members_with_ideal_dealings(void **state)
{
    for (uint64_t seed = 0; seed < 6; seed++)
        live(&dealing_ideal, seed);
}

static void a_root_outlives_its_members_with_encrypted_dealings(void **state)
{
    live(&dealing_ve, 1000);
}

static void a_dkg_of_several_gives_one_key(void **state)
{
    struct rng_seeded seeded;
    struct cluster k = {.scheme = &dealing_ve, .rng = rng_numbered(&seeded, 5)};
    const uint32_t gids[] = {1, 2, 3};
    ceremony_dkg(&k, gids, 3, 2);
    struct oprf_output one = ceremony_child(&k, "label");
    ceremony_shuffle(&k);
    struct oprf_output two = ceremony_child(&k, "label");
    assert_memory_equal(&one, &two, sizeof one);
    assert_signs(&k, NULL, &k.c[GROUP_E].c[0]);
    /* A second DKG of the same guardians is another root. */
    struct point first = k.c[GROUP_R].c[0];
    ceremony_dkg(&k, gids, 3, 2);
    assert_memory_not_equal(&first, &k.c[GROUP_R].c[0], sizeof first);
}

static void shares_of_two_epochs_do_not_combine(void **state)
{
    struct rng_seeded seeded;
    struct cluster old = {.scheme = &dealing_ideal, .rng = rng_numbered(&seeded, 6)};
    const uint32_t gids[] = {1, 2, 3};
    ceremony_dkg(&old, gids, 3, 2);
    struct cluster new = old;
    ceremony_reshare(&new, gids, 3, 2);
    struct oprf_partial partials[2];
    struct oprf_request request;
    struct oprf_output right = ceremony_child(&old, "label"), wrong;
    struct scalar blind;
    struct hash32 context = {{1}};
    struct point image;
    assert_ok(oprf_request_make(old.rng, bytes_str("label"), context, &blind, &request));
    assert_ok(oprf_evaluate(old.rng, &old.m[0].share[GROUP_R], old.m[0].gid, context,
                            &request.blinded, &partials[0]));
    size_t other = new.m[0].gid == old.m[0].gid ? 1 : 0;
    assert_ok(oprf_evaluate(old.rng, &new.m[other].share[GROUP_R], new.m[other].gid, context,
                            &request.blinded, &partials[1]));
    assert_ok(oprf_combine(partials, 2, 2, bytes_str("label"), &blind, &wrong));
    assert_memory_not_equal(&right, &wrong, sizeof right);
    struct hash32 kcv = oprf_kcv(&right), other_kcv = oprf_kcv(&wrong);
    assert_false(hash32_eq(kcv, other_kcv));
    assert_ok(commitment_eval(GROUP_R, &old.c[GROUP_R], new.m[other].gid, &image));
    assert_err(oprf_partial_check(&image, context, &request.blinded, &partials[1]), E_SIGNATURE);
    /* The same with signatures. */
    old.m[1] = new.m[other];
    old.n = 2;
    struct signature signature;
    assert_err(ceremony_sign(&old, NULL, bytes_str("x"), &signature), E_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_of_two_epochs_do_not_combine),
        cmocka_unit_test(a_root_outlives_its_members_with_ideal_dealings),
        cmocka_unit_test(a_root_outlives_its_members_with_encrypted_dealings),
        cmocka_unit_test(a_dkg_of_several_gives_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
