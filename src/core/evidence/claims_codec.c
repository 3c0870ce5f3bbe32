/*
 * claims as bytes. One list per platform, walked by a codec that either writes
 * or reads, so the two directions cannot drift apart.
 */
#include "core/evidence/claims.h"
#include "core/evidence/codec_int.h"

static void flag(struct codec *c, bool *v)
{
    if (c->w)
        wr_bool(c->w, *v);
    else
        *v = rd_bool(c->r);
}

static void number8(struct codec *c, uint8_t *v)
{
    raw(c, v, 1);
}

static void number16(struct codec *c, uint16_t *v)
{
    if (c->w)
        wr_u16(c->w, *v);
    else
        *v = rd_u16(c->r);
}

static void number32(struct codec *c, uint32_t *v)
{
    if (c->w)
        wr_u32(c->w, *v);
    else
        *v = rd_u32(c->r);
}

static void number64(struct codec *c, uint64_t *v)
{
    if (c->w)
        wr_u64(c->w, *v);
    else
        *v = rd_u64(c->r);
}

/* An enum as one byte, below `end`. */
static unsigned choice(struct codec *c, unsigned v, unsigned end)
{
    uint8_t b = (uint8_t)v;
    number8(c, &b);
    if (c->r)
        rd_require(c->r, b < end);
    return b < end ? b : 0;
}

static void status(struct codec *c, enum tcb_status *s)
{
    *s = (enum tcb_status)choice(c, *s, TCB_STATUSES);
}

#define RAW(c, field) raw((c), &(field), sizeof(field))

/* An optional field is zero when it is absent, so that a value has one encoding. */
static void absent_is_zero(struct codec *c, bool present, const void *p, size_t n)
{
    if (c->r && !present)
        rd_require(c->r, bytes_is_zero(bytes(p, n)));
}

/* Ascending, as advisories are. */
static void events(struct codec *c, struct tdx_claims *t)
{
    uint8_t n = (uint8_t)t->n_events;
    flag(c, &t->has_events);
    number8(c, &n);
    if (c->r) {
        rd_require(c->r, n <= CLAIMS_EVENTS_MAX && (t->has_events || n == 0));
        t->n_events = c->r->bad ? 0 : n;
    }
    for (size_t i = 0; i < t->n_events; i++) {
        struct claims_event *e = &t->events[i];
        number8(c, &e->rtmr);
        RAW(c, e->digest);
        if (c->r)
            rd_require(c->r, e->rtmr < 4 && (i == 0 || memcmp(e - 1, e, sizeof *e) < 0));
    }
}

static void tdx(struct codec *c, struct tdx_claims *t)
{
    number16(c, &t->quote_version);
    RAW(c, t->vendor_id);
    RAW(c, t->tee_tcb_svn);
    RAW(c, t->mr_seam);
    RAW(c, t->mrsigner_seam);
    RAW(c, t->seam_attributes);
    RAW(c, t->td_attributes);
    RAW(c, t->xfam);
    RAW(c, t->mrtd);
    RAW(c, t->mr_config_id);
    RAW(c, t->mr_owner);
    RAW(c, t->mr_owner_config);
    RAW(c, t->rtmr);
    flag(c, &t->has_td15);
    RAW(c, t->tee_tcb_svn2);
    RAW(c, t->mr_servicetd);
    absent_is_zero(c, t->has_td15, t->tee_tcb_svn2, sizeof t->tee_tcb_svn2);
    absent_is_zero(c, t->has_td15, t->mr_servicetd, sizeof t->mr_servicetd);
    RAW(c, t->fmspc);
    RAW(c, t->ppid);
    RAW(c, t->pce_id);
    RAW(c, t->cpu_svn);
    number16(c, &t->pce_svn);
    flag(c, &t->has_platform_instance);
    RAW(c, t->platform_instance_id);
    absent_is_zero(c, t->has_platform_instance, t->platform_instance_id,
                   sizeof t->platform_instance_id);
    status(c, &t->platform_status);
    status(c, &t->module_status);
    status(c, &t->qe_status);
    events(c, t);
}

static void tcb(struct codec *c, struct snp_tcb *t)
{
    number8(c, &t->bootloader);
    number8(c, &t->tee);
    number8(c, &t->snp);
    number8(c, &t->microcode);
    number8(c, &t->fmc);
    flag(c, &t->has_fmc);
    absent_is_zero(c, t->has_fmc, &t->fmc, 1);
}

static void snp_key(struct codec *c, enum snp_key *k)
{
    *k = (enum snp_key)choice(c, *k, SNP_KEY_NONE + 1);
    if (c->r)
        rd_require(c->r, *k == SNP_KEY_VCEK || *k == SNP_KEY_VLEK || *k == SNP_KEY_NONE);
}

static void snp(struct codec *c, struct snp_claims *s)
{
    number32(c, &s->version);
    number32(c, &s->guest_svn);
    number64(c, &s->policy);
    RAW(c, s->family_id);
    RAW(c, s->image_id);
    number32(c, &s->vmpl);
    number64(c, &s->platform_info);
    flag(c, &s->author_key_enabled);
    flag(c, &s->chip_key_masked);
    snp_key(c, &s->signing_key);
    RAW(c, s->measurement);
    RAW(c, s->host_data);
    RAW(c, s->id_key_digest);
    RAW(c, s->author_key_digest);
    RAW(c, s->report_id);
    RAW(c, s->report_id_ma);
    RAW(c, s->chip_id);
    tcb(c, &s->current_tcb);
    tcb(c, &s->reported_tcb);
    tcb(c, &s->committed_tcb);
    tcb(c, &s->launch_tcb);
    flag(c, &s->has_cpuid);
    number8(c, &s->cpuid_family);
    number8(c, &s->cpuid_model);
    number8(c, &s->cpuid_stepping);
    absent_is_zero(c, s->has_cpuid, &s->cpuid_family, 1);
    absent_is_zero(c, s->has_cpuid, &s->cpuid_model, 1);
    absent_is_zero(c, s->has_cpuid, &s->cpuid_stepping, 1);
    flag(c, &s->has_mitigations);
    number64(c, &s->launch_mitigations);
    number64(c, &s->current_mitigations);
    absent_is_zero(c, s->has_mitigations, &s->launch_mitigations, 8);
    absent_is_zero(c, s->has_mitigations, &s->current_mitigations, 8);
    s->product = (enum snp_product)choice(c, s->product, SNP_PRODUCTS);
}

/* Ascending, so that a set has one encoding. */
static void advisories(struct codec *c, struct claims *v)
{
    uint8_t n = (uint8_t)v->n_advisories;
    number8(c, &n);
    if (c->r) {
        rd_require(c->r, n <= CLAIMS_ADVISORIES_MAX);
        v->n_advisories = c->r->bad ? 0 : n;
    }
    for (size_t i = 0; i < v->n_advisories; i++) {
        char *name = v->advisories[i];
        if (c->w) {
            wr_var(c->w, bytes_str(name));
            continue;
        }
        rd_text(c->r, name, CLAIMS_ADVISORY_SIZE);
        rd_require(c->r, i == 0 || strcmp(v->advisories[i - 1], name) < 0);
    }
}

static void whole(struct codec *c, struct claims *v)
{
    v->platform = (enum platform)choice(c, v->platform, PLATFORM_SNP + 1);
    flag(c, &v->simulated);
    flag(c, &v->debug);
    RAW(c, v->report_data);
    status(c, &v->tcb_status);
    number64(c, &v->tcb_date);
    number64(c, &v->not_after);
    advisories(c, v);
    if (v->platform == PLATFORM_TDX)
        tdx(c, &v->tdx);
    else if (v->platform == PLATFORM_SNP)
        snp(c, &v->snp);
    else if (c->r)
        rd_require(c->r, false);
}

void claims_write(struct writer *w, const struct claims *c)
{
    struct claims copy = *c; /* the codec writes through it only when reading */
    struct codec codec = {.w = w};
    whole(&codec, &copy);
}

void claims_read(struct reader *r, struct claims *out)
{
    struct codec codec = {.r = r};
    memset(out, 0, sizeof *out);
    whole(&codec, out);
    if (r->bad)
        memset(out, 0, sizeof *out);
    else
        claims_hash_measurements(out);
}
