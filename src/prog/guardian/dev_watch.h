/* Waiting for guardians to serve, and showing what changes meanwhile, with times. */
#ifndef PROG_GUARDIAN_DEV_WATCH_H
#define PROG_GUARDIAN_DEV_WATCH_H

#include "prog/guardian/command.h"
#include "prog/guardian/dev.h"

struct watch {
    const struct call *call;
    const struct dev *dev;
    const struct settings *settings;
    uint64_t begin, end;               /* milliseconds of the monotonic clock */
    char shown[DEV_GUARDIANS_MAX][96]; /* last, so that only changes are */
    bool root_shown;
};

/* From now, for as long as the command's --wait. */
struct watch watch_begin(const struct call *call, const struct dev *d, const struct settings *s);
/* Since it began. */
double watch_seconds(const struct watch *w);
/*
 * Until guardians first to n-1 are each LEADER or FOLLOWER of a cluster of at least
 * `size` that has a root. E_NOT_READY with the reason when one ended or time is over.
 */
enum err watch_serving(struct watch *w, size_t first, size_t n, uint64_t size, struct problem *p);

#endif
