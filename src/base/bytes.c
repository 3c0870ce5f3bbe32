#include "base/bytes.h"
#include "base/bug.h"
#include "base/secret.h"

#include <stdlib.h>

bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int bytes_cmp(struct bytes a, struct bytes b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    if (order != 0)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool bytes_is_zero(struct bytes a)
{
    uint8_t any = 0;
    for (size_t i = 0; i < a.n; i++)
        any |= a.p[i];
    return any == 0;
}

/* realloc would leave the old content behind, so growth copies and wipes. */
static enum err buf_reserve(struct buf *b, size_t more)
{
    GD_BUG_ON(b->n > b->cap || b->n > b->max);
    if (more > b->max - b->n)
        return E_TOO_LARGE;
    size_t need = b->n + more;
    if (need <= b->cap && b->p)
        return OK;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap *= 2;
    if (cap > b->max)
        cap = b->max ? b->max : 1;
    uint8_t *p = malloc(cap);
    if (!p)
        return E_NOMEM;
    if (b->n)
        memcpy(p, b->p, b->n);
    wipe(b->p, b->n);
    free(b->p);
    b->p = p;
    b->cap = cap;
    return OK;
}

enum err buf_add(struct buf *b, const void *p, size_t n)
{
    TRY(buf_reserve(b, n));
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    return OK;
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
    if (buf_reserve(b, n) != OK)
        return NULL;
    b->n += n;
    return b->p + b->n - n;
}

void buf_consume(struct buf *b, size_t n)
{
    GD_BUG_ON(n > b->n);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    wipe(b->p + b->n - n, n);
    b->n -= n;
}

void buf_clear(struct buf *b)
{
    wipe(b->p, b->n);
    b->n = 0;
}

void buf_free(struct buf *b)
{
    wipe(b->p, b->cap);
    free(b->p);
    *b = BUF_INIT(b->max);
}

uint8_t *bytes_dup(struct bytes a)
{
    uint8_t *p = malloc(a.n ? a.n : 1);
    if (p && a.n)
        memcpy(p, a.p, a.n);
    return p;
}
