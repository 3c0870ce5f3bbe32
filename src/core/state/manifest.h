/*
 * The manifest: how a cluster begins (design.md section 5). All initial seats
 * attest each other, then all sign one list of keys; nothing is founded by
 * fewer. The state before block 1 is a pure function of genesis and manifest.
 */
#ifndef CORE_STATE_MANIFEST_H
#define CORE_STATE_MANIFEST_H

#include "core/state/verdict.h"

#define MANIFEST_MAX 8192 /* 15 founders of about 300 bytes, with room */

struct manifest {
    struct hash32 cluster_id;
    uint32_t n;
    struct peer_subject founders[BFT_MAX_MEMBERS]; /* in order of gid */
    bool has_signature[BFT_MAX_MEMBERS];
    struct signature signatures[BFT_MAX_MEMBERS]; /* by each one's vote key */
};

/* What is signed; covers everything but the signatures. */
struct hash64 manifest_hash(const struct manifest *m);
/* OK if every founder signed and gids are in order; E_SIGNATURE, E_MALFORMED. */
enum err manifest_check(const struct manifest *m, const struct sig_scheme *scheme,
                        struct hash32 cluster_id);
void manifest_write(struct writer *w, const struct manifest *m);
enum err manifest_decode(struct bytes in, struct manifest *out);

#endif
