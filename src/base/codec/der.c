#include "base/codec/der.h"

#include "base/reader.h"

#define LENGTH_MAX 0xFFFFFF

/* One to four bytes, and the shortest form only (X.690 10.1). */
static size_t read_length(struct reader *r)
{
    uint8_t first = rd_u8(r);
    size_t n = first;
    if (first == 0x81) {
        n = rd_u8(r);
        rd_require(r, n >= 0x80);
    } else if (first == 0x82) {
        n = rd_u16(r);
        rd_require(r, n >= 0x100);
    } else if (first == 0x83) {
        n = (size_t)rd_u8(r) << 16;
        n |= rd_u16(r);
        rd_require(r, n >= 0x10000);
    } else {
        rd_require(r, first < 0x80);
    }
    return n;
}

enum err der_next(struct bytes *in, uint8_t *tag, struct bytes *content)
{
    struct reader r = reader(*in);
    if (in->n == 0)
        return E_NOT_FOUND;
    *tag = rd_u8(&r);
    rd_require(&r, (*tag & 0x1F) != 0x1F); /* no tags of several bytes */
    *content = rd_bytes(&r, read_length(&r));
    if (r.bad)
        return E_MALFORMED;
    *in = rd_rest(&r);
    return OK;
}

enum err der_expect(struct bytes *in, uint8_t tag, struct bytes *content)
{
    uint8_t found;
    return der_next(in, &found, content) == OK && found == tag ? OK : E_MALFORMED;
}

enum err der_expect_number(struct bytes *in, uint8_t *out, size_t n)
{
    struct bytes v;
    TRY(der_expect(in, DER_INTEGER, &v));
    if (v.n == 0 || v.p[0] & 0x80)
        return E_MALFORMED;
    if (v.p[0] == 0 && v.n > 1) {
        if (!(v.p[1] & 0x80))
            return E_MALFORMED; /* not the shortest form */
        v.p++, v.n--;
    }
    if (v.n > n)
        return E_MALFORMED;
    memset(out, 0, n - v.n);
    memcpy(out + n - v.n, v.p, v.n);
    return OK;
}

enum err der_expect_uint(struct bytes *in, uint64_t *out)
{
    uint8_t be[8];
    TRY(der_expect_number(in, be, sizeof be));
    *out = 0;
    for (size_t i = 0; i < sizeof be; i++)
        *out = *out << 8 | be[i];
    return OK;
}

/* Only the tag and one length byte for now; der_close() makes room for more. */
size_t der_open(struct writer *w, uint8_t tag)
{
    wr_u8(w, tag);
    wr_u8(w, 0);
    return w->out->n;
}

/* Beyond the first. */
static size_t length_bytes(size_t n)
{
    return n < 0x80 ? 0 : n < 0x100 ? 1 : n < 0x10000 ? 2 : 3;
}

void der_close(struct writer *w, size_t opened)
{
    if (w->err != OK)
        return;
    size_t n = w->out->n - opened, extra = length_bytes(n);
    if (n > LENGTH_MAX)
        w->err = E_TOO_LARGE;
    for (size_t i = 0; i < extra; i++)
        wr_u8(w, 0);
    if (w->err != OK)
        return;
    uint8_t *content = w->out->p + opened;
    memmove(content + extra, content, n);
    content[-1] = (uint8_t)(extra ? 0x80 + extra : n);
    for (size_t i = 0; i < extra; i++)
        content[i] = (uint8_t)(n >> 8 * (extra - 1 - i));
}

void der_element(struct writer *w, uint8_t tag, struct bytes content)
{
    size_t opened = der_open(w, tag);
    wr_raw(w, content.p, content.n);
    der_close(w, opened);
}

void der_number(struct writer *w, struct bytes magnitude)
{
    while (magnitude.n > 1 && magnitude.p[0] == 0)
        magnitude.p++, magnitude.n--;
    size_t opened = der_open(w, DER_INTEGER);
    if (magnitude.n == 0 || magnitude.p[0] & 0x80)
        wr_u8(w, 0); /* the sign bit must stay clear */
    wr_raw(w, magnitude.p, magnitude.n);
    der_close(w, opened);
}

void der_uint(struct writer *w, uint64_t v)
{
    uint8_t be[8];
    for (size_t i = 0; i < 8; i++)
        be[7 - i] = (uint8_t)(v >> 8 * i);
    der_number(w, BYTES_OF(be));
}

void der_true(struct writer *w)
{
    der_element(w, DER_BOOLEAN, bytes("\xff", 1));
}

void der_named_bits(struct writer *w, uint8_t bits)
{
    uint8_t unused = 0;
    while (bits && !(bits >> unused & 1))
        unused++;
    der_element(w, DER_BIT_STRING, bytes((uint8_t[]){unused, bits}, bits ? 2 : 1));
}

void der_bits(struct writer *w, struct bytes content)
{
    size_t opened = der_open(w, DER_BIT_STRING);
    wr_u8(w, 0);
    wr_raw(w, content.p, content.n);
    der_close(w, opened);
}
