/* Shared by the files of core/policy. */
#ifndef CORE_POLICY_POLICY_INT_H
#define CORE_POLICY_POLICY_INT_H

#include "base/reader.h"
#include "base/writer.h"
#include "core/policy/policy.h"

/* 1 to POLICY_ADVISORY_MAX-1 printable ASCII characters without spaces. */
bool policy_advisory_valid(const char *text);

#define POLICY_DEFAULT_STATUSES (1u << TCB_UP_TO_DATE)

/* Brings the lists into ascending order. */
void policy_sort(struct policy_record *r);
/*
 * What holds of every record, however it was read: E_VALUE with the reason. Lists are within
 * their limits already.
 */
enum err policy_check(const struct policy_record *r, struct problem *p);

/* The record names this status. */
bool policy_lists_tcb(const struct policy_record *r, enum tcb_status status);

/* "UpToDate|SWHardeningNeeded", cut at cap. */
void policy_tcb_text(const struct policy_record *r, char *out, size_t cap);

/* --- registers that events pin (events.c) --- */

bool policy_events_pin(const struct policy_tdx *t, size_t rtmr);
/* Either may be NULL. E_MALFORMED, E_VALUE. */
enum err policy_events_read(const json_t *events, const json_t *others, struct policy_tdx *out,
                            struct problem *p);
/* Both members. */
void policy_events_put(struct json_builder *b, const struct policy_tdx *t);
void policy_events_encode(struct writer *w, const struct policy_tdx *t);
void policy_events_decode(struct reader *r, struct policy_tdx *t);
enum err policy_events_check(const struct policy_tdx *t, struct problem *p);
/* For a register that they pin. */
enum err policy_events_match(const struct policy_tdx *t, const struct tdx_claims *c, size_t rtmr,
                             struct problem *p);

#define POLICY_VMPL_MAX     3
#define POLICY_FAMILY_MIN   1
#define POLICY_STEPPING_MAX 15

#endif
