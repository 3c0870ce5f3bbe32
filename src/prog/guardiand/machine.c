#include "prog/guardiand/machine.h"

#include "core/evidence/sim/sim.h"

static void measure(const char *name, const char *software, uint8_t out[static 48])
{
    struct thash h;
    thash_init(&h, "guardian/v1/simulated/software");
    thash_add(&h, bytes_str(name));
    thash_add(&h, bytes_str(software));
    struct hash64 full = thash_final(&h);
    memcpy(out, full.b, 48);
}

static void set_measurements(struct claims *c, const char *software)
{
    static const char *const rtmr[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    if (c->platform == PLATFORM_SNP) {
        measure("measurement", software, c->snp.measurement);
        return;
    }
    measure("mrtd", software, c->tdx.mrtd);
    for (size_t i = 0; i < 4; i++)
        measure(rtmr[i], software, c->tdx.rtmr[i]);
}

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
    struct hash32 h = sha256(bytes_str(s->machine));
    struct reader r = reader(BYTES_OF(h.b));
    struct claims c = sim_claims(s->platform, rd_u64(&r));
    set_measurements(&c, s->software);
    set_version(&c, s->quote_version);
    claims_hash_measurements(&c);
    return c;
}
