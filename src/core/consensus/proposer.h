/*
 * Whose turn it is (consensus.md, Values, H3). The proposer of the last block
 * stays; after 64 blocks in a row, or 8 in a row that needed a round above 0,
 * the next seat begins. Counted over header fields only, so every member and
 * every later reader gets the same answer.
 */
#ifndef CORE_CONSENSUS_PROPOSER_H
#define CORE_CONSENSUS_PROPOSER_H

#include "core/consensus/types.h"

enum { BFT_RUN_BLOCKS = 64, BFT_RUN_LATE = 8 };

struct bft_run {
    uint32_t proposer; /* named in the last header */
    uint32_t blocks;   /* in a row */
    uint32_t late;     /* of them in a row, decided in a round above 0 */
};

/* At genesis: the lowest gid begins. */
struct bft_run bft_run_first(const struct cfg *cfg);
/* After this header. */
struct bft_run bft_run_next(struct bft_run run, const struct header *header);
/* The proposer of a round of the next height. Suspended seats are passed by. */
uint32_t bft_proposer(const struct cfg *cfg, const struct bft_run *run, uint32_t round);
void bft_run_encode(struct writer *w, const struct bft_run *run);
void bft_run_decode(struct reader *r, struct bft_run *run);

#endif
