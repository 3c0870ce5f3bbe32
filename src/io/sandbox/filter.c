#include "io/sandbox/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZER 1
#endif
#endif
#ifndef SANITIZER
#define SANITIZER 0
#endif

/* Names, so that a call this architecture or libseccomp does not know is left out. */

/* Use what is open, manage memory, tell the time, end. */
static const char *const allowed[] = {
    "read",           "write",        "readv",          "writev",      "recvmsg",
    "poll",           "ppoll",        "close",          "lseek",       "clock_gettime",
    "clock_getres",   "gettimeofday", "time",           "nanosleep",   "clock_nanosleep",
    "getrandom",      "brk",          "munmap",         "mremap",      "madvise",
    "mlock",          "mlock2",       "munlock",        "futex",       "sched_yield",
    "rt_sigreturn",   "rt_sigaction", "rt_sigprocmask", "sigaltstack", "restart_syscall",
    "getpid",         "gettid",       "exit",           "exit_group",  "sysinfo",
    "set_robust_list"};

/* Optional files are looked for by libraries; they find none. */
static const char *const missing[] = {
    "open",   "openat",    "openat2",    "stat",     "lstat",      "newfstatat", "statx",
    "access", "faccessat", "faccessat2", "readlink", "readlinkat", "statfs"};

/* Nobody here does this by mistake: the process has been taken over. */
static const char *const deadly[] = {"execve",
                                     "execveat",
                                     "ptrace",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "process_madvise",
                                     "pidfd_getfd",
                                     "kcmp",
                                     "bpf",
                                     "perf_event_open",
                                     "userfaultfd",
                                     "init_module",
                                     "finit_module",
                                     "delete_module",
                                     "kexec_load",
                                     "kexec_file_load",
                                     "mount",
                                     "umount2",
                                     "pivot_root",
                                     "move_mount",
                                     "open_tree",
                                     "fsopen",
                                     "fsmount",
                                     "unshare",
                                     "setns",
                                     "chroot",
                                     "add_key",
                                     "request_key",
                                     "keyctl",
                                     "open_by_handle_at",
                                     "reboot",
                                     "swapon",
                                     "swapoff",
                                     "acct",
                                     "quotactl",
                                     "ioperm",
                                     "iopl",
                                     "personality",
                                     "io_uring_setup"};

/* With a sanitizer: what its runtime does not need. */
static const char *const refused[] = {"socket",  "socketpair", "connect", "bind",    "listen",
                                      "accept",  "accept4",    "fork",    "vfork",   "mkdir",
                                      "mkdirat", "unlink",     "rename",  "symlink", "link",
                                      "open",    "openat",     "openat2", "creat"};

#if SANITIZER
/* Nobody may look into a confined process, so the search for leaks at its end would be its end. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

bool sandbox_has_sanitizer(void)
{
    return SANITIZER;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* All but one, or all if `but` is NULL. */
static int add_all_but(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t n,
                       const char *but)
{
    for (size_t i = 0; i < n; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        if (call == __NR_SCMP_ERROR || (but && strcmp(names[i], but) == 0))
            continue;
        int rc = seccomp_rule_add(ctx, action, call, 0);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int add_all(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t n)
{
    return add_all_but(ctx, action, names, n, NULL);
}

struct condition {
    int call;
    struct scmp_arg_cmp arg, other; /* `other` is of a higher argument, or none at all */
};

/* Calls that are harmless only with certain arguments. */
static int add_conditions(scmp_filter_ctx ctx)
{
    const struct condition conditions[] = {
        /* no memory that runs */
        {SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        {SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)},
        /* send and receive on a connected pair only: no address */
        {SCMP_SYS(sendto), SCMP_A4(SCMP_CMP_EQ, 0)},
        {SCMP_SYS(recvfrom), SCMP_A4(SCMP_CMP_EQ, 0)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL)},
        {SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFD)},
        /* abort() */
        {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())},
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_GET_DUMPABLE)},
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_GET_NO_NEW_PRIVS)},
        /* sandbox_limit_cpu() */
        {SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A1(SCMP_CMP_EQ, RLIMIT_CPU)},
    };
    for (size_t i = 0; i < COUNT(conditions); i++) {
        const struct condition *c = &conditions[i];
        int rc = c->other.arg ? seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->call, 2, c->arg, c->other)
                              : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->call, 1, c->arg);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int add_ioctls(scmp_filter_ctx ctx, const struct sandbox_options *o)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->n_ioctls; i++)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                              SCMP_A1_32(SCMP_CMP_EQ, o->ioctls[i]));
    return rc;
}

/* The only call of those that open files which io/platform makes; the others stay refused. */
#define OPEN_CALL "openat"

static const char *spared(const struct sandbox_options *o)
{
    return o->root ? OPEN_CALL : NULL;
}

static int add_allow_list(scmp_filter_ctx ctx, const struct sandbox_options *o)
{
    static const char *const open_files[] = {OPEN_CALL};
    int rc = add_all(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
    if (rc == 0 && o->root)
        rc = add_all(ctx, SCMP_ACT_ALLOW, open_files, 1);
    if (rc == 0)
        rc = add_all_but(ctx, SCMP_ACT_ERRNO(ENOENT), missing, COUNT(missing), spared(o));
    if (rc == 0)
        rc = add_ioctls(ctx, o);
    return rc == 0 ? add_conditions(ctx) : rc;
}

static int fill(scmp_filter_ctx ctx, bool jailed, bool allow_list,
                const struct sandbox_options *options)
{
    uint32_t deadly_action = SANITIZER ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
    int rc = add_all(ctx, deadly_action, deadly, COUNT(deadly));
    if (rc == 0 && allow_list)
        rc = add_allow_list(ctx, options);
    else if (rc == 0 && jailed)
        rc = add_all_but(ctx, SCMP_ACT_ERRNO(EPERM), refused, COUNT(refused), spared(options));
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    return rc == 0 ? seccomp_load(ctx) : rc;
}

enum err sandbox_filter(enum sandbox_profile profile, const struct sandbox_options *options,
                        struct sandbox_report *report, struct problem *p)
{
    bool jailed = profile != SANDBOX_NODE;
    report->allow_list = jailed && !SANITIZER;
    scmp_filter_ctx ctx = seccomp_init(report->allow_list ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW);
    if (!ctx)
        return problem(p, E_NOMEM, "sandbox: out of memory");
    int rc = fill(ctx, jailed, report->allow_list, options);
    seccomp_release(ctx);
    return rc == 0 ? OK : problem(p, E_IO, "sandbox: system call filter: %s", strerror(-rc));
}
