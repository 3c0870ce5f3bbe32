#include "core/threshold/dealing.h"

enum err deal_terms_check(const struct deal_terms *terms)
{
    if (terms->dealer == 0 || terms->t == 0 || terms->n_to > THRESHOLD_MAX ||
        terms->t > terms->n_to)
        return E_VALUE;
    uint32_t before = 0;
    for (size_t j = 0; j < terms->n_to; j++) {
        if (terms->to[j].gid <= before)
            return E_VALUE;
        before = terms->to[j].gid;
    }
    return OK;
}

enum err deal_terms_find(const struct deal_terms *terms, uint32_t gid, size_t *out)
{
    for (size_t j = 0; j < terms->n_to; j++) {
        if (terms->to[j].gid == gid) {
            *out = j;
            return OK;
        }
    }
    return E_VALUE;
}

void receive_keygen(struct rng rng, struct secret32 *x, uint8_t public[static 32])
{
    struct x25519_public p;
    x25519_keygen(rng, x, &p);
    memcpy(public, p.b, sizeof p.b);
}

enum err receive_key_check(const uint8_t public[static 32])
{
    struct x25519_public p;
    memcpy(p.b, public, sizeof p.b);
    return x25519_public_check(&p);
}
