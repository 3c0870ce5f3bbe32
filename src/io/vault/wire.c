/*
 * One list of fields per message, walked by a codec that either writes or
 * reads, so the two directions cannot drift apart. `bad` is set for a value that
 * no message may have; what does not fit its view the reader notices itself.
 */
#include "io/vault/wire.h"

#include "base/reader.h"
#include "base/writer.h"

struct codec {
    struct writer *w; /* one of the two is NULL */
    struct reader *r;
    bool bad;
};

static void require(struct codec *c, bool condition)
{
    c->bad |= !condition;
}

static void raw(struct codec *c, void *p, size_t n)
{
    if (c->w)
        wr_raw(c->w, p, n);
    else
        rd_copy(c->r, p, n);
}

static void number64(struct codec *c, uint64_t *v)
{
    if (c->w)
        wr_u64(c->w, *v);
    else
        *v = rd_u64(c->r);
}

/* A number from least to most, for enums. */
static unsigned small(struct codec *c, unsigned v, unsigned least, unsigned most)
{
    if (c->w)
        wr_u8(c->w, (uint8_t)v);
    else
        v = rd_u8(c->r);
    require(c, v >= least && v <= most);
    return v >= least && v <= most ? v : least;
}

static void view(struct codec *c, struct bytes *v, size_t least, size_t most)
{
    if (c->w)
        wr_var(c->w, *v);
    else
        *v = rd_var(c->r, most);
    require(c, v->n >= least && v->n <= most);
}

/* Text of 0 to cap-1 bytes without NUL. */
static void text(struct codec *c, char *v, size_t cap)
{
    if (c->w) {
        size_t n = strnlen(v, cap);
        require(c, n < cap);
        wr_var(c->w, bytes(v, n));
        return;
    }
    struct bytes b = rd_var(c->r, cap - 1);
    require(c, b.n == 0 || !memchr(b.p, 0, b.n));
    if (b.n)
        memcpy(v, b.p, b.n);
    v[b.n] = 0;
}

/* --- the messages ------------------------------------------------------------------------------
 */

static void platform(struct codec *c, struct wire_platform *m)
{
    m->nothing = 0;
}

static void platform_is(struct codec *c, struct wire_platform_is *m)
{
    struct bytes id = bytes(m->id.b, m->id.n);
    m->platform = small(c, m->platform, PLATFORM_TDX, PLATFORM_SNP);
    view(c, &id, 1, PLATFORM_ID_MAX);
    if (c->r && id.n) {
        memcpy(m->id.b, id.p, id.n);
        m->id.n = id.n;
    }
}

static void derive(struct codec *c, struct wire_derive *m)
{
    view(c, &m->context, 1, WIRE_CONTEXT_MAX);
}

static void derived(struct codec *c, struct wire_derived *m)
{
    raw(c, m->key.b, sizeof m->key.b);
}

static void peer_binding(struct codec *c, struct binding_peer *b)
{
    raw(c, b->exporter, sizeof b->exporter);
    raw(c, b->client_nonce, sizeof b->client_nonce);
    raw(c, b->server_nonce, sizeof b->server_nonce);
    b->role = small(c, b->role, BINDING_CLIENT, BINDING_SERVER);
    raw(c, b->cluster_id.b, sizeof b->cluster_id.b);
    raw(c, b->seat_key.b, sizeof b->seat_key.b);
    raw(c, b->vote_key.b, sizeof b->vote_key.b);
    raw(c, b->instance_id, sizeof b->instance_id);
}

static void api_binding(struct codec *c, struct binding_api *b)
{
    raw(c, b->exporter, sizeof b->exporter);
    raw(c, b->nonce, sizeof b->nonce);
    raw(c, b->cluster_id.b, sizeof b->cluster_id.b);
    raw(c, b->server_spki.b, sizeof b->server_spki.b);
}

static void quote(struct codec *c, struct wire_quote *m)
{
    number64(c, &m->id);
    m->request.kind = small(c, m->request.kind, QUOTE_PEER, QUOTE_API);
    if (m->request.kind == QUOTE_PEER)
        peer_binding(c, &m->request.peer);
    else
        api_binding(c, &m->request.api);
}

static void quoted(struct codec *c, struct wire_quoted *m)
{
    number64(c, &m->id);
    view(c, &m->evidence, 0, EVIDENCE_MAX);
}

static void judge(struct codec *c, struct wire_judge *m)
{
    number64(c, &m->id);
    number64(c, &m->unix_s);
    view(c, &m->evidence, 0, EVIDENCE_MAX);
}

static void object(struct codec *c, struct vendor_object *o)
{
    if (c->w)
        object_write(c->w, o);
    else
        object_read(c->r, o);
}

/* What went wrong; e is not OK. */
static void reason(struct codec *c, enum err e, struct problem *p)
{
    p->err = e;
    text(c, p->detail, sizeof p->detail);
}

static void judged(struct codec *c, struct wire_judged *m)
{
    number64(c, &m->id);
    m->e = small(c, m->e, OK, ERR_COUNT - 1);
    if (m->e != OK)
        reason(c, m->e, &m->problem);
    else if (c->w)
        claims_write(c->w, &m->claims);
    else
        claims_read(c->r, &m->claims);
    m->n_objects = small(c, m->n_objects, 0, OBJECTS_OF_CLAIMS_MAX);
    for (uint32_t i = 0; i < m->n_objects; i++)
        object(c, &m->objects[i]);
    m->is_stranger = small(c, m->is_stranger, false, true);
}

static void hold(struct codec *c, struct wire_hold *m)
{
    if (c->w)
        wr_u32(c->w, m->slot);
    else
        m->slot = rd_u32(c->r);
    require(c, m->slot < WIRE_SLOTS);
    view(c, &m->body, 0, WIRE_OBJECT_MAX);
    view(c, &m->chain, 0, WIRE_CHAIN_MAX);
}

static void inspect(struct codec *c, struct wire_inspect *m)
{
    number64(c, &m->id);
    number64(c, &m->unix_s);
    object(c, &m->object);
    view(c, &m->body, 1, WIRE_OBJECT_MAX);
    view(c, &m->chain, 0, WIRE_CHAIN_MAX);
}

static void time(struct codec *c, int64_t *v)
{
    uint64_t n = (uint64_t)*v;
    number64(c, &n);
    *v = (int64_t)n;
}

static void inspected(struct codec *c, struct wire_inspected *m)
{
    number64(c, &m->id);
    m->e = small(c, m->e, OK, ERR_COUNT - 1);
    if (m->e != OK) {
        reason(c, m->e, &m->problem);
        return;
    }
    time(c, &m->facts.issued);
    time(c, &m->facts.until);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static void walk(struct codec *c, struct wire *m)
{
    switch (m->type) {
#define WIRE(symbol, name, from, to, max) \
    case WIRE_##symbol:                   \
        name(c, &m->name);                \
        break;
#include "io/vault/messages.def"
#undef WIRE
    case WIRE_NOTHING:
    case WIRE_TYPES:
        break;
    }
}

static const struct {
    const char *name;
    enum wire_end from, to;
    size_t max;
} table[WIRE_TYPES] = {
#define WIRE(symbol, name, from, to, max) \
    [WIRE_##symbol] = {#symbol, WIRE_##from, WIRE_##to, (max)},
#include "io/vault/messages.def"
#undef WIRE
};

const char *wire_name(enum wire_type type)
{
    return type > WIRE_NOTHING && type < WIRE_TYPES ? table[type].name : "?";
}

enum err wire_encode(enum wire_end from, const struct wire *m, struct buf *out)
{
    if (m->type <= WIRE_NOTHING || m->type >= WIRE_TYPES || table[m->type].from != from)
        return E_NOT_ALLOWED;
    size_t before = out->n;
    struct writer w = writer(out);
    struct codec c = {.w = &w};
    struct wire copy = *m; /* a walk that writes changes nothing, but its type cannot say so */
    walk(&c, &copy);
    wipe(&copy, sizeof copy);
    TRY(writer_end(&w));
    if (c.bad)
        return E_VALUE;
    return out->n - before <= table[m->type].max ? OK : E_TOO_LARGE;
}

enum err wire_decode(enum wire_end from, enum wire_end to, uint8_t type, struct bytes body,
                     struct wire *out)
{
    memset(out, 0, sizeof *out);
    if (type == WIRE_NOTHING || type >= WIRE_TYPES || table[type].from != from ||
        table[type].to != to || body.n > table[type].max)
        return E_MALFORMED;
    struct reader r = reader(body);
    struct codec c = {.r = &r};
    out->type = type;
    walk(&c, out);
    enum err e = c.bad ? E_MALFORMED : reader_end(&r, E_MALFORMED);
    if (e != OK)
        wipe(out, sizeof *out);
    return e;
}

enum err wire_send(struct ipc *c, enum wire_end from, const struct wire *m)
{
    struct buf body = BUF_INIT(IPC_BODY_MAX);
    enum err e = wire_encode(from, m, &body);
    if (e == OK)
        e = ipc_send(c, (uint8_t)m->type, buf_bytes(&body));
    buf_free(&body);
    return e;
}
