#include "io/ipc/ipc.h"

#include "base/bug.h"
#include "base/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* One read. */
#define CHUNK ((size_t)64 * 1024)
/* An empty buffer that grew beyond this is given back: large frames are rare. */
#define KEEP ((size_t)1 << 20)

enum err ipc_pair(int ends[static 2])
{
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    return socketpair(AF_UNIX, type, 0, ends) == 0 ? OK : E_IO;
}

enum err ipc_open(struct ipc *c, int fd)
{
    *c = (struct ipc){.fd = fd,
                      .in = BUF_INIT(IPC_BODY_MAX + IPC_HEADER + CHUNK),
                      .out = BUF_INIT(IPC_QUEUE_MAX)};
    int flags = fcntl(fd, F_GETFL);
    bool ok = flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
    return ok ? OK : E_IO;
}

static void drop_fd(struct ipc *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_free(&c->out);
    c->out_at = 0;
}

void ipc_close(struct ipc *c)
{
    drop_fd(c);
    buf_free(&c->in);
    c->in_at = 0;
}

/* Whether a whole frame is waiting; E_MALFORMED as soon as a header cannot be followed. */
static enum err look(const struct ipc *c, struct ipc_frame *frame, bool *whole)
{
    struct reader r = reader(bytes_after(buf_bytes(&c->in), c->in_at));
    *whole = false;
    if (rd_left(&r) < IPC_HEADER)
        return OK;
    uint32_t length = rd_u32(&r);
    if (length > IPC_BODY_MAX)
        return E_MALFORMED;
    frame->type = rd_u8(&r);
    *whole = rd_left(&r) >= length;
    if (*whole)
        frame->body = rd_bytes(&r, length);
    return OK;
}

short ipc_events(const struct ipc *c)
{
    if (!ipc_is_open(c))
        return 0;
    return (short)(POLLIN | (c->out.n > c->out_at ? POLLOUT : 0));
}

enum err ipc_send(struct ipc *c, uint8_t type, struct bytes body)
{
    if (!ipc_is_open(c))
        return E_IO;
    if (body.n > IPC_BODY_MAX)
        return E_TOO_LARGE;
    if (body.n + IPC_HEADER > IPC_QUEUE_MAX - (c->out.n - c->out_at))
        return E_NOT_READY;
    buf_consume(&c->out, c->out_at);
    c->out_at = 0;
    uint32_t n = (uint32_t)body.n;
    uint8_t header[IPC_HEADER] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                                  (uint8_t)n, type};
    uint8_t *to = buf_extend(&c->out, IPC_HEADER + body.n);
    if (!to)
        return E_NOMEM;
    memcpy(to, header, IPC_HEADER);
    if (body.n)
        memcpy(to + IPC_HEADER, body.p, body.n);
    return OK;
}

static bool would_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

enum err ipc_flush(struct ipc *c)
{
    if (!ipc_is_open(c))
        return E_IO;
    while (c->out_at < c->out.n) {
        ssize_t n = send(c->fd, c->out.p + c->out_at, c->out.n - c->out_at, MSG_NOSIGNAL);
        if (n < 0 && would_wait())
            return OK;
        if (n <= 0) {
            drop_fd(c);
            return E_IO;
        }
        c->out_at += (size_t)n;
    }
    buf_clear(&c->out);
    c->out_at = 0;
    if (c->out.cap > KEEP)
        buf_free(&c->out);
    return OK;
}

/* What was handed out makes room; a frame that is only begun is kept. */
static void make_room(struct ipc *c)
{
    buf_consume(&c->in, c->in_at);
    c->in_at = 0;
    if (c->in.n == 0 && c->in.cap > KEEP)
        buf_free(&c->in);
}

static enum err read_chunk(struct ipc *c, bool *more)
{
    uint8_t *to = buf_extend(&c->in, CHUNK);
    if (!to)
        return E_NOMEM;
    ssize_t n = recv(c->fd, to, CHUNK, 0);
    c->in.n -= CHUNK - (n > 0 ? (size_t)n : 0);
    *more = n == (ssize_t)CHUNK;
    if (n == 0)
        return c->in.n > 0 ? E_MALFORMED : E_IO;
    return n < 0 && !would_wait() ? E_IO : OK;
}

enum err ipc_pump(struct ipc *c)
{
    if (!ipc_is_open(c))
        return E_IO;
    make_room(c);
    struct ipc_frame frame;
    bool more = true, whole = false;
    enum err e = look(c, &frame, &whole);
    while (e == OK && more && !whole) {
        e = read_chunk(c, &more);
        /* A frame before the end of the stream is whole, and the end is no mistake. */
        enum err format = look(c, &frame, &whole);
        if (format != OK || (e == E_MALFORMED && whole))
            e = format != OK ? format : E_IO;
    }
    if (e != OK)
        drop_fd(c);
    return e;
}

bool ipc_next_frame(struct ipc *c, struct ipc_frame *frame)
{
    bool whole;
    if (look(c, frame, &whole) != OK) {
        drop_fd(c);
        return false;
    }
    if (whole)
        c->in_at += IPC_HEADER + frame->body.n;
    return whole;
}
