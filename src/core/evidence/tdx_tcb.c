#include "core/evidence/tdx_tcb.h"

#include "base/codec/hex.h"

#define MODULE_SVN     0 /* of TEE_TCB_SVN */
#define MODULE_VERSION 1

/* --- is it Intel's module? --- */

static enum err check_module(const struct tdx_module *expected, const struct tdx_claims *t,
                             struct problem *p)
{
    char want[97], have[97];
    if (memcmp(t->mrsigner_seam, expected->mrsigner, sizeof expected->mrsigner) != 0) {
        hex_encode(BYTES_OF(expected->mrsigner), want);
        hex_encode(BYTES_OF(t->mrsigner_seam), have);
        return problem(p, E_SEAM, "mrsigner_seam: expected %s, is %s", want, have);
    }
    /* Intel's verifier wants zero, and what TCB info says. */
    bool zero = bytes_is_zero(BYTES_OF(t->seam_attributes));
    if (!zero || memcmp(t->seam_attributes, expected->attributes, 8) != 0) {
        hex_encode(BYTES_OF(expected->attributes), want);
        hex_encode(BYTES_OF(t->seam_attributes), have);
        return problem(p, E_SEAM, "seam_attributes: expected %s and zero, is %s", want, have);
    }
    return OK;
}

static enum err find_module(const struct tcb_info *info, uint8_t version,
                            const struct tdx_module_identity **out, struct problem *p)
{
    *out = tcb_info_module(info, version);
    if (version && !*out)
        return problem(p, E_SEAM, "the TCB info knows no TDX module TDX_%02X", version);
    return OK;
}

/* --- which levels are reached? --- */

static bool reaches(const uint8_t svn[static 16], const uint8_t level[static 16], size_t from)
{
    for (size_t i = from; i < 16; i++)
        if (svn[i] < level[i])
            return false;
    return true;
}

static const struct tcb_verdict *platform_verdict(const struct tcb_info *info,
                                                  const struct tdx_claims *t,
                                                  const uint8_t svn[static 16])
{
    size_t from = svn[MODULE_VERSION] > 0 ? 2 : 0;
    for (size_t i = 0; i < info->n_levels; i++) {
        const struct tcb_level *l = &info->levels[i];
        if (reaches(t->cpu_svn, l->sgx, 0) && t->pce_svn >= l->pce_svn &&
            reaches(svn, l->tdx, from))
            return &l->verdict;
    }
    return NULL;
}

/* The parts of a status; module is NULL if it has no identity. */
struct parts {
    const struct tcb_verdict *platform, *module, *qe;
};

/* With this TEE_TCB_SVN, as the guest was launched or as the platform is now. */
static enum err find_parts(const struct tcb_info *info, const struct tdx_claims *t,
                           const uint8_t svn[static 16], struct parts *out, struct problem *p)
{
    const struct tdx_module_identity *module;
    TRY(find_module(info, svn[MODULE_VERSION], &module, p));
    out->platform = platform_verdict(info, t, svn);
    if (!out->platform)
        return problem(p, E_TCB_STATUS, "the platform is below all levels of its TCB info");
    if (!module)
        return OK;
    out->module = isv_levels_find(&module->levels, svn[MODULE_SVN]);
    if (!out->module)
        return problem(p, E_TCB_STATUS, "SVN %u of the TDX module TDX_%02X is below all its levels",
                       svn[MODULE_SVN], svn[MODULE_VERSION]);
    return OK;
}

/* --- convergence --- */

/* What a platform's status becomes when another part is out of date. */
static enum tcb_status out_of_date(enum tcb_status platform)
{
    switch (platform) {
    case TCB_UP_TO_DATE:
    case TCB_SW_HARDENING_NEEDED:
        return TCB_OUT_OF_DATE;
    case TCB_CONFIGURATION_NEEDED:
    case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
        return TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    default:
        return platform;
    }
}

/* Of parts none of which is revoked. */
static enum tcb_status converge(const struct parts *parts)
{
    const struct tcb_verdict *others[] = {parts->module, parts->qe};
    enum tcb_status status = parts->platform->status;
    for (size_t i = 0; i < 2; i++)
        if (others[i] && others[i]->status == TCB_OUT_OF_DATE)
            status = out_of_date(status);
    return status;
}

static bool is_out_of_date(enum tcb_status s)
{
    return s == TCB_OUT_OF_DATE || s == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

static bool needs_configuration(enum tcb_status s)
{
    return s == TCB_CONFIGURATION_NEEDED || s == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED ||
           s == TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
}

/* The guest's status at launch, if the platform has since come to `current`. */
static enum tcb_status relaunch(enum tcb_status launch, enum tcb_status current)
{
    if (!is_out_of_date(launch) || is_out_of_date(current))
        return launch;
    return needs_configuration(launch) || needs_configuration(current)
               ? TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
               : TCB_TD_RELAUNCH_ADVISED;
}

static enum err refuse_revoked(const struct parts *parts, struct problem *p)
{
    const struct {
        const char *name;
        const struct tcb_verdict *verdict;
    } all[] = {{"platform", parts->platform},
               {"TDX module", parts->module},
               {"quoting enclave", parts->qe}};
    for (size_t i = 0; i < 3; i++)
        if (all[i].verdict && all[i].verdict->status == TCB_REVOKED)
            return problem(p, E_TCB_STATUS, "the TCB level of the %s is Revoked", all[i].name);
    return OK;
}

/* --- all of it --- */

static enum err add_verdict(const struct tcb_verdict *v, struct claims *c, struct problem *p)
{
    if (!v)
        return OK;
    if (c->tcb_date == 0 || v->date < c->tcb_date)
        c->tcb_date = v->date;
    for (size_t i = 0; i < v->n_advisories; i++)
        if (claims_add_advisory(c, v->advisories[i]) != OK)
            return problem(p, E_TOO_LARGE, "the TCB levels have more than %d advisories",
                           CLAIMS_ADVISORIES_MAX);
    return OK;
}

/* TD 1.5: the TCB of the platform now, which may have been updated under the running guest. */
static enum err judge_current(const struct tcb_info *info, const struct tcb_verdict *qe,
                              struct claims *c, struct problem *p)
{
    struct parts now = {.qe = qe};
    TRY(find_parts(info, &c->tdx, c->tdx.tee_tcb_svn2, &now, p));
    TRY(refuse_revoked(&now, p));
    c->tcb_status = relaunch(c->tcb_status, converge(&now));
    return OK;
}

enum err tdx_tcb_judge(const struct tcb_info *info, const struct qe_identity *identity,
                       struct bytes qe_report, struct claims *c, struct problem *p)
{
    struct tdx_claims *t = &c->tdx;
    struct parts launch = {0};
    const struct tdx_module_identity *module;
    TRY(find_module(info, t->tee_tcb_svn[MODULE_VERSION], &module, p));
    TRY(check_module(module ? &module->module : &info->module, t, p));
    TRY(qe_identity_match(identity, qe_report, &launch.qe, p));
    TRY(find_parts(info, t, t->tee_tcb_svn, &launch, p));
    TRY(refuse_revoked(&launch, p));
    t->platform_status = launch.platform->status;
    t->module_status = launch.module ? launch.module->status : TCB_UNKNOWN;
    t->qe_status = launch.qe->status;
    c->tcb_status = converge(&launch);
    TRY(add_verdict(launch.platform, c, p));
    TRY(add_verdict(launch.module, c, p));
    TRY(add_verdict(launch.qe, c, p));
    return t->has_td15 ? judge_current(info, launch.qe, c, p) : OK;
}
