#include "prog/guardian/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err failed(struct problem *p, const char *path, const char *verb)
{
    enum err e = errno == ENOENT ? E_NOT_FOUND : E_IO;
    return problem(p, e, "cannot %s %s: %s", verb, path, strerror(errno));
}

static enum err read_all(int fd, const char *path, struct buf *out, struct problem *p)
{
    uint8_t chunk[8192];
    ssize_t n;
    enum err e = OK;
    while (e == OK && (n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            e = failed(p, path, "read");
        else if (buf_add(out, chunk, (size_t)n) != OK)
            e = problem(p, E_TOO_LARGE, "%s is larger than %zu bytes", path, out->max);
    }
    explicit_bzero(chunk, sizeof chunk);
    return e;
}

static enum err check_private(int fd, const char *path, struct problem *p)
{
    struct stat s;
    if (fstat(fd, &s) != 0)
        return failed(p, path, "look at");
    if (!S_ISREG(s.st_mode))
        return problem(p, E_NOT_ALLOWED, "%s is no file", path);
    if (s.st_mode & 077)
        return problem(p, E_NOT_ALLOWED, "others can read %s: chmod 600 it", path);
    return OK;
}

static enum err read_path(const char *path, bool secret, struct buf *out, struct problem *p)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return failed(p, path, "open");
    enum err e = secret ? check_private(fd, path, p) : OK;
    if (e == OK)
        e = read_all(fd, path, out, p);
    close(fd);
    return e;
}

enum err file_read(const char *path, struct buf *out, struct problem *p)
{
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, "standard input", out, p);
    return read_path(path, false, out, p);
}

enum err file_read_secret(const char *path, struct buf *out, struct problem *p)
{
    return read_path(path, true, out, p);
}

bool file_exists(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0;
}

static enum err write_all(int fd, struct bytes content)
{
    while (content.n) {
        ssize_t n = write(fd, content.p, content.n);
        if (n < 0 && errno != EINTR)
            return E_IO;
        if (n > 0)
            content = bytes(content.p + n, content.n - (size_t)n);
    }
    return OK;
}

/* Without this the name of a new file may be lost in a power failure. */
static enum err sync_folder_of(const char *path)
{
    char folder[FILE_PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder)
        return E_IO;
    memcpy(folder, path, n);
    folder[n] = 0;
    int fd = open(n ? folder : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    int failure = fsync(fd);
    close(fd);
    return failure ? E_IO : OK;
}

/* A file that exists is replaced in one step; a secret is linked, which fails if the name is taken.
 */
static int give_name(const char *temporary, const char *path, enum file_kind kind)
{
    if (kind != FILE_SECRET)
        return rename(temporary, path);
    int failure = link(temporary, path);
    int saved = errno;
    unlink(temporary);
    errno = saved;
    return failure;
}

enum err file_write(const char *path, struct bytes content, enum file_kind kind, struct problem *p)
{
    char temporary[FILE_PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return problem(p, E_IO, "the path %.80s... is too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return failed(p, path, "write");
    enum err e = write_all(fd, content);
    if (e == OK && (fchmod(fd, kind == FILE_PUBLIC ? 0644 : 0600) != 0 || fsync(fd) != 0))
        e = E_IO;
    if (close(fd) != 0)
        e = E_IO;
    if (e != OK) {
        e = failed(p, path, "write");
        unlink(temporary);
        return e;
    }
    if (give_name(temporary, path, kind) != 0) {
        if (errno == EEXIST)
            return problem(p, E_NOT_ALLOWED, "%s exists and is not overwritten", path);
        e = failed(p, path, "write");
        unlink(temporary);
        return e;
    }
    return sync_folder_of(path) == OK ? OK : failed(p, path, "make durable");
}

enum err folder_make(const char *path, struct problem *p)
{
    struct stat s;
    if (mkdir(path, 0700) == 0)
        return OK;
    if (errno == EEXIST && stat(path, &s) == 0 && S_ISDIR(s.st_mode))
        return OK;
    return failed(p, path, "make the folder");
}

enum err path_join(char out[static FILE_PATH_MAX], const char *dir, const char *name,
                   struct problem *p)
{
    if (snprintf(out, FILE_PATH_MAX, "%s/%s", dir, name) >= FILE_PATH_MAX)
        return problem(p, E_TOO_LARGE, "the path %.80s... is too long", dir);
    return OK;
}
