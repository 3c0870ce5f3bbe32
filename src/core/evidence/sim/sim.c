#include "core/evidence/sim/sim.h"

#include "core/evidence/sim/vendor.h"

/* --- example machines --- */

/* Deterministic bytes for a named field of machine n; the same for all machines if n is 0. */
static void example(const char *field, uint64_t n, void *out, size_t size)
{
    struct rng_seeded seeded;
    struct thash h;
    thash_init(&h, "guardian/v1/simulated/example");
    thash_add(&h, bytes_str(field));
    thash_u64(&h, n);
    rng_fill(rng_seeded(&seeded, thash_final32(&h).b), out, size);
}

#define EXAMPLE(field, n) example(#field, (n), &(field), sizeof(field))

/* Intel's quoting enclave: the simulated one names itself instead. */
static const uint8_t sim_vendor_id[16] = "guardian sim";

static void tdx_example(struct tdx_claims *t, uint64_t n)
{
    static const uint8_t fmspc[6] = {0x00, 0x80, 0x6f, 0x05, 0, 0};
    t->quote_version = 5;
    t->has_td15 = true;
    memcpy(t->vendor_id, sim_vendor_id, 16);
    t->tee_tcb_svn[0] = t->tee_tcb_svn2[0] = 5;
    t->tee_tcb_svn[1] = t->tee_tcb_svn2[1] = 1;
    EXAMPLE(t->mr_seam, 0);
    t->td_attributes[3] = 0x10; /* SEPT_VE_DISABLE */
    t->xfam[0] = 0xe7;
    t->xfam[1] = 0x02;
    t->xfam[2] = 0x06;
    EXAMPLE(t->mrtd, 0);
    EXAMPLE(t->rtmr, 0);
    memcpy(t->fmspc, fmspc, sizeof fmspc);
    EXAMPLE(t->ppid, n);
    memset(t->cpu_svn, SIM_TCB_CURRENT, 4);
    t->pce_svn = SIM_TCB_CURRENT + 3;
    t->has_platform_instance = true;
    EXAMPLE(t->platform_instance_id, n);
}

static void snp_example(struct snp_claims *s, uint64_t n)
{
    const struct snp_tcb tcb = {.bootloader = 4, .snp = 24, .microcode = 219};
    s->version = 3;
    s->policy = 0x30000;
    s->platform_info = 0x25;
    s->signing_key = SNP_KEY_VCEK;
    s->product = SNP_MILAN;
    s->has_cpuid = true;
    s->cpuid_family = 0x19;
    s->cpuid_model = s->cpuid_stepping = 1;
    s->current_tcb = s->reported_tcb = s->committed_tcb = s->launch_tcb = tcb;
    EXAMPLE(s->measurement, 0);
    EXAMPLE(s->report_id, n);
    memset(s->report_id_ma, 0xff, sizeof s->report_id_ma);
    EXAMPLE(s->chip_id, n);
}

struct claims sim_claims(enum platform platform, uint64_t n)
{
    struct claims c = {.platform = platform, .simulated = true};
    if (platform == PLATFORM_TDX)
        tdx_example(&c.tdx, n);
    else
        snp_example(&c.snp, n);
    claims_hash_measurements(&c);
    c.tcb_status = sim_tcb_status(&c);
    return c;
}

/* --- machines --- */

enum err sim_machine_init(struct sim_machine *m, const struct claims *claims, struct problem *p)
{
    memset(m, 0, sizeof *m);
    m->claims = *claims;
    m->certified = BUF_INIT(16384);
    enum err e = E_VALUE;
    if (claims->platform == PLATFORM_TDX)
        e = sim_tdx_init(m);
    else if (claims->platform == PLATFORM_SNP)
        e = sim_snp_init(m);
    if (e != OK)
        sim_machine_free(m);
    return e == E_VALUE ? problem(p, e, "no such machine can be simulated") : e;
}

void sim_machine_free(struct sim_machine *m)
{
    buf_free(&m->certified);
    ecdsa_secret_wipe(&m->key);
}

enum err sim_machine_evidence(const struct sim_machine *m, const uint8_t report_data[static 64],
                              struct buf *out)
{
    return m->claims.platform == PLATFORM_TDX ? sim_tdx_evidence(m, report_data, out)
                                              : sim_snp_evidence(m, report_data, out);
}

enum tcb_status sim_tcb_status(const struct claims *c)
{
    unsigned level = c->platform == PLATFORM_TDX ? c->tdx.pce_svn : c->snp.reported_tcb.microcode;
    if (level == 0)
        return TCB_REVOKED;
    return level >= SIM_TCB_CURRENT ? TCB_UP_TO_DATE : TCB_OUT_OF_DATE;
}
