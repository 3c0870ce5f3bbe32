/*
 * The counterpart of the reader: appends to a struct buf, remembers the first
 * failure, and reports it once at the end. Big-endian unless named otherwise.
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/bytes.h"

struct writer {
    struct buf *out;
    enum err err;
};

static inline struct writer writer(struct buf *out)
{
    return (struct writer){out, OK};
}

void wr_u8(struct writer *w, uint8_t v);
void wr_u16(struct writer *w, uint16_t v);
void wr_u32(struct writer *w, uint32_t v);
void wr_u64(struct writer *w, uint64_t v);
void wr_u16le(struct writer *w, uint16_t v);
void wr_u32le(struct writer *w, uint32_t v);
void wr_u64le(struct writer *w, uint64_t v);
void wr_bool(struct writer *w, bool v);
void wr_raw(struct writer *w, const void *p, size_t n);
/* u32 length, then the bytes; the reader's rd_var. */
void wr_var(struct writer *w, struct bytes v);
/* The reader's rd_text. */
void wr_text(struct writer *w, const char *text);
/* The first failure, or OK. */
enum err writer_end(const struct writer *w);

#endif
