#include "vectors.h"

#include "base/codec/pem.h"

/* Adds bytes to an empty collateral; on failure it must stay empty. */
static enum err add_alone(struct bytes in, struct collateral *c, struct problem *p)
{
    memset(c, 0, sizeof *c);
    enum err e = collateral_add(c, in, p);
    if (e != OK)
        assert_int_equal(c->certs.n + c->n_crls + c->n_tcb_infos + c->n_qe_identities, 0);
    return e;
}

/* --- wrong first --- */

static void what_is_no_collateral_is_not_found(void **state)
{
    static const char *const texts[] = {"",     " ",      "hello", "3",    "31",
                                        "30zz", "<html>", "[1]",   "-----"};
    struct collateral c;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_err(add_alone(bytes_str(texts[i]), &c, NULL), E_NOT_FOUND);
}

static void what_is_broken_is_told_from_what_is_none(void **state)
{
    static const char *const texts[] = {
        "\x30",
        "\x30\x82\x01",
        "30820101",
        "3082010",
        "0",
        "3082zz",
        "{",
        "{\"tcbInfo\":{}}",
        "{\"tcbInfo\":{},\"tcbInfo\":{}}",
        "{\"enclaveIdentity\":[],\"signature\":\"\"}",
        "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n"};
    struct collateral c;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct problem p = {0};
        assert_err(add_alone(bytes_str(texts[i]), &c, &p), E_FORMAT);
        assert_true(p.detail[0] != 0);
    }
}

static void truncated_files_are_refused(void **state)
{
    require_vectors();
    static const char *const files[] = {"tdx/collateral/2025-06b/pck_crl_platform.der",
                                        "anchors/intel_sgx_root_ca.der",
                                        "tdx/collateral/2025-06b/tcb_info_b0c06f000000.json",
                                        "tdx/collateral/2025-06b/td_qe_identity.json"};
    struct collateral c;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct buf in = read_vector(files[i]);
        for (size_t n = 1; n < in.n; n += 1 + n / 40)
            assert_err(add_alone(bytes(in.p, n), &c, NULL), E_FORMAT);
        buf_free(&in);
    }
}

static void one_broken_block_leaves_out_all_of_a_file(void **state)
{
    require_vectors();
    struct buf in = read_vector("tdx/collateral/2025-06b/tcb_signing_chain.pem");
    struct collateral c;
    in.p[in.n / 4 * 3] = '!';
    assert_err(add_alone(buf_bytes(&in), &c, NULL), E_FORMAT);
    buf_free(&in);
}

static void more_than_there_is_room_for_is_too_large(void **state)
{
    require_vectors();
    struct buf cert = read_vector("anchors/intel_sgx_root_ca.der");
    struct buf crl = read_vector("tdx/collateral/2025-06b/root_ca_crl.der");
    struct buf info = read_vector("tdx/collateral/2025-06b/tcb_info_b0c06f000000.json");
    struct buf identity = read_vector("tdx/collateral/2025-06b/td_qe_identity.json");
    struct collateral c = {0};
    for (size_t i = 0; i < COLLATERAL_TCB_INFOS_MAX; i++)
        assert_ok(collateral_add(&c, buf_bytes(&info), NULL));
    assert_err(collateral_add(&c, buf_bytes(&info), NULL), E_TOO_LARGE);
    for (size_t i = 0; i < COLLATERAL_QE_IDENTITIES_MAX; i++)
        assert_ok(collateral_add(&c, buf_bytes(&identity), NULL));
    assert_err(collateral_add(&c, buf_bytes(&identity), NULL), E_TOO_LARGE);
    for (size_t i = 0; i < CERT_POOL_MAX; i++)
        assert_ok(collateral_add(&c, buf_bytes(&cert), NULL));
    assert_err(collateral_add(&c, buf_bytes(&cert), NULL), E_TOO_LARGE);
    for (size_t i = 0; i < COLLATERAL_CRLS_MAX; i++)
        assert_ok(collateral_add(&c, buf_bytes(&crl), NULL));
    assert_err(collateral_add(&c, buf_bytes(&crl), NULL), E_TOO_LARGE);
    assert_int_equal(c.certs.n, CERT_POOL_MAX);
    assert_int_equal(c.n_crls, COLLATERAL_CRLS_MAX);
    collateral_free(&c);
    assert_int_equal(c.certs.n + c.n_crls, 0);
    buf_free(&cert);
    buf_free(&crl);
    buf_free(&info);
    buf_free(&identity);
}

static void documents_for_sgx_and_of_other_versions_are_refused_by_name(void **state)
{
    require_vectors();
    static const struct {
        const char *file, *says;
    } rows[] = {
        {"tdx/collateral/2025-09/wrong_sgx_tcb_info_b0c06f000000.json",
         "tcbInfo.id: expected \"TDX\", is \"SGX\""},
        {"tdx/collateral/2025-06b/wrong_sgx_qe_identity.json",
         "enclaveIdentity.id: expected \"TD_QE\", is \"QE\""},
        {"tdx/synthetic_pub/tcb_info_tcbinfo_version2.json", "tcbInfo.version: expected 3, is 2"},
        {"tdx/collateral/2025-06b/neg_tcb_info_dupkey.json", "twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf in = read_vector(rows[i].file);
        struct problem p = {0};
        struct collateral c;
        assert_err(add_alone(buf_bytes(&in), &c, &p), E_FORMAT);
        if (!strstr(p.detail, rows[i].says))
            fail_msg("%s: %s", rows[i].file, p.detail);
        buf_free(&in);
    }
}

/* --- right --- */

static void each_kind_is_recognised(void **state)
{
    require_vectors();
    static const struct {
        const char *file;
        size_t certs, crls, infos, identities;
    } rows[] = {
        {"anchors/intel_sgx_root_ca.der", 1, 0, 0, 0},
        {"anchors/amd_ark_milan.pem", 1, 0, 0, 0},
        {"tdx/collateral/2025-06b/tcb_signing_chain.pem", 2, 0, 0, 0},
        {"tdx/collateral/2025-06b/pck_crl_platform.der", 0, 1, 0, 0},
        {"tdx/collateral/2025-06b/tcb_info_b0c06f000000.json", 0, 0, 1, 0},
        {"tdx/collateral/2025-06b/neg_tcb_info_pretty.json", 0, 0, 1, 0},
        {"tdx/collateral/2025-06b/td_qe_identity.json", 0, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf in = read_vector(rows[i].file);
        struct collateral c;
        assert_ok(add_alone(buf_bytes(&in), &c, NULL));
        assert_int_equal(c.certs.n, rows[i].certs);
        assert_int_equal(c.n_crls, rows[i].crls);
        assert_int_equal(c.n_tcb_infos, rows[i].infos);
        assert_int_equal(c.n_qe_identities, rows[i].identities);
        collateral_free(&c);
        buf_free(&in);
    }
}

static void a_list_in_hexadecimal_digits_or_pem_is_the_same_list(void **state)
{
    require_vectors();
    struct buf der = read_vector("tdx/collateral/2025-06b/root_ca_crl.der");
    struct buf pem = BUF_INIT(4096);
    char hex[1024];
    hex_encode(buf_bytes(&der), hex);
    strcat(hex, "\r\n");
    assert_ok(pem_write("X509 CRL", buf_bytes(&der), &pem));
    struct bytes forms[] = {bytes_str(hex), buf_bytes(&pem)};
    for (size_t i = 0; i < 2; i++) {
        struct collateral c;
        assert_ok(add_alone(forms[i], &c, NULL));
        assert_int_equal(c.n_crls, 1);
        assert_true(bytes_eq(crl_der(c.crls[0]), buf_bytes(&der)));
        collateral_free(&c);
    }
    buf_free(&der);
    buf_free(&pem);
}

static void the_id_is_that_of_all_that_was_added(void **state)
{
    require_vectors();
    struct buf crl = read_vector("tdx/collateral/2025-06b/root_ca_crl.der");
    struct collateral a = {0}, b = {0};
    assert_ok(collateral_add(&a, buf_bytes(&crl), NULL));
    assert_ok(collateral_add(&b, buf_bytes(&crl), NULL));
    assert_true(hash32_eq(a.id, b.id));
    assert_err(collateral_add(&b, bytes_str("nothing"), NULL), E_NOT_FOUND);
    assert_true(hash32_eq(a.id, b.id));
    assert_ok(collateral_add(&b, buf_bytes(&crl), NULL));
    assert_false(hash32_eq(a.id, b.id));
    collateral_free(&a);
    collateral_free(&b);
    buf_free(&crl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_collateral_is_not_found),
        cmocka_unit_test(what_is_broken_is_told_from_what_is_none),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(one_broken_block_leaves_out_all_of_a_file),
        cmocka_unit_test(more_than_there_is_room_for_is_too_large),
        cmocka_unit_test(documents_for_sgx_and_of_other_versions_are_refused_by_name),
        cmocka_unit_test(each_kind_is_recognised),
        cmocka_unit_test(the_id_is_that_of_all_that_was_added),
        cmocka_unit_test(a_list_in_hexadecimal_digits_or_pem_is_the_same_list),
    };
    return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
