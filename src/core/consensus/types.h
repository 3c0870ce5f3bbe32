/*
 * What the log is made of: configurations, headers, blocks, votes, proposals,
 * certificates, and their encodings and hashes.
 *
 * All integers on the wire are big-endian; decoding is strict (limits, order,
 * nothing left over: E_MALFORMED). Hashes of our own things are struct thash
 * under "guardian/v1/..." tags, 32 bytes; the entries' tree is RFC 6962's.
 * Decoded structs borrow from the bytes they were decoded from.
 *
 * Nothing here keeps state or judges whether a block may follow another: that
 * is bft.h.
 */
#ifndef CORE_CONSENSUS_TYPES_H
#define CORE_CONSENSUS_TYPES_H

#include "base/bytes.h"
#include "base/crypto/sig.h"
#include "base/reader.h"
#include "base/writer.h"

enum {
    BFT_MAX_MEMBERS = 15,
    BFT_MAX_ENTRY = 256 << 10,       /* one entry: a dealing to 15 seats or evidence, with room */
    BFT_MAX_ENTRIES = 1024,          /* of a block, so a path has at most 10 steps */
    BFT_MAX_ENTRIES_BYTES = 1 << 20, /* sum of the entries of a block */
    BFT_MAX_PATH = 10,
    BFT_MAX_RESTART = 64 << 10, /* a RESTART order: signatures, a key for each seat */
    BFT_MAX_CERTIFICATE = BFT_MAX_RESTART + 2048,
    BFT_MAX_BLOCK = BFT_MAX_ENTRIES_BYTES + 8 * BFT_MAX_ENTRIES + BFT_MAX_CERTIFICATE + 1024,
    BFT_MAX_CFG = 4096,
};

/* --- configuration ------------------------------------------------------- */

struct member {
    uint32_t gid;
    struct sig_public seat_key, vote_key;
    bool suspended; /* stays in n and q; its votes, proposals and leases don't count */
};

/* How a member comes back after a restart (consensus.md, Restart). */
enum bft_mode { BFT_SEALED = 1, BFT_STRICT = 2 };

struct cfg {
    struct hash32 cluster_id;
    uint64_t epoch;
    uint32_t t, f, q;
    enum bft_mode mode;
    uint64_t serial;      /* of the last RESTART, 0 before the first */
    struct hash32 parent; /* id of the block a RESTART continues from, zero before the first */
    uint32_t n;
    struct member member[BFT_MAX_MEMBERS]; /* by gid, ascending, no gid twice */
};

/* ceil((n + f + 1) / 2) */
uint32_t cfg_quorum(uint32_t n, uint32_t f);
/* n in 1..BFT_MAX_MEMBERS, n >= 3f+1, q as above, 1 <= t <= n, gids from 1 in order, mode (f >= 1
   needs strict, n <= 2 sealed); E_VALUE. */
enum err cfg_check(const struct cfg *cfg);
struct hash32 cfg_hash(const struct cfg *cfg);
/* The seat's index in member[], or -1. */
int cfg_find(const struct cfg *cfg, uint32_t gid);
void cfg_encode(struct writer *w, const struct cfg *cfg);
/* Reads and checks; marks the reader bad. */
void cfg_decode(struct reader *r, struct cfg *cfg);

/* --- votes and certificates ---------------------------------------------- */

enum vote_type { VOTE_PREVOTE = 1, VOTE_PRECOMMIT = 2 };

/* One signed vote. An id of zero is nil. */
struct vote {
    enum vote_type type;
    uint64_t height;
    uint32_t round;
    struct hash32 id;
    uint32_t gid;
    struct signature signature;
};

/* What a vote signs: H("guardian/v1/vote"; cluster, cfg hash, type, h, r, id). */
struct hash64 vote_digest(struct hash32 cluster_id, struct hash32 cfg_hash, enum vote_type type,
                          uint64_t height, uint32_t round, struct hash32 id);
/* Signature, seat known and not suspended under this cfg: E_SIGNATURE, E_NOT_MEMBER. */
enum err vote_check(const struct sig_scheme *scheme, const struct cfg *cfg,
                    const struct vote *vote);
void vote_encode(struct writer *w, const struct vote *vote);
void vote_decode(struct reader *r, struct vote *vote);

/*
 * q votes of one (height, round, id). Of precommits it is a commit certificate,
 * the proof that a block is final; of prevotes a POL ("proof of lock").
 *
 * `restart` is empty, or the administrators' RESTART order that makes the
 * block the last one of its configuration (consensus.md H5); only then may a
 * POL stand for a certificate. The order is the state's to judge.
 */
struct certificate {
    enum vote_type type;
    uint64_t height;
    uint32_t round;
    struct hash32 id;
    uint32_t n;
    struct {
        uint32_t gid;
        struct signature signature;
    } vote[BFT_MAX_MEMBERS]; /* by gid, ascending */
    struct bytes restart;    /* borrowed */
};

/*
 * Judged by itself under the cfg of its height: at least q different seats that
 * are not suspended, each signature. E_NO_QUORUM, E_NOT_MEMBER, E_SIGNATURE.
 * Says nothing about `type`: the caller knows which one it needs.
 */
enum err certificate_check(const struct sig_scheme *scheme, const struct cfg *cfg,
                           const struct certificate *certificate);
struct hash32 certificate_hash(const struct certificate *certificate);
void certificate_encode(struct writer *w, const struct certificate *certificate);
/* n may be 0 only in the empty certificate that block 1 carries. */
void certificate_decode(struct reader *r, struct certificate *certificate);

/* --- headers and blocks --------------------------------------------------- */

struct header {
    uint64_t height;
    uint32_t round;             /* in which it was first proposed */
    uint32_t proposer;          /* gid of who first proposed it */
    uint64_t time_ms;           /* unix time, strictly after the parent's */
    struct hash32 parent;       /* id of the block before; the genesis id for block 1 */
    struct hash32 cfg;          /* under which this block is decided */
    struct hash32 state_root;   /* after the block before */
    struct hash32 entries_root; /* entries_root() */
    struct hash32 last;         /* certificate_hash() of the certificate of the block before */
    uint32_t last_round;        /* its round: a late proposer is counted by it (H3) */
};

/* The id of a block: H("guardian/v1/header"; encoding). */
struct hash32 header_id(const struct header *header);
void header_encode(struct writer *w, const struct header *header);
void header_decode(struct reader *r, struct header *header);

struct block {
    struct header header;
    struct certificate last; /* of the block before; empty (n = 0) in block 1 */
    uint32_t n;
    struct bytes *entry; /* owned array of borrowed views; block_free() */
};

void block_encode(struct writer *w, const struct block *block);
/* Limits, at least one entry, entries_root, last and last_round agree with the header; on failure
   nothing is left to free. */
enum err block_decode(struct bytes in, struct block *block);
void block_free(struct block *block);

/* --- entries' tree (RFC 6962, SHA-256) ------------------------------------- */

struct path {
    uint32_t index, count; /* position of the entry, number of entries */
    uint32_t n;
    struct hash32 step[BFT_MAX_PATH]; /* from the leaf upwards */
};

struct hash32 entries_root(const struct bytes *entry, uint32_t n);
/* index < n. */
void entries_path(const struct bytes *entry, uint32_t n, uint32_t index, struct path *path);
/* Is this entry at that position below the root? E_VALUE. */
enum err path_check(const struct path *path, struct bytes entry, struct hash32 root);
void path_encode(struct writer *w, const struct path *path);
void path_decode(struct reader *r, struct path *path);

/* --- proposals -------------------------------------------------------------- */

#define BFT_NO_ROUND UINT32_MAX /* "-1" of the paper */

/* The proposer's signed statement; the block travels beside it. */
struct proposal {
    uint64_t height;
    uint32_t round;
    struct hash32 id;
    uint32_t valid_round; /* < round, or BFT_NO_ROUND for a fresh block */
    uint32_t gid;
    struct signature signature;
};

struct hash64 proposal_digest(struct hash32 cluster_id, struct hash32 cfg_hash,
                              const struct proposal *proposal);
enum err proposal_check(const struct sig_scheme *scheme, const struct cfg *cfg,
                        const struct proposal *proposal);
void proposal_encode(struct writer *w, const struct proposal *proposal);
void proposal_decode(struct reader *r, struct proposal *proposal);

/* --- equivocation (H11) ------------------------------------------------------- */

/* Two statements of one key that no honest member makes: the body of a FAULT entry. */
enum { BFT_MAX_EQUIVOCATION = 512 };

/* E_VALUE if the two don't contradict each other. */
enum err equivocation_of_votes(const struct vote *a, const struct vote *b, struct writer *w);
enum err equivocation_of_proposals(const struct proposal *a, const struct proposal *b,
                                   struct writer *w);
struct equivocation {
    uint64_t height; /* judged under the cfg of this height */
    uint32_t gid;    /* who lied */
};
/* Reads the height and the seat, so that the caller finds the cfg; proves nothing. */
enum err equivocation_peek(struct bytes in, struct equivocation *out);
/* The whole judgement under the cfg of that height. */
enum err equivocation_check(const struct sig_scheme *scheme, const struct cfg *cfg, struct bytes in,
                            struct equivocation *out);

#endif
