#include "fakes.h"

#include "base/log.h"
#include "core/evidence/evidence.h"
#include "io/platform/device.h"

#include <errno.h>

static struct sim_machine td, guest;

/* A machine with these parts; either fake may be NULL. */
static enum err open_with(struct fake_tsm *tsm, struct fake_sev *sev, enum platform expected,
                          struct attest **out)
{
    struct device *d = calloc(1, sizeof *d);
    struct problem p = {0};
    const struct attest_device what = {expected, "test", rng_system()};
    assert_non_null(d);
    d->parts.sev_fd = -1;
    if (tsm)
        d->parts.tsm = fake_tsm_files(tsm);
    if (sev)
        d->parts.sev = fake_sev_device(sev);
    enum err e = device_open(d, &what, &p);
    if (e != OK && !p.detail[0])
        fail_msg("%s: no reason given", err_code(e));
    *out = &d->base;
    if (e != OK)
        attest_close(&d->base);
    if (e != OK && tsm)
        assert_false(tsm->is_made);
    return e;
}

static struct fake_tsm tsm_of(const struct sim_machine *m)
{
    return (struct fake_tsm){.machine = m,
                             .provider = m->claims.platform == PLATFORM_TDX ? "tdx_guest\n"
                                                                            : "sev_guest\n"};
}

static struct fake_sev sev_of(const struct sim_machine *m)
{
    return (struct fake_sev){.machine = m};
}

/* --- wrong first --- */

static void a_machine_without_tee_is_said_to_have_none(void **state)
{
    struct attest *a;
    struct fake_tsm tsm = tsm_of(&td);
    struct fake_sev sev = sev_of(&guest);
    tsm.make_error = ENXIO; /* the module is loaded, no provider */
    sev.error = ENODEV;
    assert_err(open_with(NULL, NULL, PLATFORM_NONE, &a), E_NOT_FOUND);
    assert_err(open_with(&tsm, &sev, PLATFORM_NONE, &a), E_NOT_FOUND);
}

static void another_platform_than_the_configured_one_is_refused(void **state)
{
    struct attest *a;
    struct fake_tsm tsm = tsm_of(&guest);
    struct fake_sev sev = sev_of(&guest);
    assert_err(open_with(&tsm, NULL, PLATFORM_TDX, &a), E_NOT_ALLOWED);
    assert_err(open_with(NULL, &sev, PLATFORM_TDX, &a), E_NOT_ALLOWED);
    tsm = tsm_of(&td);
    assert_err(open_with(&tsm, NULL, PLATFORM_SNP, &a), E_NOT_ALLOWED);
}

static void evidence_of_another_kind_than_the_providers_is_refused(void **state)
{
    struct attest *a;
    struct fake_tsm tsm = tsm_of(&guest);
    tsm.provider = "tdx_guest\n";
    assert_err(open_with(&tsm, NULL, PLATFORM_NONE, &a), E_IO);
}

static void evidence_over_other_bytes_is_refused(void **state)
{
    const uint8_t report_data[64] = {1};
    struct attest *a;
    struct buf out = BUF_INIT(1 << 16);
    struct fake_tsm tsm = tsm_of(&td);
    assert_ok(open_with(&tsm, NULL, PLATFORM_TDX, &a));
    tsm.lies = true;
    assert_err(attest_evidence(a, report_data, &out), E_IO);
    assert_int_equal(out.n, 0);
    attest_close(a);
    assert_err(open_with(&tsm, NULL, PLATFORM_TDX, &a), E_IO);
}

static void a_device_that_fails_is_not_passed_over(void **state)
{
    struct attest *a;
    struct fake_tsm tsm = tsm_of(&guest);
    struct fake_sev sev = sev_of(&guest);
    tsm.make_error = EACCES;
    assert_err(open_with(&tsm, &sev, PLATFORM_NONE, &a), E_NOT_ALLOWED);
    sev.error = EIO;
    assert_err(open_with(NULL, &sev, PLATFORM_NONE, &a), E_IO);
}

/* --- right --- */

/* Linux 6.7 and later give an SNP guest configfs-tsm, too, and reports of versions 4 and 5 begin
 * as quotes of these versions do. */
static void a_newer_snp_guest_is_not_taken_for_a_td(void **state)
{
    for (uint32_t version = 2; version <= 5; version++) {
        struct claims c = sim_claims(PLATFORM_SNP, 9);
        struct sim_machine m;
        struct attest *a;
        c.snp.version = version;
        c.snp.has_cpuid = version >= 3;
        c.snp.has_mitigations = version >= 5;
        if (!c.snp.has_cpuid)
            c.snp.cpuid_family = c.snp.cpuid_model = c.snp.cpuid_stepping = 0;
        assert_ok(sim_machine_init(&m, &c, NULL));
        struct fake_tsm tsm = tsm_of(&m);
        struct fake_sev sev = sev_of(&m);
        assert_ok(open_with(&tsm, &sev, PLATFORM_NONE, &a));
        assert_int_equal(attest_platform(a), PLATFORM_SNP);
        attest_close(a);
        sim_machine_free(&m);
    }
}

static void check_evidence(struct attest *a, const struct sim_machine *m)
{
    uint8_t report_data[64];
    const struct evidence_trust simulated = evidence_trust_vendors(true);
    const struct evidence_options options = {0};
    struct buf out = BUF_INIT(1 << 16);
    struct evidence e;
    struct claims c;
    memset(report_data, 0x5a, sizeof report_data);
    assert_ok(attest_evidence(a, report_data, &out));
    assert_ok(evidence_parse(buf_bytes(&out), &e, NULL));
    assert_ok(evidence_verify(&e, &simulated, &options, 1790000000, &c, NULL));
    assert_memory_equal(c.report_data, report_data, 64);
    assert_true(bytes_eq(attest_platform_id(a), claims_platform_id(&m->claims)));
    evidence_free(&e);
    buf_free(&out);
}

static void every_way_to_evidence_is_taken(void **state)
{
    struct attest *a;
    struct fake_tsm tsm = tsm_of(&td);
    struct fake_sev sev = sev_of(&guest);
    assert_ok(open_with(&tsm, NULL, PLATFORM_TDX, &a));
    check_evidence(a, &td);
    attest_close(a);
    tsm = tsm_of(&guest);
    assert_ok(open_with(&tsm, NULL, PLATFORM_SNP, &a));
    check_evidence(a, &guest);
    attest_close(a);
    assert_ok(open_with(NULL, &sev, PLATFORM_SNP, &a));
    check_evidence(a, &guest);
    attest_close(a);
}

static struct secret32 key_of(struct fake_tsm *tsm, struct fake_sev *sev, const char *context,
                              enum attest_sealing sealing)
{
    struct attest *a;
    struct secret32 key;
    assert_ok(open_with(tsm, sev, PLATFORM_NONE, &a));
    assert_int_equal(attest_sealing(a), sealing);
    assert_ok(attest_sealing_key(a, bytes_str(context), &key));
    attest_close(a);
    return key;
}

static void the_firmwares_key_seals_for_ever(void **state)
{
    struct fake_tsm tsm = tsm_of(&guest);
    struct fake_sev sev = sev_of(&guest);
    struct secret32 key = key_of(&tsm, &sev, "records", ATTEST_SEALS_FOREVER);
    struct secret32 again = key_of(NULL, &sev, "records", ATTEST_SEALS_FOREVER);
    struct secret32 other = key_of(NULL, &sev, "record", ATTEST_SEALS_FOREVER);
    assert_memory_equal(key.b, again.b, 32);
    assert_memory_not_equal(key.b, other.b, 32);
    guest.claims.snp.host_data[0] ^= 1; /* another cluster */
    other = key_of(NULL, &sev, "records", ATTEST_SEALS_FOREVER);
    assert_memory_not_equal(key.b, other.b, 32);
    guest.claims.snp.host_data[0] ^= 1;
}

static void without_one_the_key_lives_as_long_as_the_process(void **state)
{
    struct fake_tsm tsm = tsm_of(&td);
    struct attest *a;
    struct secret32 first = key_of(&tsm, NULL, "records", ATTEST_SEALS_RUN), one, two;
    assert_ok(open_with(&tsm, NULL, PLATFORM_NONE, &a));
    assert_ok(attest_sealing_key(a, bytes_str("records"), &one));
    assert_ok(attest_sealing_key(a, bytes_str("records"), &two));
    assert_memory_equal(one.b, two.b, 32);
    assert_memory_not_equal(one.b, first.b, 32);
    attest_close(a);
}

static int make_machines(void **state)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1), s = sim_claims(PLATFORM_SNP, 2);
    log_open("test", LOG_LEVEL_ERROR + 1);
    assert_ok(sim_machine_init(&td, &c, NULL));
    assert_ok(sim_machine_init(&guest, &s, NULL));
    return 0;
}

static int free_machines(void **state)
{
    sim_machine_free(&td);
    sim_machine_free(&guest);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_without_tee_is_said_to_have_none),
        cmocka_unit_test(another_platform_than_the_configured_one_is_refused),
        cmocka_unit_test(evidence_of_another_kind_than_the_providers_is_refused),
        cmocka_unit_test(evidence_over_other_bytes_is_refused),
        cmocka_unit_test(a_device_that_fails_is_not_passed_over),
        cmocka_unit_test(a_newer_snp_guest_is_not_taken_for_a_td),
        cmocka_unit_test(every_way_to_evidence_is_taken),
        cmocka_unit_test(the_firmwares_key_seals_for_ever),
        cmocka_unit_test(without_one_the_key_lives_as_long_as_the_process),
    };
    return cmocka_run_group_tests(tests, make_machines, free_machines);
}
