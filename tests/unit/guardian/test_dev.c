#include "core/state/genesis.h"
#include "prog/guardian/dev.h"
#include "test.h"

#include <unistd.h>

static struct dev example(void)
{
    struct dev d = {.dir = "/tmp/a \"quoted\" folder", .base_port = 8440, .n = 4, .founders = 3};
    static const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP, PLATFORM_TDX,
                                              PLATFORM_SNP};
    memcpy(d.platforms, platforms, sizeof platforms);
    return d;
}

static void example_admins(struct sig_public out[static DEV_ADMINS])
{
    for (size_t i = 0; i < DEV_ADMINS; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        struct sig_secret secret;
        sig_from_seed(seed, &secret, &out[i]);
    }
}

static void ports_are_the_published_ones(void **state)
{
    struct dev d = example();
    assert_int_equal(dev_port(&d, 0, DEV_API), 8443);
    assert_int_equal(dev_port(&d, 0, DEV_PEERS), 8444);
    assert_int_equal(dev_port(&d, 2, DEV_OBSERVABILITY), 8465);
}

static void the_genesis_is_one_that_guardians_accept(void **state)
{
    struct dev d = example();
    struct sig_public admins[DEV_ADMINS];
    struct buf text = BUF_INIT(GENESIS_MAX);
    struct genesis g;
    struct problem p = {0};
    example_admins(admins);
    assert_ok(dev_genesis(&d, admins, &text));
    enum err e = genesis_parse(buf_bytes(&text), &g, &p);
    if (e != OK)
        fail_msg("%s", p.detail);
    assert_true(g.simulation);
    assert_string_equal(g.trust_domain, DEV_TRUST_DOMAIN);
    assert_int_equal(g.n_seats, 3);
    assert_int_equal(g.n_measurements, 2);
    assert_int_equal(g.n_admins, DEV_ADMINS);
    assert_int_equal(g.admin_quorum, DEV_QUORUM);
    assert_false(g.has_f);
    genesis_free(&g);
    buf_clear(&text);
    d.has_f = true;
    assert_ok(dev_genesis(&d, admins, &text));
    assert_ok(genesis_parse(buf_bytes(&text), &g, &p));
    assert_true(g.has_f);
    assert_int_equal(g.f, 0);
    genesis_free(&g);
    buf_free(&text);
}

static void every_guardian_has_a_machine_of_its_own(void **state)
{
    struct dev d = example();
    for (size_t i = 0; i < d.n; i++)
        for (size_t k = 0; k < i; k++) {
            struct dev_seat a = dev_seat(&d, i), b = dev_seat(&d, k);
            assert_string_not_equal(a.platform_id, b.platform_id);
            assert_string_not_equal(a.operator, b.operator);
            assert_int_not_equal(a.gid, b.gid);
        }
    assert_int_equal(strlen(dev_seat(&d, 0).platform_id), 32);
    assert_int_equal(strlen(dev_seat(&d, 1).platform_id), 128);
}

static void a_folder_survives_its_file(void **state)
{
    struct dev d = example(), back;
    struct problem p = {0};
    char folder[] = "/tmp/guardian-test-XXXXXX", path[FILE_PATH_MAX];
    assert_non_null(mkdtemp(folder));
    snprintf(d.dir, sizeof d.dir, "%s", folder);
    assert_err(dev_load(folder, &back, &p), E_NOT_FOUND);
    assert_ok(dev_save(&d, &p));
    assert_ok(dev_load(folder, &back, &p));
    assert_int_equal(back.n, d.n);
    assert_int_equal(back.founders, d.founders);
    assert_int_equal(back.base_port, d.base_port);
    assert_memory_equal(back.platforms, d.platforms, sizeof d.platforms);
    assert_ok(path_join(path, folder, "dev.json", &p));
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ports_are_the_published_ones),
        cmocka_unit_test(the_genesis_is_one_that_guardians_accept),
        cmocka_unit_test(every_guardian_has_a_machine_of_its_own),
        cmocka_unit_test(a_folder_survives_its_file),
    };
    return cmocka_run_group_tests_name("guardian/dev", tests, NULL, NULL);
}
