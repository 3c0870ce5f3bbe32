#include "io/loop/loop_int.h"

#include "base/bug.h"

#include <time.h>

struct timer {
    uv_timer_t uv;
    void (*fire)(void *ctx);
    void *ctx;
};

struct loop_signal {
    uv_signal_t uv;
    void (*caught)(void *ctx, int signal);
    void *ctx;
};

struct watch {
    uv_poll_t uv;
    void (*ready)(void *ctx, bool readable, bool writable);
    void *ctx;
};

struct work {
    uv_work_t uv;
    void (*run)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};

enum err uv_err(int status)
{
    if (status >= 0)
        return OK;
    return status == UV_ENOMEM ? E_NOMEM : E_IO;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

enum err loop_open(struct loop **out)
{
    *out = NULL;
    struct loop *l = calloc(1, sizeof *l);
    if (!l)
        return E_NOMEM;
    enum err e = uv_err(uv_loop_init(&l->uv));
    if (e != OK) {
        free(l);
        return e;
    }
    *out = l;
    return OK;
}

void loop_run(struct loop *l)
{
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
    uv_stop(&l->uv);
}

static void nothing(void *ctx) {}

bool loop_run_until(struct loop *l, bool (*done)(void *ctx), void *ctx, uint64_t limit_ms)
{
    struct timer *alarm;
    if (timer_open(l, nothing, NULL, &alarm) != OK)
        return false;
    timer_start(alarm, limit_ms);
    while (!done(ctx) && timer_is_active(alarm))
        uv_run(&l->uv, UV_RUN_ONCE);
    timer_close(alarm);
    return done(ctx);
}

static void is_left_open(uv_handle_t *handle, void *any)
{
    *(bool *)any |= !uv_is_closing(handle);
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    bool any = false;
    uv_walk(&l->uv, is_left_open, &any);
    GD_BUG_ON(any);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    GD_BUG_ON(uv_loop_close(&l->uv) != 0);
    free(l);
}

struct now loop_now(struct loop *l)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    uv_update_time(&l->uv);
    return (struct now){
        .mono_ms = uv_now(&l->uv),
        .unix_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000,
    };
}

/* --- timers --- */

static void timer_fired(uv_timer_t *uv)
{
    struct timer *t = uv->data;
    t->fire(t->ctx);
}

enum err timer_open(struct loop *l, void (*fire)(void *ctx), void *ctx, struct timer **out)
{
    struct timer *t = calloc(1, sizeof *t);
    *out = t;
    if (!t)
        return E_NOMEM;
    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->fire = fire;
    t->ctx = ctx;
    return OK;
}

void timer_start(struct timer *t, uint64_t after_ms)
{
    /* libuv counts from the time this turn of the loop began: too early after a long callback. */
    uv_update_time(t->uv.loop);
    uv_timer_start(&t->uv, timer_fired, after_ms, 0);
}

void timer_stop(struct timer *t)
{
    uv_timer_stop(&t->uv);
}

bool timer_is_active(const struct timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->uv);
}

void timer_close(struct timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->uv, free_handle);
}

/* --- signals --- */

static void signal_fired(uv_signal_t *uv, int signal)
{
    struct loop_signal *s = uv->data;
    s->caught(s->ctx, signal);
}

enum err signal_open(struct loop *l, int signal, void (*caught)(void *ctx, int signal), void *ctx,
                     struct loop_signal **out)
{
    *out = NULL;
    struct loop_signal *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    s->caught = caught;
    s->ctx = ctx;
    enum err e = uv_err(uv_signal_init(&l->uv, &s->uv));
    if (e != OK) {
        free(s);
        return e;
    }
    s->uv.data = s;
    e = uv_err(uv_signal_start(&s->uv, signal_fired, signal));
    if (e != OK) {
        signal_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void signal_close(struct loop_signal *s)
{
    if (s)
        uv_close((uv_handle_t *)&s->uv, free_handle);
}

/* --- descriptors of others --- */

static void watch_fired(uv_poll_t *uv, int status, int events)
{
    struct watch *w = uv->data;
    bool broken = status < 0 || (events & UV_DISCONNECT);
    w->ready(w->ctx, broken || (events & UV_READABLE), !broken && (events & UV_WRITABLE));
}

enum err watch_open(struct loop *l, int fd, void (*ready)(void *ctx, bool readable, bool writable),
                    void *ctx, struct watch **out)
{
    *out = NULL;
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        return E_NOMEM;
    enum err e = uv_err(uv_poll_init(&l->uv, &w->uv, fd));
    if (e != OK) {
        free(w);
        return e;
    }
    w->uv.data = w;
    w->ready = ready;
    w->ctx = ctx;
    *out = w;
    return OK;
}

void watch_want(struct watch *w, bool readable, bool writable)
{
    int events = (readable ? UV_READABLE | UV_DISCONNECT : 0) | (writable ? UV_WRITABLE : 0);
    int status = events ? uv_poll_start(&w->uv, events, watch_fired) : uv_poll_stop(&w->uv);
    GD_BUG_ON(status != 0);
}

void watch_close(struct watch *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->uv, free_handle);
}

/* --- the worker pool --- */

static void work_run(uv_work_t *uv)
{
    struct work *w = uv->data;
    w->run(w->ctx);
}

static void work_done(uv_work_t *uv, int status)
{
    struct work *w = uv->data;
    w->done(w->ctx);
    free(w);
}

enum err loop_work(struct loop *l, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return E_NOMEM;
    *w = (struct work){.run = run, .done = done, .ctx = ctx};
    w->uv.data = w;
    enum err e = uv_err(uv_queue_work(&l->uv, &w->uv, work_run, work_done));
    if (e != OK)
        free(w);
    return e;
}
