/*
 * The log: Tendermint's algorithm (Buchman, Kwon, Milosevic, arXiv 1807.04938,
 * Algorithm 1) as a pure step function, with the rules F1-F8 and H1-H14 of
 * consensus.md.
 *
 * One struct bft is one seat's view. Inputs are messages, ticks of the clock,
 * submitted entries, peers coming and going, and "that record is durable now".
 * Outputs are calls of struct bft_out, made during an input function. There is
 * no clock, no randomness and no storage here.
 *
 * Rules for the caller:
 *  - From a callback only bft_submit(), bft_peer_down() and the status functions may be called.
 *  - Storage is first in, first out: a record given to persist() must not become
 *    durable before every block given to decided() earlier. (Otherwise a power
 *    loss at q members can lose a decided block.) Nothing may be acknowledged to
 *    a client before the decided block is durable here.
 *  - Calls come from one thread; `now.mono_ms` never goes back.
 *  - The transport authenticates peers: from_gid is who sent the bytes. A seat
 *    that is not a member (a newcomer) is a peer too: it is served blocks.
 */
#ifndef CORE_CONSENSUS_BFT_H
#define CORE_CONSENSUS_BFT_H

#include "base/now.h"
#include "core/consensus/proposer.h"
#include "core/consensus/types.h"

#define BFT_ALL UINT32_MAX /* send(): to every peer */

enum {
    BFT_MAX_PEERS = 32,
    BFT_MAX_MESSAGE = 2 * BFT_MAX_CERTIFICATE + BFT_MAX_BLOCK + 4096,
    BFT_MAX_RECORD = BFT_MAX_MESSAGE + 65536,
    BFT_LANES = 4,
};

struct bft;

/* What the log is about. All functions are about the state after the last decided block. */
struct bft_app {
    void *ctx;
    /* The cfg in force at the next height. Valid until the next decided()/restarted(). */
    const struct cfg *(*cfg)(void *ctx);
    /* Who proposes next: the state keeps it (its root covers it) and calls bft_run_next() with each
       header it applies; bft_run_first() at genesis. */
    const struct bft_run *(*run)(void *ctx);
    struct hash32 (*state_root)(void *ctx);
    /* The cfg of a past height, for evidence; NULL if unknown. May be NULL altogether. */
    const struct cfg *(*cfg_at)(void *ctx, uint64_t height);
    /*
     * Would these entries be valid, applied in this order in a block with this header (height,
     * round, proposer and time_ms are set)? ok[i] says so of each; one that is not valid is
     * skipped and leaves no trace for those after it. Pure: no lasting effect. A block is valid if
     * all are.
     */
    void (*judge)(void *ctx, const struct header *header, const struct bytes *entry, uint32_t n,
                  bool *ok);
    /* Is it worth keeping: valid alone on the present state at this time? An error of class STATE
       means "not yet, keep it"; any other error drops it. Called again for every pending entry
       after each block, so remember expensive checks. */
    enum err (*entry_valid)(void *ctx, uint64_t time_ms, struct bytes entry);
    /* 0 first (revocations), then 1 (administration), ... < BFT_LANES. */
    unsigned (*lane)(void *ctx, struct bytes entry);
    /* A check of this member alone on an entry of a fresh block (H9: an addition needs a newcomer
       and q+1 members that answer pings). A proposer leaves out what fails here, a voter refuses
       the block for a round; while it fails the entry waits, as one that is not valid yet. May be
       NULL. */
    enum err (*local_check)(void *ctx, struct bytes entry);
    /* Appends the stored block and certificate as decided() gave them. E_NOT_FOUND: pruned. */
    enum err (*block)(void *ctx, uint64_t height, struct buf *block, struct buf *certificate);
    /* Height of the newest checkpoint others may take (PRUNED answers). May be NULL: none. */
    uint64_t (*checkpoint)(void *ctx);
    /* Is this RESTART order signed by the administrators' quorum, the first with its serial, and
       about this (height, round, id)? May be NULL: none is. */
    enum err (*restart_check)(void *ctx, struct bytes order, uint64_t height, uint32_t round,
                              struct hash32 id);
};

struct bft_out {
    void *ctx;
    /* Bytes for a peer, or for all of them (BFT_ALL). May be lost. */
    void (*send)(void *ctx, uint32_t gid, struct bytes message);
    /* Store this record instead of the last one, then call bft_durable(token). Tokens rise; the
       last durable one covers all before. In sealed mode seal it with the vote key. */
    void (*persist)(void *ctx, uint64_t token, struct bytes record);
    /* The next block is final: store {block_bytes, certificate bytes}, apply it. If
       certificate->restart is not empty, apply that order after the block. Afterwards cfg(), run()
       and state_root() give the new values. */
    void (*decided)(void *ctx, const struct block *block, struct bytes block_bytes,
                    const struct certificate *certificate, struct bytes certificate_bytes);
    /* A RESTART order about the block decided last: store this certificate in the place of its old
       one, apply the order. */
    void (*restarted)(void *ctx, const struct certificate *certificate,
                      struct bytes certificate_bytes);
    /* Call bft_tick() at this time (or earlier); replaces the earlier wish. UINT64_MAX: never. */
    void (*wake_at)(void *ctx, uint64_t mono_ms);
    /* Someone lied: equivocation_check() accepts this. At most one per seat and key. May be NULL.
     */
    void (*evidence)(void *ctx, struct bytes evidence);
    /* The own vote key has ended (REKEY by another copy, removal, RESTART) and is wiped. */
    void (*key_ended)(void *ctx);
    /* Others hold a later vote of the own key than the restored record (H13), or a key outlived a
       boot in strict mode, or a copy of it votes elsewhere: the key is wiped, a
       REKEY with a new one is the way back. */
    void (*key_stale)(void *ctx);
    /* This peer has pruned what is needed here: take its checkpoint, then bft_install(). */
    void (*pruned)(void *ctx, uint32_t gid, uint64_t checkpoint_height);
    /* Something that f liars cannot cause: for a person. One line. May be NULL. */
    void (*alarm)(void *ctx, const char *text);
};

/* The last decided block: where the application's state stands. Zero at genesis. */
struct bft_tip {
    uint64_t height;
    struct hash32 id;               /* at height 0: what block 1 names as its parent */
    uint64_t time_ms;               /* of the header; at height 0 the genesis time or 0 */
    struct certificate certificate; /* empty at height 0; copied by bft_new() */
};

struct bft_config {
    uint32_t gid; /* own seat, a member or not */
    const struct sig_scheme *scheme;
    struct bft_app app;
    struct bft_out out;
    struct bft_tip tip;
    const struct sig_secret *secret; /* vote key, copied; NULL: follow only */
    uint32_t lease_ms;               /* D; 0 means 10000 */
    uint32_t drift_ms;               /* taken off each lease; 0 means 200 */
    uint32_t own_bytes;              /* cap of own pending entries; 0 means 4 MiB */
    uint32_t peer_bytes;             /* cap of pending entries per peer; 0 means 2 MiB */
};

/* E_NOMEM, E_VALUE (cfg_check of the application's cfg). */
enum err bft_new(const struct bft_config *config, struct now now, struct bft **out);
/* Wipes the key. NULL is fine. */
void bft_free(struct bft *b);

/*
 * After a boot, before any other input: the record persisted last. In sealed mode the seat goes on
 * from it, and votes once q-1 others have said what its highest vote is (H13). In strict mode
 * (where the key is new; one that outlived the boot is wiped: key_stale) only the block and POL
 * come back. E_MALFORMED.
 */
enum err bft_restore(struct bft *b, struct now now, struct bytes record);

/* What a record shows to administrators that prepare a RESTART (H5): the highest block with a POL.
   E_NOT_FOUND if it shows none. The views borrow from the record. */
struct bft_shown {
    struct certificate pol;
    struct bytes block;
};
enum err bft_record_shown(struct bytes record, struct bft_shown *out);

/* --- inputs ------------------------------------------------------------------ */

/* E_MALFORMED, E_SIGNATURE: the peer is broken or lying, close its connection. All else is OK,
   also what is dropped. */
enum err bft_message(struct bft *b, struct now now, uint32_t from_gid, struct bytes message);
void bft_tick(struct bft *b, struct now now);
/* An entry to decide. own: submitted at this member, otherwise taken from a peer's budget only by
   bft_message(). The error of entry_valid(), E_RATE when the cap is reached; OK also if it is
   pending already. */
enum err bft_submit(struct bft *b, struct now now, struct bytes entry);
void bft_peer_up(struct bft *b, struct now now, uint32_t gid);
void bft_peer_down(struct bft *b, struct now now, uint32_t gid);
/* The record with this token, and all before it, are durable: only now do the messages leave that
   waited for it (F4). */
void bft_durable(struct bft *b, struct now now, uint64_t token);
/* A new own vote key (it votes from the height whose cfg names it), or NULL: wipe and follow. */
void bft_set_key(struct bft *b, struct now now, const struct sig_secret *secret);
/* Which seat this is, for a newcomer that learns it late; config.gid was 0 until then. */
void bft_set_seat(struct bft *b, struct now now, uint32_t gid);
/* The application has replaced its state by a checkpoint it verified; this is the block it stands
   at. Only forward: E_STALE. */
enum err bft_install(struct bft *b, struct now now, const struct bft_tip *tip);
/* A RESTART with the certificate or POL it is about in it (certificate->restart is the order).
   `block` may be empty if the block is known or decided here. */
enum err bft_restart(struct bft *b, struct now now, const struct certificate *certificate,
                     struct bytes block);

/* --- freshness (consensus.md, Freshness) -------------------------------------- */

/* Asks all members with a fresh random nonce; an older question is forgotten. */
void bft_lease_ask(struct bft *b, struct now now, const uint8_t nonce[static 32]);
/* Until when (mono_ms) this member may act on its state; 0: not at all. The check against the own
   clock must be the last thing before a release. */
uint64_t bft_lease_until(const struct bft *b);

/* --- for status pages ----------------------------------------------------------- */

struct bft_status {
    uint64_t height;     /* decided */
    uint32_t round;      /* of the height being decided */
    bool active;         /* a height is being decided */
    bool voting;         /* the own key votes at this height */
    uint32_t proposer;   /* gid of the present round */
    uint64_t rounds;     /* started since boot */
    uint32_t base_ms;    /* the adapted timeout */
    uint32_t pending;    /* entries */
    uint64_t changed_ms; /* mono time of the last progress */
};
void bft_status(const struct bft *b, struct bft_status *out);
const struct bft_tip *bft_tip(const struct bft *b);

#endif
