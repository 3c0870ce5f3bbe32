/*
 * The inside of struct bft, shared by the files of this folder and nobody else:
 *   bft.c    inputs and the dispatch of messages
 *   step.c   Algorithm 1
 *   chain.c  building and judging blocks
 *   sync.c   catch-up, re-sending, peers
 *   record.c what is durable, restarts
 *   lease.c  freshness
 */
#ifndef CORE_CONSENSUS_INSIDE_H
#define CORE_CONSENSUS_INSIDE_H

#include "base/bug.h"
#include "core/consensus/bft.h"
#include "core/consensus/pool.h"
#include "core/consensus/tally.h"
#include "core/consensus/vote.h"
#include "core/consensus/wire.h"

#include <stdlib.h>

#define NEVER UINT64_MAX

enum {
    ROUND_REACH = 1 << 20, /* H13: no jump further than this */
    OUTBOX_MAX = 64,       /* messages that wait for the disk */
    TIMEOUT_BASE_MS = 150, /* H4 */
    TIMEOUT_LEAST_MS = 30,
    TIMEOUT_DELTA_LEAST_MS = 50,
    TIMEOUT_MOST_MS = 10000,
    RESEND_FIRST_MS = 200, /* F1 */
    RESEND_MOST_MS = 1600,
    RESEND_ENTRIES_BYTES = 64 << 10,
    ASK_IDLE_MS = 1000, /* F5 */
    ASK_LEAST_MS = 20,  /* F7 */
    ANSWERS_PER_SECOND = 50,
    ANSWER_HEIGHTS = 4,
    CLOCK_SKEW_MS = 5000, /* H2 */
};

/* Test-only seams: planted bugs that the simulation must find. Never in a shipped build. */
#ifdef BFT_MUTANTS
enum {
    MUTANT_NO_LOCK = 1,       /* prevotes whatever is valid */
    MUTANT_SHORT_QUORUM = 2,  /* q - 1 */
    MUTANT_VALID_ROUND = 4,   /* valid_round not compared with the locked round */
    MUTANT_NOT_DURABLE = 8,   /* messages don't wait for the disk */
    MUTANT_LEASE_HEIGHT = 16, /* leases don't look at the answered heights */
};
#define MUTANT(b, which) (((b)->mutants & (which)) != 0)
#else
#define MUTANT(b, which) false
#endif

/* --- a block that is kept ------------------------------------------------------ */

enum chain { CHAIN_UNKNOWN, CHAIN_VALID, CHAIN_INVALID };

struct held {
    uint32_t refs;
    enum chain chain; /* valid_chain(), judged once */
    struct hash32 id;
    uint8_t *raw;
    size_t n;
    struct block block; /* views into raw */
};

/* Decodes a copy. E_MALFORMED, E_NOMEM. */
enum err held_new(struct bytes raw, struct held **out);
struct held *held_ref(struct held *h);
/* NULL is fine; *h becomes NULL. */
void held_drop(struct held **h);
static inline struct bytes held_bytes(const struct held *h)
{
    return h ? bytes(h->raw, h->n) : BYTES_NONE;
}

/* --- a certificate with its own copy of the order --------------------------------- */

struct owned {
    struct certificate c; /* n = 0: none */
    uint8_t *order;
};
/* On lack of memory the certificate is dropped: it comes again. */
void owned_set(struct owned *o, const struct certificate *c);
void owned_drop(struct owned *o);

/* --- state ------------------------------------------------------------------------ */

enum step { STEP_PROPOSE, STEP_PREVOTE, STEP_PRECOMMIT };

struct proposed {
    bool used;
    bool durable; /* may be sent again (own ones: once the record is durable) */
    struct proposal p;
    struct held *block;
    struct certificate pol; /* n = 0: fresh */
};

/* At most ANSWERS_PER_SECOND, in thousandths. */
struct bucket {
    uint64_t left, at_ms;
};

struct peer {
    uint32_t gid;
    bool up;
    uint64_t height;              /* it claims to decide */
    uint64_t asked_ms;            /* last FETCH sent */
    uint64_t ask_at;              /* a FETCH that waits for its turn, NEVER if none */
    struct bucket blocks, leases; /* answers it may still have */
    uint64_t answered_height, answered_ms;
};

struct outgoing {
    uint64_t token; /* leaves when this is durable */
    uint8_t *p;
    size_t n;
    bool is_vote, is_proposal;
    struct vote vote; /* counted here when it leaves */
};

struct sent_vote {
    uint64_t height, at;
    uint32_t round;
    enum vote_type type;
};

struct last_seen {
    bool used;
    uint32_t gid;
    struct hash32 cfg;
    struct vote vote;
};

struct lease {
    bool asked;
    uint8_t nonce[32];
    uint64_t start, until;
    struct {
        bool used;
        uint64_t height;
    } answer[BFT_MAX_MEMBERS];
};

struct bft {
    struct bft_config config; /* config.secret is not used after bft_new() */
    struct now now;
    int depth;  /* inside an input function */
    bool again; /* something came in from a callback */

    struct sig_secret secret;
    struct sig_public public;
    bool has_key;
    uint64_t key_serial; /* under which RESTART it came into force */
    bool key_restored;   /* it has outlived a boot */
    bool key_in_force;   /* a cfg has named it: from then on it can end */

    /* The decided end of the chain, and what judges it. */
    struct bft_tip tip;
    struct owned tip_certificate;
    struct cfg cfg, last_cfg; /* of the next height; of the tip */
    bool has_last_cfg;
    struct hash32 cfg_hash, last_cfg_hash;
    struct bft_run run;
    int seat;    /* own index in cfg, -1 if no member */
    bool voting; /* the own key is the seat's, and may vote */

    /* The height being decided (paper: h_p, round_p, step_p, locked*, valid*). */
    uint64_t height;
    bool active, slept;
    uint32_t round;
    enum step step;
    uint32_t locked_round; /* BFT_NO_ROUND: -1 */
    struct hash32 locked_id;
    uint32_t valid_round;
    struct held *valid;
    struct certificate pol;        /* of valid */
    struct certificate pol_wanted; /* the highest POL whose block is missing */
    struct owned certificate;      /* decides this height, its block may be missing */
    struct held *spare;            /* a block that came with a POL or certificate */
    struct proposed proposed[3];   /* by round % 3: of rounds r-1, r, r+1 */
    struct tally tally;
    struct round_proof proof;            /* of the own round */
    bool waits_prevote, waits_precommit; /* lines 34 and 47 fired in this round */
    uint64_t propose_at, prevote_at, precommit_at;
    uint32_t proposed_round; /* last round with an own proposal */
    struct {
        bool used;
        uint64_t height;
        uint32_t round;
    } signed_vote[2];          /* the last of each type: never twice, never back */
    struct vote own_vote[4];   /* of r and r-1, for the record; height 0: none */
    uint64_t precommit_height; /* highest with an own precommit for a block */

    /* Timeouts (H4), re-sending (F1), asking (F5). */
    uint32_t base_ms;
    uint32_t delay_ms[BFT_MAX_MEMBERS]; /* + 1; 0: not measured */
    struct sent_vote sent_vote[8];
    uint32_t sent_votes;
    uint64_t resend_at;
    uint32_t resend_wait;
    uint64_t ask_at;
    uint32_t ask_next;
    uint64_t changed_ms, rounds;
    uint64_t alarm_height;

    /* Durability (F4). */
    uint64_t token, durable_token;
    bool record_due;
    struct outgoing outbox[OUTBOX_MAX];
    uint32_t outgoing;
    /* Restart: a record of a height still ahead; waiting for q-1 answers (H13). */
    struct buf ahead;
    uint64_t ahead_height;
    bool unsure;
    uint32_t sure_n;
    uint32_t sure[BFT_MAX_PEERS];
    uint64_t restored_height;
    uint32_t restored_round;
    enum vote_type restored_type;

    struct peer peer[BFT_MAX_PEERS];
    uint32_t peers;
    struct pool pool;
    struct last_seen seen[BFT_MAX_MEMBERS];  /* for OWN_ASK */
    struct sig_public lied[BFT_MAX_MEMBERS]; /* keys whose evidence was given */
    uint32_t lies;
    struct lease lease;
#ifdef BFT_MUTANTS
    unsigned mutants;
#endif
};

/* --- step.c ------------------------------------------------------------------------- */

/* A new height begins: everything about the old one is dropped. */
void step_enter_height(struct bft *b);
/* Applies the rules until nothing changes. */
void step_settle(struct bft *b);
/* F2: a verified POL of this height; `block` may be NULL. */
void step_pol(struct bft *b, const struct certificate *pol, struct held *block);
/* F3: a verified round proof. */
void step_round_proof(struct bft *b, const struct round_proof *proof);
/* A verified certificate of this height; `block` may be NULL. */
void step_certificate(struct bft *b, const struct certificate *c, struct held *block);
/* A verified proposal of the right proposer. */
void step_proposal(struct bft *b, const struct message *m, struct held *block);
/* A verified vote: counted once. */
void step_vote(struct bft *b, int seat, const struct vote *vote);
uint32_t step_quorum(const struct bft *b);
uint32_t step_proposer(const struct bft *b, uint32_t round);
void step_changed(struct bft *b);
/* Does the cfg of this height name the own key? */
bool step_key_named(const struct bft *b);
/* After `voting` may have changed. */
void step_refresh_key(struct bft *b);
struct held *step_block(struct bft *b, struct hash32 id);
struct judge step_judge(struct bft *b);
void step_sent_vote(struct bft *b, const struct vote *vote);
/* Nothing left to decide: the height goes back to sleep. */
bool step_nothing_to_do(struct bft *b);
void step_sleep(struct bft *b);
void step_alarm(struct bft *b, const char *text);

/* --- chain.c ------------------------------------------------------------------------ */

/* valid_chain(v) of consensus.md, judged once per block. */
bool chain_valid(struct bft *b, struct held *held);
/* The local checks of a fresh proposal by this seat (H1, H2, H9). */
bool chain_acceptable(struct bft *b, struct held *held, uint32_t proposer);
/* A new block of pending entries; NULL if none is valid. */
struct held *chain_build(struct bft *b);
uint64_t chain_time(const struct bft *b);
/* Takes an entry into the pool; E_RATE or what the application says. */
enum err chain_submit(struct bft *b, uint32_t from, struct bytes entry);
/* Drops pending entries that are decided or can't become valid any more. */
void chain_prune(struct bft *b, const struct block *decided);
/* Sends pending entries to all (gid BFT_ALL) or one peer; `only` one of them, or all if NULL. */
void chain_forward(struct bft *b, uint32_t gid, const struct pending *only);

/* --- sync.c -------------------------------------------------------------------------- */

bool bucket_take(struct bucket *bucket, uint64_t now_ms);
struct peer *sync_peer(struct bft *b, uint32_t gid);
/* Sends now. */
void sync_send(struct bft *b, uint32_t gid, struct message *m);
/* F7: reacts to the height another message shows. */
void sync_heights(struct bft *b, struct peer *peer, const struct message *m);
/* Asks this peer for the own height as soon as it may be asked. */
void sync_ask(struct bft *b, struct peer *peer);
/* F1: sends again what this member knows of its height. */
void sync_resend(struct bft *b, uint32_t gid);
/* What is due by the clock. */
void sync_tick(struct bft *b);
uint64_t sync_wake(const struct bft *b);
/* A BLOCK message; only what makes the sender a liar is an error. */
void sync_block(struct bft *b, struct peer *peer, const struct message *m, enum err *e);
/* H5: a RESTART about the tip or the next block. */
enum err sync_restart(struct bft *b, const struct certificate *c, struct bytes block);

/* --- record.c ------------------------------------------------------------------------- */

/* Sends to all, once the record is durable if it must be (F4). */
void record_send(struct bft *b, struct message *m, bool wait);
/* At the end of an input: gives the record to the disk if one is due. */
void record_flush(struct bft *b);
void record_drop_outbox(struct bft *b);
/* The record of a height that was ahead, now reached. */
void record_reached(struct bft *b);
enum err record_restore(struct bft *b, struct bytes record);
void record_durable(struct bft *b, uint64_t token);
void record_tell(struct bft *b, struct peer *peer);
void record_own_ask(struct bft *b, struct peer *peer);
void record_own_answer(struct bft *b, struct peer *peer, const struct message *m);
void record_seen(struct bft *b, const struct vote *vote);
/* A verified vote of the own key that this member did not cast. */
void record_foreign_vote(struct bft *b);
/* Wipes the own key and tells the application. */
void record_key_stale(struct bft *b);

/* --- lease.c -------------------------------------------------------------------------- */

void lease_answer(struct bft *b, struct peer *peer, const struct message *m);
enum err lease_take(struct bft *b, struct peer *peer, const struct message *m);
void lease_forget_answers(struct bft *b);
void lease_evaluate(struct bft *b);

/* --- bft.c ---------------------------------------------------------------------------- */

/* Checks and uses the POL (and block, if given) of a message. */
enum err bft_take_pol(struct bft *b, const struct message *m, struct held *block);

#endif
