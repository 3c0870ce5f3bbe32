/*
 * Collateral from a folder, for sites without a way to the vendors: whatever
 * files somebody carries there, recognised later by their content (certificates
 * and revocation lists in DER or PEM, Intel's JSON), as `guardian evidence verify
 * --collateral` takes them.
 */
#ifndef IO_COLLATERAL_DIRECTORY_H
#define IO_COLLATERAL_DIRECTORY_H

#include "base/crypto/hash.h"

/* What a cluster of 128 machines with its workloads needs is a tenth of it. */
#define DIRECTORY_FILES_MAX 256
#define DIRECTORY_FILE_MAX  (1u << 20)
#define DIRECTORY_BYTES_MAX (8u << 20)

struct directory {
    struct buf files[DIRECTORY_FILES_MAX]; /* in the order of their names */
    size_t n;
    struct hash32 digest; /* of all of them: has anything changed? */
};

/*
 * Reads all regular files of the folder, links followed; not of folders in it, not what
 * begins with a dot (an editor's or a copy's half-written file). E_IO: the folder or a file
 * cannot be read; E_TOO_LARGE; then *out is empty. Blocks.
 */
enum err directory_read(const char *path, struct directory *out, struct problem *p);
void directory_free(struct directory *d);

#endif
