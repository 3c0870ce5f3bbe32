#include "core/evidence/verify.h"

#include "core/evidence/sim/sim.h"

struct verified *verify_cached(const struct verify_context *v, struct bytes chain)
{
    if (!v->options->cache)
        return NULL;
    struct verified *found = evidence_cache_find(v->options->cache, chain);
    if (!found || chain_check_dates(&found->chain, v->unix_time, NULL) != OK)
        return NULL;
    return evidence_trust_find(v->trust, found->chain.platform, found->chain.root) ? found : NULL;
}

struct verified *verify_keep(const struct verify_context *v, struct bytes chain,
                             struct verified *local)
{
    struct verified *kept = NULL;
    if (v->options->cache)
        kept = evidence_cache_put(v->options->cache, chain, local);
    return kept ? kept : local;
}

enum err evidence_verify(const struct evidence *e, const struct evidence_trust *trust,
                         const struct evidence_options *options, int64_t unix_time,
                         struct claims *out, struct problem *p)
{
    const struct verify_context v = {e, trust, options, unix_time};
    memset(out, 0, sizeof *out);
    TRY(e->platform == PLATFORM_TDX ? verify_tdx(&v, out, p) : verify_snp(&v, out, p));
    if (out->simulated && out->tcb_status == TCB_UNKNOWN)
        out->tcb_status = sim_tcb_status(out);
    return OK;
}
