#include "prog/guardian/root_key.h"
#include "base/codec/pem.h"
#include "core/ca/ca.h"
#include "test.h"

#define BEGIN 1700000000
#define END   1800000000

static struct sig_secret secret;
static struct sig_public public;

/* A root certificate in PEM, signed by `signer`. */
static struct buf root_pem(const struct sig_secret *signer)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX), der = BUF_INIT(CA_CERT_MAX), pem = BUF_INIT(CA_CERT_MAX);
    struct ca_root root = {.common = {.trust_domain = "dev.guardian.test",
                                      .simulation = true,
                                      .not_before = BEGIN,
                                      .not_after = END},
                           .key = public};
    memset(root.common.entry.b, 7, 32);
    assert_ok(ca_root_tbs(&root, &tbs));
    struct signature s = sig_sign(signer, buf_bytes(&tbs));
    assert_ok(ca_assemble(buf_bytes(&tbs), CA_ED25519, BYTES_OF(s.b), &der));
    assert_ok(pem_write("CERTIFICATE", buf_bytes(&der), &pem));
    buf_free(&tbs);
    buf_free(&der);
    return pem;
}

static int set_up(void **state)
{
    const uint8_t seed[32] = {1};
    sig_from_seed(seed, &secret, &public);
    return 0;
}

static void what_is_no_root_is_refused(void **state)
{
    struct sig_public key;
    struct buf pem = root_pem(&secret);
    assert_err(root_key_read(BYTES_NONE, BEGIN, &key), E_MALFORMED);
    for (size_t cut = 0; cut + 1 < pem.n; cut += 7)
        assert_int_not_equal(root_key_read(bytes(pem.p, cut), BEGIN, &key), OK);
    buf_free(&pem);
}

static void a_root_signed_by_another_key_is_refused(void **state)
{
    const uint8_t seed[32] = {2};
    struct sig_secret other;
    struct sig_public other_public, key;
    sig_from_seed(seed, &other, &other_public);
    struct buf pem = root_pem(&other);
    assert_err(root_key_read(buf_bytes(&pem), BEGIN, &key), E_SIGNATURE);
    buf_free(&pem);
}

static void a_root_is_refused_outside_its_time(void **state)
{
    struct sig_public key;
    struct buf pem = root_pem(&secret);
    assert_err(root_key_read(buf_bytes(&pem), BEGIN - 1, &key), E_CERT_EXPIRED);
    assert_err(root_key_read(buf_bytes(&pem), END + 1, &key), E_CERT_EXPIRED);
    buf_free(&pem);
}

static void the_key_of_a_root_is_read(void **state)
{
    struct sig_public key;
    struct buf pem = root_pem(&secret);
    assert_ok(root_key_read(buf_bytes(&pem), BEGIN, &key));
    assert_true(sig_public_eq(key, public));
    buf_free(&pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_root_is_refused),
        cmocka_unit_test(a_root_signed_by_another_key_is_refused),
        cmocka_unit_test(a_root_is_refused_outside_its_time),
        cmocka_unit_test(the_key_of_a_root_is_read),
    };
    return cmocka_run_group_tests_name("guardian/root_key", tests, set_up, NULL);
}
