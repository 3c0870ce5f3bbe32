#include "core/consensus/inside.h"

enum err held_new(struct bytes raw, struct held **out)
{
    enum err e = OK;
    struct held *h = calloc(1, sizeof *h);
    if (!h)
        return E_NOMEM;
    h->refs = 1;
    h->raw = bytes_dup(raw);
    h->n = raw.n;
    e = h->raw ? block_decode(held_bytes(h), &h->block) : E_NOMEM;
    if (e != OK) {
        held_drop(&h);
        return e;
    }
    h->id = header_id(&h->block.header);
    *out = h;
    return OK;
}

struct held *held_ref(struct held *h)
{
    if (h)
        h->refs++;
    return h;
}

void held_drop(struct held **h)
{
    struct held *gone = *h;
    *h = NULL;
    if (!gone || --gone->refs > 0)
        return;
    block_free(&gone->block);
    free(gone->raw);
    free(gone);
}

void owned_set(struct owned *o, const struct certificate *c)
{
    uint8_t *order = c->restart.n > 0 ? bytes_dup(c->restart) : NULL;
    struct certificate copy = *c;
    bool lost = c->restart.n > 0 && !order;
    owned_drop(o);
    if (lost)
        return;
    copy.restart = order ? bytes(order, c->restart.n) : BYTES_NONE;
    *o = (struct owned){copy, order};
}

void owned_drop(struct owned *o)
{
    free(o->order);
    *o = (struct owned){0};
}
