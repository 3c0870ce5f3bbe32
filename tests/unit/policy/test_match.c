#include "core/policy/policy.h"
#include "test.h"

/* A record with every constraint set, and claims that satisfy it. */
struct pair {
    struct policy_record r;
    struct claims c;
};

static struct pair tdx_pair(void)
{
    struct pair p = {0};
    struct policy_tdx *t = &p.r.tdx;
    struct tdx_claims *c = &p.c.tdx;
    p.r.platform = p.c.platform = PLATFORM_TDX;
    p.r.tcb_statuses = 1u << TCB_UP_TO_DATE | 1u << TCB_SW_HARDENING_NEEDED;
    p.c.tcb_status = TCB_UP_TO_DATE;
    p.r.n_models = 2;
    p.r.models[0] = (struct policy_model){6, 0xcf, true, 0};
    p.r.models[1] = (struct policy_model){6, 0x8f, true, 0};
    memcpy(c->fmspc, "\x50\x80\x6f\0\0\0", 6); /* Sapphire Rapids */
    memset(t->mrtd, 1, sizeof t->mrtd);
    memset(t->rtmr, 2, sizeof t->rtmr);
    memset(t->mr_config_id, 3, sizeof t->mr_config_id);
    memset(t->mr_seam, 4, sizeof t->mr_seam);
    memset(t->mrsigner_seam, 5, sizeof t->mrsigner_seam);
    t->has_mr_config_id = t->has_mr_seam = t->has_mrsigner_seam = t->has_min_tee_tcb_svn = true;
    memcpy(c->mrtd, t->mrtd, sizeof c->mrtd);
    memcpy(c->rtmr, t->rtmr, sizeof c->rtmr);
    memcpy(c->mr_config_id, t->mr_config_id, sizeof c->mr_config_id);
    memcpy(c->mr_seam, t->mr_seam, sizeof c->mr_seam);
    memcpy(c->mrsigner_seam, t->mrsigner_seam, sizeof c->mrsigner_seam);
    t->min_seam_svn = (struct policy_min){true, 4};
    memset(t->min_tee_tcb_svn, 2, sizeof t->min_tee_tcb_svn);
    memset(c->tee_tcb_svn, 5, sizeof c->tee_tcb_svn);
    t->n_vendors = 2;
    memset(t->vendors[1], 6, sizeof t->vendors[1]);
    memset(c->vendor_id, 6, sizeof c->vendor_id);
    return p;
}

static struct pair snp_pair(void)
{
    struct pair p = {0};
    struct policy_snp *s = &p.r.snp;
    struct snp_claims *c = &p.c.snp;
    p.r.platform = p.c.platform = PLATFORM_SNP;
    p.r.tcb_statuses = 1u << TCB_UP_TO_DATE;
    p.c.tcb_status = TCB_UP_TO_DATE;
    p.r.n_models = 1;
    p.r.models[0] = (struct policy_model){25, 1, false, 2};
    c->has_cpuid = true;
    c->cpuid_family = 25;
    c->cpuid_model = 1;
    c->cpuid_stepping = 2;
    s->has_host_data = s->has_id_key = s->has_author_key = s->require_smt_disabled = true;
    memset(s->measurement, 1, sizeof s->measurement);
    memset(s->host_data, 2, sizeof s->host_data);
    memset(s->id_key, 3, sizeof s->id_key);
    memset(s->author_key, 4, sizeof s->author_key);
    memcpy(c->measurement, s->measurement, sizeof c->measurement);
    memcpy(c->host_data, s->host_data, sizeof c->host_data);
    memcpy(c->id_key_digest, s->id_key, sizeof c->id_key_digest);
    memcpy(c->author_key_digest, s->author_key, sizeof c->author_key_digest);
    s->min_bootloader = s->min_tee = s->min_snp = s->min_microcode = (struct policy_min){true, 7};
    c->reported_tcb = (struct snp_tcb){7, 7, 8, 200, 0, false};
    s->vmpl.given = true;
    s->n_chips = 2;
    memset(s->chips, 9, sizeof s->chips);
    memset(c->chip_id, 9, sizeof c->chip_id);
    return p;
}

static void expect(const struct pair *p, enum err expected, const char *says)
{
    struct problem problem = {0};
    assert_err(policy_match(&p->r, &p->c, &problem), expected);
    if (!strstr(problem.detail, says))
        fail_msg("'%s' is not in '%s'", says, problem.detail);
    assert_err(policy_match(&p->r, &p->c, NULL), expected);
}

static void claims_that_satisfy_everything_match(void **state)
{
    struct pair t = tdx_pair(), s = snp_pair();
    expect(&t, OK, "");
    expect(&s, OK, "");
}

static void a_record_of_the_other_platform_does_not_match(void **state)
{
    struct pair t = tdx_pair(), s = snp_pair();
    t.c = s.c;
    expect(&t, E_MEAS_MISMATCH, "expected tdx, is sev_snp");
}

/* Each breaks one check of TDX. */
static void each_check_of_tdx_has_its_code(void **state)
{
    struct pair p = tdx_pair();
    p.c.tdx.mrtd[47] ^= 1;
    expect(&p, E_FIRMWARE, "mrtd: expected 0101");
    for (unsigned i = 0; i < 4; i++) {
        const char says[] = {'r', 't', 'm', 'r', (char)('0' + i), ':', 0};
        p = tdx_pair();
        p.c.tdx.rtmr[i][0] ^= 1;
        expect(&p, E_MEAS_MISMATCH, says);
    }
    p = tdx_pair();
    p.c.tdx.mr_config_id[0] ^= 1;
    expect(&p, E_HOST_DATA, "mr_config_id");
    p = tdx_pair();
    p.c.debug = true;
    expect(&p, E_DEBUG, "expected false, is true");
    p = tdx_pair();
    p.c.tdx.tee_tcb_svn[0] = 3;
    expect(&p, E_TCB_OLD, "seam_svn: expected at least 4, is 3");
    for (unsigned i = 1; i < 16; i++) {
        char says[64];
        p = tdx_pair();
        p.c.tdx.tee_tcb_svn[i] = 1;
        snprintf(says, sizeof says, "tee_tcb_svn[%u]: expected at least 2, is 1", i);
        expect(&p, E_TCB_OLD, says);
    }
    p = tdx_pair();
    p.c.tcb_status = TCB_OUT_OF_DATE;
    expect(&p, E_TCB_STATUS, "expected UpToDate|SWHardeningNeeded, is OutOfDate");
    p = tdx_pair();
    p.c.tcb_status = TCB_TD_RELAUNCH_ADVISED;
    expect(&p, E_TCB_STATUS, "expected UpToDate|SWHardeningNeeded, is TDRelaunchAdvised");
    p = tdx_pair();
    p.r.has_advisories = true;
    assert_ok(claims_add_advisory(&p.c, "INTEL-SA-00837"));
    expect(&p, E_TCB_STATUS, "advisory: expected none, is INTEL-SA-00837");
    p.r.n_advisories = 1;
    strcpy(p.r.advisories[0], "INTEL-SA-00960");
    expect(&p, E_TCB_STATUS, "advisory: expected INTEL-SA-00960, is INTEL-SA-00837");
    p = tdx_pair();
    p.c.tdx.fmspc[1] = 0x60; /* model 0x6f */
    expect(&p, E_CPU_MODEL, "family 6 model 111");
    p = tdx_pair();
    p.c.tdx.vendor_id[0] ^= 1;
    expect(&p, E_VENDOR, "vendor_id");
    p = tdx_pair();
    p.c.tdx.mr_seam[0] ^= 1;
    expect(&p, E_SEAM, "mr_seam");
    p = tdx_pair();
    p.c.tdx.mrsigner_seam[0] ^= 1;
    expect(&p, E_SEAM, "mrsigner_seam");
}

static void a_guest_to_be_relaunched_is_out_of_date(void **state)
{
    struct pair p = tdx_pair();
    p.r.tcb_statuses = 1u << TCB_OUT_OF_DATE;
    p.c.tcb_status = TCB_TD_RELAUNCH_ADVISED;
    assert_ok(policy_match(&p.r, &p.c, NULL));
    p.c.tcb_status = TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED;
    assert_err(policy_match(&p.r, &p.c, NULL), E_TCB_STATUS);
    p.r.tcb_statuses = 1u << TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    assert_ok(policy_match(&p.r, &p.c, NULL));
    p.r.tcb_statuses = 1u << TCB_TD_RELAUNCH_ADVISED; /* the guest's host is not */
    p.c.tcb_status = TCB_TD_RELAUNCH_ADVISED;
    assert_ok(policy_match(&p.r, &p.c, NULL));
    p.c.tcb_status = TCB_OUT_OF_DATE;
    assert_err(policy_match(&p.r, &p.c, NULL), E_TCB_STATUS);
}

static void advisories_are_accepted_unless_a_list_leaves_them_out(void **state)
{
    struct pair p = tdx_pair();
    assert_ok(claims_add_advisory(&p.c, "INTEL-SA-00837"));
    assert_ok(policy_match(&p.r, &p.c, NULL));
    p.r.has_advisories = true;
    p.r.n_advisories = 1;
    strcpy(p.r.advisories[0], "INTEL-SA-00837");
    assert_ok(policy_match(&p.r, &p.c, NULL));
}

/* Each breaks one check of SNP. */
static void each_check_of_snp_has_its_code(void **state)
{
    struct pair p = snp_pair();
    p.c.snp.measurement[47] ^= 1;
    expect(&p, E_MEAS_MISMATCH, "measurement: expected 0101");
    p = snp_pair();
    p.c.snp.host_data[31] ^= 1;
    expect(&p, E_HOST_DATA, "host_data");
    p = snp_pair();
    p.c.debug = true;
    expect(&p, E_DEBUG, "debug");
    p = snp_pair();
    p.c.snp.reported_tcb.bootloader = 6;
    expect(&p, E_TCB_OLD, "bootloader_svn: expected at least 7, is 6");
    p = snp_pair();
    p.c.snp.reported_tcb.tee = 6;
    expect(&p, E_TCB_OLD, "tee_svn");
    p = snp_pair();
    p.c.snp.reported_tcb.snp = 6;
    expect(&p, E_TCB_OLD, "snp_svn");
    p = snp_pair();
    p.c.snp.reported_tcb.microcode = 6;
    expect(&p, E_TCB_OLD, "microcode_svn");
    p = snp_pair();
    p.c.tcb_status = TCB_UNKNOWN;
    expect(&p, E_TCB_STATUS, "expected UpToDate, is Unknown");
    p = snp_pair();
    p.c.snp.cpuid_model = 0x11;
    expect(&p, E_CPU_MODEL, "model 17");
    p = snp_pair();
    p.c.snp.cpuid_stepping = 1;
    expect(&p, E_CPU_MODEL, "stepping 1");
    p = snp_pair();
    p.c.snp.has_cpuid = false;
    expect(&p, E_CPU_MODEL, "the report has none");
    p = snp_pair();
    p.c.snp.chip_id[63] ^= 1;
    expect(&p, E_CHIP, "chip_id");
    p = snp_pair();
    p.c.snp.platform_info |= 1;
    expect(&p, E_SMT, "expected disabled");
    p = snp_pair();
    p.c.snp.vmpl = 1;
    expect(&p, E_VMPL, "expected 0, is 1");
    p = snp_pair();
    p.c.snp.id_key_digest[0] ^= 1;
    expect(&p, E_ID_KEY, "id_key_digest");
    p = snp_pair();
    p.c.snp.author_key_digest[0] ^= 1;
    expect(&p, E_AUTHOR_KEY, "author_key_digest");
}

/* Lists are told by their first item and what else there is, in one sentence that fits. */
static void a_refusal_by_a_list_says_what_it_holds(void **state)
{
    struct pair p = snp_pair();
    memset(p.r.snp.chips[0], 0x0a, 64);
    p.c.snp.chip_id[0] = 0xfe;
    expect(&p, E_CHIP, "chip_id: expected 0a0a0a0a0a0a0a0a.. or 1 other, is fe0909");
    p = snp_pair();
    p.r.n_models = 3;
    p.r.models[0] = (struct policy_model){25, 1, true, 0};
    p.c.snp.cpuid_model = 0x11;
    expect(&p, E_CPU_MODEL, "cpu model: expected family 25 model 1 or 2 others, is family");
    p = tdx_pair();
    p.r.tdx.n_vendors = POLICY_VENDORS_MAX;
    memset(p.r.tdx.vendors, 1, sizeof p.r.tdx.vendors);
    p.c.tdx.vendor_id[0] ^= 0x80;
    expect(&p, E_VENDOR, "vendor_id: expected 01010101010101010101010101010101 or 7 others, is ");
    p = tdx_pair();
    p.c.tdx.mr_config_id[47] ^= 1;
    struct problem problem = {0};
    assert_err(policy_match(&p.r, &p.c, &problem), E_HOST_DATA);
    assert_true(strlen(problem.detail) < sizeof problem.detail - 1); /* nothing was cut */
}

static void a_masked_chip_passes_only_where_the_record_says_so(void **state)
{
    struct pair p = snp_pair();
    memset(p.c.snp.chip_id, 0, sizeof p.c.snp.chip_id);
    expect(&p, E_CHIP, "is masked");
    p.r.snp.allow_masked_chip_id = true;
    expect(&p, OK, "");
    p = snp_pair();
    memset(p.c.snp.chip_id, 0, sizeof p.c.snp.chip_id);
    p.r.snp.n_chips = 0; /* no list: nothing to skip */
    expect(&p, OK, "");
}

static void what_the_record_leaves_open_is_not_checked(void **state)
{
    struct pair p = tdx_pair();
    struct policy_tdx bare = {0};
    memcpy(bare.mrtd, p.r.tdx.mrtd, sizeof bare.mrtd);
    memcpy(bare.rtmr, p.r.tdx.rtmr, sizeof bare.rtmr);
    p.r.tdx = bare;
    p.r.n_models = 0;
    p.r.debug_allowed = true;
    p.c.debug = true;
    memset(p.c.tdx.tee_tcb_svn, 0, sizeof p.c.tdx.tee_tcb_svn);
    memset(p.c.tdx.mr_config_id, 7, sizeof p.c.tdx.mr_config_id);
    memset(p.c.tdx.vendor_id, 7, sizeof p.c.tdx.vendor_id);
    memset(p.c.tdx.mr_seam, 7, sizeof p.c.tdx.mr_seam);
    expect(&p, OK, "");
}

/* Everything is broken at once and mended in the published order. */
static void checks_come_in_the_published_order(void **state)
{
    const struct pair good = snp_pair();
    struct pair p = good;
    p.c.snp.measurement[0] = p.c.snp.host_data[0] = 0xee;
    p.c.debug = true;
    p.c.snp.reported_tcb = (struct snp_tcb){0};
    p.c.tcb_status = TCB_REVOKED;
    p.c.snp.cpuid_family = 0;
    p.c.snp.chip_id[0] = 0;
    p.c.snp.platform_info = 1;
    p.c.snp.vmpl = 3;
    p.c.snp.id_key_digest[0] = p.c.snp.author_key_digest[0] = 0xee;
    expect(&p, E_MEAS_MISMATCH, "measurement");
    p.c.snp.measurement[0] = good.c.snp.measurement[0];
    expect(&p, E_HOST_DATA, "");
    p.c.snp.host_data[0] = good.c.snp.host_data[0];
    expect(&p, E_DEBUG, "");
    p.c.debug = false;
    expect(&p, E_TCB_OLD, "bootloader");
    p.c.snp.reported_tcb = good.c.snp.reported_tcb;
    expect(&p, E_TCB_STATUS, "");
    p.c.tcb_status = TCB_UP_TO_DATE;
    expect(&p, E_CPU_MODEL, "");
    p.c.snp.cpuid_family = 25;
    expect(&p, E_CHIP, "");
    p.c.snp.chip_id[0] = 9;
    expect(&p, E_SMT, "");
    p.c.snp.platform_info = 0;
    expect(&p, E_VMPL, "");
    p.c.snp.vmpl = 0;
    expect(&p, E_ID_KEY, "");
    p.c.snp.id_key_digest[0] = good.c.snp.id_key_digest[0];
    expect(&p, E_AUTHOR_KEY, "");
    p.c.snp.author_key_digest[0] = good.c.snp.author_key_digest[0];
    expect(&p, OK, "");
}

static void families_and_models_are_composed_as_cpuid_does(void **state)
{
    static const struct {
        uint8_t fmspc[3];
        uint8_t family, model;
    } cases[] = {
        {{0x00, 0x60, 0x6a}, 6, 0x6a}, /* Ice Lake */
        {{0x90, 0xc0, 0x6f}, 6, 0xcf}, /* Emerald Rapids; the first byte says more than family */
        {{0x0a, 0x10, 0xf1}, 25, 0x11},
        {{0x12, 0x30, 0x54}, 5, 0x04},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pair p = tdx_pair();
        memcpy(p.c.tdx.fmspc, cases[i].fmspc, 3);
        p.r.n_models = 1;
        p.r.models[0] = (struct policy_model){cases[i].family, cases[i].model, true, 0};
        expect(&p, OK, "");
    }
}

static void evidence_is_looked_up_with_and_without_host_data(void **state)
{
    struct pair p = snp_pair();
    struct hash32 at[2], with = policy_measurement_hash(&p.r);
    claims_hash_measurements(&p.c);
    assert_int_equal(policy_lookup(&p.c, at), 2);
    assert_true(hash32_eq(at[0], with));
    p.r.snp.has_host_data = false;
    assert_true(hash32_eq(at[1], policy_measurement_hash(&p.r)));
    memset(p.c.snp.host_data, 0, sizeof p.c.snp.host_data);
    claims_hash_measurements(&p.c);
    assert_int_equal(policy_lookup(&p.c, at), 1);
    assert_true(hash32_eq(at[0], policy_measurement_hash(&p.r)));
    p = tdx_pair();
    claims_hash_measurements(&p.c);
    assert_int_equal(policy_lookup(&p.c, at), 2);
    assert_true(hash32_eq(at[0], policy_measurement_hash(&p.r)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_that_satisfy_everything_match),
        cmocka_unit_test(a_record_of_the_other_platform_does_not_match),
        cmocka_unit_test(each_check_of_tdx_has_its_code),
        cmocka_unit_test(each_check_of_snp_has_its_code),
        cmocka_unit_test(a_guest_to_be_relaunched_is_out_of_date),
        cmocka_unit_test(advisories_are_accepted_unless_a_list_leaves_them_out),
        cmocka_unit_test(a_refusal_by_a_list_says_what_it_holds),
        cmocka_unit_test(a_masked_chip_passes_only_where_the_record_says_so),
        cmocka_unit_test(what_the_record_leaves_open_is_not_checked),
        cmocka_unit_test(checks_come_in_the_published_order),
        cmocka_unit_test(families_and_models_are_composed_as_cpuid_does),
        cmocka_unit_test(evidence_is_looked_up_with_and_without_host_data),
    };
    return cmocka_run_group_tests_name("policy match", tests, NULL, NULL);
}
