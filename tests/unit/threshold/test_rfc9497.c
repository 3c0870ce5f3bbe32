#include "core/threshold/oprf.h"
#include "json.h"

#define VECTORS "threshold/rfc9497_ristretto255_sha512.json"

/* A generator that gives one scalar: what the vectors call r. */
static void fixed_fill(void *ctx, void *out, size_t n)
{
    memset(out, 0, n);
    memcpy(out, ctx, n < 32 ? n : 32);
}
static struct rng rng_fixed(struct scalar *r)
{
    return (struct rng){fixed_fill, r};
}

struct vector {
    enum rfc9497_mode mode;
    struct scalar key;
    struct point public;
    size_t batch;
    struct {
        uint8_t input[64];
        size_t input_n;
        struct scalar blind;
        struct point blinded, evaluated;
        uint8_t output[64];
    } one[RFC9497_BATCH_MAX];
    bool has_proof;
    struct scalar r;
    struct rfc9497_proof proof;
};

static void read_one(const json_t *suite, const json_t *t, struct vector *v)
{
    memset(v, 0, sizeof *v);
    v->mode = (enum rfc9497_mode)json_integer_value(json_object_get(suite, "mode"));
    json_hex(suite, "skSm", v->key.b, 32);
    assert_ok(point_base(GROUP_R, &v->public, &v->key));
    v->batch = (size_t)json_integer_value(json_object_get(t, "Batch"));
    for (size_t k = 0; k < v->batch; k++) {
        v->one[k].input_n = json_hex_of(t, "Input", k, v->one[k].input, 64);
        assert_int_equal(json_hex_of(t, "Blind", k, v->one[k].blind.b, 32), 32);
        assert_int_equal(json_hex_of(t, "BlindedElement", k, v->one[k].blinded.b, 32), 32);
        assert_int_equal(json_hex_of(t, "EvaluationElement", k, v->one[k].evaluated.b, 32), 32);
        assert_int_equal(json_hex_of(t, "Output", k, v->one[k].output, 64), 64);
    }
    const json_t *proof = json_object_get(t, "Proof");
    if (proof) {
        v->has_proof = true;
        json_hex(proof, "r", v->r.b, 32);
        json_hex(proof, "proof", &v->proof, sizeof v->proof);
    }
}

/* Calls f for every vector of modes OPRF and VOPRF (POPRF is not offered); the number of them. */
static size_t each_vector(void (*f)(const struct vector *v))
{
    json_t *root = json_vector(VECTORS), *suite, *t;
    size_t i, j, n = 0;
    json_array_foreach(root, i, suite)
    {
        if (json_integer_value(json_object_get(suite, "mode")) > RFC9497_VOPRF)
            continue;
        json_array_foreach(json_object_get(suite, "vectors"), j, t)
        {
            struct vector v;
            read_one(suite, t, &v);
            f(&v);
            n++;
        }
    }
    json_decref(root);
    return n;
}

static void check_whole(const struct vector *v)
{
    for (size_t k = 0; k < v->batch; k++) {
        struct bytes input = bytes(v->one[k].input, v->one[k].input_n);
        struct point blinded, evaluated;
        struct oprf_output out;
        assert_ok(rfc9497_blind(v->mode, input, &v->one[k].blind, &blinded));
        assert_memory_equal(&blinded, &v->one[k].blinded, sizeof blinded);
        assert_ok(point_mul(GROUP_R, &evaluated, &v->key, &blinded));
        assert_memory_equal(&evaluated, &v->one[k].evaluated, sizeof evaluated);
        assert_ok(rfc9497_finalize(input, &v->one[k].blind, &evaluated, &out));
        assert_memory_equal(out.b, v->one[k].output, sizeof out.b);
    }
}

static void blinding_evaluation_and_output_are_those_of_the_rfc(void **state)
{
    require_vectors();
    assert_int_equal(each_vector(check_whole), 5);
}

static void check_proof(const struct vector *v)
{
    if (!v->has_proof)
        return;
    struct point blinded[RFC9497_BATCH_MAX], evaluated[RFC9497_BATCH_MAX];
    struct rfc9497_proof proof;
    struct scalar r = v->r;
    for (size_t k = 0; k < v->batch; k++) {
        blinded[k] = v->one[k].blinded;
        evaluated[k] = v->one[k].evaluated;
    }
    assert_ok(
        rfc9497_prove(rng_fixed(&r), &v->key, &v->public, blinded, evaluated, v->batch, &proof));
    assert_memory_equal(&proof, &v->proof, sizeof proof);
    assert_ok(rfc9497_verify(&v->public, blinded, evaluated, v->batch, &proof));
    proof.c.b[0] ^= 1;
    assert_err(rfc9497_verify(&v->public, blinded, evaluated, v->batch, &proof), E_SIGNATURE);
    proof.c.b[0] ^= 1;
    proof.s.b[31] ^= 0x80;
    assert_err(rfc9497_verify(&v->public, blinded, evaluated, v->batch, &proof), E_SIGNATURE);
    proof.s.b[31] ^= 0x80;
    assert_err(rfc9497_verify(&v->public, evaluated, blinded, v->batch, &proof), E_SIGNATURE);
    assert_err(rfc9497_verify(&blinded[0], blinded, evaluated, v->batch, &proof), E_SIGNATURE);
    assert_err(rfc9497_verify(&v->public, blinded, evaluated, 0, &proof), E_VALUE);
}

static void proofs_are_those_of_the_rfc_byte_for_byte(void **state)
{
    require_vectors();
    each_vector(check_proof);
}

static void key_pairs_are_derived_as_in_the_rfc(void **state)
{
    require_vectors();
    json_t *root = json_vector(VECTORS), *suite;
    size_t i, checked = 0;
    json_array_foreach(root, i, suite)
    {
        enum rfc9497_mode mode =
            (enum rfc9497_mode)json_integer_value(json_object_get(suite, "mode"));
        uint8_t seed[32], info[64], expected[32];
        struct scalar secret;
        struct point public;
        if (mode > RFC9497_VOPRF)
            continue;
        json_hex(suite, "seed", seed, sizeof seed);
        size_t info_n = json_hex_of(suite, "keyInfo", 0, info, sizeof info);
        assert_ok(rfc9497_derive_key(mode, seed, bytes(info, info_n), &secret, &public));
        json_hex(suite, "skSm", expected, sizeof expected);
        assert_memory_equal(secret.b, expected, sizeof expected);
        if (json_object_get(suite, "pkSm")) {
            json_hex(suite, "pkSm", expected, sizeof expected);
            assert_memory_equal(public.b, expected, sizeof expected);
        }
        checked++;
    }
    assert_int_equal(checked, 2);
    json_decref(root);
}

/* n shares of the key under a random polynomial of degree t-1, at ids 1, 3, 5, ... */
static void split(struct rng rng, const struct scalar *key, uint32_t t, size_t n,
                  struct scalar shares[static THRESHOLD_MAX], struct commitment *c)
{
    struct scalar f[THRESHOLD_MAX];
    f[0] = *key;
    for (uint32_t m = 1; m < t; m++)
        scalar_random(rng, &f[m]);
    assert_ok(commitment_of(GROUP_R, f, t, c));
    for (uint32_t i = 0; i < n; i++)
        polynomial_eval(f, t, 2 * i + 1, &shares[i]);
}

/* Moves a random subset of size t to the front. */
static void choose(struct rng rng, struct oprf_partial *p, size_t n, size_t t)
{
    for (size_t i = 0; i < t; i++) {
        size_t k = i + rng_below(rng, n - i);
        struct oprf_partial swap = p[i];
        p[i] = p[k];
        p[k] = swap;
    }
}

static void check_split(const struct vector *v)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, v->one[0].blinded.b[0]);
    if (v->mode != RFC9497_VOPRF)
        return;
    for (uint32_t t = 1; t <= 8; t++) {
        size_t n = t + rng_below(rng, THRESHOLD_MAX - t);
        struct scalar shares[THRESHOLD_MAX];
        struct oprf_partial partials[THRESHOLD_MAX];
        struct commitment c;
        struct hash32 context = {{(uint8_t)t}};
        split(rng, &v->key, t, n, shares, &c);
        for (size_t k = 0; k < v->batch; k++) {
            struct oprf_output out;
            for (uint32_t i = 0; i < n; i++) {
                struct point member;
                assert_ok(oprf_evaluate(rng, &shares[i], 2 * i + 1, context, &v->one[k].blinded,
                                        &partials[i]));
                assert_ok(commitment_eval(GROUP_R, &c, 2 * i + 1, &member));
                assert_ok(oprf_partial_check(&member, context, &v->one[k].blinded, &partials[i]));
            }
            choose(rng, partials, n, t);
            assert_ok(oprf_combine(partials, t, t, bytes(v->one[k].input, v->one[k].input_n),
                                   &v->one[k].blind, &out));
            assert_memory_equal(out.b, v->one[k].output, sizeof out.b);
        }
    }
}

static void any_t_of_n_shares_of_the_key_give_the_output_of_the_rfc(void **state)
{
    require_vectors();
    each_vector(check_split);
}

static void inputs_that_are_too_long_are_refused(void **state)
{
    static uint8_t big[RFC9497_INPUT_MAX + 1];
    struct point p;
    struct scalar one;
    struct oprf_output out;
    scalar_from_u32(&one, 1);
    assert_err(rfc9497_hash_to_group(RFC9497_VOPRF, BYTES_OF(big), &p), E_VALUE);
    assert_ok(rfc9497_hash_to_group(RFC9497_VOPRF, bytes(big, sizeof big - 1), &p));
    assert_err(rfc9497_finalize(BYTES_OF(big), &one, &p, &out), E_VALUE);
    struct scalar zero = {{0}};
    assert_err(rfc9497_finalize(bytes_str("x"), &zero, &p, &out), E_VALUE);
    p = point_identity(GROUP_R);
    assert_err(rfc9497_finalize(bytes_str("x"), &one, &p, &out), E_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_that_are_too_long_are_refused),
        cmocka_unit_test(blinding_evaluation_and_output_are_those_of_the_rfc),
        cmocka_unit_test(proofs_are_those_of_the_rfc_byte_for_byte),
        cmocka_unit_test(key_pairs_are_derived_as_in_the_rfc),
        cmocka_unit_test(any_t_of_n_shares_of_the_key_give_the_output_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
