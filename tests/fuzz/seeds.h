/*
 * Programs that write the seeds which follow from the code, for targets whose
 * inputs are signed or hashed. After a change of such a format:
 *
 *     for p in log state; do build/tests/fuzz/seeds_$p tests/fuzz/seeds; done
 *
 * The same code writes the same files.
 */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* FOLDER/target/name; stops if it cannot be written. */
static inline void seed_write(const char *folder, const char *target, const char *name,
                              struct bytes content)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(content.p, 1, content.n, f) != content.n || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static inline const char *seed_folder(int argc, char **argv)
{
    if (argc == 2)
        return argv[1];
    fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    exit(2);
}

#endif
