#include "io/peer/frame.h"

#include "base/reader.h"

void framer_init(struct framer *f, uint32_t max)
{
    *f = (struct framer){.max = max};
}

void framer_free(struct framer *f)
{
    buf_free(&f->body);
}

static enum err feed_header(struct framer *f, struct bytes *in)
{
    while (f->have < FRAME_HEADER && in->n > 0) {
        f->header[f->have++] = *in->p;
        *in = bytes(in->p + 1, in->n - 1);
    }
    if (f->have < FRAME_HEADER)
        return OK;
    struct reader r = reader(BYTES_OF(f->header));
    f->want = rd_u32(&r);
    if (f->want > f->max)
        return E_TOO_LARGE;
    f->body = BUF_INIT(f->want);
    return f->want > 0 ? OK : E_MALFORMED;
}

enum err framer_feed(struct framer *f, struct bytes *in, struct buf *frame)
{
    *frame = BUF_INIT(0);
    if (f->have < FRAME_HEADER)
        TRY(feed_header(f, in));
    if (f->have < FRAME_HEADER)
        return OK;
    size_t left = f->want - f->body.n;
    size_t n = in->n < left ? in->n : left;
    TRY(buf_add(&f->body, in->p, n));
    *in = bytes(in->p + n, in->n - n);
    if (f->body.n == f->want) {
        *frame = f->body;
        framer_init(f, f->max);
    }
    return OK;
}
