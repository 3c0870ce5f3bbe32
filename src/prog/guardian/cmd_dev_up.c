/* guardian dev up: a cluster of simulated guardians on this machine. */
#include "prog/guardian/attest.h"
#include "prog/guardian/dev_watch.h"
#include "prog/guardian/say.h"
#include "prog/guardian/simulate.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ATTEST_TIMEOUT_S 10

static enum err parse_platforms(const struct call *call, struct dev *d, struct problem *p)
{
    const char *at = call_text(call, "platforms");
    for (size_t i = 0; i < d->n; i++) {
        char word[8];
        size_t n = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", n < sizeof word ? (int)n : 0, at);
        d->platforms[i] = simulate_platform(word);
        if (d->platforms[i] == PLATFORM_NONE)
            return problem(p, E_VALUE, "--platforms must be tdx and snp, separated by commas");
        if (at[n] && i + 1 == d->n)
            return problem(p, E_VALUE, "--platforms names more than %zu guardians", d->n);
        at += at[n] ? n + 1 : 0;
    }
    return OK;
}

static enum err new_dev(const struct call *call, struct dev *d, struct problem *p)
{
    const char *dir = call_text(call, "dir");
    char path[PATH_MAX];
    *d = (struct dev){.base_port = (uint16_t)call_count(call, "base-port"),
                      .n = (size_t)call_count(call, "guardians"),
                      .has_f = call_has(call, "f")};
    d->founders = d->n;
    if (d->has_f)
        d->f = (uint32_t)call_count(call, "f");
    /* q = ceil((N+f+1)/2) votes must be there when all N are (design.md section 2). */
    if (d->has_f && 3 * (size_t)d->f + 1 > d->n)
        return problem(p, E_VALUE, "%zu guardians bear no %u liars: N must be at least 3f+1", d->n,
                       d->f);
    if (!dir)
        return problem(p, E_VALUE, "--dir is missing: where the cluster's files go");
    TRY(folder_make(dir, p));
    if (!realpath(dir, path) || strlen(path) >= sizeof d->dir)
        return problem(p, E_VALUE, "the folder %.80s can't be used", dir);
    snprintf(d->dir, sizeof d->dir, "%s", path);
    if (dev_port(d, d->n, DEV_OBSERVABILITY) < d->base_port)
        return problem(p, E_VALUE, "--base-port leaves no room for %zu guardians", d->n);
    return parse_platforms(call, d, p);
}

/* Better said here than found in a log: who else listens there would also be asked and attested. */
static enum err check_port(uint16_t port, struct problem *p)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0)
        return problem(p, E_IO, "cannot make a socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    enum err e =
        bind(fd, (struct sockaddr *)&at, sizeof at) == 0
            ? OK
            : problem(p, E_IO, "port %u: %s; choose another --base-port", port, strerror(errno));
    close(fd);
    return e;
}

static enum err check_ports(const struct dev *d, size_t i, struct problem *p)
{
    for (int which = DEV_API; which <= DEV_OBSERVABILITY; which++)
        TRY(check_port(dev_port(d, i, (enum dev_port)which), p));
    return OK;
}

static enum err start_all(const struct dev *d, struct problem *p)
{
    for (size_t i = 0; i < d->n; i++) {
        struct daemon daemon;
        dev_daemon(d, i, &daemon);
        if (daemon_pid(&daemon))
            continue;
        TRY(check_ports(d, i, p));
        TRY(daemon_start(&daemon, p));
    }
    return OK;
}

static enum exit_code say_up(const struct call *call, const struct dev *d, const struct settings *s)
{
    char api[64];
    snprintf(api, sizeof api, "https://127.0.0.1:%u", dev_port(d, 0, DEV_API));
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_text(&b, "dir", d->dir);
        jb_uint(&b, "guardians", d->n);
        jb_text(&b, "api", api);
        jb_hex(&b, "cluster_id", BYTES_OF(s->cluster_id.b));
        jb_hex(&b, "root_id", BYTES_OF(s->root_id.b));
        return say_built(&b);
    }
    printf("%zu guardians serve; the root certificate is pinned in %s/root.pem\n\n"
           "  guardian --dir %s status\n"
           "  guardian --dir %s namespace create k8s-staging\n"
           "  curl --cacert %s/root.pem %s/health\n"
           "  guardian --dir %s dev down\n",
           d->n, d->dir, d->dir, d->dir, d->dir, api, d->dir);
    return EXIT_DONE;
}

static enum err bring_up(const struct call *call, const struct dev *d, struct settings *s,
                         struct problem *p)
{
    TRY(settings_read(d->dir, s, p));
    struct watch w = watch_begin(call, d, s);
    say_step(call, "%7.2f s  starting %zu guardians", 0.0, d->n);
    TRY(start_all(d, p));
    TRY(watch_serving(&w, 0, d->n, d->founders, p));
    TRY(attest_folder(d->dir, s->guardians[0].api, ATTEST_TIMEOUT_S, s, p));
    say_step(call, "%7.2f s  guardian 0 attested, root certificate pinned", watch_seconds(&w));
    return OK;
}

/* A folder that has a cluster keeps it: dev up starts it again, and can't change it. */
static enum err use_existing(const struct call *call, struct dev *d, struct problem *p)
{
    static const char *const settled[] = {"guardians", "platforms", "base-port", "f"};
    struct dev old;
    TRY(dev_load(d->dir, &old, p));
    for (size_t i = 0; i < sizeof settled / sizeof *settled; i++)
        if (call_has(call, settled[i]))
            return problem(p, E_NOT_ALLOWED,
                           "there is a cluster in %.100s already: without --%s dev up starts it",
                           d->dir, settled[i]);
    *d = old;
    return OK;
}

static enum err prepare(const struct call *call, struct dev *d, struct problem *p)
{
    char program[FILE_PATH_MAX], path[FILE_PATH_MAX];
    TRY(daemon_program(program, sizeof program, p));
    TRY(path_join(path, d->dir, "dev.json", p));
    return file_exists(path) ? use_existing(call, d, p) : dev_write_all(d, p);
}

enum exit_code cmd_dev_up(const struct call *call)
{
    struct problem p = {0};
    struct dev d;
    struct settings s;
    enum err e = new_dev(call, &d, &p);
    if (e != OK)
        return say_unusable(call, &p);
    e = prepare(call, &d, &p);
    if (e != OK)
        return say_failed(call, e, &p);
    e = bring_up(call, &d, &s, &p);
    if (e != OK && dev_stop_all(&d, NULL) != OK)
        say_step(call, "not all guardians could be stopped");
    return e == OK ? say_up(call, &d, &s) : say_failed(call, e, &p);
}
