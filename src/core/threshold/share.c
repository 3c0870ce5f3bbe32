#include "core/threshold/share.h"
#include "base/ct.h"

bool commitment_eq(const struct commitment *a, const struct commitment *b)
{
    return a->t == b->t && memcmp(a->c, b->c, a->t * sizeof a->c[0]) == 0;
}

static bool degree_ok(uint32_t t)
{
    return t >= 1 && t <= THRESHOLD_MAX;
}

/*
 * Powers of gid instead of Horner's rule: a dealer chooses the coefficients and
 * could make an intermediate sum of Horner's the identity, which has no multiple.
 */
enum err commitment_eval(enum group g, const struct commitment *c, uint32_t gid, struct point *out)
{
    if (gid == 0 || !degree_ok(c->t))
        return E_VALUE;
    struct scalar x, power;
    scalar_from_u32(&x, gid);
    power = x;
    struct point sum = c->c[0];
    for (uint32_t m = 1; m < c->t; m++) {
        struct point term;
        TRY(point_mul(g, &term, &power, &c->c[m]));
        TRY(point_add(g, &sum, &sum, &term));
        scalar_mul(&power, &power, &x);
    }
    if (point_is_identity(g, &sum))
        return E_VALUE;
    *out = sum;
    return OK;
}

void commitment_write(struct writer *w, const struct commitment *c)
{
    wr_u32(w, c->t);
    for (uint32_t m = 0; m < c->t; m++)
        point_write(w, &c->c[m]);
}

void commitment_read(struct reader *r, enum group g, struct commitment *out)
{
    memset(out, 0, sizeof *out);
    out->t = rd_count(r, THRESHOLD_MAX);
    rd_require(r, out->t >= 1);
    for (uint32_t m = 0; m < out->t && !r->bad; m++)
        point_read(r, g, &out->c[m]);
    if (r->bad)
        memset(out, 0, sizeof *out);
}

enum err commitment_of(enum group g, const struct scalar *f, uint32_t t, struct commitment *out)
{
    if (!degree_ok(t))
        return E_VALUE;
    memset(out, 0, sizeof *out);
    out->t = t;
    for (uint32_t m = 0; m < t; m++) {
        TRY(point_base(g, &out->c[m], &f[m]));
        ct_public(&out->c[m], sizeof out->c[m]);
    }
    return OK;
}

void polynomial_eval(const struct scalar *f, uint32_t t, uint32_t gid, struct scalar *out)
{
    struct scalar x;
    SCALAR_AUTO value = f[t - 1];
    scalar_from_u32(&x, gid);
    for (uint32_t m = t - 1; m > 0; m--) {
        scalar_mul(&value, &value, &x);
        scalar_add(&value, &value, &f[m - 1]);
    }
    *out = value;
}

enum err share_check(enum group g, const struct commitment *c, uint32_t gid,
                     const struct scalar *share)
{
    struct point expected, actual;
    TRY(commitment_eval(g, c, gid, &expected));
    TRY(point_base(g, &actual, share));
    ct_public(&actual, sizeof actual);
    return point_eq(&expected, &actual) ? OK : E_VALUE;
}

/* Product over j != i of x_j / (x_j - x_i). */
enum err lagrange_at_zero(const uint32_t *gids, size_t n, size_t i, struct scalar *out)
{
    if (n > THRESHOLD_MAX || i >= n || gids[i] == 0)
        return E_VALUE;
    struct scalar above, below, x_i;
    scalar_from_u32(&above, 1);
    scalar_from_u32(&below, 1);
    scalar_from_u32(&x_i, gids[i]);
    for (size_t j = 0; j < n; j++) {
        if (j == i)
            continue;
        if (gids[j] == 0 || gids[j] == gids[i])
            return E_VALUE;
        struct scalar x_j, difference;
        scalar_from_u32(&x_j, gids[j]);
        scalar_sub(&difference, &x_j, &x_i);
        scalar_mul(&above, &above, &x_j);
        scalar_mul(&below, &below, &difference);
    }
    TRY(scalar_invert(&below, &below));
    scalar_mul(out, &above, &below);
    return OK;
}

/* Sum over i of weights[i] * dealt[i]; without weights, the plain sum. */
static enum err commitment_sum(enum group g, const struct commitment *dealt,
                               const struct scalar *weights, size_t n, struct commitment *out)
{
    if (n == 0 || n > THRESHOLD_MAX || !degree_ok(dealt[0].t))
        return E_VALUE;
    struct commitment sum = {.t = dealt[0].t};
    for (uint32_t m = 0; m < sum.t; m++) {
        sum.c[m] = point_identity(g);
        for (size_t i = 0; i < n; i++) {
            if (dealt[i].t != sum.t)
                return E_VALUE;
            struct point term = dealt[i].c[m];
            if (weights)
                TRY(point_mul(g, &term, &weights[i], &term));
            TRY(point_add(g, &sum.c[m], &sum.c[m], &term));
        }
        if (point_is_identity(g, &sum.c[m]))
            return E_VALUE;
    }
    *out = sum;
    return OK;
}

enum err dkg_combine(enum group g, const struct commitment *dealt, size_t n, struct commitment *out)
{
    return commitment_sum(g, dealt, NULL, n, out);
}

void dkg_combine_shares(const struct scalar *sub, size_t n, struct scalar *out)
{
    SCALAR_AUTO sum = {{0}};
    for (size_t i = 0; i < n; i++)
        scalar_add(&sum, &sum, &sub[i]);
    *out = sum;
}

static enum err lagrange_weights(const uint32_t *gids, size_t n,
                                 struct scalar weights[static THRESHOLD_MAX])
{
    if (n == 0 || n > THRESHOLD_MAX)
        return E_VALUE;
    for (size_t i = 0; i < n; i++)
        TRY(lagrange_at_zero(gids, n, i, &weights[i]));
    return OK;
}

enum err reshare_combine(enum group g, const uint32_t *gids, const struct commitment *dealt,
                         size_t n, const struct point *expected, struct commitment *out)
{
    struct scalar weights[THRESHOLD_MAX];
    struct commitment sum;
    TRY(lagrange_weights(gids, n, weights));
    TRY(commitment_sum(g, dealt, weights, n, &sum));
    if (!point_eq(&sum.c[0], expected))
        return E_VALUE;
    *out = sum;
    return OK;
}

enum err reshare_combine_shares(const uint32_t *gids, const struct scalar *sub, size_t n,
                                struct scalar *out)
{
    struct scalar weights[THRESHOLD_MAX];
    SCALAR_AUTO sum = {{0}};
    TRY(lagrange_weights(gids, n, weights));
    for (size_t i = 0; i < n; i++) {
        SCALAR_AUTO term;
        scalar_mul(&term, &weights[i], &sub[i]);
        scalar_add(&sum, &sum, &term);
    }
    *out = sum;
    return OK;
}
