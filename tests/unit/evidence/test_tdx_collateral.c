/* Each check of TDX collateral, failed alone: by the simulated Intel, which tests control. */
#include "vectors.h"

#include "core/evidence/sim/intel.h"
#include "core/evidence/sim/sim.h"

#define AT  1790000000
#define DAY 86400
#define ALL ((1u << SIM_INTEL_PARTS) - 1)

/* A machine, what Intel publishes about it, and how it is judged. */
struct scene {
    struct claims described;
    struct sim_intel intel;
    unsigned parts; /* that are given, bit by enum sim_intel_part */
    bool no_crl, no_collateral;
    int64_t at;
    struct evidence_cache *cache;
};

static struct scene scene(void)
{
    struct claims c = sim_claims(PLATFORM_TDX, 7);
    return (struct scene){.described = c, .intel = sim_intel(&c, AT), .parts = ALL, .at = AT};
}

static enum err add_part(const struct sim_intel *intel, enum sim_intel_part part,
                         struct collateral *to, struct problem *p)
{
    struct buf file = BUF_INIT(1 << 17);
    assert_ok(sim_intel_write(intel, part, &file));
    enum err e = collateral_add(to, buf_bytes(&file), p);
    buf_free(&file);
    return e;
}

static enum err judge_with(const struct scene *s, const struct collateral *given,
                           struct claims *out, struct problem *p)
{
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct evidence_options options = {.collateral = given,
                                       .no_crl = s->no_crl,
                                       .no_collateral = s->no_collateral,
                                       .cache = s->cache};
    uint8_t report_data[64] = {1};
    struct buf quote = BUF_INIT(1 << 16);
    struct sim_machine m;
    assert_ok(sim_machine_init(&m, &s->described, NULL));
    assert_ok(sim_machine_evidence(&m, report_data, &quote));
    enum err e = judge_bytes(buf_bytes(&quote), &trust, &options, s->at, out, p);
    sim_machine_free(&m);
    buf_free(&quote);
    return e;
}

static enum err judge(const struct scene *s, struct claims *out, struct problem *p)
{
    struct collateral given = {0};
    enum err e = OK;
    for (unsigned i = 0; e == OK && i < SIM_INTEL_PARTS; i++)
        if (s->parts >> i & 1)
            e = add_part(&s->intel, i, &given, p);
    if (e == OK)
        e = judge_with(s, &given, out, p);
    collateral_free(&given);
    return e;
}

static void expect(const struct scene *s, enum err code, const char *says)
{
    struct problem p = {0};
    struct claims c;
    enum err e = judge(s, &c, &p);
    if (e != code || p.err != code || !strstr(p.detail, says))
        fail_msg("expected %s (%s), is %s (%s)", err_code(code), says, err_code(e), p.detail);
}

/* --- wrong first: each breaks one check --- */

static void what_is_missing_is_named(void **state)
{
    static const struct {
        enum sim_intel_part part;
        const char *says;
    } rows[] = {
        {SIM_TCB_INFO, "the TCB info of FMSPC 00806f050000 and PCE 0000 is missing"},
        {SIM_QE_IDENTITY, "the identity of the TD quoting enclave is missing"},
        {SIM_SIGNING, "the certificate \"Intel SGX TCB Signing\" is missing"},
        {SIM_ROOT_CRL, "the revocation list of \"Intel SGX Root CA\" is missing"},
        {SIM_PCK_CRL, "the revocation list of \"Intel SGX PCK Platform CA\" is missing"},
    };
    for (size_t i = 0; i < SIM_INTEL_PARTS; i++) {
        struct scene s = scene();
        s.parts &= ~(1u << rows[i].part);
        expect(&s, E_COLL_MISSING, rows[i].says);
    }
}

static void collateral_of_another_platform_is_none(void **state)
{
    struct scene s = scene();
    s.intel.tcb_info.fmspc[5] ^= 1;
    expect(&s, E_COLL_MISSING, "the TCB info of FMSPC 00806f050000 and PCE 0000 is missing");
    s = scene();
    s.intel.tcb_info.pce_id[0] ^= 1;
    expect(&s, E_COLL_MISSING, "the TCB info of FMSPC 00806f050000 and PCE 0000 is missing");
    s = scene();
    s.intel.pck_crl.issued_by = "Intel SGX PCK Processor CA";
    expect(&s, E_COLL_MISSING, "the revocation list of \"Intel SGX PCK Platform CA\" is missing");
}

static void documents_of_another_kind_are_refused(void **state)
{
    struct scene s = scene();
    s.intel.tcb_info.id = "SGX";
    expect(&s, E_FORMAT, "tcbInfo.id");
    s = scene();
    s.intel.tcb_info.version = 4;
    expect(&s, E_FORMAT, "tcbInfo.version");
    s = scene();
    s.intel.qe_identity.id = "QE";
    expect(&s, E_FORMAT, "enclaveIdentity.id");
    s = scene();
    s.intel.qe_identity.version = 1;
    expect(&s, E_FORMAT, "enclaveIdentity.version");
}

/* Which dates of the description, and the code with which they fail at their two ends. */
static void everything_is_current_or_refused(void **state)
{
    struct scene s = scene();
    struct {
        struct sim_dates *dates;
        const char *says;
    } rows[] = {
        {&s.intel.tcb_info.dates, "the TCB info is good from"},
        {&s.intel.qe_identity.dates, "the QE identity is good from"},
        {&s.intel.signing.dates, "Intel SGX TCB Signing"},
        {&s.intel.root_crl.dates, "Intel SGX Root CA"},
        {&s.intel.pck_crl.dates, "Intel SGX PCK Platform CA"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct sim_dates good = *rows[i].dates;
        struct claims c;
        *rows[i].dates = (struct sim_dates){AT - DAY, AT - 1};
        expect(&s, E_COLL_EXPIRED, rows[i].says);
        *rows[i].dates = (struct sim_dates){AT + 1, AT + DAY};
        expect(&s, E_COLL_EXPIRED, rows[i].says);
        *rows[i].dates = (struct sim_dates){AT, AT};
        assert_ok(judge(&s, &c, NULL));
        assert_int_equal(c.not_after, AT + 1);
        *rows[i].dates = good;
    }
}

static void wrong_signatures_are_refused(void **state)
{
    struct scene s = scene();
    s.intel.document_key = "somebody else";
    expect(&s, E_SIGNATURE, "the TCB info is not signed by");
    s = scene();
    s.intel.document_key = SIM_CN_PCK_CA;
    expect(&s, E_SIGNATURE, "the TCB info is not signed by");
    s = scene();
    s.intel.signing.key = "somebody else";
    expect(&s, E_CHAIN, "the signature on certificate \"Intel SGX TCB Signing\"");
    s = scene();
    s.intel.signing.issued_by = s.intel.signing.key = SIM_CN_PCK_CA;
    expect(&s, E_CHAIN, "\"Intel SGX TCB Signing\" is not issued by \"Intel SGX Root CA\"");
    s = scene();
    s.intel.root_crl.key = "somebody else";
    expect(&s, E_COLL_MISSING, "Intel SGX Root CA");
    s = scene();
    s.intel.pck_crl.key = SIM_CN_ROOT;
    expect(&s, E_COLL_MISSING, "Intel SGX PCK Platform CA");
}

/* The identity alone: each document is checked. */
static void a_qe_identity_of_somebody_else_is_refused(void **state)
{
    struct scene s = scene(), forged = scene();
    struct collateral given = {0};
    struct problem p = {0};
    struct claims c;
    forged.intel.document_key = "somebody else";
    for (unsigned i = 0; i < SIM_INTEL_PARTS; i++)
        assert_ok(add_part(i == SIM_QE_IDENTITY ? &forged.intel : &s.intel, i, &given, NULL));
    assert_err(judge_with(&s, &given, &c, &p), E_SIGNATURE);
    assert_non_null(strstr(p.detail, "the QE identity is not signed by"));
    collateral_free(&given);
}

static void revoked_certificates_are_refused(void **state)
{
    struct scene s = scene();
    s.intel.pck_crl.revokes_pck = true;
    expect(&s, E_CERT_REVOKED, "Intel SGX PCK Certificate");
    s.no_crl = true; /* it is there, so it counts */
    expect(&s, E_CERT_REVOKED, "Intel SGX PCK Certificate");
    s = scene();
    s.intel.root_crl.revokes_pck_ca = true;
    expect(&s, E_CERT_REVOKED, "Intel SGX PCK Platform CA");
    s = scene();
    s.intel.root_crl.revokes_signing = true;
    expect(&s, E_CERT_REVOKED, "Intel SGX TCB Signing");
    s = scene();
    s.intel.ppid[0] ^= 1; /* of another machine */
    s.intel.pck_crl.revokes_pck = true;
    struct claims c;
    assert_ok(judge(&s, &c, NULL));
}

static void a_module_or_enclave_that_is_not_intels_is_refused(void **state)
{
    struct scene s = scene();
    s.described.tdx.mrsigner_seam[0] = 1;
    expect(&s, E_SEAM, "mrsigner_seam: expected 00");
    s = scene();
    s.described.tdx.seam_attributes[0] = 1;
    expect(&s, E_SEAM, "seam_attributes");
    s = scene();
    s.intel.tcb_info.identities[0].version = 2;
    expect(&s, E_SEAM, "no TDX module TDX_01");
    s = scene();
    s.intel.qe_identity.mrsigner[0] ^= 1;
    expect(&s, E_VENDOR, "MRSIGNER");
    s = scene();
    s.intel.qe_identity.isv_prod_id = 1;
    expect(&s, E_VENDOR, "ISVPRODID of the quoting enclave: expected 1, is 2");
    s = scene();
    s.intel.qe_identity.miscselect[0] = 1;
    expect(&s, E_VENDOR, "MISCSELECT");
    s = scene();
    s.intel.qe_identity.attributes[0] ^= 4;
    expect(&s, E_VENDOR, "ATTRIBUTES");
}

static void platforms_below_all_levels_or_revoked_are_refused(void **state)
{
    struct scene s = scene();
    s.described.tdx.pce_svn -= 2;
    expect(&s, E_TCB_STATUS, "the platform is below all levels");
    s = scene();
    s.intel.tcb_info.levels[0].verdict.status = TCB_REVOKED;
    expect(&s, E_TCB_STATUS, "the TCB level of the platform is Revoked");
    s = scene();
    s.intel.tcb_info.identities[0].levels.level[0].verdict.status = TCB_REVOKED;
    expect(&s, E_TCB_STATUS, "the TCB level of the TDX module is Revoked");
    s = scene();
    s.intel.qe_identity.levels.level[0].verdict.status = TCB_REVOKED;
    expect(&s, E_TCB_STATUS, "the TCB level of the quoting enclave is Revoked");
}

/* --- right --- */

static void every_status_is_reported(void **state)
{
    for (enum tcb_status status = TCB_UP_TO_DATE; status < TCB_REVOKED; status++) {
        struct scene s = scene();
        struct claims c;
        s.intel.tcb_info.levels[0].verdict.status = status;
        assert_ok(judge(&s, &c, NULL));
        assert_int_equal(c.tcb_status, status);
        assert_int_equal(c.tdx.platform_status, status);
        assert_int_equal(c.tcb_date, AT - 200 * DAY);
        assert_int_equal(c.not_after, AT + 30 * DAY + 1);
        assert_int_equal(c.n_advisories, 0);
    }
}

static void a_machine_behind_is_out_of_date_with_its_advisory(void **state)
{
    struct scene s = scene();
    struct claims c;
    s.described.tdx.pce_svn--;
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_OUT_OF_DATE);
    assert_int_equal(c.tcb_date, AT - 400 * DAY);
    assert_int_equal(c.n_advisories, 1);
    assert_string_equal(c.advisories[0], "SIM-SA-00001");
    s = scene();
    s.described.tdx.tee_tcb_svn[0]--; /* launched with the module before this one */
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.tdx.module_status, TCB_OUT_OF_DATE);
    assert_int_equal(c.tcb_status, TCB_TD_RELAUNCH_ADVISED);
    s.described.tdx.tee_tcb_svn2[0]--;
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_OUT_OF_DATE);
}

static void lists_that_are_not_demanded_may_be_missing(void **state)
{
    struct scene s = scene();
    struct claims c;
    s.no_crl = true;
    s.parts &= ~(1u << SIM_PCK_CRL | 1u << SIM_ROOT_CRL);
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_UP_TO_DATE);
}

static void without_documents_a_simulated_machine_follows_its_own_rule(void **state)
{
    struct scene s = scene();
    struct claims c;
    s.parts = 1u << SIM_PCK_CRL | 1u << SIM_ROOT_CRL;
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.tcb_status, sim_tcb_status(&c));
    assert_int_equal(c.tdx.platform_status, TCB_UNKNOWN);
    s = scene();
    s.no_collateral = true;
    s.intel.tcb_info.levels[0].verdict.status = TCB_OUT_OF_DATE;
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_UP_TO_DATE);
}

/* Of several that fit, the newest counts that is signed and current. */
static void the_newest_document_counts(void **state)
{
    struct scene s = scene(), newer = scene(), forged = scene(), later = scene();
    struct collateral given = {0};
    struct claims c;
    newer.intel.tcb_info.dates.from += 3600;
    newer.intel.tcb_info.levels[0].verdict.status = TCB_SW_HARDENING_NEEDED;
    forged.intel.tcb_info.dates.from += 7200;
    forged.intel.document_key = "somebody else";
    later.intel.tcb_info.dates.from = AT + 1;
    assert_ok(add_part(&newer.intel, SIM_TCB_INFO, &given, NULL));
    assert_ok(add_part(&forged.intel, SIM_TCB_INFO, &given, NULL));
    assert_ok(add_part(&later.intel, SIM_TCB_INFO, &given, NULL));
    for (unsigned i = 0; i < SIM_INTEL_PARTS; i++)
        assert_ok(add_part(&s.intel, i, &given, NULL));
    assert_ok(judge_with(&s, &given, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_SW_HARDENING_NEEDED);
    collateral_free(&given);
}

/* --- remembered --- */

static void a_remembered_judgement_ends_with_its_collateral(void **state)
{
    struct scene s = scene();
    struct claims c;
    s.cache = evidence_cache_new(4);
    assert_ok(judge(&s, &c, NULL));
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.not_after, AT + 30 * DAY + 1);
    s.at = AT + 31 * DAY;
    expect(&s, E_COLL_EXPIRED, "Intel SGX Root CA");
    s.at = AT - 2 * DAY;
    expect(&s, E_COLL_EXPIRED, "Intel SGX Root CA");
    s.at = AT;
    assert_ok(judge(&s, &c, NULL));
    s.intel.pck_crl.revokes_pck = true; /* a new list alone */
    expect(&s, E_CERT_REVOKED, "Intel SGX PCK Certificate");
    s.intel.pck_crl.revokes_pck = false;
    s.intel.tcb_info.levels[0].verdict.status = TCB_OUT_OF_DATE; /* a new TCB info alone */
    assert_ok(judge(&s, &c, NULL));
    assert_int_equal(c.tcb_status, TCB_OUT_OF_DATE);
    evidence_cache_free(s.cache);
}

/* Who signed what is remembered for all machines, and for nothing else. */
static void a_further_machine_is_judged_by_what_is_known(void **state)
{
    struct scene s = scene(), other = scene();
    struct claims c;
    s.cache = other.cache = evidence_cache_new(4);
    assert_ok(judge(&s, &c, NULL));
    size_t known = evidence_cache_facts(s.cache)->n;
    assert_int_equal(known, 5); /* two documents, their signer, two lists */
    other.described = sim_claims(PLATFORM_TDX, 8);
    assert_ok(judge(&other, &c, NULL));
    assert_int_equal(evidence_cache_facts(s.cache)->n, known);
    other.intel.pck_crl.revokes_pck = true; /* of the first machine */
    assert_ok(judge(&other, &c, NULL));
    assert_int_equal(evidence_cache_facts(s.cache)->n, known + 1);
    other.intel.document_key = "somebody else";
    expect(&other, E_SIGNATURE, "the TCB info is not signed by");
    other.intel = scene().intel;
    other.intel.signing.key = "somebody else";
    expect(&other, E_CHAIN, "Intel SGX TCB Signing");
    other.intel = scene().intel;
    other.intel.pck_crl.key = "somebody else";
    expect(&other, E_COLL_MISSING, "Intel SGX PCK Platform CA");
    assert_int_equal(evidence_cache_facts(s.cache)->n, known + 1);
    evidence_cache_free(s.cache);
}

static void the_oldest_fact_gives_way(void **state)
{
    static struct facts f;
    for (uint32_t i = 0; i <= FACTS_MAX; i++) {
        struct hash32 about = {0};
        memcpy(about.b, &i, sizeof i);
        struct hash32 known = fact_of("x", (struct hash32){0}, about);
        assert_false(facts_know(&f, &known));
        facts_learn(&f, &known);
        assert_true(facts_know(&f, &known));
    }
    struct hash32 first = fact_of("x", (struct hash32){0}, (struct hash32){0});
    assert_false(facts_know(&f, &first));
    facts_learn(NULL, &first);
    assert_false(facts_know(NULL, &first));
}

static void what_was_remembered_without_lists_is_not_enough_with_them(void **state)
{
    struct scene s = scene();
    struct claims c;
    s.cache = evidence_cache_new(4);
    s.parts &= ~(1u << SIM_PCK_CRL);
    s.no_crl = true;
    assert_ok(judge(&s, &c, NULL));
    s.no_crl = false;
    expect(&s, E_COLL_MISSING, "Intel SGX PCK Platform CA");
    evidence_cache_free(s.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(collateral_of_another_platform_is_none),
        cmocka_unit_test(documents_of_another_kind_are_refused),
        cmocka_unit_test(everything_is_current_or_refused),
        cmocka_unit_test(wrong_signatures_are_refused),
        cmocka_unit_test(a_qe_identity_of_somebody_else_is_refused),
        cmocka_unit_test(revoked_certificates_are_refused),
        cmocka_unit_test(a_module_or_enclave_that_is_not_intels_is_refused),
        cmocka_unit_test(platforms_below_all_levels_or_revoked_are_refused),
        cmocka_unit_test(every_status_is_reported),
        cmocka_unit_test(a_machine_behind_is_out_of_date_with_its_advisory),
        cmocka_unit_test(lists_that_are_not_demanded_may_be_missing),
        cmocka_unit_test(without_documents_a_simulated_machine_follows_its_own_rule),
        cmocka_unit_test(the_newest_document_counts),
        cmocka_unit_test(a_remembered_judgement_ends_with_its_collateral),
        cmocka_unit_test(a_further_machine_is_judged_by_what_is_known),
        cmocka_unit_test(the_oldest_fact_gives_way),
        cmocka_unit_test(what_was_remembered_without_lists_is_not_enough_with_them),
    };
    return cmocka_run_group_tests_name("tdx_collateral", tests, NULL, NULL);
}
