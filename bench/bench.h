/*
 * Measuring as ratios: what we do against the bare primitives it cannot do
 * without, in one run, in turns, on CPU time. Absolute figures of a shared
 * machine mean little; ratios of alternating rounds mean much.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>

struct bench_side {
    void (*run)(void *ctx); /* one operation */
    void *ctx;
};

struct bench_result {
    double us, bare_us; /* medians, microseconds of CPU per operation */
    double ratio;       /* median of the rounds' ratios */
};

/* Rounds of about 20 ms each for ours and for bare, in turns. */
struct bench_result bench_compare(struct bench_side ours, struct bench_side bare);
/* One line: name, both figures, ratio, goal ("<= 3.0"; NULL if there is none). */
void bench_print(const char *name, struct bench_result r, const char *goal);
/* One line for a figure without a counterpart. */
void bench_print_alone(const char *name, struct bench_side ours);

#endif
