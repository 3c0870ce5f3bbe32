#include "core/evidence/sim/intel.h"
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

static struct judge judge;

static enum err judge_it(struct bytes in, bool simulation, int64_t unix_s, struct claims *out,
                         struct problem *p)
{
    struct judgement a;
    judge.simulation = simulation;
    enum err e = judge_evidence(&judge, in, unix_s, &a, p);
    *out = a.claims;
    return e;
}

static int tear_down(void **state)
{
    judge_free(&judge);
    return 0;
}

static void what_is_no_evidence_is_refused(void **state)
{
    const struct bytes wrong[] = {BYTES_NONE, bytes_str("x"), bytes_str("{}"),
                                  bytes_str("{\"quote\": 7}")};
    struct claims c;
    struct problem p = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_true(judge_it(wrong[i], true, UNIX_S, &c, &p) != OK);
}

static void evidence_cut_short_or_changed_is_refused(void **state)
{
    struct config_simulated s = machine(PLATFORM_TDX, 0);
    struct buf b = evidence_of(&s);
    struct claims c;
    for (size_t n = 0; n < 700; n += 7)
        assert_true(judge_it(bytes(b.p, n), true, UNIX_S, &c, NULL) != OK);
    b.p[600] ^= 1; /* in REPORTDATA */
    assert_err(judge_it(buf_bytes(&b), true, UNIX_S, &c, NULL), E_SIGNATURE);
    buf_free(&b);
}

static void simulated_evidence_is_refused_without_simulation(void **state)
{
    const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    for (size_t i = 0; i < 2; i++) {
        struct config_simulated s = machine(platforms[i], 0);
        struct buf b = evidence_of(&s);
        struct claims c;
        assert_err(judge_it(buf_bytes(&b), false, UNIX_S, &c, NULL), E_CHAIN);
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
            assert_ok(judge_it(buf_bytes(&b), true, UNIX_S, &c, NULL));
            assert_true(c.simulated);
            assert_int_equal(c.report_data[2], 3);
            assert_memory_equal(c.measurement_hash.b, expected.measurement_hash.b, 32);
            assert_true(bytes_eq(claims_platform_id(&c), claims_platform_id(&expected)));
            buf_free(&b);
        }
    }
}

#define AUGUST_2026 1785542400
#define REPORT      "snp/reports/v3_Milan_VCEK_66a5a7b4_05b7438a.bin"
#define VCEK        "snp/certs/vcek_Milan_66a5a7b4_b67b09bf.der"

static struct judgement judged;

static enum err judge_vector(const char *path, int64_t unix_s)
{
    struct buf b = read_vector(path);
    judge.simulation = false;
    enum err e = judge_evidence(&judge, buf_bytes(&b), unix_s, &judged, NULL);
    buf_free(&b);
    return e;
}

static void hold(uint32_t slot, const char *body, const char *chain)
{
    struct buf b = read_vector(body), c = read_vector(chain ? chain : body);
    assert_ok(judge_hold(&judge, slot, buf_bytes(&b), chain ? buf_bytes(&c) : BYTES_NONE));
    buf_free(&b);
    buf_free(&c);
}

static void expect_objects(bool is_stranger, enum object_kind first, uint32_t n)
{
    assert_int_equal(judged.is_stranger, is_stranger);
    assert_int_equal(judged.n_objects, n);
    assert_int_equal(judged.objects[0].kind, first);
}

static void a_real_quote_without_collateral_says_what_is_missing(void **state)
{
    require_vectors();
    assert_err(judge_vector("tdx/quotes/v4_00806f050000_0e28d57a_7462cb52.bin", 1741564800),
               E_COLL_MISSING);
    expect_objects(false, OBJECT_TDX_TCB_INFO, 4);
    assert_int_equal(judged.objects[0].fmspc[1], 0x80);
}

static void a_real_quote_with_collateral_has_its_status(void **state)
{
    require_vectors();
    hold(0, "tdx/collateral/2025-03a/tcb_info_00806f050000.json",
         "tdx/collateral/2025-03a/tcb_signing_chain.pem");
    hold(1, "tdx/collateral/2025-03a/td_qe_identity.json",
         "tdx/collateral/2025-03a/tcb_signing_chain.pem");
    hold(2, "tdx/collateral/2025-03a/pck_crl_platform.der", NULL);
    hold(3, "tdx/collateral/2025-03a/root_ca_crl.der", NULL);
    assert_ok(judge_vector("tdx/quotes/v4_00806f050000_0e28d57a_7462cb52.bin", 1741564800));
    assert_int_equal(judged.claims.tcb_status, TCB_UP_TO_DATE);
    expect_objects(false, OBJECT_TDX_TCB_INFO, 4);
    /* Later it has expired: still no stranger's. */
    assert_err(judge_vector("tdx/quotes/v4_00806f050000_0e28d57a_7462cb52.bin", 1744243200),
               E_COLL_EXPIRED);
    expect_objects(false, OBJECT_TDX_TCB_INFO, 4);
}

/* The chip signed it; that its list is missing makes it no stranger's. */
static void a_report_without_a_list_is_no_strangers(void **state)
{
    require_vectors();
    hold(0, "anchors/amd_ask_milan.der", "anchors/amd_ark_milan.der");
    hold(1, VCEK, NULL);
    assert_err(judge_vector(REPORT, AUGUST_2026), E_COLL_MISSING);
    expect_objects(false, OBJECT_SNP_CHAIN, 3);
}

/* What signs the report is missing, so all of it is somebody's word. */
static void a_report_without_its_certificate_is_a_strangers(void **state)
{
    require_vectors();
    assert_err(judge_vector(REPORT, AUGUST_2026), E_COLL_MISSING);
    expect_objects(true, OBJECT_SNP_CHAIN, 3);
    assert_int_equal(judged.objects[2].kind, OBJECT_VCEK);
    /* With other certificates it still is. */
    hold(0, "anchors/amd_ask_milan.der", "anchors/amd_ark_milan.der");
    assert_err(judge_vector(REPORT, AUGUST_2026), E_COLL_MISSING);
    expect_objects(true, OBJECT_SNP_CHAIN, 3);
}

static void what_is_held_counts_until_it_is_taken_away(void **state)
{
    require_vectors();
    hold(0, "anchors/amd_ask_milan.der", "anchors/amd_ark_milan.der");
    hold(1, "anchors/amd_crl_milan.der", "anchors/amd_ark_milan.der"); /* the same chain */
    hold(511, VCEK, NULL);
    assert_ok(judge_vector(REPORT, AUGUST_2026));
    expect_objects(false, OBJECT_SNP_CHAIN, 3);
    assert_int_equal(judged.claims.snp.product, SNP_MILAN);
    assert_ok(judge_hold(&judge, 511, BYTES_NONE, BYTES_NONE));
    assert_err(judge_vector(REPORT, AUGUST_2026), E_COLL_MISSING);
    expect_objects(true, OBJECT_SNP_CHAIN, 3);
}

static void what_is_no_collateral_harms_nothing(void **state)
{
    require_vectors();
    assert_ok(judge_hold(&judge, 0, bytes_str("no object"), bytes_str("-----BEGIN ")));
    hold(1, "anchors/amd_ask_milan.der", "anchors/amd_ark_milan.der");
    hold(2, "anchors/amd_crl_milan.der", NULL);
    hold(3, VCEK, NULL);
    assert_ok(judge_vector(REPORT, AUGUST_2026));
    expect_objects(false, OBJECT_SNP_CHAIN, 3);
}

static void an_object_is_judged_with_the_certificates_that_are_held(void **state)
{
    require_vectors();
    static const struct vendor_object list = {.kind = OBJECT_SNP_CRL, .product = SNP_MILAN};
    struct buf b = read_vector("anchors/amd_crl_milan.der");
    struct object_facts facts;
    struct problem p;
    assert_err(judge_object(&judge, &list, buf_bytes(&b), BYTES_NONE, AUGUST_2026, &facts, &p),
               E_COLL_MISSING);
    hold(1, "anchors/amd_ask_milan.der", "anchors/amd_ark_milan.der");
    assert_ok(judge_object(&judge, &list, buf_bytes(&b), BYTES_NONE, AUGUST_2026, &facts, &p));
    assert_true(facts.until > AUGUST_2026);
    buf_free(&b);
}

/* What the simulated Intel says at UNIX_S of a machine with these claims, one slot for each part.
 */
static void hold_simulated(struct claims *claims, int64_t at)
{
    const struct sim_intel intel = sim_intel(claims, at);
    for (uint32_t part = 0; part < SIM_INTEL_PARTS; part++) {
        struct buf b = BUF_INIT(1 << 20);
        assert_ok(sim_intel_write(&intel, (enum sim_intel_part)part, &b));
        assert_ok(judge_hold(&judge, 256 + part, buf_bytes(&b), BYTES_NONE));
        buf_free(&b);
    }
}

static void newer_collateral_changes_what_was_judged_before(void **state)
{
    struct config_simulated s = machine(PLATFORM_TDX, 0);
    struct buf b = evidence_of(&s);
    struct claims c, machine = machine_claims(&s);
    assert_ok(judge_it(buf_bytes(&b), true, UNIX_S, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_UP_TO_DATE);
    hold_simulated(&machine, UNIX_S);
    assert_ok(judge_it(buf_bytes(&b), true, UNIX_S, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_UP_TO_DATE);
    machine.tdx.pce_svn++;
    hold_simulated(&machine, UNIX_S + 1);
    assert_ok(judge_it(buf_bytes(&b), true, UNIX_S, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_OUT_OF_DATE);
    buf_free(&b);
}

#define T(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_no_evidence_is_refused),
        T(evidence_cut_short_or_changed_is_refused),
        T(simulated_evidence_is_refused_without_simulation),
        T(every_version_that_the_configuration_knows_is_accepted),
        T(newer_collateral_changes_what_was_judged_before),
        T(a_real_quote_without_collateral_says_what_is_missing),
        T(a_real_quote_with_collateral_has_its_status),
        T(a_report_without_a_list_is_no_strangers),
        T(a_report_without_its_certificate_is_a_strangers),
        T(what_is_held_counts_until_it_is_taken_away),
        T(what_is_no_collateral_harms_nothing),
        T(an_object_is_judged_with_the_certificates_that_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
