/* io/peer/frame.h: frames are the same however they are cut, and written back give the input. */
#include "fuzz.h"
#include "io/peer/frame.h"
#include "io/peer/queue.h"

#define MAX 300

/* Appends the frames found, as they would be sent, to out. */
static enum err split(struct bytes in, size_t piece, struct buf *out)
{
    struct framer f;
    struct frame_queue q = {.max = 1 << 20};
    uint64_t dropped = 0;
    enum err e = OK;
    framer_init(&f, MAX);
    while (in.n > 0 && e == OK) {
        struct bytes part = bytes(in.p, in.n < piece ? in.n : piece);
        size_t before = part.n;
        struct buf frame;
        e = framer_feed(&f, &part, &frame);
        FUZZ_REQUIRE(e == OK || frame.n == 0);
        FUZZ_REQUIRE(frame.n <= MAX && f.body.n <= MAX);
        FUZZ_REQUIRE(e != OK || part.n < before);
        in = bytes(in.p + (before - part.n), in.n - (before - part.n));
        if (frame.n > 0)
            FUZZ_REQUIRE(frame_queue_add(&q, buf_bytes(&frame), &dropped) == OK);
        buf_free(&frame);
    }
    for (struct queued_frame *w; (w = frame_queue_take(&q)); free(w))
        FUZZ_REQUIRE(buf_add(out, w->wire, w->n) == OK);
    FUZZ_REQUIRE(dropped == 0 && q.bytes == 0);
    framer_free(&f);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT(2 << 20), single = BUF_INIT(2 << 20);
    if (size > 1 << 16)
        return 0;
    enum err e = split(bytes(data, size), size, &whole);
    FUZZ_REQUIRE(split(bytes(data, size), 1, &single) == e);
    FUZZ_REQUIRE(bytes_eq(buf_bytes(&whole), buf_bytes(&single)));
    FUZZ_REQUIRE(whole.n <= size && bytes_eq(buf_bytes(&whole), bytes(data, whole.n)));
    buf_free(&whole);
    buf_free(&single);
    return 0;
}
