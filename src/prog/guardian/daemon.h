/*
 * Guardians of `guardian dev` as background processes: each in its own session
 * (so a signal to the group reaches all four processes of a guardian), output in
 * a log file, process id in a file.
 *
 * A process id is believed only as long as that process's command line names the
 * same configuration file, so a recycled number harms nobody.
 */
#ifndef PROG_GUARDIAN_DAEMON_H
#define PROG_GUARDIAN_DAEMON_H

#include "base/err.h"

#include <sys/types.h>

struct daemon {
    char config[4096]; /* absolute path */
    char pid_file[4096];
    char log_file[4096];
};

/* guardiand beside this program, in the build tree, or by PATH. */
enum err daemon_program(char *out, size_t cap, struct problem *p);
/* E_NOT_ALLOWED if it runs already. Starts `guardiand --config FILE`, appends to the log. */
enum err daemon_start(const struct daemon *d, struct problem *p);
/* 0 if it doesn't run. */
pid_t daemon_pid(const struct daemon *d);
/* SIGTERM, and SIGKILL to the group once `patience_ms` is over; nothing to do is OK. */
enum err daemon_stop(const struct daemon *d, unsigned patience_ms, struct problem *p);
/* SIGKILL to the whole group, as if the power failed. E_NOT_FOUND if it doesn't run. */
enum err daemon_kill(const struct daemon *d, struct problem *p);
/* The last line of the log, for messages; empty if there is none. */
void daemon_last_words(const struct daemon *d, char *out, size_t cap);

#endif
