#include "base/bug.h"
#include "io/ipc/ipc.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

static uint64_t clock_ms(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct now ipc_now(void)
{
    return (struct now){clock_ms(CLOCK_BOOTTIME), clock_ms(CLOCK_REALTIME)};
}

void ipc_loop_add(struct ipc_loop *l, struct ipc *c, struct ipc_handler handler)
{
    GD_BUG_ON(l->n >= IPC_LOOP_CHANNELS || !ipc_is_open(c));
    l->channels[l->n] = c;
    l->handlers[l->n++] = handler;
}

void ipc_loop_remove(struct ipc_loop *l, struct ipc *c)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->channels[i] != c)
            continue;
        l->n--;
        memmove(&l->channels[i], &l->channels[i + 1], (l->n - i) * sizeof *l->channels);
        memmove(&l->handlers[i], &l->handlers[i + 1], (l->n - i) * sizeof *l->handlers);
        return;
    }
}

static bool is_watched(const struct ipc_loop *l, const struct ipc *c)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->channels[i] == c)
            return true;
    return false;
}

static void give_frames(struct ipc_loop *l, struct ipc *c, struct ipc_handler h)
{
    struct ipc_frame frame;
    while (!l->stop && is_watched(l, c) && ipc_next_frame(c, &frame))
        h.frame(h.ctx, c, &frame);
}

/* Handlers may add and remove channels, so nothing is kept across a call. */
static void serve(struct ipc_loop *l, struct ipc *c, struct ipc_handler h, short events)
{
    enum err e = OK;
    if (events & (POLLIN | POLLHUP | POLLERR))
        e = ipc_pump(c);
    else if (events & POLLOUT)
        e = ipc_flush(c);
    give_frames(l, c, h);
    if (!is_watched(l, c) || ipc_is_open(c))
        return;
    ipc_loop_remove(l, c);
    h.closed(h.ctx, c, e != OK ? e : E_MALFORMED);
}

static enum err poll_once(struct ipc_loop *l, int64_t wait_ms)
{
    struct pollfd fds[IPC_LOOP_CHANNELS + 1];
    struct ipc *channels[IPC_LOOP_CHANNELS];
    struct ipc_handler handlers[IPC_LOOP_CHANNELS];
    size_t n = l->n;
    for (size_t i = 0; i < n; i++) {
        /* A failure shows again in poll, as an end of the stream. */
        bool sent = ipc_flush(l->channels[i]) == OK;
        fds[i] =
            (struct pollfd){.fd = ipc_fd(l->channels[i]), .events = ipc_events(l->channels[i])};
        channels[i] = l->channels[i];
        handlers[i] = l->handlers[i];
        if (!sent)
            wait_ms = 0;
    }
    fds[n] = (struct pollfd){.fd = l->wake > 0 ? l->wake : -1, .events = POLLIN};
    int timeout = wait_ms < 0 ? -1 : wait_ms > 60000 ? 60000 : (int)wait_ms;
    if (poll(fds, n + 1, timeout) < 0)
        return errno == EINTR ? OK : E_IO;
    for (size_t i = 0; i < n && !l->stop; i++)
        if (is_watched(l, channels[i]) && (fds[i].revents || fds[i].fd < 0))
            serve(l, channels[i], handlers[i], fds[i].fd < 0 ? POLLHUP : fds[i].revents);
    return OK;
}

/* Last words: what the sockets take without waiting. A failure no longer matters. */
static void flush_all(struct ipc_loop *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (ipc_flush(l->channels[i]) != OK)
            continue;
}

enum err ipc_loop_run(struct ipc_loop *l)
{
    l->stop = false;
    while (!l->stop) {
        int64_t wait = l->turn ? l->turn(l->ctx, ipc_now()) : -1;
        if (!l->stop)
            TRY(poll_once(l, wait));
    }
    flush_all(l);
    return OK;
}
