/*
 * The genesis file: what a cluster is before it exists (design.md section 5).
 * JSON, strict; the cluster id is the SHA-256 of its bytes, so every guardian
 * that was given the same file, and only those, can form the cluster.
 *
 * {"trust_domain": "...", "simulation": false, "mode": "strict"?, "f": 0?, "lease_ms": 10000?,
 *  "admins": [{"name", "key": <64 hex Ed25519>}], "admin_quorum": 2,
 *  "measurements": [{"platform", "data"}], "seats": [{"gid", "operator", "vendor",
 *   "platform_id": <hex>, "addresses": {"peer": "host:port", "api": "host:port"}}]}
 *
 * Defaults: mode strict from three seats, else sealed; f = floor((N-1)/3), and
 * then it follows N as seats join; given, it stays; lease_ms 10000.
 */
#ifndef CORE_STATE_GENESIS_H
#define CORE_STATE_GENESIS_H

#include "core/state/records.h"

#define GENESIS_MAX          (256 * 1024) /* 15 seats and 16 records fit in a tenth of it */
#define GENESIS_ADMINS       16
#define GENESIS_MEASUREMENTS 16

struct genesis_admin {
    uint8_t id[16]; /* the first 16 bytes of SHA-256 of the key: PROTOCOL/changes.md */
    struct sig_public key;
    char name[64];
};

struct genesis {
    char trust_domain[128];
    bool simulation;
    enum bft_mode mode;
    bool has_f;
    uint32_t f;
    uint32_t lease_ms;
    uint32_t n_admins, admin_quorum;
    struct genesis_admin admins[GENESIS_ADMINS];
    uint32_t n_measurements;
    char *measurements[GENESIS_MEASUREMENTS]; /* canonical JSON of {"platform", "data"}; owned */
    uint32_t n_seats;
    struct rec_seat seats[BFT_MAX_MEMBERS]; /* by gid, ascending; not pinned to a key */
};

/* Fills *out; E_MALFORMED or E_VALUE with the field's name in *p, and nothing to free. */
enum err genesis_parse(struct bytes file, struct genesis *out, struct problem *p);
void genesis_free(struct genesis *g);
/* SHA-256 of the file. */
static inline struct hash32 genesis_cluster_id(struct bytes file)
{
    return sha256(file);
}

/* t, f and q that N members get under this genesis (design.md section 2). */
uint32_t genesis_t(uint32_t n);
uint32_t genesis_f(const struct genesis *g, uint32_t n);

#endif
