/*
 * What the evidence commands read besides the evidence: vendor collateral from
 * files and folders, roots, and points in time.
 */
#ifndef PROG_GUARDIAN_EVIDENCE_INPUTS_H
#define PROG_GUARDIAN_EVIDENCE_INPUTS_H

#include "core/evidence/evidence.h"

/*
 * Adds a file, or all files of a folder (not of folders in it). In a folder, what is no collateral
 * or broken is passed over; the first broken one is told in *passed, if that is still empty. A file
 * that was named is then E_VALUE or E_FORMAT. E_IO, E_NOT_FOUND, E_TOO_LARGE.
 */
enum err collateral_read(struct collateral *c, const char *path, struct problem *passed,
                         struct problem *p);

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
