#include "core/evidence/inspect.h"
#include "core/evidence/snp_report.h"
#include "test.h"

#define SEPTEMBER_2025 1758000000 /* 16 September 2025 */
#define AUGUST_2026    1785542400 /* 1 August 2026 */

static const struct vendor_object pck_crl = {.kind = OBJECT_PCK_CRL, .ca = PCK_CA_PLATFORM};
static const struct vendor_object root_crl = {.kind = OBJECT_SGX_ROOT_CRL};
static const struct vendor_object tcb_info = {.kind = OBJECT_TDX_TCB_INFO,
                                              .fmspc = {0x00, 0x80, 0x6f, 0x05}};
static const struct vendor_object qe_identity = {.kind = OBJECT_TDX_QE_IDENTITY};
static const struct vendor_object milan_crl = {.kind = OBJECT_SNP_CRL, .product = SNP_MILAN};
static const struct vendor_object milan_chain = {.kind = OBJECT_SNP_CHAIN, .product = SNP_MILAN};

static struct collateral known;
static struct evidence_trust trust;
static struct object_facts facts;

static int set_up(void **state)
{
    trust = evidence_trust_vendors(false);
    return 0;
}

static int tear_down(void **state)
{
    collateral_free(&known);
    return 0;
}

static void know(const char *path)
{
    struct buf b = read_vector(path);
    struct problem p = {0};
    if (collateral_add(&known, buf_bytes(&b), &p) != OK)
        fail_msg("%s", p.detail);
    buf_free(&b);
}

static enum err inspect(const struct vendor_object *o, struct bytes body, struct bytes chain,
                        int64_t unix_time, struct problem *p)
{
    struct object_inspection in = {o, body, chain, &known, &trust, unix_time};
    return object_inspect(&in, &facts, p);
}

static void expect(const struct vendor_object *o, const struct buf *body, int64_t unix_time,
                   enum err expected, const char *why)
{
    struct problem p = {0};
    enum err e = inspect(o, buf_bytes(body), BYTES_NONE, unix_time, &p);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected %s '%s', got %s '%s'", err_code(expected), why, err_code(e), p.detail);
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const wrong[] = {"", "<html>", "{}", "\x30\x03", "-----BEGIN "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (enum object_kind kind = OBJECT_TDX_TCB_INFO; kind < OBJECT_KINDS; kind++) {
            struct vendor_object o = {.kind = kind, .product = SNP_MILAN};
            assert_true(inspect(&o, bytes_str(wrong[i]), BYTES_NONE, 0, NULL) != OK);
            assert_int_equal(facts.until, 0);
        }
}

static void a_list_needs_its_issuer_under_a_trusted_root(void **state)
{
    require_vectors();
    struct buf list = read_vector("tdx/collateral/2025-09/pck_crl_platform.der");
    struct buf ca = read_vector("anchors/intel_pck_platform_ca.pem");
    struct buf root = read_vector("anchors/intel_sgx_root_ca.pem");
    struct problem p;
    expect(&pck_crl, &list, SEPTEMBER_2025, E_COLL_MISSING, "Intel SGX PCK Platform CA");
    /* The authority alone does not say who vouches for it. */
    know("anchors/intel_pck_platform_ca.pem");
    expect(&pck_crl, &list, SEPTEMBER_2025, E_COLL_MISSING, "Intel SGX PCK Platform CA");
    collateral_free(&known);
    /* The chain of the answer will do, and what was known, too. */
    assert_ok(buf_add(&ca, root.p, root.n));
    assert_ok(inspect(&pck_crl, buf_bytes(&list), buf_bytes(&ca), SEPTEMBER_2025, &p));
    assert_true(facts.issued == 1756796631 && facts.until == 1759388631);
    know("anchors/intel_pck_platform_ca.pem");
    know("anchors/intel_sgx_root_ca.der");
    expect(&pck_crl, &list, SEPTEMBER_2025, OK, "");
    /* Nobody is trusted. */
    trust.n_roots = 0;
    expect(&pck_crl, &list, SEPTEMBER_2025, E_COLL_MISSING, "");
    buf_free(&list);
    buf_free(&ca);
    buf_free(&root);
}

static void a_list_that_is_old_changed_or_of_another_is_refused(void **state)
{
    require_vectors();
    struct buf list = read_vector("tdx/collateral/2025-09/pck_crl_platform.der");
    know("anchors/intel_pck_platform_ca.pem");
    know("anchors/intel_sgx_root_ca.der");
    expect(&pck_crl, &list, 1759388632, E_COLL_EXPIRED, "");
    expect(&pck_crl, &list, 1756796630, E_COLL_EXPIRED, "");
    expect(&root_crl, &list, SEPTEMBER_2025, E_VALUE, "not of \"Intel SGX Root CA\"");
    struct vendor_object other = pck_crl;
    other.ca = PCK_CA_PROCESSOR;
    expect(&other, &list, SEPTEMBER_2025, E_VALUE, "not of \"Intel SGX PCK Processor CA\"");
    expect(&milan_crl, &list, SEPTEMBER_2025, E_VALUE, "not of \"ARK-Milan\"");
    list.p[list.n - 1] ^= 1;
    expect(&pck_crl, &list, SEPTEMBER_2025, E_CHAIN, "");
    buf_free(&list);
}

static void the_list_of_the_root_is_signed_by_the_root(void **state)
{
    require_vectors();
    struct buf list = read_vector("tdx/collateral/2025-09/root_ca_crl.der");
    expect(&root_crl, &list, SEPTEMBER_2025, E_COLL_MISSING, "Intel SGX Root CA");
    know("anchors/intel_sgx_root_ca.der");
    expect(&root_crl, &list, SEPTEMBER_2025, OK, "");
    /* As a PCCS has it. */
    struct buf hex = BUF_INIT(4096);
    hex_encode(buf_bytes(&list), (char *)buf_extend(&hex, 2 * list.n + 1));
    hex.n--;
    expect(&root_crl, &hex, SEPTEMBER_2025, OK, "");
    buf_free(&list);
    buf_free(&hex);
}

static void intels_documents_are_signed_under_the_root(void **state)
{
    require_vectors();
    static const struct {
        const struct vendor_object *object;
        const char *path;
    } documents[] = {{&tcb_info, "tdx/collateral/2025-09/tcb_info_00806f050000.json"},
                     {&qe_identity, "tdx/collateral/2025-09/td_qe_identity.json"}};
    const int64_t october = 1759300000; /* 1 October 2025 */
    for (size_t i = 0; i < 2; i++) {
        struct buf b = read_vector(documents[i].path);
        const struct vendor_object *o = documents[i].object;
        expect(o, &b, october, E_COLL_MISSING, "TCB Signing");
        know("anchors/intel_tcb_signing_2025.pem");
        expect(o, &b, october, E_COLL_MISSING, "TCB Signing"); /* nobody vouches for it */
        know("anchors/intel_sgx_root_ca.der");
        expect(o, &b, october, OK, "");
        assert_true(facts.issued < october && facts.until > october);
        expect(o, &b, facts.until + 1, E_COLL_EXPIRED, "");
        collateral_free(&known);
        struct buf chain = read_vector("tdx/collateral/2025-09/tcb_signing_chain.pem");
        assert_ok(inspect(o, buf_bytes(&b), buf_bytes(&chain), october, NULL));
        /* A digit of the document: of a date, or of a component. */
        know("tdx/collateral/2025-09/tcb_signing_chain.pem");
        uint8_t *digit = memchr(b.p + 40, '2', b.n - 40);
        *digit = '1';
        assert_true(inspect(o, buf_bytes(&b), BYTES_NONE, october, NULL) != OK);
        collateral_free(&known);
        buf_free(&chain);
        buf_free(&b);
    }
}

static void a_document_for_something_else_is_refused(void **state)
{
    require_vectors();
    struct buf other = read_vector("tdx/collateral/2025-09/tcb_info_50806f000000.json");
    struct buf sgx = read_vector("tdx/collateral/2025-09/wrong_sgx_tcb_info_b0c06f000000.json");
    know("tdx/collateral/2025-09/tcb_signing_chain.pem");
    expect(&tcb_info, &other, 1759300000, E_VALUE, "another FMSPC");
    expect(&qe_identity, &other, 1759300000, E_FORMAT, "");
    expect(&tcb_info, &sgx, 1759300000, E_FORMAT, "");
    expect(&milan_crl, &other, 1759300000, E_FORMAT, "");
    buf_free(&other);
    buf_free(&sgx);
}

static void amds_certificates_are_those_of_the_product_and_key(void **state)
{
    require_vectors();
    struct buf pem = read_vector("anchors/amd_ark_milan.pem"), ask;
    expect(&milan_chain, &pem, AUGUST_2026, E_VALUE, "\"SEV-Milan\"");
    ask = read_vector("anchors/amd_ask_milan.der");
    expect(&milan_chain, &ask, AUGUST_2026, E_CHAIN, "SEV-Milan");
    struct problem p = {0};
    assert_ok(inspect(&milan_chain, buf_bytes(&pem), buf_bytes(&ask), AUGUST_2026, &p));
    assert_true(facts.issued < AUGUST_2026 && facts.until > AUGUST_2026);
    struct vendor_object other = milan_chain;
    other.key = SNP_KEY_VLEK;
    assert_err(inspect(&other, buf_bytes(&pem), buf_bytes(&ask), AUGUST_2026, &p), E_VALUE);
    other.product = SNP_GENOA;
    assert_err(inspect(&other, buf_bytes(&pem), buf_bytes(&ask), AUGUST_2026, &p), E_CHAIN);
    assert_err(inspect(&milan_chain, buf_bytes(&pem), buf_bytes(&ask), 1000, &p), E_CHAIN);
    buf_free(&pem);
    buf_free(&ask);
}

static void amds_list_is_signed_by_the_root_of_the_product(void **state)
{
    require_vectors();
    struct buf list = read_vector("anchors/amd_crl_milan.der");
    know("anchors/amd_ark_turin.der");
    expect(&milan_crl, &list, AUGUST_2026, E_COLL_MISSING, "ARK-Milan");
    know("anchors/amd_ark_milan.der");
    expect(&milan_crl, &list, AUGUST_2026, OK, "");
    struct vendor_object genoa = milan_crl;
    genoa.product = SNP_GENOA;
    expect(&genoa, &list, AUGUST_2026, E_VALUE, "not of \"ARK-Genoa\"");
    buf_free(&list);
}

static void a_vcek_is_that_of_the_chip_and_its_tcb(void **state)
{
    require_vectors();
    struct buf der = read_vector("snp/certs/vcek_Milan_19752a44_fcd6cc41.der");
    struct vek vek;
    struct cert *c;
    assert_ok(cert_parse(buf_bytes(&der), &c, NULL));
    assert_ok(chain_read_vek(c, &vek, NULL));
    cert_free(c);
    struct vendor_object o = {.kind = OBJECT_VCEK, .product = SNP_MILAN, .tcb = vek.tcb}, other;
    memcpy(o.hwid, vek.hwid, sizeof o.hwid);
    expect(&o, &der, AUGUST_2026, E_COLL_MISSING, "");
    know("anchors/amd_ask_milan.der");
    know("anchors/amd_ark_milan.der");
    expect(&o, &der, AUGUST_2026, OK, "");
    other = o;
    other.hwid[63] ^= 1;
    expect(&other, &der, AUGUST_2026, E_VALUE, "another chip");
    other = o;
    other.tcb.snp++;
    expect(&other, &der, AUGUST_2026, E_VALUE, "another TCB");
    other = o;
    other.product = SNP_GENOA;
    expect(&other, &der, AUGUST_2026, E_VALUE, "Milan");
    der.p[der.n - 1] ^= 1;
    expect(&o, &der, AUGUST_2026, E_CHAIN, "");
    buf_free(&der);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_no_object_is_refused),
        T(a_list_needs_its_issuer_under_a_trusted_root),
        T(a_list_that_is_old_changed_or_of_another_is_refused),
        T(the_list_of_the_root_is_signed_by_the_root),
        T(intels_documents_are_signed_under_the_root),
        T(a_document_for_something_else_is_refused),
        T(amds_certificates_are_those_of_the_product_and_key),
        T(amds_list_is_signed_by_the_root_of_the_product),
        T(a_vcek_is_that_of_the_chip_and_its_tcb),
    };
    return cmocka_run_group_tests_name("inspect", tests, NULL, NULL);
}
