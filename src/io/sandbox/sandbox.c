#include "io/sandbox/filter.h"

#include "base/bug.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {
    [SANDBOX_VAULT] = "vault",
    [SANDBOX_ATTEST] = "attest",
    [SANDBOX_VERIFY] = "verify",
};

/* vault needs a few MiB; with less than this its allocations would begin to fail. */
#define LOCK_LEAST ((rlim_t)256 << 20)
/* A verifier handles evidence of at most a few MiB; hostile evidence gets no more than this. */
#define VERIFY_MEMORY ((rlim_t)512 << 20)

/* --- descriptors --- */

static int by_number(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static enum err close_others(const struct sandbox_options *o, struct problem *p)
{
    int sorted[64];
    GD_BUG_ON(o->n_keep > sizeof sorted / sizeof *sorted);
    if (o->n_keep)
        memcpy(sorted, o->keep, o->n_keep * sizeof *sorted);
    qsort(sorted, o->n_keep, sizeof *sorted, by_number);
    unsigned from = 3;
    for (size_t i = 0; i <= o->n_keep; i++) {
        bool last = i == o->n_keep;
        if (!last && sorted[i] < (int)from)
            continue;
        unsigned until = last ? ~0u : (unsigned)sorted[i] - 1;
        if (from <= until && close_range(from, until, 0) != 0)
            return problem(p, E_IO, "sandbox: close_range: %s", strerror(errno));
        from = last ? from : (unsigned)sorted[i] + 1;
    }
    return OK;
}

static enum err empty_stdin(struct problem *p)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
        return problem(p, E_IO, "sandbox: /dev/null: %s", strerror(errno));
    if (fd != STDIN_FILENO)
        close(fd);
    return OK;
}

/* --- limits --- */

static enum err limit(int what, rlim_t value, struct problem *p)
{
    struct rlimit l = {value, value};
    if (setrlimit(what, &l) != 0)
        return problem(p, E_IO, "sandbox: resource limit %d: %s", what, strerror(errno));
    return OK;
}

static enum err set_limits(enum sandbox_profile profile, struct problem *p)
{
    TRY(limit(RLIMIT_CORE, 0, p));
    if (profile == SANDBOX_VERIFY && !sandbox_has_sanitizer())
        TRY(limit(RLIMIT_AS, VERIFY_MEMORY, p));
    return OK;
}

static bool has_capability(unsigned cap)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct held[2] = {0};
    return syscall(SYS_capget, &header, held) == 0 &&
           (held[cap / 32].effective >> (cap % 32) & 1) != 0;
}

/*
 * With a small limit mlockall() may work and later allocations then fail, so the
 * limit is raised; where that is not possible the capability that lifts it is kept.
 */
static bool may_lock(bool *keep_capability)
{
    struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_MEMLOCK, &l) == 0)
        return true;
    if (getrlimit(RLIMIT_MEMLOCK, &l) == 0 && l.rlim_max >= LOCK_LEAST) {
        l.rlim_cur = l.rlim_max;
        return setrlimit(RLIMIT_MEMLOCK, &l) == 0;
    }
    *keep_capability = has_capability(CAP_IPC_LOCK);
    return *keep_capability;
}

/* Locked as it is touched (MCL_ONFAULT): what was never written holds no secret. */
static bool lock_memory(bool *keep_capability)
{
    return may_lock(keep_capability) && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

/* --- with privilege --- */

/*
 * Whoever may not change its root may in a user namespace of its own, where the kernel allows one.
 * It costs the death signal, which is asked for again.
 */
static void become_root_of_nothing(void)
{
    int death_signal = 0;
    if (has_capability(CAP_SYS_CHROOT) || prctl(PR_GET_PDEATHSIG, &death_signal, 0, 0, 0) != 0)
        return;
    if (unshare(CLONE_NEWUSER) == 0)
        prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0);
}

static bool enter_root(const char *folder)
{
    return chdir(folder) == 0 && chroot(".") == 0;
}

/* A folder that no longer has a name: nothing is in it, and nothing can be put there. */
static bool enter_empty_root(void)
{
    char name[] = "/tmp/guardian-empty-XXXXXX";
    if (!mkdtemp(name))
        return false;
    bool inside = chdir(name) == 0;
    bool gone = rmdir(name) == 0;
    return inside && gone && chroot(".") == 0;
}

/* All of them, except perhaps the one that only lets this process lock its own memory. */
static enum err drop_capabilities(bool keep_ipc_lock, struct problem *p)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0 && errno != EPERM)
            return problem(p, E_IO, "sandbox: capability %d: %s", cap, strerror(errno));
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct kept[2] = {0};
    if (keep_ipc_lock)
        kept[0].effective = kept[0].permitted = 1u << CAP_IPC_LOCK;
    if (syscall(SYS_capset, &header, kept) != 0)
        return problem(p, E_IO, "sandbox: capset: %s", strerror(errno));
    return OK;
}

enum err sandbox_limit_cpu(unsigned seconds)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
        return E_IO;
    struct rlimit l = {(rlim_t)used.tv_sec + 1 + seconds, RLIM_INFINITY};
    return setrlimit(RLIMIT_CPU, &l) == 0 ? OK : E_IO;
}

/* --- all of it --- */

/* The time zone's file is read once; log lines need it even in UTC. */
static void load_lazy_things(void)
{
    tzset();
}

static enum err lock_or_refuse(const struct sandbox_options *o, struct sandbox_report *report,
                               bool *keep_capability, struct problem *p)
{
    report->locked = !sandbox_has_sanitizer() && lock_memory(keep_capability);
    if (report->locked || o->simulation)
        return OK;
    return problem(p, E_NOT_ALLOWED,
                   "vault cannot lock its memory against swap: allow it with LimitMEMLOCK=infinity"
                   " or CAP_IPC_LOCK");
}

static enum err change_root(const struct sandbox_options *o, struct sandbox_report *report,
                            struct problem *p)
{
    if (!o->root) {
        report->empty_root = enter_empty_root();
        return OK;
    }
    if (enter_root(o->root))
        return OK;
    return problem(p, E_NOT_ALLOWED, "sandbox: the root cannot be changed to %s: %s", o->root,
                   strerror(errno));
}

static enum err give_up_privileges(bool keep_ipc_lock, struct problem *p)
{
    TRY(drop_capabilities(keep_ipc_lock, p));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return problem(p, E_IO, "sandbox: prctl: %s", strerror(errno));
    return OK;
}

static const char *yes(bool v)
{
    return v ? "yes" : "no";
}

static void say(enum sandbox_profile profile, const struct sandbox_report *r)
{
    const char *calls = sandbox_has_sanitizer() ? "deny-list (sanitizer build)" : "allow-list";
    if (profile == SANDBOX_NODE)
        log_info("sandbox: node: system calls deny-list");
    else
        log_info("sandbox: %s: system calls %s, no network %s, empty root %s, memory locked %s",
                 names[profile], calls, yes(r->no_network), yes(r->empty_root), yes(r->locked));
}

enum err sandbox_enter(enum sandbox_profile profile, const struct sandbox_options *options,
                       struct sandbox_report *report, struct problem *p)
{
    bool jailed = profile != SANDBOX_NODE, keep_ipc_lock = false;
    struct sandbox_report r = {0};
    load_lazy_things();
    TRY(empty_stdin(p));
    TRY(close_others(options, p));
    TRY(set_limits(profile, p));
    if (profile == SANDBOX_VERIFY)
        become_root_of_nothing();
    if (jailed) {
        r.no_network = unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0;
        TRY(change_root(options, &r, p));
    }
    if (profile == SANDBOX_VAULT)
        TRY(lock_or_refuse(options, &r, &keep_ipc_lock, p));
    TRY(give_up_privileges(keep_ipc_lock, p));
    TRY(sandbox_filter(profile, options, &r, p));
    say(profile, &r);
    if (report)
        *report = r;
    return OK;
}
