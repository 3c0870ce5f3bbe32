/*
 * The replicated state: what the log's entries mean.
 *
 * Applying is a pure function of the state and the entry: no clock (blocks
 * carry time), no randomness, no network. Every guardian that applied the same
 * blocks has the same root, and headers certify it.
 *
 * An entry that breaks a rule is not "ignored": it makes its block invalid, so
 * honest proposers leave it out and honest voters refuse the block. The one
 * exception is a guardian's own signed entry whose proof is false (a bad
 * dealing, partial or share): it is accepted as evidence, has no effect but a
 * blame record, and is that guardian's one try.
 */
#ifndef CORE_STATE_STATE_H
#define CORE_STATE_STATE_H

#include "core/state/entry.h"
#include "core/state/genesis.h"
#include "core/state/manifest.h"
#include "core/state/records.h"
#include "core/threshold/dealing.h"
#include "core/threshold/oprf.h"

/* Block time between ceremonies that holders of a share ask for. */
#define REFRESH_PAUSE_MS 10000
/* A join that cannot end is void this long after its last phase should have ended: its newcomer, or
 * too many others, are gone (consensus.md H9). */
#define JOIN_VOID_MS 30000
/* Block time a phase of a ceremony waits for the slow before it may be closed without them. */
#define PHASE_MS 4000
/* Block time an attempt waits for what is missing before RETRY may begin the next one. */
#define SIGN_WAIT_MS 1500
/* A challenge is good until this long after the time of the header it was made from. */
#define CHALLENGE_S 90
/* A header older than this is no ground for a challenge; then a TICK is due. */
#define TICK_MS 30000
/* Lifetimes, seconds. */
#define ROOT_LIFETIME_S    (20 * 365 * 86400LL)
#define NS_CA_LIFETIME_S   (10 * 365 * 86400LL)
#define ISSUING_LIFETIME_S 86400LL
#define LEAF_LIFETIME_S    3600LL
#define CRL_LIFETIME_S     (30 * 86400LL)
/* Certificates are valid from this long before their cause, for clocks that run behind. */
#define BACKDATE_S 300LL

struct state_deps {
    const struct sig_scheme *sig;
    const struct dealing_scheme *dealing;
    const struct frost_scheme *frost;
};

struct state;

/* genesis is borrowed for the life of the state. */
enum err state_new(struct state **out, const struct genesis *genesis, struct hash32 cluster_id,
                   struct state_deps deps);
/* NULL is allowed. */
void state_free(struct state *s);

/* The state before block 1. The manifest has passed manifest_check(); E_NOT_ALLOWED if it does
 * not fit the genesis (other seats, other platforms). */
enum err state_found(struct state *s, const struct manifest *m);

/* What is known of the block an entry stands in. */
struct block_time {
    uint64_t height, time_ms;
};

/* Which of these entries, in order, are valid on the present state? One that is not is skipped
 * and leaves no trace for those after it. Leaves no effect. */
void state_judge(struct state *s, struct block_time at, const struct bytes *entries, size_t n,
                 bool *ok);
/* Would this entry alone be valid now? No effect. */
enum err state_check(struct state *s, struct block_time at, struct bytes entry, struct problem *p);
/* Applies a decided block for good. E_INTERNAL if an entry does not apply: it was judged before. */
enum err state_decide(struct state *s, const struct header *header, const struct bytes *entries,
                      size_t n);

/* The members in force at a past height; E_NOT_FOUND before block 1. */
enum err state_past_cfg(const struct state *s, uint64_t height, struct cfg *out);
/* The members in force for the next block. Valid until the next state_decide(). */
const struct cfg *state_cfg(const struct state *s);
struct hash32 state_root(struct state *s);
const struct genesis *state_genesis(const struct state *s);
struct hash32 state_cluster_id(const struct state *s);
/* For reading records (core/state/records.h); changes only through entries. */
const struct store *state_store(const struct state *s);
struct rec_cluster state_cluster(const struct state *s);
struct rec_epoch state_epoch(const struct state *s);
/* kind SESSION_NONE when none runs. */
struct rec_session state_session(const struct state *s);

/* A snapshot: every pair, in order. Loading replaces the content; an error leaves it as it was:
 * E_MALFORMED, or E_SIGNATURE if a root is given and the content has another. */
enum err state_save(const struct state *s, struct buf *out);
enum err state_load(struct state *s, struct bytes snapshot, const struct hash32 *root);

/* The terms under which `dealer` deals in this session; `to` is filled with the recipients. */
struct deal_terms state_deal_terms(const struct rec_session *s, enum group group, uint32_t dealer,
                                   struct recipient to[static THRESHOLD_MAX]);
/* The context that a partial evaluation is bound to. */
struct hash32 state_eval_context(uint64_t epoch, uint32_t gid, struct hash32 request_id);
/* What an OPRF request of this guardian names as its requester. */
struct hash32 state_derive_requester(const struct state *s, uint32_t gid);
/* The record of its open request in this namespace. */
struct key state_derive_key(uint32_t gid, const char *ns);
/* What a membership certificate signs. */
struct hash64 membership_hash(struct hash32 cluster_id, struct hash32 cfg_hash,
                              uint64_t first_height);
/* The label of a sealed namespace's key. */
enum err state_namespace_label(const struct state *s, const char *ns, uint32_t version,
                               struct buf *out);
/* What a signing operation signs (a TBSCertificate, a TBSCertList, or the hash of a cfg), and the
 * key under which it is signed. */
enum err state_signop_message(struct state *s, const struct rec_signop *op, struct buf *out);
enum err state_signop_key(struct state *s, const struct rec_signop *op, struct frost_key *key);
/* Could this entry, or others like it in one block, let a newcomer in? Whoever votes for it wants
 * the newcomer and a quorum and one to be there at that moment (H9). */
bool state_lets_in(const struct state *s, uint64_t time_ms, struct bytes entry);
/* May RETRY go on without those who keep this attempt waiting? */
bool state_signop_is_late(const struct state *s, const struct rec_signop *op, uint64_t time_ms);
/* The share commitment S_gid of the epoch in force; remembered, as it costs t multiplications. */
enum err state_share_public(struct state *s, enum group group, uint32_t gid, struct point *out);

/* The measurement record that whitelists these claims' hashes in a namespace: E_MEAS_NOT_FOUND,
 * E_MEAS_REVOKED (also when only one of the two hashes is revoked). Views as in records.h. */
enum err state_measurement(const struct state *s, const char *ns, struct hash32 hash,
                           struct hash32 bare_hash, struct rec_measurement *out,
                           struct hash32 *which);

/* True if this guardian is in force and not suspended. */
bool state_is_member(const struct state *s, uint32_t gid);
bool state_is_holder(const struct state *s, uint32_t gid);

#endif
