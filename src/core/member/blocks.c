#include "core/member/blocks.h"

#include <stdlib.h>

static void free_block(struct blocks *b, struct kept_block *k)
{
    b->bytes -= k->block.n + k->certificate.n;
    free((void *)k->block.p);
    free((void *)k->certificate.p);
}

static enum err make_room(struct blocks *b)
{
    if (b->n < b->cap)
        return OK;
    size_t cap = b->cap ? 2 * b->cap : 256;
    struct kept_block *grown = realloc(b->at, cap * sizeof *grown);
    if (!grown)
        return E_NOMEM;
    b->at = grown;
    b->cap = cap;
    return OK;
}

enum err blocks_add(struct blocks *b, uint64_t height, struct bytes block, struct bytes certificate)
{
    if (b->n && height != b->first + b->n)
        blocks_clear(b);
    TRY(make_room(b));
    struct kept_block k = {bytes(bytes_dup(block), block.n),
                           bytes(bytes_dup(certificate), certificate.n)};
    if (!k.block.p || !k.certificate.p) {
        free((void *)k.block.p);
        free((void *)k.certificate.p);
        return E_NOMEM;
    }
    if (b->n == 0)
        b->first = height;
    b->at[b->n++] = k;
    b->bytes += block.n + certificate.n;
    return OK;
}

const struct kept_block *blocks_get(const struct blocks *b, uint64_t height)
{
    return height >= b->first && height - b->first < b->n ? &b->at[height - b->first] : NULL;
}

void blocks_trim(struct blocks *b, size_t bytes, uint64_t up_to)
{
    size_t drop = 0;
    while (b->bytes > bytes && drop < b->n && b->first + drop <= up_to)
        free_block(b, &b->at[drop++]);
    if (!drop)
        return;
    b->n -= drop;
    b->first += drop;
    memmove(b->at, b->at + drop, b->n * sizeof *b->at);
}

void blocks_clear(struct blocks *b)
{
    for (size_t i = 0; i < b->n; i++)
        free_block(b, &b->at[i]);
    free(b->at);
    *b = (struct blocks){0};
}
