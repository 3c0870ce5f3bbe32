/*
 * When to ask the vendors for what. Pure: time and randomness are arguments, and
 * nothing is fetched here. A decision never waits for it: what is missing is
 * said to be missing (E_COLL_MISSING), and fetched meanwhile.
 *
 *     wanted -> due -> asked -> held -> due again before it expires
 *                ^        |
 *                +--------+ failed: later each time
 *
 * - An object that is wanted and not held is due at once.
 * - One that is held is due again when half of its life is over, and after
 *   PLAN_REFRESH_MS at the latest: a vendor that revokes does not wait for a list
 *   to expire. Certificates, which nobody changes, have PLAN_FORGET_MS instead. Up
 *   to a fifth earlier, at random, so that guardians that began together do not ask
 *   together; never within PLAN_LEAST_MS.
 * - After a failure it is due again after 5 s, 10 s and so on up to 15 minutes,
 *   half of it at random; what the service does not know (404) after 15 minutes.
 * - A service is asked for one object at a time, the longest due first.
 * - A service that asks for patience (429 or 503 with Retry-After) is asked for
 *   nothing before, but an hour at most: a service that lies cannot silence us longer.
 * - Objects for evidence whose own chain does not stand yet ("strangers": anybody
 *   can write a report that names a chip) have few places, and are asked for one
 *   every two seconds.
 * - What nobody wanted for 30 days is forgotten.
 */
#ifndef IO_COLLATERAL_PLAN_H
#define IO_COLLATERAL_PLAN_H

#include "base/now.h"
#include "base/rng.h"
#include "core/evidence/needs.h"

/* A cluster with its workloads: one VCEK for a machine, three or four objects for a product. */
#define PLAN_SLOTS       256
#define PLAN_STRANGERS   16
#define PLAN_REFRESH_MS  (24 * 3600 * 1000ull)
#define PLAN_LEAST_MS    (60 * 1000ull)
#define PLAN_PATIENCE_MS (3600 * 1000ull)
#define PLAN_SPACING_MS  2000ull
#define PLAN_FORGET_MS   (30 * PLAN_REFRESH_MS)

enum plan_service { PLAN_INTEL, PLAN_AMD, PLAN_SERVICES };

/* Who publishes the object. */
enum plan_service plan_service_of(const struct vendor_object *object);

struct plan_slot {
    struct vendor_object object; /* OBJECT_NONE: the slot is free */
    bool is_held, is_asked, is_stranger;
    unsigned failures;
    uint64_t due_ms, wanted_ms; /* monotonic */
};

/* All zero: empty, with the limits above. */
struct plan {
    struct plan_slot slot[PLAN_SLOTS];
    uint64_t silent_until_ms[PLAN_SERVICES];
    uint64_t stranger_due_ms;
    uint64_t refresh_ms; /* PLAN_REFRESH_MS if 0 */
};

/*
 * The object is wanted now. Returns its slot; PLAN_SLOTS if there is no room. A slot that
 * another object had to leave is empty: not held. `is_stranger`: see above.
 */
size_t plan_want(struct plan *plan, struct now now, const struct vendor_object *object,
                 bool is_stranger);
/* Gives the object this free slot: for what was stored. */
void plan_put(struct plan *plan, struct now now, size_t slot, const struct vendor_object *object);
/* Which slot it has, or PLAN_SLOTS. */
size_t plan_find(const struct plan *plan, const struct vendor_object *object);

/* The slot of an object that is to be asked for now, marked as asked; PLAN_SLOTS if none is. */
size_t plan_next(struct plan *plan, struct now now);

/* The object of the slot came, at `fetched`, and is good until `until` (unix seconds). */
void plan_held(struct plan *plan, struct now now, struct rng rng, size_t slot, int64_t fetched,
               int64_t until);
/* It did not come, or what came was not good. */
void plan_failed(struct plan *plan, struct now now, struct rng rng, size_t slot, enum err why,
                 uint32_t retry_after_s);

/* How long to wait after the nth failure in a row (n >= 1), from half to all of the full time. */
uint64_t plan_backoff_ms(unsigned failures, struct rng rng);

#endif
