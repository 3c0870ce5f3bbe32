#include "core/evidence/evidence.h"
#include "core/evidence/sim/sim.h"
#include "io/platform/attest.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[64], key_file[96];

static int make_folder(void **state)
{
    strcpy(folder, "/tmp/guardian-attest-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(key_file, sizeof key_file, "%s/platform.key", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(key_file);
    return rmdir(folder);
}

static struct attest_simulated machine(enum platform platform, uint64_t n)
{
    return (struct attest_simulated){.claims = sim_claims(platform, n),
                                     .cluster_id = sha256(bytes_str("genesis")),
                                     .key_file = key_file,
                                     .rng = rng_system()};
}

static struct attest *open_machine(struct attest_simulated s)
{
    struct attest *a;
    struct problem p = {0};
    if (attest_open_simulated(&s, &a, &p) != OK)
        fail_msg("%s", p.detail);
    return a;
}

static struct secret32 key_of(struct attest_simulated s, const char *context)
{
    struct attest *a = open_machine(s);
    struct secret32 key;
    assert_ok(attest_sealing_key(a, bytes_str(context), &key));
    attest_close(a);
    return key;
}

static void write_file(const char *path, size_t n)
{
    FILE *f = fopen(path, "w");
    for (size_t i = 0; i < n; i++)
        fputc('k', f);
    fclose(f);
}

static void a_damaged_key_file_is_refused_and_kept(void **state)
{
    static const size_t sizes[] = {0, 31, 33};
    for (size_t i = 0; i < 3; i++) {
        struct attest_simulated s = machine(PLATFORM_TDX, 1);
        struct attest *a;
        struct problem p;
        struct stat info;
        write_file(key_file, sizes[i]);
        assert_err(attest_open_simulated(&s, &a, &p), E_MALFORMED);
        assert_null(a);
        assert_int_equal(stat(key_file, &info), 0);
        assert_int_equal(info.st_size, sizes[i]);
    }
}

static void a_machine_that_cannot_be_is_refused(void **state)
{
    struct attest_simulated s = machine(PLATFORM_TDX, 1);
    struct attest *a;
    struct problem p;
    s.claims.tdx.quote_version = 9;
    assert_err(attest_open_simulated(&s, &a, &p), E_VALUE);
    s = machine(PLATFORM_TDX, 1);
    s.key_file = "/nonexistent/platform.key";
    assert_err(attest_open_simulated(&s, &a, &p), E_IO);
}

static void a_machine_without_devices_says_so(void **state)
{
    const struct attest_device any = {PLATFORM_NONE, "test", rng_system()};
    struct attest *a;
    struct problem p;
    if (access("/sys/kernel/config/tsm", F_OK) == 0 || access("/dev/sev-guest", F_OK) == 0)
        skip(); /* it may have some */
    assert_err(attest_open_device(&any, &a, &p), E_NOT_FOUND);
    assert_null(a);
    assert_non_null(strstr(p.detail, "no TDX or SEV-SNP guest"));
}

static void evidence_is_believed_only_with_the_simulation_and_names_the_cluster(void **state)
{
    static const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    struct evidence_trust real = evidence_trust_vendors(false);
    struct evidence_trust simulated = evidence_trust_vendors(true);
    struct evidence_options options = {0};
    struct hash32 cluster = sha256(bytes_str("genesis"));
    uint8_t report_data[64];
    memset(report_data, 0x5a, sizeof report_data);
    for (size_t i = 0; i < 2; i++) {
        struct attest *a = open_machine(machine(platforms[i], 7));
        assert_int_equal(attest_platform(a), platforms[i]);
        struct buf raw = BUF_INIT(ATTEST_EVIDENCE_MAX);
        assert_ok(attest_evidence(a, report_data, &raw));
        struct evidence e;
        struct claims c;
        struct problem p;
        assert_ok(evidence_parse(buf_bytes(&raw), &e, &p));
        assert_err(evidence_verify(&e, &real, &options, 1790000000, &c, &p), E_CHAIN);
        assert_ok(evidence_verify(&e, &simulated, &options, 1790000000, &c, &p));
        assert_true(c.simulated);
        assert_memory_equal(c.report_data, report_data, 64);
        const uint8_t *named = i == 0 ? c.tdx.mr_config_id : c.snp.host_data;
        assert_memory_equal(named, cluster.b, 32);
        evidence_free(&e);
        buf_free(&raw);
        attest_close(a);
    }
}

static void the_key_file_is_made_once_for_its_owner(void **state)
{
    struct secret32 first = key_of(machine(PLATFORM_TDX, 1), "records");
    struct stat info;
    assert_int_equal(stat(key_file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, 32);
    struct secret32 again = key_of(machine(PLATFORM_TDX, 1), "records");
    assert_true(ct_eq(&first, &again, sizeof first));
    unlink(key_file);
    struct secret32 other_cpu = key_of(machine(PLATFORM_TDX, 1), "records");
    assert_false(ct_eq(&first, &other_cpu, sizeof first));
}

static void the_sealing_key_is_of_this_software_cluster_and_context(void **state)
{
    for (int platform = PLATFORM_TDX; platform <= PLATFORM_SNP; platform++) {
        struct attest_simulated s = machine((enum platform)platform, 1), other = s;
        struct secret32 key = key_of(s, "records"), changed;
        changed = key_of(s, "record");
        assert_false(ct_eq(&key, &changed, sizeof key));
        other.cluster_id.b[0] ^= 1;
        changed = key_of(other, "records");
        assert_false(ct_eq(&key, &changed, sizeof key));
        other = s;
        if (platform == PLATFORM_TDX)
            other.claims.tdx.mrtd[0] ^= 1;
        else
            other.claims.snp.measurement[0] ^= 1;
        changed = key_of(other, "records");
        assert_false(ct_eq(&key, &changed, sizeof key));
        struct attest *a = open_machine(s);
        assert_err(attest_sealing_key(a, BYTES_NONE, &changed), E_VALUE);
        attest_close(a);
    }
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_damaged_key_file_is_refused_and_kept),
        IN_FOLDER(a_machine_that_cannot_be_is_refused),
        IN_FOLDER(a_machine_without_devices_says_so),
        IN_FOLDER(evidence_is_believed_only_with_the_simulation_and_names_the_cluster),
        IN_FOLDER(the_key_file_is_made_once_for_its_owner),
        IN_FOLDER(the_sealing_key_is_of_this_software_cluster_and_context),
    };
    return cmocka_run_group_tests_name("attest", tests, NULL, NULL);
}
