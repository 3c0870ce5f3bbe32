/*
 * core/evidence/collateral.h: what vendors publish, in every form; what is accepted keeps the
 * limits of its header, and judges a platform without a surprise.
 */
#include "core/evidence/collateral.h"
#include "core/evidence/sim/sim.h"
#include "core/evidence/tdx_tcb.h"
#include "fuzz.h"

static void check_verdict(const struct tcb_verdict *v)
{
    FUZZ_REQUIRE(v->status > TCB_UNKNOWN && v->status <= TCB_REVOKED && v->date > 0);
    FUZZ_REQUIRE(v->n_advisories <= CLAIMS_ADVISORIES_MAX);
    for (size_t i = 0; i < v->n_advisories; i++)
        FUZZ_REQUIRE(v->advisories[i][0] && memchr(v->advisories[i], 0, CLAIMS_ADVISORY_SIZE));
}

static void check_isv(const struct isv_levels *l)
{
    FUZZ_REQUIRE(l->n > 0 && l->n <= ISV_LEVELS_MAX);
    for (size_t i = 0; i < l->n; i++)
        check_verdict(&l->level[i].verdict);
}

/* Claims that reach every level of the first module, and a report of the identity's enclave. */
static void judge(const struct tcb_info *t, const struct qe_identity *q)
{
    uint8_t report[QE_REPORT_SIZE] = {0};
    struct claims c = sim_claims(PLATFORM_TDX, 1);
    memset(c.tdx.cpu_svn, 0xff, 16);
    memset(c.tdx.tee_tcb_svn, 0xff, 16);
    memcpy(c.tdx.tee_tcb_svn2, c.tdx.tee_tcb_svn, 16);
    c.tdx.tee_tcb_svn[1] = t->n_modules ? t->modules[0].version : 0;
    c.tdx.pce_svn = UINT16_MAX;
    memcpy(report + 48, q->attributes, 16);
    memcpy(report + 128, q->mrsigner, 32);
    report[256] = (uint8_t)q->isv_prod_id;
    report[257] = (uint8_t)(q->isv_prod_id >> 8);
    memset(report + 258, 0xff, 2);
    if (tdx_tcb_judge(t, q, BYTES_OF(report), &c, NULL) != OK)
        return;
    FUZZ_REQUIRE(c.tcb_status != TCB_UNKNOWN && c.tcb_status != TCB_REVOKED && c.tcb_date > 0);
    struct buf written = BUF_INIT(8192);
    struct writer w = writer(&written);
    struct claims again;
    claims_write(&w, &c);
    FUZZ_REQUIRE(writer_end(&w) == OK);
    struct reader r = reader(buf_bytes(&written));
    claims_read(&r, &again);
    FUZZ_REQUIRE(reader_end(&r, E_MALFORMED) == OK && again.n_advisories == c.n_advisories);
    buf_free(&written);
}

static void check_tcb_info(const struct tcb_info *t)
{
    static const struct qe_identity any = {
        .levels = {.n = 1, .level = {{0, {TCB_UP_TO_DATE, 1, 0, NULL}}}}};
    FUZZ_REQUIRE(t->n_levels > 0 && t->n_levels <= TCB_LEVELS_MAX);
    FUZZ_REQUIRE(t->n_modules <= TCB_MODULES_MAX);
    for (size_t i = 0; i < t->n_levels; i++)
        check_verdict(&t->levels[i].verdict);
    for (size_t i = 0; i < t->n_modules; i++)
        check_isv(&t->modules[i].levels);
    judge(t, &any);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct collateral c = {0}, twice = {0};
    struct problem p = {0};
    enum err e = collateral_add(&c, bytes(data, size), &p);
    FUZZ_REQUIRE(e == OK || (p.err == e && p.detail[0]));
    FUZZ_REQUIRE(e == OK || e == E_NOT_FOUND || e == E_FORMAT || e == E_TOO_LARGE);
    FUZZ_REQUIRE((e == OK) == (c.certs.n + c.n_crls + c.n_tcb_infos + c.n_qe_identities > 0));
    for (size_t i = 0; i < c.n_tcb_infos; i++)
        check_tcb_info(c.tcb_infos[i]);
    for (size_t i = 0; i < c.n_qe_identities; i++)
        check_isv(&c.qe_identities[i]->levels);
    FUZZ_REQUIRE(collateral_add(&twice, bytes(data, size), NULL) == e);
    FUZZ_REQUIRE(hash32_eq(c.id, twice.id));
    collateral_free(&c);
    collateral_free(&twice);
    return 0;
}
