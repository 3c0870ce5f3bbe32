#include "core/evidence/tcb_info.h"

#include "base/codec/hex.h"

/* --- TCB levels --- */

/* Sixteen {"svn": n, ...}. */
static enum err read_components(const json_t *list, const char *name, uint8_t out[static 16],
                                struct problem *p)
{
    uint64_t svn;
    const struct json_field fields[] = {{"svn", JF_UINT, &svn, UINT8_MAX, 0, NULL, 0}};
    if (json_count(list) != 16)
        return problem(p, E_FORMAT, "%s has %zu items, not 16", name, json_count(list));
    for (size_t i = 0; i < 16; i++) {
        TRY(tcb_pick(json_item(list, i), name, JSON_FIELDS(fields), p));
        out[i] = (uint8_t)svn;
    }
    return OK;
}

#define PLATFORM_STATUSES                                                                    \
    (1u << TCB_UP_TO_DATE | 1u << TCB_SW_HARDENING_NEEDED | 1u << TCB_CONFIGURATION_NEEDED | \
     1u << TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED | 1u << TCB_OUT_OF_DATE |               \
     1u << TCB_OUT_OF_DATE_CONFIGURATION_NEEDED | 1u << TCB_REVOKED)

static enum err read_level(const json_t *level, struct tcb_level *out, struct problem *p)
{
    json_t *tcb, *sgx, *tdx;
    uint64_t pce_svn;
    const struct json_field outer[] = {{"tcb", JF_OBJECT, &tcb, 0, 0, NULL, 0}};
    const struct json_field inner[] = {
        {"sgxtcbcomponents", JF_ARRAY, &sgx, 0, 0, NULL, 0},
        {"tdxtcbcomponents", JF_ARRAY, &tdx, 0, 0, NULL, 0},
        {"pcesvn", JF_UINT, &pce_svn, UINT16_MAX, 0, NULL, 0},
    };
    TRY(tcb_pick(level, "TCB level", JSON_FIELDS(outer), p));
    TRY(tcb_pick(tcb, "tcb", JSON_FIELDS(inner), p));
    TRY(read_components(sgx, "sgxtcbcomponents", out->sgx, p));
    TRY(read_components(tdx, "tdxtcbcomponents", out->tdx, p));
    out->pce_svn = (uint16_t)pce_svn;
    return tcb_verdict_read(level, PLATFORM_STATUSES, &out->verdict, p);
}

static enum err read_levels(const json_t *list, struct tcb_info *out, struct problem *p)
{
    size_t n = json_count(list);
    if (n == 0 || n > TCB_LEVELS_MAX)
        return problem(p, E_FORMAT, "tcbLevels has %zu items, not 1 to %d", n, TCB_LEVELS_MAX);
    out->levels = calloc(n, sizeof *out->levels);
    if (!out->levels)
        return E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        TRY(read_level(json_item(list, i), &out->levels[i], p));
        out->n_levels++;
    }
    return OK;
}

/* --- TDX modules --- */

/* The mask is not used: Intel's verifier demands equality with it and without (QVL, 4.1.2.5.12). */
static enum err read_module(const json_t *object, struct tdx_module *out, struct problem *p)
{
    const struct json_field fields[] = {
        {"mrsigner", JF_HEX, out->mrsigner, sizeof out->mrsigner, 0, NULL, 0},
        {"attributes", JF_HEX, out->attributes, sizeof out->attributes, 0, NULL, 0},
    };
    return tcb_pick(object, "tdxModule", JSON_FIELDS(fields), p);
}

/* "TDX_" and two hexadecimal digits. */
static enum err read_version(const char *id, uint8_t *out, struct problem *p)
{
    if (strncmp(id, "TDX_", 4) == 0 && hex_decode(id + 4, out, 1) == OK && *out > 0)
        return OK;
    return problem(p, E_FORMAT, "\"%.20s\" names no version of the TDX module", id);
}

static enum err read_identity(const json_t *object, struct tcb_info *out, struct problem *p)
{
    struct tdx_module_identity *m = &out->modules[out->n_modules];
    const char *id;
    json_t *levels;
    const struct json_field fields[] = {
        {"id", JF_TEXT, &id, 0, 0, NULL, 0},
        {"tcbLevels", JF_ARRAY, &levels, 0, 0, NULL, 0},
    };
    TRY(tcb_pick(object, "tdxModuleIdentities", JSON_FIELDS(fields), p));
    TRY(read_version(id, &m->version, p));
    if (tcb_info_module(out, m->version))
        return problem(p, E_FORMAT, "the TDX module \"%s\" has two identities", id);
    TRY(read_module(object, &m->module, p));
    TRY(isv_levels_read(levels, &m->levels, p));
    out->n_modules++;
    return OK;
}

static enum err read_identities(const json_t *list, struct tcb_info *out, struct problem *p)
{
    size_t n = json_count(list);
    if (n == 0)
        return OK;
    out->modules = calloc(n, sizeof *out->modules);
    if (!out->modules)
        return E_NOMEM;
    for (size_t i = 0; i < n; i++)
        TRY(read_identity(json_item(list, i), out, p));
    return OK;
}

const struct tdx_module_identity *tcb_info_module(const struct tcb_info *t, uint8_t version)
{
    for (size_t i = 0; i < t->n_modules; i++)
        if (t->modules[i].version == version)
            return &t->modules[i];
    return NULL;
}

/* --- the document --- */

static enum err read_info(const json_t *inner, struct tcb_info *out, struct problem *p)
{
    json_t *module, *modules = NULL, *levels;
    uint64_t type;
    const struct json_field fields[] = {
        {"fmspc", JF_HEX, out->fmspc, sizeof out->fmspc, 0, NULL, 0},
        {"pceId", JF_HEX, out->pce_id, sizeof out->pce_id, 0, NULL, 0},
        {"tcbType", JF_UINT, &type, 0, 0, NULL, 0},
        {"tdxModule", JF_OBJECT, &module, 0, 0, NULL, 0},
        {"tdxModuleIdentities", JF_ARRAY, &modules, TCB_MODULES_MAX, JF_OPTIONAL, NULL, 0},
        {"tcbLevels", JF_ARRAY, &levels, 0, 0, NULL, 0},
    };
    TRY(tcb_pick(inner, "tcbInfo", JSON_FIELDS(fields), p));
    if (type != 0)
        return problem(p, E_FORMAT, "tcbInfo.tcbType: expected 0, is %llu",
                       (unsigned long long)type);
    TRY(read_module(module, &out->module, p));
    TRY(read_identities(modules, out, p));
    return read_levels(levels, out, p);
}

enum err tcb_info_parse(struct bytes text, struct tcb_info **out, struct problem *p)
{
    static const struct tcb_document_kind kind = {"tcbInfo", "TDX", 3};
    json_t *whole = NULL, *inner;
    struct tcb_info *t = calloc(1, sizeof *t);
    enum err e = t ? OK : E_NOMEM;
    if (e == OK)
        e = tcb_document_parse(text, &kind, &t->document, &whole, &inner, p);
    if (e == OK)
        e = read_info(inner, t, p);
    json_free(whole);
    if (e != OK)
        tcb_info_free(t);
    *out = e == OK ? t : NULL;
    return e;
}

void tcb_info_free(struct tcb_info *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_levels; i++)
        tcb_verdict_free(&t->levels[i].verdict);
    for (size_t i = 0; i < t->n_modules; i++)
        isv_levels_free(&t->modules[i].levels);
    free(t->levels);
    free(t->modules);
    free(t);
}
