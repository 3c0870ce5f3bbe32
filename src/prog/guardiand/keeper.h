/*
 * Vault's collateral: what is wanted, what is held, and what becomes of what comes.
 * Pure: time and randomness are arguments, everything else goes through struct
 * keeper_out. It looks into nothing: a verifier inspects what came.
 *
 *     want -> fetch (node) -> inspect (verifier) -> hold (verifiers), store (disk)
 *
 * An object that is older than the one held is refused, however authentic: whoever
 * stands between us and the vendor must not turn back its time. What was stored
 * comes back after a restart and is held; dates are judged at each use.
 *
 * Besides, whatever lies in a folder is held as it is: as good as what its files say.
 */
#ifndef PROG_GUARDIAND_KEEPER_H
#define PROG_GUARDIAND_KEEPER_H

#include "core/evidence/inspect.h"
#include "io/collateral/plan.h"

/* A record: the object, dates, body and chain. */
#define KEEPER_RECORD_MAX ((2u << 20) + (17u << 10))

struct keeper_out {
    void *ctx;
    /* Ask the vendor's service, then call keeper_fetched(slot). */
    void (*fetch)(void *ctx, uint32_t slot, const struct vendor_object *object);
    /* Inspect, then call keeper_inspected(slot). False: not now. */
    bool (*inspect)(void *ctx, uint32_t slot, const struct vendor_object *object, struct bytes body,
                    struct bytes chain);
    /* Judge with this from now on: slots of the plan, then of the folder. Empty: with nothing. */
    void (*hold)(void *ctx, uint32_t slot, struct bytes body, struct bytes chain);
    /* Keep the record on disk in the place of the slot's; empty: nothing. */
    void (*store)(void *ctx, uint32_t slot, struct bytes record);
    /* What evidence is judged with is no longer the same: something came, went or expired. */
    void (*changed)(void *ctx);
};

struct keeper_slot {
    struct buf body, chain; /* came, and being inspected */
    bool is_inspected;      /* now */
    struct hash32 digest;   /* of what is held; zero: nothing */
    int64_t issued, until;
};

/* All zero but the first fields: wants and holds nothing. */
struct keeper {
    struct keeper_out out;
    struct rng rng;
    bool asks[PLAN_SERVICES]; /* the services there are; none: only the folder */
    struct plan plan;
    struct keeper_slot slots[PLAN_SLOTS];
    uint32_t n_files;
    int64_t until; /* the earliest `until` ahead of the last turn; 0: none */
};

/* A stored record, before anything else; E_MALFORMED, and it is not used. */
enum err keeper_load(struct keeper *k, struct now now, uint64_t slot, struct bytes record);
/* Evidence was, or would be, judged with these. */
void keeper_want(struct keeper *k, struct now now, const struct vendor_object *objects, size_t n,
                 bool is_stranger);
struct keeper_fetched {
    uint32_t slot;
    enum err e;
    const char *why; /* if e is not OK */
    uint32_t retry_after_s;
    struct bytes body, chain;
};
/* Only what was asked for counts. */
void keeper_fetched(struct keeper *k, struct now now, const struct keeper_fetched *f);
void keeper_inspected(struct keeper *k, struct now now, uint32_t slot, enum err e,
                      const struct object_facts *facts, const char *why);
/* What the folder holds now, all of it. */
void keeper_folder(struct keeper *k, const struct bytes *files, uint32_t n);
/* At least every second. */
void keeper_turn(struct keeper *k, struct now now);
void keeper_free(struct keeper *k);

#endif
