/*
 * sim_cluster [--seeds A..B] [--n N] [--f F] [--real] [--verbose]
 *
 * Runs seeded schedules of a whole cluster's life and prints how many, of how
 * many steps. A violation prints its seed and ends with status 3.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static bool all_serve(struct world *w)
{
    struct member_status s;
    struct now now = {world_now_ms(w), 0};
    struct key root = {.b = "r", .n = 1};
    for (uint32_t i = 0; i < WORLD_MAX; i++) {
        struct guardian *m = world_member(w, i);
        if (!m)
            continue;
        member_status(m, now, &s);
        if (s.phase != MEMBER_ACTIVE || !s.lease_ms ||
            !store_get(state_store(member_state(m)), key_bytes(&root)).p)
            return false;
    }
    return true;
}

static void need(bool ok, const char *what, uint64_t seed)
{
    if (ok)
        return;
    fprintf(stderr, "FAILED with seed %llu: %s\n", (unsigned long long)seed, what);
    exit(3);
}

static uint64_t formation(const struct world_options *o)
{
    struct world *w;
    if (world_new(o, &w) != OK)
        abort();
    for (uint32_t i = 0; i < o->n; i++)
        world_start(w, i);
    need(world_until(w, 60000, all_serve), "the cluster forms and has its root", o->seed);
    if (o->verbose)
        fprintf(stderr, "formed after %llu ms\n", (unsigned long long)world_now_ms(w) - 1000);
    const struct world_answer *a =
        world_change(w, 0,
                     "{\"type\":\"namespace.create\",\"namespace\":\"blue\",\"mode\":\"sealed\","
                     "\"dns\":[],\"ip\":[]}");
    if (o->verbose)
        fprintf(stderr, "%d %.*s\n", a->status, (int)a->body.n, (const char *)a->body.p);
    need(a->status == 200, "a namespace can be made", o->seed);
    world_run(w, 5000);
    uint64_t steps = world_steps(w);
    world_free(w);
    return steps;
}

int main(int argc, char **argv)
{
    struct world_options o = {.n = 3, .f = -1, .seed = 1};
    unsigned long long first = 1, last = 1;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seeds") && i + 1 < argc)
            sscanf(argv[++i], "%llu..%llu", &first, &last);
        else if (!strcmp(argv[i], "--n") && i + 1 < argc)
            o.n = (uint32_t)atoi(argv[++i]);
        else if (!strcmp(argv[i], "--f") && i + 1 < argc)
            o.f = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--real"))
            o.real_crypto = true;
        else if (!strcmp(argv[i], "--verbose"))
            o.verbose = true;
        else
            return 2;
    }
    uint64_t steps = 0;
    for (unsigned long long s = first; s <= last; s++) {
        o.seed = s;
        steps += formation(&o);
    }
    printf("%llu schedules, %llu steps, no violation\n", last - first + 1,
           (unsigned long long)steps);
    return 0;
}
