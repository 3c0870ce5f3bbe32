#include "core/policy/policy_int.h"

#include "base/codec/hex.h"

#include <stdio.h>

/* What one check needs. */
struct match {
    const struct policy_record *r;
    const struct claims *c;
    struct problem *p;
};

/* --- comparisons --- */

#define HEX_MAX (2 * 64 + 1)

static enum err same(const struct match *m, enum err code, const char *what, const void *expected,
                     const void *actual, size_t n)
{
    char want[HEX_MAX], have[HEX_MAX];
    if (memcmp(expected, actual, n) == 0)
        return OK;
    hex_encode(bytes(expected, n), want);
    hex_encode(bytes(actual, n), have);
    return problem(m->p, code, "%s: expected %s, is %s", what, want, have);
}

#define ONE_OF_MAX 96

/* "first", or "first or 2 others": what a list of n expects, short enough for one sentence. */
static void one_of(const char *first, size_t n, char out[ONE_OF_MAX])
{
    if (n == 1)
        snprintf(out, ONE_OF_MAX, "%s", first);
    else
        snprintf(out, ONE_OF_MAX, "%s or %zu other%s", first, n - 1, n == 2 ? "" : "s");
}

static enum err at_least(const struct match *m, const char *component, struct policy_min min,
                         uint8_t actual)
{
    if (!min.given || actual >= min.value)
        return OK;
    return problem(m->p, E_TCB_OLD, "%s: expected at least %u, is %u", component, min.value,
                   actual);
}

/* --- measurements --- */

static enum err match_platform(const struct match *m)
{
    if (m->r->platform == m->c->platform)
        return OK;
    return problem(m->p, E_MEAS_MISMATCH, "platform: expected %s, is %s",
                   platform_name(m->r->platform), platform_name(m->c->platform));
}

static enum err match_td(const struct match *m)
{
    const struct policy_tdx *t = &m->r->tdx;
    const struct tdx_claims *c = &m->c->tdx;
    TRY(same(m, E_FIRMWARE, "mrtd", t->mrtd, c->mrtd, sizeof t->mrtd));
    for (size_t i = 0; i < 4; i++) {
        const char name[] = {'r', 't', 'm', 'r', (char)('0' + i), 0};
        if (policy_events_pin(t, i))
            TRY(policy_events_match(t, c, i, m->p));
        else
            TRY(same(m, E_MEAS_MISMATCH, name, t->rtmr[i], c->rtmr[i], sizeof t->rtmr[i]));
    }
    if (!t->has_mr_config_id)
        return OK;
    return same(m, E_HOST_DATA, "mr_config_id", t->mr_config_id, c->mr_config_id,
                sizeof t->mr_config_id);
}

static enum err match_guest(const struct match *m)
{
    const struct policy_snp *s = &m->r->snp;
    const struct snp_claims *c = &m->c->snp;
    TRY(same(m, E_MEAS_MISMATCH, "measurement", s->measurement, c->measurement,
             sizeof s->measurement));
    if (!s->has_host_data)
        return OK;
    return same(m, E_HOST_DATA, "host_data", s->host_data, c->host_data, sizeof s->host_data);
}

static enum err match_debug(const struct match *m)
{
    if (m->r->debug_allowed || !m->c->debug)
        return OK;
    return problem(m->p, E_DEBUG, "debug: expected false, is true");
}

/* --- TCB --- */

/* Byte 0 of TEE_TCB_SVN is the SVN of the TDX module (Intel TDX module base specification). */
static enum err match_tdx_tcb(const struct match *m)
{
    const struct policy_tdx *t = &m->r->tdx;
    const uint8_t *actual = m->c->tdx.tee_tcb_svn;
    TRY(at_least(m, "seam_svn", t->min_seam_svn, actual[0]));
    for (size_t i = 0; t->has_min_tee_tcb_svn && i < sizeof t->min_tee_tcb_svn; i++)
        if (actual[i] < t->min_tee_tcb_svn[i])
            return problem(m->p, E_TCB_OLD, "tee_tcb_svn[%zu]: expected at least %u, is %u", i,
                           t->min_tee_tcb_svn[i], actual[i]);
    return OK;
}

static enum err match_snp_tcb(const struct match *m)
{
    const struct policy_snp *s = &m->r->snp;
    const struct snp_tcb *actual = &m->c->snp.reported_tcb;
    TRY(at_least(m, "bootloader_svn", s->min_bootloader, actual->bootloader));
    TRY(at_least(m, "tee_svn", s->min_tee, actual->tee));
    TRY(at_least(m, "snp_svn", s->min_snp, actual->snp));
    return at_least(m, "microcode_svn", s->min_microcode, actual->microcode);
}

static enum err match_status(const struct match *m)
{
    char allowed[160], actual[CLAIMS_STATUS_TEXT_MAX];
    if (policy_allows_tcb(m->r, m->c->tcb_status))
        return OK;
    policy_tcb_text(m->r, allowed, sizeof allowed);
    return problem(m->p, E_TCB_STATUS, "tcb_status: expected %s, is %s", allowed,
                   claims_status_text(m->c, actual));
}

static enum err match_advisories(const struct match *m)
{
    for (size_t i = 0; i < m->c->n_advisories; i++) {
        const char *actual = m->c->advisories[i];
        if (policy_allows_advisory(m->r, actual))
            continue;
        char expected[ONE_OF_MAX] = "none";
        if (m->r->n_advisories)
            one_of(m->r->advisories[0], m->r->n_advisories, expected);
        return problem(m->p, E_TCB_STATUS, "advisory: expected %s, is %s", expected, actual);
    }
    return OK;
}

/* --- CPU model --- */

struct cpu {
    bool known;
    unsigned family, model;
    int stepping; /* -1: not told, or any */
};

/* FMSPC begins with CPUID.1 EAX >> 4, big-endian; family and model as CPUID composes them. */
static struct cpu tdx_cpu(const uint8_t fmspc[static 6])
{
    unsigned family = fmspc[2] >> 4, model = fmspc[2] & 0xf;
    struct cpu cpu = {true, family, model, -1};
    if (family == 15)
        cpu.family += fmspc[0];
    if (family == 6 || family == 15)
        cpu.model |= fmspc[1] & 0xf0;
    return cpu;
}

static struct cpu cpu_of(const struct claims *c)
{
    if (c->platform == PLATFORM_TDX)
        return tdx_cpu(c->tdx.fmspc);
    const struct snp_claims *s = &c->snp;
    return (struct cpu){s->has_cpuid, s->cpuid_family, s->cpuid_model, s->cpuid_stepping};
}

static struct cpu expected_cpu(const struct policy_model *m)
{
    return (struct cpu){true, m->family, m->model, m->any_stepping ? -1 : m->stepping};
}

static void cpu_text(struct cpu cpu, char out[ONE_OF_MAX])
{
    int n = snprintf(out, ONE_OF_MAX, "family %u model %u", cpu.family, cpu.model);
    if (cpu.stepping >= 0)
        snprintf(out + n, ONE_OF_MAX - (size_t)n, " stepping %d", cpu.stepping);
}

static enum err match_cpu(const struct match *m)
{
    if (m->r->n_models == 0)
        return OK;
    struct cpu cpu = cpu_of(m->c);
    char first[ONE_OF_MAX], expected[ONE_OF_MAX], actual[ONE_OF_MAX];
    cpu_text(expected_cpu(&m->r->models[0]), first);
    one_of(first, m->r->n_models, expected);
    cpu_text(cpu, actual);
    if (!cpu.known)
        return problem(m->p, E_CPU_MODEL, "cpu model: expected %s, the report has none", expected);
    for (size_t i = 0; i < m->r->n_models; i++) {
        const struct policy_model *a = &m->r->models[i];
        if (a->family == cpu.family && a->model == cpu.model &&
            (a->any_stepping || a->stepping == cpu.stepping))
            return OK;
    }
    return problem(m->p, E_CPU_MODEL, "cpu model: expected %s, is %s", expected, actual);
}

/* --- the platform's own --- */

static enum err match_vendor(const struct match *m)
{
    const struct policy_tdx *t = &m->r->tdx;
    const uint8_t *id = m->c->tdx.vendor_id;
    char first[33], expected[ONE_OF_MAX], actual[33];
    if (t->n_vendors == 0)
        return OK;
    for (size_t i = 0; i < t->n_vendors; i++)
        if (memcmp(t->vendors[i], id, sizeof t->vendors[i]) == 0)
            return OK;
    hex_encode(BYTES_OF(t->vendors[0]), first);
    one_of(first, t->n_vendors, expected);
    hex_encode(BYTES_OF(m->c->tdx.vendor_id), actual);
    return problem(m->p, E_VENDOR, "vendor_id: expected %s, is %s", expected, actual);
}

static enum err match_tdx_platform(const struct match *m)
{
    const struct policy_tdx *t = &m->r->tdx;
    const struct tdx_claims *c = &m->c->tdx;
    TRY(match_vendor(m));
    if (t->has_mr_seam)
        TRY(same(m, E_SEAM, "mr_seam", t->mr_seam, c->mr_seam, sizeof t->mr_seam));
    if (t->has_mrsigner_seam)
        TRY(same(m, E_SEAM, "mrsigner_seam", t->mrsigner_seam, c->mrsigner_seam,
                 sizeof t->mrsigner_seam));
    return OK;
}

/* Of an id the beginning is enough to know it by; the one to add to the list is told whole. */
#define CHIP_SHOWN 8

static enum err match_chip(const struct match *m)
{
    const struct policy_snp *s = &m->r->snp;
    const uint8_t *id = m->c->snp.chip_id;
    bool masked = bytes_is_zero(BYTES_OF(m->c->snp.chip_id));
    char digits[2 * CHIP_SHOWN + 1], first[ONE_OF_MAX], expected[ONE_OF_MAX],
        actual[HEX_MAX] = "masked";
    if (s->n_chips == 0 || (masked && s->allow_masked_chip_id))
        return OK;
    for (size_t i = 0; i < s->n_chips; i++)
        if (memcmp(s->chips[i], id, sizeof s->chips[i]) == 0)
            return OK;
    hex_encode(bytes(s->chips[0], CHIP_SHOWN), digits);
    snprintf(first, sizeof first, "%s..", digits);
    one_of(first, s->n_chips, expected);
    if (!masked)
        hex_encode(BYTES_OF(m->c->snp.chip_id), actual);
    return problem(m->p, E_CHIP, "chip_id: expected %s, is %s", expected, actual);
}

#define PLATFORM_INFO_SMT 1 /* bit 0: SMT is enabled in the system */

static enum err match_snp_platform(const struct match *m)
{
    const struct policy_snp *s = &m->r->snp;
    const struct snp_claims *c = &m->c->snp;
    TRY(match_chip(m));
    if (s->require_smt_disabled && c->platform_info & PLATFORM_INFO_SMT)
        return problem(m->p, E_SMT, "smt: expected disabled, is enabled");
    if (s->vmpl.given && c->vmpl != s->vmpl.value)
        return problem(m->p, E_VMPL, "vmpl: expected %u, is %u", s->vmpl.value, c->vmpl);
    if (s->has_id_key)
        TRY(same(m, E_ID_KEY, "id_key_digest", s->id_key, c->id_key_digest, sizeof s->id_key));
    if (s->has_author_key)
        TRY(same(m, E_AUTHOR_KEY, "author_key_digest", s->author_key, c->author_key_digest,
                 sizeof s->author_key));
    return OK;
}

/* The published order. */
enum err policy_match(const struct policy_record *r, const struct claims *c, struct problem *p)
{
    typedef enum err check(const struct match *m);
    static check *const tdx[] = {match_platform, match_td,         match_debug, match_tdx_tcb,
                                 match_status,   match_advisories, match_cpu,   match_tdx_platform};
    static check *const snp[] = {match_platform, match_guest,      match_debug, match_snp_tcb,
                                 match_status,   match_advisories, match_cpu,   match_snp_platform};
    _Static_assert(sizeof tdx == sizeof snp, "the same steps");
    struct match m = {r, c, p};
    check *const *checks = r->platform == PLATFORM_TDX ? tdx : snp;
    for (size_t i = 0; i < sizeof tdx / sizeof *tdx; i++)
        TRY(checks[i](&m));
    return OK;
}
