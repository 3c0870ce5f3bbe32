/*
 * Shamir shares, Feldman commitments, and the two ways dealings are combined:
 * a sum (DKG) or a Lagrange-weighted sum (reshare). threshold-protocol 3.0-3.2.
 *
 * A share of a secret u is f(gid) for a polynomial f of degree t-1, f(0) = u;
 * the commitment is C_m = f_m*G, so C_0 is the public key of u and anyone can
 * compute S_gid = f(gid)*G, the public key of a share. gid is the identity of
 * a guardian or custodian: never 0, never a position in a list.
 *
 * Everything here is public but struct scalar shares. Nothing here knows
 * sessions, order in the log, or who is a member.
 */
#ifndef CORE_THRESHOLD_SHARE_H
#define CORE_THRESHOLD_SHARE_H

#include "base/crypto/group.h"
#include "core/threshold/domains.h"

/* Guardians of a cluster, and custodians of an escrow, at most. */
#define THRESHOLD_MAX 16

struct commitment {
    uint32_t t;                    /* 1 to THRESHOLD_MAX coefficients */
    struct point c[THRESHOLD_MAX]; /* the first t count */
};

bool commitment_eq(const struct commitment *a, const struct commitment *b);
/* S_gid; E_VALUE for gid 0 or if it is the identity. */
enum err commitment_eval(enum group g, const struct commitment *c, uint32_t gid, struct point *out);
/* u32 t, then t points. */
void commitment_write(struct writer *w, const struct commitment *c);
/* Bad for t = 0 or t > THRESHOLD_MAX or a coefficient that is not a valid point. */
void commitment_read(struct reader *r, enum group g, struct commitment *out);
/* Commitment of a polynomial f of t coefficients; E_VALUE if one is zero. */
enum err commitment_of(enum group g, const struct scalar *f, uint32_t t, struct commitment *out);

/* f(gid) of a polynomial of t coefficients, t >= 1. */
void polynomial_eval(const struct scalar *f, uint32_t t, uint32_t gid, struct scalar *out);
/* OK if share*G == S_gid of the commitment, else E_VALUE. */
enum err share_check(enum group g, const struct commitment *c, uint32_t gid,
                     const struct scalar *share);

/*
 * l_i of gids[i]: sum of l_i * f(gids[i]) = f(0) for every f of degree < n.
 * E_VALUE for a gid of 0, for duplicates, for n = 0 or n > THRESHOLD_MAX.
 */
enum err lagrange_at_zero(const uint32_t *gids, size_t n, size_t i, struct scalar *out);

/*
 * DKG: the sum of n dealers' commitments; E_VALUE if n is 0, the degrees
 * differ, or a coefficient of the sum is the identity.
 */
enum err dkg_combine(enum group g, const struct commitment *dealt, size_t n,
                     struct commitment *out);
/* A recipient's share: the sum of its n sub-shares. Check it with share_check(). */
void dkg_combine_shares(const struct scalar *sub, size_t n, struct scalar *out);

/*
 * Reshare: the dealers with these n gids (the first t_old valid ones in log
 * order, exactly t_old) dealt their shares; C' = sum of l_i * C_i. E_VALUE as
 * lagrange_at_zero and dkg_combine, and unless C'_0 is *expected, the public
 * key being reshared: the caller need not look again.
 */
enum err reshare_combine(enum group g, const uint32_t *gids, const struct commitment *dealt,
                         size_t n, const struct point *expected, struct commitment *out);
/* A recipient's new share: sum of l_i * sub_i. Check it with share_check(). */
enum err reshare_combine_shares(const uint32_t *gids, const struct scalar *sub, size_t n,
                                struct scalar *out);

/*
 * Proof of knowledge of a scalar (Schnorr, Fiat-Shamir): c = HS(domain; group,
 * context, gid, base, image, nonce*base), z = nonce + c*scalar. The context is
 * the sid of the session, or a hash that covers it, so a proof means nothing
 * in another session, for another gid or another use.
 */
struct pok_terms {
    enum domain domain; /* DOMAIN_POK_CONFIRM in CONFIRM entries */
    enum group group;
    struct hash32 context;
    uint32_t gid;
    const struct point *base; /* NULL: the generator */
};
struct pok {
    struct scalar c, z;
};
/* The nonce is hedged: it depends on the scalar and all terms as well as on rng. */
enum err pok_prove(struct rng rng, const struct pok_terms *terms, const struct scalar *scalar,
                   struct pok *out);
/* E_SIGNATURE unless its maker knew the scalar with image = scalar*base. */
enum err pok_check(const struct pok_terms *terms, const struct point *image, const struct pok *pok);
void pok_write(struct writer *w, const struct pok *pok);
void pok_read(struct reader *r, struct pok *out);

#endif
