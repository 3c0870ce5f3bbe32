/* Shared by the two files of event logs. */
#ifndef CORE_EVIDENCE_EVENTLOG_INT_H
#define CORE_EVIDENCE_EVENTLOG_INT_H

#include "base/bytes.h"

#define EV_NO_ACTION 0x00000003u

/* SHA-384 if size is 48, else SHA-256 in the first 32 bytes. */
void eventlog_digest(struct bytes in, size_t size, uint8_t out[static 48]);

#endif
