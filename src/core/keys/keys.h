/*
 * Derived keys: names, labels, and leaf keys (design.md section 6).
 *
 * root --threshold VOPRF over a namespace label--> namespace key
 *      --HKDF-SHA-512 over a leaf label--> leaf key
 *
 * A label is length-prefixed and algorithm-tagged; no two uses share one. The
 * table of all of them is labels.def, frozen by golden vectors: a label never
 * changes, or keys are lost.
 */
#ifndef CORE_KEYS_KEYS_H
#define CORE_KEYS_KEYS_H

#include "base/bytes.h"
#include "base/crypto/hash.h"

#define KEYS_NAME_MAX    256 /* 255 characters and a terminator */
#define KEYS_PURPOSE_MAX 64

/* Secret: everything of a sealed namespace's version follows from it. */
struct namespace_key {
    uint8_t b[32];
};
static inline void namespace_key_wipe(struct namespace_key *k)
{
    wipe(k, sizeof *k);
}

/* 1 to 255 of [A-Za-z0-9._-], segments joined by "/", at most 8; none is "." or "..". */
bool keys_is_name(const char *name);
/* A DNS label: 1 to 63 of [a-z0-9-], no hyphen at either end. */
bool keys_is_namespace(const char *name);
/* 1 to 63 of [a-z0-9-]. */
bool keys_is_purpose(const char *purpose);

/* The OPRF input of a sealed namespace's key. Appends. */
enum err keys_namespace_label(struct hash32 root_id, const char *ns, uint32_t version,
                              struct buf *out);
/* The OPRF input of one key of a threshold namespace. Appends. */
enum err keys_threshold_label(struct hash32 root_id, const char *ns, const char *name,
                              const char *purpose, uint32_t version, struct buf *out);
/* The namespace key from the OPRF's output. */
enum err keys_namespace_key(const uint8_t oprf_output[static 64], struct namespace_key *out);
/* A leaf key of 32 bytes. `algorithm` is a JOSE name ("A256GCM", "HS256", ...). */
enum err keys_leaf(const struct namespace_key *key, const char *ns, const char *name,
                   const char *purpose, const char *algorithm, uint32_t version,
                   struct secret32 *out);

#endif
