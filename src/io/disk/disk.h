/*
 * What a guardian keeps: opaque records in one SQLite file. A record is a value
 * under (kind, key); vault has sealed every value, and bound it to its place,
 * before it arrives here, so this layer is trusted for durability and for
 * nothing else. A record that is old, swapped or missing is vault's to notice.
 *
 * Writing: batches. A batch is all or nothing, batches take effect in the order
 * they were submitted, and a batch is acknowledged when it is durable (WAL,
 * synchronous=FULL: the log is fsynced before the transaction counts). One
 * worker thread writes; whatever was submitted while its last fsync ran goes
 * into one transaction, so the cost of a block is one fsync per round trip
 * through the disk however many batches it is made of. Moving the log into the
 * file (a checkpoint) happens after the acknowledgement.
 *
 * Failure: a full or failing disk fails the batch, changes nothing that was
 * acknowledged, and fails every batch submitted before the caller was told; no
 * batch is written after a failed one behind the caller's back.
 *
 * Not promised: that the file is what was written. Whoever owns the host can
 * roll it back or cut its newest part off.
 *
 * One thread may use a struct disk, besides its own worker.
 */
#ifndef IO_DISK_DISK_H
#define IO_DISK_DISK_H

#include "base/bytes.h"

/* Keys are hashes, heights and short names; the longest of ours has 96 bytes. */
#define DISK_KEY_MAX 256
/* One frame between vault and node, the way every value comes. */
#define DISK_VALUE_MAX (16u << 20)
/* Bytes waiting for the disk; beyond, the disk is broken and the caller must stop. */
#define DISK_QUEUE_MAX (128u << 20)

struct disk;

enum disk_action {
    DISK_PUT,         /* replaces */
    DISK_REMOVE,      /* nothing happens if there is none */
    DISK_REMOVE_BELOW /* all of the kind with a smaller key */
};

struct disk_op {
    enum disk_action action;
    uint8_t kind;
    struct bytes key;
    struct bytes value; /* DISK_PUT only */
};

/*
 * Opens or creates the file (mode 0600), and holds path.lock against a second
 * guardian. E_NOT_ALLOWED: in use; E_MALFORMED: not ours, or corrupt; E_IO.
 */
enum err disk_open(const char *path, struct disk **out, struct problem *p);
/* Writes what was submitted, calls the callbacks that are due, closes. d may be NULL. */
void disk_close(struct disk *d);

/* Called by disk_reap() or disk_close(), in their thread. OK: the batch is durable. */
typedef void disk_done(void *ctx, enum err e);

/*
 * Copies the batch and returns; `done` follows. E_TOO_LARGE (limits above),
 * E_NOMEM: nothing was queued and `done` will not be called.
 */
enum err disk_submit(struct disk *d, const struct disk_op *ops, size_t n, disk_done *done,
                     void *ctx);
/* Readable when disk_reap() has something to do. */
int disk_fd(const struct disk *d);
/* Calls the callbacks of batches that are finished. Does not wait. */
void disk_reap(struct disk *d);

/* Submits and waits: durable when it returns OK. Callbacks of earlier batches may run. */
enum err disk_write(struct disk *d, const struct disk_op *ops, size_t n);

/* Appends the value; E_NOT_FOUND. Reads see what is durable. */
enum err disk_get(struct disk *d, uint8_t kind, struct bytes key, struct buf *out);

/* Return false to stop. The views are valid during the call. */
typedef bool disk_visit(void *ctx, struct bytes key, struct bytes value);
/* Visits records of the kind in ascending order of their keys' bytes, from `from` on. */
enum err disk_each(struct disk *d, uint8_t kind, struct bytes from, disk_visit *visit, void *ctx);

struct disk_stats {
    uint64_t batches, transactions, checkpoints, failures;
};
struct disk_stats disk_stats(struct disk *d);

#endif
