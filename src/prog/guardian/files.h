/*
 * Files of the command line. Sentences in struct problem name the file.
 *
 * Secrets are written to new files with mode 0600 and refused on reading when
 * anybody but their owner can read them.
 */
#ifndef PROG_GUARDIAN_FILES_H
#define PROG_GUARDIAN_FILES_H

#include "base/bytes.h"

#define FILE_MAX      (1 << 20) /* evidence with all its collateral stays well below */
#define FILE_PATH_MAX 4096

/* Appends the whole file, "-" is standard input; E_TOO_LARGE beyond out->max, E_IO, E_NOT_FOUND. */
enum err file_read(const char *path, struct buf *out, struct problem *p);
/* The same for secrets: E_NOT_ALLOWED unless it is a file with mode 0600 or stricter. */
enum err file_read_secret(const char *path, struct buf *out, struct problem *p);
bool file_exists(const char *path);

enum file_kind {
    FILE_PUBLIC, /* 0644, replaced in one step if it exists */
    FILE_STATE,  /* 0600, replaced in one step if it exists */
    FILE_SECRET  /* 0600, E_NOT_ALLOWED if it exists */
};
/* Durable when it returns OK. */
enum err file_write(const char *path, struct bytes content, enum file_kind kind, struct problem *p);

/* Makes the folder (mode 0700) unless it exists; not its parents. */
enum err folder_make(const char *path, struct problem *p);
/* dir/name; E_TOO_LARGE. */
enum err path_join(char out[static FILE_PATH_MAX], const char *dir, const char *name,
                   struct problem *p);

#endif
