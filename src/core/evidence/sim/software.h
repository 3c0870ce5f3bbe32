/*
 * Simulated machines by name, for development clusters: any text names a
 * software, any text names a machine, and the same texts always give the same
 * measurements and the same machine.
 */
#ifndef CORE_EVIDENCE_SIM_SOFTWARE_H
#define CORE_EVIDENCE_SIM_SOFTWARE_H

#include "core/evidence/claims.h"

/*
 * Claims of a machine that runs this software: each of MRTD and RTMR0-3, or
 * MEASUREMENT, is the first 48 bytes of H("guardian/v1/simulated/software";
 * "mrtd", "rtmr0" ... or "measurement", software). The machine is the one whose
 * number for sim_claims() is the first 8 bytes of SHA-256 of its name.
 */
struct claims sim_software_claims(enum platform platform, const char *software,
                                  const char *machine);

/* The names of the measured registers in the order of the record's fields, and where they are. */
struct sim_register {
    const char *name;
    const uint8_t *value; /* 48 bytes; borrows from the claims */
};
#define SIM_REGISTERS_MAX 5
/* Fills out, returns how many. */
size_t sim_registers(const struct claims *c, struct sim_register out[static SIM_REGISTERS_MAX]);

#endif
