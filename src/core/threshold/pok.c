#include "base/ct.h"
#include "core/threshold/share.h"

static void add_terms(struct thash *h, const struct pok_terms *terms)
{
    thash_u32(h, (uint32_t)terms->group);
    thash_add(h, BYTES_OF(terms->context.b));
    thash_u32(h, terms->gid);
    thash_add(h, terms->base ? BYTES_OF(terms->base->b) : BYTES_NONE);
}

static enum err times_base(const struct pok_terms *terms, const struct scalar *s, struct point *out)
{
    return terms->base ? point_mul(terms->group, out, s, terms->base)
                       : point_base(terms->group, out, s);
}

static void challenge(const struct pok_terms *terms, const struct point *image,
                      const struct point *announced, struct scalar *out)
{
    struct thash h;
    thash_init(&h, domain_tag(terms->domain));
    add_terms(&h, terms);
    thash_add(&h, BYTES_OF(image->b));
    thash_add(&h, BYTES_OF(announced->b));
    scalar_from_hash(out, &h);
}

/* Even a repeated rng gives another nonce for another scalar, use or session. */
static void hedged_nonce(struct rng rng, const struct pok_terms *terms, const struct scalar *scalar,
                         struct scalar *out)
{
    uint8_t fresh[64];
    struct thash h;
    rng_fill(rng, fresh, sizeof fresh);
    thash_init(&h, domain_tag(DOMAIN_POK_NONCE));
    thash_add(&h, BYTES_OF(scalar->b));
    thash_add(&h, BYTES_OF(fresh));
    thash_add(&h, bytes_str(domain_tag(terms->domain)));
    add_terms(&h, terms);
    scalar_from_hash(out, &h);
    wipe(fresh, sizeof fresh);
}

enum err pok_prove(struct rng rng, const struct pok_terms *terms, const struct scalar *scalar,
                   struct pok *out)
{
    SCALAR_AUTO nonce;
    struct point image, announced;
    TRY(times_base(terms, scalar, &image));
    hedged_nonce(rng, terms, scalar, &nonce);
    TRY(times_base(terms, &nonce, &announced));
    ct_public(&image, sizeof image);
    ct_public(&announced, sizeof announced);
    challenge(terms, &image, &announced, &out->c);
    scalar_mul(&out->z, &out->c, scalar);
    scalar_add(&out->z, &out->z, &nonce);
    ct_public(out, sizeof *out);
    return OK;
}

enum err pok_check(const struct pok_terms *terms, const struct point *image, const struct pok *pok)
{
    struct point left, right, announced;
    struct scalar c;
    if (!scalar_is_canonical(&pok->c) || !scalar_is_canonical(&pok->z) ||
        times_base(terms, &pok->z, &left) != OK ||
        point_mul(terms->group, &right, &pok->c, image) != OK ||
        point_sub(terms->group, &announced, &left, &right) != OK)
        return E_SIGNATURE;
    challenge(terms, image, &announced, &c);
    return scalar_eq(&c, &pok->c) ? OK : E_SIGNATURE;
}

void pok_write(struct writer *w, const struct pok *pok)
{
    scalar_write(w, &pok->c);
    scalar_write(w, &pok->z);
}

void pok_read(struct reader *r, struct pok *out)
{
    scalar_read(r, &out->c);
    scalar_read(r, &out->z);
}
