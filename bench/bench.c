#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 11 };
static const double ROUND_US = 20000;

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* How many operations fill a round. */
static unsigned long calibrate(struct bench_side side)
{
    for (unsigned long n = 1;; n *= 2) {
        double start = cpu_us();
        for (unsigned long i = 0; i < n; i++)
            side.run(side.ctx);
        double took = cpu_us() - start;
        if (took > ROUND_US / 2)
            return (unsigned long)((double)n * ROUND_US / took) + 1;
    }
}

static double round_us(struct bench_side side, unsigned long n)
{
    double start = cpu_us();
    for (unsigned long i = 0; i < n; i++)
        side.run(side.ctx);
    return (cpu_us() - start) / (double)n;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

struct bench_result bench_compare(struct bench_side ours, struct bench_side bare)
{
    double a[ROUNDS], b[ROUNDS], ratio[ROUNDS];
    unsigned long n_ours = calibrate(ours), n_bare = calibrate(bare);
    for (int i = 0; i < ROUNDS; i++) {
        a[i] = round_us(ours, n_ours);
        b[i] = round_us(bare, n_bare);
        ratio[i] = a[i] / b[i];
    }
    return (struct bench_result){median(a), median(b), median(ratio)};
}

void bench_print(const char *name, struct bench_result r, const char *goal)
{
    printf("%-48s %10.1f us   bare %10.1f us   ratio %6.2f", name, r.us, r.bare_us, r.ratio);
    if (goal)
        printf("   goal %s", goal);
    putchar('\n');
    fflush(stdout);
}

void bench_print_alone(const char *name, struct bench_side ours)
{
    unsigned long n = calibrate(ours);
    double a[ROUNDS];
    for (int i = 0; i < ROUNDS; i++)
        a[i] = round_us(ours, n);
    printf("%-48s %10.1f us\n", name, median(a));
    fflush(stdout);
}
