/*
 * The replicated state's memory: an ordered map from key bytes to value bytes
 * with a root hash and an undo journal.
 *
 * It is a treap whose priorities come from the keys themselves, so its shape,
 * and therefore its root, depend only on the content, not on the history. Each
 * node's hash covers its pair and both children; hashes are recomputed only
 * along changed paths.
 *
 * Every change is journalled: a block is tried by taking a mark, applying, and
 * rolling back. Views returned by store_get() and the iterator live until the
 * next change.
 */
#ifndef CORE_STATE_STORE_H
#define CORE_STATE_STORE_H

#include "base/bytes.h"
#include "base/crypto/hash.h"

/* A key is short and structured; a value holds at most one dealing entry (limits.md of
 * PROTOCOL/log). */
#define STORE_KEY_MAX   400
#define STORE_VALUE_MAX (512 * 1024)

struct store;

enum err store_new(struct store **out);
/* NULL is allowed. */
void store_free(struct store *s);

/* The value, or {NULL, 0} when the key is absent; an empty value has p != NULL. */
struct bytes store_get(const struct store *s, struct bytes key);
/* Inserts or replaces; copies both. E_TOO_LARGE, E_NOMEM: nothing changed. */
enum err store_put(struct store *s, struct bytes key, struct bytes value);
/* Removes; absent is OK. */
enum err store_del(struct store *s, struct bytes key);

/*
 * The first pair with this prefix and a key greater than `after` (BYTES_NONE: from the first).
 * False when there is none.
 */
bool store_next(const struct store *s, struct bytes prefix, struct bytes after, struct bytes *key,
                struct bytes *value);

/* The root of the content; 32 zero bytes when empty. */
struct hash32 store_root(struct store *s);
size_t store_count(const struct store *s);

/* A point to return to. Marks nest; rolling back to one forgets those taken after it. */
size_t store_mark(const struct store *s);
void store_rollback(struct store *s, size_t mark);
/* Forgets the journal: what was done stays. */
void store_commit(struct store *s);

#endif
