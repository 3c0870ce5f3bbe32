/* Time is an argument, and there are two kinds that never mix. */
#ifndef BASE_NOW_H
#define BASE_NOW_H

#include <stdint.h>

struct now {
    uint64_t mono_ms; /* only differences mean anything; never jumps */
    uint64_t unix_ms; /* the wall clock; may be wrong, may jump */
};

#endif
