/* Shared by the files of core/policy. */
#ifndef CORE_POLICY_POLICY_INT_H
#define CORE_POLICY_POLICY_INT_H

#include "core/policy/policy.h"

/* 1 to POLICY_ADVISORY_MAX-1 printable ASCII characters without spaces. */
bool policy_advisory_valid(const char *text);

#define POLICY_DEFAULT_STATUSES (1u << TCB_UP_TO_DATE)

/*
 * What holds of every record, however it was read: E_VALUE with the reason. Lists are within
 * their limits already.
 */
enum err policy_check(const struct policy_record *r, struct problem *p);

/* The record names this status. */
bool policy_lists_tcb(const struct policy_record *r, enum tcb_status status);

/* "UpToDate|SWHardeningNeeded", cut at cap. */
void policy_tcb_text(const struct policy_record *r, char *out, size_t cap);

#define POLICY_VMPL_MAX     3
#define POLICY_FAMILY_MIN   1
#define POLICY_STEPPING_MAX 15

#endif
