#include "ideal_dealing.h"

unsigned dealing_ideal_checks;

/* On the wire: the commitment, then the t coefficients in the clear. */
struct ideal {
    struct commitment c;
    struct scalar f[THRESHOLD_MAX];
};

static enum err ideal_read(const struct deal_terms *terms, struct bytes dealing, struct ideal *out)
{
    struct reader r = reader(dealing);
    TRY(deal_terms_check(terms));
    struct hash32 sid;
    rd_copy(&r, sid.b, sizeof sid.b);
    uint32_t dealer = rd_u32(&r);
    commitment_read(&r, terms->group, &out->c);
    for (uint32_t m = 0; m < out->c.t; m++)
        scalar_read(&r, &out->f[m]);
    TRY(reader_end(&r, E_MALFORMED));
    if (out->c.t != terms->t)
        return E_MALFORMED;
    return hash32_eq(sid, terms->sid) && dealer == terms->dealer ? OK : E_SIGNATURE;
}

static enum err ideal_deal(struct rng rng, const struct deal_terms *terms,
                           const struct scalar *secret, struct buf *out)
{
    struct ideal d;
    TRY(deal_terms_check(terms));
    d.f[0] = *secret;
    for (uint32_t m = 1; m < terms->t; m++)
        scalar_random(rng, &d.f[m]);
    TRY(commitment_of(terms->group, d.f, terms->t, &d.c));
    struct writer w = writer(out);
    wr_raw(&w, terms->sid.b, sizeof terms->sid.b);
    wr_u32(&w, terms->dealer);
    commitment_write(&w, &d.c);
    for (uint32_t m = 0; m < terms->t; m++)
        scalar_write(&w, &d.f[m]);
    return writer_end(&w);
}

static enum err ideal_check(const struct deal_terms *terms, struct bytes dealing,
                            const struct point *expected_c0, struct commitment *out)
{
    struct ideal d;
    struct commitment real;
    dealing_ideal_checks++;
    TRY(ideal_read(terms, dealing, &d));
    if (expected_c0 && !point_eq(expected_c0, &d.c.c[0]))
        return E_VALUE;
    TRY(commitment_of(terms->group, d.f, d.c.t, &real));
    if (!commitment_eq(&real, &d.c))
        return E_SIGNATURE;
    *out = d.c;
    return OK;
}

static enum err ideal_open(const struct deal_terms *terms, struct bytes dealing, uint32_t gid,
                           const struct secret32 *x, struct scalar *out)
{
    struct ideal d;
    size_t place;
    TRY(deal_terms_find(terms, gid, &place));
    TRY(ideal_read(terms, dealing, &d));
    polynomial_eval(d.f, d.c.t, gid, out);
    return OK;
}

const struct dealing_scheme dealing_ideal = {ideal_deal, ideal_check, ideal_open};
