#include "cmd_run.h"

#include "prog/guardian/evidence_inputs.h"

/* Runs verify and compares the answer's valid, code and tcb_status (NULL: null). */
static void expect(const char *const *arguments, int exit_code, const char *code)
{
    json_t *v;
    bool valid;
    int actual = run(&v, "verify", arguments);
    assert_int_equal(actual, exit_code);
    assert_non_null(v);
    assert_true(json_to_bool(json_member(v, "valid"), &valid));
    assert_int_equal(valid, exit_code == EXIT_DONE);
    const char *found = json_str(json_member(v, "code"));
    if (code)
        assert_string_equal(found ? found : "null", code);
    else
        assert_null(found);
    assert_true(json_is_list(json_member(v, "advisories")));
    assert_non_null(json_str(json_member(v, "detail")));
    json_free(v);
}

static void vector(char out[512], const char *path)
{
    snprintf(out, 512, "%s/%s", vectors_dir(), path);
}

/* A simulated machine's evidence, and its root certificate. */
static void make_simulated(enum platform platform, bool debug, const char *name)
{
    const uint8_t report_data[64] = {0xaa, 0xbb};
    struct claims described = sim_claims(platform, 5);
    if (debug && platform == PLATFORM_TDX)
        described.tdx.td_attributes[0] |= 1;
    else if (debug)
        described.snp.policy |= 1 << 19;
    write_simulated(&described, report_data, name,
                    platform == PLATFORM_SNP ? "ark.der" : "root.pem");
}

/* --- wrong first --- */

static void unusable_command_lines_exit_with_two(void **state)
{
    json_t *v;
    make_simulated(PLATFORM_SNP, false, "snp");
    const char *snp = in_folder("snp");
    assert_int_equal(run(&v, "verify", ARGS(in_folder("nothing"))), EXIT_USAGE);
    json_free(v);
    assert_int_equal(run(&v, "verify", ARGS(snp, "--at", "yesterday")), EXIT_USAGE);
    json_free(v);
    assert_int_equal(run(&v, "verify", ARGS(snp, "--report-data", "xy")), EXIT_USAGE);
    json_free(v);
    assert_int_equal(run(&v, "verify", ARGS(snp, "--root", snp)), EXIT_USAGE);
    json_free(v);
    assert_int_equal(run(&v, "verify", ARGS(snp, "--collateral", in_folder("nothing"))),
                     EXIT_USAGE);
    json_free(v);
    assert_int_equal(run(&v, "verify", ARGS(snp, "--colour")), EXIT_USAGE);
    json_free(v);
    assert_int_equal(run(&v, "show", ARGS(in_folder("nothing"))), EXIT_USAGE);
    json_free(v);
}

static void where_is_no_tee_no_evidence_is_made(void **state)
{
    json_t *v;
    if (access("/sys/kernel/config/tsm", F_OK) == 0 || access("/dev/sev-guest", F_OK) == 0)
        skip(); /* there may be one */
    assert_int_equal(run(&v, "create", ARGS("--out", in_folder("made"))), EXIT_REFUSED);
    assert_string_equal(json_str(json_member(v, "code")), "NotFound");
    json_free(v);
    assert_int_equal(access(in_folder("made"), F_OK), -1);
    char hex[2 * 65 + 1];
    memset(hex, '0', sizeof hex - 1);
    hex[sizeof hex - 1] = 0;
    assert_int_equal(run(&v, "create", ARGS("--report-data", hex)), EXIT_USAGE);
    json_free(v);
}

static void what_is_no_evidence_is_not_valid(void **state)
{
    write_file("junk", bytes_str("this is no evidence"));
    write_file("empty", bytes_str(""));
    expect(ARGS("--no-collateral", in_folder("junk")), EXIT_REFUSED, "FormatInvalid");
    expect(ARGS("--no-collateral", in_folder("empty")), EXIT_REFUSED, "FormatInvalid");
}

static void simulated_evidence_is_refused_without_its_root(void **state)
{
    make_simulated(PLATFORM_TDX, false, "tdx");
    make_simulated(PLATFORM_SNP, false, "snp");
    expect(ARGS("--no-collateral", "--no-policy", in_folder("tdx")), EXIT_REFUSED, "ChainInvalid");
    expect(ARGS("--no-collateral", "--no-policy", in_folder("snp")), EXIT_REFUSED, "ChainInvalid");
}

static void the_default_policy_refuses_debugging(void **state)
{
    make_simulated(PLATFORM_TDX, true, "debug");
    expect(ARGS("--root", in_folder("root.pem"), in_folder("debug")), EXIT_REFUSED,
           "DebugModeNotAllowed");
    expect(ARGS("--root", in_folder("root.pem"), "--no-policy", in_folder("debug")), EXIT_DONE,
           NULL);
}

/* A record for the SNP example with one member of data replaced by `more`. */
static void write_policy(const char *name, const char *more)
{
    struct claims c = sim_claims(PLATFORM_SNP, 5);
    char hex[97], text[1024];
    hex_encode(BYTES_OF(c.snp.measurement), hex);
    snprintf(text, sizeof text,
             "{\"platform\": \"sev_snp\", \"data\": {\"measurement\": \"%s\"%s}}", hex, more);
    write_file(name, bytes_str(text));
}

static void a_given_policy_is_judged_by(void **state)
{
    json_t *v;
    make_simulated(PLATFORM_SNP, false, "snp");
    const char *snp = in_folder("snp"), *root = in_folder("ark.der");
    const char *policy = in_folder("policy");
    write_policy("policy", ", \"minimum_tcb\": {\"microcode_svn\": 255}");
    expect(ARGS("--root", root, "--policy", policy, snp), EXIT_REFUSED, "TcbTooOld");
    write_policy(
        "policy",
        ", \"host_data\": \"0101010101010101010101010101010101010101010101010101010101010101\"");
    expect(ARGS("--root", root, "--policy", policy, snp), EXIT_REFUSED, "HostDataMismatch");
    write_policy("policy", ", \"colour\": 1");
    assert_int_equal(run(&v, "verify", ARGS("--root", root, "--policy", policy, snp)), EXIT_USAGE);
    json_free(v);
    write_policy("policy", "");
    assert_int_equal(run(&v, "verify", ARGS("--no-policy", "--policy", policy, snp)), EXIT_USAGE);
    json_free(v);
    expect(ARGS("--root", root, "--policy", policy, snp), EXIT_DONE, NULL);
}

static void other_report_data_is_a_nonce_mismatch(void **state)
{
    make_simulated(PLATFORM_SNP, false, "snp");
    const char *snp = in_folder("snp"), *root = in_folder("ark.der");
    expect(ARGS("--root", root, "--report-data", "aabb", snp), EXIT_DONE, NULL);
    expect(ARGS("--root", root, "--report-data", "aabc", snp), EXIT_REFUSED, "NonceMismatch");
}

static void dates_are_judged_at_the_time_given(void **state)
{
    make_simulated(PLATFORM_SNP, false, "snp");
    const char *snp = in_folder("snp"), *root = in_folder("ark.der");
    expect(ARGS("--root", root, "--at", "2026-01-20T00:00:00Z", snp), EXIT_DONE, NULL);
    expect(ARGS("--root", root, "--at", "1500000000", snp), EXIT_REFUSED, "ChainInvalid");
    expect(ARGS("--root", root, "--at", "2051-01-20T00:00:00Z", snp), EXIT_REFUSED, "ChainInvalid");
}

/* --- right --- */

static void points_in_time_are_seconds_or_rfc_3339(void **state)
{
    static const char *const bad[] = {"", "-1", "1e9", "12 ", "2026-09-21", "9999999999999999999"};
    int64_t at;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (time_parse(bad[i], &at) == OK)
            fail_msg("%s was read", bad[i]);
    assert_ok(time_parse("0", &at));
    assert_int_equal(at, 0);
    assert_ok(time_parse("1790000000", &at));
    assert_int_equal(at, 1790000000);
    assert_ok(time_parse("2026-09-21T14:13:20Z", &at));
    assert_int_equal(at, 1790000000);
}

static void a_given_root_is_trusted_and_named(void **state)
{
    json_t *v;
    make_simulated(PLATFORM_TDX, false, "tdx");
    int code = run(&v, "verify", ARGS("--root", in_folder("root.pem"), in_folder("tdx")));
    assert_int_equal(code, EXIT_DONE);
    assert_non_null(strstr(json_str(json_member(v, "detail")), "simulated"));
    assert_string_equal(json_str(json_member(v, "tcb_status")), "UpToDate");
    assert_string_equal(json_str(json_member(v, "platform")), "tdx");
    assert_true(json_is_obj(json_member(v, "claims")));
    json_free(v);
}

static void show_says_that_nothing_is_verified(void **state)
{
    json_t *v;
    bool verified = true;
    make_simulated(PLATFORM_TDX, false, "tdx");
    assert_int_equal(run(&v, "show", ARGS(in_folder("tdx"))), EXIT_DONE);
    assert_true(json_to_bool(json_member(v, "verified"), &verified));
    assert_false(verified);
    assert_string_equal(json_str(json_member(json_member(v, "claims"), "fmspc")), "00806f050000");
    json_free(v);
}

static void check_log(const char *path, bool replays, size_t n_events)
{
    char file[512];
    json_t *v;
    bool said = !replays;
    vector(file, path);
    assert_int_equal(run(&v, "show", ARGS(file)), EXIT_DONE);
    const json_t *log = json_member(v, "event_log");
    assert_true(json_to_bool(json_member(log, "replays"), &said));
    assert_int_equal(said, replays);
    assert_int_equal(json_str(json_member(log, "problem")) == NULL, replays);
    assert_int_equal(json_count(json_member(log, "events")), n_events);
    const json_t *separator = json_item(json_member(log, "events"), 7);
    assert_string_equal(json_str(json_member(separator, "register")), "rtmr0");
    assert_string_equal(json_str(json_member(separator, "type_name")), "EV_SEPARATOR");
    assert_string_equal(json_str(json_member(separator, "data")), "bound");
    json_free(v);
}

static void events_are_shown_with_the_evidence(void **state)
{
    require_vectors();
    char file[512];
    json_t *v;
    check_log("kbs/tdx_evidence_gcp_with_ccel.json", true, 43);
    check_log("kbs/tdx_evidence_bad_ccel_of_other_td.json", false, 18);
    vector(file, "kbs/tdx_evidence_phala_no_ccel.json");
    assert_int_equal(run(&v, "show", ARGS(file)), EXIT_DONE);
    assert_true(json_is_nothing(json_member(v, "event_log")));
    json_free(v);
}

static void real_evidence_is_judged_as_the_interface_says(void **state)
{
    require_vectors();
    char quote[512], report[512], certs[512], anchors[512], collateral[512];
    vector(quote, "tdx/quotes/v4_b0c06f000000_811dca2a_f1c85033.bin");
    vector(collateral, "tdx/collateral/2025-09");
    vector(report, "snp/reports/v5_Turin_VCEK_3b42092f_3f44a09b.bin");
    vector(certs, "snp/certs");
    vector(anchors, "anchors");
    const char *at = "2026-06-01T00:00:00Z";
    expect(ARGS("--at", at, quote), EXIT_REFUSED, "CollateralMissing");
    expect(ARGS("--at", at, "--collateral", collateral, quote), EXIT_REFUSED, "CollateralExpired");
    expect(ARGS("--at", "2025-09-30T12:00:00Z", "--collateral", collateral, quote), EXIT_DONE,
           NULL);
    expect(ARGS("--at", at, "--no-collateral", quote), EXIT_DONE, NULL);
    expect(ARGS("--at", at, "--no-collateral", "--no-policy", "--no-crl", quote), EXIT_DONE, NULL);
    expect(ARGS("--at", at, "--no-collateral", report), EXIT_REFUSED, "CollateralMissing");
    expect(
        ARGS("--at", at, "--no-collateral", "--collateral", certs, "--collateral", anchors, report),
        EXIT_DONE, NULL);
    /* Turin's list among the anchors is of August 2026. */
    expect(ARGS("--at", at, "--collateral", certs, "--collateral", anchors, report), EXIT_REFUSED,
           "CollateralExpired");
    expect(ARGS("--at", at, "--no-crl", "--collateral", certs, "--collateral", anchors, report),
           EXIT_DONE, NULL);
    expect(ARGS("--at", "2026-09-01T00:00:00Z", "--collateral", certs, "--collateral", anchors,
                report),
           EXIT_DONE, NULL);
}

/* A platform behind on updates: authentic, but no default policy accepts it. */
static void an_outdated_platform_is_told_with_its_advisories(void **state)
{
    require_vectors();
    json_t *v;
    char quote[512], collateral[512];
    vector(quote, "tdx/quotes/v4_00806f050000_85d50af2_4b23198a.bin");
    vector(collateral, "tdx/collateral/2025-09");
    const char *at = "2025-09-30T12:00:00Z";
    int code = run(&v, "verify", ARGS("--at", at, "--collateral", collateral, quote));
    assert_int_equal(code, EXIT_REFUSED);
    assert_string_equal(json_str(json_member(v, "code")), "TcbStatusNotAllowed");
    assert_string_equal(json_str(json_member(v, "detail")),
                        "tcb_status: expected UpToDate, is OutOfDate (platform OutOfDate, TDX "
                        "module UpToDate, quoting enclave UpToDate)");
    json_free(v);
    code = run(&v, "verify", ARGS("--at", at, "--no-policy", "--collateral", collateral, quote));
    assert_int_equal(code, EXIT_DONE);
    assert_string_equal(json_str(json_member(v, "tcb_status")), "OutOfDate");
    json_t *advisories = json_member(v, "advisories");
    assert_int_equal(json_count(advisories), 3);
    assert_string_equal(json_str(json_item(advisories, 0)), "INTEL-SA-00960");
    json_t *claims = json_member(v, "claims");
    assert_string_equal(json_str(json_member(claims, "platform_tcb_status")), "OutOfDate");
    json_free(v);
}

static void broken_collateral_that_was_named_is_the_verdict(void **state)
{
    require_vectors();
    char quote[512], broken[512];
    vector(quote, "tdx/quotes/v4_b0c06f000000_811dca2a_f1c85033.bin");
    vector(broken, "tdx/collateral/2025-06b/neg_tcb_info_trunc.json");
    expect(ARGS("--collateral", broken, quote), EXIT_REFUSED, "FormatInvalid");
    vector(broken, "tdx/collateral/2025-06b/neg_pck_crl_trunc.der");
    expect(ARGS("--collateral", broken, quote), EXIT_REFUSED, "FormatInvalid");
    vector(broken, "tdx/collateral/2025-06b"); /* with these and other bad files among the good */
    const char *at = "2025-06-25T00:00:00Z";
    expect(ARGS("--at", at, "--collateral", broken, quote), EXIT_DONE, NULL);

    json_t *v; /* nothing for this platform is in there: perhaps it is what is broken */
    vector(quote, "tdx/quotes/v5_90c06f000000_f06984c8_d0010db6.bin");
    write_file("tcb_info.json", bytes_str("{\"tcbInfo\""));
    int code = run(&v, "verify", ARGS("--collateral", folder, quote));
    assert_int_equal(code, EXIT_REFUSED);
    assert_string_equal(json_str(json_member(v, "code")), "CollateralMissing");
    assert_non_null(strstr(json_str(json_member(v, "detail")), "; passed over: "));
    assert_non_null(strstr(json_str(json_member(v, "detail")), "tcb_info.json: JSON"));
    json_free(v);
    unlink(in_folder("tcb_info.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unusable_command_lines_exit_with_two),
        cmocka_unit_test(where_is_no_tee_no_evidence_is_made),
        cmocka_unit_test(what_is_no_evidence_is_not_valid),
        cmocka_unit_test(simulated_evidence_is_refused_without_its_root),
        cmocka_unit_test(the_default_policy_refuses_debugging),
        cmocka_unit_test(a_given_policy_is_judged_by),
        cmocka_unit_test(other_report_data_is_a_nonce_mismatch),
        cmocka_unit_test(dates_are_judged_at_the_time_given),
        cmocka_unit_test(points_in_time_are_seconds_or_rfc_3339),
        cmocka_unit_test(a_given_root_is_trusted_and_named),
        cmocka_unit_test(show_says_that_nothing_is_verified),
        cmocka_unit_test(events_are_shown_with_the_evidence),
        cmocka_unit_test(real_evidence_is_judged_as_the_interface_says),
        cmocka_unit_test(an_outdated_platform_is_told_with_its_advisories),
        cmocka_unit_test(broken_collateral_that_was_named_is_the_verdict),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
