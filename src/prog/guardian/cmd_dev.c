/* guardian dev: what there is to do with a cluster that dev up made. */
#include "prog/guardian/changes.h"
#include "prog/guardian/dev_watch.h"
#include "prog/guardian/propose.h"
#include "prog/guardian/say.h"
#include "prog/guardian/simulate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static enum err load(const struct call *call, struct dev *d, struct problem *p)
{
    char path[PATH_MAX];
    const char *dir = call_text(call, "dir");
    if (!dir)
        return problem(p, E_VALUE, "--dir is missing: the folder given to dev up");
    if (!realpath(dir, path))
        return problem(p, E_NOT_FOUND, "there is no folder %.80s", dir);
    return dev_load(path, d, p);
}

static enum err load_one(const struct call *call, struct dev *d, struct daemon *daemon,
                         struct problem *p)
{
    TRY(load(call, d, p));
    uint64_t i = call_count(call, "index");
    if (i >= d->n)
        return problem(p, E_VALUE, "there is no guardian %llu, the last is %zu",
                       (unsigned long long)i, d->n - 1);
    dev_daemon(d, (size_t)i, daemon);
    return OK;
}

static enum exit_code say_done(const struct call *call, const char *what)
{
    if (!call_flag(call, "json")) {
        printf("%s\n", what);
        return EXIT_DONE;
    }
    struct json_builder b = json_build();
    jb_text(&b, "done", what);
    return say_built(&b);
}

enum exit_code cmd_dev_down(const struct call *call)
{
    struct problem p = {0};
    struct dev d;
    enum err e = load(call, &d, &p);
    if (e != OK)
        return say_unusable(call, &p);
    e = dev_stop_all(&d, &p);
    return e == OK ? say_done(call, "stopped") : say_failed(call, e, &p);
}

enum exit_code cmd_dev_start(const struct call *call)
{
    struct problem p = {0};
    struct dev d;
    struct daemon daemon;
    enum err e = load_one(call, &d, &daemon, &p);
    if (e != OK)
        return say_unusable(call, &p);
    e = daemon_start(&daemon, &p);
    return e == OK ? say_done(call, "started") : say_failed(call, e, &p);
}

enum exit_code cmd_dev_kill(const struct call *call)
{
    struct problem p = {0};
    struct dev d;
    struct daemon daemon;
    enum err e = load_one(call, &d, &daemon, &p);
    if (e != OK)
        return say_unusable(call, &p);
    e = daemon_kill(&daemon, &p);
    return e == OK ? say_done(call, "killed") : say_failed(call, e, &p);
}

static void build_status(struct json_builder *b, const struct dev *d, size_t i)
{
    struct daemon daemon;
    dev_daemon(d, i, &daemon);
    pid_t pid = daemon_pid(&daemon);
    jb_object(b, NULL);
    jb_uint(b, "index", i);
    jb_text(b, "platform", d->platforms[i] == PLATFORM_SNP ? "snp" : "tdx");
    jb_uint(b, "api_port", dev_port(d, i, DEV_API));
    if (pid)
        jb_uint(b, "pid", (uint64_t)pid);
    else
        jb_null(b, "pid");
    jb_close(b);
}

enum exit_code cmd_dev_status(const struct call *call)
{
    static const int widths[] = {10, 10, 8, 8, 10, 0};
    struct problem p = {0};
    struct dev d;
    enum err e = load(call, &d, &p);
    if (e != OK)
        return say_unusable(call, &p);
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_array(&b, "guardians");
        for (size_t i = 0; i < d.n; i++)
            build_status(&b, &d, i);
        jb_close(&b);
        return say_built(&b);
    }
    say_row(widths, 6,
            (const char *const[]){"guardian", "platform", "api", "peers", "process", "log"});
    for (size_t i = 0; i < d.n; i++) {
        struct daemon daemon;
        char number[8], api[8], peers[8], pid[24];
        dev_daemon(&d, i, &daemon);
        pid_t process = daemon_pid(&daemon);
        snprintf(number, sizeof number, "%zu", i);
        snprintf(api, sizeof api, "%u", dev_port(&d, i, DEV_API));
        snprintf(peers, sizeof peers, "%u", dev_port(&d, i, DEV_PEERS));
        snprintf(pid, sizeof pid, process ? "%ld" : "down", (long)process);
        say_row(widths, 6,
                (const char *const[]){number, d.platforms[i] == PLATFORM_SNP ? "snp" : "tdx", api,
                                      peers, pid, daemon.log_file});
    }
    return EXIT_DONE;
}

/* ---- dev add ---- */

static enum exit_code say_added(const struct call *call, const struct dev *d, bool member)
{
    struct dev_seat s = dev_seat(d, d->n - 1);
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_uint(&b, "index", d->n - 1);
        jb_bool(&b, "member", member);
        jb_text(&b, "operator", s.operator);
        jb_text(&b, "vendor", s.vendor);
        jb_text(&b, "platform_id", s.platform_id);
        jb_text(&b, "peer", s.peer);
        jb_text(&b, "api", s.api);
        return say_built(&b);
    }
    if (member) {
        printf("guardian %zu is a member\n", d->n - 1);
        return EXIT_DONE;
    }
    printf("guardian %zu waits for a seat:\n\n"
           "  guardian --dir %s seat add --operator %s --vendor %s --platform-id %s \\\n"
           "      --peer %s --api %s\n",
           d->n - 1, d->dir, s.operator, s.vendor, s.platform_id, s.peer, s.api);
    return EXIT_DONE;
}

static enum err propose_seat(const struct call *call, const struct dev *d, struct settings *s,
                             struct problem *p)
{
    struct dev_seat seat = dev_seat(d, d->n - 1);
    struct change_seat shape = {seat.gid, seat.operator, seat.vendor, seat.platform_id, seat.peer,
                                seat.api};
    struct proposal_answer answer;
    struct draft draft = {0};
    json_t *change = NULL;
    enum err e;
    TRY_OUT(change_seat_add(&shape, &change));
    TRY_OUT(propose_find_root(call, s, p));
    draft_make(change, s->root_id, propose_now() + 600, rng_system(), &draft);
    TRY_OUT(propose_sign_folder(d->dir, &draft, p));
    TRY_OUT(propose_post(call, s, &draft, &answer, p));
out:
    json_free(change);
    draft_free(&draft);
    return e;
}

static enum err add_guardian(const struct call *call, struct dev *d, struct settings *s,
                             struct problem *p)
{
    struct daemon daemon;
    if (d->n == DEV_GUARDIANS_MAX)
        return problem(p, E_VALUE, "there are %d guardians already", DEV_GUARDIANS_MAX);
    d->platforms[d->n++] = simulate_platform(call_text(call, "platform"));
    TRY(dev_write_guardian(d, d->n - 1, p));
    TRY(dev_save(d, p));
    dev_daemon(d, d->n - 1, &daemon);
    TRY(daemon_start(&daemon, p));
    TRY(dev_write_client(d, p));
    return settings_read(d->dir, s, p);
}

enum exit_code cmd_dev_add(const struct call *call)
{
    struct problem p = {0};
    struct dev d;
    struct settings s;
    bool seat = call_flag(call, "seat");
    enum err e = load(call, &d, &p);
    if (e != OK)
        return say_unusable(call, &p);
    TRY_OUT(add_guardian(call, &d, &s, &p));
    struct watch w = watch_begin(call, &d, &s);
    w.root_shown = true;
    if (seat) {
        TRY_OUT(propose_seat(call, &d, &s, &p));
        TRY_OUT(watch_serving(&w, d.n - 1, d.n, d.n, &p));
    }
out:
    return e == OK ? say_added(call, &d, seat) : say_failed(call, e, &p);
}
