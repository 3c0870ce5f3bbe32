/*
 * Receipts: proof that an entry stands in the log, checked offline by whoever
 * knows only the root certificate (design.md section 4).
 *
 * A receipt holds the entry and its path to entries_root, the header, the
 * certificate of q precommits, the cfg that judges it, and the membership
 * certificate: the root key's FROST signature over that cfg.
 */
#ifndef CORE_STATE_RECEIPT_H
#define CORE_STATE_RECEIPT_H

#include "core/state/state.h"

#define RECEIPT_MAX (1u << 20)

/* From a stored block and its certificate. E_NOT_FOUND if the block has no such entry; E_NOT_READY
 * while the membership certificate of the block's cfg is not signed yet. */
enum err receipt_make(const struct state *s, struct bytes block, struct bytes certificate,
                      uint64_t index, struct buf *out);

/* What a valid receipt says. Views borrow from the receipt. */
struct receipt {
    uint64_t height, time_ms;
    uint32_t index;
    struct entry entry;
    struct hash32 cluster_id;
    uint32_t signers; /* how many precommits stand behind it */
};

/* root_key is the Ed25519 key of the root certificate; generation that of its root (1 for the
 * first). E_MALFORMED, or E_SIGNATURE with the link that fails in *p. */
enum err receipt_verify(struct bytes receipt, const struct sig_public *root_key,
                        uint32_t generation, struct receipt *out, struct problem *p);

#endif
