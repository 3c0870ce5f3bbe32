/* Records as JSON, in the flat form. Objects that clients know are always there, if empty. */
#include "core/policy/policy_int.h"

#include <stdio.h>

struct form {
    struct json_builder json;
    bool all; /* also what is not enforced, as null */
};

/* A member that is not enforced. */
static void put_open(struct form *f, const char *name)
{
    if (f->all)
        jb_null(&f->json, name);
}

static void put_hex(struct form *f, const char *name, bool given, const void *p, size_t n)
{
    if (given)
        jb_hex(&f->json, name, bytes(p, n));
    else
        put_open(f, name);
}

static void put_min(struct form *f, const char *name, struct policy_min m)
{
    if (m.given)
        jb_uint(&f->json, name, m.value);
    else
        put_open(f, name);
}

/* False is what absent means. */
static void put_flag(struct form *f, const char *name, bool v)
{
    if (v || f->all)
        jb_bool(&f->json, name, v);
}

static void put_hex_list(struct form *f, const char *name, const uint8_t *items, size_t n,
                         size_t size)
{
    if (n == 0) {
        put_open(f, name);
        return;
    }
    jb_array(&f->json, name);
    for (size_t i = 0; i < n; i++)
        jb_hex(&f->json, NULL, bytes(items + i * size, size));
    jb_close(&f->json);
}

static void put_model(struct json_builder *b, const struct policy_model *m)
{
    jb_object(b, NULL);
    jb_uint(b, "family", m->family);
    jb_uint(b, "model", m->model);
    if (m->any_stepping)
        jb_null(b, "stepping");
    else
        jb_uint(b, "stepping", m->stepping);
    jb_close(b);
}

static void put_models(struct form *f, const struct policy_record *r)
{
    if (r->n_models == 0) {
        put_open(f, "allowed_cpu_models");
        return;
    }
    jb_array(&f->json, "allowed_cpu_models");
    for (size_t i = 0; i < r->n_models; i++)
        put_model(&f->json, &r->models[i]);
    jb_close(&f->json);
}

static void put_events(struct form *f, const struct policy_tdx *t)
{
    if (t->n_events) {
        policy_events_put(&f->json, t);
        return;
    }
    put_open(f, "events");
    put_open(f, "allow_other_events");
}

static void put_tdx(struct form *f, const struct policy_record *r)
{
    const struct policy_tdx *t = &r->tdx;
    jb_hex(&f->json, "mrtd", BYTES_OF(t->mrtd));
    for (size_t i = 0; i < 4; i++) {
        const char name[] = {'r', 't', 'm', 'r', (char)('0' + i), 0};
        put_hex(f, name, !policy_events_pin(t, i), t->rtmr[i], sizeof t->rtmr[i]);
    }
    put_events(f, t);
    put_hex(f, "mr_config_id", t->has_mr_config_id, t->mr_config_id, sizeof t->mr_config_id);
    jb_object(&f->json, "minimum_tcb");
    put_min(f, "seam_svn", t->min_seam_svn);
    put_hex(f, "tee_tcb_svn", t->has_min_tee_tcb_svn, t->min_tee_tcb_svn,
            sizeof t->min_tee_tcb_svn);
    jb_close(&f->json);
    jb_object(&f->json, "platform_constraints");
    put_hex_list(f, "allowed_vendor_ids", t->vendors[0], t->n_vendors, sizeof *t->vendors);
    put_hex(f, "mr_seam", t->has_mr_seam, t->mr_seam, sizeof t->mr_seam);
    put_hex(f, "mrsigner_seam", t->has_mrsigner_seam, t->mrsigner_seam, sizeof t->mrsigner_seam);
    put_models(f, r);
    jb_close(&f->json);
}

static void put_snp(struct form *f, const struct policy_record *r)
{
    const struct policy_snp *s = &r->snp;
    jb_hex(&f->json, "measurement", BYTES_OF(s->measurement));
    put_hex(f, "host_data", s->has_host_data, s->host_data, sizeof s->host_data);
    jb_object(&f->json, "minimum_tcb");
    put_min(f, "bootloader_svn", s->min_bootloader);
    put_min(f, "tee_svn", s->min_tee);
    put_min(f, "snp_svn", s->min_snp);
    put_min(f, "microcode_svn", s->min_microcode);
    jb_close(&f->json);
    jb_object(&f->json, "platform_constraints");
    put_hex_list(f, "allowed_chip_ids", s->chips[0], s->n_chips, sizeof *s->chips);
    put_flag(f, "allow_masked_chip_id", s->allow_masked_chip_id);
    put_models(f, r);
    put_flag(f, "require_smt_disabled", s->require_smt_disabled);
    put_min(f, "required_vmpl", s->vmpl);
    put_hex(f, "id_key_digest", s->has_id_key, s->id_key, sizeof s->id_key);
    put_hex(f, "author_key_digest", s->has_author_key, s->author_key, sizeof s->author_key);
    jb_close(&f->json);
}

static void put_statuses(struct form *f, const struct policy_record *r)
{
    if (r->tcb_statuses == POLICY_DEFAULT_STATUSES && !f->all)
        return;
    jb_array(&f->json, "allowed_tcb_status");
    for (unsigned i = 0; i < TCB_STATUSES; i++)
        if (policy_lists_tcb(r, (enum tcb_status)i))
            jb_text(&f->json, NULL, tcb_status_name((enum tcb_status)i));
    jb_close(&f->json);
}

/* An empty list accepts none. */
static void put_advisories(struct form *f, const struct policy_record *r)
{
    if (!r->has_advisories) {
        put_open(f, "allowed_advisories");
        return;
    }
    jb_array(&f->json, "allowed_advisories");
    for (size_t i = 0; i < r->n_advisories; i++)
        jb_text(&f->json, NULL, r->advisories[i]);
    jb_close(&f->json);
}

static enum err write_record(const struct policy_record *r, bool all, json_t **out)
{
    struct form f = {json_build(), all};
    jb_object(&f.json, "data");
    if (r->platform == PLATFORM_TDX)
        put_tdx(&f, r);
    else
        put_snp(&f, r);
    jb_bool(&f.json, "debug_allowed", r->debug_allowed);
    put_statuses(&f, r);
    put_advisories(&f, r);
    jb_close(&f.json);
    jb_text(&f.json, "platform", platform_name(r->platform));
    return jb_end(&f.json, out);
}

enum err policy_json(const struct policy_record *r, json_t **out)
{
    return write_record(r, false, out);
}

enum err policy_print(const struct policy_record *r, struct buf *out)
{
    json_t *v;
    TRY(write_record(r, true, &v));
    enum err e = json_pretty(v, out);
    json_free(v);
    return e;
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
