#include "prog/guardiand/node_wire.h"

#include "base/reader.h"
#include "base/writer.h"
#include "core/seal/seal.h"
#include "io/disk/disk.h"
#include "io/ipc/ipc.h"

static const struct {
    uint8_t type;
    enum node_side from;
    const char *name;
} frames[] = {
#define FRAME(symbol, number, from, type) {number, from, #symbol},
    NODE_FRAMES(FRAME)
#undef FRAME
};

bool node_frame_allowed(uint8_t type, enum node_side from)
{
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        if (frames[i].type == type)
            return frames[i].from == from;
    return false;
}

const char *node_frame_name(uint8_t type)
{
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        if (frames[i].type == type)
            return frames[i].name;
    return "?";
}

/*
 * One list of fields per struct serves both directions, so they cannot differ:
 * with w set it writes, else it reads into the same struct.
 */
struct pass {
    struct writer *w;
    struct reader r;
};

static void pass_u16(struct pass *p, uint16_t *v)
{
    if (p->w)
        wr_u16(p->w, *v);
    else
        *v = rd_u16(&p->r);
}

static void pass_u8(struct pass *p, uint8_t *v)
{
    if (p->w)
        wr_u8(p->w, *v);
    else
        *v = rd_u8(&p->r);
}

static void pass_u32(struct pass *p, uint32_t *v)
{
    if (p->w)
        wr_u32(p->w, *v);
    else
        *v = rd_u32(&p->r);
}

static void pass_u64(struct pass *p, uint64_t *v)
{
    if (p->w)
        wr_u64(p->w, *v);
    else
        *v = rd_u64(&p->r);
}

static void pass_bool(struct pass *p, bool *v)
{
    if (p->w)
        wr_bool(p->w, *v);
    else
        *v = rd_bool(&p->r);
}

static void pass_fixed(struct pass *p, uint8_t *v, size_t n)
{
    if (p->w)
        wr_raw(p->w, v, n);
    else
        rd_copy(&p->r, v, n);
}

static void too_large(struct pass *p)
{
    if (p->w->err == OK)
        p->w->err = E_TOO_LARGE;
}

static void pass_var(struct pass *p, struct bytes *v, size_t max)
{
    if (!p->w)
        *v = rd_var(&p->r, max);
    else if (v->n > max)
        too_large(p);
    else
        wr_var(p->w, *v);
}

static void pass_text(struct pass *p, char *v, size_t cap)
{
    if (p->w)
        wr_text(p->w, v);
    else
        rd_text(&p->r, v, cap);
}

static void pass_count(struct pass *p, uint32_t *n, uint32_t max)
{
    if (!p->w)
        *n = rd_count(&p->r, max);
    else if (*n > max)
        too_large(p);
    else
        wr_u32(p->w, *n);
}

/* Whatever vault can seal reaches the disk and comes back. */
_Static_assert(SEAL_MAX + SEAL_OVERHEAD <= WIRE_DATA_MAX, "a sealed record fits a frame");
_Static_assert(WIRE_DATA_MAX + 64 <= IPC_BODY_MAX, "a record and its head fit a frame");
_Static_assert(WIRE_DATA_MAX <= DISK_VALUE_MAX, "what a frame carries, the disk keeps");

static void pass_blob(struct pass *p, struct wire_blob *m)
{
    pass_var(p, &m->data, WIRE_DATA_MAX);
}

static void pass_record(struct pass *p, struct wire_record *m)
{
    pass_u64(p, &m->token);
    pass_u8(p, &m->kind);
    pass_u64(p, &m->number);
    pass_var(p, &m->sealed, WIRE_DATA_MAX);
}

static void pass_stored(struct pass *p, struct wire_stored *m)
{
    pass_u64(p, &m->token);
}

static void pass_link(struct pass *p, struct wire_link *m)
{
    pass_u32(p, &m->link);
    pass_bool(p, &m->dialled);
    pass_fixed(p, m->exporter, sizeof m->exporter);
}

static void pass_message(struct pass *p, struct wire_message *m)
{
    pass_u32(p, &m->link);
    pass_var(p, &m->data, WIRE_DATA_MAX);
}

static void pass_request(struct pass *p, struct wire_request *m)
{
    pass_u64(p, &m->id);
    pass_text(p, m->route, sizeof m->route);
    pass_count(p, &m->n_params, WIRE_PARAMS_MAX);
    for (uint32_t i = 0; i < m->n_params && i < WIRE_PARAMS_MAX; i++)
        pass_var(p, &m->params[i], WIRE_PARAM_MAX);
    pass_var(p, &m->query, WIRE_QUERY_MAX);
    pass_var(p, &m->body, WIRE_DATA_MAX);
    pass_var(p, &m->client, WIRE_CLIENT_MAX);
    pass_fixed(p, m->exporter, sizeof m->exporter);
    pass_fixed(p, m->server_spki_sha256, sizeof m->server_spki_sha256);
}

static void pass_reply(struct pass *p, struct wire_reply *m)
{
    pass_u64(p, &m->id);
    pass_u16(p, &m->status);
    pass_text(p, m->type, sizeof m->type);
    pass_var(p, &m->body, WIRE_DATA_MAX);
}

static void pass_peers(struct pass *p, struct wire_peers *m)
{
    pass_count(p, &m->n, WIRE_PEERS_MAX);
    for (uint32_t i = 0; i < m->n && i < WIRE_PEERS_MAX; i++) {
        pass_text(p, m->peers[i].host, sizeof m->peers[i].host);
        pass_u16(p, &m->peers[i].port);
    }
}

static void pass_fetch(struct pass *p, struct wire_fetch *m)
{
    pass_u32(p, &m->slot);
    if (p->w)
        object_write(p->w, &m->object);
    else
        object_read(&p->r, &m->object);
}

static void pass_fetched(struct pass *p, struct wire_fetched *m)
{
    pass_u32(p, &m->slot);
    pass_u8(p, &m->e);
    pass_u32(p, &m->retry_after_s);
    pass_var(p, &m->why, WIRE_REASON_MAX);
    pass_var(p, &m->body, WIRE_DATA_MAX);
    pass_var(p, &m->chain, WIRE_DATA_MAX);
}

static void pass_folder(struct pass *p, struct wire_folder *m)
{
    pass_count(p, &m->n, WIRE_FILES_MAX);
    for (uint32_t i = 0; i < m->n && i < WIRE_FILES_MAX; i++)
        pass_var(p, &m->files[i], WIRE_DATA_MAX);
}

/* Writing reads the struct only: the cast takes no more than that away. */
#define BOTH_WAYS(type)                                                         \
    enum err wire_##type##_encode(const struct wire_##type *m, struct buf *out) \
    {                                                                           \
        struct writer w = writer(out);                                          \
        struct pass p = {.w = &w};                                              \
        pass_##type(&p, (struct wire_##type *)m);                               \
        return writer_end(&w);                                                  \
    }                                                                           \
    enum err wire_##type##_decode(struct bytes in, struct wire_##type *out)     \
    {                                                                           \
        struct pass p = {.r = reader(in)};                                      \
        *out = (struct wire_##type){0};                                         \
        pass_##type(&p, out);                                                   \
        enum err e = reader_end(&p.r, E_MALFORMED);                             \
        if (e != OK)                                                            \
            *out = (struct wire_##type){0};                                     \
        return e;                                                               \
    }

BOTH_WAYS(blob)
BOTH_WAYS(record)
BOTH_WAYS(stored)
BOTH_WAYS(link)
BOTH_WAYS(message)
BOTH_WAYS(request)
BOTH_WAYS(reply)
BOTH_WAYS(peers)
BOTH_WAYS(fetch)
BOTH_WAYS(fetched)
BOTH_WAYS(folder)
