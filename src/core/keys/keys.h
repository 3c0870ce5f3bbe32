/*
 * Labels and derivation of keys (design.md section 6; reference/peers.md 3.9).
 *
 * The root gives one 64-byte output per label by threshold VOPRF. In a sealed
 * namespace the label names the namespace and its version, the output is the
 * namespace key, and leaf keys follow by HKDF-SHA-512. In a threshold namespace
 * the label names the key itself and there is no namespace key.
 *
 * A label is a list of parts, each with its length (u32, big-endian) in front,
 * beginning with its tag and suite: no two lists give the same bytes. Labels
 * hold nothing that changes with members or epochs, so a recovered cluster
 * derives the same keys.
 *
 * It does not know who may have a key.
 */
#ifndef CORE_KEYS_KEYS_H
#define CORE_KEYS_KEYS_H

#include "base/bytes.h"
#include "base/crypto/hash.h"
#include "base/secret.h"

#define KEY_NAME_MAX      255
#define KEY_SEGMENTS_MAX  8
#define KEY_PURPOSE_MAX   64
#define KEY_NAMESPACE_MAX 63
#define KEY_LABEL_MAX     512
/* The purpose of a request that names none. */
#define KEY_PURPOSE_DEFAULT "default"

enum key_algorithm {
#define ALGORITHM(symbol, name, bits) symbol,
#include "core/keys/labels.def"
#undef ALGORITHM
    KEY_ALGORITHM_COUNT
};

/* Never NULL. */
const char *key_algorithm_name(enum key_algorithm a);
/* E_VALUE if there is none of this name. */
enum err key_algorithm_parse(struct bytes name, enum key_algorithm *out);

/* The output of the VOPRF for a label (RFC 9497: Nh = 64 bytes). */
struct key_master {
    uint8_t b[64];
};
static inline void key_master_wipe(struct key_master *k)
{
    wipe(k, sizeof *k);
}
#define KEY_MASTER_AUTO __attribute__((cleanup(key_master_wipe))) struct key_master

/* --- names (api.md, "Keys") --- */

/* A DNS label (RFC 1123): 1 to 63 of a-z, 0-9 and '-', which stands neither first nor last. */
bool keys_namespace_valid(struct bytes name);
/* Whether the name belongs to Guardian itself ("guardian"). */
bool keys_namespace_reserved(struct bytes name);
/*
 * 1 to 255 of [A-Za-z0-9._-] in at most 8 segments joined by "/"; no segment is empty, "." or
 * "..", because clients and proxies rewrite such paths.
 */
bool keys_name_valid(struct bytes name);
/* 1 to 64 of [A-Za-z0-9._-]. */
bool keys_purpose_valid(struct bytes purpose);

/* --- labels; appended to out; E_VALUE for a name that is not valid or version 0 --- */

/* The VOPRF label of a sealed namespace's key. */
enum err keys_namespace_label(struct hash32 root_id, struct bytes ns, uint32_t version,
                              struct buf *out);
/* The VOPRF label of one key of a threshold namespace. */
enum err keys_threshold_label(struct hash32 root_id, struct bytes ns, struct bytes name,
                              struct bytes purpose, uint32_t version, struct buf *out);
/* The HKDF info of a leaf key. Namespace and root are in the key it is derived from. */
enum err keys_leaf_label(struct bytes name, struct bytes purpose, enum key_algorithm algorithm,
                         uint32_t version, struct buf *out);

/* --- keys --- */

/* The leaf key of a sealed namespace: HKDF-SHA-512 of the namespace key, info = label. */
enum err keys_leaf(const struct key_master *ns_key, struct bytes name, struct bytes purpose,
                   enum key_algorithm algorithm, uint32_t version, struct secret32 *out);
/*
 * The key of a threshold namespace from its own VOPRF output, for the client that combined
 * it: HKDF-SHA-512 with the algorithm in the label, so that here too an algorithm has its
 * own bytes.
 */
enum err keys_threshold_leaf(const struct key_master *output, enum key_algorithm algorithm,
                             struct secret32 *out);

/* H("guardian/v1/kcv"; key): says whether two hold the same key. Public, one-way. */
struct hash32 keys_kcv(const struct key_master *key);

#endif
