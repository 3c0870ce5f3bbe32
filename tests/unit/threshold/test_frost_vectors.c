#include "core/threshold/frost.h"
#include "json.h"

/* A generator that plays back the randomness of the vectors. */
static void tape_fill(void *ctx, void *out, size_t n)
{
    const uint8_t **next = ctx;
    memcpy(out, *next, n);
    *next += n;
}

struct signer {
    uint32_t gid;
    struct scalar share;
    uint8_t randomness[64];
    struct frost_nonce nonce;
    struct frost_commitment commitment;
    struct frost_share signature_share;
};

static uint32_t identifier(const json_t *object)
{
    return (uint32_t)json_integer_value(json_object_get(object, "identifier"));
}

static const json_t *by_identifier(const json_t *list, uint32_t gid)
{
    const json_t *entry;
    size_t i;
    json_array_foreach((json_t *)list, i, entry)
    {
        if (identifier(entry) == gid)
            return entry;
    }
    fail_msg("no identifier %u", gid);
    return NULL;
}

static void assert_scalar(const json_t *object, const char *name, const uint8_t *actual)
{
    uint8_t expected[32];
    json_hex(object, name, expected, sizeof expected);
    assert_memory_equal(actual, expected, sizeof expected);
}

/* Round one of one signer of the vectors. */
static void commit(const json_t *root, const json_t *one, struct signer *s)
{
    const json_t *inputs = json_object_get(root, "inputs");
    s->gid = identifier(one);
    json_hex(by_identifier(json_object_get(inputs, "participant_shares"), s->gid),
             "participant_share", s->share.b, 32);
    json_hex(one, "hiding_nonce_randomness", s->randomness, 32);
    json_hex(one, "binding_nonce_randomness", s->randomness + 32, 32);
    const uint8_t *tape = s->randomness;
    struct rng rng = {tape_fill, &tape};
    assert_ok(frost_commit(rng, s->gid, &s->share, &s->nonce, &s->commitment));
    assert_scalar(one, "hiding_nonce", s->nonce.hiding.b);
    assert_scalar(one, "binding_nonce", s->nonce.binding.b);
    assert_scalar(one, "hiding_nonce_commitment", s->commitment.hiding.b);
    assert_scalar(one, "binding_nonce_commitment", s->commitment.binding.b);
}

static void rfc_9591_vectors_hold_byte_for_byte(void **state)
{
    require_vectors();
    json_t *root = json_vector("threshold/frost-ed25519_vectors.json"), *one;
    const json_t *inputs = json_object_get(root, "inputs");
    const json_t *first = json_object_get(json_object_get(root, "round_one_outputs"), "outputs");
    const json_t *second = json_object_get(json_object_get(root, "round_two_outputs"), "outputs");
    struct signer signers[THRESHOLD_MAX];
    struct frost_list list = {0};
    struct frost_share shares[THRESHOLD_MAX];
    struct point a;
    struct frost_key key;
    struct signature signature;
    uint8_t message[64], expected[64];
    size_t i;
    json_hex(inputs, "verifying_key_key", a.b, 32);
    size_t n = json_hex_of(inputs, "message", 0, message, sizeof message);
    json_array_foreach((json_t *)first, i, one)
    {
        commit(root, one, &signers[i]);
        list.c[list.n++] = signers[i].commitment;
    }
    assert_int_equal(list.n, 2);
    assert_ok(frost_key_init(&a, 2, NULL, &key));
    for (i = 0; i < list.n; i++) {
        struct point member;
        assert_ok(point_base(GROUP_E, &member, &signers[i].share));
        assert_ok(frost_sign(&signers[i].nonce, &key, &signers[i].share, &list, bytes(message, n),
                             &shares[i]));
        assert_scalar(by_identifier(second, signers[i].gid), "sig_share", shares[i].z.b);
        assert_ok(frost_share_check(&key, &member, &list, bytes(message, n), &shares[i]));
    }
    assert_ok(frost_aggregate(&key, &list, bytes(message, n), shares, 2, &signature));
    json_hex(json_object_get(root, "final_output"), "sig", expected, sizeof expected);
    assert_memory_equal(signature.b, expected, sizeof expected);
    assert_int_equal(crypto_sign_verify_detached(signature.b, message, n, a.b), 0);
    json_decref(root);
}

/* The DKG vectors of the same suite: Feldman commitments and sums of shares. */
static void dkg_vectors_hold(void **state)
{
    require_vectors();
    json_t *root = json_vector("threshold/frost-ed25519_vectors_dkg.json");
    const json_t *inputs = json_object_get(root, "inputs");
    struct scalar f[3][2], shares[3];
    struct commitment dealt[3], sum;
    uint8_t expected[32];
    const char *const names[] = {"1", "2", "3"};
    for (size_t d = 0; d < 3; d++) {
        const json_t *dealer = json_object_get(inputs, names[d]);
        const json_t *published = json_object_get(dealer, "vss_commitments");
        json_hex(dealer, "signing_key", f[d][0].b, 32);
        json_hex(dealer, "coefficient", f[d][1].b, 32);
        assert_ok(commitment_of(GROUP_E, f[d], 2, &dealt[d]));
        for (size_t m = 0; m < 2; m++) {
            assert_ok(hex_decode(json_string_value(json_array_get(published, m)), expected, 32));
            assert_memory_equal(dealt[d].c[m].b, expected, 32);
        }
    }
    assert_ok(dkg_combine(GROUP_E, dealt, 3, &sum));
    assert_scalar(inputs, "verifying_key", sum.c[0].b);
    for (uint32_t j = 1; j <= 3; j++) {
        const json_t *member = json_object_get(inputs, names[j - 1]);
        struct point image;
        for (size_t d = 0; d < 3; d++)
            polynomial_eval(f[d], 2, j, &shares[d]);
        struct scalar share;
        dkg_combine_shares(shares, 3, &share);
        assert_scalar(member, "signing_share", share.b);
        assert_ok(share_check(GROUP_E, &sum, j, &share));
        assert_ok(commitment_eval(GROUP_E, &sum, j, &image));
        assert_scalar(member, "verifying_share", image.b);
    }
    json_decref(root);
}

static void samples_of_bad_elements_are_refused(void **state)
{
    require_vectors();
    static const char *const files[] = {"threshold/frost-ristretto255_elements.json",
                                        "threshold/frost-ed25519_elements.json"};
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        json_t *root = json_vector(files[g]);
        struct point p;
        json_hex(json_object_get(root, "elements"), "invalid_element", p.b, 32);
        assert_false(point_is_valid(g, &p));
        json_decref(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_bad_elements_are_refused),
        cmocka_unit_test(rfc_9591_vectors_hold_byte_for_byte),
        cmocka_unit_test(dkg_vectors_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
