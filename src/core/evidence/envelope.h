/* The JSON envelopes of evidence (api.md "Evidence"). Internal to core/evidence. */
#ifndef CORE_EVIDENCE_ENVELOPE_H
#define CORE_EVIDENCE_ENVELOPE_H

#include "core/evidence/evidence.h"

/*
 * {"quote", "cc_eventlog"?} or {"attestation_report": fields | base64, "cert_chain"?}, strictly: no
 * other field, none twice. Decodes into the stores of *out. E_MALFORMED, E_VALUE, E_FORMAT.
 */
enum err evidence_parse_envelope(struct bytes json, struct evidence *out, struct problem *p);

/* By the first character. */
bool evidence_is_json(struct bytes in);

/* Raw bytes: what evidence_parse() does with anything but JSON. Views borrow from `in`. */
enum err evidence_parse_raw(struct bytes in, struct evidence *out, struct problem *p);

#endif
