/*
 * Dealings: how a dealer shares a secret among recipients so that everybody,
 * not only a recipient, can check from the dealing alone that every recipient
 * will find a correct sub-share in it. One log entry, no complaints, nothing to
 * answer: a recipient that is offline opens it later.
 *
 * The scheme that ships, dealing_ve, is verifiable encryption of a Feldman
 * polynomial by cut and choose (threshold-protocol 3.0): 128 rounds, each with
 * a random mask polynomial whose sub-shares are encrypted to all recipients
 * (hashed ElGamal over X25519). The hash of all of it decides for each round
 * whether its seed is shown (then everything in it is recomputed) or the
 * masked polynomial is (then it must fit the commitments). Soundness 2^-128;
 * a dealing of 5 recipients is about 21 KB.
 *
 * A dealing names its session by sid, which is in every hash, and is worth
 * nothing under other terms: another dealer, other recipients, another t.
 */
#ifndef CORE_THRESHOLD_DEALING_H
#define CORE_THRESHOLD_DEALING_H

#include "base/crypto/x25519.h"
#include "core/threshold/share.h"

struct recipient {
    uint32_t gid;
    uint8_t x[32]; /* X25519 key, of this session only; x25519_public_check() held at RKEY */
};

/*
 * What both sides know from the log. Recipients are in ascending order of gid,
 * without duplicates or 0, t <= n_to <= THRESHOLD_MAX; else E_VALUE everywhere.
 */
struct deal_terms {
    enum group group;
    struct hash32 sid;
    uint32_t dealer; /* gid, not 0 */
    uint32_t t;      /* of the new sharing */
    const struct recipient *to;
    size_t n_to;
};

/* What every scheme demands of its terms; E_VALUE. */
enum err deal_terms_check(const struct deal_terms *terms);
/* The place of gid among the recipients; E_VALUE if it is none of them. */
enum err deal_terms_find(const struct deal_terms *terms, uint32_t gid, size_t *out);

/* The longest dealing of any scheme: 16 recipients, t = 16, all rounds masked. */
#define DEALING_MAX (160 * 1024)

struct dealing_scheme {
    /* Appends the dealing to out. Coefficients and seeds are hedged: a repeated or broken rng
     * in another session does not repeat them. secret is canonical and not zero. */
    enum err (*deal)(struct rng rng, const struct deal_terms *terms, const struct scalar *secret,
                     struct buf *out);
    /* Complete and public. If expected_c0 is given the dealt secret must be that of this public
     * key (in a reshare S_dealer of the current epoch). E_MALFORMED, E_VALUE or E_SIGNATURE. */
    enum err (*check)(const struct deal_terms *terms, struct bytes dealing,
                      const struct point *expected_c0, struct commitment *out);
    /* A recipient's sub-share f(gid) of a dealing that passed check(); verified against the
     * commitments before it is returned. E_VALUE if there is none (wrong x, unchecked dealing). */
    enum err (*open)(const struct deal_terms *terms, struct bytes dealing, uint32_t gid,
                     const struct secret32 *x, struct scalar *out);
};

extern const struct dealing_scheme dealing_ve;

/* A recipient's key pair for one session; the secret is erased at ACTIVATE or VOID. */
void receive_keygen(struct rng rng, struct secret32 *x, uint8_t public[static 32]);
/* For RKEY entries: E_VALUE for small order or a non-canonical encoding. */
enum err receive_key_check(const uint8_t public[static 32]);

#endif
