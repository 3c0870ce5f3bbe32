/* Evidence of the machine this runs on, for `guardian evidence create`. */
#ifndef PROG_GUARDIAN_EVIDENCE_CREATE_H
#define PROG_GUARDIAN_EVIDENCE_CREATE_H

#include "io/platform/attest.h"
#include "io/platform/tpm.h"

/* The firmware's log on a TD, an ACPI table's data. */
#define EVENT_LOG_PATH "/sys/firmware/acpi/tables/data/CCEL"

/*
 * Appends evidence over these bytes; with a log, {"quote", "cc_eventlog"}, once the log replays to
 * the quote. log_path NULL: none. E_NOT_ALLOWED: a log is a TD's; E_NOT_FOUND: it has none;
 * E_MEAS_MISMATCH, E_FORMAT: it is not the quote's; E_IO.
 */
enum err evidence_create(struct attest *a, const uint8_t report_data[static 64],
                         const char *log_path, struct buf *out, struct problem *p);

/* Appends {"attest", "signature", "key", "pcrs"}: base64, and hex as in tpm.h. */
enum err evidence_tpm_json(const struct tpm_quote *q, struct buf *out);

#endif
