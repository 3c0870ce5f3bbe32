/*
 * What a client knows about a cluster: DIR/client.json, written by `dev up` and
 * `attest`, and the root certificate pinned beside it.
 *
 *   {"cluster_id":"64 hex","root_id":"64 hex","simulation":false,
 *    "guardians":[{"api":"https://host:port","observability":"http://host:port"}]}
 *
 * cluster_id and root_id are absent before a guardian was attested, observability
 * where it is not known.
 */
#ifndef PROG_GUARDIAN_SETTINGS_H
#define PROG_GUARDIAN_SETTINGS_H

#include "base/crypto/hash.h"
#include "prog/guardian/command.h"
#include "prog/guardian/files.h"

#define SETTINGS_GUARDIANS_MAX 64
#define SETTINGS_URL_MAX       280 /* a host name has at most 253 characters */

struct settings_guardian {
    char api[SETTINGS_URL_MAX];
    char observability[SETTINGS_URL_MAX]; /* empty: unknown */
};

struct settings {
    struct settings_guardian guardians[SETTINGS_GUARDIANS_MAX];
    size_t n;
    struct hash32 cluster_id, root_id; /* zero: not known */
    bool simulation;
    char root_file[FILE_PATH_MAX]; /* empty: none pinned */
};

/*
 * From --dir, --url and --root: --url replaces the guardians, --root the root file.
 * E_VALUE if there is neither --dir nor --url.
 */
enum err settings_load(const struct call *call, struct settings *s, struct problem *p);
/* --url and --root over what was read. */
enum err settings_override(const struct call *call, struct settings *s, struct problem *p);
/* The client.json of a folder; E_NOT_FOUND if there is none. */
enum err settings_read(const char *dir, struct settings *s, struct problem *p);
enum err settings_write(const char *dir, const struct settings *s, struct problem *p);

#endif
