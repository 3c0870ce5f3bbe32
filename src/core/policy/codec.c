/* The binary form: a format number, then the fields in the order of the structs. */
#include "core/policy/policy_int.h"

#define FORMAT 1

/* --- writing --- */

static void put_optional(struct writer *w, bool given, const void *p, size_t n)
{
    wr_bool(w, given);
    if (given)
        wr_raw(w, p, n);
}

static void put_min(struct writer *w, struct policy_min m)
{
    put_optional(w, m.given, &m.value, 1);
}

static void put_tdx(struct writer *w, const struct policy_tdx *t)
{
    wr_raw(w, t->mrtd, sizeof t->mrtd);
    wr_raw(w, t->rtmr, sizeof t->rtmr);
    put_optional(w, t->has_mr_config_id, t->mr_config_id, sizeof t->mr_config_id);
    put_optional(w, t->has_mr_seam, t->mr_seam, sizeof t->mr_seam);
    put_optional(w, t->has_mrsigner_seam, t->mrsigner_seam, sizeof t->mrsigner_seam);
    put_optional(w, t->has_min_tee_tcb_svn, t->min_tee_tcb_svn, sizeof t->min_tee_tcb_svn);
    put_min(w, t->min_seam_svn);
    policy_events_encode(w, t);
    wr_u32(w, (uint32_t)t->n_vendors);
    wr_raw(w, t->vendors, t->n_vendors * sizeof *t->vendors);
}

static void put_snp(struct writer *w, const struct policy_snp *s)
{
    wr_raw(w, s->measurement, sizeof s->measurement);
    put_optional(w, s->has_host_data, s->host_data, sizeof s->host_data);
    put_optional(w, s->has_id_key, s->id_key, sizeof s->id_key);
    put_optional(w, s->has_author_key, s->author_key, sizeof s->author_key);
    put_min(w, s->min_bootloader);
    put_min(w, s->min_tee);
    put_min(w, s->min_snp);
    put_min(w, s->min_microcode);
    put_min(w, s->vmpl);
    wr_bool(w, s->require_smt_disabled);
    wr_bool(w, s->allow_masked_chip_id);
    wr_u32(w, (uint32_t)s->n_chips);
    wr_raw(w, s->chips, s->n_chips * sizeof *s->chips);
}

enum err policy_encode(const struct policy_record *r, struct buf *out)
{
    size_t before = out->n;
    struct writer w = writer(out);
    wr_u8(&w, FORMAT);
    wr_u8(&w, (uint8_t)r->platform);
    wr_bool(&w, r->debug_allowed);
    wr_u32(&w, r->tcb_statuses);
    wr_bool(&w, r->has_advisories);
    wr_u32(&w, (uint32_t)r->n_advisories);
    for (size_t i = 0; i < r->n_advisories; i++)
        wr_text(&w, r->advisories[i]);
    wr_u32(&w, (uint32_t)r->n_models);
    for (size_t i = 0; i < r->n_models; i++) {
        wr_u8(&w, r->models[i].family);
        wr_u8(&w, r->models[i].model);
        put_optional(&w, !r->models[i].any_stepping, &r->models[i].stepping, 1);
    }
    if (r->platform == PLATFORM_TDX)
        put_tdx(&w, &r->tdx);
    else
        put_snp(&w, &r->snp);
    if (w.err != OK)
        out->n = before;
    return w.err;
}

/* --- reading --- */

static bool get_optional(struct reader *r, void *out, size_t n)
{
    bool given = rd_bool(r);
    if (given)
        rd_copy(r, out, n);
    return given && !r->bad;
}

static struct policy_min get_min(struct reader *r)
{
    struct policy_min m = {0};
    m.given = get_optional(r, &m.value, 1);
    return m;
}

static void get_tdx(struct reader *r, struct policy_tdx *t)
{
    rd_copy(r, t->mrtd, sizeof t->mrtd);
    rd_copy(r, t->rtmr, sizeof t->rtmr);
    t->has_mr_config_id = get_optional(r, t->mr_config_id, sizeof t->mr_config_id);
    t->has_mr_seam = get_optional(r, t->mr_seam, sizeof t->mr_seam);
    t->has_mrsigner_seam = get_optional(r, t->mrsigner_seam, sizeof t->mrsigner_seam);
    t->has_min_tee_tcb_svn = get_optional(r, t->min_tee_tcb_svn, sizeof t->min_tee_tcb_svn);
    t->min_seam_svn = get_min(r);
    policy_events_decode(r, t);
    t->n_vendors = rd_count(r, POLICY_VENDORS_MAX);
    rd_copy(r, t->vendors, t->n_vendors * sizeof *t->vendors);
}

static void get_snp(struct reader *r, struct policy_snp *s)
{
    rd_copy(r, s->measurement, sizeof s->measurement);
    s->has_host_data = get_optional(r, s->host_data, sizeof s->host_data);
    s->has_id_key = get_optional(r, s->id_key, sizeof s->id_key);
    s->has_author_key = get_optional(r, s->author_key, sizeof s->author_key);
    s->min_bootloader = get_min(r);
    s->min_tee = get_min(r);
    s->min_snp = get_min(r);
    s->min_microcode = get_min(r);
    s->vmpl = get_min(r);
    rd_require(r, s->vmpl.value <= POLICY_VMPL_MAX);
    s->require_smt_disabled = rd_bool(r);
    s->allow_masked_chip_id = rd_bool(r);
    s->n_chips = rd_count(r, POLICY_CHIPS_MAX);
    rd_copy(r, s->chips, s->n_chips * sizeof *s->chips);
}

static void get_lists(struct reader *r, struct policy_record *out)
{
    out->has_advisories = rd_bool(r);
    out->n_advisories = rd_count(r, POLICY_ADVISORIES_MAX);
    rd_require(r, out->has_advisories || out->n_advisories == 0);
    for (size_t i = 0; i < out->n_advisories; i++) {
        rd_text(r, out->advisories[i], sizeof out->advisories[i]);
        rd_require(r, policy_advisory_valid(out->advisories[i]));
    }
    out->n_models = rd_count(r, POLICY_MODELS_MAX);
    for (size_t i = 0; i < out->n_models; i++) {
        out->models[i].family = rd_u8(r);
        rd_require(r, out->models[i].family >= POLICY_FAMILY_MIN);
        out->models[i].model = rd_u8(r);
        out->models[i].any_stepping = !get_optional(r, &out->models[i].stepping, 1);
        rd_require(r, out->models[i].stepping <= POLICY_STEPPING_MAX);
    }
}

enum err policy_decode(struct bytes in, struct policy_record *out)
{
    struct reader r = reader(in);
    *out = (struct policy_record){0};
    rd_require(&r, rd_u8(&r) == FORMAT);
    uint8_t platform = rd_u8(&r);
    rd_require(&r, platform == PLATFORM_TDX || platform == PLATFORM_SNP);
    out->platform = platform == PLATFORM_TDX ? PLATFORM_TDX : PLATFORM_SNP;
    out->debug_allowed = rd_bool(&r);
    out->tcb_statuses = rd_u32(&r);
    get_lists(&r, out);
    if (out->platform == PLATFORM_TDX)
        get_tdx(&r, &out->tdx);
    else
        get_snp(&r, &out->snp);
    TRY(reader_end(&r, E_MALFORMED));
    return policy_check(out, NULL) == OK ? OK : E_MALFORMED;
}
