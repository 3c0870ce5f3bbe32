/*
 * The SQLite side of io/disk: one connection, its prepared statements, and the
 * words of SQLite turned into ours. Not thread safe; the worker has one to
 * write, the caller's thread another to read.
 */
#ifndef IO_DISK_DBFILE_H
#define IO_DISK_DBFILE_H

#include "io/disk/disk.h"

#include <sqlite3.h>

enum dbfile_statement {
    DBFILE_PUT,
    DBFILE_REMOVE,
    DBFILE_REMOVE_BELOW,
    DBFILE_GET,
    DBFILE_EACH,
    DBFILE_BEGIN,
    DBFILE_COMMIT,
    DBFILE_STATEMENTS
};

struct dbfile {
    sqlite3 *db;
    sqlite3_stmt *statement[DBFILE_STATEMENTS];
    int wal_pages; /* in the log after the last commit */
};

/* Creates the table if the file is empty. Call dbfile_close() whatever it returns. */
enum err dbfile_open(struct dbfile *s, const char *path, struct problem *p);
void dbfile_close(struct dbfile *s);

enum err dbfile_begin(struct dbfile *s);
enum err dbfile_apply(struct dbfile *s, const struct disk_op *op);
/* Durable if OK. */
enum err dbfile_commit(struct dbfile *s);
/* After a failure between begin and commit. */
void dbfile_rollback(struct dbfile *s);
/* Moves the log into the file as far as readers allow. */
enum err dbfile_checkpoint(struct dbfile *s);

enum err dbfile_get(struct dbfile *s, uint8_t kind, struct bytes key, struct buf *out);
enum err dbfile_each(struct dbfile *s, uint8_t kind, struct bytes from, disk_visit *visit,
                     void *ctx);

#endif
