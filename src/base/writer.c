#include "base/writer.h"

void wr_raw(struct writer *w, const void *p, size_t n)
{
    if (w->err == OK)
        w->err = buf_add(w->out, p, n);
}

static void number_be(struct writer *w, uint64_t v, size_t n)
{
    uint8_t b[8];
    for (size_t i = 0; i < n; i++)
        b[n - 1 - i] = (uint8_t)(v >> (8 * i));
    wr_raw(w, b, n);
}

static void number_le(struct writer *w, uint64_t v, size_t n)
{
    uint8_t b[8];
    for (size_t i = 0; i < n; i++)
        b[i] = (uint8_t)(v >> (8 * i));
    wr_raw(w, b, n);
}

void wr_u8(struct writer *w, uint8_t v)
{
    wr_raw(w, &v, 1);
}

void wr_u16(struct writer *w, uint16_t v)
{
    number_be(w, v, 2);
}

void wr_u32(struct writer *w, uint32_t v)
{
    number_be(w, v, 4);
}

void wr_u64(struct writer *w, uint64_t v)
{
    number_be(w, v, 8);
}

void wr_u16le(struct writer *w, uint16_t v)
{
    number_le(w, v, 2);
}

void wr_u32le(struct writer *w, uint32_t v)
{
    number_le(w, v, 4);
}

void wr_u64le(struct writer *w, uint64_t v)
{
    number_le(w, v, 8);
}

void wr_bool(struct writer *w, bool v)
{
    wr_u8(w, v);
}

void wr_var(struct writer *w, struct bytes v)
{
    if (v.n > UINT32_MAX) {
        w->err = w->err ? w->err : E_TOO_LARGE;
        return;
    }
    wr_u32(w, (uint32_t)v.n);
    wr_raw(w, v.p, v.n);
}

void wr_text(struct writer *w, const char *text)
{
    wr_var(w, bytes_str(text));
}

enum err writer_end(const struct writer *w)
{
    return w->err;
}
