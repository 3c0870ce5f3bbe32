/*
 * Views and buffers of bytes.
 *
 * struct bytes borrows: it never owns, and lives as long as what it points to.
 * struct buf owns: it grows up to its `max`, and is wiped when freed, so that a
 * secret that passed through it does not stay in the heap.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *p;
    size_t n;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
/* A view of an array, never of a pointer. */
#define BYTES_OF(array) ((struct bytes){(const uint8_t *)(array), sizeof(array)})

static inline struct bytes bytes(const void *p, size_t n)
{
    return (struct bytes){p, n};
}

static inline struct bytes bytes_str(const char *s)
{
    return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* What follows the first `at` bytes; empty if there are no more. */
static inline struct bytes bytes_after(struct bytes a, size_t at)
{
    return at < a.n ? (struct bytes){a.p + at, a.n - at} : BYTES_NONE;
}

/* Big-endian, as keys are that sort as their numbers do. */
static inline void bytes_be64(uint64_t v, uint8_t out[static 8])
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* Not for secrets: takes time that depends on the content. */
bool bytes_eq(struct bytes a, struct bytes b);
/* Lexicographic, shorter first on a common prefix. Not for secrets. */
int bytes_cmp(struct bytes a, struct bytes b);
bool bytes_is_zero(struct bytes a);

struct buf {
    uint8_t *p;
    size_t n, cap, max;
};

/* A growing buffer that refuses to hold more than `max` bytes. */
#define BUF_INIT(max_) ((struct buf){NULL, 0, 0, (max_)})
/* One that holds what fits an array of the caller's: it never needs memory, and is not freed. */
#define BUF_ON(array) ((struct buf){(array), 0, sizeof(array), sizeof(array)})

/* Appends; E_TOO_LARGE beyond max, E_NOMEM; on failure the buffer is unchanged. */
enum err buf_add(struct buf *b, const void *p, size_t n);
/* Makes room for n more bytes and returns where to write them, with b->n advanced; or NULL. */
uint8_t *buf_extend(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* Wipes the content, keeps the memory. */
void buf_clear(struct buf *b);
/* Wipes and frees; the buffer can be used again. */
void buf_free(struct buf *b);
static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){b->p, b->n};
}
/* A copy on the heap (free with free()); NULL when out of memory. For n = 0 a valid pointer. */
uint8_t *bytes_dup(struct bytes a);

#endif
