#include "io/disk/disk.h"

#include "base/bug.h"
#include "base/log.h"
#include "io/disk/dbfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

/* 4 MiB of log: small enough to replay at once, large enough that most commits move nothing. */
#define CHECKPOINT_PAGES 1000
/* Batches in one transaction, so that one acknowledgement never waits for thousands of others. */
#define GROUP_MAX 256

struct batch {
    struct batch *next;
    disk_done *done;
    void *ctx;
    enum err result;
    size_t bytes, n;
    struct disk_op ops[]; /* the copied keys and values follow the last one */
};

struct queue {
    struct batch *first, **last;
};

struct disk {
    struct dbfile writer, reader;
    int lock_fd, event_fd;
    pthread_t worker;
    bool running;
    /* Everything below belongs to the mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct queue waiting, finished;
    size_t bytes_waiting;
    bool stop;
    enum err failed; /* until the caller has been told */
    struct disk_stats stats;
};

/* --- queues --- */

static void queue_init(struct queue *q)
{
    *q = (struct queue){NULL, &q->first};
}

static void queue_push(struct queue *q, struct batch *b)
{
    b->next = NULL;
    *q->last = b;
    q->last = &b->next;
}

static struct batch *queue_pop(struct queue *q)
{
    struct batch *b = q->first;
    if (!b)
        return NULL;
    q->first = b->next;
    if (!q->first)
        q->last = &q->first;
    return b;
}

static void queue_move(struct queue *to, struct queue *from)
{
    for (struct batch *b; (b = queue_pop(from));)
        queue_push(to, b);
}

/* --- the worker --- */

static enum err apply_all(struct dbfile *s, const struct queue *group)
{
    for (const struct batch *b = group->first; b; b = b->next)
        for (size_t i = 0; i < b->n; i++)
            TRY(dbfile_apply(s, &b->ops[i]));
    return OK;
}

static enum err write_group(struct dbfile *s, const struct queue *group)
{
    TRY(dbfile_begin(s));
    enum err e = apply_all(s, group);
    if (e == OK)
        e = dbfile_commit(s);
    if (e != OK)
        dbfile_rollback(s);
    return e;
}

/* Takes the next group; false when there is none and none will come. Holds the mutex. */
static bool next_group(struct disk *d, struct queue *group)
{
    while (!d->waiting.first && !d->stop)
        pthread_cond_wait(&d->work, &d->mutex);
    for (int i = 0; i < GROUP_MAX && d->waiting.first; i++)
        queue_push(group, queue_pop(&d->waiting));
    return group->first != NULL;
}

/* Holds the mutex. */
static void finish_group(struct disk *d, struct queue *group, enum err e)
{
    for (struct batch *b = group->first; b; b = b->next) {
        b->result = e;
        d->bytes_waiting -= b->bytes;
        d->stats.batches++;
    }
    d->stats.transactions += e == OK;
    d->stats.failures += e != OK;
    if (e != OK)
        d->failed = e;
    queue_move(&d->finished, group);
    uint64_t one = 1;
    if (write(d->event_fd, &one, sizeof one) < 0)
        log_error("disk: eventfd: %s", strerror(errno));
}

static void checkpoint_if_due(struct disk *d)
{
    if (d->writer.wal_pages < CHECKPOINT_PAGES)
        return;
    if (dbfile_checkpoint(&d->writer) != OK)
        log_warn("disk: the log could not be moved into the file; it keeps growing");
    d->writer.wal_pages = 0;
    pthread_mutex_lock(&d->mutex);
    d->stats.checkpoints++;
    pthread_mutex_unlock(&d->mutex);
}

static void *work(void *ctx)
{
    struct disk *d = ctx;
    struct queue group;
    queue_init(&group);
    pthread_mutex_lock(&d->mutex);
    while (next_group(d, &group)) {
        enum err e = d->failed;
        pthread_mutex_unlock(&d->mutex);
        if (e == OK)
            e = write_group(&d->writer, &group);
        pthread_mutex_lock(&d->mutex);
        finish_group(d, &group, e);
        pthread_mutex_unlock(&d->mutex);
        checkpoint_if_due(d);
        pthread_mutex_lock(&d->mutex);
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

/* Signals are the main thread's business. */
static int start_worker(struct disk *d)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&d->worker, NULL, work, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    d->running = failed == 0;
    return failed;
}

/* --- opening and closing --- */

static enum err take_lock(struct disk *d, const char *path, struct problem *p)
{
    char name[4096];
    if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name)
        return problem(p, E_VALUE, "the path of the data file is too long");
    d->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (d->lock_fd < 0)
        return problem(p, E_IO, "%s: %s", name, strerror(errno));
    if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return problem(p, E_NOT_ALLOWED, "%s is in use by another process", path);
    return OK;
}

static enum err sync_folder(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return E_IO;
    enum err e = fsync(fd) == 0 ? OK : E_IO;
    close(fd);
    return e;
}

/* SQLite would create it readable for all, and does not sync the folder it stands in. */
static enum err create_file(const char *path, struct problem *p)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return problem(p, E_IO, "%s: %s", path, strerror(errno));
    close(fd);
    if (sync_folder(path) != OK)
        return problem(p, E_IO, "the folder of %s: %s", path, strerror(errno));
    return OK;
}

enum err disk_open(const char *path, struct disk **out, struct problem *p)
{
    *out = NULL;
    struct disk *d = calloc(1, sizeof *d);
    if (!d)
        return problem(p, E_NOMEM, "out of memory");
    d->lock_fd = -1;
    queue_init(&d->waiting);
    queue_init(&d->finished);
    pthread_mutex_init(&d->mutex, NULL);
    pthread_cond_init(&d->work, NULL);
    d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum err e = d->event_fd < 0 ? problem(p, E_IO, "eventfd: %s", strerror(errno)) : OK;
    if (e != OK)
        goto out;
    TRY_OUT(take_lock(d, path, p));
    TRY_OUT(create_file(path, p));
    TRY_OUT(dbfile_open(&d->writer, path, p));
    TRY_OUT(dbfile_open(&d->reader, path, p));
    if (start_worker(d) != 0)
        e = problem(p, E_IO, "the disk's thread could not be started");
out:
    if (e == OK)
        *out = d;
    else
        disk_close(d);
    return e;
}

void disk_close(struct disk *d)
{
    if (!d)
        return;
    if (d->running) {
        pthread_mutex_lock(&d->mutex);
        d->stop = true;
        pthread_cond_signal(&d->work);
        pthread_mutex_unlock(&d->mutex);
        pthread_join(d->worker, NULL);
        disk_reap(d);
    }
    dbfile_close(&d->reader);
    dbfile_close(&d->writer);
    if (d->event_fd >= 0)
        close(d->event_fd);
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    pthread_cond_destroy(&d->work);
    pthread_mutex_destroy(&d->mutex);
    free(d);
}

/* --- batches --- */

static enum err batch_size(const struct disk_op *ops, size_t n, size_t *out)
{
    size_t total = sizeof(struct batch);
    for (size_t i = 0; i < n; i++) {
        if (ops[i].key.n > DISK_KEY_MAX || ops[i].value.n > DISK_VALUE_MAX)
            return E_TOO_LARGE;
        total += sizeof *ops + ops[i].key.n + ops[i].value.n;
        if (total > DISK_QUEUE_MAX)
            return E_TOO_LARGE;
    }
    *out = total;
    return OK;
}

static struct bytes copy_to(uint8_t **at, struct bytes from)
{
    struct bytes copy = bytes(*at, from.n);
    if (from.n)
        memcpy(*at, from.p, from.n);
    *at += from.n;
    return copy;
}

static struct batch *batch_new(const struct disk_op *ops, size_t n, size_t size)
{
    struct batch *b = malloc(size);
    if (!b)
        return NULL;
    *b = (struct batch){.bytes = size, .n = n};
    uint8_t *at = (uint8_t *)&b->ops[n];
    for (size_t i = 0; i < n; i++) {
        GD_BUG_ON(ops[i].action > DISK_REMOVE_BELOW);
        b->ops[i] = ops[i];
        b->ops[i].key = copy_to(&at, ops[i].key);
        b->ops[i].value = copy_to(&at, ops[i].value);
    }
    return b;
}

enum err disk_submit(struct disk *d, const struct disk_op *ops, size_t n, disk_done *done,
                     void *ctx)
{
    size_t size;
    TRY(batch_size(ops, n, &size));
    struct batch *b = batch_new(ops, n, size);
    if (!b)
        return E_NOMEM;
    b->done = done;
    b->ctx = ctx;
    pthread_mutex_lock(&d->mutex);
    bool fits = size <= DISK_QUEUE_MAX - d->bytes_waiting;
    if (fits) {
        d->bytes_waiting += size;
        queue_push(&d->waiting, b);
        pthread_cond_signal(&d->work);
    }
    pthread_mutex_unlock(&d->mutex);
    if (!fits)
        free(b);
    return fits ? OK : E_TOO_LARGE;
}

int disk_fd(const struct disk *d)
{
    return d->event_fd;
}

void disk_reap(struct disk *d)
{
    struct queue due;
    queue_init(&due);
    uint64_t count;
    pthread_mutex_lock(&d->mutex);
    if (read(d->event_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("disk: eventfd: %s", strerror(errno));
    /* What waits was submitted before the caller knew, and must not overtake what failed. */
    if (d->failed != OK) {
        for (struct batch *b; (b = queue_pop(&d->waiting));) {
            b->result = d->failed;
            d->bytes_waiting -= b->bytes;
            queue_push(&d->finished, b);
        }
        d->failed = OK;
    }
    queue_move(&due, &d->finished);
    pthread_mutex_unlock(&d->mutex);
    for (struct batch *b; (b = queue_pop(&due));) {
        if (b->done)
            b->done(b->ctx, b->result);
        free(b);
    }
}

struct wait {
    bool over;
    enum err result;
};

static void end_wait(void *ctx, enum err e)
{
    *(struct wait *)ctx = (struct wait){true, e};
}

enum err disk_write(struct disk *d, const struct disk_op *ops, size_t n)
{
    struct wait w = {false, OK};
    TRY(disk_submit(d, ops, n, end_wait, &w));
    while (!w.over) {
        struct pollfd fd = {.fd = d->event_fd, .events = POLLIN};
        if (poll(&fd, 1, -1) < 0)
            GD_BUG_ON(errno != EINTR);
        disk_reap(d);
    }
    return w.result;
}

enum err disk_get(struct disk *d, uint8_t kind, struct bytes key, struct buf *out)
{
    if (key.n > DISK_KEY_MAX)
        return E_NOT_FOUND;
    return dbfile_get(&d->reader, kind, key, out);
}

enum err disk_each(struct disk *d, uint8_t kind, struct bytes from, disk_visit *visit, void *ctx)
{
    return dbfile_each(&d->reader, kind, from, visit, ctx);
}

struct disk_stats disk_stats(struct disk *d)
{
    pthread_mutex_lock(&d->mutex);
    struct disk_stats stats = d->stats;
    pthread_mutex_unlock(&d->mutex);
    return stats;
}
