#include "base/codec/pem.h"
#include "io/collateral/fetch.h"
#include "service.h"
#include "test.h"

#define TCB_TARGET  "/tdx/certification/v4/tcb?fmspc=00806f050000"
#define QE_TARGET   "/tdx/certification/v4/qe/identity"
#define CRL_TARGET  "/sgx/certification/v4/pckcrl?ca=platform&encoding=der"
#define ROOT_TARGET "/sgx/certification/v4/rootcacrl"
#define CHAIN       "-----BEGIN%20CERTIFICATE-----%0AMIIB%2B%2F%3D%0A-----END%20CERTIFICATE-----%0A"
#define CHAIN_TEXT  "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n"
#define CHAIN_FIELD "TCB-Info-Issuer-Chain: " CHAIN "\r\n"
#define LIST        "\x30\x82\x00\x02\x05\x00"

static const struct vendor_object tcb_info = {.kind = OBJECT_TDX_TCB_INFO,
                                              .fmspc = {0x00, 0x80, 0x6f, 0x05}};
static const struct vendor_object qe_identity = {.kind = OBJECT_TDX_QE_IDENTITY};
static const struct vendor_object pck_crl = {.kind = OBJECT_PCK_CRL, .ca = PCK_CA_PLATFORM};
static const struct vendor_object root_crl = {.kind = OBJECT_SGX_ROOT_CRL};
static const struct vendor_object snp_chain = {
    .kind = OBJECT_SNP_CHAIN, .product = SNP_MILAN, .key = SNP_KEY_VCEK};
static const struct vendor_object snp_crl = {
    .kind = OBJECT_SNP_CRL, .product = SNP_GENOA, .key = SNP_KEY_VLEK};

static struct vendor_object vcek(enum snp_product product)
{
    struct vendor_object o = {
        .kind = OBJECT_VCEK, .product = product, .tcb = {3, 0, 14, 209, 1, product == SNP_TURIN}};
    memset(o.hwid, 0xAB, product == SNP_TURIN ? 8 : 64);
    return o;
}

/* --- URLs --- */

static void expect_url(const struct collateral_services *s, struct vendor_object o,
                       const char *expected)
{
    char url[COLLATERAL_URL_MAX];
    struct problem p = {0};
    assert_ok(collateral_url(s, &o, url, &p));
    assert_string_equal(url, expected);
}

static void each_object_has_the_url_of_its_vendor(void **state)
{
    struct collateral_services s = {
        .pcs_url = PCS_URL, .kds_url = KDS_URL, .root_crl_url = ROOT_CRL_URL};
    expect_url(&s, tcb_info, "https://api.trustedservices.intel.com" TCB_TARGET);
    expect_url(&s, qe_identity, "https://api.trustedservices.intel.com" QE_TARGET);
    expect_url(&s, pck_crl, "https://api.trustedservices.intel.com" CRL_TARGET);
    expect_url(&s, root_crl, ROOT_CRL_URL);
    expect_url(&s, snp_chain, "https://kdsintf.amd.com/vcek/v1/Milan/cert_chain");
    expect_url(&s, snp_crl, "https://kdsintf.amd.com/vlek/v1/Genoa/crl");
    expect_url(&s, vcek(SNP_TURIN),
               "https://kdsintf.amd.com/vcek/v1/Turin/abababababababab"
               "?blSPL=03&teeSPL=00&snpSPL=14&ucodeSPL=209&fmcSPL=01");
    s.pcs_url = "https://pccs.example:8081/sgx/certification/v4/"; /* as Intel's configuration */
    s.root_crl_url = NULL;
    expect_url(&s, tcb_info, "https://pccs.example:8081" TCB_TARGET);
    expect_url(&s, root_crl, "https://pccs.example:8081" ROOT_TARGET);
    s.kds_url = "http://127.0.0.1:80//";
    expect_url(&s, snp_chain, "http://127.0.0.1:80/vcek/v1/Milan/cert_chain");
}

static void a_vcek_of_milan_has_a_long_id_and_no_fmc(void **state)
{
    struct collateral_services s = {.kds_url = ""};
    char url[COLLATERAL_URL_MAX];
    struct vendor_object o = vcek(SNP_MILAN);
    assert_ok(collateral_url(&s, &o, url, NULL));
    assert_int_equal(strcspn(url + strlen("/vcek/v1/Milan/"), "?"), 128);
    assert_non_null(strstr(url, "?blSPL=03&teeSPL=00&snpSPL=14&ucodeSPL=209"));
    assert_null(strstr(url, "fmcSPL"));
}

/* --- escapes --- */

static void broken_escapes_are_refused(void **state)
{
    static const char *const wrong[] = {"%", "%4", "a%zz", "%00", "\x01", "%7F", "caf\xc3\xa9"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buf out = BUF_INIT(64);
        assert_err(collateral_unescape(bytes_str(wrong[i]), &out), E_MALFORMED);
        buf_free(&out);
    }
    struct buf out = BUF_INIT(3);
    assert_err(collateral_unescape(bytes_str("%41%42%43%44"), &out), E_TOO_LARGE);
    buf_free(&out);
}

/* --- answers --- */

static struct collateral_answer answer;

static enum err fetch(struct service *service, const struct vendor_object *o, struct problem *p)
{
    struct collateral_services s = {
        .pcs_url = service->server.url, .kds_url = service->server.url, .timeout_ms = 1000};
    collateral_answer_free(&answer);
    answer = collateral_answer();
    return collateral_fetch(&s, o, &answer, p);
}

static void refused(struct vendor_object o, struct service_answer a, enum err expected,
                    const char *why)
{
    struct service service = {.n = 0};
    struct problem p = {0};
    service_add(&service, a);
    service_start(&service);
    enum err e = fetch(&service, &o, &p);
    service_stop(&service);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected %s '%s', got %s '%s'", err_code(expected), why, err_code(e), p.detail);
    assert_int_equal(answer.body.n + answer.chain.n, 0);
    collateral_answer_free(&answer);
}

static void a_status_other_than_200_says_when_to_come_back(void **state)
{
    struct service service = {.n = 0};
    struct problem p = {0};
    service_add(&service, (struct service_answer){
                              TCB_TARGET, "HTTP/1.1 429 Slow Down\r\nRetry-After: 120\r\n"});
    service_add(&service, (struct service_answer){
                              QE_TARGET, "HTTP/1.1 503 No\r\nRetry-After: Fri, 31 Dec 2120 "
                                         "23:59:59 GMT\r\n"});
    service_add(&service, (struct service_answer){CRL_TARGET, "HTTP/1.1 503 No\r\n"});
    service_add(&service,
                (struct service_answer){ROOT_TARGET, "HTTP/1.1 302 There\r\n"
                                                     "Location: http://127.0.0.1:1/\r\n"});
    service_start(&service);
    assert_err(fetch(&service, &tcb_info, &p), E_RATE);
    assert_int_equal(answer.retry_after_s, 120);
    assert_err(fetch(&service, &qe_identity, &p), E_RATE);
    assert_true(answer.retry_after_s > 1000000);
    assert_err(fetch(&service, &pck_crl, &p), E_IO);
    assert_int_equal(answer.retry_after_s, 0);
    assert_err(fetch(&service, &root_crl, &p), E_IO);
    assert_non_null(strstr(p.detail, "answers 302"));
    assert_err(fetch(&service, &snp_chain, &p), E_NOT_FOUND);
    service_stop(&service);
    collateral_answer_free(&answer);
}

static void another_form_than_was_asked_for_is_refused(void **state)
{
    const char *json = SERVICE_OK "Content-Type: application/json\r\n" CHAIN_FIELD;
    struct bytes html = bytes_str("<html>a portal</html>");
    refused(tcb_info, (struct service_answer){TCB_TARGET, json, html}, E_MALFORMED, "not JSON");
    refused(tcb_info, (struct service_answer){TCB_TARGET, json, bytes_str("{\"tcb")}, E_MALFORMED,
            "not JSON but 5 bytes of \"application/json\"");
    refused(tcb_info, (struct service_answer){TCB_TARGET, json}, E_MALFORMED, "not JSON");
    refused(snp_chain, (struct service_answer){"/vcek/v1/Milan/cert_chain", SERVICE_OK, html},
            E_MALFORMED, "not PEM");
    const char *crl_target = "/vlek/v1/Genoa/crl";
    refused(snp_crl, (struct service_answer){crl_target, SERVICE_OK, html}, E_MALFORMED,
            "not a revocation list");
    refused(snp_crl, (struct service_answer){crl_target, SERVICE_OK, bytes_str("3082000")},
            E_MALFORMED, "not a revocation list");
    refused(snp_crl, (struct service_answer){crl_target, SERVICE_OK, bytes_str("cafecafecafe")},
            E_MALFORMED, "not a revocation list");
}

static void an_answer_without_its_chain_of_certificates_is_refused(void **state)
{
    struct bytes body = bytes_str("{}");
    const char *why = "TCB-Info-Issuer-Chain";
    static const char *const heads[] = {
        SERVICE_OK,
        SERVICE_OK "TCB-Info-Issuer-Chain:\r\n",
        SERVICE_OK "TCB-Info-Issuer-Chain: %0\r\n",
        SERVICE_OK "TCB-Info-Issuer-Chain: garbage%00\r\n",
        SERVICE_OK "TCB-Info-Issuer-Chain: no certificate\r\n",
        SERVICE_OK CHAIN_FIELD CHAIN_FIELD,
        SERVICE_OK "SGX-TCB-Info-Issuer-Chain: " CHAIN "\r\n", /* of version 3 */
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        refused(tcb_info, (struct service_answer){TCB_TARGET, heads[i], body}, E_MALFORMED, why);
}

static void a_slow_or_short_answer_is_refused(void **state)
{
    struct bytes body = bytes_str("{\"long enough to take more than a second\"}");
    const char *head = SERVICE_OK CHAIN_FIELD;
    refused(tcb_info, (struct service_answer){TCB_TARGET, head, body, .is_slow = true}, E_IO, "");
    refused(tcb_info, (struct service_answer){TCB_TARGET, head, body, .cut = 1}, E_IO, "");
    refused(tcb_info, (struct service_answer){TCB_TARGET, "no HTTP\r\n", body}, E_IO, "");
}

static void an_answer_beyond_its_limit_is_refused(void **state)
{
    struct buf big = BUF_INIT(4 << 20);
    memset(buf_extend(&big, 3 << 20), '0', 3 << 20);
    big.p[0] = '{';
    refused(tcb_info, (struct service_answer){TCB_TARGET, SERVICE_OK CHAIN_FIELD, buf_bytes(&big)},
            E_TOO_LARGE, "262144 bytes");
    refused(pck_crl, (struct service_answer){CRL_TARGET, SERVICE_OK, buf_bytes(&big)}, E_TOO_LARGE,
            "2097152 bytes");
    static char head[64 << 10];
    size_t n = (size_t)snprintf(head, sizeof head, SERVICE_OK "TCB-Info-Issuer-Chain: ");
    memset(head + n, 'A', 20 << 10);
    strcpy(head + n + (20 << 10), "\r\n");
    refused(tcb_info, (struct service_answer){TCB_TARGET, head, bytes_str("{}")}, E_TOO_LARGE, "");
    buf_free(&big);
}

static void expect_answer(struct service *service, const struct vendor_object *o, struct bytes body,
                          const char *chain)
{
    struct problem p = {0};
    if (fetch(service, o, &p) != OK)
        fail_msg("%s", p.detail);
    assert_true(bytes_eq(buf_bytes(&answer.body), body));
    assert_true(bytes_eq(buf_bytes(&answer.chain), bytes_str(chain)));
}

static void what_the_services_publish_is_taken_in_its_form(void **state)
{
    struct service service = {.n = 0};
    struct bytes list = bytes(LIST, sizeof LIST - 1), pem = bytes_str(CHAIN_TEXT);
    service_add(&service, (struct service_answer){TCB_TARGET, SERVICE_OK CHAIN_FIELD,
                                                  bytes_str("\n{\"tcbInfo\": 1}\n")});
    service_add(&service,
                (struct service_answer){
                    CRL_TARGET, SERVICE_OK "sgx-pck-crl-issuer-chain: " CHAIN "\r\n", list});
    /* As a PCCS does: in hexadecimal, as text/html. */
    service_add(&service,
                (struct service_answer){ROOT_TARGET, SERVICE_OK "Content-Type: text/html\r\n",
                                        bytes_str("308200020500\n")});
    service_add(&service, (struct service_answer){"/vlek/v1/Genoa/crl", SERVICE_OK,
                                                  bytes_str("-----BEGIN X509 CRL-----\nMIIAAgUA\n"
                                                            "-----END X509 CRL-----\n")});
    service_add(&service, (struct service_answer){"/vcek/v1/Milan/cert_chain", SERVICE_OK, pem});
    service_start(&service);
    expect_answer(&service, &tcb_info, bytes_str("{\"tcbInfo\": 1}"), CHAIN_TEXT);
    expect_answer(&service, &pck_crl, list, CHAIN_TEXT);
    expect_answer(&service, &root_crl, bytes_str("308200020500"), "");
    assert_ok(fetch(&service, &snp_crl, NULL));
    assert_true(pem_looks_like(buf_bytes(&answer.body)));
    /* White space around PEM means nothing, and is gone. */
    expect_answer(&service, &snp_chain, bytes(pem.p, pem.n - 1), "");
    service_stop(&service);
    collateral_answer_free(&answer);
}

/* --- real objects --- */

static char *percent_encoded(struct bytes in)
{
    char *out = calloc(3, in.n + 1);
    for (size_t i = 0; i < in.n; i++)
        sprintf(out + strlen(out), strchr("\n +/=", in.p[i]) ? "%%%02X" : "%c", in.p[i]);
    return out;
}

static void real_objects_come_as_they_were_signed(void **state)
{
    require_vectors();
    struct buf info = read_vector("tdx/collateral/2025-09/tcb_info_00806f050000.json");
    struct buf chain = read_vector("tdx/collateral/2025-09/tcb_signing_chain.pem");
    struct buf list = read_vector("tdx/collateral/2025-09/root_ca_crl.der");
    struct service service = {.n = 0};
    static char head[16384];
    char *encoded = percent_encoded(buf_bytes(&chain));
    snprintf(head, sizeof head, SERVICE_OK "TCB-Info-Issuer-Chain: %s\r\n", encoded);
    service_add(&service, (struct service_answer){TCB_TARGET, head, buf_bytes(&info)});
    service_add(&service, (struct service_answer){ROOT_TARGET, SERVICE_OK, buf_bytes(&list)});
    service_start(&service);
    assert_ok(fetch(&service, &tcb_info, NULL));
    assert_true(bytes_eq(buf_bytes(&answer.body), buf_bytes(&info)));
    assert_true(bytes_eq(buf_bytes(&answer.chain), buf_bytes(&chain)));
    assert_ok(fetch(&service, &root_crl, NULL));
    assert_true(bytes_eq(buf_bytes(&answer.body), buf_bytes(&list)));
    service_stop(&service);
    collateral_answer_free(&answer);
    free(encoded);
    buf_free(&info);
    buf_free(&chain);
    buf_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_object_has_the_url_of_its_vendor),
        cmocka_unit_test(a_vcek_of_milan_has_a_long_id_and_no_fmc),
        cmocka_unit_test(broken_escapes_are_refused),
        cmocka_unit_test(a_status_other_than_200_says_when_to_come_back),
        cmocka_unit_test(another_form_than_was_asked_for_is_refused),
        cmocka_unit_test(an_answer_without_its_chain_of_certificates_is_refused),
        cmocka_unit_test(a_slow_or_short_answer_is_refused),
        cmocka_unit_test(an_answer_beyond_its_limit_is_refused),
        cmocka_unit_test(what_the_services_publish_is_taken_in_its_form),
        cmocka_unit_test(real_objects_come_as_they_were_signed),
    };
    return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
