/* Records from JSON. */
#include "core/policy/policy_int.h"

#include "base/codec/hex.h"

#include <stdio.h>

#define MAYBE (JF_OPTIONAL | JF_NULLABLE)

/* --- lists --- */

/* At least one item and at most `max`; an absent list (NULL or null) has none. */
static enum err list_size(const json_t *list, const char *what, size_t max, size_t *n,
                          struct problem *p)
{
    *n = json_count(list);
    if (json_is_nothing(list))
        return OK;
    if (!json_is_list(list))
        return problem(p, E_MALFORMED, "data.%s must be an array", what);
    if (*n == 0)
        return problem(p, E_VALUE, "data.%s is empty, so nothing would be allowed: leave it out",
                       what);
    if (*n > max)
        return problem(p, E_VALUE, "data.%s must have at most %zu items", what, max);
    return OK;
}

static enum err read_hex_list(const json_t *list, const char *what, size_t max, size_t size,
                              uint8_t *out, size_t *n, struct problem *p)
{
    TRY(list_size(list, what, max, n, p));
    for (size_t i = 0; i < *n; i++) {
        const char *text = json_str(json_item(list, i));
        if (!text)
            return problem(p, E_MALFORMED, "data.%s[%zu] must be text", what, i);
        if (hex_decode(text, out + i * size, size) != OK)
            return problem(p, E_VALUE, "data.%s[%zu] must have %zu hex digits", what, i, 2 * size);
    }
    return OK;
}

static enum err read_models(const json_t *list, struct policy_record *out, struct problem *p)
{
    const char *what = "platform_constraints.allowed_cpu_models";
    TRY(list_size(list, what, POLICY_MODELS_MAX, &out->n_models, p));
    for (size_t i = 0; i < out->n_models; i++) {
        char where[64];
        uint64_t family, model, stepping = 0;
        bool given = false;
        const struct json_field fields[] = {
            {"family", JF_UINT, &family, 255, JF_REQUIRED, NULL, POLICY_FAMILY_MIN},
            {"model", JF_UINT, &model, 255, JF_REQUIRED, NULL, 0},
            {"stepping", JF_UINT, &stepping, POLICY_STEPPING_MAX, MAYBE, &given, 0},
        };
        snprintf(where, sizeof where, "data.%s[%zu]", what, i);
        TRY(json_fields(json_item(list, i), where, JSON_FIELDS(fields), p));
        out->models[i] =
            (struct policy_model){(uint8_t)family, (uint8_t)model, !given, (uint8_t)stepping};
    }
    return OK;
}

static enum err read_statuses(const json_t *list, struct policy_record *out, struct problem *p)
{
    size_t n;
    TRY(list_size(list, "allowed_tcb_status", TCB_STATUSES, &n, p));
    for (size_t i = 0; i < n; i++) {
        const char *name = json_str(json_item(list, i));
        enum tcb_status status;
        if (!name)
            return problem(p, E_MALFORMED, "data.allowed_tcb_status[%zu] must be text", i);
        if (tcb_status_from_name(name, &status) != OK)
            return problem(p, E_VALUE, "data.allowed_tcb_status[%zu] is no status", i);
        out->tcb_statuses |= 1u << status;
    }
    if (n == 0)
        out->tcb_statuses = POLICY_DEFAULT_STATUSES;
    return OK;
}

/* An empty list says that none is accepted, which an absent one does not. */
static enum err read_advisories(const json_t *list, struct policy_record *out, struct problem *p)
{
    if (json_is_nothing(list))
        return OK;
    if (!json_is_list(list))
        return problem(p, E_MALFORMED, "data.allowed_advisories must be an array");
    out->has_advisories = true;
    out->n_advisories = json_count(list);
    if (out->n_advisories > POLICY_ADVISORIES_MAX)
        return problem(p, E_VALUE, "data.allowed_advisories must have at most %d items",
                       POLICY_ADVISORIES_MAX);
    for (size_t i = 0; i < out->n_advisories; i++) {
        const char *text = json_str(json_item(list, i));
        if (!text)
            return problem(p, E_MALFORMED, "data.allowed_advisories[%zu] must be text", i);
        if (!policy_advisory_valid(text))
            return problem(p, E_VALUE, "data.allowed_advisories[%zu] is no advisory id", i);
        snprintf(out->advisories[i], sizeof out->advisories[i], "%s", text);
    }
    return OK;
}

/* --- the two platforms --- */

/* The objects that both have. */
struct common {
    json_t *minimum, *constraints, *statuses, *advisories;
};

#define COMMON_FIELDS(c, r)                                                       \
    {"debug_allowed", JF_BOOL, &(r)->debug_allowed, 0, MAYBE, NULL, 0},           \
        {"minimum_tcb", JF_OBJECT, &(c).minimum, 0, MAYBE, NULL, 0},              \
        {"platform_constraints", JF_OBJECT, &(c).constraints, 0, MAYBE, NULL, 0}, \
        {"allowed_tcb_status", JF_ANY, &(c).statuses, 0, MAYBE, NULL, 0},         \
    {                                                                             \
        "allowed_advisories", JF_ANY, &(c).advisories, 0, MAYBE, NULL, 0          \
    }

static enum err read_lists(const struct common *c, json_t *models, struct policy_record *out,
                           struct problem *p)
{
    TRY(read_models(models, out, p));
    TRY(read_statuses(c->statuses, out, p));
    return read_advisories(c->advisories, out, p);
}

/* Each register is pinned in one way. */
static enum err check_registers(const struct policy_tdx *t, const bool given[static 4],
                                struct problem *p)
{
    for (size_t i = 0; i < 4; i++) {
        bool pinned = policy_events_pin(t, i);
        if (!given[i] && !pinned)
            return problem(p, E_MALFORMED, "data.rtmr%zu is missing, and no event pins it", i);
        if (given[i] && pinned)
            return problem(p, E_VALUE, "data.rtmr%zu and events for it: leave one out", i);
    }
    return OK;
}

static enum err read_tdx(const json_t *data, struct policy_record *out, struct problem *p)
{
    struct common c = {0};
    struct policy_tdx *t = &out->tdx;
    json_t *vendors = NULL, *models = NULL, *events = NULL, *others = NULL;
    uint64_t seam_svn = 0;
    bool given[4] = {0};
    const struct json_field fields[] = {
        {"mrtd", JF_HEX, t->mrtd, 48, JF_REQUIRED, NULL, 0},
        {"rtmr0", JF_HEX, t->rtmr[0], 48, MAYBE, &given[0], 0},
        {"rtmr1", JF_HEX, t->rtmr[1], 48, MAYBE, &given[1], 0},
        {"rtmr2", JF_HEX, t->rtmr[2], 48, MAYBE, &given[2], 0},
        {"rtmr3", JF_HEX, t->rtmr[3], 48, MAYBE, &given[3], 0},
        {"events", JF_ARRAY, &events, POLICY_EVENTS_MAX, MAYBE, NULL, 0},
        {"allow_other_events", JF_ARRAY, &others, 4, MAYBE, NULL, 0},
        {"mr_config_id", JF_HEX, t->mr_config_id, 48, MAYBE, &t->has_mr_config_id, 0},
        COMMON_FIELDS(c, out),
    };
    const struct json_field minimum[] = {
        {"seam_svn", JF_UINT, &seam_svn, 255, MAYBE, &t->min_seam_svn.given, 0},
        {"tee_tcb_svn", JF_HEX, t->min_tee_tcb_svn, 16, MAYBE, &t->has_min_tee_tcb_svn, 0},
    };
    const struct json_field constraints[] = {
        {"allowed_vendor_ids", JF_ANY, &vendors, 0, MAYBE, NULL, 0},
        {"mr_seam", JF_HEX, t->mr_seam, 48, MAYBE, &t->has_mr_seam, 0},
        {"mrsigner_seam", JF_HEX, t->mrsigner_seam, 48, MAYBE, &t->has_mrsigner_seam, 0},
        {"allowed_cpu_models", JF_ANY, &models, 0, MAYBE, NULL, 0},
    };
    TRY(json_fields(data, "data", JSON_FIELDS(fields), p));
    TRY(policy_events_read(events, others, t, p));
    TRY(check_registers(t, given, p));
    if (c.minimum)
        TRY(json_fields(c.minimum, "data.minimum_tcb", JSON_FIELDS(minimum), p));
    if (c.constraints)
        TRY(json_fields(c.constraints, "data.platform_constraints", JSON_FIELDS(constraints), p));
    t->min_seam_svn.value = (uint8_t)seam_svn;
    TRY(read_hex_list(vendors, "platform_constraints.allowed_vendor_ids", POLICY_VENDORS_MAX, 16,
                      t->vendors[0], &t->n_vendors, p));
    return read_lists(&c, models, out, p);
}

/* The numbers of an SNP record, before they are known to fit. */
struct snp_numbers {
    uint64_t bootloader, tee, snp, microcode, vmpl;
};

static void keep_numbers(const struct snp_numbers *v, struct policy_snp *s)
{
    s->min_bootloader.value = (uint8_t)v->bootloader;
    s->min_tee.value = (uint8_t)v->tee;
    s->min_snp.value = (uint8_t)v->snp;
    s->min_microcode.value = (uint8_t)v->microcode;
    s->vmpl.value = (uint8_t)v->vmpl;
}

static enum err read_snp(const json_t *data, struct policy_record *out, struct problem *p)
{
    struct common c = {0};
    struct snp_numbers v = {0};
    struct policy_snp *s = &out->snp;
    json_t *chips = NULL, *models = NULL;
    const struct json_field fields[] = {
        {"measurement", JF_HEX, s->measurement, 48, JF_REQUIRED, NULL, 0},
        {"host_data", JF_HEX, s->host_data, 32, MAYBE, &s->has_host_data, 0},
        COMMON_FIELDS(c, out),
    };
    const struct json_field minimum[] = {
        {"bootloader_svn", JF_UINT, &v.bootloader, 255, MAYBE, &s->min_bootloader.given, 0},
        {"tee_svn", JF_UINT, &v.tee, 255, MAYBE, &s->min_tee.given, 0},
        {"snp_svn", JF_UINT, &v.snp, 255, MAYBE, &s->min_snp.given, 0},
        {"microcode_svn", JF_UINT, &v.microcode, 255, MAYBE, &s->min_microcode.given, 0},
    };
    const struct json_field constraints[] = {
        {"allowed_chip_ids", JF_ANY, &chips, 0, MAYBE, NULL, 0},
        {"allow_masked_chip_id", JF_BOOL, &s->allow_masked_chip_id, 0, MAYBE, NULL, 0},
        {"allowed_cpu_models", JF_ANY, &models, 0, MAYBE, NULL, 0},
        {"require_smt_disabled", JF_BOOL, &s->require_smt_disabled, 0, MAYBE, NULL, 0},
        {"required_vmpl", JF_UINT, &v.vmpl, POLICY_VMPL_MAX, MAYBE, &s->vmpl.given, 0},
        {"id_key_digest", JF_HEX, s->id_key, 48, MAYBE, &s->has_id_key, 0},
        {"author_key_digest", JF_HEX, s->author_key, 48, MAYBE, &s->has_author_key, 0},
    };
    TRY(json_fields(data, "data", JSON_FIELDS(fields), p));
    if (c.minimum)
        TRY(json_fields(c.minimum, "data.minimum_tcb", JSON_FIELDS(minimum), p));
    if (c.constraints)
        TRY(json_fields(c.constraints, "data.platform_constraints", JSON_FIELDS(constraints), p));
    keep_numbers(&v, s);
    TRY(read_hex_list(chips, "platform_constraints.allowed_chip_ids", POLICY_CHIPS_MAX, 64,
                      s->chips[0], &s->n_chips, p));
    return read_lists(&c, models, out, p);
}

/* --- records --- */

enum err policy_read_data(enum platform platform, const json_t *data, struct policy_record *out,
                          struct problem *p)
{
    const json_t *wrapped = json_member(data, platform_name(platform));
    *out = (struct policy_record){.platform = platform};
    if (wrapped && json_count(data) == 1)
        data = wrapped;
    if (platform == PLATFORM_TDX)
        TRY(read_tdx(data, out, p));
    else if (platform == PLATFORM_SNP)
        TRY(read_snp(data, out, p));
    else
        return problem(p, E_VALUE, "platform must be tdx or sev_snp");
    policy_sort(out);
    return policy_check(out, p);
}

enum err policy_read(const json_t *record, struct policy_record *out, struct problem *p)
{
    const char *platform = NULL;
    json_t *data = NULL;
    const struct json_field fields[] = {
        {"platform", JF_TEXT, &platform, 0, JF_REQUIRED, NULL, 0},
        {"data", JF_OBJECT, &data, 0, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(record, "record", JSON_FIELDS(fields), p));
    return policy_read_data(platform_from_name(platform), data, out, p);
}

enum err policy_parse(struct bytes text, struct policy_record *out, struct problem *p)
{
    json_t *record = NULL;
    TRY(json_parse(text, POLICY_JSON_MAX, &record, p));
    enum err e = policy_read(record, out, p);
    json_free(record);
    return e;
}
