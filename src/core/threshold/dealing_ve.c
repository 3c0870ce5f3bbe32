/*
 * Verifiable encryption by cut and choose; threshold-protocol 3.0, DEAL.
 *
 * On the wire: commitment, proof of knowledge, 16 bytes of challenge (round r
 * is bit r % 8 of byte r / 8), then the rounds in order: a shown round is its
 * seed; a masked one is E_r, a ciphertext per recipient, and t scalars z_r.
 */
#include "base/ct.h"
#include "core/threshold/dealing.h"

#include <stdlib.h>

#define ROUNDS 128 /* kappa: cheating in all of them goes unseen with 2^-128 */

struct challenge {
    uint8_t b[ROUNDS / 8];
};

static bool is_masked(const struct challenge *c, unsigned r)
{
    return c->b[r / 8] >> r % 8 & 1;
}

/* What the challenge covers of one round. All public. */
struct round {
    struct commitment masks;         /* A_r */
    struct x25519_public ephemeral;  /* E_r */
    struct scalar ct[THRESHOLD_MAX]; /* ct_rj */
};

/* What the seed of a round determines. */
struct round_secret {
    struct scalar mask[THRESHOLD_MAX]; /* coefficients of a_r */
    struct secret32 ephemeral;         /* e_r */
};
static void round_secret_wipe(struct round_secret *s)
{
    wipe(s, sizeof *s);
}
#define ROUND_SECRET_AUTO __attribute__((cleanup(round_secret_wipe))) struct round_secret

/* Every hash of a dealing begins with its session and its dealer. */
static void begin(struct thash *h, enum domain d, const struct deal_terms *terms)
{
    thash_init(h, domain_tag(d));
    thash_add(h, BYTES_OF(terms->sid.b));
    thash_u32(h, (uint32_t)terms->group);
    thash_u32(h, terms->dealer);
}

static struct hash32 statement(const struct deal_terms *terms, const struct commitment *c)
{
    struct thash h;
    begin(&h, DOMAIN_STATEMENT, terms);
    thash_u32(&h, terms->t);
    thash_u32(&h, (uint32_t)terms->n_to);
    for (size_t j = 0; j < terms->n_to; j++) {
        thash_u32(&h, terms->to[j].gid);
        thash_add(&h, BYTES_OF(terms->to[j].x));
    }
    thash_add(&h, bytes(c->c, c->t * sizeof c->c[0]));
    return thash_final32(&h);
}

static struct pok_terms knowledge(const struct deal_terms *terms, struct hash32 stmt)
{
    return (struct pok_terms){DOMAIN_POK_DEALER, terms->group, stmt, terms->dealer, NULL};
}

static void challenge_begin(struct thash *h, const struct deal_terms *terms, struct hash32 stmt)
{
    begin(h, DOMAIN_CHALLENGE, terms);
    thash_add(h, BYTES_OF(stmt.b));
}

static void challenge_add(struct thash *h, const struct deal_terms *terms, const struct round *r)
{
    thash_add(h, bytes(r->masks.c, terms->t * sizeof r->masks.c[0]));
    thash_add(h, BYTES_OF(r->ephemeral.b));
    thash_add(h, bytes(r->ct, terms->n_to * sizeof r->ct[0]));
}

static struct challenge challenge_end(struct thash *h)
{
    struct hash32 full = thash_final32(h);
    struct challenge c;
    memcpy(c.b, full.b, sizeof c.b);
    return c;
}

/* The pad of round r over what recipient `to` gets; shared is the X25519 secret of the two. */
static void pad_of(const struct deal_terms *terms, const struct recipient *to, unsigned r,
                   const struct x25519_public *ephemeral, const struct secret32 *shared,
                   struct scalar *out)
{
    struct thash h;
    begin(&h, DOMAIN_PAD, terms);
    thash_u32(&h, to->gid);
    thash_u32(&h, r);
    thash_add(&h, BYTES_OF(ephemeral->b));
    thash_add(&h, BYTES_OF(to->x));
    thash_add(&h, BYTES_OF(shared->b));
    scalar_from_hash(out, &h);
}

static void round_secret_of(const struct deal_terms *terms, const struct secret32 *seed,
                            struct round_secret *out)
{
    struct thash h;
    for (uint32_t m = 0; m < terms->t; m++) {
        begin(&h, DOMAIN_MASK, terms);
        thash_add(&h, BYTES_OF(seed->b));
        thash_u32(&h, m);
        scalar_from_hash(&out->mask[m], &h);
    }
    begin(&h, DOMAIN_EPHEMERAL, terms);
    thash_add(&h, BYTES_OF(seed->b));
    struct hash32 e = thash_final32(&h);
    memcpy(out->ephemeral.b, e.b, sizeof e.b);
    wipe(&e, sizeof e);
}

/* Everything of round r from its seed; the dealer and, for shown rounds, the checker. */
static enum err round_of(const struct deal_terms *terms, unsigned r, const struct secret32 *seed,
                         struct round *out)
{
    ROUND_SECRET_AUTO s;
    round_secret_of(terms, seed, &s);
    TRY(commitment_of(terms->group, s.mask, terms->t, &out->masks));
    out->ephemeral = x25519_public_of(&s.ephemeral);
    for (size_t j = 0; j < terms->n_to; j++) {
        const struct recipient *to = &terms->to[j];
        struct x25519_public x;
        SECRET_AUTO shared;
        SCALAR_AUTO pad, mask;
        memcpy(x.b, to->x, sizeof x.b);
        TRY(x25519(&s.ephemeral, &x, &shared));
        pad_of(terms, to, r, &out->ephemeral, &shared, &pad);
        polynomial_eval(s.mask, terms->t, to->gid, &mask);
        scalar_add(&out->ct[j], &mask, &pad);
        ct_public(&out->ct[j], sizeof out->ct[j]);
    }
    return OK;
}

/* The dealer's side: all that must be wiped. */
struct dealer {
    struct scalar f[THRESHOLD_MAX];
    struct secret32 seeds[ROUNDS];
};

/* Hedged with the secret and the session: repeated randomness does not repeat f. */
static void draw_polynomial(struct rng rng, const struct deal_terms *terms,
                            const struct scalar *secret, struct dealer *d)
{
    uint8_t fresh[64];
    rng_fill(rng, fresh, sizeof fresh);
    d->f[0] = *secret;
    for (uint32_t m = 1; m < terms->t; m++) {
        struct thash h;
        begin(&h, DOMAIN_COEFFICIENT, terms);
        thash_add(&h, BYTES_OF(secret->b));
        thash_add(&h, BYTES_OF(fresh));
        thash_u32(&h, m);
        scalar_from_hash(&d->f[m], &h);
    }
    wipe(fresh, sizeof fresh);
}

/*
 * Hedged with f and the session: seeds that repeated in two sessions of a
 * cloned machine could be shown in one and masked in the other, giving f away.
 */
static void draw_seeds(struct rng rng, const struct deal_terms *terms, struct dealer *d)
{
    uint8_t fresh[32];
    rng_fill(rng, fresh, sizeof fresh);
    for (unsigned r = 0; r < ROUNDS; r++) {
        struct thash h;
        begin(&h, DOMAIN_SEED, terms);
        thash_add(&h, bytes(d->f, terms->t * sizeof d->f[0]));
        thash_add(&h, BYTES_OF(fresh));
        thash_u32(&h, r);
        struct hash32 seed = thash_final32(&h);
        memcpy(d->seeds[r].b, seed.b, sizeof seed.b);
        wipe(&seed, sizeof seed);
    }
    wipe(fresh, sizeof fresh);
}

/* z_r = a_r + f. */
static void write_masked(struct writer *w, const struct deal_terms *terms, const struct dealer *d,
                         unsigned r, const struct round *round)
{
    ROUND_SECRET_AUTO s;
    round_secret_of(terms, &d->seeds[r], &s);
    wr_raw(w, round->ephemeral.b, sizeof round->ephemeral.b);
    for (size_t j = 0; j < terms->n_to; j++)
        scalar_write(w, &round->ct[j]);
    for (uint32_t m = 0; m < terms->t; m++) {
        struct scalar z;
        scalar_add(&z, &s.mask[m], &d->f[m]);
        ct_public(&z, sizeof z);
        scalar_write(w, &z);
    }
}

static enum err write_dealing(struct writer *w, const struct deal_terms *terms,
                              const struct dealer *d, const struct commitment *c,
                              const struct pok *pok, const struct round *rounds,
                              const struct challenge *challenge)
{
    commitment_write(w, c);
    pok_write(w, pok);
    wr_raw(w, challenge->b, sizeof challenge->b);
    for (unsigned r = 0; r < ROUNDS; r++) {
        if (is_masked(challenge, r)) {
            write_masked(w, terms, d, r, &rounds[r]);
        } else {
            ct_public(&d->seeds[r], sizeof d->seeds[r]);
            wr_raw(w, d->seeds[r].b, sizeof d->seeds[r].b);
        }
    }
    return writer_end(w);
}

static enum err deal_with(struct rng rng, const struct deal_terms *terms,
                          const struct scalar *secret, struct dealer *d, struct round *rounds,
                          struct buf *out)
{
    struct commitment c;
    struct pok pok;
    struct thash h;
    draw_polynomial(rng, terms, secret, d);
    draw_seeds(rng, terms, d);
    TRY(commitment_of(terms->group, d->f, terms->t, &c));
    struct hash32 stmt = statement(terms, &c);
    struct pok_terms know = knowledge(terms, stmt);
    TRY(pok_prove(rng, &know, secret, &pok));
    challenge_begin(&h, terms, stmt);
    for (unsigned r = 0; r < ROUNDS; r++) {
        TRY(round_of(terms, r, &d->seeds[r], &rounds[r]));
        challenge_add(&h, terms, &rounds[r]);
    }
    struct challenge challenge = challenge_end(&h);
    struct writer w = writer(out);
    return write_dealing(&w, terms, d, &c, &pok, rounds, &challenge);
}

static enum err ve_deal(struct rng rng, const struct deal_terms *terms, const struct scalar *secret,
                        struct buf *out)
{
    TRY(deal_terms_check(terms));
    if (!scalar_is_canonical(secret) || scalar_is_zero(secret))
        return E_VALUE;
    size_t before = out->n;
    struct dealer dealer;
    struct round *rounds = calloc(ROUNDS, sizeof *rounds);
    enum err e = rounds ? deal_with(rng, terms, secret, &dealer, rounds, out) : E_NOMEM;
    if (e != OK)
        out->n = before;
    wipe(&dealer, sizeof dealer);
    free(rounds);
    return e;
}

/* The part in front of the rounds. */
struct head {
    struct commitment c;
    struct pok pok;
    struct challenge challenge;
};

static enum err read_head(struct reader *r, const struct deal_terms *terms, struct head *out)
{
    commitment_read(r, terms->group, &out->c);
    pok_read(r, &out->pok);
    rd_copy(r, out->challenge.b, sizeof out->challenge.b);
    rd_require(r, out->c.t == terms->t);
    return r->bad ? E_MALFORMED : OK;
}

/* E_r and the ciphertexts of a masked round, and its z. */
static enum err read_masked(struct reader *r, const struct deal_terms *terms, struct round *out,
                            struct scalar z[static THRESHOLD_MAX])
{
    rd_copy(r, out->ephemeral.b, sizeof out->ephemeral.b);
    for (size_t j = 0; j < terms->n_to; j++)
        scalar_read(r, &out->ct[j]);
    for (uint32_t m = 0; m < terms->t; m++)
        scalar_read(r, &z[m]);
    return r->bad ? E_MALFORMED : OK;
}

/* A_r = z_r*G - C. */
static enum err masks_from(const struct deal_terms *terms, const struct commitment *c,
                           const struct scalar *z, struct commitment *out)
{
    TRY(commitment_of(terms->group, z, terms->t, out));
    for (uint32_t m = 0; m < terms->t; m++)
        TRY(point_sub(terms->group, &out->c[m], &out->c[m], &c->c[m]));
    return OK;
}

static enum err read_round(struct reader *in, const struct deal_terms *terms,
                           const struct head *head, unsigned r, struct round *out)
{
    if (is_masked(&head->challenge, r)) {
        struct scalar z[THRESHOLD_MAX];
        TRY(read_masked(in, terms, out, z));
        return masks_from(terms, &head->c, z, &out->masks);
    }
    struct secret32 seed;
    rd_copy(in, seed.b, sizeof seed.b);
    return in->bad ? E_MALFORMED : round_of(terms, r, &seed, out);
}

static enum err ve_check(const struct deal_terms *terms, struct bytes dealing,
                         const struct point *expected_c0, struct commitment *out)
{
    struct reader in = reader(dealing);
    struct head head;
    struct thash h;
    TRY(deal_terms_check(terms));
    TRY(read_head(&in, terms, &head));
    if (expected_c0 && !point_eq(expected_c0, &head.c.c[0]))
        return E_VALUE;
    struct hash32 stmt = statement(terms, &head.c);
    struct pok_terms know = knowledge(terms, stmt);
    TRY(pok_check(&know, &head.c.c[0], &head.pok));
    challenge_begin(&h, terms, stmt);
    for (unsigned r = 0; r < ROUNDS; r++) {
        struct round round;
        TRY(read_round(&in, terms, &head, r, &round));
        challenge_add(&h, terms, &round);
    }
    TRY(reader_end(&in, E_MALFORMED));
    struct challenge expected = challenge_end(&h);
    if (memcmp(expected.b, head.challenge.b, sizeof expected.b) != 0)
        return E_SIGNATURE;
    *out = head.c;
    return OK;
}

/* f(gid) = z_r(gid) - (ct_rj - pad); E_VALUE unless it fits the commitments. */
static enum err open_round(const struct deal_terms *terms, size_t j, unsigned r,
                           const struct secret32 *x, const struct round *round,
                           const struct scalar *z, const struct point *image, struct scalar *out)
{
    SECRET_AUTO shared;
    SCALAR_AUTO pad, mask, share;
    struct point actual;
    TRY(x25519(x, &round->ephemeral, &shared));
    pad_of(terms, &terms->to[j], r, &round->ephemeral, &shared, &pad);
    scalar_sub(&mask, &round->ct[j], &pad);
    polynomial_eval(z, terms->t, terms->to[j].gid, &share);
    scalar_sub(&share, &share, &mask);
    TRY(point_base(terms->group, &actual, &share));
    ct_public(&actual, sizeof actual);
    if (!point_eq(&actual, image))
        return E_VALUE;
    *out = share;
    return OK;
}

static enum err ve_open(const struct deal_terms *terms, struct bytes dealing, uint32_t gid,
                        const struct secret32 *x, struct scalar *out)
{
    struct reader in = reader(dealing);
    struct head head;
    struct point image;
    size_t j;
    TRY(deal_terms_check(terms));
    TRY(deal_terms_find(terms, gid, &j));
    TRY(read_head(&in, terms, &head));
    TRY(commitment_eval(terms->group, &head.c, gid, &image));
    for (unsigned r = 0; r < ROUNDS; r++) {
        struct round round;
        struct scalar z[THRESHOLD_MAX];
        if (!is_masked(&head.challenge, r)) {
            rd_skip(&in, sizeof(struct secret32));
            continue;
        }
        TRY(read_masked(&in, terms, &round, z));
        /* A cheating dealer can spoil a few masked rounds unseen, but not all of them. */
        if (open_round(terms, j, r, x, &round, z, &image, out) == OK)
            return OK;
    }
    return E_VALUE;
}

const struct dealing_scheme dealing_ve = {ve_deal, ve_check, ve_open};
