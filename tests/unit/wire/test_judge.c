#include "core/evidence/sim/sim.h"
#include "prog/guardiand/judge.h"
#include "prog/guardiand/machine.h"
#include "test.h"

#define UNIX_S 1790000000

static struct config_simulated machine(enum platform platform, uint32_t version)
{
    return (struct config_simulated){
        .platform = platform, .software = "app", .machine = "m1", .quote_version = version};
}

static struct buf evidence_of(const struct config_simulated *s)
{
    struct sim_machine m;
    struct claims claims = machine_claims(s);
    struct buf out = BUF_INIT(64 << 10);
    const uint8_t report_data[64] = {1, 2, 3};
    assert_ok(sim_machine_init(&m, &claims, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &out));
    sim_machine_free(&m);
    return out;
}

static void what_is_no_evidence_is_refused(void **state)
{
    const struct bytes wrong[] = {BYTES_NONE, bytes_str("x"), bytes_str("{}"),
                                  bytes_str("{\"quote\": 7}")};
    struct claims c;
    struct problem p = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_true(judge_evidence(wrong[i], true, UNIX_S, &c, &p) != OK);
}

static void evidence_cut_short_or_changed_is_refused(void **state)
{
    struct config_simulated s = machine(PLATFORM_TDX, 0);
    struct buf b = evidence_of(&s);
    struct claims c;
    for (size_t n = 0; n < 700; n += 7)
        assert_true(judge_evidence(bytes(b.p, n), true, UNIX_S, &c, NULL) != OK);
    b.p[600] ^= 1; /* in REPORTDATA */
    assert_err(judge_evidence(buf_bytes(&b), true, UNIX_S, &c, NULL), E_SIGNATURE);
    buf_free(&b);
}

static void simulated_evidence_is_refused_without_simulation(void **state)
{
    const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    for (size_t i = 0; i < 2; i++) {
        struct config_simulated s = machine(platforms[i], 0);
        struct buf b = evidence_of(&s);
        struct claims c;
        assert_err(judge_evidence(buf_bytes(&b), false, UNIX_S, &c, NULL), E_CHAIN);
        buf_free(&b);
    }
}

static void every_version_that_the_configuration_knows_is_accepted(void **state)
{
    for (uint32_t version = 0; version <= 5; version++) {
        for (enum platform platform = PLATFORM_TDX; platform <= PLATFORM_SNP; platform++) {
            struct config_simulated s = machine(platform, version);
            struct claims c, expected = machine_claims(&s);
            if (version == 1 || (platform == PLATFORM_TDX && version && version < 4))
                continue;
            struct buf b = evidence_of(&s);
            assert_ok(judge_evidence(buf_bytes(&b), true, UNIX_S, &c, NULL));
            assert_true(c.simulated);
            assert_int_equal(c.report_data[2], 3);
            assert_memory_equal(c.measurement_hash.b, expected.measurement_hash.b, 32);
            assert_true(bytes_eq(claims_platform_id(&c), claims_platform_id(&expected)));
            buf_free(&b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_evidence_is_refused),
        cmocka_unit_test(evidence_cut_short_or_changed_is_refused),
        cmocka_unit_test(simulated_evidence_is_refused_without_simulation),
        cmocka_unit_test(every_version_that_the_configuration_knows_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
