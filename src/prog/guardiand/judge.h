/*
 * What a verifier does with evidence and collateral; pure, so that it can be tested
 * without a process. It keeps what it is told to hold, all of it public.
 */
#ifndef PROG_GUARDIAND_JUDGE_H
#define PROG_GUARDIAND_JUDGE_H

#include "core/evidence/cache.h"
#include "core/evidence/inspect.h"

#define JUDGE_SLOTS 512

struct judge_slot {
    struct buf body, chain;
    bool is_new; /* since it was last looked at */
};

/* All zero but `simulation`: holds nothing. */
struct judge {
    bool simulation;
    struct judge_slot slots[JUDGE_SLOTS];
    struct collateral collateral; /* what the slots hold, unless it is_stale */
    struct evidence_cache *cache;
    bool is_stale;
};

/* What it says besides yes or no. */
struct judgement {
    struct claims claims; /* count only after OK */
    /*
     * What it was, or would have been, judged with; none if its signatures don't hold. Of
     * strangers (certificates are missing for judging them) anybody may have written them.
     */
    uint32_t n_objects;
    struct vendor_object objects[OBJECTS_OF_CLAIMS_MAX];
    bool is_stranger;
};

/* From now on this is in the place of what the slot held. E_NOMEM; the slot is then empty. */
enum err judge_hold(struct judge *j, uint32_t slot, struct bytes body, struct bytes chain);
/*
 * Authenticity, revocation and TCB status, with what is held. In a simulation that holds
 * nothing, real evidence gets the TCB status Unknown; simulated evidence is refused (E_CHAIN)
 * unless it is a simulation. Errors of evidence_parse() and evidence_verify().
 */
enum err judge_evidence(struct judge *j, struct bytes evidence, int64_t unix_s,
                        struct judgement *out, struct problem *p);
/* object_inspect(), with the certificates of all that is held. */
enum err judge_object(struct judge *j, const struct vendor_object *object, struct bytes body,
                      struct bytes chain, int64_t unix_s, struct object_facts *out,
                      struct problem *p);
void judge_free(struct judge *j);

#endif
