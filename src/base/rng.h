/*
 * Randomness is an argument. Core code never asks the system: daemons pass
 * rng_system(), tests and simulations pass a seeded one.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    void (*fill)(void *ctx, void *out, size_t n);
    void *ctx;
};

static inline void rng_fill(struct rng r, void *out, size_t n)
{
    r.fill(r.ctx, out, n);
}

/* The kernel's generator. */
struct rng rng_system(void);

/* A deterministic stream: ChaCha20 keyed by the seed. For tests, simulation and seeded dev builds.
 */
struct rng_seeded {
    uint8_t key[32];
    uint64_t counter;
};
struct rng rng_seeded(struct rng_seeded *state, const uint8_t seed[static 32]);
/* The stream of a state that one of the others began, where it stands. */
struct rng rng_of(struct rng_seeded *state);
/* The same from a number, for tests. */
struct rng rng_numbered(struct rng_seeded *state, uint64_t seed);
/* A number in [0, bound), bound > 0; slightly biased for huge bounds, so not for keys. */
uint64_t rng_below(struct rng r, uint64_t bound);

#endif
