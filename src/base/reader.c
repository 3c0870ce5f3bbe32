#include "base/reader.h"

size_t rd_left(const struct reader *r)
{
    return r->bad || !r->p ? 0 : (size_t)(r->end - r->p);
}

struct bytes rd_bytes(struct reader *r, size_t n)
{
    if (r->bad || n > rd_left(r)) {
        r->bad = true;
        return BYTES_NONE;
    }
    struct bytes view = {r->p, n};
    if (n)
        r->p += n;
    return view;
}

void rd_copy(struct reader *r, void *out, size_t n)
{
    struct bytes view = rd_bytes(r, n);
    if (n == 0)
        return;
    if (view.p)
        memcpy(out, view.p, n);
    else
        memset(out, 0, n);
}

static uint64_t number_be(struct reader *r, size_t n)
{
    struct bytes view = rd_bytes(r, n);
    uint64_t value = 0;
    for (size_t i = 0; i < view.n; i++)
        value = value << 8 | view.p[i];
    return value;
}

static uint64_t number_le(struct reader *r, size_t n)
{
    struct bytes view = rd_bytes(r, n);
    uint64_t value = 0;
    for (size_t i = view.n; i-- > 0;)
        value = value << 8 | view.p[i];
    return value;
}

uint8_t rd_u8(struct reader *r)
{
    return (uint8_t)number_be(r, 1);
}

uint16_t rd_u16le(struct reader *r)
{
    return (uint16_t)number_le(r, 2);
}

uint32_t rd_u32le(struct reader *r)
{
    return (uint32_t)number_le(r, 4);
}

uint64_t rd_u64le(struct reader *r)
{
    return number_le(r, 8);
}

uint16_t rd_u16(struct reader *r)
{
    return (uint16_t)number_be(r, 2);
}

uint32_t rd_u32(struct reader *r)
{
    return (uint32_t)number_be(r, 4);
}

uint64_t rd_u64(struct reader *r)
{
    return number_be(r, 8);
}

bool rd_bool(struct reader *r)
{
    uint8_t value = rd_u8(r);
    rd_require(r, value <= 1);
    return value == 1;
}

static struct bytes var(struct reader *r, uint32_t n, size_t max)
{
    rd_require(r, n <= max);
    return rd_bytes(r, r->bad ? 0 : n);
}

struct bytes rd_var(struct reader *r, size_t max)
{
    return var(r, rd_u32(r), max);
}

struct bytes rd_var_le(struct reader *r, size_t max)
{
    return var(r, rd_u32le(r), max);
}

void rd_text(struct reader *r, char *out, size_t cap)
{
    struct bytes view = rd_var(r, cap - 1);
    rd_require(r, view.n > 0 && !memchr(view.p, 0, view.n));
    size_t n = r->bad ? 0 : view.n;
    if (n)
        memcpy(out, view.p, n);
    memset(out + n, 0, cap - n);
}

uint32_t rd_count(struct reader *r, uint32_t max)
{
    uint32_t n = rd_u32(r);
    rd_require(r, n <= max);
    return r->bad ? 0 : n;
}

void rd_skip(struct reader *r, size_t n)
{
    (void)rd_bytes(r, n);
}

struct bytes rd_rest(struct reader *r)
{
    return rd_bytes(r, rd_left(r));
}

void rd_require(struct reader *r, bool condition)
{
    if (!condition)
        r->bad = true;
}

enum err reader_end(const struct reader *r, enum err e)
{
    return r->bad || r->p != r->end ? e : OK;
}
