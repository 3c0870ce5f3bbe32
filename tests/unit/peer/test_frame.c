#include "io/peer/frame.h"
#include "io/peer/queue.h"
#include "test.h"

static enum err feed_all(struct framer *f, struct bytes in, size_t piece, size_t *frames,
                         struct buf *last)
{
    while (in.n > 0) {
        struct bytes part = bytes(in.p, in.n < piece ? in.n : piece);
        size_t before = part.n;
        struct buf frame;
        TRY(framer_feed(f, &part, &frame));
        in = bytes(in.p + (before - part.n), in.n - (before - part.n));
        if (frame.n > 0) {
            ++*frames;
            buf_free(last);
            *last = frame;
        }
    }
    return OK;
}

static void empty_and_oversized_frames_are_refused(void **state)
{
    static const uint8_t empty[] = {0, 0, 0, 0}, large[] = {0, 0, 0, 6},
                         huge[] = {255, 255, 255, 255};
    const struct {
        struct bytes in;
        enum err e;
    } wrong[] = {{BYTES_OF(empty), E_MALFORMED},
                 {BYTES_OF(large), E_TOO_LARGE},
                 {BYTES_OF(huge), E_TOO_LARGE}};
    for (size_t i = 0; i < 3; i++) {
        struct framer f;
        struct bytes in = wrong[i].in;
        struct buf frame;
        framer_init(&f, 5);
        assert_err(framer_feed(&f, &in, &frame), wrong[i].e);
        assert_int_equal(frame.n, 0);
        framer_free(&f);
    }
}

static void frames_are_found_however_they_are_cut(void **state)
{
    static const uint8_t in[] = {0,   0,   0,   1,   'a', 0, 0, 0, 5,  'h',
                                 'e', 'l', 'l', 'o', 0,   0, 0, 2, 'x'};
    for (size_t piece = 1; piece <= sizeof in; piece++) {
        struct framer f;
        struct buf last = BUF_INIT(0);
        size_t frames = 0;
        framer_init(&f, 5);
        assert_ok(feed_all(&f, BYTES_OF(in), piece, &frames, &last));
        assert_int_equal(frames, 2);
        assert_true(bytes_eq(buf_bytes(&last), bytes_str("hello")));
        buf_free(&last);
        framer_free(&f); /* with the third half read */
    }
}

static void a_claimed_length_takes_no_memory(void **state)
{
    static const uint8_t in[] = {0, 0x80, 0, 0, 'x'};
    struct framer f;
    struct buf frame;
    struct bytes rest = BYTES_OF(in);
    framer_init(&f, 8 << 20);
    assert_ok(framer_feed(&f, &rest, &frame));
    assert_true(f.body.cap < 4096);
    framer_free(&f);
}

static void a_full_queue_drops_its_oldest(void **state)
{
    struct frame_queue q = {.max = 3 * 14};
    uint64_t dropped = 0;
    uint8_t frame[10] = {0};
    for (uint8_t i = 0; i < 5; i++) {
        frame[0] = i;
        assert_ok(frame_queue_add(&q, BYTES_OF(frame), &dropped));
    }
    assert_int_equal(dropped, 2);
    assert_int_equal(q.bytes, 42);
    for (uint8_t i = 2; i < 5; i++) {
        struct queued_frame *f = frame_queue_take(&q);
        assert_int_equal(f->n, 14);
        assert_memory_equal(f->wire, "\0\0\0\x0a", 4);
        assert_int_equal(f->wire[4], i);
        free(f);
    }
    assert_null(frame_queue_take(&q));
    assert_int_equal(q.bytes, 0);
}

static void a_moved_queue_keeps_order_and_bound(void **state)
{
    struct frame_queue from = {.max = 1000}, to = {.max = 10};
    uint64_t dropped = 0;
    assert_ok(frame_queue_add(&to, bytes_str("a"), &dropped));
    assert_ok(frame_queue_add(&from, bytes_str("b"), &dropped));
    assert_ok(frame_queue_add(&from, bytes_str("c"), &dropped));
    frame_queue_move(&to, &from, &dropped);
    assert_int_equal(dropped, 1);
    assert_null(from.first);
    struct queued_frame *f = frame_queue_take(&to);
    assert_int_equal(f->wire[4], 'b');
    free(f);
    frame_queue_free(&to);
    assert_null(to.first);
    assert_int_equal(to.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_and_oversized_frames_are_refused),
        cmocka_unit_test(frames_are_found_however_they_are_cut),
        cmocka_unit_test(a_claimed_length_takes_no_memory),
        cmocka_unit_test(a_full_queue_drops_its_oldest),
        cmocka_unit_test(a_moved_queue_keeps_order_and_bound),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
