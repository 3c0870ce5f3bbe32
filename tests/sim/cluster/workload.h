/* A workload machine of the simulation: what a client of the API does. */
#ifndef SIM_CLUSTER_WORKLOAD_H
#define SIM_CLUSTER_WORKLOAD_H

#include "world.h"
#include "base/crypto/p256.h"

struct workload {
    enum platform platform;
    uint64_t machine;
    char ns[64];
    struct p256_secret key;
    struct p256_public public;
    struct buf csr;         /* DER */
    struct buf certificate; /* DER; empty: not registered */
    uint8_t instance_id[32];
    bool has_released;
    uint8_t released[64]; /* the key of the name it asked for */
    size_t released_n;
};

void workload_init(struct workload *c, struct world *w, const char *ns, enum platform platform,
                   uint64_t machine);
void workload_free(struct workload *c);
/* Phase 1 and phase 2, each at one node; the status of the answer. After 200 of the second it has a
 * certificate. */
struct workload_challenge {
    uint8_t challenge[32];
    char token[512];
};
int workload_begin(struct workload *c, struct world *w, uint32_t node,
                   struct workload_challenge *out);
int workload_finish(struct workload *c, struct world *w, uint32_t node,
                    const struct workload_challenge *challenge);
/* Both, at two nodes; the status of the last answer. */
int workload_attest(struct workload *c, struct world *w, uint32_t first, uint32_t second);
/* Asks for the one key; with 200 it is opened and must be the one it ever was. */
int workload_key(struct workload *c, struct world *w, uint32_t node);
/* By which its measurement is whitelisted. */
struct hash32 workload_measurement(const struct workload *c);

#endif
