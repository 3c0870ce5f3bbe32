/*
 * Frames on a peer link: a u32 length, big-endian, then so many bytes. An empty
 * frame is malformed. Memory grows with what has come, not with what a length
 * claims.
 */
#ifndef IO_PEER_FRAME_H
#define IO_PEER_FRAME_H

#include "base/bytes.h"

#define FRAME_HEADER 4

struct framer {
    uint32_t max; /* bytes of a frame, header not counted; may be changed at any time */
    uint8_t header[FRAME_HEADER];
    size_t have; /* of the header */
    uint32_t want;
    struct buf body;
};

void framer_init(struct framer *f, uint32_t max);
void framer_free(struct framer *f);
/*
 * Takes bytes from the front of *in up to the end of a frame. *frame is then
 * the frame (non-empty; the caller frees it), else empty. E_MALFORMED for an
 * empty frame, E_TOO_LARGE; then the link can only be closed.
 */
enum err framer_feed(struct framer *f, struct bytes *in, struct buf *frame);

#endif
