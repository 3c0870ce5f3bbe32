#include "base/codec/json.h"
#include "base/crypto/hash.h"
#include "core/evidence/evidence.h"
#include "core/evidence/sim/sim.h"
#include "prog/guardian/evidence_create.h"
#include "test.h"

#include <unistd.h>

static const uint8_t report_data[64] = "what to vouch for";
static char key_file[] = "/tmp/guardian-create-key-XXXXXX";
static char log_file[] = "/tmp/guardian-create-log-XXXXXX";

/* A log of one event in RTMR 0, and what the register is then. */
static void write_log(uint8_t rtmr[48])
{
    static const uint8_t first[] =
        "\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x21\0\0\0"
        "Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0";
    static const uint8_t event[] = "\1\0\0\0\7\0\0\x80\1\0\0\0\x0c";
    uint8_t both[96] = {0};
    FILE *f = fopen(log_file, "w");
    sha384(bytes_str("Boot"), both + 48);
    sha384(BYTES_OF(both), rtmr);
    fwrite(first, 1, sizeof first, f); /* the last NUL is the size of no vendor's data */
    fwrite(event, 1, sizeof event, f);
    fwrite(both + 48, 1, 48, f);
    fwrite("\4\0\0\0Boot", 1, 8, f);
    fclose(f);
}

static struct attest *machine(enum platform platform, const uint8_t rtmr0[48])
{
    struct attest_simulated s = {
        .claims = sim_claims(platform, 1), .key_file = key_file, .rng = rng_system()};
    struct attest *a;
    unlink(key_file);
    if (platform == PLATFORM_TDX) {
        memset(s.claims.tdx.rtmr, 0, sizeof s.claims.tdx.rtmr);
        memcpy(s.claims.tdx.rtmr[0], rtmr0, 48);
    }
    assert_ok(attest_open_simulated(&s, &a, NULL));
    return a;
}

static void a_log_is_refused_unless_it_is_the_quotes(void **state)
{
    static const uint8_t other[48] = {1};
    uint8_t rtmr[48];
    struct problem p = {0};
    struct buf out = BUF_INIT(EVIDENCE_MAX);
    struct attest *a = machine(PLATFORM_TDX, other);
    write_log(rtmr);
    assert_err(evidence_create(a, report_data, log_file, &out, &p), E_MEAS_MISMATCH);
    assert_err(evidence_create(a, report_data, "/nonexistent", &out, &p), E_NOT_FOUND);
    assert_err(evidence_create(a, report_data, key_file, &out, &p), E_FORMAT);
    attest_close(a);
    a = machine(PLATFORM_SNP, NULL);
    assert_err(evidence_create(a, report_data, log_file, &out, &p), E_NOT_ALLOWED);
    attest_close(a);
    assert_int_equal(out.n, 0);
}

static void evidence_is_of_these_bytes_with_and_without_a_log(void **state)
{
    uint8_t rtmr[48];
    write_log(rtmr);
    for (int i = 0; i < 3; i++) {
        struct attest *a = machine(i == 2 ? PLATFORM_SNP : PLATFORM_TDX, rtmr);
        struct buf out = BUF_INIT(EVIDENCE_MAX);
        struct evidence e;
        struct problem p = {0};
        if (evidence_create(a, report_data, i == 1 ? log_file : NULL, &out, &p) != OK)
            fail_msg("%s", p.detail);
        assert_ok(evidence_parse(buf_bytes(&out), &e, NULL));
        assert_memory_equal(e.claims.report_data, report_data, 64);
        assert_int_equal(e.event_log.n != 0, i == 1);
        evidence_free(&e);
        buf_free(&out);
        attest_close(a);
    }
}

static void a_tpms_quote_is_written_as_json(void **state)
{
    struct tpm_quote q = {.attest = BUF_INIT(16), .key = {7}};
    struct buf out = BUF_INIT(1 << 14);
    json_t *v;
    q.pcrs[4][0] = 0xab;
    assert_ok(buf_add(&q.attest, "TPM", 3));
    assert_ok(evidence_tpm_json(&q, &out));
    assert_ok(json_parse(buf_bytes(&out), 1 << 14, &v, NULL));
    assert_string_equal(json_str(json_member(v, "attest")), "VFBN");
    assert_int_equal(json_count(json_member(v, "pcrs")), TPM_N_PCRS);
    assert_memory_equal(json_str(json_member(json_member(v, "pcrs"), "4")), "ab00", 4);
    json_free(v);
    buf_free(&out);
    tpm_quote_free(&q);
}

static int make_files(void **state)
{
    close(mkstemp(key_file));
    close(mkstemp(log_file));
    return 0;
}

static int remove_files(void **state)
{
    unlink(key_file);
    return unlink(log_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_is_refused_unless_it_is_the_quotes),
        cmocka_unit_test(evidence_is_of_these_bytes_with_and_without_a_log),
        cmocka_unit_test(a_tpms_quote_is_written_as_json),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
