/*
 * Decided blocks that are kept in memory: for peers that catch up, and to make
 * receipts from. One run of heights without a gap.
 */
#ifndef CORE_MEMBER_BLOCKS_H
#define CORE_MEMBER_BLOCKS_H

#include "base/bytes.h"

struct kept_block {
    struct bytes block, certificate; /* as stored; owned */
};
/* Zero is empty. */
struct blocks {
    struct kept_block *at; /* of height first + i */
    uint64_t first;
    size_t n, cap, bytes;
};

/* Copies both. A height that does not follow the last one begins the run anew. E_NOMEM. */
enum err blocks_add(struct blocks *b, uint64_t height, struct bytes block,
                    struct bytes certificate);
/* NULL if it is not kept; valid until the next change. */
const struct kept_block *blocks_get(const struct blocks *b, uint64_t height);
/* Gives up the oldest until at most `bytes` are kept, but none above this height. */
void blocks_trim(struct blocks *b, size_t bytes, uint64_t up_to);
void blocks_clear(struct blocks *b);

#endif
