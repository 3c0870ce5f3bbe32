#include "prog/guardian/daemon.h"
#include "prog/guardian/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

enum err daemon_program(char *out, size_t cap, struct problem *p)
{
    static const char *const places[] = {"guardiand", "../guardiand/guardiand"};
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        int length = snprintf(out, cap, "%.*s/%s", (int)(slash - self), self, places[i]);
        if (length < (int)cap && access(out, X_OK) == 0)
            return OK;
    }
    const char *path = getenv("PATH");
    for (const char *at = path; at && *at;) {
        size_t folder = strcspn(at, ":");
        int length = snprintf(out, cap, "%.*s/guardiand", (int)folder, at);
        if (folder && length < (int)cap && access(out, X_OK) == 0)
            return OK;
        at += folder + (at[folder] == ':');
    }
    return problem(p, E_NOT_FOUND, "guardiand is neither beside guardian nor in PATH");
}

/*
 * Never returns. Only async-signal-safe calls: fork() may have copied other threads'
 * locks. `report` closes by itself when the program runs, and carries errno if it can't.
 */
static void become_daemon(const char *program, const struct daemon *d, int log, int report)
{
    int null = open("/dev/null", O_RDONLY);
    setsid();
    if (null >= 0 && dup2(null, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2)
        execl(program, program, "--config", d->config, (char *)NULL);
    int failure = errno;
    ssize_t ignored = write(report, &failure, sizeof failure);
    _exit(ignored < 0 ? 126 : 127);
}

/* Waits until the child runs its program. */
static enum err await_exec(int report, const char *program, struct problem *p)
{
    int failure;
    ssize_t n;
    do
        n = read(report, &failure, sizeof failure);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return OK;
    return problem(p, E_IO, "cannot run %s: %s", program,
                   n == sizeof failure ? strerror(failure) : "no answer");
}

static enum err spawn(const struct daemon *d, const char *program, int log, pid_t *pid,
                      struct problem *p)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        return problem(p, E_IO, "cannot make a pipe: %s", strerror(errno));
    fflush(NULL);
    *pid = fork();
    if (*pid == 0)
        become_daemon(program, d, log, report[1]);
    close(report[1]);
    enum err e = *pid < 0 ? problem(p, E_IO, "cannot start a process: %s", strerror(errno))
                          : await_exec(report[0], program, p);
    close(report[0]);
    return e;
}

static enum err write_pid(const struct daemon *d, pid_t pid, struct problem *p)
{
    char text[32];
    snprintf(text, sizeof text, "%ld\n", (long)pid);
    return file_write(d->pid_file, bytes_str(text), FILE_PUBLIC, p);
}

enum err daemon_start(const struct daemon *d, struct problem *p)
{
    char program[4096];
    TRY(daemon_program(program, sizeof program, p));
    pid_t running = daemon_pid(d);
    if (running)
        return problem(p, E_NOT_ALLOWED, "it runs already, as process %ld", (long)running);
    int log = open(d->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return problem(p, E_IO, "cannot open %s: %s", d->log_file, strerror(errno));
    pid_t pid = 0;
    enum err e = spawn(d, program, log, &pid, p);
    close(log);
    return e ? e : write_pid(d, pid, p);
}

static pid_t read_pid(const struct daemon *d)
{
    struct buf text = BUF_INIT(32);
    char *end = NULL;
    long pid = 0;
    if (file_read(d->pid_file, &text, NULL) == OK && buf_add(&text, "", 1) == OK)
        pid = strtol((const char *)text.p, &end, 10);
    bool valid = end && *end == '\n' && pid > 1;
    buf_free(&text);
    return valid ? (pid_t)pid : 0;
}

static bool names_config(pid_t pid, const char *config)
{
    char path[64];
    struct buf words = BUF_INIT(16384);
    snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
    bool found = false;
    if (file_read(path, &words, NULL) == OK && buf_add(&words, "", 1) == OK)
        for (size_t at = 0; at < words.n && !found; at += strlen((char *)words.p + at) + 1)
            found = strcmp((char *)words.p + at, config) == 0;
    buf_free(&words);
    return found;
}

pid_t daemon_pid(const struct daemon *d)
{
    pid_t pid = read_pid(d);
    if (!pid)
        return 0;
    waitpid(pid, NULL, WNOHANG); /* if it is our own child and has ended, it is gone now */
    return names_config(pid, d->config) ? pid : 0;
}

/* Zombies answer to signal 0 too, so a group counts as gone when nothing of it names the config. */
static bool wait_gone(const struct daemon *d, unsigned patience_ms)
{
    for (unsigned waited = 0; daemon_pid(d); waited += 20) {
        if (waited >= patience_ms)
            return false;
        sleep_ms(20);
    }
    return true;
}

enum err daemon_stop(const struct daemon *d, unsigned patience_ms, struct problem *p)
{
    pid_t pid = daemon_pid(d);
    if (pid && kill(pid, SIGTERM) != 0 && errno != ESRCH)
        return problem(p, E_IO, "cannot stop process %ld: %s", (long)pid, strerror(errno));
    if (pid && !wait_gone(d, patience_ms))
        kill(-pid, SIGKILL);
    if (pid && !wait_gone(d, 2000))
        return problem(p, E_IO, "process %ld does not end", (long)pid);
    if (pid)
        kill(-pid, SIGKILL); /* children that outlived their parent */
    unlink(d->pid_file);
    return OK;
}

enum err daemon_kill(const struct daemon *d, struct problem *p)
{
    pid_t pid = daemon_pid(d);
    if (!pid)
        return problem(p, E_NOT_FOUND, "it does not run");
    if (kill(-pid, SIGKILL) != 0)
        return problem(p, E_IO, "cannot kill process %ld: %s", (long)pid, strerror(errno));
    if (!wait_gone(d, 2000))
        return problem(p, E_IO, "process %ld does not end", (long)pid);
    unlink(d->pid_file);
    return OK;
}

void daemon_last_words(const struct daemon *d, char *out, size_t cap)
{
    char line[512];
    out[0] = 0;
    FILE *f = fopen(d->log_file, "re");
    if (!f)
        return;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0])
            snprintf(out, cap, "%s", line);
    }
    fclose(f);
}
