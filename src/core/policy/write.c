/* Records as JSON, in the flat form. Objects that clients know are always there, if empty. */
#include "core/policy/policy_int.h"

#include <stdio.h>

static void put_hex(struct json_builder *b, const char *name, bool given, const void *p, size_t n)
{
    if (given)
        jb_hex(b, name, bytes(p, n));
}

static void put_min(struct json_builder *b, const char *name, struct policy_min m)
{
    if (m.given)
        jb_uint(b, name, m.value);
}

static void put_hex_list(struct json_builder *b, const char *name, const uint8_t *items, size_t n,
                         size_t size)
{
    if (n == 0)
        return;
    jb_array(b, name);
    for (size_t i = 0; i < n; i++)
        jb_hex(b, NULL, bytes(items + i * size, size));
    jb_close(b);
}

static void put_models(struct json_builder *b, const struct policy_record *r)
{
    if (r->n_models == 0)
        return;
    jb_array(b, "allowed_cpu_models");
    for (size_t i = 0; i < r->n_models; i++) {
        jb_object(b, NULL);
        jb_uint(b, "family", r->models[i].family);
        jb_uint(b, "model", r->models[i].model);
        if (r->models[i].any_stepping)
            jb_null(b, "stepping");
        else
            jb_uint(b, "stepping", r->models[i].stepping);
        jb_close(b);
    }
    jb_close(b);
}

static void put_tdx(struct json_builder *b, const struct policy_record *r)
{
    const struct policy_tdx *t = &r->tdx;
    jb_hex(b, "mrtd", BYTES_OF(t->mrtd));
    for (size_t i = 0; i < 4; i++) {
        const char name[] = {'r', 't', 'm', 'r', (char)('0' + i), 0};
        if (!policy_events_pin(t, i))
            jb_hex(b, name, BYTES_OF(t->rtmr[i]));
    }
    if (t->n_events)
        policy_events_put(b, t);
    put_hex(b, "mr_config_id", t->has_mr_config_id, t->mr_config_id, sizeof t->mr_config_id);
    jb_object(b, "minimum_tcb");
    put_min(b, "seam_svn", t->min_seam_svn);
    put_hex(b, "tee_tcb_svn", t->has_min_tee_tcb_svn, t->min_tee_tcb_svn,
            sizeof t->min_tee_tcb_svn);
    jb_close(b);
    jb_object(b, "platform_constraints");
    put_hex_list(b, "allowed_vendor_ids", t->vendors[0], t->n_vendors, sizeof *t->vendors);
    put_hex(b, "mr_seam", t->has_mr_seam, t->mr_seam, sizeof t->mr_seam);
    put_hex(b, "mrsigner_seam", t->has_mrsigner_seam, t->mrsigner_seam, sizeof t->mrsigner_seam);
    put_models(b, r);
    jb_close(b);
}

static void put_snp(struct json_builder *b, const struct policy_record *r)
{
    const struct policy_snp *s = &r->snp;
    jb_hex(b, "measurement", BYTES_OF(s->measurement));
    put_hex(b, "host_data", s->has_host_data, s->host_data, sizeof s->host_data);
    jb_object(b, "minimum_tcb");
    put_min(b, "bootloader_svn", s->min_bootloader);
    put_min(b, "tee_svn", s->min_tee);
    put_min(b, "snp_svn", s->min_snp);
    put_min(b, "microcode_svn", s->min_microcode);
    jb_close(b);
    jb_object(b, "platform_constraints");
    put_hex_list(b, "allowed_chip_ids", s->chips[0], s->n_chips, sizeof *s->chips);
    if (s->allow_masked_chip_id)
        jb_bool(b, "allow_masked_chip_id", true);
    put_models(b, r);
    if (s->require_smt_disabled)
        jb_bool(b, "require_smt_disabled", true);
    put_min(b, "required_vmpl", s->vmpl);
    put_hex(b, "id_key_digest", s->has_id_key, s->id_key, sizeof s->id_key);
    put_hex(b, "author_key_digest", s->has_author_key, s->author_key, sizeof s->author_key);
    jb_close(b);
}

static void put_statuses(struct json_builder *b, const struct policy_record *r)
{
    if (r->tcb_statuses == POLICY_DEFAULT_STATUSES)
        return;
    jb_array(b, "allowed_tcb_status");
    for (unsigned i = 0; i < TCB_STATUSES; i++)
        if (policy_lists_tcb(r, (enum tcb_status)i))
            jb_text(b, NULL, tcb_status_name((enum tcb_status)i));
    jb_close(b);
}

static void put_advisories(struct json_builder *b, const struct policy_record *r)
{
    if (!r->has_advisories)
        return;
    jb_array(b, "allowed_advisories");
    for (size_t i = 0; i < r->n_advisories; i++)
        jb_text(b, NULL, r->advisories[i]);
    jb_close(b);
}

enum err policy_json(const struct policy_record *r, json_t **out)
{
    struct json_builder b = json_build();
    jb_object(&b, "data");
    if (r->platform == PLATFORM_TDX)
        put_tdx(&b, r);
    else
        put_snp(&b, r);
    jb_bool(&b, "debug_allowed", r->debug_allowed);
    put_statuses(&b, r);
    put_advisories(&b, r);
    jb_close(&b);
    jb_text(&b, "platform", platform_name(r->platform));
    return jb_end(&b, out);
}

enum err policy_text(const struct policy_record *r, struct buf *out)
{
    json_t *v;
    TRY(policy_json(r, &v));
    enum err e = json_canonical(v, out);
    json_free(v);
    return e;
}

void policy_tcb_text(const struct policy_record *r, char *out, size_t cap)
{
    size_t at = 0;
    out[0] = 0;
    for (unsigned i = 0; i < TCB_STATUSES && at < cap; i++)
        if (policy_lists_tcb(r, (enum tcb_status)i))
            at += (size_t)snprintf(out + at, cap - at, "%s%s", at ? "|" : "",
                                   tcb_status_name((enum tcb_status)i));
}
