/*
 * sim_cluster [--schedules A..B] [--real] [--verbose] [--too-many-liars]
 *
 * Runs seeded schedules of whole clusters' lives (schedule.h) and prints how
 * many, of how many steps and faults. A broken promise prints its seed and ends
 * with status 3; `--schedules SEED..SEED --verbose` tells how it came to it.
 */
#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    unsigned long long first = 1, last = 20;
    bool real = false, verbose = false, too_many = false;
    struct schedule_totals t = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--schedules") && i + 1 < argc &&
            sscanf(argv[i + 1], "%llu..%llu", &first, &last) == 2)
            i++;
        else if (!strcmp(argv[i], "--real"))
            real = true;
        else if (!strcmp(argv[i], "--verbose"))
            verbose = true;
        else if (!strcmp(argv[i], "--too-many-liars"))
            too_many = true;
        else
            return 2;
    }
    for (unsigned long long s = first; s <= last; s++)
        if (too_many)
            schedule_too_many_liars(s, verbose);
        else
            schedule_run(s, real, verbose, &t);
    if (too_many) {
        printf("no violation was seen\n");
        return 0;
    }
    printf("%llu schedules with %s crypto, %llu steps, %llu decided blocks; faults: %llu "
           "connections broken, %llu crashes, %llu old disks, %llu partitions, %llu lies; %llu "
           "checkpoints taken over; no violation\n",
           (unsigned long long)t.schedules, real ? "real" : "ideal", (unsigned long long)t.steps,
           (unsigned long long)t.counts.blocks, (unsigned long long)t.counts.breaks,
           (unsigned long long)t.counts.crashes, (unsigned long long)t.counts.rollbacks,
           (unsigned long long)t.counts.partitions, (unsigned long long)t.counts.lies,
           (unsigned long long)t.counts.checkpoints);
    return 0;
}
