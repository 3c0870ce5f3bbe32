/*
 * The node process: the network and the disk of a guardian.
 *
 * Keeps: listening and connected sockets, the file of records, TLS keys that
 * nobody is asked to trust, and the channel to vault. Gives up: programs, other
 * processes, everything else of SANDBOX_NODE. Decides: nothing. It frames,
 * limits, times and routes; what bytes mean is judged in vault, and records come
 * to it sealed.
 *
 * It ends when vault ends, when the disk fails (nothing may be acknowledged
 * then), and after SIGTERM or SIGINT once open requests are answered.
 */
#ifndef PROG_GUARDIAND_PROC_NODE_H
#define PROG_GUARDIAND_PROC_NODE_H

#include "prog/guardiand/config.h"

/*
 * Takes over the descriptor of the channel; every other one above 2 is closed. Returns the
 * process's exit status. No libuv loop may have been made before the fork: its threads and
 * signal pipe do not survive one.
 */
int proc_node_run(const struct config *config, int vault_fd);

#endif
