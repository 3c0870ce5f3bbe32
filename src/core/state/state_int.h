/* What the files of core/state share: the state itself and the hand of an entry being applied. */
#ifndef CORE_STATE_STATE_INT_H
#define CORE_STATE_STATE_INT_H

#include "core/state/state.h"

/* Proofs that held lately, by hash: a block is judged, then applied, and costs once. */
#define PROOFS       256
#define SIGNING_KEYS 16
/* Both groups' of one epoch's holders. */
#define SHARE_PUBLICS (2 * THRESHOLD_MAX)

struct state {
    const struct genesis *genesis;
    struct hash32 cluster_id;
    struct state_deps deps;
    struct store *store;
    struct cfg cfg; /* decoded from record 'f' */
    struct hash32 proofs[PROOFS];
    unsigned next_proof;
    /* The same for dealings, whose check is the dearest and yields something. */
    struct remembered_deal {
        struct hash32 name;
        struct commitment r, e;
    } deals[THRESHOLD_MAX];
    unsigned next_deal;
    /* And for the entries that completed a signature. */
    struct remembered_signature {
        struct hash32 name;
        struct signature signature;
    } signatures[THRESHOLD_MAX];
    unsigned next_signature;
    /* And for the keys that are signed under: the root's, and those of the namespaces in use. */
    struct remembered_key {
        struct hash32 name;
        struct frost_key key;
    } signing_keys[SIGNING_KEYS];
    unsigned next_signing_key;
    struct remembered_point {
        struct hash32 name;
        struct point point;
    } share_publics[SHARE_PUBLICS];
    unsigned next_share_public;
};

/* An entry while it is applied. */
struct apply {
    struct state *s;
    struct block_time at;
    struct entry entry;
    struct hash32 id; /* of the entry */
    struct problem *p;
};

static inline int64_t apply_unix(const struct apply *a)
{
    return (int64_t)(a->at.time_ms / 1000);
}

/* One handler per command; each either applies all or fails (the caller rolls back). */
enum err apply_open(struct apply *a);
enum err apply_rkey(struct apply *a);
enum err apply_deal(struct apply *a);
enum err apply_confirm(struct apply *a);
enum err apply_step(struct apply *a);
enum err apply_rekey(struct apply *a);
enum err apply_admin(struct apply *a);
enum err apply_derive(struct apply *a);
enum err apply_eval(struct apply *a);
enum err apply_issuing(struct apply *a);
enum err apply_commit(struct apply *a);
enum err apply_share(struct apply *a);
enum err apply_retry(struct apply *a);
enum err apply_issue(struct apply *a);
enum err apply_tick(struct apply *a);
enum err apply_fault(struct apply *a);

/* Helpers of the handlers. */
struct rec_cluster state_cluster_of(const struct state *s);
enum err state_put_cluster(struct state *s, const struct rec_cluster *c);
/* The members from the next block on, as far as this block's entries have decided. */
enum err state_next_cfg(const struct state *s, struct cfg *out);
/* Replaces them; asks for a membership certificate. */
enum err state_put_cfg(struct apply *a, const struct cfg *cfg);
/* Begins the first ceremony, or the next attempt of it. */
enum err session_begin(struct state *s, uint64_t time_ms, enum session_kind kind,
                       const struct cfg *next, uint32_t attempt);
/* Appends a signing operation. */
enum err signop_add(struct apply *a, struct rec_signop *op);
/* Starts every signing operation again, as shares of the old epoch are gone. */
enum err signops_restart(struct apply *a);
/* What is signed once the root exists: its own certificate and the namespace of the guardians. */
enum err root_is_born(struct apply *a);
enum err namespace_create(struct apply *a, const char *name, enum ns_mode mode, struct bytes names);
/* Notes that the entry's author lied; the entry has no other effect. */
enum err blame(struct apply *a, enum blame_kind kind);
/* Among n remembered things of this size, each beginning with its name; NULL if it is not there. */
const void *remembered(const void *things, size_t n, size_t size, struct hash32 name);
#define REMEMBERED(array, name) \
    remembered((array), sizeof(array) / sizeof *(array), sizeof *(array), (name))
/* True if this proof held before; proof_remember() notes that it did. That it did not is noted
 * under another name, so that a lie that waits for its block costs once, too. */
bool proof_known(const struct state *s, struct hash32 proof);
void proof_remember(struct state *s, struct hash32 proof);
struct hash32 proof_false(struct hash32 proof);
/* The name of an entry's proof in a context (the session or epoch it was checked in). */
struct hash32 proof_name(struct hash32 entry, struct hash32 context);
/*
 * The members of a height, and the membership certificate that makes them known to whoever has the
 * root key: what receipts and checkpoints end with (receipt.c).
 */
struct members {
    struct cfg cfg;
    uint64_t first_height;
    struct signature signature;
};
/* E_NOT_READY while they are not signed; E_NOT_FOUND before block 1. */
enum err members_of(const struct state *s, uint64_t height, struct members *out);
void members_write(struct writer *w, const struct members *m);
void members_read(struct reader *r, struct members *out);
/* Are they those that the root key named for this header? */
enum err members_check(const struct members *m, const struct header *header,
                       const struct sig_public *root_key, uint32_t generation,
                       frost_verify *verify);
/* Is this the certificate of this header, by them? */
bool members_certified(const struct members *m, const struct header *header,
                       const struct certificate *c, const struct sig_scheme *scheme);
/* The list of verdicts at the end of an entry's body. */
size_t verdicts_read(struct reader *r, struct verdict v[static BFT_MAX_MEMBERS]);

#endif
