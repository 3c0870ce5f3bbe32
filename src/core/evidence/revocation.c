#include "core/evidence/revocation.h"

static bool names(const struct crl *crl, const char *issuer)
{
    return strcmp(crl_issuer(crl), issuer) == 0;
}

static bool is_genuine(const struct revocation_lists *lists, const struct crl *crl,
                       const struct cert *issuer, struct problem *p)
{
    struct hash32 signed_by = fact_of("list", sha256(cert_der(issuer)), sha256(crl_der(crl)));
    if (facts_know(lists->facts, &signed_by))
        return true;
    if (crl_check_issued(crl, issuer, p) != OK)
        return false;
    facts_learn(lists->facts, &signed_by);
    return true;
}

/* The newest genuine one, or NULL; then *p says what is wrong with one that is there. */
static const struct crl *find_newest(const struct revocation_lists *lists,
                                     const struct cert *issuer, struct problem *p)
{
    const struct crl *newest = NULL;
    for (size_t i = 0; i < lists->n; i++) {
        const struct crl *crl = lists->lists[i];
        if (!names(crl, cert_subject(issuer)) || !is_genuine(lists, crl, issuer, p))
            continue;
        if (!newest || crl_this_update(crl) > crl_this_update(newest))
            newest = crl;
    }
    return newest;
}

enum err revocation_check(const struct revocation_lists *lists, const struct cert *issuer,
                          struct cert *const certs[], size_t n, int64_t unix_time,
                          struct revocation *out, struct problem *p)
{
    struct problem wrong = {0};
    const struct crl *crl = find_newest(lists, issuer, &wrong);
    *out = (struct revocation){lists->id, false, INT64_MIN, INT64_MAX};
    if (!crl && lists->demanded && wrong.detail[0])
        return problem(p, E_COLL_MISSING, "%s", wrong.detail);
    if (!crl && lists->demanded)
        return problem(p, E_COLL_MISSING, "the revocation list of \"%s\" is missing",
                       cert_subject(issuer));
    if (!crl)
        return OK;
    for (size_t i = 0; i < n; i++)
        TRY(crl_check_cert(crl, certs[i], p));
    enum err e = crl_check_dates(crl, unix_time, p);
    if (e != OK)
        return lists->demanded ? e : OK;
    *out = (struct revocation){out->lists, true, crl_this_update(crl), crl_next_update(crl)};
    return OK;
}

bool revocation_holds(const struct revocation *r, const struct revocation_lists *lists,
                      int64_t unix_time)
{
    return (r->current || !lists->demanded) && unix_time >= r->from && unix_time <= r->until &&
           hash32_eq(r->lists, lists->id);
}
