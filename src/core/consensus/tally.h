/*
 * Loose votes of one height: the first of each key at one (round, type) counts
 * (H14: of rounds r-1, r, r+1 and one of a higher round, per seat and type).
 * Seats are indices into cfg.member. The caller has verified every vote.
 */
#ifndef CORE_CONSENSUS_TALLY_H
#define CORE_CONSENSUS_TALLY_H

#include "core/consensus/wire.h"

enum { TALLY_ROUNDS = 4 };

struct tally {
    int seats;
    struct tally_slot {
        bool used;
        struct vote vote;
    } slot[BFT_MAX_MEMBERS][2][TALLY_ROUNDS];
};

/* Empty, for a cfg with this many seats. */
void tally_clear(struct tally *t, uint32_t seats);
/* The vote kept of this seat, type and round, or NULL. */
const struct vote *tally_find(const struct tally *t, int seat, enum vote_type type, uint32_t round);
/* Would a vote of that round be kept, the own round being r? */
bool tally_room(const struct tally *t, int seat, enum vote_type type, uint32_t round, uint32_t r);
/* There must be room and no vote of that round. */
void tally_add(struct tally *t, int seat, const struct vote *vote, uint32_t r);
/* Forgets rounds below r-1. */
void tally_purge(struct tally *t, uint32_t r);

/* Seats with a vote of this type and round. */
uint32_t tally_count(const struct tally *t, enum vote_type type, uint32_t round);
/* ... for this id. */
uint32_t tally_count_id(const struct tally *t, enum vote_type type, uint32_t round,
                        struct hash32 id);
/* A block (not nil) with q votes in any kept round above `above` (BFT_NO_ROUND: any): the highest
   such round. */
bool tally_quorum(const struct tally *t, enum vote_type type, uint32_t q, uint32_t above,
                  struct certificate *out);
/* Seats that voted in a round >= round. */
uint32_t tally_seats_from(const struct tally *t, uint32_t round);
/* Seats that voted for a block, in any round. */
uint32_t tally_seats_for_blocks(const struct tally *t);
/* The largest round that k seats have reached: the k-th highest of their highest rounds (F3).
   False if fewer than k have voted. */
bool tally_reached(const struct tally *t, uint32_t k, uint32_t *round);
/* One vote per seat of rounds >= round, at most max. */
void tally_proof_from(const struct tally *t, uint32_t round, uint32_t max, struct round_proof *out);
/* All precommits of a round. */
void tally_proof_of_precommits(const struct tally *t, uint32_t round, struct round_proof *out);

#endif
