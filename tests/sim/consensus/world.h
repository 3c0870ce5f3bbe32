/*
 * A simulated cluster: every message, timer, disk operation, crash and lie is
 * chosen by one seed, so a failing seed shows the same story again.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "ledger.h"

#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_NODES = 12,
    MAX_HEIGHT = 4096,
    RING = 64,
};

/* --- choices ------------------------------------------------------------------------ */

struct dice {
    uint64_t s;
};
uint64_t roll(struct dice *d);
uint32_t below(struct dice *d, uint32_t n); /* [0, n) */
bool chance(struct dice *d, double p);
struct rng dice_rng(struct dice *d);

struct options {
    uint32_t n, f, liars;
    enum bft_mode mode;
    bool changes; /* members come and go */
    bool crashes;
    bool leases;
    bool power_loss;    /* at the end all lose their keys at once; a RESTART follows (H5) */
    bool naive_restart; /* a planted bug: administrators look at certificates only */
    unsigned mutants;
    uint64_t chaos_ms; /* how long faults last */
    bool verbose;
    bool safety_only; /* no promise that it goes on */
    const struct sig_scheme *scheme;
};
/* What this seed plays, for a given n and f (UINT32_MAX: chosen as well). */
struct options options_of(uint64_t seed, uint32_t n, uint32_t f);

/* --- parts ---------------------------------------------------------------------------- */

enum event_type { EVENT_MESSAGE, EVENT_WAKE, EVENT_DISK, EVENT_CHAOS, EVENT_LIE, EVENT_UP };

struct event {
    uint64_t at, tie;
    enum event_type type;
    uint32_t to, from; /* node indices */
    uint64_t life;     /* of the node it is for; 0: any */
    uint8_t *p;
    size_t n;
};

struct stored {
    uint8_t *block, *certificate;
    size_t block_n, certificate_n;
};

struct disk_op {
    uint64_t token; /* 0: a block */
    uint64_t height;
    uint8_t *record;
    size_t n;
    bool sealed_key;
};

struct disk {
    uint64_t blocks;
    uint8_t *record;
    size_t n;
    bool has_key;
    struct sig_secret key;
};

struct node {
    struct world *w;
    uint32_t index, gid;
    bool exists, up, liar, leaving;
    uint64_t life;
    struct bft *b;
    struct ledger ledger;
    struct stored *chain; /* [height - 1] */
    uint64_t height;
    struct sig_secret seat, vote;
    struct sig_public seat_public, vote_public;
    bool needs_rekey, key_gone;
    int64_t skew_ms;
    uint64_t mono_ms; /* offset of its monotonic clock */
    uint64_t wake;
    struct disk disk, old_disk;
    struct disk_op *op;
    uint32_t ops, op_room;
    bool writing;
    uint64_t lease_start, lease_seen;
    uint64_t quiet_sent; /* messages other than FETCH since marked */
};

/* All votes that ever left anybody, per height: the oracle judges by them. */
struct ballot {
    uint32_t round;
    enum vote_type type;
    struct hash32 id;
    uint32_t mask; /* members (index in the cfg of the height) */
};

struct page {
    bool cfg_known, certified, decided;
    struct cfg cfg;
    uint32_t q;
    struct hash32 id; /* certified or decided */
    uint64_t certified_at;
    struct ballot *ballot;
    uint32_t n;
};

struct counts {
    uint64_t steps, messages, decisions, heights, entries, crashes, rekeys, changes, lies, leases,
        evidence;
};

struct world {
    struct options o;
    uint64_t seed;
    struct dice dice;
    uint64_t now_ms;
    struct event *heap;
    uint32_t events, room;
    struct node node[MAX_NODES];
    uint32_t nodes;
    struct sig_secret admin;
    struct sig_public admin_public;
    struct hash32 genesis;
    struct cfg first_cfg;
    /* The network, for as long as faults last. */
    bool chaos;
    double drop, duplicate;
    uint32_t delay_ms, disk_ms;
    uint32_t group[MAX_NODES];
    bool cut[MAX_NODES][MAX_NODES];
    uint64_t next_nonce;
    struct {
        uint64_t nonce;
        uint32_t at; /* the node it was handed in at */
    } * waiting;     /* what must be decided */
    uint32_t waits, waits_room;
    struct page *page; /* [height] */
    uint64_t top;      /* highest decided */
    /* The administrators' decision that is under way: one at a time. */
    uint64_t change_nonce;
    uint32_t change_gid;
    struct buf change;
    struct buf order; /* the RESTART order, empty before */
    struct restart_order restart;
    struct counts count;
    /* What the liars know together. */
    struct lore *lore;
    /* The first violation. */
    char violation[256];
};

/* --- world.c ---------------------------------------------------------------------------- */

void world_init(struct world *w, uint64_t seed, const struct options *o);
void world_free(struct world *w);
/* Runs until `until` (ms) or the first violation; false then. */
bool world_run(struct world *w, uint64_t until_ms);
/* Ends all faults: everybody up, the network whole. */
void world_heal(struct world *w);
void world_push(struct world *w, struct event e);
void world_send(struct world *w, uint32_t from, uint32_t to, struct bytes message);
struct now node_now(const struct node *n);
void node_crash(struct node *n, bool old_disk);
void node_boot(struct node *n);
void node_submit_data(struct node *n, uint64_t expires_ms);
bool node_is_member(const struct node *n);
/* Is it one of the seats whose votes count now? */
bool node_votes(const struct node *n);
void story(const struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Records the first violation. */
void violated(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A whole run: chaos, healing, progress, silence. False: see w->violation. */
bool world_play(struct world *w);
/* The members of the newest cfg anybody has. */
const struct cfg *world_cfg(const struct world *w);
struct node *world_find(struct world *w, uint32_t gid);

/* --- chaos.c ------------------------------------------------------------------------------ */

void chaos_step(struct world *w);

/* --- power.c ------------------------------------------------------------------------------ */

/* All members lose power at once; administrators find the highest block and restart from it. */
void power_loss(struct world *w);

/* --- oracle.c ----------------------------------------------------------------------------- */

/* A message leaves an honest node or a liar. */
void oracle_message(struct node *from, struct bytes message);
void oracle_decided(struct node *n, const struct block *block, const struct certificate *c);
void oracle_lease(struct node *n);
void oracle_cfg(struct world *w, uint64_t height, const struct cfg *cfg);
/* A RESTART changes the cfg of this height, at which nothing may have been decided. */
void oracle_restart(struct world *w, uint64_t height, const struct cfg *cfg);

/* --- liar.c -------------------------------------------------------------------------------- */

void liar_init(struct world *w);
void liar_free(struct world *w);
/* What an honest-looking liar would send: may be kept back or changed. */
void liar_filter(struct node *liar, uint32_t gid, struct bytes message);
/* The liars see this. */
void liar_sees(struct node *liar, struct bytes message);
void liar_act(struct node *liar);

#endif
