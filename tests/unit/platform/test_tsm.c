#include "fakes.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static struct sim_machine td, guest;

static struct fake_tsm fake(enum platform platform)
{
    return (struct fake_tsm){.machine = platform == PLATFORM_TDX ? &td : &guest,
                             .provider = platform == PLATFORM_TDX ? "tdx_guest\n" : "sev_guest\n"};
}

static enum err open_fake(struct fake_tsm *f, struct tsm *t)
{
    struct problem p = {0};
    enum err e = tsm_open(fake_tsm_files(f), "test", t, &p);
    if (e != OK && !p.detail[0])
        fail_msg("%s: no reason given", err_code(e));
    if (e != OK)
        assert_false(f->is_made);
    return e;
}

/* The whole way; frees nothing but `t`. */
static enum err report(struct fake_tsm *f, struct buf *out)
{
    const uint8_t report_data[64] = "what to vouch for";
    struct tsm t;
    struct problem p = {0};
    assert_ok(open_fake(f, &t));
    enum err e = tsm_report(&t, report_data, out, &p);
    if (e != OK && !p.detail[0])
        fail_msg("%s: no reason given", err_code(e));
    tsm_close(&t);
    assert_false(f->is_made);
    return e;
}

static void expect_report(struct fake_tsm *f, enum err expected)
{
    struct buf out = BUF_INIT(1 << 16);
    assert_err(report(f, &out), expected);
    assert_int_equal(out.n != 0, expected == OK);
    buf_free(&out);
}

/* --- wrong first --- */

static void a_machine_without_a_provider_is_no_tee(void **state)
{
    static const int errors[] = {ENOENT, ENXIO, ENOTTY, ENODEV};
    struct tsm t;
    for (size_t i = 0; i < 4; i++) {
        struct fake_tsm f = fake(PLATFORM_TDX);
        f.make_error = errors[i];
        assert_err(open_fake(&f, &t), E_NOT_FOUND);
    }
    struct fake_tsm f = fake(PLATFORM_TDX);
    f.provider = NULL;
    assert_err(open_fake(&f, &t), E_NOT_FOUND);
}

static void lacking_rights_are_told_from_a_lacking_tee(void **state)
{
    struct fake_tsm f = fake(PLATFORM_TDX);
    struct tsm t;
    f.make_error = EACCES;
    assert_err(open_fake(&f, &t), E_NOT_ALLOWED);
}

static void an_unknown_provider_is_refused_by_name(void **state)
{
    static const char *const names[] = {"", "\n", "arm_cca_guest\n", "tdx_guest2\n", "TDX_GUEST\n"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct fake_tsm f = fake(PLATFORM_TDX);
        struct tsm t;
        f.provider = names[i];
        assert_err(open_fake(&f, &t), E_NOT_ALLOWED);
    }
}

static void a_provider_that_never_ends_is_an_error(void **state)
{
    char name[200];
    struct fake_tsm f = fake(PLATFORM_TDX);
    struct tsm t;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    f.provider = name;
    assert_err(open_fake(&f, &t), E_IO);
}

static void a_failing_attribute_fails_the_report(void **state)
{
    static const struct {
        const char *attribute;
        int error;
        enum err expected;
    } cases[] = {
        {"generation", ENOENT, E_IO},    {"generation", EIO, E_IO},
        {"inblob", EBUSY, E_IO},         {"outblob", ETIMEDOUT, E_IO},
        {"outblob", EIO, E_IO},          {"auxblob", EIO, E_IO},
        {"outblob", ENXIO, E_NOT_FOUND}, {"inblob", EACCES, E_NOT_ALLOWED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake_tsm f = fake(PLATFORM_SNP);
        f.fails_at = cases[i].attribute;
        f.error = cases[i].error;
        expect_report(&f, cases[i].expected);
    }
}

static void who_writes_all_the_time_is_not_waited_for(void **state)
{
    struct fake_tsm f = fake(PLATFORM_TDX);
    f.races = 1000;
    expect_report(&f, E_IO);
    assert_true(f.races > 900);
}

/* --- right --- */

static void a_report_that_others_wrote_into_is_asked_for_again(void **state)
{
    for (int platform = PLATFORM_TDX; platform <= PLATFORM_SNP; platform++) {
        const uint8_t report_data[64] = "what to vouch for";
        struct buf expected = BUF_INIT(1 << 16), out = BUF_INIT(1 << 16);
        struct fake_tsm f = fake((enum platform)platform);
        f.races = 3;
        assert_ok(report(&f, &out));
        assert_int_equal(f.races, 0);
        assert_ok(sim_machine_evidence(f.machine, report_data, &expected));
        assert_true(bytes_eq(buf_bytes(&out), buf_bytes(&expected)));
        buf_free(&out);
        buf_free(&expected);
    }
}

static void a_host_without_certificates_gives_a_bare_report(void **state)
{
    struct buf out = BUF_INIT(1 << 16);
    struct fake_tsm f = fake(PLATFORM_SNP);
    f.fails_at = "auxblob";
    f.error = ENOENT;
    assert_ok(report(&f, &out));
    assert_int_equal(out.n, 1184);
    buf_free(&out);
}

static void the_provider_says_what_the_machine_is(void **state)
{
    for (int platform = PLATFORM_TDX; platform <= PLATFORM_SNP; platform++) {
        struct fake_tsm f = fake((enum platform)platform);
        struct tsm t;
        assert_ok(open_fake(&f, &t));
        assert_int_equal(t.platform, platform);
        tsm_close(&t);
    }
}

static void the_least_allowed_privilege_level_is_asked_for(void **state)
{
    struct fake_tsm f = fake(PLATFORM_SNP);
    f.floor = "2\n";
    expect_report(&f, OK);
    assert_string_equal(f.privlevel, "2");
}

/* --- the real files, in a folder that is no configfs --- */

static char folder[] = "/tmp/guardian-tsm-XXXXXX";

static void write_file(const char *name, const char *content)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void a_folder_that_is_not_there_is_no_tee(void **state)
{
    struct tsm_folder f = {.folder = "/nonexistent/report"};
    struct tsm t;
    assert_err(tsm_open(tsm_folder_files(&f), "x", &t, NULL), E_NOT_FOUND);
    assert_err(tsm_open(tsm_folder_files(&f), "x", &t, NULL), E_NOT_FOUND);
}

static void an_entry_is_made_and_removed(void **state)
{
    char path[128];
    struct tsm_folder f = {.folder = folder};
    struct tsm_files files = tsm_folder_files(&f);
    snprintf(path, sizeof path, "%s/mine", folder);
    assert_int_equal(files.make(files.ctx, "mine"), 0);
    assert_int_equal(access(path, F_OK), 0);
    files.remove(files.ctx);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(mkdir(path, 0700), 0); /* somebody else's: used, not removed */
    assert_int_equal(files.make(files.ctx, "mine"), 0);
    files.remove(files.ctx);
    assert_int_equal(access(path, F_OK), 0);
}

static void attributes_are_read_and_written_whole(void **state)
{
    struct tsm_folder f = {.folder = folder};
    struct tsm_files files = tsm_folder_files(&f);
    struct buf got = BUF_INIT(8);
    assert_int_equal(files.make(files.ctx, "entry"), 0);
    assert_int_equal(files.read(files.ctx, "outblob", &got), ENOENT);
    assert_int_equal(files.write(files.ctx, "inblob", bytes_str("x")), ENOENT); /* made by none */
    write_file("entry/inblob", "");
    write_file("entry/outblob", "12345678");
    assert_int_equal(files.write(files.ctx, "inblob", bytes_str("abcd")), 0);
    assert_int_equal(files.read(files.ctx, "inblob", &got), 0);
    assert_true(bytes_eq(buf_bytes(&got), bytes_str("abcd")));
    buf_clear(&got);
    assert_int_equal(files.read(files.ctx, "outblob", &got), 0);
    assert_int_equal(got.n, 8);
    assert_int_equal(files.read(files.ctx, "outblob", &got), EFBIG);
    files.remove(files.ctx);
    buf_free(&got);
}

static int make_machines(void **state)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1), s = sim_claims(PLATFORM_SNP, 2);
    assert_ok(sim_machine_init(&td, &c, NULL));
    assert_ok(sim_machine_init(&guest, &s, NULL));
    return make_folder(state);
}

static int free_machines(void **state)
{
    sim_machine_free(&td);
    sim_machine_free(&guest);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_without_a_provider_is_no_tee),
        cmocka_unit_test(lacking_rights_are_told_from_a_lacking_tee),
        cmocka_unit_test(an_unknown_provider_is_refused_by_name),
        cmocka_unit_test(a_provider_that_never_ends_is_an_error),
        cmocka_unit_test(a_failing_attribute_fails_the_report),
        cmocka_unit_test(who_writes_all_the_time_is_not_waited_for),
        cmocka_unit_test(a_report_that_others_wrote_into_is_asked_for_again),
        cmocka_unit_test(a_host_without_certificates_gives_a_bare_report),
        cmocka_unit_test(the_provider_says_what_the_machine_is),
        cmocka_unit_test(the_least_allowed_privilege_level_is_asked_for),
        cmocka_unit_test(a_folder_that_is_not_there_is_no_tee),
        cmocka_unit_test(an_entry_is_made_and_removed),
        cmocka_unit_test(attributes_are_read_and_written_whole),
    };
    return cmocka_run_group_tests(tests, make_machines, free_machines);
}
