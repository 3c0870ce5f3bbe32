/* The first process: sockets, children, signals, the end. */
#include "base/log.h"
#include "io/ipc/ipc.h"
#include "prog/guardiand/proc_node.h"
#include "prog/guardiand/processes.h"
#include "prog/guardiand/verifiers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* For node to answer what is open and to close its files, and for the others to follow. */
#define END_MS 10000
/* From the end of a verifier that met its master to the start of the next one. */
#define RESTART_MS 10
/* The same after one that could not start: another attempt would hardly go better. */
#define RETRY_MS 1000

enum child { NODE, VAULT, ATTEST, CHILDREN };
static const char *const names[] = {[NODE] = "node", [VAULT] = "vault", [ATTEST] = "attest"};

struct starter {
    const struct guardiand *g;
    int node[2], attest[2], control[2]; /* [1] is vault's end */
    int signals;
    pid_t child[CHILDREN];
    pid_t verifier[VERIFIERS];
    uint64_t verifier_due_ms[VERIFIERS]; /* not before */
    bool is_ending, has_failed;
    uint64_t ending_since_ms;
};

/* --- children ----------------------------------------------------------------------------------
 */

/*
 * In the child. It dies with the first process; SIGTERM to the group is for that
 * one and for node, the others end when node has.
 */
static void become(const struct starter *s, const char *name, bool is_node)
{
    char title[16];
    sigset_t none;
    snprintf(title, sizeof title, "gd-%s", name);
    prctl(PR_SET_NAME, title, 0, 0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() == 1)
        _exit(1);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, is_node ? SIG_DFL : SIG_IGN);
    signal(SIGINT, is_node ? SIG_DFL : SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    log_open(name, s->g->config.log);
}

static int live_as(const struct starter *s, enum child which)
{
    become(s, names[which], which == NODE);
    if (which == NODE)
        return proc_node_run(&s->g->config, s->node[0]);
    if (which == ATTEST)
        return proc_attest_run(s->g, s->attest[0]);
    return proc_vault_run(s->g, s->node[1], s->attest[1], s->control[1]);
}

static enum err start_child(struct starter *s, enum child which)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        exit(live_as(s, which));
    s->child[which] = pid;
    return pid > 0 ? OK : E_IO;
}

static enum err start_verifier(struct starter *s, uint8_t slot)
{
    int ends[2];
    TRY(ipc_pair(ends));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        become(s, "verify", false);
        exit(proc_verify_run(s->g, ends[0]));
    }
    close(ends[0]);
    enum err e = pid > 0 ? verifiers_pass(s->control[0], slot, ends[1]) : E_IO;
    close(ends[1]);
    s->verifier[slot] = pid;
    return e;
}

/* Starts those that are due; how long until the next one is, at most 500 ms. */
static int start_verifiers(struct starter *s)
{
    uint64_t now = ipc_now().mono_ms, next = now + 500;
    for (uint8_t i = 0; i < VERIFIERS && !s->is_ending; i++) {
        if (s->verifier[i] <= 0 && now >= s->verifier_due_ms[i] && start_verifier(s, i) != OK) {
            log_error("a verifier cannot be started: %s", strerror(errno));
            s->verifier_due_ms[i] = now + RETRY_MS;
        }
        if (s->verifier[i] <= 0 && s->verifier_due_ms[i] < next)
            next = s->verifier_due_ms[i];
    }
    return (int)(next - now);
}

/* --- the end -----------------------------------------------------------------------------------
 */

static void signal_all(struct starter *s, int signal)
{
    for (size_t i = 0; i < CHILDREN; i++)
        if (s->child[i] > 0)
            kill(s->child[i], signal);
    for (size_t i = 0; i < VERIFIERS; i++)
        if (s->verifier[i] > 0)
            kill(s->verifier[i], signal);
}

/* Node goes first, and vault follows when their channel closes. */
static void begin_end(struct starter *s)
{
    if (s->is_ending)
        return;
    s->is_ending = true;
    s->ending_since_ms = ipc_now().mono_ms;
    if (s->child[NODE] > 0)
        kill(s->child[NODE], SIGTERM);
}

/* What is durable is so before it is acknowledged: nothing is lost by a hard end. */
static void fail(struct starter *s)
{
    s->has_failed = s->is_ending = true;
    signal_all(s, SIGKILL);
}

static void describe(int status, char out[static 48])
{
    if (WIFSIGNALED(status))
        snprintf(out, 48, "signal %d", WTERMSIG(status));
    else
        snprintf(out, 48, "exit status %d", WEXITSTATUS(status));
}

/* Node may be told to end before it listens for that. */
static bool ended_in_order(const struct starter *s, enum child which, int status)
{
    bool told = which == NODE && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
    return s->is_ending && (status == 0 || told);
}

static void child_ended(struct starter *s, enum child which, int status)
{
    char how[48];
    describe(status, how);
    s->child[which] = 0;
    if (!s->has_failed && !ended_in_order(s, which, status)) {
        log_error("%s ended (%s): the guardian ends", names[which], how);
        fail(s);
    }
}

static void verifier_ended(struct starter *s, size_t slot, int status)
{
    bool could_not_start = WIFEXITED(status) && WEXITSTATUS(status) != 0;
    s->verifier[slot] = 0;
    s->verifier_due_ms[slot] = ipc_now().mono_ms + (could_not_start ? RETRY_MS : RESTART_MS);
}

static void reap(struct starter *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < CHILDREN; i++)
            if (s->child[i] == pid)
                child_ended(s, (enum child)i, status);
        for (size_t i = 0; i < VERIFIERS; i++)
            if (s->verifier[i] == pid)
                verifier_ended(s, i, status);
    }
}

static bool any_left(const struct starter *s)
{
    for (size_t i = 0; i < CHILDREN; i++)
        if (s->child[i] > 0)
            return true;
    for (size_t i = 0; i < VERIFIERS; i++)
        if (s->verifier[i] > 0)
            return true;
    return false;
}

/* --- waiting -----------------------------------------------------------------------------------
 */

static void take_signals(struct starter *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else
            begin_end(s);
    }
}

/* Vault has lost patience with the verifier of a slot. */
static void take_complaints(struct starter *s)
{
    uint8_t slot;
    while (recv(s->control[0], &slot, 1, MSG_DONTWAIT) == 1)
        if (slot < VERIFIERS && s->verifier[slot] > 0)
            kill(s->verifier[slot], SIGKILL);
}

static void wait_for_end(struct starter *s)
{
    int wait_ms = start_verifiers(s);
    while (any_left(s)) {
        struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN},
                               {.fd = s->is_ending ? -1 : s->control[0], .events = POLLIN}};
        if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
            fail(s);
        take_signals(s);
        if (!s->is_ending)
            take_complaints(s);
        if (s->is_ending && !s->has_failed && ipc_now().mono_ms > s->ending_since_ms + END_MS) {
            log_error("not all processes ended in time");
            fail(s);
        }
        wait_ms = start_verifiers(s);
    }
}

/* --- the beginning -----------------------------------------------------------------------------
 */

static enum err open_signals(struct starter *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return E_IO;
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals >= 0 ? OK : E_IO;
}

static enum err open_channels(struct starter *s)
{
    TRY(open_signals(s));
    TRY(ipc_pair(s->node));
    TRY(ipc_pair(s->attest));
    int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
    return socketpair(AF_UNIX, type, 0, s->control) == 0 ? OK : E_IO;
}

/* What was handed to the children; a verifier must not inherit it, nor a channel stay half open. */
static void close_channels(struct starter *s)
{
    const int fds[] = {s->node[0], s->node[1], s->attest[0], s->attest[1], s->control[1]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

int wire_up(const struct guardiand *g)
{
    struct starter s = {.g = g};
    enum err e = open_channels(&s);
    for (unsigned i = 0; e == OK && i < CHILDREN; i++)
        e = start_child(&s, (enum child)i);
    if (e != OK) {
        log_error("cannot start: %s", strerror(errno));
        fail(&s);
    }
    close_channels(&s);
    wait_for_end(&s);
    close(s.control[0]);
    close(s.signals);
    if (!s.has_failed)
        log_info("ended");
    return s.has_failed ? 1 : 0;
}
