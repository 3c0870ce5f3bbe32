/*
 * Signatures that were checked before: that a key signed these bytes stays true for
 * ever, so a fact never expires. Dates, revocation and trust are none and are judged
 * each time. Collateral is the same for all machines of a kind; without this the
 * first evidence of each would have all of its signatures checked again.
 *
 * Fixed memory: 32 bytes per fact, the oldest gives way.
 */
#ifndef CORE_EVIDENCE_FACTS_H
#define CORE_EVIDENCE_FACTS_H

#include "base/crypto/hash.h"

/* A vendor's collateral for one kind of machine makes five; most fleets have few kinds. */
#define FACTS_MAX 256

struct facts {
    struct hash32 known[FACTS_MAX];
    size_t n, next; /* facts there are, and where the next one goes */
};

/*
 * `what` was found about `by` and `about`, of which the two parts are hashes of all that the check
 * depends on: "certificate", issuer and certificate.
 */
struct hash32 fact_of(const char *what, struct hash32 by, struct hash32 about);

/* f may be NULL: nothing is known then, and nothing learnt. */
bool facts_know(const struct facts *f, const struct hash32 *fact);
void facts_learn(struct facts *f, const struct hash32 *fact);

#endif
