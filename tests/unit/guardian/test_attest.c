#include "prog/guardian/attest.h"
#include "base/codec/b64.h"
#include "core/evidence/binding.h"
#include "core/evidence/sim/sim.h"
#include "prog/guardian/dev.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#define NOW 1790000000

/* A development cluster's genesis, one of its guardians, and a connection to it. */
struct scene {
    struct dev dev;
    struct buf genesis;
    struct claims claims;
    uint8_t nonce[32];
    struct client_channel channel;
};

static struct scene scene(enum platform platform)
{
    struct scene s = {.dev = {.dir = "/x", .base_port = 8440, .n = 2, .founders = 2},
                      .genesis = BUF_INIT(1 << 18)};
    struct sig_public admins[DEV_ADMINS];
    s.dev.platforms[0] = s.dev.platforms[1] = platform;
    for (size_t i = 0; i < DEV_ADMINS; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        struct sig_secret secret;
        sig_from_seed(seed, &secret, &admins[i]);
    }
    assert_ok(dev_genesis(&s.dev, admins, &s.genesis));
    struct hash32 cluster_id = sha256(buf_bytes(&s.genesis));
    s.claims = dev_claims(&s.dev, 0);
    memcpy(platform == PLATFORM_SNP ? s.claims.snp.host_data : s.claims.tdx.mr_config_id,
           cluster_id.b, 32);
    memset(s.nonce, 1, 32);
    memset(s.channel.exporter, 2, 32);
    memset(s.channel.server_spki.b, 3, 32);
    return s;
}

/* What an honest guardian would answer, with its machine as the scene says. */
static char *answer(const struct scene *s)
{
    struct binding_api b = {.cluster_id = sha256(buf_bytes(&s->genesis)),
                            .server_spki = s->channel.server_spki};
    struct sim_machine machine;
    struct problem p = {0};
    struct buf evidence = BUF_INIT(1 << 16);
    memcpy(b.exporter, s->channel.exporter, 32);
    memcpy(b.nonce, s->nonce, 32);
    assert_ok(sim_machine_init(&machine, &s->claims, &p));
    assert_ok(sim_machine_evidence(&machine, binding_api(&b).b, &evidence));
    char *text = b64_string(B64_STANDARD, buf_bytes(&evidence));
    sim_machine_free(&machine);
    buf_free(&evidence);
    return text;
}

static enum err judge(const struct scene *s, const char *evidence)
{
    struct attested out = {0};
    struct problem p = {0};
    enum err e = attest_judge(buf_bytes(&s->genesis), bytes_str(evidence), s->nonce, &s->channel,
                              NOW, &out, &p);
    attested_free(&out);
    return e;
}

static void evidence_for_another_occasion_is_refused(void **state)
{
    struct scene s = scene(PLATFORM_TDX);
    char *evidence = answer(&s);
    struct scene other = s;
    other.nonce[31] ^= 1;
    assert_err(judge(&other, evidence), E_NONCE);
    other = s;
    other.channel.exporter[0] ^= 1;
    assert_err(judge(&other, evidence), E_NONCE);
    other = s;
    other.channel.server_spki.b[7] ^= 1;
    assert_err(judge(&other, evidence), E_NONCE);
    free(evidence);
    buf_free(&s.genesis);
}

static void a_machine_that_runs_something_else_is_refused(void **state)
{
    static const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    for (size_t i = 0; i < 2; i++) {
        struct scene s = scene(platforms[i]);
        (platforms[i] == PLATFORM_SNP ? s.claims.snp.measurement : s.claims.tdx.rtmr[2])[0] ^= 1;
        char *evidence = answer(&s);
        enum err e = judge(&s, evidence);
        assert_int_equal(err_status(e), 403);
        free(evidence);
        buf_free(&s.genesis);
    }
}

static void a_machine_launched_for_another_cluster_is_refused(void **state)
{
    static const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    for (size_t i = 0; i < 2; i++) {
        struct scene s = scene(platforms[i]);
        (platforms[i] == PLATFORM_SNP ? s.claims.snp.host_data : s.claims.tdx.mr_config_id)[5] ^= 1;
        char *evidence = answer(&s);
        assert_err(judge(&s, evidence), E_HOST_DATA);
        free(evidence);
        buf_free(&s.genesis);
    }
}

static void evidence_that_was_changed_is_refused(void **state)
{
    struct scene s = scene(PLATFORM_TDX);
    char *evidence = answer(&s);
    evidence[100] = evidence[100] == 'A' ? 'B' : 'A';
    assert_int_not_equal(judge(&s, evidence), OK);
    assert_err(judge(&s, "no base64"), E_MALFORMED);
    free(evidence);
    buf_free(&s.genesis);
}

static void a_debugged_machine_is_refused(void **state)
{
    struct scene s = scene(PLATFORM_TDX);
    s.claims.tdx.td_attributes[0] |= 1;
    s.claims.debug = true;
    char *evidence = answer(&s);
    assert_err(judge(&s, evidence), E_DEBUG);
    free(evidence);
    buf_free(&s.genesis);
}

static void an_honest_guardian_is_accepted(void **state)
{
    static const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    for (size_t i = 0; i < 2; i++) {
        struct scene s = scene(platforms[i]);
        char *evidence = answer(&s);
        assert_ok(judge(&s, evidence));
        free(evidence);
        buf_free(&s.genesis);
    }
}

static void another_root_is_never_pinned_over_the_first(void **state)
{
    char folder[] = "/tmp/guardian-test-XXXXXX", path[FILE_PATH_MAX];
    struct problem p = {0};
    struct attested a = {.root_pem = BUF_INIT(100)}, b = {.root_pem = BUF_INIT(100)};
    assert_non_null(mkdtemp(folder));
    assert_ok(path_join(path, folder, "root.pem", &p));
    assert_ok(buf_add(&a.root_pem, "one", 3));
    assert_ok(buf_add(&b.root_pem, "two", 3));
    assert_ok(attest_pin(path, &a, &p));
    assert_ok(attest_pin(path, &a, &p));
    assert_err(attest_pin(path, &b, &p), E_NOT_ALLOWED);
    attested_free(&a);
    attested_free(&b);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_for_another_occasion_is_refused),
        cmocka_unit_test(a_machine_that_runs_something_else_is_refused),
        cmocka_unit_test(a_machine_launched_for_another_cluster_is_refused),
        cmocka_unit_test(evidence_that_was_changed_is_refused),
        cmocka_unit_test(a_debugged_machine_is_refused),
        cmocka_unit_test(an_honest_guardian_is_accepted),
        cmocka_unit_test(another_root_is_never_pinned_over_the_first),
    };
    return cmocka_run_group_tests_name("guardian/attest", tests, NULL, NULL);
}
