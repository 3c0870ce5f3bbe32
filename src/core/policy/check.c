#include "core/policy/policy_int.h"

#include <stdlib.h>

static bool is_zero(const void *p, size_t n)
{
    return bytes_is_zero(bytes(p, n));
}

static enum err check_tdx(const struct policy_tdx *t, size_t n_models,
                          const struct policy_model *models, struct problem *p)
{
    if (is_zero(t->mrtd, sizeof t->mrtd))
        return problem(p, E_VALUE, "mrtd is all zero, so no firmware was measured");
    TRY(policy_events_check(t, p));
    if (is_zero(t->rtmr, sizeof t->rtmr) && t->n_events == 0)
        return problem(p, E_VALUE, "rtmr0 to rtmr3 are all zero, so nothing was measured");
    if (t->has_mr_seam && is_zero(t->mr_seam, sizeof t->mr_seam))
        return problem(p, E_VALUE, "mr_seam is all zero, which no TDX module has");
    for (size_t i = 0; i < n_models; i++)
        if (!models[i].any_stepping)
            return problem(p, E_VALUE,
                           "allowed_cpu_models[%zu].stepping: a quote does not tell the stepping",
                           i);
    return OK;
}

static enum err check_snp(const struct policy_snp *s, struct problem *p)
{
    if (is_zero(s->measurement, sizeof s->measurement))
        return problem(p, E_VALUE, "measurement is all zero, so nothing was measured");
    if (s->has_host_data && is_zero(s->host_data, sizeof s->host_data))
        return problem(p, E_VALUE, "host_data is all zero: leave it out");
    if (s->allow_masked_chip_id && s->n_chips == 0)
        return problem(p, E_VALUE, "allow_masked_chip_id has no allowed_chip_ids to go with");
    for (size_t i = 0; i < s->n_chips; i++)
        if (is_zero(s->chips[i], sizeof s->chips[i]))
            return problem(p, E_VALUE, "allowed_chip_ids[%zu] is the masked id", i);
    return OK;
}

/* --- lists --- */

struct list {
    const char *name;
    const void *items;
    size_t n, size;
};

#define LISTS_MAX 4

/* The lists of a record whose items are compared as bytes; their number. */
static size_t lists_of(const struct policy_record *r, struct list out[LISTS_MAX])
{
    size_t n = 0;
    out[n++] =
        (struct list){"allowed_advisories", r->advisories, r->n_advisories, sizeof *r->advisories};
    out[n++] = (struct list){"allowed_cpu_models", r->models, r->n_models, sizeof *r->models};
    if (r->platform == PLATFORM_SNP) {
        out[n++] =
            (struct list){"allowed_chip_ids", r->snp.chips, r->snp.n_chips, sizeof *r->snp.chips};
        return n;
    }
    out[n++] = (struct list){"allowed_vendor_ids", r->tdx.vendors, r->tdx.n_vendors,
                             sizeof *r->tdx.vendors};
    out[n++] = (struct list){"events", r->tdx.events, r->tdx.n_events, sizeof *r->tdx.events};
    return n;
}

static int by_bytes(const void *a, const void *b, void *size)
{
    return memcmp(a, b, *(size_t *)size);
}

void policy_sort(struct policy_record *r)
{
    struct list lists[LISTS_MAX];
    size_t n = lists_of(r, lists);
    for (size_t i = 0; i < n; i++)
        qsort_r((void *)lists[i].items, lists[i].n, lists[i].size, by_bytes, &lists[i].size);
}

static enum err check_list(const struct list *l, struct problem *p)
{
    const uint8_t *items = l->items;
    for (size_t i = 1; i < l->n; i++)
        if (memcmp(items + (i - 1) * l->size, items + i * l->size, l->size) >= 0)
            return problem(p, E_VALUE, "%s has an item twice", l->name);
    return OK;
}

/* --- the whole --- */

enum err policy_check(const struct policy_record *r, struct problem *p)
{
    struct list lists[LISTS_MAX];
    size_t n = lists_of(r, lists);
    for (size_t i = 0; i < n; i++)
        TRY(check_list(&lists[i], p));
    if (r->tcb_statuses == 0 || r->tcb_statuses >> TCB_STATUSES)
        return problem(p, E_VALUE, "allowed_tcb_status allows nothing");
    if (r->tcb_statuses & 1u << TCB_REVOKED)
        return problem(p, E_VALUE, "allowed_tcb_status: no record may allow Revoked");
    if (r->tcb_statuses & 1u << TCB_UNKNOWN)
        return problem(p, E_VALUE, "allowed_tcb_status: Unknown is what nobody has judged");
    return r->platform == PLATFORM_TDX ? check_tdx(&r->tdx, r->n_models, r->models, p)
                                       : check_snp(&r->snp, p);
}

bool policy_advisory_valid(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x21 || text[i] > 0x7e)
            return false;
    return n > 0 && n < POLICY_ADVISORY_MAX;
}

bool policy_lists_tcb(const struct policy_record *r, enum tcb_status status)
{
    return (unsigned)status < TCB_STATUSES && r->tcb_statuses >> status & 1;
}

bool policy_allows_tcb(const struct policy_record *r, enum tcb_status status)
{
    if (policy_lists_tcb(r, status))
        return true;
    if (status == TCB_TD_RELAUNCH_ADVISED)
        return policy_lists_tcb(r, TCB_OUT_OF_DATE);
    return status == TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED &&
           policy_lists_tcb(r, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED);
}

bool policy_allows_advisory(const struct policy_record *r, const char *advisory)
{
    for (size_t i = 0; i < r->n_advisories; i++)
        if (strcmp(r->advisories[i], advisory) == 0)
            return true;
    return !r->has_advisories;
}

/* --- hashes (published-protocol.md, "Measurement registry") --- */

struct hash32 policy_measurement_hash(const struct policy_record *r)
{
    if (r->platform == PLATFORM_TDX)
        return r->tdx.n_events ? sha256(BYTES_OF(r->tdx.mrtd)) : sha256(BYTES_OF(r->tdx.rtmr));
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, BYTES_OF(r->snp.measurement));
    if (r->snp.has_host_data)
        sha256_add(&h, BYTES_OF(r->snp.host_data));
    return sha256_final(&h);
}

size_t policy_lookup(const struct claims *c, struct hash32 out[static 2])
{
    out[0] = c->measurement_hash;
    out[1] = c->measurement_hash_bare;
    return hash32_eq(out[0], out[1]) ? 1 : 2;
}
