/*
 * The application of the simulated cluster: a hash chain over headers, a member
 * table that entries change, and nonces that make every entry valid once.
 */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "core/consensus/bft.h"

enum entry_type { ENTRY_DATA = 1, ENTRY_REKEY, ENTRY_CHANGE, ENTRY_EVIDENCE };
enum change { CHANGE_ADD = 1, CHANGE_REMOVE, CHANGE_SUSPEND, CHANGE_RESUME };

struct entry {
    enum entry_type type;
    uint64_t nonce;
    uint64_t expires_ms; /* DATA: 0 never */
    enum change change;  /* CHANGE */
    uint32_t gid;        /* REKEY, CHANGE */
    struct sig_public seat_key, old_key, vote_key;
    struct bytes body;          /* DATA: padding; EVIDENCE */
    struct signature signature; /* REKEY: seat key; CHANGE: administrator */
};

void entry_write(struct buf *out, const struct entry *entry);
enum err entry_read(struct bytes in, struct entry *entry);
/* Signs and writes. */
void entry_sign(struct buf *out, struct entry *entry, const struct sig_scheme *scheme,
                const struct sig_secret *secret);

struct restart_order {
    uint64_t height;
    uint32_t round;
    struct hash32 id;
    uint32_t n;
    struct member member[BFT_MAX_MEMBERS]; /* gid and new vote key are used */
};
void restart_write(struct buf *out, const struct restart_order *order);

struct ledger {
    const struct sig_scheme *scheme;
    struct sig_public admin;
    uint64_t height;
    struct cfg cfg;
    struct bft_run run;
    struct hash32 root;
    struct {
        uint64_t from;
        struct cfg cfg;
    } * history;
    uint32_t histories;
    uint64_t *nonce; /* open addressing, 0 unused */
    uint32_t nonces, places;
    struct sig_public lied[BFT_MAX_MEMBERS * 4];
    uint32_t lies;
    uint64_t data; /* applied DATA entries */
};

void ledger_init(struct ledger *l, const struct sig_scheme *scheme, struct sig_public admin,
                 const struct cfg *cfg);
void ledger_free(struct ledger *l);
/* Applies a decided block, and its RESTART order if it has one; E_VALUE if it is not valid. */
enum err ledger_apply(struct ledger *l, const struct block *block, const struct certificate *c);
enum err ledger_restart(struct ledger *l, const struct certificate *c);
enum err ledger_entry_valid(struct ledger *l, uint64_t time_ms, struct bytes entry);
void ledger_judge(struct ledger *l, const struct header *header, const struct bytes *entry,
                  uint32_t n, bool *ok);
unsigned ledger_lane(struct bytes entry);
const struct cfg *ledger_cfg_at(struct ledger *l, uint64_t height);
bool ledger_has(const struct ledger *l, uint64_t nonce);

#endif
