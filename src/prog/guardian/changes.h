/*
 * The changes administrators decide on, as JSON. PROTOCOL/changes.md is the
 * definition; this is the only place where the command line makes or checks one:
 *
 *   {"type":"namespace.create","namespace","mode","dns":[],"ip":[]}
 *   {"type":"measurement.add","namespace","record":{"platform","data":{}}}
 *   {"type":"measurement.revoke","namespace","measurement_hash"}
 *   {"type":"seat.add","seat":{"gid"?,"operator","vendor","platform_id",
 *                              "addresses":{"peer","api"}}}
 *
 * Checked here is the shape, so that nobody signs what no guardian will take.
 * Whether a change is acceptable (name in use, fields of a measurement) is for
 * the guardians to judge.
 */
#ifndef PROG_GUARDIAN_CHANGES_H
#define PROG_GUARDIAN_CHANGES_H

#include "base/codec/json.h"

/* Each makes a new value; free with json_free(). */
struct change_namespace {
    const char *name, *mode;
    const char *const *dns, *const *ip;
    size_t dns_n, ip_n;
};
enum err change_namespace_create(const struct change_namespace *n, json_t **out);
/* Shares record, {platform, data}. */
enum err change_measurement_add(const char *ns, json_t *record, json_t **out);
enum err change_measurement_revoke(const char *ns, const char *hash_hex, json_t **out);
struct change_seat {
    uint64_t gid; /* 0: the next one */
    const char *operator, * vendor, *platform_id, *peer, *api;
};
enum err change_seat_add(const struct change_seat *seat, json_t **out);

/* E_MALFORMED or E_VALUE with a sentence that names the member. */
enum err change_check(json_t *change, struct problem *p);
/* One line for people: "namespace.create k8s-staging". */
void change_title(const json_t *change, char *out, size_t cap);

#endif
