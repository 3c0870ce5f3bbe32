/*
 * Revocation of vendors' certificates: which of an issuer's lists counts, and what it says of
 * certificates that the issuer made. Lists are recognised by the name of their issuer and count
 * only under its key; of several that count, the newest.
 *
 * What was judged is told in a form that can be kept, so that the next judgement of the same
 * certificates by the same lists costs a comparison.
 */
#ifndef CORE_EVIDENCE_REVOCATION_H
#define CORE_EVIDENCE_REVOCATION_H

#include "base/crypto/crl.h"
#include "core/evidence/facts.h"

/* The lists there are, of any issuers. Zero: none, and none needed. */
struct revocation_lists {
    struct crl *const *lists;
    size_t n;
    struct hash32 id;    /* other lists, another id */
    bool demanded;       /* without a current one nothing is accepted */
    struct facts *facts; /* whose lists they are, as far as it was checked before; or NULL */
};

/* What certificates were judged by and found not to be revoked. */
struct revocation {
    struct hash32 lists; /* their id */
    bool current;        /* the newest was current */
    int64_t from, until; /* and is so from then to then, both included */
};

/*
 * OK if none of these certificates, all made by `issuer`, is on its newest list. Otherwise:
 *   E_CERT_REVOKED  one is; also if the list has expired
 *   E_COLL_MISSING  a list is demanded, and there is none with the issuer's signature
 *   E_COLL_EXPIRED  a list is demanded, and the newest is not current
 */
enum err revocation_check(const struct revocation_lists *lists, const struct cert *issuer,
                          struct cert *const certs[], size_t n, int64_t unix_time,
                          struct revocation *out, struct problem *p);

/* Whether revocation_check() would say OK again. */
bool revocation_holds(const struct revocation *r, const struct revocation_lists *lists,
                      int64_t unix_time);

#endif
