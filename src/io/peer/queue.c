#include "io/peer/queue.h"

#include "io/peer/frame.h"

#include <stdlib.h>

static void append(struct frame_queue *q, struct queued_frame *f, uint64_t *dropped)
{
    while (q->first && q->bytes + f->n > q->max) {
        free(frame_queue_take(q));
        ++*dropped;
    }
    f->next = NULL;
    if (q->last)
        q->last->next = f;
    else
        q->first = f;
    q->last = f;
    q->bytes += f->n;
}

enum err frame_queue_add(struct frame_queue *q, struct bytes frame, uint64_t *dropped)
{
    struct queued_frame *f = malloc(sizeof *f + FRAME_HEADER + frame.n);
    if (!f)
        return E_NOMEM;
    f->n = FRAME_HEADER + frame.n;
    for (int i = 0; i < FRAME_HEADER; i++)
        f->wire[i] = (uint8_t)(frame.n >> (24 - 8 * i));
    memcpy(f->wire + FRAME_HEADER, frame.p, frame.n);
    append(q, f, dropped);
    return OK;
}

struct queued_frame *frame_queue_take(struct frame_queue *q)
{
    struct queued_frame *f = q->first;
    if (!f)
        return NULL;
    q->first = f->next;
    if (!q->first)
        q->last = NULL;
    q->bytes -= f->n;
    return f;
}

void frame_queue_move(struct frame_queue *to, struct frame_queue *from, uint64_t *dropped)
{
    for (struct queued_frame *f; (f = frame_queue_take(from));)
        append(to, f, dropped);
}

void frame_queue_free(struct frame_queue *q)
{
    for (struct queued_frame *f; (f = frame_queue_take(q));)
        free(f);
}
