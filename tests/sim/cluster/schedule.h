/*
 * One schedule: a cluster's life from formation to a revocation, with faults
 * that a seed chooses, then quiet, after which everything must be live again.
 */
#ifndef SIM_CLUSTER_SCHEDULE_H
#define SIM_CLUSTER_SCHEDULE_H

#include "world.h"

struct schedule_totals {
    uint64_t schedules, steps;
    struct world_counts counts;
};

/* Runs the schedule of this seed; ends the program with WORLD_VIOLATION if a promise is broken. */
void schedule_run(uint64_t seed, bool real_crypto, bool verbose, struct schedule_totals *totals);
/* More liars than f: N = 3, f = 0, a second copy of one guardian and the two others apart. Must
 * end with WORLD_VIOLATION; returns if nothing was seen. */
void schedule_too_many_liars(uint64_t seed, bool verbose);

#endif
