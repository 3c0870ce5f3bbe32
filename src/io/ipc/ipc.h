/*
 * A channel between two processes of one guardian: frames over a stream
 * socketpair.
 *
 *     frame = u32 length of the body | u8 type | body
 *
 * Never blocks. Output waits in a queue with a limit; input is handed out frame
 * by frame. Whoever breaks the format loses the channel: a channel that failed
 * is closed, and stays closed. What the types mean, and who may send which, is
 * for the tables of the processes.
 *
 * Works in any loop: poll ipc_fd() for ipc_events(), then call ipc_pump() and
 * ipc_next_frame() until it is false, and ipc_flush(). ipc_loop below does that
 * for processes that have nothing else to wait for; node does it from libuv.
 */
#ifndef IO_IPC_IPC_H
#define IO_IPC_IPC_H

#include "base/bytes.h"
#include "base/now.h"

/* The largest thing carried is a batch of records on their way to the disk. */
#define IPC_BODY_MAX (16u << 20)
#define IPC_HEADER   5
/* Four of the largest frames; a peer that is behind by more is stuck. */
#define IPC_QUEUE_MAX (4 * (IPC_BODY_MAX + IPC_HEADER))

struct ipc {
    int fd;         /* -1 when closed */
    struct buf in;  /* from in_at on: not handed out yet */
    struct buf out; /* from out_at on: not sent yet */
    size_t in_at, out_at;
};

struct ipc_frame {
    uint8_t type;
    struct bytes body; /* valid until the next call on the channel */
};

/* Two connected, non-blocking, close-on-exec ends; E_IO. */
enum err ipc_pair(int ends[static 2]);
/* Takes the descriptor over and makes it non-blocking. */
enum err ipc_open(struct ipc *c, int fd);
/* Closes and wipes the buffers; may be called twice. */
void ipc_close(struct ipc *c);

static inline bool ipc_is_open(const struct ipc *c)
{
    return c->fd >= 0;
}
static inline int ipc_fd(const struct ipc *c)
{
    return c->fd;
}
/* POLLIN, POLLOUT or both; 0 when closed. */
short ipc_events(const struct ipc *c);

/*
 * Queues one frame. E_TOO_LARGE: the body; E_NOT_READY: the queue is full, nothing
 * was queued; E_IO: the channel is closed.
 */
enum err ipc_send(struct ipc *c, uint8_t type, struct bytes body);
/* Sends what the socket takes. E_IO: the other side is gone, the channel is closed. */
enum err ipc_flush(struct ipc *c);
/*
 * Reads what is there, at most about a frame's worth. E_IO: the other side is gone;
 * E_MALFORMED: it broke the format. Then the channel is closed, but frames that
 * came before can still be taken.
 */
enum err ipc_pump(struct ipc *c);
/* The next whole frame; false if there is none. */
bool ipc_next_frame(struct ipc *c, struct ipc_frame *frame);

/* --- a loop for processes that only poll --- */

#define IPC_LOOP_CHANNELS 16

struct ipc_loop;

struct ipc_handler {
    /* One frame came. */
    void (*frame)(void *ctx, struct ipc *c, const struct ipc_frame *frame);
    /* The channel is closed: E_IO or E_MALFORMED. Called once. */
    void (*closed)(void *ctx, struct ipc *c, enum err e);
    void *ctx;
};

struct ipc_loop {
    struct ipc *channels[IPC_LOOP_CHANNELS];
    struct ipc_handler handlers[IPC_LOOP_CHANNELS];
    size_t n;
    /*
     * Called in each turn after the frames; returns the milliseconds until it wants
     * to be called again at the latest, or a negative number for "any time". May be NULL.
     */
    int64_t (*turn)(void *ctx, struct now now);
    void *ctx;
    int wake;  /* what turn() reads from besides: it is called when there is something; 0: none */
    bool stop; /* set it to leave */
};

/* The channel must be open and outlive the loop, or its closing. */
void ipc_loop_add(struct ipc_loop *l, struct ipc *c, struct ipc_handler handler);
/* Takes a channel out, for instance before a new one takes its place. */
void ipc_loop_remove(struct ipc_loop *l, struct ipc *c);
/* Runs until stop is set (OK, after a last try to send), or poll fails (E_IO). */
enum err ipc_loop_run(struct ipc_loop *l);

/* The clocks: CLOCK_BOOTTIME and CLOCK_REALTIME. */
struct now ipc_now(void);

#endif
