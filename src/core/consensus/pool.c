#include "core/consensus/pool.h"

#include <stdlib.h>

void pool_init(struct pool *pool, size_t own_cap, size_t peer_cap)
{
    *pool = (struct pool){.own_cap = own_cap, .peer_cap = peer_cap};
}

static void pending_free(struct pending *entry)
{
    wipe(entry->p, entry->n);
    free(entry->p);
    free(entry);
}

void pool_free(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n; i++)
        pending_free(pool->entry[i]);
    free(pool->entry);
    *pool = (struct pool){0};
}

struct hash32 pool_hash(struct bytes entry)
{
    return sha256(entry);
}

const struct pending *pool_find(const struct pool *pool, struct hash32 hash)
{
    for (uint32_t i = 0; i < pool->n; i++)
        if (hash32_eq(pool->entry[i]->hash, hash))
            return pool->entry[i];
    return NULL;
}

static size_t bytes_from(const struct pool *pool, uint32_t from)
{
    size_t n = 0;
    for (uint32_t i = 0; i < pool->n; i++)
        n += pool->entry[i]->from == from ? pool->entry[i]->n : 0;
    return n;
}

static bool before(const struct pending *a, const struct pending *b)
{
    if (a->lane != b->lane)
        return a->lane < b->lane;
    if ((a->from == POOL_OWN) != (b->from == POOL_OWN))
        return a->from == POOL_OWN;
    return a->order < b->order;
}

static void insert(struct pool *pool, struct pending *entry)
{
    uint32_t i = pool->n++;
    for (; i > 0 && before(entry, pool->entry[i - 1]); i--)
        pool->entry[i] = pool->entry[i - 1];
    pool->entry[i] = entry;
}

static struct pending *pending_new(struct bytes entry)
{
    struct pending *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->p = bytes_dup(entry);
    p->n = entry.n;
    if (!p->p) {
        free(p);
        return NULL;
    }
    return p;
}

enum err pool_add(struct pool *pool, uint32_t from, unsigned lane, struct bytes entry,
                  struct hash32 hash, struct pending **out)
{
    size_t cap = from == POOL_OWN ? pool->own_cap : pool->peer_cap;
    /* A quarter of the places is kept for the own entries. */
    uint32_t places = from == POOL_OWN ? POOL_MAX_ENTRIES : POOL_MAX_ENTRIES * 3 / 4;
    if (pool->n >= places || entry.n > cap || bytes_from(pool, from) > cap - entry.n)
        return E_RATE;
    if (!pool->entry && !(pool->entry = calloc(POOL_MAX_ENTRIES, sizeof(struct pending *))))
        return E_NOMEM;
    struct pending *p = pending_new(entry);
    if (!p)
        return E_NOMEM;
    p->hash = hash;
    p->lane = lane;
    p->from = from;
    p->order = pool->next_order++;
    p->patience_ms = POOL_PATIENCE_MS;
    insert(pool, p);
    *out = p;
    return OK;
}

void pool_filter(struct pool *pool, bool (*keep)(void *ctx, struct pending *entry), void *ctx)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < pool->n; i++) {
        if (keep(ctx, pool->entry[i]))
            pool->entry[left++] = pool->entry[i];
        else
            pending_free(pool->entry[i]);
    }
    pool->n = left;
}

bool pool_ready(const struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n; i++)
        if (pool->entry[i]->ready)
            return true;
    return false;
}

void pool_forget_sent(struct pool *pool)
{
    for (uint32_t i = 0; i < pool->n; i++)
        memset(pool->entry[i]->sent_ms, 0, sizeof pool->entry[i]->sent_ms);
}
