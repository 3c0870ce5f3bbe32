#include "core/threshold/oprf.h"
#include "base/ct.h"

static bool label_ok(struct bytes label)
{
    return label.n >= 1 && label.n <= OPRF_LABEL_MAX;
}

/* The context of the proof: who asks for which label, this time. */
static struct hash32 request_context(const struct oprf_request *request)
{
    struct thash h;
    thash_init(&h, domain_tag(DOMAIN_REQUEST));
    thash_add(&h, BYTES_OF(request->requester.b));
    thash_add(&h, BYTES_OF(request->nonce.b));
    thash_add(&h, request->label);
    return thash_final32(&h);
}

static enum err request_terms(const struct oprf_request *request, struct point *base,
                              struct pok_terms *terms)
{
    if (!label_ok(request->label))
        return E_VALUE;
    TRY(rfc9497_hash_to_group(RFC9497_VOPRF, request->label, base));
    *terms = (struct pok_terms){DOMAIN_POK_REQUEST, GROUP_R, request_context(request), 0, base};
    return OK;
}

enum err oprf_request_make(struct rng rng, struct bytes label, struct hash32 requester,
                           struct scalar *blind, struct oprf_request *out)
{
    struct pok_terms terms;
    struct point base;
    *out = (struct oprf_request){.label = label, .requester = requester};
    rng_fill(rng, out->nonce.b, sizeof out->nonce.b);
    TRY(request_terms(out, &base, &terms));
    scalar_random(rng, blind);
    TRY(point_mul(GROUP_R, &out->blinded, blind, &base));
    ct_public(&out->blinded, sizeof out->blinded);
    return pok_prove(rng, &terms, blind, &out->proof);
}

enum err oprf_request_check(const struct oprf_request *request)
{
    struct pok_terms terms;
    struct point base;
    TRY(request_terms(request, &base, &terms));
    return pok_check(&terms, &request->blinded, &request->proof);
}

void oprf_request_write(struct writer *w, const struct oprf_request *request)
{
    wr_raw(w, request->requester.b, sizeof request->requester.b);
    wr_raw(w, request->nonce.b, sizeof request->nonce.b);
    wr_var(w, request->label);
    point_write(w, &request->blinded);
    pok_write(w, &request->proof);
}

void oprf_request_read(struct reader *r, struct oprf_request *out)
{
    rd_copy(r, out->requester.b, sizeof out->requester.b);
    rd_copy(r, out->nonce.b, sizeof out->nonce.b);
    out->label = rd_var(r, OPRF_LABEL_MAX);
    rd_require(r, out->label.n >= 1);
    point_read(r, GROUP_R, &out->blinded);
    pok_read(r, &out->proof);
}

/* Everything public about one partial: what its proof is about. */
struct partial_terms {
    struct hash32 context;
    uint32_t gid;
    const struct point *member, *blinded, *e;
};

static void partial_challenge(const struct partial_terms *t, const struct point *on_base,
                              const struct point *on_blinded, struct scalar *out)
{
    struct thash h;
    thash_init(&h, domain_tag(DOMAIN_PARTIAL));
    thash_add(&h, BYTES_OF(t->context.b));
    thash_u32(&h, t->gid);
    thash_add(&h, BYTES_OF(t->member->b));
    thash_add(&h, BYTES_OF(t->blinded->b));
    thash_add(&h, BYTES_OF(t->e->b));
    thash_add(&h, BYTES_OF(on_base->b));
    thash_add(&h, BYTES_OF(on_blinded->b));
    scalar_from_hash(out, &h);
}

static void partial_nonce(struct rng rng, const struct scalar *share, const struct partial_terms *t,
                          struct scalar *out)
{
    uint8_t fresh[64];
    struct thash h;
    rng_fill(rng, fresh, sizeof fresh);
    thash_init(&h, domain_tag(DOMAIN_PARTIAL_NONCE));
    thash_add(&h, BYTES_OF(share->b));
    thash_add(&h, BYTES_OF(fresh));
    thash_add(&h, BYTES_OF(t->context.b));
    thash_u32(&h, t->gid);
    thash_add(&h, BYTES_OF(t->blinded->b));
    scalar_from_hash(out, &h);
    wipe(fresh, sizeof fresh);
}

static enum err partial_prove(struct rng rng, const struct scalar *share,
                              const struct partial_terms *t, struct oprf_partial *out)
{
    SCALAR_AUTO nonce;
    struct point on_base, on_blinded;
    partial_nonce(rng, share, t, &nonce);
    TRY(point_base(GROUP_R, &on_base, &nonce));
    TRY(point_mul(GROUP_R, &on_blinded, &nonce, t->blinded));
    ct_public(&on_base, sizeof on_base);
    ct_public(&on_blinded, sizeof on_blinded);
    partial_challenge(t, &on_base, &on_blinded, &out->c);
    scalar_mul(&out->z, &out->c, share);
    scalar_add(&out->z, &out->z, &nonce);
    ct_public(&out->z, sizeof out->z);
    return OK;
}

enum err oprf_evaluate(struct rng rng, const struct scalar *share, uint32_t gid,
                       struct hash32 context, const struct point *blinded, struct oprf_partial *out)
{
    struct point member;
    if (gid == 0)
        return E_VALUE;
    out->gid = gid;
    TRY(point_mul(GROUP_R, &out->e, share, blinded));
    TRY(point_base(GROUP_R, &member, share));
    ct_public(&out->e, sizeof out->e);
    ct_public(&member, sizeof member);
    struct partial_terms t = {context, gid, &member, blinded, &out->e};
    return partial_prove(rng, share, &t, out);
}

/* z*base - c*image; base NULL is the generator. */
static enum err announced(const struct oprf_partial *p, const struct point *base,
                          const struct point *image, struct point *out)
{
    struct point left, right;
    TRY(base ? point_mul(GROUP_R, &left, &p->z, base) : point_base(GROUP_R, &left, &p->z));
    TRY(point_mul(GROUP_R, &right, &p->c, image));
    return point_sub(GROUP_R, out, &left, &right);
}

enum err oprf_partial_check(const struct point *member, struct hash32 context,
                            const struct point *blinded, const struct oprf_partial *partial)
{
    struct partial_terms t = {context, partial->gid, member, blinded, &partial->e};
    struct point on_base, on_blinded;
    struct scalar c;
    if (partial->gid == 0 || !scalar_is_canonical(&partial->c) ||
        !scalar_is_canonical(&partial->z) || announced(partial, NULL, member, &on_base) != OK ||
        announced(partial, blinded, &partial->e, &on_blinded) != OK)
        return E_SIGNATURE;
    partial_challenge(&t, &on_base, &on_blinded, &c);
    return scalar_eq(&c, &partial->c) ? OK : E_SIGNATURE;
}

void oprf_partial_write(struct writer *w, const struct oprf_partial *partial)
{
    wr_u32(w, partial->gid);
    point_write(w, &partial->e);
    scalar_write(w, &partial->c);
    scalar_write(w, &partial->z);
}

void oprf_partial_read(struct reader *r, struct oprf_partial *out)
{
    out->gid = rd_u32(r);
    rd_require(r, out->gid != 0);
    point_read(r, GROUP_R, &out->e);
    scalar_read(r, &out->c);
    scalar_read(r, &out->z);
}

/* Y = sum l_i*E_i = k*B */
static enum err interpolate(const struct oprf_partial *partials, size_t n, struct point *out)
{
    uint32_t gids[THRESHOLD_MAX];
    for (size_t i = 0; i < n; i++)
        gids[i] = partials[i].gid;
    *out = point_identity(GROUP_R);
    for (size_t i = 0; i < n; i++) {
        struct scalar weight;
        struct point term;
        TRY(lagrange_at_zero(gids, n, i, &weight));
        TRY(point_mul(GROUP_R, &term, &weight, &partials[i].e));
        TRY(point_add(GROUP_R, out, out, &term));
    }
    return OK;
}

enum err oprf_combine(const struct oprf_partial *partials, size_t n, uint32_t t, struct bytes label,
                      const struct scalar *blind, struct oprf_output *out)
{
    struct point evaluated;
    if (n != t || n == 0 || n > THRESHOLD_MAX || !label_ok(label))
        return E_VALUE;
    TRY(interpolate(partials, n, &evaluated));
    return rfc9497_finalize(label, blind, &evaluated, out);
}

struct hash32 oprf_kcv(const struct oprf_output *output)
{
    struct thash h;
    thash_init(&h, domain_tag(DOMAIN_KCV));
    thash_add(&h, BYTES_OF(output->b));
    return thash_final32(&h);
}
