/*
 * The messages between seats. Each begins with its type, the version of the
 * protocol, the sender's RESTART serial and the height it is deciding; so that
 * any message shows who is behind (F7).
 *
 * Decoding is strict and bounded and checks no signature: E_MALFORMED. Views
 * borrow from the input.
 */
#ifndef CORE_CONSENSUS_WIRE_H
#define CORE_CONSENSUS_WIRE_H

#include "core/consensus/types.h"

enum { WIRE_VERSION = 1 };

enum wire_type {
    WIRE_PROPOSAL = 1, /* proposal, POL if valid_round is set, block */
    WIRE_VOTE,         /* vote; a precommit for a block with its POL (F2) */
    WIRE_POL,          /* POL, its block if the sender has it */
    WIRE_ROUND_PROOF,  /* what brought the sender to its round (F3) */
    WIRE_ENTRY,        /* an entry to decide */
    WIRE_FETCH,        /* "this is my height": whoever has more sends blocks */
    WIRE_BLOCK,        /* a decided block and its certificate */
    WIRE_PRUNED,       /* the block is gone; height of a checkpoint */
    WIRE_LEASE_ASK,    /* nonce */
    WIRE_LEASE_ANSWER, /* nonce, cfg hash, height, seat, signature, proof of the height */
    WIRE_OWN_ASK,      /* "what is the highest vote of mine you know?" (H13) */
    WIRE_OWN_ANSWER,   /* that vote and the hash of its cfg, or none */
    WIRE_TYPES,
};

/* Votes that show that round `round` was reached: q precommits of the round before, or f+1 votes
   of it or later ones. round 0: none. */
struct round_proof {
    uint32_t round;
    uint32_t n;
    struct vote vote[BFT_MAX_MEMBERS]; /* by gid, ascending */
};

struct message {
    enum wire_type type;
    uint64_t serial, height;
    /* Which of these are set follows from the type. */
    struct proposal proposal;
    bool has_vote;
    struct vote vote;
    struct certificate certificate; /* n = 0: none */
    struct bytes block;             /* empty: none */
    struct round_proof proof;
    struct bytes entry;
    uint64_t number; /* PRUNED: checkpoint height; LEASE_ANSWER: the height answered */
    uint8_t nonce[32];
    struct hash32 cfg;
    uint32_t gid;
    struct signature signature;
};

void message_encode(struct writer *w, const struct message *m);
enum err message_decode(struct bytes in, struct message *m);

void round_proof_encode(struct writer *w, const struct round_proof *proof);
void round_proof_decode(struct reader *r, struct round_proof *proof);

/* H("guardian/v1/lease"; cluster, cfg hash, nonce, height): what an answer signs. */
struct hash64 lease_digest(struct hash32 cluster_id, struct hash32 cfg_hash,
                           const uint8_t nonce[static 32], uint64_t height);

#endif
