#include "core/policy/policy.h"
#include "test.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define H16 A16 A16
#define H32 H16 H16
#define H48 H32 H16
#define H64 H32 H32
#define Z48                                                                                        \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "0000"

#define RTMRS \
    "\"rtmr0\":\"" H48 "\",\"rtmr1\":\"" H48 "\",\"rtmr2\":\"" H48 "\",\"rtmr3\":\"" H48 "\""
#define TDX              "\"mrtd\":\"" H48 "\"," RTMRS
#define SNP              "\"measurement\":\"" H48 "\""
#define TDX_RECORD(more) "{\"platform\":\"tdx\",\"data\":{" TDX more "}}"
#define SNP_RECORD(more) "{\"platform\":\"sev_snp\",\"data\":{" SNP more "}}"
#define LIMITS(more)     ",\"platform_constraints\":{" more "}"
#define MINIMUM(more)    ",\"minimum_tcb\":{" more "}"

struct refused {
    const char *text;
    enum err err;
    const char *says;
};

static void expect_refused(const struct refused *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct policy_record r;
        struct problem p = {0};
        assert_err(policy_parse(bytes_str(list[i].text), &r, &p), list[i].err);
        if (!strstr(p.detail, list[i].says))
            fail_msg("'%s' is not in '%s'", list[i].says, p.detail);
    }
}

static void records_of_another_form_are_refused(void **state)
{
    static const struct refused list[] = {
        {"", E_MALFORMED, ""},
        {"[]", E_MALFORMED, "object"},
        {"{}", E_MALFORMED, "platform"},
        {"{\"platform\":\"tdx\"}", E_MALFORMED, "data"},
        {"{\"platform\":7,\"data\":{}}", E_MALFORMED, "platform"},
        {"{\"platform\":\"sgx\",\"data\":{}}", E_VALUE, "platform"},
        {"{\"platform\":\"none\",\"data\":{}}", E_VALUE, "platform"},
        {"{\"platform\":\"tdx\",\"data\":{}}", E_MALFORMED, "mrtd"},
        {"{\"platform\":\"tdx\",\"data\":{" RTMRS "}}", E_MALFORMED, "mrtd"},
        {"{\"platform\":\"tdx\",\"data\":{" TDX "},\"x\":1}", E_MALFORMED, "'x'"},
        {"{\"platform\":\"tdx\",\"data\":{\"sev_snp\":{" SNP "}}}", E_MALFORMED, "sev_snp"},
        {"{\"platform\":\"tdx\",\"data\":{\"tdx\":{" TDX "},\"x\":1}}", E_MALFORMED, ""},
        {"{\"platform\":\"sev_snp\",\"data\":{}}", E_MALFORMED, "measurement"},
        {TDX_RECORD(",\"x\":1"), E_MALFORMED, "'x'"},
        {TDX_RECORD(",\"host_data\":\"" H32 "\""), E_MALFORMED, "host_data"},
        {TDX_RECORD(",\"debug_allowed\":1"), E_MALFORMED, "debug_allowed"},
        {TDX_RECORD(",\"minimum_tcb\":[]"), E_MALFORMED, "minimum_tcb"},
        {TDX_RECORD(MINIMUM("\"snp_svn\":1")), E_MALFORMED, "snp_svn"},
        {TDX_RECORD(MINIMUM("\"seam_svn\":-1")), E_MALFORMED, "seam_svn"},
        {TDX_RECORD(LIMITS("\"required_vmpl\":1")), E_MALFORMED, "required_vmpl"},
        {TDX_RECORD(LIMITS("\"allowed_vendor_ids\":\"x\"")), E_MALFORMED, "allowed_vendor_ids"},
        {TDX_RECORD(LIMITS("\"allowed_vendor_ids\":[1]")), E_MALFORMED, "allowed_vendor_ids[0]"},
        {TDX_RECORD(LIMITS("\"allowed_cpu_models\":[1]")), E_MALFORMED, "allowed_cpu_models[0]"},
        {TDX_RECORD(",\"allowed_tcb_status\":\"UpToDate\""), E_MALFORMED, "allowed_tcb_status"},
        {TDX_RECORD(",\"allowed_tcb_status\":[1]"), E_MALFORMED, "allowed_tcb_status[0]"},
        {TDX_RECORD(",\"allowed_advisories\":{}"), E_MALFORMED, "allowed_advisories"},
        {TDX_RECORD(",\"allowed_advisories\":[1]"), E_MALFORMED, "allowed_advisories[0]"},
        {SNP_RECORD(",\"mrtd\":\"" H48 "\""), E_MALFORMED, "mrtd"},
        {SNP_RECORD(MINIMUM("\"fmc_svn\":1")), E_MALFORMED, "fmc_svn"},
    };
    expect_refused(list, sizeof list / sizeof *list);
}

static void wrong_values_are_refused(void **state)
{
    static const struct refused list[] = {
        {"{\"platform\":\"tdx\",\"data\":{\"mrtd\":\"" H32 "\"," RTMRS "}}", E_VALUE, "mrtd"},
        {"{\"platform\":\"tdx\",\"data\":{\"mrtd\":\"" H32 A16 "zz" A16 "\"," RTMRS "}}", E_VALUE,
         "mrtd"},
        {TDX_RECORD(",\"mr_config_id\":\"\""), E_VALUE, "mr_config_id"},
        {TDX_RECORD(MINIMUM("\"seam_svn\":256")), E_VALUE, "seam_svn"},
        {TDX_RECORD(MINIMUM("\"tee_tcb_svn\":\"00\"")), E_VALUE, "tee_tcb_svn"},
        {TDX_RECORD(LIMITS("\"mr_seam\":\"00\"")), E_VALUE, "mr_seam"},
        {TDX_RECORD(LIMITS("\"allowed_vendor_ids\":[]")), E_VALUE, "allowed_vendor_ids"},
        {TDX_RECORD(LIMITS("\"allowed_vendor_ids\":[\"00\"]")), E_VALUE, "allowed_vendor_ids[0]"},
        {TDX_RECORD(LIMITS("\"allowed_cpu_models\":[]")), E_VALUE, "allowed_cpu_models"},
        {TDX_RECORD(LIMITS("\"allowed_cpu_models\":[{\"family\":6,\"model\":143,\"stepping\":8}]")),
         E_VALUE, "stepping"},
        {TDX_RECORD(LIMITS("\"allowed_cpu_models\":[{\"family\":256,\"model\":1}]")), E_VALUE,
         "family"},
        {TDX_RECORD(LIMITS("\"allowed_cpu_models\":[{\"family\":6,\"model\":256}]")), E_VALUE,
         "model"},
        {TDX_RECORD(",\"allowed_tcb_status\":[]"), E_VALUE, "allowed_tcb_status"},
        {TDX_RECORD(",\"allowed_tcb_status\":[\"uptodate\"]"), E_VALUE, "allowed_tcb_status[0]"},
        {TDX_RECORD(",\"allowed_tcb_status\":[\"Revoked\"]"), E_VALUE, "Revoked"},
        {SNP_RECORD(",\"allowed_tcb_status\":[\"UpToDate\",\"Unknown\"]"), E_VALUE, "Unknown"},
        {TDX_RECORD(",\"allowed_advisories\":[\"A\",\"B\",\"A\"]"), E_VALUE,
         "allowed_advisories has an item twice"},
        {TDX_RECORD(LIMITS("\"allowed_vendor_ids\":[\"" H16 "\",\"" H16 "\"]")), E_VALUE,
         "allowed_vendor_ids has an item twice"},
        {SNP_RECORD(LIMITS("\"allowed_chip_ids\":[\"" H64 "\",\"" H64 "\"]")), E_VALUE,
         "allowed_chip_ids has an item twice"},
        {SNP_RECORD(LIMITS("\"allowed_cpu_models\":[{\"family\":25,\"model\":1},"
                           "{\"family\":25,\"model\":1,\"stepping\":null}]")),
         E_VALUE, "allowed_cpu_models has an item twice"},
        {TDX_RECORD(",\"allowed_advisories\":[\"\"]"), E_VALUE, "allowed_advisories[0]"},
        {TDX_RECORD(",\"allowed_advisories\":[\"INTEL SA\"]"), E_VALUE, "allowed_advisories[0]"},
        {SNP_RECORD(",\"host_data\":\"00\""), E_VALUE, "host_data"},
        {SNP_RECORD(MINIMUM("\"microcode_svn\":256")), E_VALUE, "microcode_svn"},
        {SNP_RECORD(LIMITS("\"required_vmpl\":4")), E_VALUE, "required_vmpl"},
        {SNP_RECORD(LIMITS("\"id_key_digest\":\"00\"")), E_VALUE, "id_key_digest"},
        {SNP_RECORD(LIMITS("\"allowed_chip_ids\":[]")), E_VALUE, "allowed_chip_ids"},
        {SNP_RECORD(LIMITS("\"allowed_chip_ids\":[\"" H32 "\"]")), E_VALUE, "allowed_chip_ids[0]"},
    };
    expect_refused(list, sizeof list / sizeof *list);
}

static void records_that_accept_what_nobody_measured_are_refused(void **state)
{
    static const struct refused list[] = {
        {"{\"platform\":\"tdx\",\"data\":{\"mrtd\":\"" Z48 "\"," RTMRS "}}", E_VALUE, "mrtd"},
        {"{\"platform\":\"tdx\",\"data\":{\"mrtd\":\"" H48 "\",\"rtmr0\":\"" Z48
         "\",\"rtmr1\":\"" Z48 "\",\"rtmr2\":\"" Z48 "\",\"rtmr3\":\"" Z48 "\"}}",
         E_VALUE, "rtmr0"},
        {TDX_RECORD(LIMITS("\"mr_seam\":\"" Z48 "\"")), E_VALUE, "mr_seam"},
        {"{\"platform\":\"sev_snp\",\"data\":{\"measurement\":\"" Z48 "\"}}", E_VALUE,
         "measurement"},
        {SNP_RECORD(",\"host_data\":\"00000000000000000000000000000000"
                    "00000000000000000000000000000000\""),
         E_VALUE, "host_data"},
        {SNP_RECORD(LIMITS("\"allow_masked_chip_id\":true")), E_VALUE, "allow_masked_chip_id"},
        {SNP_RECORD(LIMITS("\"allowed_chip_ids\":[\"" Z48 "00000000000000000000000000000000\"]")),
         E_VALUE, "masked"},
    };
    expect_refused(list, sizeof list / sizeof *list);
}

static void a_list_beyond_its_limit_is_refused(void **state)
{
    char text[8192];
    int at = snprintf(text, sizeof text,
                      "{\"platform\":\"tdx\",\"data\":{" TDX
                      ",\"platform_constraints\":{\"allowed_vendor_ids\":[");
    for (int i = 0; i <= POLICY_VENDORS_MAX; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s\"" H16 "\"", i ? "," : "");
    snprintf(text + at, sizeof text - (size_t)at, "]}}}");
    struct refused r = {text, E_VALUE, "allowed_vendor_ids"};
    expect_refused(&r, 1);
}

static struct policy_record parsed(const char *text)
{
    struct policy_record r;
    struct problem p = {0};
    if (policy_parse(bytes_str(text), &r, &p) != OK)
        fail_msg("%s", problem_text(&p));
    return r;
}

#define FULL_TDX                                                                         \
    TDX_RECORD(",\"mr_config_id\":\"" Z48 "\",\"debug_allowed\":true,"                   \
               "\"allowed_tcb_status\":[\"SWHardeningNeeded\",\"UpToDate\"],"            \
               "\"allowed_advisories\":[\"INTEL-SA-00837\",\"INTEL-SA-00960\"]" MINIMUM( \
                   "\"seam_svn\":3,\"tee_tcb_svn\":\"" H16 "\"")                         \
                   LIMITS("\"allowed_vendor_ids\":[\"" H16 "\"],\"mr_seam\":\"" H48      \
                          "\",\"mrsigner_seam\":\"" Z48 "\",\"allowed_cpu_models\":[{"   \
                          "\"family\":6,\"model\":143,\"stepping\":null},"               \
                          "{\"family\":6,\"model\":207}]"))
#define FULL_SNP                                                                              \
    SNP_RECORD(",\"host_data\":\"" H32 "\",\"debug_allowed\":false,"                          \
               "\"allowed_advisories\":[]" MINIMUM("\"bootloader_svn\":4,\"tee_svn\":0,"      \
                                                   "\"snp_svn\":22,\"microcode_svn\":213")    \
                   LIMITS("\"allowed_chip_ids\":[\"" H64 "\"],\"allow_masked_chip_id\":true," \
                          "\"allowed_cpu_models\":[{\"family\":25,\"model\":1,"               \
                          "\"stepping\":1}],\"require_smt_disabled\":true,"                   \
                          "\"required_vmpl\":0,\"id_key_digest\":\"" Z48                      \
                          "\",\"author_key_digest\":\"" H48 "\""))

static const char *const good[] = {
    FULL_TDX,
    FULL_SNP,
    TDX_RECORD(""),
    SNP_RECORD(""),
    SNP_RECORD(",\"host_data\":null,\"minimum_tcb\":null,\"allowed_tcb_status\":null"),
};

static void every_field_is_read(void **state)
{
    struct policy_record t = parsed(FULL_TDX), s = parsed(FULL_SNP);
    assert_true(t.debug_allowed && t.tdx.has_mr_config_id && t.tdx.has_mr_seam);
    assert_true(t.tdx.has_mrsigner_seam && t.tdx.has_min_tee_tcb_svn && t.tdx.min_seam_svn.given);
    assert_int_equal(t.tdx.min_seam_svn.value, 3);
    assert_int_equal(t.tcb_statuses, 1u << TCB_UP_TO_DATE | 1u << TCB_SW_HARDENING_NEEDED);
    assert_int_equal(t.n_advisories, 2);
    assert_int_equal(t.n_models, 2);
    assert_true(t.models[0].any_stepping && t.models[1].any_stepping);
    assert_true(policy_allows_advisory(&t, "INTEL-SA-00960"));
    assert_false(policy_allows_advisory(&t, "INTEL-SA-00961"));
    assert_false(s.debug_allowed);
    assert_true(s.has_advisories && s.n_advisories == 0);
    assert_false(policy_allows_advisory(&s, "AMD-SB-3009"));
    assert_int_equal(s.snp.min_microcode.value, 213);
    assert_true(s.snp.min_tee.given && s.snp.vmpl.given && s.snp.require_smt_disabled);
    assert_true(s.snp.n_chips == 1 && s.snp.allow_masked_chip_id);
    assert_false(s.models[0].any_stepping);
}

static void what_is_absent_is_not_enforced(void **state)
{
    struct policy_record t = parsed(TDX_RECORD("")), s = parsed(good[4]);
    assert_int_equal(t.tcb_statuses, 1u << TCB_UP_TO_DATE);
    assert_int_equal(s.tcb_statuses, 1u << TCB_UP_TO_DATE);
    assert_true(policy_allows_advisory(&t, "anything"));
    assert_false(t.debug_allowed || t.tdx.has_mr_config_id || t.tdx.min_seam_svn.given);
    assert_false(s.snp.has_host_data || s.snp.vmpl.given || s.snp.has_id_key);
    assert_int_equal(t.n_models + t.tdx.n_vendors + s.snp.n_chips, 0);
}

static void the_wrapped_form_is_the_flat_one(void **state)
{
    struct policy_record a = parsed(TDX_RECORD("")),
                         b = parsed("{\"platform\":\"tdx\",\"data\":{\"tdx\":{" TDX "}}}"),
                         c = parsed(SNP_RECORD("")),
                         d = parsed("{\"platform\":\"sev_snp\",\"data\":{\"sev_snp\":{" SNP "}}}");
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_equal(&c, &d, sizeof c);
}

/* Equal records have equal bytes, however their lists were written; other orders are no encoding.
 */
static void lists_are_sets(void **state)
{
    struct policy_record a = parsed(TDX_RECORD(",\"allowed_advisories\":[\"B\",\"C\",\"A\"]")),
                         b = parsed(TDX_RECORD(",\"allowed_advisories\":[\"A\",\"B\",\"C\"]")),
                         back;
    struct buf bin = BUF_INIT(POLICY_ENCODED_MAX);
    assert_memory_equal(&a, &b, sizeof a);
    strcpy(a.advisories[0], "Z");
    assert_ok(policy_encode(&a, &bin));
    assert_err(policy_decode(buf_bytes(&bin), &back), E_MALFORMED);
    buf_free(&bin);
}

static void text_and_bytes_come_back(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct policy_record r = parsed(good[i]), back;
        struct buf text = BUF_INIT(POLICY_JSON_MAX), again = BUF_INIT(POLICY_JSON_MAX);
        struct buf bin = BUF_INIT(POLICY_ENCODED_MAX);
        assert_ok(policy_text(&r, &text));
        assert_ok(policy_parse(buf_bytes(&text), &back, NULL));
        assert_memory_equal(&r, &back, sizeof r);
        assert_ok(policy_encode(&r, &bin));
        assert_ok(policy_decode(buf_bytes(&bin), &back));
        assert_memory_equal(&r, &back, sizeof r);
        assert_ok(policy_text(&back, &again));
        assert_true(bytes_eq(buf_bytes(&text), buf_bytes(&again)));
        buf_clear(&text);
        assert_ok(policy_print(&r, &text));
        assert_ok(policy_parse(buf_bytes(&text), &back, NULL));
        assert_memory_equal(&r, &back, sizeof r);
        for (size_t n = 0; n < bin.n; n++)
            assert_err(policy_decode(bytes(bin.p, n), &back), E_MALFORMED);
        assert_ok(buf_add(&bin, "", 1));
        assert_err(policy_decode(buf_bytes(&bin), &back), E_MALFORMED);
        buf_free(&text);
        buf_free(&again);
        buf_free(&bin);
    }
}

/* Whatever is decoded is a record one could have read, in its one encoding. */
static void changed_bytes_are_refused_or_another_record(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        struct policy_record r = parsed(good[i]), back;
        struct buf bin = BUF_INIT(POLICY_ENCODED_MAX);
        assert_ok(policy_encode(&r, &bin));
        for (size_t bit = 0; bit < bin.n * 8; bit++) {
            struct buf again = BUF_INIT(POLICY_ENCODED_MAX);
            bin.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (policy_decode(buf_bytes(&bin), &back) == OK) {
                assert_ok(policy_encode(&back, &again));
                assert_true(bytes_eq(buf_bytes(&bin), buf_bytes(&again)));
            }
            bin.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            buf_free(&again);
        }
        buf_free(&bin);
    }
}

static void the_text_is_canonical(void **state)
{
    struct policy_record r = parsed(SNP_RECORD(""));
    struct buf text = BUF_INIT(POLICY_JSON_MAX);
    assert_ok(policy_text(&r, &text));
    assert_ok(buf_add(&text, "", 1));
    assert_string_equal(text.p, "{\"data\":{\"debug_allowed\":false,\"measurement\":\"" H48
                                "\",\"minimum_tcb\":{},\"platform_constraints\":{}},"
                                "\"platform\":\"sev_snp\"}");
    buf_free(&text);
}

/* One field a line, what is not enforced as null: what differs between two records is one line. */
static void the_print_shows_every_field(void **state)
{
    struct policy_record r = parsed(SNP_RECORD(MINIMUM("\"snp_svn\":22") LIMITS(
        "\"allowed_chip_ids\":[\"" H64 "\"],\"allowed_cpu_models\":["
        "{\"family\":26,\"model\":2},{\"family\":25,\"model\":1,"
        "\"stepping\":1}]")));
    struct buf text = BUF_INIT(POLICY_JSON_MAX);
    assert_ok(policy_print(&r, &text));
    assert_ok(buf_add(&text, "", 1));
    assert_string_equal(text.p, "{\n"
                                "  \"data\": {\n"
                                "    \"measurement\": \"" H48 "\",\n"
                                "    \"host_data\": null,\n"
                                "    \"minimum_tcb\": {\n"
                                "      \"bootloader_svn\": null,\n"
                                "      \"tee_svn\": null,\n"
                                "      \"snp_svn\": 22,\n"
                                "      \"microcode_svn\": null\n"
                                "    },\n"
                                "    \"platform_constraints\": {\n"
                                "      \"allowed_chip_ids\": [\n"
                                "        \"" H64 "\"\n"
                                "      ],\n"
                                "      \"allow_masked_chip_id\": false,\n"
                                "      \"allowed_cpu_models\": [\n"
                                "        {\n"
                                "          \"family\": 25,\n"
                                "          \"model\": 1,\n"
                                "          \"stepping\": 1\n"
                                "        },\n"
                                "        {\n"
                                "          \"family\": 26,\n"
                                "          \"model\": 2,\n"
                                "          \"stepping\": null\n"
                                "        }\n"
                                "      ],\n"
                                "      \"require_smt_disabled\": false,\n"
                                "      \"required_vmpl\": null,\n"
                                "      \"id_key_digest\": null,\n"
                                "      \"author_key_digest\": null\n"
                                "    },\n"
                                "    \"debug_allowed\": false,\n"
                                "    \"allowed_tcb_status\": [\n"
                                "      \"UpToDate\"\n"
                                "    ],\n"
                                "    \"allowed_advisories\": null\n"
                                "  },\n"
                                "  \"platform\": \"sev_snp\"\n"
                                "}\n");
    buf_free(&text);
}

static void expect_hash(const char *record, const char *hex)
{
    char text[65];
    struct policy_record r = parsed(record);
    hex_encode(BYTES_OF(policy_measurement_hash(&r).b), text);
    assert_string_equal(text, hex);
}

/* Computed with Python's hashlib. */
static void the_measurement_hash_is_the_published_one(void **state)
{
    expect_hash(TDX_RECORD(""), "1052ae7ed79c25c278caa51190d294ed118568138695679b4eef6ede6a0a75fd");
    expect_hash(SNP_RECORD(""), "dd659f8a49133759d495ee5d15262cdc0050f9027e20c7bed3e0599e27adec4b");
    expect_hash(SNP_RECORD(",\"host_data\":\"" H32 "\""),
                "306f602ee077a9418ed34a51f5db69c0c8d507b98a21ce892b79e32b2318b231");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_another_form_are_refused),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(records_that_accept_what_nobody_measured_are_refused),
        cmocka_unit_test(a_list_beyond_its_limit_is_refused),
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(what_is_absent_is_not_enforced),
        cmocka_unit_test(the_wrapped_form_is_the_flat_one),
        cmocka_unit_test(lists_are_sets),
        cmocka_unit_test(text_and_bytes_come_back),
        cmocka_unit_test(changed_bytes_are_refused_or_another_record),
        cmocka_unit_test(the_text_is_canonical),
        cmocka_unit_test(the_print_shows_every_field),
        cmocka_unit_test(the_measurement_hash_is_the_published_one),
    };
    return cmocka_run_group_tests_name("policy records", tests, NULL, NULL);
}
