#include "core/evidence/cache.h"

#define WAYS           4
#define CHAIN_KEPT_MAX 4096 /* Intel's PEM chains are 3.7 KiB, AMD's certificates 1.4 KiB */
#define INDEX_BYTES    512  /* serial, subject and key stand in the first half KiB */

struct entry {
    uint64_t used; /* 0: empty */
    size_t size;
    uint8_t bytes[CHAIN_KEPT_MAX];
    struct verified verified;
};

struct evidence_cache {
    size_t n_sets;
    uint64_t clock, hits, lookups;
    struct facts facts;
    struct entry entries[];
};

void verified_clear(struct verified *v)
{
    ecdsa_key_free(v->key);
    ecdsa_key_free(v->attestation_key);
    memset(v, 0, sizeof *v);
}

struct evidence_cache *evidence_cache_new(size_t entries)
{
    size_t sets = entries / WAYS + 1;
    struct evidence_cache *cache = calloc(1, sizeof *cache + sets * WAYS * sizeof(struct entry));
    if (cache)
        cache->n_sets = sets;
    return cache;
}

void evidence_cache_clear(struct evidence_cache *cache)
{
    for (size_t i = 0; i < cache->n_sets * WAYS; i++) {
        verified_clear(&cache->entries[i].verified);
        cache->entries[i].used = 0;
    }
    cache->facts = (struct facts){.n = 0};
}

struct facts *evidence_cache_facts(struct evidence_cache *cache)
{
    return cache ? &cache->facts : NULL;
}

void evidence_cache_free(struct evidence_cache *cache)
{
    if (!cache)
        return;
    evidence_cache_clear(cache);
    free(cache);
}

void evidence_cache_counts(const struct evidence_cache *cache, uint64_t *hits, uint64_t *lookups)
{
    *hits = cache->hits;
    *lookups = cache->lookups;
}

/* Chains that share an index only displace each other: the whole chain is compared. */
static struct entry *set_of(struct evidence_cache *cache, struct bytes chain)
{
    static const uint8_t key[16];
    size_t n = chain.n < INDEX_BYTES ? chain.n : INDEX_BYTES;
    uint64_t index = siphash(key, bytes(chain.p, n));
    return &cache->entries[index % cache->n_sets * WAYS];
}

static bool holds(const struct entry *e, struct bytes chain)
{
    return e->used && bytes_eq(bytes(e->bytes, e->size), chain);
}

/* Where it stands already, judged by what is no longer current; else the oldest. */
static struct entry *place_of(struct entry *set, struct bytes chain)
{
    struct entry *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (holds(&set[i], chain))
            return &set[i];
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

struct verified *evidence_cache_find(struct evidence_cache *cache, struct bytes chain)
{
    struct entry *set = set_of(cache, chain);
    cache->lookups++;
    for (size_t i = 0; i < WAYS; i++) {
        struct entry *e = &set[i];
        if (holds(e, chain)) {
            e->used = ++cache->clock;
            cache->hits++;
            return &e->verified;
        }
    }
    return NULL;
}

struct verified *evidence_cache_put(struct evidence_cache *cache, struct bytes chain,
                                    struct verified *v)
{
    if (chain.n > CHAIN_KEPT_MAX)
        return NULL;
    struct entry *place = place_of(set_of(cache, chain), chain);
    verified_clear(&place->verified);
    place->used = ++cache->clock;
    place->size = chain.n;
    memcpy(place->bytes, chain.p, chain.n);
    place->verified = *v;
    memset(v, 0, sizeof *v);
    return &place->verified;
}
