#include "ceremony.h"
#include "ideal_dealing.h"
#include "test.h"

static struct rng_seeded seeded;
#define MESSAGE bytes_str("certificate")

/* A root of 3 with 2 shares; guardians 2 and 11 have committed. */
struct scene {
    struct cluster k;
    struct point a;
    struct frost_key key;
    struct frost_nonce nonce[2];
    struct frost_list list;
    struct scalar share[2];
    struct point image[2];
};

static void make_scene(struct scene *s, uint64_t seed)
{
    const uint32_t gids[] = {2, 3, 11}, signers[] = {2, 11};
    memset(s, 0, sizeof *s);
    s->k.scheme = &dealing_ideal;
    s->k.rng = rng_numbered(&seeded, seed);
    ceremony_dkg(&s->k, gids, 3, 2);
    s->a = s->k.c[GROUP_E].c[0];
    assert_ok(frost_key_init(&s->a, 2, NULL, &s->key));
    s->list.n = 2;
    for (size_t i = 0; i < 2; i++) {
        s->share[i] = s->k.m[2 * i].share[GROUP_E];
        assert_ok(commitment_eval(GROUP_E, &s->k.c[GROUP_E], signers[i], &s->image[i]));
        assert_ok(frost_commit(s->k.rng, signers[i], &s->share[i], &s->nonce[i], &s->list.c[i]));
    }
}

static enum err sign(struct scene *s, size_t i, struct frost_share *out)
{
    return frost_sign(&s->nonce[i], &s->key, &s->share[i], &s->list, MESSAGE, out);
}

static void a_nonce_signs_once(void **state)
{
    struct scene s;
    struct frost_share share;
    make_scene(&s, 1);
    assert_ok(sign(&s, 0, &share));
    assert_true(ct_is_zero(&s.nonce[0], sizeof s.nonce[0]));
    assert_err(sign(&s, 0, &share), E_NOT_ALLOWED);
}

/* A signer that refuses must not be asked again with the same nonce. */
static void a_nonce_is_gone_even_when_signing_fails(void **state)
{
    struct scene s;
    struct frost_share share;
    make_scene(&s, 2);
    struct frost_list good = s.list;
    s.list.n = 1;
    assert_err(sign(&s, 0, &share), E_VALUE);
    assert_true(ct_is_zero(&s.nonce[0], sizeof s.nonce[0]));
    s.list = good;
    assert_err(sign(&s, 0, &share), E_NOT_ALLOWED);
}

static void a_list_that_changes_my_commitment_is_refused(void **state)
{
    struct scene s;
    struct frost_share share;
    make_scene(&s, 3);
    s.list.c[0].binding = s.list.c[0].hiding;
    assert_err(sign(&s, 0, &share), E_NOT_ALLOWED);
    make_scene(&s, 3);
    s.list.c[0].hiding = s.list.c[1].hiding;
    assert_err(sign(&s, 0, &share), E_NOT_ALLOWED);
    make_scene(&s, 3);
    s.list.c[0].gid = 1;
    assert_err(sign(&s, 0, &share), E_NOT_ALLOWED);
}

static void bad_lists_are_refused_everywhere(void **state)
{
    struct scene s;
    make_scene(&s, 4);
    const struct frost_list good = s.list;
    const struct point small = {{0}}, identity = point_identity(GROUP_E);
    struct frost_list bad[] = {good, good, good, good, good, good, good, good, good};
    struct frost_share shares[2] = {{2, {{1}}}, {11, {{1}}}};
    struct signature signature;
    bad[0].n = 0;
    bad[1].n = 1;
    bad[2].c[0] = good.c[1], bad[2].c[1] = good.c[0];
    bad[3].c[1].gid = 2;
    bad[4].c[0].gid = 0;
    bad[5].c[0].hiding = identity;
    bad[6].c[1].binding = small;
    memset(&bad[7].c[1].hiding, 0xff, sizeof small);
    bad[8].n = THRESHOLD_MAX + 1;
    assert_ok(frost_list_check(&good, 2));
    assert_err(frost_list_check(&good, 3), E_VALUE);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        make_scene(&s, 4);
        s.list = bad[i];
        assert_err(frost_list_check(&bad[i], 2), E_VALUE);
        assert_err(sign(&s, 0, &shares[0]), E_VALUE);
        assert_err(frost_share_check(&s.key, &s.image[0], &bad[i], MESSAGE, &shares[0]), E_VALUE);
        assert_err(frost_aggregate(&s.key, &bad[i], MESSAGE, shares, 2, &signature), E_VALUE);
    }
}

static void a_bad_share_spoils_the_signature_and_is_found(void **state)
{
    struct scene s;
    struct frost_share shares[2], bad[2];
    struct signature signature;
    make_scene(&s, 5);
    for (size_t i = 0; i < 2; i++)
        assert_ok(sign(&s, i, &shares[i]));
    memcpy(bad, shares, sizeof bad);
    bad[1].z.b[0] ^= 1;
    assert_err(frost_aggregate(&s.key, &s.list, MESSAGE, bad, 2, &signature), E_SIGNATURE);
    assert_ok(frost_share_check(&s.key, &s.image[0], &s.list, MESSAGE, &bad[0]));
    assert_err(frost_share_check(&s.key, &s.image[1], &s.list, MESSAGE, &bad[1]), E_SIGNATURE);
    memset(&bad[1].z, 0xff, sizeof bad[1].z);
    assert_err(frost_share_check(&s.key, &s.image[1], &s.list, MESSAGE, &bad[1]), E_SIGNATURE);
    assert_err(frost_aggregate(&s.key, &s.list, MESSAGE, bad, 2, &signature), E_SIGNATURE);
    memset(&bad[1].z, 0, sizeof bad[1].z);
    assert_err(frost_share_check(&s.key, &s.image[1], &s.list, MESSAGE, &bad[1]), E_SIGNATURE);
    assert_ok(frost_aggregate(&s.key, &s.list, MESSAGE, shares, 2, &signature));
    /* Of another guardian, for another message, against another list. */
    assert_err(frost_share_check(&s.key, &s.image[1], &s.list, MESSAGE, &shares[0]), E_SIGNATURE);
    assert_err(frost_share_check(&s.key, &s.image[0], &s.list, bytes_str("other"), &shares[0]),
               E_SIGNATURE);
    bad[0].gid = 3;
    assert_err(frost_share_check(&s.key, &s.image[0], &s.list, MESSAGE, &bad[0]), E_NOT_ALLOWED);
    s.list.c[1].hiding = s.list.c[1].binding;
    assert_err(frost_share_check(&s.key, &s.image[0], &s.list, MESSAGE, &shares[0]), E_SIGNATURE);
}

static void shares_must_be_those_of_the_list_in_its_order(void **state)
{
    struct scene s;
    struct frost_share shares[2], swapped[2];
    struct signature signature;
    make_scene(&s, 6);
    for (size_t i = 0; i < 2; i++)
        assert_ok(sign(&s, i, &shares[i]));
    swapped[0] = shares[1];
    swapped[1] = shares[0];
    assert_err(frost_aggregate(&s.key, &s.list, MESSAGE, swapped, 2, &signature), E_VALUE);
    assert_err(frost_aggregate(&s.key, &s.list, MESSAGE, shares, 1, &signature), E_VALUE);
}

static void a_derived_key_signs_under_itself_alone(void **state)
{
    struct scene s;
    struct scalar tweak;
    struct frost_share shares[2];
    struct signature signature;
    make_scene(&s, 7);
    frost_tweak(&s.a, 1, "k8s-staging", "ca", &tweak);
    assert_ok(frost_key_init(&s.a, 2, &tweak, &s.key));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(sign(&s, i, &shares[i]));
        assert_ok(frost_share_check(&s.key, &s.image[i], &s.list, MESSAGE, &shares[i]));
    }
    assert_ok(frost_aggregate(&s.key, &s.list, MESSAGE, shares, 2, &signature));
    struct sig_public derived = frost_key_public(&s.key), root;
    memcpy(root.b, s.a.b, sizeof root.b);
    assert_ok(sig_verify(&derived, MESSAGE, &signature));
    assert_err(sig_verify(&root, MESSAGE, &signature), E_SIGNATURE);
    /* Shares made for the derived key do not pass for the root key. */
    struct frost_key plain;
    assert_ok(frost_key_init(&s.a, 2, NULL, &plain));
    assert_err(frost_share_check(&plain, &s.image[0], &s.list, MESSAGE, &shares[0]), E_SIGNATURE);
    shares[0].z.b[0] ^= 1;
    assert_err(frost_share_check(&s.key, &s.image[0], &s.list, MESSAGE, &shares[0]), E_SIGNATURE);
}

static void tweaks_differ_by_every_part(void **state)
{
    struct scene s;
    make_scene(&s, 8);
    struct scalar t[6];
    frost_tweak(&s.a, 1, "ns", "ca", &t[0]);
    frost_tweak(&s.image[0], 1, "ns", "ca", &t[1]);
    frost_tweak(&s.a, 2, "ns", "ca", &t[2]);
    frost_tweak(&s.a, 1, "nsc", "a", &t[3]);
    frost_tweak(&s.a, 1, "ns", "ssh", &t[4]);
    frost_tweak(&s.a, 1, "", "ca", &t[5]);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(scalar_eq(&t[i], &t[j]));
}

static void bad_keys_are_refused(void **state)
{
    struct scene s;
    struct frost_key key;
    struct scalar big, minus;
    const struct point small = {{0}}, identity = point_identity(GROUP_E);
    make_scene(&s, 9);
    memset(&big, 0xff, sizeof big);
    assert_err(frost_key_init(&identity, 2, NULL, &key), E_VALUE);
    assert_err(frost_key_init(&small, 2, NULL, &key), E_VALUE);
    assert_err(frost_key_init(&s.a, 0, NULL, &key), E_VALUE);
    assert_err(frost_key_init(&s.a, THRESHOLD_MAX + 1, NULL, &key), E_VALUE);
    assert_err(frost_key_init(&s.a, 2, &big, &key), E_VALUE);
    /* The tweak that would make A' the identity. */
    const uint32_t gids[] = {2, 11};
    struct scalar a, zero = {{0}};
    assert_ok(reshare_combine_shares(gids, s.share, 2, &a));
    scalar_sub(&minus, &zero, &a);
    assert_err(frost_key_init(&s.a, 2, &minus, &key), E_VALUE);
    struct frost_nonce nonce;
    struct frost_commitment commitment;
    assert_err(frost_commit(s.k.rng, 0, &a, &nonce, &commitment), E_VALUE);
    assert_false(nonce.live);
}

static void what_travels_is_read_strictly(void **state)
{
    struct scene s;
    struct frost_list list;
    struct frost_share share, back;
    struct buf b = BUF_INIT(4096);
    struct writer w = writer(&b);
    struct reader r;
    make_scene(&s, 10);
    frost_list_write(&w, &s.list);
    for (size_t n = 0; n < b.n; n++) {
        r = reader(bytes(b.p, n));
        frost_list_read(&r, &list);
        assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    }
    r = reader(buf_bytes(&b));
    frost_list_read(&r, &list);
    assert_ok(reader_end(&r, E_MALFORMED));
    assert_memory_equal(&list, &s.list, sizeof list);
    b.p[7] = 11; /* the first gid, now a duplicate of the second */
    r = reader(buf_bytes(&b));
    frost_list_read(&r, &list);
    assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    b.p[7] = 2;
    b.p[3] = THRESHOLD_MAX + 1;
    r = reader(buf_bytes(&b));
    frost_list_read(&r, &list);
    assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    buf_clear(&b);
    assert_ok(sign(&s, 0, &share));
    frost_share_write(&w, &share);
    assert_ok(writer_end(&w));
    for (size_t n = 0; n < b.n; n++) {
        r = reader(bytes(b.p, n));
        frost_share_read(&r, &back);
        assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    }
    r = reader(buf_bytes(&b));
    frost_share_read(&r, &back);
    assert_ok(reader_end(&r, E_MALFORMED));
    assert_memory_equal(&share, &back, sizeof back);
    memset(b.p + 4, 0xff, 32);
    r = reader(buf_bytes(&b));
    frost_share_read(&r, &back);
    assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nonce_signs_once),
        cmocka_unit_test(a_nonce_is_gone_even_when_signing_fails),
        cmocka_unit_test(a_list_that_changes_my_commitment_is_refused),
        cmocka_unit_test(bad_lists_are_refused_everywhere),
        cmocka_unit_test(a_bad_share_spoils_the_signature_and_is_found),
        cmocka_unit_test(shares_must_be_those_of_the_list_in_its_order),
        cmocka_unit_test(a_derived_key_signs_under_itself_alone),
        cmocka_unit_test(tweaks_differ_by_every_part),
        cmocka_unit_test(bad_keys_are_refused),
        cmocka_unit_test(what_travels_is_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
