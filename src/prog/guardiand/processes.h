/*
 * The processes of a guardian (design.md section 3) and who starts them.
 *
 * The first process reads configuration and genesis, joins the others with
 * socketpairs, forks them and waits; it holds no secret and reads nothing from
 * outside. Each function below is the whole life of one of the others, returns
 * its exit status, takes over the descriptors it is given and confines itself
 * before it reads from any of them. node is in proc_node.h.
 */
#ifndef PROG_GUARDIAND_PROCESSES_H
#define PROG_GUARDIAND_PROCESSES_H

#include "core/state/genesis.h"
#include "prog/guardiand/config.h"

struct guardiand {
    struct config config;
    struct genesis genesis;
    struct hash32 cluster_id;
};

/*
 * Every secret and every decision: hosts core/member. `control` is where the
 * first process passes verifiers (verifiers.h). Ends with 0 when node does.
 */
int proc_vault_run(const struct guardiand *g, int node, int attest, int control);
/* The machine: quotes over typed fields and derived keys, for vault alone. */
int proc_attest_run(const struct guardiand *g, int vault);
/* Judges evidence, one piece after the other; keeps nothing. */
int proc_verify_run(const struct guardiand *g, int vault);

/* Starts all, and ends when they have: 0 after SIGTERM or SIGINT, 1 when one of them failed. */
int wire_up(const struct guardiand *g);

#endif
