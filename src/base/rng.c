#include "base/rng.h"

#include <sodium.h>
#include <string.h>

static void system_fill(void *ctx, void *out, size_t n)
{
    (void)ctx;
    randombytes_buf(out, n);
}

struct rng rng_system(void)
{
    return (struct rng){system_fill, NULL};
}

static void seeded_fill(void *ctx, void *out, size_t n)
{
    struct rng_seeded *s = ctx;
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];
    memcpy(nonce, &s->counter, sizeof nonce);
    s->counter++;
    crypto_stream_chacha20(out, n, nonce, s->key);
}

struct rng rng_seeded(struct rng_seeded *state, const uint8_t seed[static 32])
{
    memcpy(state->key, seed, 32);
    state->counter = 0;
    return rng_of(state);
}

struct rng rng_of(struct rng_seeded *state)
{
    return (struct rng){seeded_fill, state};
}

struct rng rng_numbered(struct rng_seeded *state, uint64_t seed)
{
    uint8_t key[32] = {0};
    memcpy(key, &seed, sizeof seed);
    return rng_seeded(state, key);
}

uint64_t rng_below(struct rng r, uint64_t bound)
{
    uint64_t value;
    rng_fill(r, &value, sizeof value);
    return value % bound;
}
