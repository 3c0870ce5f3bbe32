#include "fakes.h"

#include "core/evidence/evidence.h"

#include <errno.h>
#include <linux/sev-guest.h>

static struct sim_machine guest;

static enum err open_fake(struct fake_sev *f, struct sev *s)
{
    struct problem p = {0};
    enum err e = sev_open(fake_sev_device(f), s, &p);
    if (e != OK && !p.detail[0])
        fail_msg("%s: no reason given", err_code(e));
    return e;
}

static struct fake_sev fake(void)
{
    return (struct fake_sev){.machine = &guest};
}

static void numbers_are_the_kernels(void **state)
{
    static const uint32_t expected[] = {0xc0205300, 0xc0205302, 0xc0205301};
    assert_memory_equal(sev_ioctls, expected, sizeof expected);
    assert_int_equal(sizeof(struct snp_guest_request_ioctl), 32);
    assert_int_equal(sizeof(struct snp_ext_report_req), 112);
    assert_int_equal(sizeof(struct snp_derived_key_req), 32);
}

static void failures_are_told_apart(void **state)
{
    static const struct {
        int error;
        enum err expected;
    } cases[] = {{ENOTTY, E_NOT_FOUND},  {ENODEV, E_NOT_FOUND}, {EACCES, E_NOT_ALLOWED},
                 {EPERM, E_NOT_ALLOWED}, {EIO, E_IO},           {EINTR, E_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_sev f = fake();
        struct sev s;
        f.error = cases[i].error;
        assert_err(open_fake(&f, &s), cases[i].expected);
    }
}

static void what_the_firmware_refuses_is_an_error(void **state)
{
    struct fake_sev f = fake();
    struct sev s;
    struct secret32 key;
    struct buf out = BUF_INIT(1 << 16);
    assert_ok(open_fake(&f, &s));
    f.status = 0x16;
    assert_err(sev_report(&s, guest.claims.report_data, &out, NULL), E_IO);
    assert_int_equal(out.n, 0);
    f.status = 0x27;
    assert_err(sev_derived_key(&s, &key, NULL), E_IO);
}

static void a_report_comes_with_the_hosts_certificates(void **state)
{
    const uint8_t report_data[64] = "what to vouch for";
    struct fake_sev f = fake();
    struct sev s;
    struct buf out = BUF_INIT(1 << 16);
    struct evidence e;
    f.interrupted = 3;
    assert_ok(open_fake(&f, &s));
    assert_ok(sev_report(&s, report_data, &out, NULL));
    assert_ok(evidence_parse(buf_bytes(&out), &e, NULL));
    assert_int_equal(e.platform, PLATFORM_SNP);
    assert_memory_equal(e.claims.report_data, report_data, 64);
    assert_true(e.n_certs >= 1);
    evidence_free(&e);
    buf_free(&out);
}

static void a_host_that_gives_none_gives_a_bare_report(void **state)
{
    struct sev s;
    struct buf out = BUF_INIT(1 << 16);
    struct fake_sev f = fake();
    f.no_certificates = true;
    assert_ok(open_fake(&f, &s));
    assert_ok(sev_report(&s, guest.claims.report_data, &out, NULL));
    assert_int_equal(out.n, 1184);
    buf_clear(&out);
    f = fake();
    f.extended_error = EIO;
    assert_ok(open_fake(&f, &s));
    assert_ok(sev_report(&s, guest.claims.report_data, &out, NULL));
    assert_int_equal(out.n, 1184);
    buf_free(&out);
}

static void the_most_privileged_level_that_may_be_asked_is_found(void **state)
{
    for (uint32_t level = 0; level <= 4; level++) {
        struct fake_sev f = fake();
        struct sev s;
        struct secret32 key;
        f.level = level;
        assert_err(open_fake(&f, &s), level < 4 ? OK : E_IO);
        if (level == 4)
            continue;
        assert_int_equal(s.vmpl, level);
        assert_ok(sev_derived_key(&s, &key, NULL));
    }
}

static void the_key_is_of_measurement_and_policy(void **state)
{
    struct fake_sev f = fake();
    struct sev s;
    struct secret32 key, other;
    assert_ok(open_fake(&f, &s));
    assert_ok(sev_derived_key(&s, &key, NULL));
    assert_int_equal(f.fields, 0x9);
    guest.claims.snp.measurement[7] ^= 1;
    assert_ok(sev_derived_key(&s, &other, NULL));
    assert_memory_not_equal(key.b, other.b, 32);
    guest.claims.snp.measurement[7] ^= 1;
    guest.claims.snp.policy ^= 1 << 19;
    assert_ok(sev_derived_key(&s, &other, NULL));
    assert_memory_not_equal(key.b, other.b, 32);
    guest.claims.snp.policy ^= 1 << 19;
    assert_ok(sev_derived_key(&s, &other, NULL));
    assert_memory_equal(key.b, other.b, 32);
}

static int make_machine(void **state)
{
    struct claims c = sim_claims(PLATFORM_SNP, 2);
    return sim_machine_init(&guest, &c, NULL) == OK ? 0 : -1;
}

static int free_machine(void **state)
{
    sim_machine_free(&guest);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_the_kernels),
        cmocka_unit_test(failures_are_told_apart),
        cmocka_unit_test(what_the_firmware_refuses_is_an_error),
        cmocka_unit_test(a_report_comes_with_the_hosts_certificates),
        cmocka_unit_test(a_host_that_gives_none_gives_a_bare_report),
        cmocka_unit_test(the_most_privileged_level_that_may_be_asked_is_found),
        cmocka_unit_test(the_key_is_of_measurement_and_policy),
    };
    return cmocka_run_group_tests(tests, make_machine, free_machine);
}
