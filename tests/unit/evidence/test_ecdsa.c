#include "test.h"

#include "base/crypto/ecdsa.h"
#include "base/crypto/hash.h"

/* RFC 6979 appendix A.2.5 and A.2.6, message "sample". */
static const struct {
    const char *xy, *rs, *order;
    enum curve curve;
} known[] = {
    {"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
     "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
     "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
     "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", CURVE_P256},
    {"ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480b"
     "c13"
     "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264"
     "720",
     "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fab"
     "e46"
     "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628"
     "ac8",
     "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52"
     "973",
     CURVE_P384},
};

struct example {
    enum curve curve;
    size_t size; /* of a field element */
    uint8_t xy[96], rs[96], order[48], digest[48];
    struct ecdsa_key *key;
};

static struct example example(size_t i)
{
    struct example x = {.curve = known[i].curve, .size = curve_size(known[i].curve)};
    assert_ok(hex_decode(known[i].xy, x.xy, 2 * x.size));
    assert_ok(hex_decode(known[i].rs, x.rs, 2 * x.size));
    assert_ok(hex_decode(known[i].order, x.order, x.size));
    if (x.curve == CURVE_P256)
        memcpy(x.digest, sha256(bytes_str("sample")).b, 32);
    else
        sha384(bytes_str("sample"), x.digest);
    assert_ok(ecdsa_key_new(x.curve, x.xy, &x.key));
    return x;
}

static enum err verify(const struct example *x)
{
    return ecdsa_key_verify(x->key, bytes(x->digest, x->size), x->rs);
}

static void every_flipped_bit_of_a_signature_is_refused(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct example x = example(i);
        for (size_t bit = 0; bit < 2 * x.size * 8; bit++) {
            x.rs[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_err(verify(&x), E_SIGNATURE);
            x.rs[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        ecdsa_key_free(x.key);
    }
}

static void zero_and_the_order_are_no_signature_values(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct example x = example(i), bad = x;
        memset(bad.rs, 0, x.size);
        assert_err(verify(&bad), E_SIGNATURE);
        bad = x;
        memset(bad.rs + x.size, 0, x.size);
        assert_err(verify(&bad), E_SIGNATURE);
        bad = x;
        memcpy(bad.rs, x.order, x.size);
        assert_err(verify(&bad), E_SIGNATURE);
        bad = x;
        memcpy(bad.rs + x.size, x.order, x.size);
        assert_err(verify(&bad), E_SIGNATURE);
        ecdsa_key_free(x.key);
    }
}

static void points_off_the_curve_are_no_keys(void **state)
{
    struct ecdsa_key *key;
    for (size_t i = 0; i < 2; i++) {
        struct example x = example(i);
        x.xy[3] ^= 1;
        assert_err(ecdsa_key_new(x.curve, x.xy, &key), E_SIGNATURE);
        assert_null(key);
        memset(x.xy, 0, sizeof x.xy);
        assert_err(ecdsa_key_new(x.curve, x.xy, &key), E_SIGNATURE);
        memset(x.xy, 0xff, sizeof x.xy);
        assert_err(ecdsa_key_new(x.curve, x.xy, &key), E_SIGNATURE);
        ecdsa_key_free(x.key);
    }
}

static void published_signatures_verify_and_other_digests_do_not(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct example x = example(i);
        assert_ok(verify(&x));
        assert_ok(verify(&x)); /* a key can be used again */
        x.digest[0] ^= 0x80;
        assert_err(verify(&x), E_SIGNATURE);
        ecdsa_key_free(x.key);
    }
}

static void a_key_made_here_signs_what_it_verifies(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 5);
    for (enum curve c = CURVE_P256; c <= CURVE_P384; c++) {
        struct ecdsa_secret secret;
        struct ecdsa_point public;
        struct ecdsa_rs rs;
        struct ecdsa_key *key;
        uint8_t digest[48] = {1, 2, 3};
        ecdsa_secret_new(c, rng, &secret, &public);
        assert_ok(ecdsa_key_new(c, public.xy, &key));
        for (int i = 0; i < 20; i++) {
            digest[0]++;
            assert_ok(ecdsa_secret_sign(&secret, rng, bytes(digest, curve_size(c)), &rs));
            assert_ok(ecdsa_key_verify(key, bytes(digest, curve_size(c)), rs.rs));
        }
        assert_ok(ecdsa_secret_sign(&secret, rng, bytes(digest, 32), &rs));
        assert_ok(ecdsa_key_verify(key, bytes(digest, 32), rs.rs));
        ecdsa_key_free(key);
        memset(secret.d, 0, sizeof secret.d);
        assert_err(ecdsa_secret_sign(&secret, rng, bytes(digest, 32), &rs), E_VALUE);
        memset(secret.d, 0xff, sizeof secret.d);
        assert_err(ecdsa_secret_sign(&secret, rng, bytes(digest, 32), &rs), E_VALUE);
    }
}

static void the_same_seed_makes_the_same_key(void **state)
{
    struct rng_seeded a, b;
    struct ecdsa_secret s1, s2;
    struct ecdsa_point p1, p2;
    ecdsa_secret_new(CURVE_P384, rng_numbered(&a, 9), &s1, &p1);
    ecdsa_secret_new(CURVE_P384, rng_numbered(&b, 9), &s2, &p2);
    assert_memory_equal(&p1, &p2, sizeof p1);
    ecdsa_secret_new(CURVE_P384, rng_numbered(&b, 10), &s2, &p2);
    assert_memory_not_equal(&p1, &p2, sizeof p1);
}

static void der_signatures_have_minimal_integers(void **state)
{
    struct buf der = BUF_INIT(256);
    uint8_t rs[64] = {0};
    rs[31] = 0x7f;
    rs[62] = 0x80;
    assert_ok(ecdsa_rs_to_der(CURVE_P256, rs, &der));
    static const uint8_t expected[] = {0x30, 8, 2, 1, 0x7f, 2, 3, 0, 0x80, 0};
    assert_int_equal(der.n, sizeof expected);
    assert_memory_equal(der.p, expected, sizeof expected);
    buf_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_of_a_signature_is_refused),
        cmocka_unit_test(zero_and_the_order_are_no_signature_values),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
        cmocka_unit_test(published_signatures_verify_and_other_digests_do_not),
        cmocka_unit_test(a_key_made_here_signs_what_it_verifies),
        cmocka_unit_test(the_same_seed_makes_the_same_key),
        cmocka_unit_test(der_signatures_have_minimal_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
