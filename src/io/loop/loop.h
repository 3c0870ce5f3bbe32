/*
 * The event loop: one thread, callbacks, and the only clock of a process.
 *
 * This folder alone knows libuv and OpenSSL's SSL. What it hands out are opaque
 * handles with one rule for all of them: after X_close(x) returns, no callback
 * of x runs any more and x must not be used; its memory goes when libuv is done
 * with it. Everything runs on the loop's thread except the `run` function of
 * loop_work(). Callbacks may close any handle, their own included.
 *
 * Does not: start threads of its own, or keep time other than libuv's.
 */
#ifndef IO_LOOP_LOOP_H
#define IO_LOOP_LOOP_H

#include "base/err.h"
#include "base/now.h"

#include <stddef.h>

struct loop;
struct timer;
struct loop_signal;
struct watch;

enum err loop_open(struct loop **out);
/* Runs until loop_stop(), or until no handle is left. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* For tests and start-up: runs until done(ctx) is true or limit_ms passed; says which. */
bool loop_run_until(struct loop *l, bool (*done)(void *ctx), void *ctx, uint64_t limit_ms);
/* Every handle must have been closed by its owner; runs what closing left to do. l may be NULL. */
void loop_close(struct loop *l);
/* Both clocks, read now. */
struct now loop_now(struct loop *l);

/* A timer that fires once, `after_ms` after each timer_start(); starting again moves it. */
enum err timer_open(struct loop *l, void (*fire)(void *ctx), void *ctx, struct timer **out);
void timer_start(struct timer *t, uint64_t after_ms);
void timer_stop(struct timer *t);
bool timer_is_active(const struct timer *t);
/* t may be NULL, as for the other X_close() below. */
void timer_close(struct timer *t);

/* Calls `caught` on the loop's thread for each delivery of the signal. */
enum err signal_open(struct loop *l, int signal, void (*caught)(void *ctx, int signal), void *ctx,
                     struct loop_signal **out);
void signal_close(struct loop_signal *s);

/*
 * Watches a descriptor that belongs to the caller and stays open until after
 * watch_close(). `ready` is level-triggered; an error or hang-up counts as
 * readable, so that the next read tells what happened.
 */
enum err watch_open(struct loop *l, int fd, void (*ready)(void *ctx, bool readable, bool writable),
                    void *ctx, struct watch **out);
/* Starts with neither. */
void watch_want(struct watch *w, bool readable, bool writable);
void watch_close(struct watch *w);

/*
 * Runs `run` on a thread of libuv's pool, then `done` on the loop's thread.
 * `run` may touch nothing that the loop's thread touches meanwhile. Cannot be
 * cancelled: ctx lives until `done`. On failure neither is called.
 */
enum err loop_work(struct loop *l, void (*run)(void *ctx), void (*done)(void *ctx), void *ctx);

#endif
