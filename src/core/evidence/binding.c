#include "core/evidence/binding.h"

/* Only a server shows evidence on the API; the role is hashed all the same (design.md 5). */
static void add_role(struct thash *h, enum binding_role role)
{
    thash_u32(h, (uint32_t)role);
}

struct hash64 binding_peer(const struct binding_peer *b)
{
    struct thash h;
    thash_init(&h, "guardian/v1/binding/peer");
    thash_add(&h, BYTES_OF(b->exporter));
    thash_add(&h, BYTES_OF(b->client_nonce));
    thash_add(&h, BYTES_OF(b->server_nonce));
    add_role(&h, b->role);
    thash_add(&h, BYTES_OF(b->cluster_id.b));
    thash_add(&h, BYTES_OF(b->seat_key.b));
    thash_add(&h, BYTES_OF(b->vote_key.b));
    thash_add(&h, BYTES_OF(b->instance_id));
    return thash_final(&h);
}

struct hash64 binding_api(const struct binding_api *b)
{
    struct thash h;
    thash_init(&h, "guardian/v1/binding/api");
    thash_add(&h, BYTES_OF(b->exporter));
    thash_add(&h, BYTES_OF(b->nonce));
    add_role(&h, BINDING_SERVER);
    thash_add(&h, BYTES_OF(b->cluster_id.b));
    thash_add(&h, BYTES_OF(b->server_spki.b));
    return thash_final(&h);
}

struct hash64 binding_advert(const struct binding_advert *b)
{
    struct thash h;
    thash_init(&h, "guardian/v1/binding/advert");
    thash_add(&h, BYTES_OF(b->cluster_id.b));
    thash_add(&h, BYTES_OF(b->seat_key.b));
    thash_add(&h, b->peer_address);
    thash_add(&h, b->api_address);
    thash_add(&h, BYTES_OF(b->instance_id));
    thash_u64(&h, b->timestamp);
    return thash_final(&h);
}
