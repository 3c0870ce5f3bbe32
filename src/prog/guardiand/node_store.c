/* Records on their way between vault and the disk. */
#include "prog/guardiand/node_int.h"

#include "base/log.h"
#include "base/reader.h"
#include "core/member/member.h"

#include <poll.h>
#include <stdlib.h>

#define FILE_NAME "records.db"

struct keeping {
    struct node *node;
    uint64_t token;
};

static void disk_ready(void *ctx, bool readable, bool writable)
{
    struct node *n = ctx;
    disk_reap(n->disk);
}

enum err node_store_open(struct node *n)
{
    char path[CONFIG_PATH_MAX + sizeof FILE_NAME + 1];
    struct problem p = {0};
    snprintf(path, sizeof path, "%s/%s", n->config->data, FILE_NAME);
    enum err e = disk_open(path, &n->disk, &p);
    if (e != OK) {
        log_error("%s: %s", path, problem_text(&p));
        return e;
    }
    TRY(watch_open(n->loop, disk_fd(n->disk), disk_ready, n, &n->disk_watch));
    watch_want(n->disk_watch, true, false);
    return OK;
}

/* Before the loop runs there is nothing else to do than to wait for vault to take it. */
static bool wait_for_room(struct node *n)
{
    struct pollfd p = {.fd = ipc_fd(&n->vault), .events = POLLOUT};
    return poll(&p, 1, -1) == 1 && ipc_flush(&n->vault) == OK;
}

struct telling {
    struct node *node;
    uint8_t kind;
    size_t told;
    uint64_t checkpoint; /* the newest one's number; 0: none */
};

static bool tell_record(void *ctx, struct bytes key, struct bytes value)
{
    struct telling *t = ctx;
    struct reader r = reader(key);
    struct wire_record record = {.kind = t->kind, .number = rd_u64(&r), .sealed = value};
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    if (reader_end(&r, E_MALFORMED) != OK) {
        log_warn("a record of kind %u has a key that is not ours", t->kind);
        return true;
    }
    enum err e = wire_record_encode(&record, &body);
    while (e == OK && (e = ipc_send(&t->node->vault, WIRE_RECORD, buf_bytes(&body))) == E_NOT_READY)
        e = wait_for_room(t->node) ? OK : E_IO;
    buf_free(&body);
    if (e != OK)
        node_fail(t->node, "vault did not take what was stored: %s", err_text(e));
    t->told++;
    if (t->kind == RECORD_CHECKPOINT)
        t->checkpoint = record.number;
    return e == OK;
}

void node_store_tell(struct node *n)
{
    static const uint8_t kinds[] = {RECORD_MANIFEST,   RECORD_SECRETS,  RECORD_CONSENSUS,
                                    RECORD_CHECKPOINT, RECORD_FOUNDING, RECORD_BLOCK,
                                    RECORD_COLLATERAL};
    struct telling t = {.node = n};
    for (size_t i = 0; i < sizeof kinds && n->exit_code == 0; i++) {
        uint8_t from[8];
        t.kind = kinds[i];
        /* Vault goes on from the checkpoint: older blocks stay on the disk, for audits. */
        bytes_be64(t.kind == RECORD_BLOCK ? t.checkpoint : 0, from);
        enum err e = disk_each(n->disk, t.kind, BYTES_OF(from), tell_record, &t);
        if (e != OK)
            node_fail(n, "cannot read the records: %s", err_text(e));
    }
    log_info("records=%zu", t.told);
}

static void kept(void *ctx, enum err e)
{
    struct keeping *k = ctx;
    struct node *n = k->node;
    struct wire_stored stored = {k->token};
    struct buf body = BUF_INIT(64);
    free(k);
    if (e != OK)
        node_fail(n, "the disk failed: %s", err_text(e));
    else if (!n->stopping)
        node_must_say(n, WIRE_STORED, wire_stored_encode(&stored, &body), &body);
    buf_free(&body);
}

enum err node_store_keep(struct node *n, struct bytes frame)
{
    struct wire_record record;
    uint8_t key[8];
    TRY(wire_record_decode(frame, &record));
    bytes_be64(record.number, key);
    struct disk_op ops[] = {{DISK_PUT, record.kind, BYTES_OF(key), record.sealed},
                            {DISK_REMOVE_BELOW, record.kind, BYTES_OF(key), BYTES_NONE}};
    struct keeping *k = malloc(sizeof *k);
    if (!k)
        return E_NOMEM;
    *k = (struct keeping){n, record.token};
    size_t n_ops = record.kind == RECORD_CHECKPOINT ? 2 : 1;
    enum err e = disk_submit(n->disk, ops, n_ops, kept, k);
    if (e != OK)
        free(k);
    return e;
}

void node_store_close(struct node *n)
{
    watch_close(n->disk_watch);
    disk_close(n->disk);
}
