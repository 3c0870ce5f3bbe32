/*
 * Sealed records: what vault gives node to store. The sealing key comes from
 * the platform (design.md section 10); this is the format only.
 *
 *     u8 1 | nonce (24) | XChaCha20-Poly1305 ciphertext and tag (16)
 *
 * The associated data are the length-prefixed ("guardian/v1/sealed", cluster
 * id, kind, key, version), so a record moved to another cluster, kind, place or
 * version does not open. The version is the caller's: a height, an epoch, a
 * counter.
 *
 * It does not notice that all records were replaced by older ones: restarts do
 * (reference/consensus.md).
 */
#ifndef CORE_SEAL_SEAL_H
#define CORE_SEAL_SEAL_H

#include "base/bytes.h"
#include "base/crypto/hash.h"
#include "base/rng.h"
#include "base/secret.h"

#define SEAL_OVERHEAD 41
/* A sealed record has at most 15 MiB, which is what one frame to the disk carries. */
#define SEAL_MAX     ((15 << 20) - SEAL_OVERHEAD)
#define SEAL_KEY_MAX 512

struct seal_where {
    struct hash32 cluster;
    const char *kind; /* "share", "block", ...; 1 to 64 bytes */
    struct bytes key; /* the position within the kind; may be empty, at most SEAL_KEY_MAX */
    uint64_t version;
};

/* Appends the sealed record. E_TOO_LARGE beyond SEAL_MAX or the buffer's max, E_VALUE for the kind.
 */
enum err seal_record(struct rng rng, const struct secret32 *key, const struct seal_where *where,
                     struct bytes plain, struct buf *out);
/*
 * Appends the plaintext; E_MALFORMED if it has not this form, E_SIGNATURE if it is of another
 * place or key or was changed. On failure out is unchanged.
 */
enum err seal_open(const struct secret32 *key, const struct seal_where *where, struct bytes sealed,
                   struct buf *out);

#endif
