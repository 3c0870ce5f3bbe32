#include "io/loop/loop.h"
#include "test.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static bool flag_is_set(void *flag)
{
    return *(bool *)flag;
}

static bool never(void *ctx)
{
    return false;
}

static void set_flag(void *flag)
{
    *(bool *)flag = true;
}

static void loop_run_until_gives_up_at_its_limit(void **state)
{
    struct loop *l;
    assert_ok(loop_open(&l));
    uint64_t start = loop_now(l).mono_ms;
    assert_false(loop_run_until(l, never, NULL, 20));
    assert_true(loop_now(l).mono_ms - start >= 20);
    loop_close(l);
}

struct two {
    struct timer *first, *second;
    int fired;
};

static void first_fired(void *ctx)
{
    struct two *t = ctx;
    t->fired++;
    timer_close(t->first);
    timer_close(t->second);
    t->first = t->second = NULL;
}

static void second_fired(void *ctx)
{
    ((struct two *)ctx)->fired += 100;
}

static void a_closed_timer_does_not_fire_even_when_due(void **state)
{
    struct loop *l;
    assert_ok(loop_open(&l));
    struct two t = {0};
    assert_ok(timer_open(l, first_fired, &t, &t.first));
    assert_ok(timer_open(l, second_fired, &t, &t.second));
    timer_start(t.first, 1);
    timer_start(t.second, 1);
    assert_true(timer_is_active(t.second));
    loop_run(l);
    assert_int_equal(t.fired, 1);
    loop_close(l);
}

static void a_timer_started_again_moves_and_a_stopped_one_rests(void **state)
{
    struct loop *l;
    assert_ok(loop_open(&l));
    bool late = false, stopped = false;
    struct timer *a, *b;
    assert_ok(timer_open(l, set_flag, &late, &a));
    assert_ok(timer_open(l, set_flag, &stopped, &b));
    timer_start(a, 60000);
    timer_start(a, 1);
    timer_start(b, 1);
    timer_stop(b);
    assert_true(loop_run_until(l, flag_is_set, &late, 5000));
    assert_false(stopped);
    timer_close(a);
    timer_close(b);
    loop_close(l);
}

static void caught_signal(void *ctx, int signal)
{
    *(bool *)ctx = signal == SIGUSR1;
}

static void a_signal_arrives_on_the_loop(void **state)
{
    struct loop *l;
    struct loop_signal *s;
    bool caught = false;
    assert_ok(loop_open(&l));
    assert_ok(signal_open(l, SIGUSR1, caught_signal, &caught, &s));
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_true(loop_run_until(l, flag_is_set, &caught, 5000));
    signal_close(s);
    loop_close(l);
}

struct pair {
    int fd;
    bool readable, writable;
};

static void pair_ready(void *ctx, bool readable, bool writable)
{
    struct pair *p = ctx;
    p->readable |= readable;
    p->writable |= writable;
}

static void a_watched_descriptor_tells_data_space_and_hangup(void **state)
{
    struct loop *l;
    struct watch *w;
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct pair p = {.fd = fds[0]};
    assert_ok(loop_open(&l));
    assert_ok(watch_open(l, fds[0], pair_ready, &p, &w));
    watch_want(w, true, true);
    assert_true(loop_run_until(l, flag_is_set, &p.writable, 5000));
    assert_false(p.readable);
    watch_want(w, true, false);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_true(loop_run_until(l, flag_is_set, &p.readable, 5000));
    char c;
    assert_int_equal(read(fds[0], &c, 1), 1);
    p.readable = false;
    close(fds[1]);
    assert_true(loop_run_until(l, flag_is_set, &p.readable, 5000));
    watch_close(w);
    close(fds[0]);
    loop_close(l);
}

struct job {
    int value;
    bool done;
};

static void job_run(void *ctx)
{
    ((struct job *)ctx)->value = 7;
}

static void job_done(void *ctx)
{
    ((struct job *)ctx)->done = true;
}

static void work_runs_in_the_pool_and_ends_on_the_loop(void **state)
{
    struct loop *l;
    struct job j = {0};
    assert_ok(loop_open(&l));
    assert_ok(loop_work(l, job_run, job_done, &j));
    assert_true(loop_run_until(l, flag_is_set, &j.done, 5000));
    assert_int_equal(j.value, 7);
    loop_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_run_until_gives_up_at_its_limit),
        cmocka_unit_test(a_closed_timer_does_not_fire_even_when_due),
        cmocka_unit_test(a_timer_started_again_moves_and_a_stopped_one_rests),
        cmocka_unit_test(a_signal_arrives_on_the_loop),
        cmocka_unit_test(a_watched_descriptor_tells_data_space_and_hangup),
        cmocka_unit_test(work_runs_in_the_pool_and_ends_on_the_loop),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
