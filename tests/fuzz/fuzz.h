/*
 * What every fuzz target includes. A target is one file fuzz_NAME.c for one door
 * through which bytes come from outside; it defines LLVMFuzzerTestOneInput(),
 * returns 0, keeps nothing between calls, and checks more than "no crash" where
 * it can (what was accepted is written back and gives the same bytes).
 *
 * The same file is built twice: with -Dfuzz=true (clang) for libFuzzer, else with
 * replay.c, which runs the seeds, their truncations and bit flips as a test of
 * the suite fuzz-regression.
 *
 * Seeds made by us are in seeds/NAME/, written by the programs of seeds.h where
 * they are signed or hashed; a file named VECTORS there lists files or folders
 * below $GUARDIAN_VECTORS, one per line, with * as in a shell.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input: stops, so that the fuzzer keeps the input. */
#define FUZZ_REQUIRE(condition)                                                            \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "does not hold: %s, %s:%d\n", #condition, __FILE__, __LINE__); \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

#endif
