#include "core/evidence/tcb_level.h"

#include "base/codec/rfc3339.h"

/* Errors of JSON are errors of form here. */
static enum err as_format(enum err e, struct problem *p)
{
    if (e == OK || e == E_NOMEM)
        return e;
    if (p)
        p->err = E_FORMAT;
    return E_FORMAT;
}

enum err tcb_pick(const json_t *object, const char *where, const struct json_field *fields,
                  size_t n, struct problem *p)
{
    return as_format(json_pick(object, where, fields, n, p), p);
}

static enum err read_date(const char *name, const char *text, int64_t *out, struct problem *p)
{
    if (rfc3339_parse(text, out) == OK && *out > 0)
        return OK;
    return problem(p, E_FORMAT, "%s is no date: \"%.40s\"", name, text);
}

/* --- signed documents --- */

static enum err read_inner(const json_t *inner, const struct tcb_document_kind *kind,
                           struct tcb_document *out, struct problem *p)
{
    const char *id, *issued, *next;
    uint64_t version;
    const struct json_field fields[] = {
        {"id", JF_TEXT, &id, 0, 0, NULL, 0},
        {"version", JF_UINT, &version, 0, 0, NULL, 0},
        {"issueDate", JF_TEXT, &issued, 0, 0, NULL, 0},
        {"nextUpdate", JF_TEXT, &next, 0, 0, NULL, 0},
        {"tcbEvaluationDataNumber", JF_UINT, &out->evaluation, UINT32_MAX, 0, NULL, 0},
    };
    TRY(tcb_pick(inner, kind->member, JSON_FIELDS(fields), p));
    if (strcmp(id, kind->id) != 0)
        return problem(p, E_FORMAT, "%s.id: expected \"%s\", is \"%.20s\"", kind->member, kind->id,
                       id);
    if (version != kind->version)
        return problem(p, E_FORMAT, "%s.version: expected %llu, is %llu", kind->member,
                       (unsigned long long)kind->version, (unsigned long long)version);
    TRY(read_date("issueDate", issued, &out->issue_date, p));
    return read_date("nextUpdate", next, &out->next_update, p);
}

static enum err read_whole(struct bytes text, const json_t *whole,
                           const struct tcb_document_kind *kind, struct tcb_document *out,
                           json_t **inner, struct problem *p)
{
    struct bytes body;
    const struct json_field fields[] = {
        {kind->member, JF_OBJECT, inner, 0, 0, NULL, 0},
        {"signature", JF_HEX, out->signature, sizeof out->signature, 0, NULL, 0},
    };
    TRY(as_format(json_fields(whole, "document", JSON_FIELDS(fields), p), p));
    if (json_member_text(text, kind->member, &body) != OK)
        return problem(p, E_FORMAT, "the name \"%s\" is written with escapes", kind->member);
    out->digest = sha256(body);
    return read_inner(*inner, kind, out, p);
}

enum err tcb_document_parse(struct bytes text, const struct tcb_document_kind *kind,
                            struct tcb_document *out, json_t **whole, json_t **inner,
                            struct problem *p)
{
    memset(out, 0, sizeof *out);
    TRY(as_format(json_parse(text, TCB_DOCUMENT_MAX, whole, p), p));
    enum err e = read_whole(text, *whole, kind, out, inner, p);
    if (e != OK) {
        json_free(*whole);
        *whole = NULL;
    }
    return e;
}

enum err tcb_document_check_dates(const struct tcb_document *d, const char *what, int64_t unix_time,
                                  struct problem *p)
{
    if (unix_time >= d->issue_date && unix_time <= d->next_update)
        return OK;
    return problem(p, E_COLL_EXPIRED, "%s is good from %lld to %lld, not at %lld", what,
                   (long long)d->issue_date, (long long)d->next_update, (long long)unix_time);
}

/* --- what is said of a level --- */

static enum err read_advisories(const json_t *list, struct tcb_verdict *out, struct problem *p)
{
    size_t n = json_count(list);
    if (n == 0)
        return OK;
    out->advisories = calloc(n, sizeof *out->advisories);
    if (!out->advisories)
        return E_NOMEM;
    out->n_advisories = n;
    for (size_t i = 0; i < n; i++) {
        const char *name = json_str(json_item(list, i));
        size_t length = name ? strlen(name) : 0;
        if (length == 0 || length >= CLAIMS_ADVISORY_SIZE)
            return problem(p, E_FORMAT, "advisoryIDs[%zu] is no text of 1 to %d bytes", i,
                           CLAIMS_ADVISORY_SIZE - 1);
        memcpy(out->advisories[i], name, length);
    }
    return OK;
}

enum err tcb_verdict_read(const json_t *level, uint32_t allowed, struct tcb_verdict *out,
                          struct problem *p)
{
    const char *status, *date;
    json_t *advisories = NULL;
    int64_t at;
    const struct json_field fields[] = {
        {"tcbStatus", JF_TEXT, &status, 0, 0, NULL, 0},
        {"tcbDate", JF_TEXT, &date, 0, 0, NULL, 0},
        {"advisoryIDs", JF_ARRAY, &advisories, CLAIMS_ADVISORIES_MAX, JF_OPTIONAL, NULL, 0},
    };
    memset(out, 0, sizeof *out);
    TRY(tcb_pick(level, "TCB level", JSON_FIELDS(fields), p));
    if (tcb_status_from_name(status, &out->status) != OK || !(allowed >> out->status & 1))
        return problem(p, E_FORMAT, "\"%.40s\" is no status of this kind of TCB level", status);
    TRY(read_date("tcbDate", date, &at, p));
    out->date = (uint64_t)at;
    enum err e = read_advisories(advisories, out, p);
    if (e != OK)
        tcb_verdict_free(out);
    return e;
}

void tcb_verdict_free(struct tcb_verdict *v)
{
    free(v->advisories);
    memset(v, 0, sizeof *v);
}

/* --- levels by one version number --- */

/* Enclaves and modules need no configuration: the API knows these three for them. */
#define ISV_STATUSES (1u << TCB_UP_TO_DATE | 1u << TCB_OUT_OF_DATE | 1u << TCB_REVOKED)

static enum err read_isv(const json_t *level, uint16_t *out, struct problem *p)
{
    json_t *tcb;
    uint64_t svn;
    const struct json_field outer[] = {{"tcb", JF_OBJECT, &tcb, 0, 0, NULL, 0}};
    const struct json_field inner[] = {{"isvsvn", JF_UINT, &svn, UINT16_MAX, 0, NULL, 0}};
    TRY(tcb_pick(level, "TCB level", JSON_FIELDS(outer), p));
    TRY(tcb_pick(tcb, "tcb", JSON_FIELDS(inner), p));
    *out = (uint16_t)svn;
    return OK;
}

enum err isv_levels_read(const json_t *array, struct isv_levels *out, struct problem *p)
{
    size_t n = json_count(array);
    enum err e = OK;
    memset(out, 0, sizeof *out);
    if (n == 0 || n > ISV_LEVELS_MAX)
        return problem(p, E_FORMAT, "tcbLevels has %zu items, not 1 to %d", n, ISV_LEVELS_MAX);
    for (size_t i = 0; i < n; i++) {
        const json_t *level = json_item(array, i);
        TRY_OUT(read_isv(level, &out->level[i].svn, p));
        TRY_OUT(tcb_verdict_read(level, ISV_STATUSES, &out->level[i].verdict, p));
        out->n++;
    }
out:
    if (e != OK)
        isv_levels_free(out);
    return e;
}

void isv_levels_free(struct isv_levels *l)
{
    for (size_t i = 0; i < l->n; i++)
        tcb_verdict_free(&l->level[i].verdict);
    l->n = 0;
}

const struct tcb_verdict *isv_levels_find(const struct isv_levels *l, uint16_t svn)
{
    for (size_t i = 0; i < l->n; i++)
        if (svn >= l->level[i].svn)
            return &l->level[i].verdict;
    return NULL;
}
