/*
 * An entry of the log: {type, author, body, signature}.
 *
 * The signature covers H("guardian/v1/entry"; cluster id, type, author, body),
 * so an entry means nothing in another cluster. What makes a body valid is
 * core/state/apply.h.
 */
#ifndef CORE_STATE_ENTRY_H
#define CORE_STATE_ENTRY_H

#include "base/crypto/hash.h"
#include "base/crypto/sig.h"
#include "base/reader.h"
#include "base/writer.h"

/* The largest body is a pair of dealings to 16 recipients, about 115 KiB. */
#define ENTRY_BODY_MAX (192 * 1024)
#define ENTRY_MAX      (ENTRY_BODY_MAX + 128)

enum command {
    CMD_NONE = 0,
#define COMMAND(symbol, number, name, author, lane) symbol = number,
#include "core/state/command.def"
#undef COMMAND
    CMD_LIMIT
};

enum command_author { AUTHOR_VOTE, AUTHOR_JOINER, AUTHOR_SEAT, AUTHOR_NONE };

/* "deal"; "unknown" for what is not in the table. */
const char *command_name(enum command c);
enum command_author command_author(enum command c);
unsigned command_lane(enum command c);

struct entry {
    enum command type;
    uint32_t author; /* gid; 0 for AUTHOR_NONE */
    struct bytes body;
    struct signature signature; /* zero for AUTHOR_NONE */
};

/* Borrows body from `in`; E_MALFORMED for unknown types, wrong lengths, leftovers. */
enum err entry_decode(struct bytes in, struct entry *out);
/* Appends the signed entry; secret is NULL for AUTHOR_NONE. */
enum err entry_make(const struct sig_scheme *scheme, const struct sig_secret *secret,
                    struct hash32 cluster_id, enum command type, uint32_t author, struct bytes body,
                    struct buf *out);
/* Checks the signature by this key; E_SIGNATURE. */
enum err entry_verify(const struct sig_scheme *scheme, const struct sig_public *key,
                      struct hash32 cluster_id, const struct entry *entry);
/* The name of an entry: SHA-256 of all its bytes. */
static inline struct hash32 entry_id(struct bytes entry)
{
    return sha256(entry);
}

#endif
