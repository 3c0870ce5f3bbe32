/*
 * A state in the hands of a test: founded by a manifest of ideal keys, with all
 * secrets at hand, so that any entry can be made, right or wrong.
 */
#ifndef TEST_STATE_FOUNDED_H
#define TEST_STATE_FOUNDED_H

#include "cluster/world.h"
#include "core/state/state.h"

#define FOUNDED_MAX 8

struct founded {
    struct world *world; /* owns the genesis */
    const struct genesis *g;
    struct hash32 cluster_id;
    struct state *s;
    uint32_t n;
    struct rng_seeded seed;
    const struct sig_scheme *sig;
    struct sig_secret seat[FOUNDED_MAX], vote[FOUNDED_MAX], admin[3]; /* by gid - 1 */
    struct secret32 x[FOUNDED_MAX];
    struct scalar share_r[FOUNDED_MAX], share_e[FOUNDED_MAX];
    struct frost_nonce nonces[FOUNDED_MAX];
    uint64_t height, ms; /* of the block that comes next */
};

void founded_new(struct founded *f, uint32_t n);
void founded_free(struct founded *f);
struct rng founded_rng(struct founded *f);
/* Of the guardian in this seat, as evidence would say; seats beyond n are other machines. */
struct peer_subject founded_subject(struct founded *f, uint32_t gid);
struct hash32 founded_measurement(const struct founded *f, enum platform platform);
/* The one machine that world_platform_id(gid - 1) names. */
struct platform_id founded_machine(uint32_t gid);

/* The entry signed as its command asks: by the vote or seat key of `gid`, or not at all. */
struct buf founded_entry(struct founded *f, enum command type, uint32_t gid, struct bytes body);
/* Would the next block take it? Fails the test if asking changed the root. */
enum err founded_try(struct founded *f, enum command type, uint32_t gid, struct bytes body);
enum err founded_try_entry(struct founded *f, struct bytes entry);
/* Decides a block of this one entry. */
void founded_do(struct founded *f, enum command type, uint32_t gid, struct bytes body);
/* The same, for entries that are accepted as evidence: then the record of blame is there. */
void founded_do_blamed(struct founded *f, enum command type, uint32_t gid, struct bytes body,
                       enum blame_kind kind);
/* The body is taken whole, but cut at no place, and not with a byte more. */
void founded_cuts(struct founded *f, enum command type, uint32_t gid, struct bytes body);
/* Neither a stranger nor another key may post it. */
void founded_strangers(struct founded *f, enum command type, uint32_t gid, struct bytes body);

/* Bodies; free with buf_free(). */
struct buf founded_rkey(struct founded *f, uint32_t gid);
struct buf founded_deal(struct founded *f, uint32_t gid);
struct buf founded_confirm(struct founded *f, uint32_t gid);
struct buf founded_step(struct founded *f);
/* Notes the new shares of the session in phase CONFIRM. */
void founded_open(struct founded *f);
/* Runs the whole ceremony that is open, among these guardians. */
void founded_ceremony(struct founded *f, uint32_t n);
/* Founded, with a root. */
void founded_new_rooted(struct founded *f, uint32_t n);
/* The same under Ed25519, for what a stranger checks; administrators cannot sign in it. */
void founded_new_signed(struct founded *f, uint32_t n);

/* Signing operations: the record, whether it is done, and bodies for it. */
struct rec_signop founded_op(const struct founded *f, uint64_t number);
/* The first that is open of this kind. */
uint64_t founded_op_of(const struct founded *f, enum signop_kind kind);
bool founded_op_is_done(const struct founded *f, uint64_t number);
struct buf founded_op_body(uint64_t number, uint32_t attempt);
/* A commitment of `gid` that says it is of `as`; the nonce is kept for its share. */
struct buf founded_commit(struct founded *f, uint64_t number, uint32_t attempt, uint32_t gid,
                          uint32_t as);
struct buf founded_share(struct founded *f, uint64_t number, uint32_t gid);
/* Signed by the t guardians from `first`. */
void founded_sign(struct founded *f, uint64_t number, uint32_t first);

/* The votes of this cfg's first q members, by the keys that f has, in round 0. */
void founded_certify(const struct founded *f, const struct cfg *cfg, enum vote_type type,
                     uint64_t height, struct hash32 id, struct certificate *out);
struct buf founded_certificate_bytes(const struct certificate *c);
/* A block of these entries and the certificate of the one before; not decided by it. */
struct buf founded_block(const struct founded *f, uint64_t height, const struct bytes *entry,
                         uint32_t n);

/* Verdicts of guardians 1 to n on a subject, that stand for an hour. */
void founded_verdicts(struct founded *f, struct hash32 subject, uint32_t n, struct verdict *out);
void founded_verdicts_write(struct writer *w, const struct verdict *v, uint32_t n);

/* Executes a change, signed by administrators 0 and 1. */
void founded_change(struct founded *f, const char *change);
/* The body of an ADMIN entry over this text, signed by the first n administrators from `first`. */
struct buf founded_admin(struct founded *f, const char *text, uint32_t first, uint32_t n);
/* Canonical, under a fresh nonce; free it. */
char *founded_text(struct founded *f, const char *change);

#endif
