#include "io/collateral/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err read_all(int fd, struct buf *out)
{
    uint8_t chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        TRY(buf_add(out, chunk, (size_t)n));
    return n == 0 ? OK : E_IO;
}

static size_t bytes_read(const struct directory *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += d->files[i].n;
    return n;
}

static enum err add_open(struct directory *d, int fd, const char *name, struct problem *p)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return problem(p, E_IO, "%.120s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return OK;
    if (d->n == DIRECTORY_FILES_MAX)
        return problem(p, E_TOO_LARGE, "more than %d files", DIRECTORY_FILES_MAX);
    size_t left = DIRECTORY_BYTES_MAX - bytes_read(d);
    struct buf *file = &d->files[d->n++];
    *file = BUF_INIT(left < DIRECTORY_FILE_MAX ? left : DIRECTORY_FILE_MAX);
    enum err e = read_all(fd, file);
    if (e == E_TOO_LARGE)
        return problem(p, e, "%.120s is too large: %u bytes for a file, %u for all", name,
                       DIRECTORY_FILE_MAX, DIRECTORY_BYTES_MAX);
    return e == OK ? OK : problem(p, e, "%.120s: %s", name, strerror(errno));
}

/* A pipe must not block, so it is opened as one would open a file that might be one. */
static enum err add_entry(struct directory *d, int folder, const char *name, struct problem *p)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum err e = add_open(d, fd, name, p);
    if (fd >= 0)
        close(fd);
    return e;
}

static struct hash32 digest_of(const struct directory *d)
{
    struct thash h;
    thash_init(&h, "guardian/v1/directory");
    for (size_t i = 0; i < d->n; i++)
        thash_add(&h, buf_bytes(&d->files[i]));
    return thash_final32(&h);
}

static enum err read_folder(int folder, struct directory *out, struct problem *p)
{
    struct dirent **names = NULL;
    enum err e = OK;
    int n = scandirat(folder, ".", &names, is_visible, by_name);
    if (n < 0)
        return problem(p, E_IO, "%s", strerror(errno));
    for (int i = 0; i < n; i++) {
        if (e == OK)
            e = add_entry(out, folder, names[i]->d_name, p);
        free(names[i]);
    }
    free(names);
    return e;
}

enum err directory_read(const char *path, struct directory *out, struct problem *p)
{
    struct problem inner = {0};
    *out = (struct directory){0};
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err e = folder < 0 ? problem(&inner, E_IO, "%s", strerror(errno))
                            : read_folder(folder, out, &inner);
    if (folder >= 0)
        close(folder);
    if (e != OK) {
        directory_free(out);
        return problem(p, e, "%.100s: %.150s", path, problem_text(&inner));
    }
    out->digest = digest_of(out);
    return OK;
}

void directory_free(struct directory *d)
{
    for (size_t i = 0; i < d->n; i++)
        buf_free(&d->files[i]);
    d->n = 0;
}
