#include "prog/guardiand/machine.h"

#include "core/evidence/sim/software.h"

/* What comes and goes with the version of a quote or report. */
static void set_version(struct claims *c, uint32_t version)
{
    if (version == 0)
        return;
    if (c->platform == PLATFORM_SNP) {
        c->snp.version = version;
        c->snp.has_cpuid = version >= 3;
        c->snp.has_mitigations = version >= 5;
    } else {
        c->tdx.quote_version = (uint16_t)version;
        c->tdx.has_td15 = version >= 5;
    }
    if (c->platform == PLATFORM_SNP && version < 3)
        c->snp.cpuid_family = c->snp.cpuid_model = c->snp.cpuid_stepping = 0;
    if (c->platform == PLATFORM_TDX && version < 5)
        memset(c->tdx.tee_tcb_svn2, 0, sizeof c->tdx.tee_tcb_svn2);
}

struct claims machine_claims(const struct config_simulated *s)
{
    struct claims c = sim_software_claims(s->platform, s->software, s->machine);
    set_version(&c, s->quote_version);
    claims_hash_measurements(&c);
    return c;
}
