#include "base/crypto/p256.h"
#include "base/crypto/hash.h"
#include "test.h"

/* RFC 6979, A.2.5. */
static const char d_hex[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char point_hex[] = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                                "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char n_hex[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
static const char sample_sig[] =
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static struct p256_secret secret_of(const char *hex)
{
    struct p256_secret s;
    assert_ok(hex_decode(hex, s.b, sizeof s.b));
    return s;
}

static struct p256_public point_of(const char *hex)
{
    struct p256_public p;
    assert_ok(hex_decode(hex, p.b, sizeof p.b));
    return p;
}

static void a_number_outside_1_to_n_minus_1_is_no_secret(void **state)
{
    struct p256_public public;
    struct p256_secret zero = {{0}}, n = secret_of(n_hex), last = n;
    struct secret32 shared;
    struct buf out = BUF_INIT(100);
    struct rng_seeded seeded;
    last.b[31]--;
    struct p256_public peer = point_of(point_hex);
    assert_err(p256_public_of(&zero, &public), E_VALUE);
    assert_err(p256_public_of(&n, &public), E_VALUE);
    assert_err(p256_ecdh(&n, &peer, &shared), E_VALUE);
    assert_err(p256_sign(rng_numbered(&seeded, 1), &zero, bytes_str("x"), &out), E_VALUE);
    assert_int_equal(out.n, 0);
    assert_ok(p256_public_of(&last, &public));
}

static void a_point_off_the_curve_is_no_key(void **state)
{
    struct p256_secret d = secret_of(d_hex);
    struct secret32 shared;
    struct p256_public p = point_of(point_hex);
    assert_ok(p256_check(&p));
    for (size_t i = 0; i < 65; i += 8) {
        p.b[i] ^= 1;
        assert_err(p256_check(&p), E_VALUE);
        assert_err(p256_ecdh(&d, &p, &shared), E_VALUE);
        assert_err(p256_verify(&p, bytes_str("x"), BYTES_NONE), E_SIGNATURE);
        p.b[i] ^= 1;
    }
    memset(p.b, 0, sizeof p.b);
    assert_err(p256_check(&p), E_VALUE);
}

static void the_key_pair_is_that_of_rfc_6979(void **state)
{
    struct p256_secret d = secret_of(d_hex);
    struct p256_public expected = point_of(point_hex), p;
    assert_ok(p256_public_of(&d, &p));
    assert_memory_equal(p.b, expected.b, sizeof p.b);
}

static void wide_bytes_are_reduced_as_fips_186_5_says(void **state)
{
    struct p256_secret s, n = secret_of(n_hex);
    struct p256_public p;
    uint8_t wide[48] = {0};
    assert_ok(p256_from_wide(wide, &s, &p));
    assert_int_equal(s.b[31], 1); /* 0 mod (n-1) + 1 */
    n.b[31]--;
    memcpy(wide + 16, n.b, 32);
    assert_ok(p256_from_wide(wide, &s, &p));
    assert_int_equal(s.b[31], 1); /* n-1 is 0 again */
    wide[47]--;
    assert_ok(p256_from_wide(wide, &s, &p));
    assert_memory_equal(s.b, n.b, 32); /* the largest */
}

static void a_signature_holds_for_its_message_and_key_alone(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 2);
    struct p256_secret s;
    struct p256_public p, other = point_of(point_hex);
    struct buf sig = BUF_INIT(P256_SIG_MAX);
    assert_ok(p256_keygen(rng, &s, &p));
    assert_ok(p256_sign(rng, &s, bytes_str("message"), &sig));
    assert_err(p256_verify(&p, bytes_str("massage"), buf_bytes(&sig)), E_SIGNATURE);
    assert_err(p256_verify(&other, bytes_str("message"), buf_bytes(&sig)), E_SIGNATURE);
    for (size_t i = 0; i < sig.n * 8; i++) {
        sig.p[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_err(p256_verify(&p, bytes_str("message"), buf_bytes(&sig)), E_SIGNATURE);
        sig.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < sig.n; n++)
        assert_err(p256_verify(&p, bytes_str("message"), bytes(sig.p, n)), E_SIGNATURE);
    assert_ok(p256_verify(&p, bytes_str("message"), buf_bytes(&sig)));
    buf_free(&sig);
}

static void the_signature_of_rfc_6979_verifies_in_canonical_der_only(void **state)
{
    struct p256_public p = point_of(point_hex);
    uint8_t sig[72], longer[74];
    assert_ok(hex_decode(sample_sig, sig, sizeof sig));
    assert_ok(p256_verify(&p, bytes_str("sample"), BYTES_OF(sig)));
    memcpy(longer, sig, 72);
    longer[72] = longer[73] = 0;
    assert_err(p256_verify(&p, bytes_str("sample"), bytes(longer, 73)), E_SIGNATURE);
    memmove(longer + 2, sig + 1, 71); /* a length of two bytes where one is enough */
    longer[1] = 0x81;
    assert_err(p256_verify(&p, bytes_str("sample"), bytes(longer, 73)), E_SIGNATURE);
}

static void the_nonce_depends_on_message_key_and_randomness(void **state)
{
    struct p256_secret d = secret_of(d_hex);
    struct p256_public p = point_of(point_hex);
    struct buf sig[4];
    const char *message[4] = {"a", "a", "b", "a"};
    for (size_t i = 0; i < 4; i++) {
        struct rng_seeded seeded;
        sig[i] = BUF_INIT(P256_SIG_MAX);
        assert_ok(p256_sign(rng_numbered(&seeded, i == 3), &d, bytes_str(message[i]), &sig[i]));
        assert_ok(p256_verify(&p, bytes_str(message[i]), buf_bytes(&sig[i])));
    }
    assert_true(bytes_eq(buf_bytes(&sig[0]), buf_bytes(&sig[1])));
    /* r, which follows from the nonce alone, starts behind SEQUENCE and INTEGER headers. */
    assert_memory_not_equal(sig[0].p + 6, sig[2].p + 6, 24);
    assert_memory_not_equal(sig[0].p + 6, sig[3].p + 6, 24);
    for (size_t i = 0; i < 4; i++)
        buf_free(&sig[i]);
}

static void the_shared_secret_is_that_of_rfc_5903(void **state)
{
    struct p256_secret i =
        secret_of("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    struct p256_secret r =
        secret_of("c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53");
    struct p256_public pi, pr;
    struct secret32 a, b;
    char text[65];
    assert_ok(p256_public_of(&i, &pi));
    assert_ok(p256_public_of(&r, &pr));
    assert_ok(p256_ecdh(&i, &pr, &a));
    assert_ok(p256_ecdh(&r, &pi, &b));
    assert_memory_equal(a.b, b.b, 32);
    hex_encode(BYTES_OF(a.b), text);
    assert_string_equal(text, "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
}

static void only_one_form_of_a_public_key_is_read(void **state)
{
    struct p256_public p = point_of(point_hex), back;
    struct buf spki = BUF_INIT(200);
    assert_ok(p256_spki_write(&p, &spki));
    assert_int_equal(spki.n, P256_SPKI_LEN);
    assert_ok(p256_spki_read(buf_bytes(&spki), &back));
    assert_memory_equal(back.b, p.b, sizeof p.b);
    for (size_t i = 0; i < spki.n; i++) {
        spki.p[i] ^= 1;
        assert_false(p256_spki_is_valid(buf_bytes(&spki)));
        spki.p[i] ^= 1;
        assert_false(p256_spki_is_valid(bytes(spki.p, i)));
    }
    assert_ok(buf_add(&spki, "", 1));
    assert_err(p256_spki_read(buf_bytes(&spki), &back), E_VALUE);
    buf_free(&spki);
}

static void a_private_key_file_comes_back_and_a_damaged_one_does_not(void **state)
{
    struct p256_secret d = secret_of(d_hex), back;
    struct p256_public p;
    struct buf der = BUF_INIT(200);
    assert_ok(p256_private_write(&d, &der));
    assert_int_equal(der.n, 121);
    for (size_t i = 0; i < der.n; i++) {
        der.p[i] ^= 1;
        assert_err(p256_private_read(buf_bytes(&der), &back, &p), E_VALUE);
        assert_true(ct_is_zero(&back, sizeof back));
        der.p[i] ^= 1;
        assert_err(p256_private_read(bytes(der.p, i), &back, &p), E_VALUE);
    }
    assert_ok(p256_private_read(buf_bytes(&der), &back, &p));
    assert_memory_equal(back.b, d.b, 32);
    der.p[1] = 0x31; /* the public key is optional */
    assert_ok(p256_private_read(bytes(der.p, 2 + 0x31), &back, &p));
    assert_memory_equal(back.b, d.b, 32);
    buf_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_outside_1_to_n_minus_1_is_no_secret),
        cmocka_unit_test(a_point_off_the_curve_is_no_key),
        cmocka_unit_test(the_key_pair_is_that_of_rfc_6979),
        cmocka_unit_test(wide_bytes_are_reduced_as_fips_186_5_says),
        cmocka_unit_test(a_signature_holds_for_its_message_and_key_alone),
        cmocka_unit_test(the_signature_of_rfc_6979_verifies_in_canonical_der_only),
        cmocka_unit_test(the_nonce_depends_on_message_key_and_randomness),
        cmocka_unit_test(the_shared_secret_is_that_of_rfc_5903),
        cmocka_unit_test(only_one_form_of_a_public_key_is_read),
        cmocka_unit_test(a_private_key_file_comes_back_and_a_damaged_one_does_not),
    };
    return cmocka_run_group_tests_name("p256", tests, NULL, NULL);
}
