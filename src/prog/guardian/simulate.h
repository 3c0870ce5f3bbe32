/* What the command line's --sim options stand for; see core/evidence/sim/software.h. */
#ifndef PROG_GUARDIAN_SIMULATE_H
#define PROG_GUARDIAN_SIMULATE_H

#include "base/codec/json.h"
#include "core/evidence/claims.h"

/* PLATFORM_NONE for anything but "tdx" and "snp", the words of the command line. */
enum platform simulate_platform(const char *word);
/* The whitelist record for this software: {platform, data}. */
enum err simulate_record(const char *platform_word, const char *software, json_t **out);

#endif
