/*
 * sim_consensus --seeds A..B [--n N] [--f F] [--liars L] [--verbose]
 *
 * --ed25519 uses real signatures instead of ideal ones.
 * --mutants BITS plants bugs (MUTANT_ in core/consensus/inside.h).
 *
 * Plays the seeds and prints counts. A violation prints its seed; the same seed
 * with --verbose tells its story. Exit 0: no violation, 1: some, 2: usage.
 */
#include "world.h"

#include <string.h>

struct job {
    uint64_t first, last;
    uint32_t n, f, liars;
    unsigned mutants;
    bool verbose, ed25519;
};

static uint64_t number(const char *text)
{
    char *end;
    uint64_t v = strtoull(text, &end, 10);
    if (*end != 0 && strncmp(end, "..", 2) != 0) {
        fprintf(stderr, "sim_consensus: %s is not a number\n", text);
        exit(2);
    }
    return v;
}

static void usage(void)
{
    fprintf(stderr,
            "usage: sim_consensus --seeds A..B [--n N] [--f F] [--liars L] [--mutants BITS] "
            "[--ed25519] [--verbose]\n");
    exit(2);
}

static struct job read_job(int argc, char **argv)
{
    struct job job = {1, 100, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0, false};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--verbose") == 0 || strcmp(argv[i], "--ed25519") == 0) {
            *(argv[i][2] == 'v' ? &job.verbose : &job.ed25519) = true;
            continue;
        }
        if (!value)
            usage();
        if (strcmp(argv[i], "--seeds") == 0) {
            const char *dots = strstr(value, "..");
            job.first = number(value);
            job.last = dots ? number(dots + 2) : job.first;
        } else if (strcmp(argv[i], "--n") == 0) {
            job.n = (uint32_t)number(value);
        } else if (strcmp(argv[i], "--f") == 0) {
            job.f = (uint32_t)number(value);
        } else if (strcmp(argv[i], "--liars") == 0) {
            job.liars = (uint32_t)number(value);
        } else if (strcmp(argv[i], "--mutants") == 0) {
            job.mutants = (unsigned)number(value);
        } else {
            usage();
        }
        i++;
    }
    return job;
}

static void add(struct counts *sum, const struct counts *c)
{
    const uint64_t *from = (const uint64_t *)c;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < sizeof *c / sizeof *from; i++)
        to[i] += from[i];
}

static bool play(const struct job *job, uint64_t seed, struct counts *sum)
{
    struct options o = options_of(seed, job->n, job->f);
    if (job->liars != UINT32_MAX) {
        o.liars = job->liars;
        o.safety_only = o.liars > o.f;
    }
    o.verbose = job->verbose;
    o.mutants = job->mutants;
    if (job->ed25519)
        o.scheme = &sig_ed25519;
    struct world *w = calloc(1, sizeof *w);
    GD_BUG_ON(!w);
    world_init(w, seed, &o);
    bool good = world_play(w);
    if (!good)
        printf("seed %llu: n=%u f=%u liars=%u %s%s%s: %s (at %llu ms)\n", (unsigned long long)seed,
               o.n, o.f, o.liars, o.mode == BFT_STRICT ? "strict" : "sealed",
               o.changes ? " changes" : "", o.crashes ? " crashes" : "", w->violation,
               (unsigned long long)w->now_ms);
    add(sum, &w->count);
    world_free(w);
    free(w);
    return good;
}

int main(int argc, char **argv)
{
    struct job job = read_job(argc, argv);
    struct counts sum = {0};
    uint64_t runs = 0, bad = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (uint64_t seed = job.first; seed <= job.last; seed++, runs++)
        bad += !play(&job, seed, &sum);
    printf("%llu runs, %llu steps, %llu messages, %llu heights, %llu decisions, %llu entries, "
           "%llu crashes, %llu rekeys, %llu changes, %llu lies, %llu leases, %llu evidence: "
           "%llu violations\n",
           (unsigned long long)runs, (unsigned long long)sum.steps,
           (unsigned long long)sum.messages, (unsigned long long)sum.heights,
           (unsigned long long)sum.decisions, (unsigned long long)sum.entries,
           (unsigned long long)sum.crashes, (unsigned long long)sum.rekeys,
           (unsigned long long)sum.changes, (unsigned long long)sum.lies,
           (unsigned long long)sum.leases, (unsigned long long)sum.evidence,
           (unsigned long long)bad);
    return bad > 0;
}
