/*
 * What a process may still do, given up before it reads anything from outside.
 *
 * All profiles: no new privileges, no capabilities, not dumpable (so no other
 * process of the same user reads its memory), no core file, no descriptor that
 * was not named, standard input is /dev/null.
 *
 *   vault, attest, verify   an allow-list of system calls: use the descriptors they
 *                           have, manage memory, read the clock, get random bytes,
 *                           end. No file can be opened, no socket made, no memory
 *                           made executable, no process or thread started. Files
 *                           simply do not exist (ENOENT: libraries look for optional
 *                           ones); other calls give EPERM; exec, ptrace and the like
 *                           end the process.
 *   node                    may use network, files and threads, but calls that start
 *                           programs, look into processes or change the system end it.
 *
 * attest may be given a folder and requests of a device: what it makes evidence with. The
 * folder is then its root, so that nothing else has a name.
 *
 * vault also locks its memory, present and future, against swap; where the limit
 * of locked memory cannot be raised it keeps CAP_IPC_LOCK, which gives it nothing else.
 *
 * With privilege, vault, attest and verify also get an empty network and an empty
 * root, verify also without, where the kernel gives it a user namespace; otherwise only the above
 * holds. struct sandbox_report and one log line say
 * what was reached.
 *
 * Not promised: anything against the kernel itself, or against root outside.
 * Built with a sanitizer, the allow-lists become deny-lists (its runtime needs more
 * calls) and memory is not locked; the log line says so.
 */
#ifndef IO_SANDBOX_SANDBOX_H
#define IO_SANDBOX_SANDBOX_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum sandbox_profile { SANDBOX_NODE, SANDBOX_VAULT, SANDBOX_ATTEST, SANDBOX_VERIFY };

struct sandbox_options {
    const int *keep; /* descriptors above 2 that stay open */
    size_t n_keep;
    bool simulation; /* vault may go on when its memory cannot be locked */
    /* This folder becomes the root instead of an empty one, and its files can be opened. */
    const char *root;
    const uint32_t *ioctls; /* requests that are allowed, on what stays open */
    size_t n_ioctls;
};

struct sandbox_report {
    bool locked;     /* memory, against swap */
    bool no_network; /* in an empty network namespace, besides the system call filter */
    bool empty_root;
    bool allow_list; /* false for node and with a sanitizer */
};

/*
 * Irrevocable. After an error the process must end: it may be half confined.
 * E_NOT_ALLOWED: memory cannot be locked, and it is no simulation, or the root
 * cannot be changed to the folder that was asked for; E_IO: the kernel refused what every supported
 * system can do.
 */
enum err sandbox_enter(enum sandbox_profile profile, const struct sandbox_options *options,
                       struct sandbox_report *report, struct problem *p);

/*
 * The calling process ends (SIGXCPU) when it has used so much more CPU time, from one to two
 * seconds over; each call starts anew. Also when confined. E_IO.
 */
enum err sandbox_limit_cpu(unsigned seconds);

#endif
