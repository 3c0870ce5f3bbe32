#include "core/evidence/sim/software.h"
#include "prog/guardian/simulate.h"
#include "test.h"

static void words_of_the_command_line_name_platforms(void **state)
{
    assert_int_equal(simulate_platform("tdx"), PLATFORM_TDX);
    assert_int_equal(simulate_platform("snp"), PLATFORM_SNP);
    assert_int_equal(simulate_platform("sev_snp"), PLATFORM_NONE);
    assert_int_equal(simulate_platform(""), PLATFORM_NONE);
}

static void software_decides_measurements_and_machines_decide_ids(void **state)
{
    static const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    for (size_t i = 0; i < 2; i++) {
        struct claims a = sim_software_claims(platforms[i], "app-1", "m1");
        struct claims same = sim_software_claims(platforms[i], "app-1", "m1");
        struct claims software = sim_software_claims(platforms[i], "app-2", "m1");
        struct claims machine = sim_software_claims(platforms[i], "app-1", "m2");
        assert_memory_equal(&a, &same, sizeof a);
        assert_false(hash32_eq(a.measurement_hash, software.measurement_hash));
        assert_true(hash32_eq(a.measurement_hash, machine.measurement_hash));
        assert_true(bytes_eq(claims_platform_id(&a), claims_platform_id(&software)));
        assert_false(bytes_eq(claims_platform_id(&a), claims_platform_id(&machine)));
    }
}

/* A record names every register that the claims have, so no other software fits it. */
static void a_record_holds_what_the_machine_reports(void **state)
{
    static const char *const names[] = {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    json_t *record;
    char hex[97];
    struct claims tdx = sim_software_claims(PLATFORM_TDX, "app-1", "m");
    assert_ok(simulate_record("tdx", "app-1", &record));
    const json_t *data = json_member(record, "data");
    assert_string_equal(json_str(json_member(record, "platform")), "tdx");
    assert_int_equal(json_count(data), 5);
    for (size_t i = 0; i < 5; i++) {
        hex_encode(bytes(i ? tdx.tdx.rtmr[i - 1] : tdx.tdx.mrtd, 48), hex);
        assert_string_equal(json_str(json_member(data, names[i])), hex);
    }
    json_free(record);

    struct claims snp = sim_software_claims(PLATFORM_SNP, "app-1", "m");
    assert_ok(simulate_record("snp", "app-1", &record));
    hex_encode(BYTES_OF(snp.snp.measurement), hex);
    assert_string_equal(json_str(json_member(json_member(record, "data"), "measurement")), hex);
    json_free(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_the_command_line_name_platforms),
        cmocka_unit_test(software_decides_measurements_and_machines_decide_ids),
        cmocka_unit_test(a_record_holds_what_the_machine_reports),
    };
    return cmocka_run_group_tests_name("guardian/simulate", tests, NULL, NULL);
}
