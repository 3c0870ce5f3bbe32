#include "core/seal/seal.h"
#include "base/crypto/aead.h"

/* The associated data: a place is hashed, so that its parts can't run together. */
static struct hash64 place_name(const struct seal_place *where)
{
    struct thash h;
    thash_init(&h, "guardian/v1/seal");
    thash_add(&h, BYTES_OF(where->cluster_id.b));
    thash_add(&h, bytes_str(where->kind));
    thash_u64(&h, where->position);
    return thash_final(&h);
}

enum err seal_record(struct rng rng, const struct secret32 *key, const struct seal_place *where,
                     struct bytes plain, struct buf *out)
{
    struct hash64 ad = place_name(where);
    return aead_seal(rng, key, BYTES_OF(ad.b), plain, out);
}

enum err seal_open(const struct secret32 *key, const struct seal_place *where, struct bytes sealed,
                   struct buf *out)
{
    struct hash64 ad = place_name(where);
    return aead_open(key, BYTES_OF(ad.b), sealed, out);
}
