#include "core/evidence/claims_json.h"

#define HEX(b, name, array) jb_hex((b), (name), BYTES_OF(array))

static void hex_or_null(struct json_builder *b, const char *name, bool there, struct bytes v)
{
    if (there)
        jb_hex(b, name, v);
    else
        jb_null(b, name);
}

static void number_or_null(struct json_builder *b, const char *name, bool there, uint64_t v)
{
    if (there)
        jb_uint(b, name, v);
    else
        jb_null(b, name);
}

static void status_or_null(struct json_builder *b, const char *name, enum tcb_status s)
{
    if (s != TCB_UNKNOWN)
        jb_text(b, name, tcb_status_name(s));
    else
        jb_null(b, name);
}

static void write_tdx(struct json_builder *b, const struct claims *c)
{
    static const char *const rtmrs[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    const struct tdx_claims *t = &c->tdx;
    jb_uint(b, "quote_version", t->quote_version);
    HEX(b, "vendor_id", t->vendor_id);
    HEX(b, "tee_tcb_svn", t->tee_tcb_svn);
    HEX(b, "mr_seam", t->mr_seam);
    HEX(b, "mrsigner_seam", t->mrsigner_seam);
    HEX(b, "seam_attributes", t->seam_attributes);
    HEX(b, "td_attributes", t->td_attributes);
    HEX(b, "xfam", t->xfam);
    HEX(b, "mrtd", t->mrtd);
    HEX(b, "mr_config_id", t->mr_config_id);
    HEX(b, "mr_owner", t->mr_owner);
    HEX(b, "mr_owner_config", t->mr_owner_config);
    for (size_t i = 0; i < 4; i++)
        HEX(b, rtmrs[i], t->rtmr[i]);
    HEX(b, "report_data", c->report_data);
    hex_or_null(b, "tee_tcb_svn2", t->has_td15, BYTES_OF(t->tee_tcb_svn2));
    hex_or_null(b, "mr_servicetd", t->has_td15, BYTES_OF(t->mr_servicetd));
    jb_bool(b, "debug", c->debug);
    HEX(b, "fmspc", t->fmspc);
    HEX(b, "ppid", t->ppid);
    HEX(b, "pce_id", t->pce_id);
    HEX(b, "cpu_svn", t->cpu_svn);
    jb_uint(b, "pce_svn", t->pce_svn);
    hex_or_null(b, "platform_instance_id", t->has_platform_instance,
                BYTES_OF(t->platform_instance_id));
    status_or_null(b, "platform_tcb_status", t->platform_status);
    status_or_null(b, "module_tcb_status", t->module_status);
    status_or_null(b, "qe_tcb_status", t->qe_status);
}

static void write_tcb(struct json_builder *b, const char *name, const struct snp_tcb *t)
{
    jb_object(b, name);
    jb_uint(b, "bootloader", t->bootloader);
    jb_uint(b, "tee", t->tee);
    jb_uint(b, "snp", t->snp);
    jb_uint(b, "microcode", t->microcode);
    number_or_null(b, "fmc", t->has_fmc, t->fmc);
    jb_close(b);
}

static void write_cpuid(struct json_builder *b, const struct snp_claims *s)
{
    if (!s->has_cpuid) {
        jb_null(b, "cpuid");
        return;
    }
    jb_object(b, "cpuid");
    jb_uint(b, "family", s->cpuid_family);
    jb_uint(b, "model", s->cpuid_model);
    jb_uint(b, "stepping", s->cpuid_stepping);
    jb_close(b);
}

static void write_snp(struct json_builder *b, const struct claims *c)
{
    const struct snp_claims *s = &c->snp;
    jb_uint(b, "version", s->version);
    jb_uint(b, "guest_svn", s->guest_svn);
    jb_uint(b, "policy", s->policy);
    jb_bool(b, "debug", c->debug);
    HEX(b, "family_id", s->family_id);
    HEX(b, "image_id", s->image_id);
    jb_uint(b, "vmpl", s->vmpl);
    HEX(b, "measurement", s->measurement);
    HEX(b, "host_data", s->host_data);
    HEX(b, "id_key_digest", s->id_key_digest);
    HEX(b, "author_key_digest", s->author_key_digest);
    HEX(b, "report_id", s->report_id);
    HEX(b, "report_id_ma", s->report_id_ma);
    HEX(b, "report_data", c->report_data);
    HEX(b, "chip_id", s->chip_id);
    write_tcb(b, "reported_tcb", &s->reported_tcb);
    write_tcb(b, "current_tcb", &s->current_tcb);
    write_tcb(b, "committed_tcb", &s->committed_tcb);
    write_tcb(b, "launch_tcb", &s->launch_tcb);
    write_cpuid(b, s);
    jb_text(b, "product", snp_product_name(s->product));
    jb_text(b, "signing_key", snp_key_name(s->signing_key));
    jb_bool(b, "author_key_enabled", s->author_key_enabled);
    jb_bool(b, "chip_key_masked", s->chip_key_masked);
    jb_bool(b, "smt_enabled", s->platform_info & 1);
    /* Bits above the known ones may be set; as a number the field would not fit JSON. */
    uint8_t info[8];
    for (size_t i = 0; i < 8; i++)
        info[7 - i] = (uint8_t)(s->platform_info >> 8 * i);
    HEX(b, "platform_info", info);
}

enum err claims_to_json(const struct claims *c, json_t **out)
{
    struct json_builder b = json_build();
    jb_bool(&b, "simulated", c->simulated);
    number_or_null(&b, "tcb_date", c->tcb_date != 0, c->tcb_date);
    number_or_null(&b, "not_after", c->not_after != 0, c->not_after);
    if (c->platform == PLATFORM_TDX)
        write_tdx(&b, c);
    else
        write_snp(&b, c);
    return jb_end(&b, out);
}
