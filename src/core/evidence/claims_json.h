/*
 * Claims as JSON, for the command line and the API: the field names of
 * `guardian evidence verify --json`, hex in lower case, integers as numbers.
 * What a machine does not have (fmc before Turin, CPUID before report version
 * 3, the TD 1.5 fields) is null.
 */
#ifndef CORE_EVIDENCE_CLAIMS_JSON_H
#define CORE_EVIDENCE_CLAIMS_JSON_H

#include "base/codec/json.h"
#include "core/evidence/claims.h"

/* The platform's own fields as one object; free with json_free(). */
enum err claims_to_json(const struct claims *c, json_t **out);

#endif
