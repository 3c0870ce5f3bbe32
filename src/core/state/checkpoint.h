/*
 * Checkpoints: the state after a block, with the proof that the cluster decided
 * it, for whoever is further behind than the blocks that others still have
 * (consensus.md, "Catching up, checkpoints, pruning").
 *
 * The proof for height h is header h+1, which certifies the state root after h,
 * with its certificate, the cfg that judges it, and the membership certificate:
 * the root key's signature over that cfg. So it can be checked by whoever has
 * followed the log to the birth of the root, and by nobody before; the blocks up
 * to there are never given up.
 *
 * An old checkpoint is as valid as a new one: freshness comes from leases.
 */
#ifndef CORE_STATE_CHECKPOINT_H
#define CORE_STATE_CHECKPOINT_H

#include "core/state/state.h"

/* Room for the state of 64,000 instances; what is larger is not taken over in one piece. */
#define CHECKPOINT_STATE_MAX (64u << 20)
#define CHECKPOINT_PROOF_MAX (2 * BFT_MAX_CERTIFICATE + BFT_MAX_CFG + 1024)

/* From block h+1 and its certificate as they were stored, appended. E_NOT_READY while the
 * membership certificate of its cfg is not signed, as `s` knows it. */
enum err checkpoint_prove(const struct state *s, struct bytes block, struct bytes certificate,
                          struct buf *out);

/* What a valid proof says of the state after block `height`. */
struct checkpoint {
    uint64_t height;
    struct hash32 id;         /* of the block at `height` */
    struct hash32 state_root; /* after it */
    struct certificate last;  /* of the block at `height`; borrows from the proof */
};

/* Judged under the root that `s` knows: E_NOT_READY if it knows none; E_MALFORMED; E_SIGNATURE with
 * the link that fails in *p. */
enum err checkpoint_check(const struct state *s, struct bytes proof, struct checkpoint *out,
                          struct problem *p);

#endif
