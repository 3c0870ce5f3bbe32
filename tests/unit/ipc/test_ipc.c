#include "io/ipc/ipc.h"
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct ends {
    struct ipc a, b;
};

static struct ends connect_ends(void)
{
    struct ends e;
    int fds[2];
    assert_ok(ipc_pair(fds));
    assert_ok(ipc_open(&e.a, fds[0]));
    assert_ok(ipc_open(&e.b, fds[1]));
    return e;
}

static void close_ends(struct ends *e)
{
    ipc_close(&e->a);
    ipc_close(&e->b);
}

static void a_length_above_the_limit_closes_the_channel(void **state)
{
    struct ends e = connect_ends();
    const uint8_t header[] = {0x01, 0, 0, 1, 7};
    assert_int_equal(write(e.a.fd, header, sizeof header), sizeof header);
    assert_err(ipc_pump(&e.b), E_MALFORMED);
    assert_false(ipc_is_open(&e.b));
    struct ipc_frame frame;
    assert_false(ipc_next_frame(&e.b, &frame));
    assert_err(ipc_send(&e.b, 1, BYTES_NONE), E_IO);
    assert_int_equal(ipc_events(&e.b), 0);
    close_ends(&e);
}

static void a_bad_header_behind_a_good_frame_closes_the_channel(void **state)
{
    struct ends e = connect_ends();
    const uint8_t bytes_[] = {0, 0, 0, 1, 7, 'x', 0xff, 0xff, 0xff, 0xff, 0};
    assert_int_equal(write(e.a.fd, bytes_, sizeof bytes_), sizeof bytes_);
    assert_ok(ipc_pump(&e.b));
    struct ipc_frame frame;
    assert_true(ipc_next_frame(&e.b, &frame));
    assert_int_equal(frame.type, 7);
    assert_false(ipc_next_frame(&e.b, &frame));
    assert_false(ipc_is_open(&e.b));
    close_ends(&e);
}

static void an_end_inside_a_frame_is_malformed(void **state)
{
    const uint8_t part[] = {0, 0, 0, 3, 7, 'x', 'y'};
    for (size_t n = 1; n <= sizeof part; n++) {
        struct ends e = connect_ends();
        assert_int_equal(write(e.a.fd, part, n), n);
        ipc_close(&e.a);
        assert_ok(ipc_pump(&e.b));
        assert_err(ipc_pump(&e.b), E_MALFORMED);
        close_ends(&e);
    }
}

static void frames_before_the_end_can_still_be_taken(void **state)
{
    struct ends e = connect_ends();
    assert_ok(ipc_send(&e.a, 1, bytes_str("one")));
    assert_ok(ipc_send(&e.a, 2, BYTES_NONE));
    assert_ok(ipc_flush(&e.a));
    ipc_close(&e.a);
    struct ipc_frame frame;
    assert_ok(ipc_pump(&e.b));
    assert_true(ipc_next_frame(&e.b, &frame));
    assert_true(bytes_eq(frame.body, bytes_str("one")));
    assert_true(ipc_next_frame(&e.b, &frame));
    assert_int_equal(frame.type, 2);
    assert_int_equal(frame.body.n, 0);
    assert_false(ipc_next_frame(&e.b, &frame));
    assert_err(ipc_pump(&e.b), E_IO);
    assert_false(ipc_is_open(&e.b));
    close_ends(&e);
}

static void sending_to_who_has_gone_fails_without_a_signal(void **state)
{
    struct ends e = connect_ends();
    ipc_close(&e.b);
    assert_ok(ipc_send(&e.a, 1, bytes_str("anyone?")));
    assert_err(ipc_flush(&e.a), E_IO);
    assert_false(ipc_is_open(&e.a));
    close_ends(&e);
}

static void output_has_a_limit_and_a_refusal_changes_nothing(void **state)
{
    struct ends e = connect_ends();
    uint8_t *body = calloc(1, IPC_BODY_MAX + 1);
    assert_err(ipc_send(&e.a, 1, bytes(body, IPC_BODY_MAX + 1)), E_TOO_LARGE);
    for (int i = 0; i < 4; i++)
        assert_ok(ipc_send(&e.a, 1, bytes(body, IPC_BODY_MAX)));
    size_t queued = e.a.out.n;
    assert_err(ipc_send(&e.a, 1, BYTES_NONE), E_NOT_READY);
    assert_int_equal(e.a.out.n, queued);
    assert_int_equal(ipc_events(&e.a), POLLIN | POLLOUT);
    free(body);
    close_ends(&e);
}

static void a_byte_at_a_time_gives_the_same_frames(void **state)
{
    struct ends e = connect_ends();
    const uint8_t stream[] = {0, 0, 0, 2, 9, 'h', 'i', 0, 0, 0, 0, 8};
    int frames = 0;
    for (size_t i = 0; i < sizeof stream; i++) {
        struct ipc_frame frame;
        assert_int_equal(write(e.a.fd, &stream[i], 1), 1);
        assert_ok(ipc_pump(&e.b));
        while (ipc_next_frame(&e.b, &frame)) {
            frames++;
            assert_int_equal(frame.type, frames == 1 ? 9 : 8);
            assert_int_equal(frame.body.n, frames == 1 ? 2 : 0);
        }
    }
    assert_int_equal(frames, 2);
    close_ends(&e);
}

/* Moves everything queued in `from` over, and checks sizes and content. */
static void move_frames(struct ends *e, const size_t *sizes, size_t n)
{
    size_t got = 0;
    while (got < n) {
        struct ipc_frame frame;
        assert_ok(ipc_flush(&e->a));
        assert_ok(ipc_pump(&e->b));
        while (ipc_next_frame(&e->b, &frame)) {
            assert_int_equal(frame.body.n, sizes[got]);
            assert_int_equal(frame.type, got % 256);
            for (size_t i = 0; i < frame.body.n; i += 997)
                assert_int_equal(frame.body.p[i], (uint8_t)(i * 31 + got));
            got++;
        }
    }
}

static void large_and_small_frames_arrive_whole_and_in_order(void **state)
{
    static const size_t sizes[] = {0, 1, 65531, 65536, 300000, 3, IPC_BODY_MAX, 17, 5 << 20};
    enum { N = sizeof sizes / sizeof *sizes };
    struct ends e = connect_ends();
    uint8_t *body = malloc(IPC_BODY_MAX);
    for (int round = 0; round < 2; round++) {
        for (size_t k = 0; k < N; k++) {
            for (size_t i = 0; i < sizes[k]; i++)
                body[i] = (uint8_t)(i * 31 + k);
            assert_ok(ipc_send(&e.a, (uint8_t)k, bytes(body, sizes[k])));
        }
        move_frames(&e, sizes, N);
    }
    free(body);
    close_ends(&e);
}

/* --- the loop --- */

struct echo {
    struct ipc_loop loop;
    int frames, closed;
    enum err why;
    uint64_t turns;
};

static void answer(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    ((struct echo *)ctx)->frames++;
    assert_ok(ipc_send(c, (uint8_t)(frame->type + 1), frame->body));
}

static void note_closed(void *ctx, struct ipc *c, enum err e)
{
    struct echo *echo = ctx;
    echo->closed++;
    echo->why = e;
    echo->loop.stop = true;
}

static int64_t count_turn(void *ctx, struct now now)
{
    ((struct echo *)ctx)->turns++;
    return 5;
}

static void echo_until_closed(int fd)
{
    struct ipc c;
    struct echo echo = {.loop = {.turn = count_turn, .ctx = &echo}};
    if (ipc_open(&c, fd) != OK)
        _exit(1);
    ipc_loop_add(&echo.loop, &c, (struct ipc_handler){answer, note_closed, &echo});
    enum err e = ipc_loop_run(&echo.loop);
    bool good = e == OK && echo.frames == 50 && echo.closed == 1 && echo.why == E_IO;
    _exit(good && echo.turns > 0 ? 0 : 1);
}

static void the_loop_serves_a_channel_until_it_closes(void **state)
{
    int fds[2], status;
    assert_ok(ipc_pair(fds));
    pid_t child = fork();
    if (child == 0) {
        close(fds[0]);
        echo_until_closed(fds[1]);
    }
    close(fds[1]);
    struct ipc c;
    assert_ok(ipc_open(&c, fds[0]));
    for (uint8_t i = 0; i < 50; i++)
        assert_ok(ipc_send(&c, i, BYTES_OF("a request")));
    int answers = 0;
    while (answers < 50) {
        struct pollfd p = {.fd = ipc_fd(&c), .events = ipc_events(&c)};
        assert_int_equal(poll(&p, 1, 10000), 1);
        assert_ok(ipc_flush(&c));
        assert_ok(ipc_pump(&c));
        struct ipc_frame frame;
        while (ipc_next_frame(&c, &frame))
            assert_int_equal(frame.type, ++answers);
    }
    ipc_close(&c);
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int64_t stop_at_third(void *ctx, struct now now)
{
    struct echo *echo = ctx;
    assert_true(now.mono_ms > 0 && now.unix_ms > 1600000000000);
    echo->loop.stop = ++echo->turns == 3;
    return 1;
}

static void the_loop_turns_without_any_channel(void **state)
{
    struct echo echo = {.loop = {.turn = stop_at_third, .ctx = &echo}};
    assert_ok(ipc_loop_run(&echo.loop));
    assert_int_equal(echo.turns, 3);
}

/* Would sleep for a minute if nothing woke it. */
static int64_t stop_when_woken(void *ctx, struct now now)
{
    struct echo *echo = ctx;
    echo->loop.stop = ++echo->turns == 2;
    return 60000;
}

static void another_descriptor_wakes_the_loop(void **state)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    struct echo echo = {.loop = {.turn = stop_when_woken, .ctx = &echo, .wake = fds[0]}};
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_ok(ipc_loop_run(&echo.loop));
    assert_int_equal(echo.turns, 2);
    close(fds[0]);
    close(fds[1]);
}

static void the_loop_reports_a_broken_format_once(void **state)
{
    struct ends e = connect_ends();
    struct echo echo = {0};
    const uint8_t header[] = {0xff, 0, 0, 1, 7};
    assert_int_equal(write(e.a.fd, header, sizeof header), sizeof header);
    ipc_loop_add(&echo.loop, &e.b, (struct ipc_handler){answer, note_closed, &echo});
    assert_ok(ipc_loop_run(&echo.loop));
    assert_int_equal(echo.closed, 1);
    assert_int_equal(echo.loop.n, 0);
    assert_err(echo.why, E_MALFORMED);
    close_ends(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_above_the_limit_closes_the_channel),
        cmocka_unit_test(a_bad_header_behind_a_good_frame_closes_the_channel),
        cmocka_unit_test(an_end_inside_a_frame_is_malformed),
        cmocka_unit_test(frames_before_the_end_can_still_be_taken),
        cmocka_unit_test(sending_to_who_has_gone_fails_without_a_signal),
        cmocka_unit_test(output_has_a_limit_and_a_refusal_changes_nothing),
        cmocka_unit_test(a_byte_at_a_time_gives_the_same_frames),
        cmocka_unit_test(large_and_small_frames_arrive_whole_and_in_order),
        cmocka_unit_test(the_loop_serves_a_channel_until_it_closes),
        cmocka_unit_test(the_loop_turns_without_any_channel),
        cmocka_unit_test(another_descriptor_wakes_the_loop),
        cmocka_unit_test(the_loop_reports_a_broken_format_once),
    };
    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
