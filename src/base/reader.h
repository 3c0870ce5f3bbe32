/*
 * The only way from wire bytes to values. A reader never reads past its end:
 * the first read that would fail marks it bad, every later read gives zeros,
 * and reader_end() says whether all of it, and nothing more, was read. So a
 * parser is a list of reads in the order of its specification's table, with
 * one check at the end.
 *
 * Views it returns borrow from the input.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/bytes.h"

struct reader {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct reader reader(struct bytes in)
{
    return (struct reader){in.p, in.p ? in.p + in.n : NULL, false};
}

uint8_t rd_u8(struct reader *r);
uint16_t rd_u16le(struct reader *r);
uint32_t rd_u32le(struct reader *r);
uint64_t rd_u64le(struct reader *r);
/* Our own formats are big-endian. */
uint16_t rd_u16(struct reader *r);
uint32_t rd_u32(struct reader *r);
uint64_t rd_u64(struct reader *r);
/* A byte that must be 0 or 1. */
bool rd_bool(struct reader *r);
/* A view of the next n bytes. */
struct bytes rd_bytes(struct reader *r, size_t n);
/* Copies the next n bytes; on failure `out` is zeroed. */
void rd_copy(struct reader *r, void *out, size_t n);
/* A view of bytes with a u32 length in front; longer than max is bad. */
struct bytes rd_var(struct reader *r, size_t max);
/* The same with a u32 little-endian length (vendor formats). */
struct bytes rd_var_le(struct reader *r, size_t max);
/* Text of 1 to cap-1 bytes, u32 length in front, no NUL inside; out is terminated, empty if bad. */
void rd_text(struct reader *r, char *out, size_t cap);
/* A count that must not exceed max. */
uint32_t rd_count(struct reader *r, uint32_t max);
void rd_skip(struct reader *r, size_t n);
/* Everything that is left. */
struct bytes rd_rest(struct reader *r);
/* Marks the reader bad unless the condition holds: for values a format forbids. */
void rd_require(struct reader *r, bool condition);
size_t rd_left(const struct reader *r);
/* OK if nothing failed and nothing is left over, else `e`. */
enum err reader_end(const struct reader *r, enum err e);

#endif
