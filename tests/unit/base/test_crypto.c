#include "base/crypto/aead.h"
#include "base/crypto/hash.h"
#include "base/crypto/sig.h"
#include "test.h"

static void a_changed_box_does_not_open(void **state)
{
    struct secret32 key = {{1}};
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 1);
    struct buf sealed = BUF_INIT(200), out = BUF_INIT(200);
    assert_ok(aead_seal(rng, &key, bytes_str("place"), bytes_str("plain"), &sealed));
    assert_int_equal(sealed.n, 5 + AEAD_OVERHEAD);
    for (size_t i = 0; i < sealed.n * 8; i++) {
        sealed.p[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_err(aead_open(&key, bytes_str("place"), buf_bytes(&sealed), &out), E_SIGNATURE);
        sealed.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < sealed.n; n++)
        assert_err(aead_open(&key, bytes_str("place"), bytes(sealed.p, n), &out), E_SIGNATURE);
    assert_err(aead_open(&key, bytes_str("elsewhere"), buf_bytes(&sealed), &out), E_SIGNATURE);
    assert_int_equal(out.n, 0);
    assert_ok(aead_open(&key, bytes_str("place"), buf_bytes(&sealed), &out));
    assert_memory_equal(out.p, "plain", 5);
    buf_free(&sealed);
    buf_free(&out);
}

static void a_signature_holds_for_its_message_and_key_alone(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 2);
    struct sig_secret a, b;
    struct sig_public pa, pb;
    sig_keygen(rng, &a, &pa);
    sig_keygen(rng, &b, &pb);
    struct signature s = sig_sign(&a, bytes_str("message"));
    assert_err(sig_verify(&pb, bytes_str("message"), &s), E_SIGNATURE);
    assert_err(sig_verify(&pa, bytes_str("massage"), &s), E_SIGNATURE);
    assert_ok(sig_verify(&pa, bytes_str("message"), &s));
    s.b[0] ^= 1;
    assert_err(sig_verify(&pa, bytes_str("message"), &s), E_SIGNATURE);
    struct sig_public of_a = sig_public_of(&a);
    assert_true(sig_public_eq(of_a, pa));
    sig_secret_wipe(&a);
    assert_true(ct_is_zero(&a, sizeof a));
}

static void parts_of_a_tagged_hash_do_not_run_together(void **state)
{
    struct thash h;
    thash_init(&h, "t");
    thash_add(&h, bytes_str("ab"));
    thash_add(&h, bytes_str("c"));
    struct hash32 one = thash_final32(&h);
    thash_init(&h, "t");
    thash_add(&h, bytes_str("a"));
    thash_add(&h, bytes_str("bc"));
    assert_false(hash32_eq(one, thash_final32(&h)));
    const char plain[] = "\0\0\0\1t\0\0\0\2ab\0\0\0\1c";
    assert_memory_equal(sha512(bytes(plain, sizeof plain - 1)).b, one.b, 32);
}

static void hkdf_is_that_of_rfc_5869_with_sha_512(void **state)
{
    /* Computed with `openssl kdf -kdfopt digest:SHA512 -kdfopt hexkey:0b.. -kdfopt info:x HKDF`. */
    uint8_t key[22], out[16];
    char text[33];
    memset(key, 0x0b, sizeof key);
    assert_ok(hkdf_sha512(BYTES_OF(key), bytes_str("x"), out, sizeof out));
    hex_encode(BYTES_OF(out), text);
    assert_string_equal(text, "7b035af0603c52ba1de4a4045b755634");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_box_does_not_open),
        cmocka_unit_test(a_signature_holds_for_its_message_and_key_alone),
        cmocka_unit_test(parts_of_a_tagged_hash_do_not_run_together),
        cmocka_unit_test(hkdf_is_that_of_rfc_5869_with_sha_512),
    };
    return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
