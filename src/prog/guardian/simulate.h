/*
 * Simulated machines for development clusters: any text names a software, any
 * text names a machine, and the same texts always give the same measurements and
 * the same machine. See core/evidence/sim for what such evidence is worth.
 */
#ifndef PROG_GUARDIAN_SIMULATE_H
#define PROG_GUARDIAN_SIMULATE_H

#include "base/codec/json.h"
#include "core/evidence/claims.h"

/*
 * Claims of a machine that runs this software: each of MRTD and RTMR0-3, or
 * MEASUREMENT, is the first 48 bytes of H("guardian/v1/simulated/software";
 * "mrtd", "rtmr0" ... or "measurement", software).
 */
struct claims simulate_claims(enum platform platform, const char *software, const char *machine);
/* PLATFORM_NONE for anything but "tdx" and "snp", the words of the command line. */
enum platform simulate_platform(const char *word);
/* The whitelist record for this software: {platform, data}. */
enum err simulate_record(const char *platform_word, const char *software, json_t **out);

#endif
