#include "core/consensus/types.h"

#include <stdlib.h>

void header_encode(struct writer *w, const struct header *h)
{
    wr_u64(w, h->height);
    wr_u32(w, h->round);
    wr_u32(w, h->proposer);
    wr_u64(w, h->time_ms);
    wr_raw(w, h->parent.b, 32);
    wr_raw(w, h->cfg.b, 32);
    wr_raw(w, h->state_root.b, 32);
    wr_raw(w, h->entries_root.b, 32);
    wr_raw(w, h->last.b, 32);
    wr_u32(w, h->last_round);
}

void header_decode(struct reader *r, struct header *h)
{
    h->height = rd_u64(r);
    h->round = rd_u32(r);
    h->proposer = rd_u32(r);
    h->time_ms = rd_u64(r);
    rd_copy(r, h->parent.b, 32);
    rd_copy(r, h->cfg.b, 32);
    rd_copy(r, h->state_root.b, 32);
    rd_copy(r, h->entries_root.b, 32);
    rd_copy(r, h->last.b, 32);
    h->last_round = rd_u32(r);
    rd_require(r, h->height > 0 && h->round != BFT_NO_ROUND && h->last_round != BFT_NO_ROUND);
}

struct hash32 header_id(const struct header *h)
{
    struct thash t;
    thash_init(&t, "guardian/v1/header");
    thash_u64(&t, h->height);
    thash_u32(&t, h->round);
    thash_u32(&t, h->proposer);
    thash_u64(&t, h->time_ms);
    thash_add(&t, BYTES_OF(h->parent.b));
    thash_add(&t, BYTES_OF(h->cfg.b));
    thash_add(&t, BYTES_OF(h->state_root.b));
    thash_add(&t, BYTES_OF(h->entries_root.b));
    thash_add(&t, BYTES_OF(h->last.b));
    thash_u32(&t, h->last_round);
    return thash_final32(&t);
}

void block_encode(struct writer *w, const struct block *b)
{
    header_encode(w, &b->header);
    certificate_encode(w, &b->last);
    wr_u32(w, b->n);
    for (uint32_t i = 0; i < b->n; i++)
        wr_var(w, b->entry[i]);
}

static void entries_decode(struct reader *r, struct block *b)
{
    size_t total = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        b->entry[i] = rd_var(r, BFT_MAX_ENTRY);
        rd_require(r, b->entry[i].n > 0);
        total += b->entry[i].n;
    }
    rd_require(r, total <= BFT_MAX_ENTRIES_BYTES);
}

/* The header commits to everything else in the block. */
static bool header_covers(const struct block *b)
{
    const struct header *h = &b->header;
    return b->last.height == h->height - 1 && b->last.round == h->last_round &&
           hash32_eq(certificate_hash(&b->last), h->last) &&
           hash32_eq(entries_root(b->entry, b->n), h->entries_root);
}

enum err block_decode(struct bytes in, struct block *b)
{
    *b = (struct block){0};
    struct reader r = reader(in);
    header_decode(&r, &b->header);
    certificate_decode(&r, &b->last);
    b->n = rd_count(&r, BFT_MAX_ENTRIES);
    rd_require(&r, b->n > 0);
    if (r.bad)
        return E_MALFORMED;
    enum err e = OK;
    b->entry = calloc(b->n, sizeof *b->entry);
    if (!b->entry)
        return E_NOMEM;
    entries_decode(&r, b);
    TRY_OUT(reader_end(&r, E_MALFORMED));
    e = header_covers(b) ? OK : E_MALFORMED;
out:
    if (e != OK)
        block_free(b);
    return e;
}

void block_free(struct block *b)
{
    free(b->entry);
    *b = (struct block){0};
}
