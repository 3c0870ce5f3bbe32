/*
 * The simulated machine that guardian.yaml names: any text stands for a
 * software, any text for a machine, and the same texts always give the same
 * measurements and the same machine. `guardian dev` derives the seats and
 * measurements of a genesis from the same texts.
 */
#ifndef PROG_GUARDIAND_MACHINE_H
#define PROG_GUARDIAND_MACHINE_H

#include "core/evidence/claims.h"
#include "prog/guardiand/config.h"

/*
 * Its claims, without the cluster: each of MRTD and RTMR0-3, or MEASUREMENT, is
 * the first 48 bytes of H("guardian/v1/simulated/software"; "mrtd", "rtmr0" ...
 * or "measurement", software); the machine's number is the first 8 bytes of
 * SHA-256(machine).
 */
struct claims machine_claims(const struct config_simulated *s);

#endif
