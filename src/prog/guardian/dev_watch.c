#include "prog/guardian/dev_watch.h"
#include "prog/guardian/ask.h"
#include "prog/guardian/say.h"

#include <stdio.h>
#include <time.h>

#define POLL_MS  50
#define ANSWER_S 2

static uint64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void rest(void)
{
    nanosleep(&(struct timespec){0, POLL_MS * 1000000}, NULL);
}

double watch_seconds(const struct watch *w)
{
    return (double)(mono_ms() - w->begin) / 1000;
}

struct watch watch_begin(const struct call *call, const struct dev *d, const struct settings *s)
{
    uint64_t now = mono_ms();
    return (struct watch){.call = call,
                          .dev = d,
                          .settings = s,
                          .begin = now,
                          .end = now + 1000 * call_count(call, "wait")};
}

static void show(struct watch *w, size_t i, const char *text)
{
    if (strcmp(w->shown[i], text) == 0)
        return;
    snprintf(w->shown[i], sizeof w->shown[i], "%s", text);
    say_step(w->call, "%7.2f s  guardian %zu: %s", watch_seconds(w), i, text);
}

static bool says(const json_t *v, const char *name)
{
    bool is = false;
    return json_to_bool(json_member(v, name), &is) == true && is;
}

static void show_health(struct watch *w, size_t i, const json_t *v)
{
    char text[96];
    const char *status = json_str(json_member(v, "status"));
    const char *root = json_str(json_member(v, "root_id"));
    snprintf(text, sizeof text, "%s%s%s", status ? status : "?",
             says(v, "share") ? ", holds a share" : "",
             says(v, "root_certificate") ? ", has the root certificate" : "");
    show(w, i, text);
    if (root && root[0] && !w->root_shown) {
        say_step(w->call, "%7.2f s  the root is made: %.16s...", watch_seconds(w), root);
        w->root_shown = true;
    }
}

static bool is_serving_status(const char *status)
{
    return status && (strcmp(status, "LEADER") == 0 || strcmp(status, "FOLLOWER") == 0);
}

/* Whether guardian i takes part in a cluster of at least `size` with a root, and is ready. */
static bool serves(struct watch *w, size_t i, uint64_t size)
{
    json_t *v = NULL;
    uint64_t members = 0;
    if (ask_health(w->settings, i, ANSWER_S, &v, NULL) != OK)
        return false;
    show_health(w, i, v);
    const char *root = json_str(json_member(v, "root_id"));
    bool good = is_serving_status(json_str(json_member(v, "status"))) && root && root[0] &&
                json_to_uint(json_member(v, "cluster_size"), &members) && members >= size;
    json_free(v);
    return good && ask_ready(w->settings, i, ANSWER_S, NULL) == OK;
}

static enum err check_runs(const struct watch *w, size_t i, struct problem *p)
{
    struct daemon daemon;
    char words[200];
    dev_daemon(w->dev, i, &daemon);
    if (daemon_pid(&daemon))
        return OK;
    daemon_last_words(&daemon, words, sizeof words);
    return problem(p, E_NOT_READY, "guardian %zu ended: %.180s", i, words);
}

static enum err too_late(const struct watch *w, size_t i, struct problem *p)
{
    return problem(p, E_NOT_READY,
                   "guardian %zu does not serve yet (%s); see %.100s/guardian-%zu/log", i,
                   w->shown[i][0] ? w->shown[i] : "no answer", w->dev->dir, i);
}

enum err watch_serving(struct watch *w, size_t first, size_t n, uint64_t size, struct problem *p)
{
    for (;;) {
        size_t missing = n;
        for (size_t i = first; i < n; i++) {
            if (serves(w, i, size))
                continue;
            TRY(check_runs(w, i, p));
            missing = missing == n ? i : missing;
        }
        if (missing == n)
            return OK;
        if (mono_ms() > w->end)
            return too_late(w, missing, p);
        rest();
    }
}
