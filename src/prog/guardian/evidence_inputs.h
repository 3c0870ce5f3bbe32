/*
 * What the evidence commands read besides the evidence: vendor collateral from
 * files and folders, roots, and points in time.
 */
#ifndef PROG_GUARDIAN_EVIDENCE_INPUTS_H
#define PROG_GUARDIAN_EVIDENCE_INPUTS_H

#include "core/evidence/evidence.h"

#define COLLATERAL_FILES_MAX 256

/* Files given as collateral, each recognised by its content. */
struct collateral {
    struct buf files[COLLATERAL_FILES_MAX];
    struct bytes certs[COLLATERAL_FILES_MAX]; /* those that hold certificates; borrowed */
    size_t n_files, n_certs;
    size_t n_other; /* revocation lists and Intel's JSON: recognised, not judged */
};

/*
 * Adds a file, or all files of a folder (not of folders in it). A file that is
 * none of certificate, revocation list or JSON is passed over in a folder and
 * E_VALUE if it was named itself. E_IO, E_NOT_FOUND, E_TOO_LARGE.
 */
enum err collateral_add(struct collateral *c, const char *path, struct problem *p);
void collateral_free(struct collateral *c);

#define ROOTS_MAX 8

/* Roots to trust instead of the vendors'. */
struct given_roots {
    struct trust_root roots[2 * ROOTS_MAX]; /* each for both platforms */
    struct evidence_trust trust;
};

/*
 * Trusts the keys of all certificates in the file, and adds the file to the
 * collateral. A key of the simulated vendor is recognised and stays marked.
 * E_VALUE if there is no certificate in it, or more than ROOTS_MAX.
 */
enum err given_roots_read(struct given_roots *r, struct collateral *c, const char *path,
                          struct problem *p);

/* Unix seconds, or RFC 3339 ("2026-01-20T00:00:00Z", also with an offset). E_VALUE. */
enum err time_parse(const char *text, int64_t *out);

#endif
