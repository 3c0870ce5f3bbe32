/*
 * FROST(Ed25519, SHA-512), RFC 9591: t guardians make one ordinary Ed25519
 * signature under a key that none of them has, or under a key derived from it.
 *
 * A derived key is A' = A + tau*G with a public tau (design, section 7): each
 * signer adds tau to its share, and S_i becomes S_i + tau*G. A itself signs
 * only root certificates and root revocation lists.
 *
 *   signer i   frost_commit -> nonce (memory only), commitment (to the log)
 *   the log    fixes the list of t commitments, ascending gid
 *   signer i   frost_sign: the nonce is gone when it returns, whatever happened
 *   anyone     frost_aggregate; if that fails, frost_share_check finds who lied
 */
#ifndef CORE_THRESHOLD_FROST_H
#define CORE_THRESHOLD_FROST_H

#include "base/crypto/sig.h"
#include "core/threshold/share.h"

/* What is signed under. Public; made by frost_key_init. */
struct frost_key {
    struct point public; /* A' = A + tau*G, the key verifiers see */
    uint32_t t;          /* signers per signature, exactly */
    struct scalar tweak; /* tau; zero: A itself */
};

/* tau = HS("tweak"; A, generation, namespace, purpose). */
void frost_tweak(const struct point *a, uint32_t generation, const char *namespace,
                 const char *purpose, struct scalar *out);
/* tweak NULL: A itself. E_VALUE if A or A' is not valid or t is out of range. */
enum err frost_key_init(const struct point *a, uint32_t t, const struct scalar *tweak,
                        struct frost_key *out);
static inline struct sig_public frost_key_public(const struct frost_key *key)
{
    struct sig_public p;
    memcpy(p.b, key->public.b, sizeof p.b);
    return p;
}

struct frost_commitment {
    uint32_t gid;
    struct point hiding, binding; /* D, E */
};

/* Single use, in memory only: two signatures with one nonce give away the share. */
struct frost_nonce {
    bool live;
    struct scalar hiding, binding; /* d, e */
    struct frost_commitment mine;
};
static inline void frost_nonce_wipe(struct frost_nonce *nonce)
{
    wipe(nonce, sizeof *nonce);
}

/* The signers of one signature: exactly t, ascending gid, no duplicates. */
struct frost_list {
    uint32_t n;
    struct frost_commitment c[THRESHOLD_MAX];
};

struct frost_share {
    uint32_t gid;
    struct scalar z;
};

/* Round one. Nonces come from randomness and the share (nonce_generate, section 4.1). */
enum err frost_commit(struct rng rng, uint32_t gid, const struct scalar *share,
                      struct frost_nonce *nonce, struct frost_commitment *out);
/* E_VALUE unless the gid is not 0 and both points are valid. */
enum err frost_commitment_check(const struct frost_commitment *c);
/* E_VALUE unless n == t, gids ascend without duplicates or 0, and all points are valid. */
enum err frost_list_check(const struct frost_list *list, uint32_t t);
/*
 * Round two. The nonce is taken and wiped before anything is looked at.
 * E_NOT_ALLOWED if it was used before, or if the list does not hold exactly
 * the commitment it belongs to; E_VALUE for a bad list.
 */
enum err frost_sign(struct frost_nonce *nonce, const struct frost_key *key,
                    const struct scalar *share, const struct frost_list *list, struct bytes message,
                    struct frost_share *out);
/* member is S_gid (without the tweak); E_SIGNATURE is evidence against the signer. */
enum err frost_share_check(const struct frost_key *key, const struct point *member,
                           const struct frost_list *list, struct bytes message,
                           const struct frost_share *share);
/*
 * The signature, verified under key->public; E_SIGNATURE if a share was wrong.
 * shares are those of the list, in its order; else E_VALUE.
 */
enum err frost_aggregate(const struct frost_key *key, const struct frost_list *list,
                         struct bytes message, const struct frost_share *shares, size_t n,
                         struct signature *out);

/*
 * The same operations as an interface, so that a simulation of thousands of
 * schedules can run on an ideal stub; everything that ships passes &frost_ed25519.
 */
typedef enum err frost_verify(const struct sig_public *key, struct bytes message,
                              const struct signature *signature);
struct frost_scheme {
    enum err (*commit)(struct rng rng, uint32_t gid, const struct scalar *share,
                       struct frost_nonce *nonce, struct frost_commitment *out);
    enum err (*check_commitment)(const struct frost_commitment *c);
    enum err (*sign)(struct frost_nonce *nonce, const struct frost_key *key,
                     const struct scalar *share, const struct frost_list *list,
                     struct bytes message, struct frost_share *out);
    enum err (*check_share)(const struct frost_key *key, const struct point *member,
                            const struct frost_list *list, struct bytes message,
                            const struct frost_share *share);
    enum err (*aggregate)(const struct frost_key *key, const struct frost_list *list,
                          struct bytes message, const struct frost_share *shares, size_t n,
                          struct signature *out);
    frost_verify *verify;
};
extern const struct frost_scheme frost_ed25519;

/* u32 gid, D, E. Points must be valid. */
void frost_commitment_write(struct writer *w, const struct frost_commitment *c);
void frost_commitment_read(struct reader *r, struct frost_commitment *out);
/* The same bytes, where the points were checked before or will be. */
void frost_commitment_read_unchecked(struct reader *r, struct frost_commitment *out);
/* u32 n, then the commitments; bad unless 1 <= n <= THRESHOLD_MAX and gids ascend from above 0. */
void frost_list_write(struct writer *w, const struct frost_list *list);
void frost_list_read(struct reader *r, struct frost_list *out);
/* u32 gid, z. */
void frost_share_write(struct writer *w, const struct frost_share *share);
void frost_share_read(struct reader *r, struct frost_share *out);

#endif
