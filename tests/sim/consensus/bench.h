/*
 * One member under test; the others are keys in the test's hands. What the
 * member sends, stores and decides is kept for the test to look at.
 */
#ifndef SIM_BENCH_H
#define SIM_BENCH_H

#include "core/consensus/wire.h"
#include "ledger.h"

enum { BENCH_SENT = 512 };

struct bench {
    struct cfg cfg;
    struct sig_secret key[BFT_MAX_MEMBERS], seat_key[BFT_MAX_MEMBERS], admin;
    struct sig_public admin_public;
    struct ledger ledger;
    uint32_t own; /* index of the member under test */
    struct bft *b;
    struct now now;
    struct {
        uint32_t to;
        uint8_t *raw;
        struct message m; /* views into raw */
    } sent[BENCH_SENT];
    uint32_t sents;
    uint8_t *record;
    size_t record_n;
    uint64_t token;
    bool slow_disk; /* the test says when a record is durable */
    uint8_t *block[64], *certificate[64];
    size_t block_n[64], certificate_n[64];
    uint64_t height;
    uint64_t keep_from; /* blocks below are pruned */
    uint64_t pruned, wake;
    uint32_t ended, stale, evidence, restarted;
    uint8_t order[256]; /* the RESTART order that holds */
    size_t order_n;
    /* In a block the first nonce is only valid before the second or after the third; 0: no rule. */
    uint64_t between[3];
};

/* A fresh cluster at height 0; own = index of the member under test, by its gid (10, 20, ...). */
void bench_new(struct bench *t, uint32_t n, uint32_t f, enum bft_mode mode, uint32_t own);
/* Makes the member again from what is stored; key: the one it has now, NULL none. */
void bench_reboot(struct bench *t, const struct sig_secret *key);
void bench_free(struct bench *t);
uint32_t bench_gid(const struct bench *t, uint32_t seat);

enum err bench_submit(struct bench *t, struct bytes entry);
void bench_wait(struct bench *t, uint64_t ms);
/* Says that the last record is durable. */
void bench_durable(struct bench *t);

/* The last message sent of this type since bench_forget(), or NULL. */
const struct message *bench_last(const struct bench *t, enum wire_type type);
/* The own vote last sent of this type and round, or NULL. */
const struct vote *bench_vote_of(const struct bench *t, enum vote_type type, uint32_t round);
uint32_t bench_count(const struct bench *t, enum wire_type type);
void bench_forget(struct bench *t);

/* A block at the member's height with one DATA entry; caller frees the buffer. */
struct buf bench_block(struct bench *t, uint32_t proposer, uint32_t round, uint64_t nonce,
                       uint64_t time_ms);
struct hash32 bench_id(struct bytes block);
struct buf bench_entry(uint64_t nonce, uint64_t expires_ms);

struct vote bench_cast(struct bench *t, uint32_t seat, enum vote_type type, uint32_t round,
                       struct hash32 id);
/* Votes of the seats in mask. */
struct certificate bench_certify(struct bench *t, enum vote_type type, uint32_t mask,
                                 uint32_t round, struct hash32 id);
/* Gives the member a message as from that seat. */
enum err bench_give(struct bench *t, uint32_t seat, struct message *m);
enum err bench_give_vote(struct bench *t, uint32_t seat, enum vote_type type, uint32_t round,
                         struct hash32 id, const struct certificate *pol);
enum err bench_give_proposal(struct bench *t, uint32_t seat, uint32_t round, struct bytes block,
                             const struct certificate *pol);
enum err bench_give_block(struct bench *t, uint32_t seat, struct bytes block,
                          const struct certificate *c);

#endif
