/*
 * A workload's side of registration (design.md section 8), without the network:
 * its key, its request, and what its evidence must bind.
 */
#ifndef PROG_GUARDIAN_WORKLOAD_H
#define PROG_GUARDIAN_WORKLOAD_H

#include "base/crypto/hash.h"
#include "base/crypto/p256.h"
#include "core/evidence/claims.h"

struct workload_key {
    struct p256_secret secret;
    struct p256_public public;
    uint8_t spki[P256_SPKI_LEN];
};
static inline void workload_key_wipe(struct workload_key *k)
{
    wipe(k, sizeof *k);
}
enum err workload_key_make(struct rng rng, struct workload_key *out);
/* The key of the file, or a new one that is written to it (ECPrivateKey in PEM, mode 0600). */
enum err workload_key_file(const char *path, struct workload_key *out, struct problem *p);
enum err workload_key_load(const char *path, struct workload_key *out, struct problem *p);

struct report_data {
    uint8_t b[64];
};
/*
 * Phase 1: no challenge yet. On TDX the second half is the instance id, which for
 * a certificate is SHA-256 of the request's key; on SNP it is zero (REPORT_ID
 * names the instance).
 */
struct report_data workload_phase1(enum platform platform, struct bytes spki);
/*
 * Phase 2: the first half is SHA-256(challenge || SPKI of the request || SPKI of
 * the wrap key). `wrap_spki` empty: one key serves for both and is named once.
 */
struct report_data workload_phase2(enum platform platform, const uint8_t challenge[static 32],
                                   struct bytes spki, struct bytes wrap_spki);

#endif
