/*
 * A broken promise of our own code, as opposed to bad bytes from outside: the
 * process stops. Always compiled in, never reachable from the wire.
 */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include <stdio.h>
#include <stdlib.h>

#define GD_BUG_ON(condition)                                                       \
    do {                                                                           \
        if (condition) {                                                           \
            fprintf(stderr, "bug: %s at %s:%d\n", #condition, __FILE__, __LINE__); \
            abort();                                                               \
        }                                                                          \
    } while (0)

#endif
