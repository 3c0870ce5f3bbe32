/*
 * The simulated machine that guardian.yaml names (core/evidence/sim/software.h).
 */
#ifndef PROG_GUARDIAND_MACHINE_H
#define PROG_GUARDIAND_MACHINE_H

#include "core/evidence/claims.h"
#include "prog/guardiand/config.h"

/* Its claims, without the cluster, in the version of quote or report that is asked for. */
struct claims machine_claims(const struct config_simulated *s);

#endif
