/*
 * Sealed records: what vault gives to node for storage. Each is bound to the
 * cluster, its kind and its position, so node can lose one, but neither read,
 * change nor swap it. An old one in the place of a new one of the same position
 * cannot be seen here: restarts answer that (consensus.md, "Restart").
 */
#ifndef CORE_SEAL_SEAL_H
#define CORE_SEAL_SEAL_H

#include "base/bytes.h"
#include "base/crypto/hash.h"
#include "base/rng.h"

struct seal_place {
    struct hash32 cluster_id;
    const char *kind; /* "block", "record", ... */
    uint64_t position;
};

/* Appends. */
enum err seal_record(struct rng rng, const struct secret32 *key, const struct seal_place *where,
                     struct bytes plain, struct buf *out);
/* Appends the plaintext; E_SIGNATURE if it is not what was sealed in this place. */
enum err seal_open(const struct secret32 *key, const struct seal_place *where, struct bytes sealed,
                   struct buf *out);

#endif
