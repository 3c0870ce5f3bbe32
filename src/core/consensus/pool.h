/*
 * Entries that wait to be decided: by lane, own ones first, then in the order
 * they came. Bytes are capped per sender, and the number of entries altogether,
 * so that no peer can crowd out another (H14). For each entry the pool
 * remembers when it was sent to which seat: that is what censorship is judged
 * by (H1).
 */
#ifndef CORE_CONSENSUS_POOL_H
#define CORE_CONSENSUS_POOL_H

#include "core/consensus/types.h"

enum {
    POOL_MAX_ENTRIES = 4096,
    POOL_PATIENCE_MS = 1000, /* D_c of H1 */
    POOL_UNREADY_MS = 60000, /* an entry that is "not yet" valid is kept this long */
};
#define POOL_OWN UINT32_MAX /* `from` of the own entries */

struct pending {
    struct hash32 hash;
    uint8_t *p;
    size_t n;
    unsigned lane;
    uint32_t from;
    uint64_t order;
    bool ready; /* valid on the present state; otherwise not yet */
    uint64_t added_ms;
    uint64_t patience_ms;              /* D_c; doubles with each nil it caused */
    uint64_t sent_ms[BFT_MAX_MEMBERS]; /* + 1; 0: not sent to that seat under this cfg */
};

struct pool {
    struct pending **entry; /* sorted */
    uint32_t n;
    uint64_t next_order;
    size_t own_cap, peer_cap;
};

void pool_init(struct pool *pool, size_t own_cap, size_t peer_cap);
void pool_free(struct pool *pool);
const struct pending *pool_find(const struct pool *pool, struct hash32 hash);
/* E_RATE: the sender's cap or the pool is full. The hash must not be there yet. */
enum err pool_add(struct pool *pool, uint32_t from, unsigned lane, struct bytes entry,
                  struct hash32 hash, struct pending **out);
/* Drops entries for which `keep` says no. */
void pool_filter(struct pool *pool, bool (*keep)(void *ctx, struct pending *entry), void *ctx);
/* Is there an entry that could be decided now? */
bool pool_ready(const struct pool *pool);
/* Forgets to whom entries were sent (the seats' indices have changed). */
void pool_forget_sent(struct pool *pool);
static inline struct bytes pending_bytes(const struct pending *entry)
{
    return bytes(entry->p, entry->n);
}
struct hash32 pool_hash(struct bytes entry);

#endif
