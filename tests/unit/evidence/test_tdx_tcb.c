#include "test.h"

#include "core/evidence/tdx_tcb.h"

/*
 * A platform with its documents: TCB info of three levels and a module of two,
 * QE identity of three, and claims that reach the best of each.
 */
struct scene {
    struct tcb_level levels[3];
    struct tdx_module_identity modules[1];
    struct tcb_info info;
    struct qe_identity identity;
    uint8_t report[QE_REPORT_SIZE];
    struct claims c;
};

enum { MISCSELECT = 16, ATTRIBUTES = 48, MRSIGNER = 128, ISVPRODID = 256, ISVSVN = 258 };

static char first[1][CLAIMS_ADVISORY_SIZE] = {"INTEL-SA-2"};
static char second[2][CLAIMS_ADVISORY_SIZE] = {"INTEL-SA-1", "INTEL-SA-2"};

static void set_levels(struct scene *s)
{
    static const enum tcb_status statuses[] = {TCB_UP_TO_DATE, TCB_OUT_OF_DATE, TCB_REVOKED};
    for (uint8_t i = 0; i < 3; i++) {
        struct tcb_level *l = &s->levels[i];
        memset(l->sgx, 5 - i, 16);
        memset(l->tdx, 5 - i, 16);
        l->pce_svn = 5 - i;
        l->verdict = (struct tcb_verdict){statuses[i], 300U - 100U * i, 0, NULL};
        s->identity.levels.level[i].svn = 8 - i;
        s->identity.levels.level[i].verdict =
            (struct tcb_verdict){statuses[i], 310U - 100U * i, 0, NULL};
        s->modules[0].levels.level[i].svn = 7 - i;
        s->modules[0].levels.level[i].verdict =
            (struct tcb_verdict){statuses[i], 320U - 100U * i, 0, NULL};
    }
    s->identity.levels.n = s->modules[0].levels.n = 3;
    s->modules[0].version = 3;
    s->info = (struct tcb_info){
        .levels = s->levels, .n_levels = 3, .modules = s->modules, .n_modules = 1};
}

static void set_enclave(struct scene *s)
{
    struct qe_identity *q = &s->identity;
    memset(q->miscselect_mask, 0xff, 4);
    memset(q->attributes_mask, 0xff, 8);
    q->attributes[0] = 0x11;
    memset(q->mrsigner, 0xdc, 32);
    q->isv_prod_id = 2;
    s->report[ATTRIBUTES] = 0x11;
    s->report[ATTRIBUTES + 8] = 0xe7; /* XFRM is not masked in */
    memset(s->report + MRSIGNER, 0xdc, 32);
    s->report[ISVPRODID] = 2;
    s->report[ISVSVN] = 8;
}

static void set_scene(struct scene *s)
{
    memset(s, 0, sizeof *s);
    set_levels(s);
    set_enclave(s);
    s->c.platform = PLATFORM_TDX;
    memset(s->c.tdx.cpu_svn, 5, 16);
    s->c.tdx.pce_svn = 5;
    memset(s->c.tdx.tee_tcb_svn, 5, 16);
    s->c.tdx.tee_tcb_svn[0] = 7;
    s->c.tdx.tee_tcb_svn[1] = 3;
}

static enum err judge(struct scene *s, struct problem *p)
{
    return tdx_tcb_judge(&s->info, &s->identity, BYTES_OF(s->report), &s->c, p);
}

static void expect(struct scene *s, enum err code, const char *says)
{
    struct problem p = {0};
    enum err e = judge(s, &p);
    if (e != code || p.err != code || !strstr(p.detail, says))
        fail_msg("expected %s (%s), is %s (%s)", err_code(code), says, err_code(e), p.detail);
    set_scene(s);
}

/* --- wrong first: each breaks one check --- */

static void another_module_is_refused(void **state)
{
    static struct scene s;
    set_scene(&s);
    s.c.tdx.mrsigner_seam[47] = 1;
    expect(&s, E_SEAM, "mrsigner_seam: expected 0000");
    s.c.tdx.seam_attributes[7] = 1;
    expect(&s, E_SEAM, "seam_attributes");
    s.modules[0].module.attributes[0] = 1;
    s.c.tdx.seam_attributes[0] = 1; /* equal, but Intel's verifier wants zero */
    expect(&s, E_SEAM, "seam_attributes");
    s.modules[0].module.attributes[0] = 1;
    expect(&s, E_SEAM, "seam_attributes");
    s.c.tdx.tee_tcb_svn[1] = 4;
    expect(&s, E_SEAM, "no TDX module TDX_04");
    s.info.module.mrsigner[0] = 1; /* counts only without an identity */
    assert_ok(judge(&s, NULL));
    set_scene(&s);
    s.c.tdx.tee_tcb_svn[1] = 0;
    memset(s.levels[0].tdx, 0, 16);
    s.info.module.mrsigner[0] = 1;
    expect(&s, E_SEAM, "mrsigner_seam: expected 0100");
}

static void another_quoting_enclave_is_refused(void **state)
{
    static struct scene s;
    set_scene(&s);
    s.report[MISCSELECT] = 1;
    expect(&s, E_VENDOR, "MISCSELECT of the quoting enclave: expected 00000000, is 01000000");
    s.report[ATTRIBUTES] |= 2; /* DEBUG */
    expect(&s, E_VENDOR, "ATTRIBUTES");
    s.report[MRSIGNER + 31] ^= 1;
    expect(&s, E_VENDOR, "MRSIGNER");
    s.report[ISVPRODID + 1] = 1;
    expect(&s, E_VENDOR, "ISVPRODID of the quoting enclave: expected 2, is 258");
    s.report[ISVSVN] = 5;
    expect(&s, E_TCB_STATUS, "ISVSVN 5 of the quoting enclave is below");
    s.identity.attributes_mask[0] = 0xfd;
    s.report[ATTRIBUTES] |= 2;
    assert_ok(judge(&s, NULL));
}

static void a_platform_below_all_levels_is_refused(void **state)
{
    static struct scene s;
    set_scene(&s);
    for (size_t i = 0; i < 16; i++) {
        s.c.tdx.cpu_svn[i] = 2;
        expect(&s, E_TCB_STATUS, "the platform is below all levels");
    }
    s.c.tdx.pce_svn = 2;
    expect(&s, E_TCB_STATUS, "the platform is below all levels");
    for (size_t i = 2; i < 16; i++) {
        s.c.tdx.tee_tcb_svn[i] = 2;
        expect(&s, E_TCB_STATUS, "the platform is below all levels");
    }
    s.c.tdx.tee_tcb_svn[0] = 4;
    expect(&s, E_TCB_STATUS, "SVN 4 of the TDX module TDX_03 is below");
}

/* Without an identity of the module all sixteen components count. */
static void a_module_without_identity_is_part_of_the_platform(void **state)
{
    static struct scene s;
    set_scene(&s);
    s.c.tdx.tee_tcb_svn[1] = 0;
    expect(&s, E_TCB_STATUS, "the platform is below all levels");
    for (size_t i = 0; i < 3; i++)
        s.levels[i].tdx[1] = 0;
    s.c.tdx.tee_tcb_svn[1] = 0;
    s.c.tdx.tee_tcb_svn[0] = 2;
    expect(&s, E_TCB_STATUS, "the platform is below all levels");
    for (size_t i = 0; i < 3; i++)
        s.levels[i].tdx[1] = 0;
    s.c.tdx.tee_tcb_svn[1] = 0;
    assert_ok(judge(&s, NULL));
    assert_int_equal(s.c.tcb_status, TCB_UP_TO_DATE);
    assert_int_equal(s.c.tdx.module_status, TCB_UNKNOWN);
}

static void a_revoked_part_is_refused(void **state)
{
    static struct scene s;
    set_scene(&s);
    s.c.tdx.pce_svn = 3;
    expect(&s, E_TCB_STATUS, "the TCB level of the platform is Revoked");
    s.c.tdx.tee_tcb_svn[0] = 5;
    expect(&s, E_TCB_STATUS, "the TCB level of the TDX module is Revoked");
    s.report[ISVSVN] = 6;
    expect(&s, E_TCB_STATUS, "the TCB level of the quoting enclave is Revoked");
    s.c.tdx.has_td15 = true;
    memcpy(s.c.tdx.tee_tcb_svn2, s.c.tdx.tee_tcb_svn, 16);
    s.c.tdx.tee_tcb_svn2[0] = 5;
    expect(&s, E_TCB_STATUS, "the TCB level of the TDX module is Revoked");
}

static void more_advisories_than_claims_hold_are_refused(void **state)
{
    static struct scene s;
    static char many[CLAIMS_ADVISORIES_MAX][CLAIMS_ADVISORY_SIZE];
    set_scene(&s);
    for (size_t i = 0; i < CLAIMS_ADVISORIES_MAX; i++)
        snprintf(many[i], sizeof many[i], "A-%zu", i);
    s.levels[0].verdict.advisories = many;
    s.levels[0].verdict.n_advisories = CLAIMS_ADVISORIES_MAX;
    s.identity.levels.level[0].verdict.advisories = first;
    s.identity.levels.level[0].verdict.n_advisories = 1;
    expect(&s, E_TOO_LARGE, "more than 64 advisories");
}

/* --- right --- */

#define U TCB_UP_TO_DATE
#define O TCB_OUT_OF_DATE

static void statuses_converge_as_intel_says(void **state)
{
    static const struct {
        enum tcb_status platform, module, qe, overall;
    } rows[] = {
        {U, U, U, U},
        {TCB_SW_HARDENING_NEEDED, U, U, TCB_SW_HARDENING_NEEDED},
        {TCB_CONFIGURATION_NEEDED, U, U, TCB_CONFIGURATION_NEEDED},
        {TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, U, U,
         TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED},
        {O, U, U, O},
        {TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, U, U, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {U, O, U, O},
        {U, U, O, O},
        {U, O, O, O},
        {TCB_SW_HARDENING_NEEDED, O, U, O},
        {TCB_SW_HARDENING_NEEDED, U, O, O},
        {TCB_CONFIGURATION_NEEDED, O, U, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {TCB_CONFIGURATION_NEEDED, U, O, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, O, U, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, U, O, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
        {O, O, O, O},
        {TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, O, O, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
    };
    static struct scene s;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_scene(&s);
        s.levels[0].verdict.status = rows[i].platform;
        s.modules[0].levels.level[0].verdict.status = rows[i].module;
        s.identity.levels.level[0].verdict.status = rows[i].qe;
        assert_ok(judge(&s, NULL));
        assert_int_equal(s.c.tcb_status, rows[i].overall);
        assert_int_equal(s.c.tdx.platform_status, rows[i].platform);
        assert_int_equal(s.c.tdx.module_status, rows[i].module);
        assert_int_equal(s.c.tdx.qe_status, rows[i].qe);
    }
}

/* The guest was launched with the module's second level, the platform now has its first. */
static void a_platform_updated_under_its_guest_advises_a_relaunch(void **state)
{
    static const struct {
        enum tcb_status platform, overall;
    } rows[] = {
        {TCB_UP_TO_DATE, TCB_TD_RELAUNCH_ADVISED},
        {TCB_SW_HARDENING_NEEDED, TCB_TD_RELAUNCH_ADVISED},
        {TCB_CONFIGURATION_NEEDED, TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED},
        {TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED, TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED},
        {TCB_OUT_OF_DATE, TCB_OUT_OF_DATE},
        {TCB_OUT_OF_DATE_CONFIGURATION_NEEDED, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED},
    };
    static struct scene s;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        set_scene(&s);
        s.c.tdx.has_td15 = true;
        memcpy(s.c.tdx.tee_tcb_svn2, s.c.tdx.tee_tcb_svn, 16);
        s.c.tdx.tee_tcb_svn[0] = 6;
        s.levels[0].verdict.status = rows[i].platform;
        assert_ok(judge(&s, NULL));
        assert_int_equal(s.c.tcb_status, rows[i].overall);
        assert_int_equal(s.c.tdx.module_status, TCB_OUT_OF_DATE);
    }
    set_scene(&s);
    s.c.tdx.has_td15 = true;
    memcpy(s.c.tdx.tee_tcb_svn2, s.c.tdx.tee_tcb_svn, 16);
    s.c.tdx.tee_tcb_svn[0] = 6;
    s.report[ISVSVN] = 7; /* the quoting enclave is still out of date */
    assert_ok(judge(&s, NULL));
    assert_int_equal(s.c.tcb_status, TCB_OUT_OF_DATE);
}

/* Its own microcode level counts for the present, too. */
static void the_present_of_a_platform_must_be_known(void **state)
{
    static struct scene s;
    set_scene(&s);
    s.c.tdx.has_td15 = true;
    memcpy(s.c.tdx.tee_tcb_svn2, s.c.tdx.tee_tcb_svn, 16);
    s.c.tdx.tee_tcb_svn2[1] = 9;
    expect(&s, E_SEAM, "no TDX module TDX_09");
    s.c.tdx.has_td15 = true;
    s.c.tdx.tee_tcb_svn2[1] = 3;
    expect(&s, E_TCB_STATUS, "the platform is below all levels");
}

static void the_earliest_date_and_all_advisories_are_told(void **state)
{
    static struct scene s;
    set_scene(&s);
    assert_ok(judge(&s, NULL));
    assert_int_equal(s.c.tcb_date, 300);
    assert_int_equal(s.c.n_advisories, 0);
    set_scene(&s);
    s.report[ISVSVN] = 7;
    s.identity.levels.level[1].verdict.advisories = second;
    s.identity.levels.level[1].verdict.n_advisories = 2;
    s.levels[0].verdict.advisories = first;
    s.levels[0].verdict.n_advisories = 1;
    assert_ok(judge(&s, NULL));
    assert_int_equal(s.c.tcb_date, 210);
    assert_int_equal(s.c.n_advisories, 2);
    assert_string_equal(s.c.advisories[0], "INTEL-SA-1");
    assert_string_equal(s.c.advisories[1], "INTEL-SA-2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_module_is_refused),
        cmocka_unit_test(another_quoting_enclave_is_refused),
        cmocka_unit_test(a_platform_below_all_levels_is_refused),
        cmocka_unit_test(a_module_without_identity_is_part_of_the_platform),
        cmocka_unit_test(a_revoked_part_is_refused),
        cmocka_unit_test(more_advisories_than_claims_hold_are_refused),
        cmocka_unit_test(statuses_converge_as_intel_says),
        cmocka_unit_test(a_platform_updated_under_its_guest_advises_a_relaunch),
        cmocka_unit_test(the_present_of_a_platform_must_be_known),
        cmocka_unit_test(the_earliest_date_and_all_advisories_are_told),
    };
    return cmocka_run_group_tests_name("tdx_tcb", tests, NULL, NULL);
}
