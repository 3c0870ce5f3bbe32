#include "io/disk/dbfile.h"

#include "base/log.h"

#include <stdlib.h>

/* Marks the file as ours: "GRD1" as a number. */
#define APPLICATION_ID "1196573745"

static const char *const texts[DBFILE_STATEMENTS] = {
    [DBFILE_PUT] = ("INSERT INTO record(kind, key, value) VALUES(?1, ?2, ?3)"
                    " ON CONFLICT(kind, key) DO UPDATE SET value = excluded.value"),
    [DBFILE_REMOVE] = "DELETE FROM record WHERE kind = ?1 AND key = ?2",
    [DBFILE_REMOVE_BELOW] = "DELETE FROM record WHERE kind = ?1 AND key < ?2",
    [DBFILE_GET] = "SELECT value FROM record WHERE kind = ?1 AND key = ?2",
    [DBFILE_EACH] = "SELECT key, value FROM record WHERE kind = ?1 AND key >= ?2 ORDER BY key",
    [DBFILE_BEGIN] = "BEGIN IMMEDIATE",
    [DBFILE_COMMIT] = "COMMIT",
};

/*
 * secure_delete: replaced sealed records do not linger. cell_size_check: a
 * damaged page is an error, not a wrong answer. Checkpoints are ours to time.
 */
static const char settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA wal_autocheckpoint = 0;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS record(kind INTEGER NOT NULL, key BLOB NOT NULL,"
    " value BLOB NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
    "PRAGMA application_id = " APPLICATION_ID ";"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static enum err from_sqlite(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_NOMEM:
        return E_NOMEM;
    case SQLITE_TOOBIG:
        return E_TOO_LARGE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return E_MALFORMED;
    default:
        return E_IO;
    }
}

static enum err report(struct dbfile *s, int rc)
{
    enum err e = from_sqlite(rc);
    if (e != OK)
        log_error("disk: %s (%d)", sqlite3_errmsg(s->db), sqlite3_extended_errcode(s->db));
    return e;
}

static int remember_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
    ((struct dbfile *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

static int pragma_number(struct dbfile *s, const char *text, sqlite3_int64 *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, text, -1, &statement, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* An empty file becomes ours; any other must be ours already. */
static int prepare_file(struct dbfile *s)
{
    sqlite3_int64 version = 0, application = 0, wanted = strtoll(APPLICATION_ID, NULL, 10);
    int rc = pragma_number(s, "PRAGMA schema_version", &version);
    if (rc == SQLITE_OK && version == 0)
        return sqlite3_exec(s->db, schema, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = pragma_number(s, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK && application != wanted)
        return SQLITE_NOTADB;
    if (rc == SQLITE_OK)
        rc = pragma_number(s, "PRAGMA user_version", &version);
    return rc == SQLITE_OK && version != 1 ? SQLITE_NOTADB : rc;
}

static int open_connection(struct dbfile *s, const char *path)
{
    int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, (int)(DISK_VALUE_MAX + DISK_KEY_MAX + 64));
    sqlite3_busy_timeout(s->db, 5000);
    if ((rc = sqlite3_exec(s->db, settings, NULL, NULL, NULL)) != SQLITE_OK)
        return rc;
    if ((rc = prepare_file(s)) != SQLITE_OK)
        return rc;
    for (int i = 0; i < DBFILE_STATEMENTS && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statement[i],
                                NULL);
    sqlite3_wal_hook(s->db, remember_wal, s);
    return rc;
}

enum err dbfile_open(struct dbfile *s, const char *path, struct problem *p)
{
    *s = (struct dbfile){0};
    int rc = open_connection(s, path);
    enum err e = from_sqlite(rc);
    if (e == E_MALFORMED)
        return problem(p, e, "%s is no file of a guardian, or it is damaged", path);
    if (e != OK)
        return problem(p, e, "%s: %s", path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
    return OK;
}

void dbfile_close(struct dbfile *s)
{
    for (int i = 0; i < DBFILE_STATEMENTS; i++)
        sqlite3_finalize(s->statement[i]);
    sqlite3_close(s->db);
    *s = (struct dbfile){0};
}

/* An empty key or value must be an empty blob, not NULL. */
static int bind_blob(sqlite3_stmt *statement, int index, struct bytes v)
{
    return sqlite3_bind_blob(statement, index, v.n ? (const void *)v.p : "", (int)v.n,
                             SQLITE_STATIC);
}

static int bind_place(sqlite3_stmt *statement, uint8_t kind, struct bytes key)
{
    int rc = sqlite3_bind_int(statement, 1, kind);
    return rc == SQLITE_OK ? bind_blob(statement, 2, key) : rc;
}

static void finish(sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

static enum err run(struct dbfile *s, enum dbfile_statement which)
{
    int rc = sqlite3_step(s->statement[which]);
    enum err e = report(s, rc);
    sqlite3_reset(s->statement[which]);
    return e;
}

enum err dbfile_begin(struct dbfile *s)
{
    return run(s, DBFILE_BEGIN);
}

enum err dbfile_commit(struct dbfile *s)
{
    return run(s, DBFILE_COMMIT);
}

void dbfile_rollback(struct dbfile *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

enum err dbfile_checkpoint(struct dbfile *s)
{
    return report(s, sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
}

enum err dbfile_apply(struct dbfile *s, const struct disk_op *op)
{
    static const enum dbfile_statement by_action[] = {
        [DISK_PUT] = DBFILE_PUT,
        [DISK_REMOVE] = DBFILE_REMOVE,
        [DISK_REMOVE_BELOW] = DBFILE_REMOVE_BELOW,
    };
    sqlite3_stmt *statement = s->statement[by_action[op->action]];
    int rc = bind_place(statement, op->kind, op->key);
    if (rc == SQLITE_OK && op->action == DISK_PUT)
        rc = bind_blob(statement, 3, op->value);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    enum err e = report(s, rc);
    finish(statement);
    return e;
}

static struct bytes column(sqlite3_stmt *statement, int index)
{
    const void *p = sqlite3_column_blob(statement, index);
    return bytes(p, (size_t)sqlite3_column_bytes(statement, index));
}

enum err dbfile_get(struct dbfile *s, uint8_t kind, struct bytes key, struct buf *out)
{
    sqlite3_stmt *statement = s->statement[DBFILE_GET];
    int rc = bind_place(statement, kind, key);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    enum err e = rc == SQLITE_DONE ? E_NOT_FOUND : report(s, rc);
    if (e == OK) {
        struct bytes value = column(statement, 0);
        e = buf_add(out, value.p, value.n);
    }
    finish(statement);
    return e;
}

enum err dbfile_each(struct dbfile *s, uint8_t kind, struct bytes from, disk_visit *visit,
                     void *ctx)
{
    /* A statement of its own, so that a visitor may read other records. */
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->db, texts[DBFILE_EACH], -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = bind_place(statement, kind, from);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rc = SQLITE_DONE;
        if (!visit(ctx, column(statement, 0), column(statement, 1)))
            break;
        rc = SQLITE_OK;
    }
    enum err e = report(s, rc);
    sqlite3_finalize(statement);
    return e;
}
