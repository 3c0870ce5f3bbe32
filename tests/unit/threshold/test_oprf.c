#include "ceremony.h"
#include "ideal_dealing.h"
#include "test.h"

static struct rng_seeded seeded;
static const struct hash32 requester = {{5}}, context = {{6}};

/* A root of 3 with 2 shares, and one request to it. */
struct scene {
    struct cluster k;
    struct scalar blind;
    struct oprf_request request;
    struct point image[3];
    struct oprf_partial partial[3];
};

static void make_scene(struct scene *s, uint64_t seed)
{
    const uint32_t gids[] = {2, 3, 11};
    memset(s, 0, sizeof *s);
    s->k.scheme = &dealing_ideal;
    s->k.rng = rng_numbered(&seeded, seed);
    ceremony_dkg(&s->k, gids, 3, 2);
    assert_ok(oprf_request_make(s->k.rng, bytes_str("label"), requester, &s->blind, &s->request));
    for (size_t i = 0; i < 3; i++) {
        assert_ok(commitment_eval(GROUP_R, &s->k.c[GROUP_R], gids[i], &s->image[i]));
        assert_ok(oprf_evaluate(s->k.rng, &s->k.m[i].share[GROUP_R], gids[i], context,
                                &s->request.blinded, &s->partial[i]));
    }
}

static void a_request_is_bound_to_label_requester_and_nonce(void **state)
{
    struct scene s;
    make_scene(&s, 1);
    struct oprf_request bad;
    assert_ok(oprf_request_check(&s.request));
    bad = s.request;
    bad.label = bytes_str("label2");
    assert_err(oprf_request_check(&bad), E_SIGNATURE);
    bad = s.request;
    bad.requester.b[0] ^= 1;
    assert_err(oprf_request_check(&bad), E_SIGNATURE);
    bad = s.request;
    bad.nonce.b[0] ^= 1;
    assert_err(oprf_request_check(&bad), E_SIGNATURE);
    bad = s.request;
    bad.blinded = s.image[0];
    assert_err(oprf_request_check(&bad), E_SIGNATURE);
    bad.blinded = point_identity(GROUP_R);
    assert_err(oprf_request_check(&bad), E_SIGNATURE);
    static const uint8_t long_label[OPRF_LABEL_MAX + 1] = {1};
    bad = s.request;
    bad.label = BYTES_NONE;
    assert_err(oprf_request_check(&bad), E_VALUE);
    bad.label = BYTES_OF(long_label);
    assert_err(oprf_request_check(&bad), E_VALUE);
}

/* The attack the proof is for: one's own blind over the element of a forbidden label. */
static void a_blinded_element_of_another_label_is_refused(void **state)
{
    struct scene s;
    make_scene(&s, 2);
    struct scalar blind;
    struct oprf_request other, forged = s.request;
    assert_ok(oprf_request_make(s.k.rng, bytes_str("secret"), requester, &blind, &other));
    forged.blinded = other.blinded;
    assert_err(oprf_request_check(&forged), E_SIGNATURE);
    forged = other;
    forged.label = bytes_str("label");
    assert_err(oprf_request_check(&forged), E_SIGNATURE);
}

static void a_partial_holds_for_its_guardian_context_and_request_alone(void **state)
{
    struct scene s;
    make_scene(&s, 3);
    const struct point *b = &s.request.blinded;
    struct hash32 elsewhere = {{7}};
    struct oprf_partial bad;
    for (size_t i = 0; i < 3; i++)
        assert_ok(oprf_partial_check(&s.image[i], context, b, &s.partial[i]));
    assert_err(oprf_partial_check(&s.image[1], context, b, &s.partial[0]), E_SIGNATURE);
    assert_err(oprf_partial_check(&s.image[0], elsewhere, b, &s.partial[0]), E_SIGNATURE);
    assert_err(oprf_partial_check(&s.image[0], context, &s.image[1], &s.partial[0]), E_SIGNATURE);
    bad = s.partial[0];
    bad.gid = 3;
    assert_err(oprf_partial_check(&s.image[0], context, b, &bad), E_SIGNATURE);
    bad = s.partial[0];
    bad.gid = 0;
    assert_err(oprf_partial_check(&s.image[0], context, b, &bad), E_SIGNATURE);
    bad = s.partial[0];
    bad.e = s.partial[1].e;
    assert_err(oprf_partial_check(&s.image[0], context, b, &bad), E_SIGNATURE);
    bad.e = point_identity(GROUP_R);
    assert_err(oprf_partial_check(&s.image[0], context, b, &bad), E_SIGNATURE);
    bad = s.partial[0];
    memset(&bad.z, 0xff, sizeof bad.z);
    assert_err(oprf_partial_check(&s.image[0], context, b, &bad), E_SIGNATURE);
}

static void a_bad_share_is_found_and_the_others_suffice(void **state)
{
    struct scene s;
    make_scene(&s, 4);
    struct oprf_output right, wrong;
    struct scalar lie;
    struct bytes label = bytes_str("label");
    assert_ok(oprf_combine(&s.partial[1], 2, 2, label, &s.blind, &right));
    scalar_random(s.k.rng, &lie);
    assert_ok(oprf_evaluate(s.k.rng, &lie, 2, context, &s.request.blinded, &s.partial[0]));
    assert_err(oprf_partial_check(&s.image[0], context, &s.request.blinded, &s.partial[0]),
               E_SIGNATURE);
    assert_ok(oprf_combine(s.partial, 2, 2, label, &s.blind, &wrong));
    assert_memory_not_equal(&right, &wrong, sizeof right);
    struct hash32 a = oprf_kcv(&right), b = oprf_kcv(&wrong);
    assert_false(hash32_eq(a, b));
}

static void combining_takes_t_partials_of_different_guardians(void **state)
{
    struct scene s;
    make_scene(&s, 5);
    struct oprf_output out;
    struct bytes label = bytes_str("label");
    struct oprf_partial twice[] = {s.partial[0], s.partial[0]},
                        zero[] = {s.partial[0], s.partial[1]};
    zero[1].gid = 0;
    assert_err(oprf_combine(s.partial, 1, 2, label, &s.blind, &out), E_VALUE);
    assert_err(oprf_combine(s.partial, 3, 2, label, &s.blind, &out), E_VALUE);
    assert_err(oprf_combine(s.partial, 0, 0, label, &s.blind, &out), E_VALUE);
    assert_err(oprf_combine(twice, 2, 2, label, &s.blind, &out), E_VALUE);
    assert_err(oprf_combine(zero, 2, 2, label, &s.blind, &out), E_VALUE);
    assert_err(oprf_combine(s.partial, 2, 2, BYTES_NONE, &s.blind, &out), E_VALUE);
    assert_err(oprf_evaluate(s.k.rng, &s.blind, 0, context, &s.request.blinded, twice), E_VALUE);
    struct point identity = point_identity(GROUP_R);
    assert_err(oprf_evaluate(s.k.rng, &s.blind, 1, context, &identity, twice), E_VALUE);
}

static void the_output_is_that_of_the_undivided_key(void **state)
{
    struct scene s;
    make_scene(&s, 6);
    const uint32_t gids[] = {2, 3};
    const struct scalar shares[] = {s.k.m[0].share[GROUP_R], s.k.m[1].share[GROUP_R]};
    struct scalar key, one;
    struct point element, evaluated;
    struct oprf_output whole, combined;
    assert_ok(reshare_combine_shares(gids, shares, 2, &key));
    assert_ok(rfc9497_hash_to_group(RFC9497_VOPRF, bytes_str("label"), &element));
    assert_ok(point_mul(GROUP_R, &evaluated, &key, &element));
    scalar_from_u32(&one, 1);
    assert_ok(rfc9497_finalize(bytes_str("label"), &one, &evaluated, &whole));
    assert_ok(oprf_combine(s.partial, 2, 2, bytes_str("label"), &s.blind, &combined));
    assert_memory_equal(&whole, &combined, sizeof whole);
}

static void requests_and_partials_are_read_strictly(void **state)
{
    struct scene s;
    make_scene(&s, 7);
    struct buf b = BUF_INIT(1024);
    struct writer w = writer(&b);
    struct oprf_request request;
    struct oprf_partial partial;
    struct reader r;
    oprf_request_write(&w, &s.request);
    assert_ok(writer_end(&w));
    for (size_t n = 0; n < b.n; n++) {
        r = reader(bytes(b.p, n));
        oprf_request_read(&r, &request);
        assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    }
    r = reader(buf_bytes(&b));
    oprf_request_read(&r, &request);
    assert_ok(reader_end(&r, E_MALFORMED));
    assert_ok(oprf_request_check(&request));
    memset(b.p + 32 + 32 + 4 + 5, 0, 32);
    r = reader(buf_bytes(&b));
    oprf_request_read(&r, &request);
    assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    buf_clear(&b);
    oprf_partial_write(&w, &s.partial[0]);
    assert_ok(writer_end(&w));
    for (size_t n = 0; n < b.n; n++) {
        r = reader(bytes(b.p, n));
        oprf_partial_read(&r, &partial);
        assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    }
    r = reader(buf_bytes(&b));
    oprf_partial_read(&r, &partial);
    assert_ok(reader_end(&r, E_MALFORMED));
    assert_ok(oprf_partial_check(&s.image[0], context, &s.request.blinded, &partial));
    memset(b.p, 0, 4);
    r = reader(buf_bytes(&b));
    oprf_partial_read(&r, &partial);
    assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_bound_to_label_requester_and_nonce),
        cmocka_unit_test(a_blinded_element_of_another_label_is_refused),
        cmocka_unit_test(a_partial_holds_for_its_guardian_context_and_request_alone),
        cmocka_unit_test(a_bad_share_is_found_and_the_others_suffice),
        cmocka_unit_test(combining_takes_t_partials_of_different_guardians),
        cmocka_unit_test(the_output_is_that_of_the_undivided_key),
        cmocka_unit_test(requests_and_partials_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
