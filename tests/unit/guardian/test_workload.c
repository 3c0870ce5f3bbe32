#include "prog/guardian/files.h"
#include "prog/guardian/workload.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

/* The expected values are SHA-256 of the concatenations, computed with another program. */
static void assert_half(const uint8_t *half, const char *expected)
{
    char hex[65];
    hex_encode(bytes(half, 32), hex);
    assert_string_equal(hex, expected);
}

static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
static const char spki_hash[] = "614e82506390a4208d4ca6b669f24f04b681d67c646e7010c06f0cfa764ab3e0";

static void phase_1_has_no_challenge(void **state)
{
    uint8_t spki[91];
    memset(spki, 1, sizeof spki);
    struct report_data tdx = workload_phase1(PLATFORM_TDX, BYTES_OF(spki));
    assert_half(tdx.b, zero);
    assert_half(tdx.b + 32, spki_hash);
    struct report_data snp = workload_phase1(PLATFORM_SNP, BYTES_OF(spki));
    assert_true(bytes_is_zero(BYTES_OF(snp.b)));
}

static void phase_2_binds_challenge_and_keys(void **state)
{
    uint8_t spki[91], wrap[91], challenge[32];
    memset(spki, 1, sizeof spki);
    memset(wrap, 2, sizeof wrap);
    memset(challenge, 3, sizeof challenge);
    struct report_data one = workload_phase2(PLATFORM_TDX, challenge, BYTES_OF(spki), BYTES_NONE);
    assert_half(one.b, "881048280a265f12ccdde3187e4ee55de84c052a129c66531816f50ef86eed06");
    assert_half(one.b + 32, spki_hash);
    struct report_data two =
        workload_phase2(PLATFORM_SNP, challenge, BYTES_OF(spki), BYTES_OF(wrap));
    assert_half(two.b, "b6ca19d6df2a681bbada68a89c793254f5f11833e57172fd238ea4025b990c8a");
    assert_half(two.b + 32, zero);
}

static void a_key_is_made_once_and_found_again(void **state)
{
    char folder[] = "/tmp/guardian-test-XXXXXX", path[FILE_PATH_MAX];
    struct problem p = {0};
    struct workload_key made, found;
    struct stat s;
    assert_non_null(mkdtemp(folder));
    assert_ok(path_join(path, folder, "key.pem", &p));
    assert_err(workload_key_load(path, &found, &p), E_NOT_FOUND);
    assert_ok(workload_key_file(path, &made, &p));
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_ok(workload_key_file(path, &found, &p));
    assert_memory_equal(&made, &found, sizeof made);
    assert_int_equal(chmod(path, 0644), 0);
    assert_err(workload_key_file(path, &found, &p), E_NOT_ALLOWED);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phase_1_has_no_challenge),
        cmocka_unit_test(phase_2_binds_challenge_and_keys),
        cmocka_unit_test(a_key_is_made_once_and_found_again),
    };
    return cmocka_run_group_tests_name("guardian/workload", tests, NULL, NULL);
}
