/* The files of configfs-tsm. */
#include "io/platform/tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int make(void *ctx, const char *entry)
{
    struct tsm_folder *f = ctx;
    f->dir = -1;
    if ((size_t)snprintf(f->path, sizeof f->path, "%s/%s", f->folder, entry) >= sizeof f->path)
        return ENAMETOOLONG;
    f->is_ours = mkdir(f->path, 0700) == 0;
    if (!f->is_ours && errno != EEXIST)
        return errno;
    f->dir = open(f->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return f->dir >= 0 ? 0 : errno;
}

static int read_all(int fd, struct buf *out)
{
    uint8_t chunk[4096];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        if (n == 0)
            return 0;
        enum err e = buf_add(out, chunk, (size_t)n);
        if (e != OK)
            return e == E_NOMEM ? ENOMEM : EFBIG;
    }
}

static int read_attribute(void *ctx, const char *attribute, struct buf *out)
{
    const struct tsm_folder *f = ctx;
    int fd = openat(f->dir, attribute, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = read_all(fd, out);
    close(fd);
    return error;
}

/* The kernel takes binary attributes over when they are closed, and tells nobody how that went. */
static int write_attribute(void *ctx, const char *attribute, struct bytes in)
{
    const struct tsm_folder *f = ctx;
    int fd = openat(f->dir, attribute, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ssize_t n = write(fd, in.p, in.n);
    int error = n < 0 ? errno : (size_t)n == in.n ? 0 : EIO;
    if (close(fd) != 0 && error == 0)
        error = errno;
    return error;
}

static void remove_entry(void *ctx)
{
    struct tsm_folder *f = ctx;
    if (f->dir >= 0)
        close(f->dir);
    f->dir = -1;
    if (f->is_ours)
        rmdir(f->path);
    f->is_ours = false;
}

struct tsm_files tsm_folder_files(struct tsm_folder *f)
{
    return (struct tsm_files){f, make, read_attribute, write_attribute, remove_entry};
}
