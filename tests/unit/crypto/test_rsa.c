#include "test.h"

#include "base/crypto/rsa.h"
#include "core/evidence/sim/vendor.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static EVP_PKEY *public_key(const struct rsa_primes *primes)
{
    const struct sim_key key = {.rsa = primes};
    struct buf spki = BUF_INIT(512);
    struct writer w = writer(&spki);
    sim_spki_write(&w, &key);
    assert_ok(writer_end(&w));
    const unsigned char *at = spki.p;
    EVP_PKEY *out = d2i_PUBKEY(NULL, &at, (long)spki.n);
    assert_non_null(out);
    assert_ptr_equal(at, spki.p + spki.n);
    buf_free(&spki);
    return out;
}

/* As OpenSSL judges it, with salt of exactly this length. */
static bool verifies(EVP_PKEY *key, struct bytes message, const struct rsa_signature *s, int salt)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx;
    assert_int_equal(EVP_DigestVerifyInit(md, &ctx, EVP_sha384(), NULL, key), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt), 1);
    bool good = EVP_DigestVerify(md, s->s, sizeof s->s, message.p, message.n) == 1;
    EVP_MD_CTX_free(md);
    return good;
}

static void what_are_no_primes_is_refused(void **state)
{
    struct rng_seeded seeded;
    struct rsa_signature s;
    struct rsa_primes zero = {0}, same = sim_rsa_primes[SIM_RSA_ARK];
    memcpy(same.q, same.p, sizeof same.q);
    assert_err(rsa_pss_sign(&zero, rng_numbered(&seeded, 1), bytes_str("m"), &s), E_VALUE);
    assert_err(rsa_pss_sign(&same, rng_numbered(&seeded, 1), bytes_str("m"), &s), E_VALUE);
}

static void signatures_verify_as_openssl_reads_them(void **state)
{
    struct bytes message = bytes_str("what was signed"), other = bytes_str("what was not");
    for (size_t i = 0; i < SIM_RSA_KEYS; i++) {
        EVP_PKEY *key = public_key(&sim_rsa_primes[i]);
        EVP_PKEY *another = public_key(&sim_rsa_primes[(i + 1) % SIM_RSA_KEYS]);
        struct rng_seeded seeded;
        struct rsa_signature s;
        assert_int_equal(EVP_PKEY_get_bits(key), 2048);
        assert_ok(rsa_pss_sign(&sim_rsa_primes[i], rng_numbered(&seeded, i), message, &s));
        assert_true(verifies(key, message, &s, 48));
        assert_false(verifies(key, message, &s, 32));
        assert_false(verifies(key, other, &s, 48));
        assert_false(verifies(another, message, &s, 48));
        s.s[100] ^= 1;
        assert_false(verifies(key, message, &s, 48));
        EVP_PKEY_free(key);
        EVP_PKEY_free(another);
    }
}

static void the_salt_is_the_callers(void **state)
{
    struct rng_seeded seeded;
    struct rsa_signature a, b;
    const struct rsa_primes *key = &sim_rsa_primes[0];
    assert_ok(rsa_pss_sign(key, rng_numbered(&seeded, 1), bytes_str("m"), &a));
    assert_ok(rsa_pss_sign(key, rng_numbered(&seeded, 1), bytes_str("m"), &b));
    assert_memory_equal(a.s, b.s, sizeof a.s);
    assert_ok(rsa_pss_sign(key, rng_numbered(&seeded, 2), bytes_str("m"), &b));
    assert_memory_not_equal(a.s, b.s, sizeof a.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_are_no_primes_is_refused),
        cmocka_unit_test(signatures_verify_as_openssl_reads_them),
        cmocka_unit_test(the_salt_is_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
