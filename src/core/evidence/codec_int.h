/* A walk over the fields of a value that either writes or reads them, so that the two directions
 * cannot drift apart. */
#ifndef CORE_EVIDENCE_CODEC_INT_H
#define CORE_EVIDENCE_CODEC_INT_H

#include "base/reader.h"
#include "base/writer.h"

struct codec {
    struct writer *w; /* one of the two is NULL */
    struct reader *r;
};

static inline void raw(struct codec *c, void *p, size_t n)
{
    if (c->w)
        wr_raw(c->w, p, n);
    else
        rd_copy(c->r, p, n);
}

#endif
