/*
 * Whether an object that a vendor's service gave is the one that was asked for,
 * authentic and current, before it takes the place of an older one: otherwise
 * whoever stands between could make good collateral disappear.
 *
 * That an object holds here is not what evidence rests on: with evidence all of
 * it is judged again (evidence.h).
 */
#ifndef CORE_EVIDENCE_INSPECT_H
#define CORE_EVIDENCE_INSPECT_H

#include "core/evidence/collateral.h"
#include "core/evidence/needs.h"

struct object_facts {
    int64_t issued, until; /* unix seconds, both included */
};

struct object_inspection {
    const struct vendor_object *object; /* what was asked for */
    struct bytes body, chain;           /* what came: collateral_add() takes either */
    const struct collateral *known; /* may hold certificates that the answer leaves out; or NULL */
    const struct evidence_trust *trust;
    int64_t unix_time;
};

/*
 * OK, and *out is filled. E_FORMAT: something else by its form; E_CHAIN, E_SIGNATURE: not
 * signed by whom a trusted root vouches for; E_COLL_MISSING: a certificate is missing for
 * judging that; E_COLL_EXPIRED: not current; E_VALUE: it is of another platform, CA or chip.
 */
enum err object_inspect(const struct object_inspection *in, struct object_facts *out,
                        struct problem *p);

#endif
