/* Frames waiting to be sent, header included, bounded by bytes: the oldest go first when it is
 * full. */
#ifndef IO_PEER_QUEUE_H
#define IO_PEER_QUEUE_H

#include "base/bytes.h"

struct queued_frame {
    struct queued_frame *next;
    size_t n;
    uint8_t wire[];
};

struct frame_queue {
    struct queued_frame *first, *last;
    size_t bytes, max;
};

/* Appends, after dropping as many of the oldest as needed, counted in *dropped. E_NOMEM. */
enum err frame_queue_add(struct frame_queue *q, struct bytes frame, uint64_t *dropped);
/* The oldest, to be freed by the caller; NULL if there is none. */
struct queued_frame *frame_queue_take(struct frame_queue *q);
/* Puts all of `from` behind what `to` has, under to's bound. */
void frame_queue_move(struct frame_queue *to, struct frame_queue *from, uint64_t *dropped);
void frame_queue_free(struct frame_queue *q);

#endif
