#include "core/evidence/sim/software.h"

#include "core/evidence/sim/sim.h"

static const char *const tdx_names[SIM_REGISTERS_MAX] = {"mrtd", "rtmr0", "rtmr1", "rtmr2",
                                                         "rtmr3"};

size_t sim_registers(const struct claims *c, struct sim_register out[static SIM_REGISTERS_MAX])
{
    if (c->platform == PLATFORM_SNP) {
        out[0] = (struct sim_register){"measurement", c->snp.measurement};
        return 1;
    }
    for (size_t i = 0; i < SIM_REGISTERS_MAX; i++)
        out[i] = (struct sim_register){tdx_names[i], i ? c->tdx.rtmr[i - 1] : c->tdx.mrtd};
    return SIM_REGISTERS_MAX;
}

static void measure(const char *name, const char *software, uint8_t out[static 48])
{
    struct thash h;
    thash_init(&h, "guardian/v1/simulated/software");
    thash_add(&h, bytes_str(name));
    thash_add(&h, bytes_str(software));
    struct hash64 full = thash_final(&h);
    memcpy(out, full.b, 48);
}

struct claims sim_software_claims(enum platform platform, const char *software, const char *machine)
{
    struct hash32 h = sha256(bytes_str(machine));
    struct reader r = reader(BYTES_OF(h.b));
    struct claims c = sim_claims(platform, rd_u64(&r));
    if (platform == PLATFORM_SNP)
        measure("measurement", software, c.snp.measurement);
    for (size_t i = 0; platform == PLATFORM_TDX && i < SIM_REGISTERS_MAX; i++)
        measure(tdx_names[i], software, i ? c.tdx.rtmr[i - 1] : c.tdx.mrtd);
    claims_hash_measurements(&c);
    return c;
}
