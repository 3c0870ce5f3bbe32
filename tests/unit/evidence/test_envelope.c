#include "vectors.h"

#include "base/codec/b64.h"
#include "core/evidence/claims_json.h"
#include "core/evidence/sim/sim.h"

#define AT 1790000000 /* 2026-09-21 */

static const struct evidence_options alone = {.no_collateral = true};

static enum err parse(const char *text, struct evidence *e, struct problem *p)
{
    return evidence_parse(bytes_str(text), e, p);
}

static struct buf simulated(enum platform platform)
{
    const uint8_t report_data[64] = "an envelope";
    struct claims described = sim_claims(platform, 3);
    struct buf raw = BUF_INIT(1 << 16);
    struct sim_machine m;
    assert_ok(sim_machine_init(&m, &described, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &raw));
    sim_machine_free(&m);
    return raw;
}

/* printf with a base64 text in place of %s, into a buffer on the heap. */
static struct buf text_with(const char *format, struct bytes raw)
{
    struct buf out = BUF_INIT(1 << 20);
    char *b64 = b64_string(B64_STANDARD, raw), *text = malloc(strlen(format) + strlen(b64) + 1);
    const char *at = strstr(format, "%s");
    sprintf(text, "%.*s%s%s", (int)(at - format), format, b64, at + 2);
    assert_ok(buf_add(&out, text, strlen(text)));
    free(text);
    free(b64);
    return out;
}

/* --- wrong first --- */

static void malformed_envelopes_are_refused(void **state)
{
    static const char *const bad[] = {
        "{",
        "{}",
        "{\"quote\": 1}",
        "{\"quote\": \"\"}",
        "{\"quote\": null}",
        "{\"quote\": \"!!\"}",
        "{\"quote\": \"AAAA\"}",
        "{\"attestation_report\": 1}",
        "{\"attestation_report\": \"AAAA\"}",
        "{\"attestation_report\": {}}",
        "{\"attestation_report\": {\"version\": 3}}",
        "{\"attestation_report\": {\"colour\": 3}}",
        "{\"something\": 1}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct evidence e;
        struct problem p = {0};
        enum err result = parse(bad[i], &e, &p);
        evidence_free(&e);
        if (result != E_MALFORMED && result != E_VALUE && result != E_FORMAT)
            fail_msg("%s: %s", bad[i], err_code(result));
        if (!p.detail[0])
            fail_msg("%s: no reason given", bad[i]);
    }
}

static void unknown_double_and_trailing_content_is_refused(void **state)
{
    static const char *const bad[] = {
        "{\"quote\": \"%s\", \"more\": 1}",
        "{\"quote\": \"%s\", \"quote\": \"AAAA\"}",
        "{\"quote\": \"%s\"} ,",
        "{\"quote\": \"%s\", \"attestation_report\": \"AAAA\"}",
        "{\"quote\": \"%s\", \"cert_chain\": []}",
        "{\"quote\": \"%s\", \"cc_eventlog\": 7}",
        "{\"attestation_report\": \"%s\"}",
    };
    struct buf raw = simulated(PLATFORM_TDX);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf text = text_with(bad[i], buf_bytes(&raw));
        struct evidence e;
        enum err result = evidence_parse(buf_bytes(&text), &e, NULL);
        evidence_free(&e);
        buf_free(&text);
        if (result != E_MALFORMED && result != E_FORMAT)
            fail_msg("%s: %s", bad[i], err_code(result));
    }
    buf_free(&raw);
}

static void a_report_is_no_quote(void **state)
{
    struct buf raw = simulated(PLATFORM_SNP);
    struct buf text = text_with("{\"quote\": \"%s\"}", buf_bytes(&raw));
    struct evidence e;
    assert_err(evidence_parse(buf_bytes(&text), &e, NULL), E_FORMAT);
    evidence_free(&e);
    buf_free(&text);
    buf_free(&raw);
}

static void text_that_is_not_base64_is_refused(void **state)
{
    static const char *const bad[] = {"", "AAA", "AAAA====", "BAAC AIEA", "BAACAIEA\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct evidence e;
        enum err result = evidence_parse_base64(bytes_str(bad[i]), &e, NULL);
        evidence_free(&e);
        assert_true(result == E_MALFORMED || result == E_FORMAT);
    }
}

static void evidence_beyond_its_limit_is_refused(void **state)
{
    struct buf big = BUF_INIT(4 * EVIDENCE_MAX);
    struct evidence e;
    memset(buf_extend(&big, EVIDENCE_MAX + 1), 0, EVIDENCE_MAX + 1);
    assert_err(evidence_parse(buf_bytes(&big), &e, NULL), E_TOO_LARGE);
    evidence_free(&e);
    (void)buf_extend(&big, EVIDENCE_MAX);
    memset(big.p, 'A', big.n);
    assert_err(evidence_parse_base64(buf_bytes(&big), &e, NULL), E_TOO_LARGE);
    evidence_free(&e);
    buf_free(&big);
}

/* --- right --- */

static void assert_verifies(struct bytes in,
                            enum err (*read)(struct bytes, struct evidence *, struct problem *))
{
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct evidence e;
    struct claims claims;
    struct problem p = {0};
    enum err result = read(in, &e, &p);
    if (result == OK)
        result = evidence_verify(&e, &trust, &alone, AT, &claims, &p);
    if (result != OK)
        fail_msg("%s", p.detail);
    assert_string_equal((const char *)claims.report_data, "an envelope");
    evidence_free(&e);
}

static void every_form_of_the_same_evidence_verifies(void **state)
{
    static const char *const forms[][2] = {
        {"{\"quote\": \"%s\"}", "\n{ \"cc_eventlog\": null, \"quote\": \"%s\" }\n"},
        {"{\"attestation_report\": \"%s\"}",
         "{\"attestation_report\": \"%s\", \"cert_chain\": []}"},
    };
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct buf raw = simulated(p);
        assert_verifies(buf_bytes(&raw), evidence_parse);
        assert_verifies(buf_bytes(&raw), evidence_parse_file);
        for (size_t i = 0; i < 2; i++) {
            struct buf json = text_with(forms[p - PLATFORM_TDX][i], buf_bytes(&raw));
            struct buf text = text_with("%s", buf_bytes(&json)),
                       lines = text_with("%s\r\n\n", buf_bytes(&json));
            assert_verifies(buf_bytes(&json), evidence_parse);
            assert_verifies(buf_bytes(&json), evidence_parse_file);
            assert_verifies(buf_bytes(&text), evidence_parse_base64);
            assert_verifies(buf_bytes(&lines), evidence_parse_file);
            buf_free(&json);
            buf_free(&text);
            buf_free(&lines);
        }
        struct buf text = text_with("%s", buf_bytes(&raw));
        assert_verifies(buf_bytes(&text), evidence_parse_base64);
        buf_free(&text);
        buf_free(&raw);
    }
}

static void an_event_log_is_kept(void **state)
{
    struct buf raw = simulated(PLATFORM_TDX);
    struct buf json = text_with("{\"cc_eventlog\": \"bG9n\", \"quote\": \"%s\"}", buf_bytes(&raw));
    struct evidence e;
    assert_ok(evidence_parse(buf_bytes(&json), &e, NULL));
    assert_true(bytes_eq(e.event_log, bytes_str("log")));
    evidence_free(&e);
    buf_free(&json);
    buf_free(&raw);
}

/* The assembled files of guest-components' form: with AMD's CAs they verify. */
static void reports_in_fields_are_put_together(void **state)
{
    require_vectors();
    static const struct {
        const char *json, *report, *ask, *ark, *at;
    } files[] = {
        {"kbs/snp_evidence_v2_milan_vcek.json", "snp/reports/v2_Milan_VCEK_c38427a3_7c614616.bin",
         "anchors/amd_ask_milan.der", "anchors/amd_ark_milan.der", "2026-06-01"},
        {"kbs/snp_evidence_v3_milan_vlek.json", "snp/reports/v3_Milan_VLEK_00000000_decdab94.bin",
         "anchors/amd_asvk_milan.der", "anchors/amd_ark_milan.der", "2025-10-01"},
        {"kbs/snp_evidence_v5_turin_vcek.json", "snp/reports/v5_Turin_VCEK_3b42092f_3f44a09b.bin",
         "anchors/amd_ask_turin.der", "anchors/amd_ark_turin.der", "2026-06-01"},
    };
    struct evidence_trust trust = evidence_trust_vendors(false);
    for (size_t i = 0; i < 3; i++) {
        struct buf json = read_vector(files[i].json), report = read_vector(files[i].report);
        struct buf ask = read_vector(files[i].ask), ark = read_vector(files[i].ark);
        struct collateral given = {0};
        struct evidence_options options = {.no_collateral = true, .collateral = &given};
        struct claims claims;
        struct problem p = {0};
        struct evidence e;
        assert_ok(collateral_add(&given, buf_bytes(&ask), NULL));
        assert_ok(collateral_add(&given, buf_bytes(&ark), NULL));
        assert_ok(evidence_parse(buf_bytes(&json), &e, &p));
        assert_true(bytes_eq(e.body, buf_bytes(&report)));
        assert_int_equal(e.n_certs, 1);
        if (evidence_verify(&e, &trust, &options, unix_of(files[i].at), &claims, &p) != OK)
            fail_msg("%s: %s", files[i].json, p.detail);
        evidence_free(&e);
        collateral_free(&given);
        buf_free(&json);
        buf_free(&report);
        buf_free(&ask);
        buf_free(&ark);
    }
}

static void quotes_of_guest_components_verify(void **state)
{
    require_vectors();
    static const char *const files[] = {"kbs/tdx_evidence_gcp_with_ccel.json",
                                        "kbs/tdx_evidence_phala_no_ccel.json"};
    struct evidence_trust trust = evidence_trust_vendors(false);
    for (size_t i = 0; i < 2; i++) {
        struct buf json = read_vector(files[i]);
        struct claims claims;
        assert_ok(
            judge_bytes(buf_bytes(&json), &trust, &alone, unix_of("2026-06-01"), &claims, NULL));
        buf_free(&json);
    }
}

/* --- claims as JSON --- */

static void claims_as_json_have_the_fields_of_the_interface(void **state)
{
    static const char *const tdx[] = {
        "quote_version", "tee_tcb_svn", "mr_seam",      "mrsigner_seam", "td_attributes",
        "xfam",          "mrtd",        "mr_config_id", "mr_owner",      "mr_owner_config",
        "rtmr0",         "rtmr1",       "rtmr2",        "rtmr3",         "report_data",
        "debug",         "fmspc",       "ppid",         "pce_id",        NULL};
    static const char *const snp[] = {"version",      "guest_svn",     "policy",
                                      "debug",        "vmpl",          "measurement",
                                      "host_data",    "id_key_digest", "author_key_digest",
                                      "report_id",    "report_data",   "chip_id",
                                      "reported_tcb", "current_tcb",   "committed_tcb",
                                      "cpuid",        "signing_key",   NULL};
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct claims c = sim_claims(p, 1);
        json_t *v;
        assert_ok(claims_to_json(&c, &v));
        for (const char *const *name = p == PLATFORM_TDX ? tdx : snp; *name; name++)
            if (!json_member(v, *name))
                fail_msg("%s is missing", *name);
        json_free(v);
    }
}

static void absent_values_are_null_and_numbers_are_numbers(void **state)
{
    struct claims c = sim_claims(PLATFORM_SNP, 1);
    uint64_t n;
    json_t *v;
    assert_ok(claims_to_json(&c, &v));
    assert_true(json_is_nothing(json_member(json_member(v, "reported_tcb"), "fmc")));
    assert_true(json_to_uint(json_member(json_member(v, "reported_tcb"), "microcode"), &n));
    assert_int_equal(n, c.snp.reported_tcb.microcode);
    assert_true(json_to_uint(json_member(json_member(v, "cpuid"), "family"), &n));
    assert_int_equal(n, 0x19);
    assert_string_equal(json_str(json_member(v, "signing_key")), "vcek");
    json_free(v);
    c.snp.has_cpuid = false;
    assert_ok(claims_to_json(&c, &v));
    assert_true(json_is_nothing(json_member(v, "cpuid")));
    json_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_envelopes_are_refused),
        cmocka_unit_test(unknown_double_and_trailing_content_is_refused),
        cmocka_unit_test(a_report_is_no_quote),
        cmocka_unit_test(text_that_is_not_base64_is_refused),
        cmocka_unit_test(evidence_beyond_its_limit_is_refused),
        cmocka_unit_test(every_form_of_the_same_evidence_verifies),
        cmocka_unit_test(an_event_log_is_kept),
        cmocka_unit_test(reports_in_fields_are_put_together),
        cmocka_unit_test(quotes_of_guest_components_verify),
        cmocka_unit_test(claims_as_json_have_the_fields_of_the_interface),
        cmocka_unit_test(absent_values_are_null_and_numbers_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
