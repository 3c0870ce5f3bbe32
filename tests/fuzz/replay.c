/*
 * Runs a fuzz target without a fuzzer: every file below the given paths as it
 * is, cut short, and with bits flipped, and a few inputs that no file has.
 * The same files give the same runs.
 */
#include "base/rng.h"
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* Mutated runs over all files: a few seconds even for targets that check signatures. */
#define RUNS_MAX   20000
#define RUNS_LEAST 64
#define FILES_MAX  4096
#define FILE_MAX   (4 << 20)
#define FLIPS_MAX  3

static struct buf files[FILES_MAX];
static size_t file_count;
static unsigned long runs;

/* A copy of the exact size, so that a sanitizer sees one byte read too much. */
static void run(const uint8_t *p, size_t n)
{
    uint8_t *copy = calloc(1, n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, p, n);
    FUZZ_REQUIRE(LLVMFuzzerTestOneInput(copy, n) == 0);
    free(copy);
    runs++;
}

static void load_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || file_count == FILES_MAX) {
        fprintf(stderr, "cannot take %s\n", path);
        exit(1);
    }
    struct buf *b = &files[file_count++];
    *b = BUF_INIT(FILE_MAX);
    uint8_t chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        if (buf_add(b, chunk, n) != OK)
            break;
    fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        fprintf(stderr, "no such file: %s\n", path);
        exit(1);
    }
    if (!S_ISDIR(st.st_mode)) {
        load_file(path);
        return;
    }
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < count; i++) {
        char full[4096];
        snprintf(full, sizeof full, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && strcmp(names[i]->d_name, "VECTORS") != 0)
            load(full);
        free(names[i]);
    }
    free(names);
}

/* Each length if the file is short, else as many as the budget allows, spread evenly. */
static void truncate_each(const struct buf *b, size_t budget)
{
    size_t step = b->n / (budget ? budget : 1) + 1;
    for (size_t n = 0; n < b->n; n += step)
        run(b->p, n);
}

static void flip_some(struct buf *b, size_t budget, struct rng rng)
{
    for (size_t i = 0; i < budget && b->n; i++) {
        size_t flips = 1 + (size_t)rng_below(rng, FLIPS_MAX), at[FLIPS_MAX];
        uint8_t mask[FLIPS_MAX];
        for (size_t k = 0; k < flips; k++) {
            at[k] = (size_t)rng_below(rng, b->n);
            mask[k] = (uint8_t)(1u << rng_below(rng, 8));
            b->p[at[k]] ^= mask[k];
        }
        run(b->p, b->n);
        for (size_t k = 0; k < flips; k++)
            b->p[at[k]] ^= mask[k];
    }
}

static void run_without_file(struct rng rng)
{
    uint8_t scratch[600];
    run(NULL, 0);
    for (size_t n = 1; n <= sizeof scratch; n += 1 + n / 8) {
        memset(scratch, 0, n);
        run(scratch, n);
        memset(scratch, 0xff, n);
        run(scratch, n);
        rng_fill(rng, scratch, n);
        run(scratch, n);
    }
}

int main(int argc, char **argv)
{
    struct rng_seeded state;
    struct rng rng = rng_numbered(&state, 1);
    for (int i = 1; i < argc; i++)
        load(argv[i]);
    run_without_file(rng);
    size_t budget = file_count ? RUNS_MAX / file_count / 2 : 0;
    if (budget < RUNS_LEAST)
        budget = RUNS_LEAST;
    for (size_t i = 0; i < file_count; i++) {
        run(files[i].p, files[i].n);
        truncate_each(&files[i], budget);
        flip_some(&files[i], budget, rng);
        buf_free(&files[i]);
    }
    printf("%zu files, %lu runs\n", file_count, runs);
    return 0;
}
