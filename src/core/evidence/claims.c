#include "core/evidence/claims.h"

#include <stdio.h>

static const char *const platform_names[] = {"none", "tdx", "sev_snp"};
static const char *const product_names[] = {"unknown", "Milan", "Genoa", "Turin"};
static const char *const status_names[] = {
    "Unknown",
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
    "TDRelaunchAdvised",
    "TDRelaunchAdvisedConfigurationNeeded",
};
_Static_assert(sizeof status_names / sizeof *status_names == TCB_STATUSES);
_Static_assert(sizeof product_names / sizeof *product_names == SNP_PRODUCTS);

const char *platform_name(enum platform p)
{
    return platform_names[p <= PLATFORM_SNP ? p : PLATFORM_NONE];
}

enum platform platform_from_name(const char *name)
{
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++)
        if (strcmp(name, platform_names[p]) == 0)
            return p;
    return PLATFORM_NONE;
}

const char *snp_product_name(enum snp_product p)
{
    return product_names[p < SNP_PRODUCTS ? p : SNP_PRODUCT_UNKNOWN];
}

const char *snp_key_name(enum snp_key k)
{
    return k == SNP_KEY_VCEK ? "vcek" : k == SNP_KEY_VLEK ? "vlek" : "none";
}

const char *tcb_status_name(enum tcb_status s)
{
    return status_names[s < TCB_STATUSES ? s : TCB_UNKNOWN];
}

enum err tcb_status_from_name(const char *name, enum tcb_status *out)
{
    for (enum tcb_status s = TCB_UNKNOWN; s < TCB_STATUSES; s++) {
        if (strcmp(name, status_names[s]) == 0) {
            *out = s;
            return OK;
        }
    }
    return E_VALUE;
}

struct hash32 claims_instance_id(const struct claims *c)
{
    struct hash32 id = {0};
    if (c->platform == PLATFORM_TDX)
        memcpy(id.b, c->report_data + 32, 32);
    if (c->platform == PLATFORM_SNP)
        memcpy(id.b, c->snp.report_id, 32);
    return id;
}

struct bytes claims_platform_id(const struct claims *c)
{
    switch (c->platform) {
    case PLATFORM_TDX:
        return BYTES_OF(c->tdx.ppid);
    case PLATFORM_SNP:
        return BYTES_OF(c->snp.chip_id);
    default:
        return BYTES_NONE;
    }
}

struct bytes claims_challenge_part(const struct claims *c)
{
    return bytes(c->report_data, 32);
}

const char *claims_status_text(const struct claims *c, char out[static CLAIMS_STATUS_TEXT_MAX])
{
    const struct tdx_claims *t = &c->tdx;
    const char *status = tcb_status_name(c->tcb_status);
    bool has_parts = c->platform == PLATFORM_TDX && t->platform_status != TCB_UNKNOWN;
    bool has_module = has_parts && t->module_status != TCB_UNKNOWN;
    if (!has_parts)
        snprintf(out, CLAIMS_STATUS_TEXT_MAX, "%s", status);
    else
        snprintf(out, CLAIMS_STATUS_TEXT_MAX, "%s (platform %s%s%s, quoting enclave %s)", status,
                 tcb_status_name(t->platform_status), has_module ? ", TDX module " : "",
                 has_module ? tcb_status_name(t->module_status) : "",
                 tcb_status_name(t->qe_status));
    return out;
}

enum err claims_add_advisory(struct claims *c, const char *name)
{
    size_t at = 0, n = strlen(name);
    while (at < c->n_advisories && strcmp(c->advisories[at], name) < 0)
        at++;
    if (at < c->n_advisories && strcmp(c->advisories[at], name) == 0)
        return OK;
    if (c->n_advisories == CLAIMS_ADVISORIES_MAX || n >= CLAIMS_ADVISORY_SIZE)
        return E_TOO_LARGE;
    memmove(c->advisories[at + 1], c->advisories[at],
            (c->n_advisories - at) * sizeof *c->advisories);
    memset(c->advisories[at], 0, sizeof *c->advisories);
    memcpy(c->advisories[at], name, n);
    c->n_advisories++;
    return OK;
}

static void hash_snp(struct claims *c)
{
    struct sha256 h;
    c->measurement_hash_bare = sha256(BYTES_OF(c->snp.measurement));
    c->measurement_hash = c->measurement_hash_bare;
    if (bytes_is_zero(BYTES_OF(c->snp.host_data)))
        return;
    sha256_init(&h);
    sha256_add(&h, BYTES_OF(c->snp.measurement));
    sha256_add(&h, BYTES_OF(c->snp.host_data));
    c->measurement_hash = sha256_final(&h);
}

void claims_hash_measurements(struct claims *c)
{
    if (c->platform == PLATFORM_SNP) {
        hash_snp(c);
        return;
    }
    c->measurement_hash = sha256(bytes(c->tdx.rtmr, sizeof c->tdx.rtmr));
    c->measurement_hash_bare = sha256(BYTES_OF(c->tdx.mrtd));
}

enum err claims_add_event(struct tdx_claims *t, const struct claims_event *e)
{
    size_t at = 0;
    while (at < t->n_events && memcmp(&t->events[at], e, sizeof *e) < 0)
        at++;
    if (at < t->n_events && memcmp(&t->events[at], e, sizeof *e) == 0)
        return OK;
    if (t->n_events == CLAIMS_EVENTS_MAX)
        return E_TOO_LARGE;
    memmove(&t->events[at + 1], &t->events[at], (t->n_events - at) * sizeof *t->events);
    t->events[at] = *e;
    t->n_events++;
    return OK;
}
