#include "core/state/records.h"

#include "core/threshold/dealing.h"

/* Values may be as large as the map allows; a record that borrows says what it may hold. */
#define DER_MAX 8192

static struct key key_begin(char table)
{
    struct key k = {.n = 1};
    k.b[0] = (uint8_t)table;
    return k;
}

static void key_add(struct key *k, const void *p, size_t n)
{
    memcpy(k->b + k->n, p, n);
    k->n += n;
}

static void key_add_number(struct key *k, uint64_t v, size_t n)
{
    for (size_t i = n; i-- > 0;)
        k->b[k->n++] = (uint8_t)(v >> (8 * i));
}

struct key key_plain(char table)
{
    return key_begin(table);
}

struct key key_gid(char table, uint32_t gid)
{
    struct key k = key_begin(table);
    key_add_number(&k, gid, 4);
    return k;
}

struct key key_number(char table, uint64_t number)
{
    struct key k = key_begin(table);
    key_add_number(&k, number, 8);
    return k;
}

struct key key_hash(char table, struct hash32 h)
{
    struct key k = key_begin(table);
    key_add(&k, h.b, sizeof h.b);
    return k;
}

struct key key_name(char table, const char *name)
{
    struct key k = key_begin(table);
    key_add(&k, name, strnlen(name, NS_NAME_MAX) + 1);
    return k;
}

struct key key_name_hash(char table, const char *name, struct hash32 h)
{
    struct key k = key_name(table, name);
    key_add(&k, h.b, sizeof h.b);
    return k;
}

struct key key_name_gid(char table, const char *name, uint32_t gid)
{
    struct key k = key_name(table, name);
    key_add_number(&k, gid, 4);
    return k;
}

/* Pieces that several records share. */

static void wr_hash(struct writer *w, struct hash32 h)
{
    wr_raw(w, h.b, sizeof h.b);
}

static void rd_hash(struct reader *r, struct hash32 *h)
{
    rd_copy(r, h->b, sizeof h->b);
}

static void wr_time(struct writer *w, int64_t t)
{
    wr_u64(w, (uint64_t)t);
}

static int64_t rd_time(struct reader *r)
{
    return (int64_t)rd_u64(r);
}

static void wr_spki(struct writer *w, const struct spki *s)
{
    wr_var(w, bytes(s->b, s->n));
}

static void rd_spki(struct reader *r, struct spki *s)
{
    struct bytes v = rd_var(r, sizeof s->b);
    s->n = v.n;
    if (v.n)
        memcpy(s->b, v.p, v.n);
}

static void wr_platform_id(struct writer *w, const struct platform_id *p)
{
    wr_var(w, bytes(p->b, p->n));
}

static void rd_platform_id(struct reader *r, struct platform_id *p)
{
    struct bytes v = rd_var(r, sizeof p->b);
    p->n = v.n;
    if (v.n)
        memcpy(p->b, v.p, v.n);
}

static void wr_gids(struct writer *w, const uint32_t *gids, uint32_t n)
{
    wr_u32(w, n);
    for (uint32_t i = 0; i < n; i++)
        wr_u32(w, gids[i]);
}

static uint32_t rd_gids(struct reader *r, uint32_t *gids, uint32_t max)
{
    uint32_t n = rd_count(r, max);
    for (uint32_t i = 0; i < n; i++)
        gids[i] = rd_u32(r);
    return n;
}

/*
 * Points in the map were checked when their entry was applied, and the root of
 * the map is certified: reading them back does not check them again, which
 * would cost a multiplication each.
 */
static void rd_commitment(struct reader *r, struct commitment *c)
{
    c->t = rd_count(r, THRESHOLD_MAX);
    for (uint32_t i = 0; i < c->t; i++)
        rd_copy(r, c->c[i].b, sizeof c->c[i].b);
}

/* A string that may be empty, unlike wr_text's. */
static void wr_string(struct writer *w, const char *s)
{
    wr_var(w, bytes_str(s));
}

static void rd_string(struct reader *r, char *out, size_t cap)
{
    struct bytes v = rd_var(r, cap - 1);
    rd_require(r, v.n == 0 || !memchr(v.p, 0, v.n));
    memset(out, 0, cap);
    if (!r->bad && v.n)
        memcpy(out, v.p, v.n);
}

static void cluster_write(struct writer *w, const struct rec_cluster *c)
{
    wr_u64(w, c->height);
    wr_u64(w, c->time_ms);
    wr_u64(w, c->previous_ms);
    wr_hash(w, c->head);
    wr_u32(w, c->generation);
    wr_hash(w, c->root_id);
    wr_raw(w, c->k.b, sizeof c->k.b);
    wr_raw(w, c->a.b, sizeof c->a.b);
    wr_u64(w, c->next_op);
    wr_u64(w, c->policy_height);
    wr_u64(w, c->opened_ms);
    bft_run_encode(w, &c->run);
}

static void cluster_parse(struct reader *r, struct rec_cluster *c)
{
    c->height = rd_u64(r);
    c->time_ms = rd_u64(r);
    c->previous_ms = rd_u64(r);
    rd_hash(r, &c->head);
    c->generation = rd_u32(r);
    rd_hash(r, &c->root_id);
    rd_copy(r, c->k.b, sizeof c->k.b);
    rd_copy(r, c->a.b, sizeof c->a.b);
    c->next_op = rd_u64(r);
    c->policy_height = rd_u64(r);
    c->opened_ms = rd_u64(r);
    bft_run_decode(r, &c->run);
}

static void epoch_write(struct writer *w, const struct rec_epoch *e)
{
    wr_u64(w, e->epoch);
    wr_u32(w, e->t);
    commitment_write(w, &e->r);
    commitment_write(w, &e->e);
    wr_gids(w, e->holders, e->n_holders);
}

static void epoch_parse(struct reader *r, struct rec_epoch *e)
{
    e->epoch = rd_u64(r);
    e->t = rd_u32(r);
    rd_commitment(r, &e->r);
    rd_commitment(r, &e->e);
    e->n_holders = rd_gids(r, e->holders, THRESHOLD_MAX);
}

static void session_write(struct writer *w, const struct rec_session *s)
{
    wr_u8(w, (uint8_t)s->kind);
    wr_u8(w, (uint8_t)s->phase);
    wr_u32(w, s->attempt);
    wr_u64(w, s->deadline_ms);
    wr_hash(w, s->sid_r);
    wr_hash(w, s->sid_e);
    cfg_encode(w, &s->next);
    wr_u32(w, s->n_recipients);
    for (uint32_t i = 0; i < s->n_recipients; i++) {
        wr_u32(w, s->recipients[i].gid);
        wr_raw(w, s->recipients[i].x, sizeof s->recipients[i].x);
        wr_bool(w, s->recipients[i].confirmed);
    }
    wr_gids(w, s->dealers, s->n_dealers);
    if (s->phase == PHASE_CONFIRM) {
        commitment_write(w, &s->r);
        commitment_write(w, &s->e);
    }
}

static void session_parse(struct reader *r, struct rec_session *s)
{
    s->kind = (enum session_kind)rd_u8(r);
    s->phase = (enum session_phase)rd_u8(r);
    rd_require(r, s->kind <= SESSION_RESHARE && s->phase <= PHASE_CONFIRM);
    s->attempt = rd_u32(r);
    s->deadline_ms = rd_u64(r);
    rd_hash(r, &s->sid_r);
    rd_hash(r, &s->sid_e);
    cfg_decode(r, &s->next);
    s->n_recipients = rd_count(r, THRESHOLD_MAX);
    for (uint32_t i = 0; i < s->n_recipients; i++) {
        s->recipients[i].gid = rd_u32(r);
        rd_copy(r, s->recipients[i].x, sizeof s->recipients[i].x);
        s->recipients[i].confirmed = rd_bool(r);
    }
    s->n_dealers = rd_gids(r, s->dealers, THRESHOLD_MAX);
    if (s->phase == PHASE_CONFIRM) {
        rd_commitment(r, &s->r);
        rd_commitment(r, &s->e);
    }
}

static void dealing_write(struct writer *w, const struct rec_dealing *d)
{
    commitment_write(w, &d->r);
    commitment_write(w, &d->e);
    wr_var(w, d->deal_r);
    wr_var(w, d->deal_e);
}

static void dealing_parse(struct reader *r, struct rec_dealing *d)
{
    rd_commitment(r, &d->r);
    rd_commitment(r, &d->e);
    d->deal_r = rd_var(r, DEALING_MAX);
    d->deal_e = rd_var(r, DEALING_MAX);
}

static void seat_write(struct writer *w, const struct rec_seat *s)
{
    wr_u32(w, s->gid);
    wr_bool(w, s->is_pinned);
    wr_raw(w, s->seat_key.b, sizeof s->seat_key.b);
    wr_platform_id(w, &s->platform_id);
    wr_string(w, s->operator_name);
    wr_string(w, s->vendor);
    wr_string(w, s->host);
    wr_u16(w, s->peer_port);
    wr_u16(w, s->api_port);
    wr_u32(w, s->rekeys);
    wr_u64(w, s->rekeys_since_ms);
    wr_u64(w, s->derives);
}

static void seat_parse(struct reader *r, struct rec_seat *s)
{
    s->gid = rd_u32(r);
    s->is_pinned = rd_bool(r);
    rd_copy(r, s->seat_key.b, sizeof s->seat_key.b);
    rd_platform_id(r, &s->platform_id);
    rd_string(r, s->operator_name, sizeof s->operator_name);
    rd_string(r, s->vendor, sizeof s->vendor);
    rd_string(r, s->host, sizeof s->host);
    s->peer_port = rd_u16(r);
    s->api_port = rd_u16(r);
    s->rekeys = rd_u32(r);
    s->rekeys_since_ms = rd_u64(r);
    s->derives = rd_u64(r);
}

static void signop_write(struct writer *w, const struct rec_signop *o)
{
    wr_u64(w, o->number);
    wr_u8(w, (uint8_t)o->kind);
    wr_string(w, o->ns);
    wr_u32(w, o->gid);
    wr_spki(w, &o->spki);
    wr_time(w, o->not_before);
    wr_time(w, o->not_after);
    wr_hash(w, o->cause);
    wr_u32(w, o->attempt);
    wr_u64(w, o->since_ms);
    wr_gids(w, o->excluded, o->n_excluded);
    wr_u32(w, o->set.n);
    for (uint32_t i = 0; i < o->set.n; i++)
        frost_commitment_write(w, &o->set.c[i]);
    wr_u32(w, o->n_shares);
    for (uint32_t i = 0; i < o->n_shares; i++)
        frost_share_write(w, &o->shares[i]);
}

static void signop_parse(struct reader *r, struct rec_signop *o)
{
    o->number = rd_u64(r);
    o->kind = (enum signop_kind)rd_u8(r);
    rd_require(r, o->kind <= SIGN_CRL_NS);
    rd_string(r, o->ns, sizeof o->ns);
    o->gid = rd_u32(r);
    rd_spki(r, &o->spki);
    o->not_before = rd_time(r);
    o->not_after = rd_time(r);
    rd_hash(r, &o->cause);
    o->attempt = rd_u32(r);
    o->since_ms = rd_u64(r);
    o->n_excluded = rd_gids(r, o->excluded, THRESHOLD_MAX);
    o->set.n = rd_count(r, THRESHOLD_MAX);
    for (uint32_t i = 0; i < o->set.n; i++)
        frost_commitment_read_unchecked(r, &o->set.c[i]);
    o->n_shares = rd_count(r, THRESHOLD_MAX);
    for (uint32_t i = 0; i < o->n_shares; i++)
        frost_share_read(r, &o->shares[i]);
}

static void namespace_write(struct writer *w, const struct rec_namespace *n)
{
    wr_string(w, n->name);
    wr_u8(w, (uint8_t)n->mode);
    wr_bool(w, n->suspended);
    wr_u32(w, n->version);
    wr_hash(w, n->cause);
    wr_time(w, n->created);
    wr_var(w, n->names);
    wr_var(w, n->ca_der);
    wr_var(w, n->crl_der);
}

static void namespace_parse(struct reader *r, struct rec_namespace *n)
{
    rd_string(r, n->name, sizeof n->name);
    n->mode = (enum ns_mode)rd_u8(r);
    rd_require(r, n->mode <= NS_THRESHOLD);
    n->suspended = rd_bool(r);
    n->version = rd_u32(r);
    rd_hash(r, &n->cause);
    n->created = rd_time(r);
    n->names = rd_var(r, DER_MAX);
    n->ca_der = rd_var(r, DER_MAX);
    n->crl_der = rd_var(r, DER_MAX);
}

static void measurement_write(struct writer *w, const struct rec_measurement *m)
{
    wr_time(w, m->added);
    wr_time(w, m->revoked_at);
    wr_var(w, m->policy);
}

static void measurement_parse(struct reader *r, struct rec_measurement *m)
{
    m->added = rd_time(r);
    m->revoked_at = rd_time(r);
    m->policy = rd_var(r, 32 * 1024);
}

static void instance_write(struct writer *w, const struct rec_instance *i)
{
    wr_hash(w, i->id);
    wr_u8(w, (uint8_t)i->platform);
    wr_hash(w, i->measurement_hash);
    wr_platform_id(w, &i->chip);
    wr_spki(w, &i->identity);
    wr_spki(w, &i->wrap);
    wr_hash(w, i->serial);
    wr_time(w, i->issued);
    wr_time(w, i->not_after);
    wr_bool(w, i->suspended);
}

static void instance_parse(struct reader *r, struct rec_instance *i)
{
    rd_hash(r, &i->id);
    i->platform = (enum platform)rd_u8(r);
    rd_require(r, i->platform <= PLATFORM_SNP);
    rd_hash(r, &i->measurement_hash);
    rd_platform_id(r, &i->chip);
    rd_spki(r, &i->identity);
    rd_spki(r, &i->wrap);
    rd_hash(r, &i->serial);
    i->issued = rd_time(r);
    i->not_after = rd_time(r);
    i->suspended = rd_bool(r);
}

static void used_write(struct writer *w, const struct rec_used *u)
{
    wr_time(w, u->until);
}

static void used_parse(struct reader *r, struct rec_used *u)
{
    u->until = rd_time(r);
}

static void issuing_write(struct writer *w, const struct rec_issuing *i)
{
    wr_spki(w, &i->spki);
    wr_time(w, i->not_after);
    wr_var(w, i->der);
}

static void issuing_parse(struct reader *r, struct rec_issuing *i)
{
    rd_spki(r, &i->spki);
    i->not_after = rd_time(r);
    i->der = rd_var(r, DER_MAX);
}

static void derive_write(struct writer *w, const struct rec_derive *d)
{
    wr_hash(w, d->id);
    wr_u32(w, d->version);
    wr_u64(w, d->epoch);
    wr_gids(w, d->evals, d->n_evals);
    wr_gids(w, d->falsely, d->n_false);
    wr_var(w, d->request);
}

static void derive_parse(struct reader *r, struct rec_derive *d)
{
    rd_hash(r, &d->id);
    d->version = rd_u32(r);
    d->epoch = rd_u64(r);
    d->n_evals = rd_gids(r, d->evals, THRESHOLD_MAX);
    d->n_false = rd_gids(r, d->falsely, THRESHOLD_MAX);
    d->request = rd_var(r, 2048);
}

static void proposal_write(struct writer *w, const struct rec_proposal *p)
{
    wr_hash(w, p->id);
    wr_time(w, p->expires);
    wr_bool(w, p->done);
    wr_u64(w, p->done_height);
    wr_gids(w, p->signed_by, p->n_signed);
    wr_var(w, p->text);
}

static void proposal_parse(struct reader *r, struct rec_proposal *p)
{
    rd_hash(r, &p->id);
    p->expires = rd_time(r);
    p->done = rd_bool(r);
    p->done_height = rd_u64(r);
    p->n_signed = rd_gids(r, p->signed_by, 16);
    p->text = rd_var(r, 64 * 1024);
}

static void blame_write(struct writer *w, const struct rec_blame *b)
{
    wr_u32(w, b->gid);
    wr_u8(w, (uint8_t)b->kind);
    wr_u64(w, b->height);
    wr_hash(w, b->entry);
}

static void blame_parse(struct reader *r, struct rec_blame *b)
{
    b->gid = rd_u32(r);
    b->kind = (enum blame_kind)rd_u8(r);
    rd_require(r, b->kind <= BLAME_EQUIVOCATION);
    b->height = rd_u64(r);
    rd_hash(r, &b->entry);
}

static void membership_write(struct writer *w, const struct rec_membership *m)
{
    wr_hash(w, m->cfg_hash);
    wr_u64(w, m->first_height);
    wr_raw(w, m->signature.b, sizeof m->signature.b);
}

static void membership_parse(struct reader *r, struct rec_membership *m)
{
    rd_hash(r, &m->cfg_hash);
    m->first_height = rd_u64(r);
    rd_copy(r, m->signature.b, sizeof m->signature.b);
}

#define RECORD(name)                                                                          \
    enum err name##_put(struct store *s, const struct key *key, const struct rec_##name *rec) \
    {                                                                                         \
        struct buf b = BUF_INIT(STORE_VALUE_MAX);                                             \
        struct writer w = writer(&b);                                                         \
        name##_write(&w, rec);                                                                \
        enum err e = writer_end(&w);                                                          \
        if (e == OK)                                                                          \
            e = store_put(s, key_bytes(key), buf_bytes(&b));                                  \
        buf_free(&b);                                                                         \
        return e;                                                                             \
    }                                                                                         \
    enum err name##_read(struct bytes value, struct rec_##name *rec)                          \
    {                                                                                         \
        memset(rec, 0, sizeof *rec);                                                          \
        struct reader r = reader(value);                                                      \
        name##_parse(&r, rec);                                                                \
        return reader_end(&r, E_INTERNAL);                                                    \
    }                                                                                         \
    enum err name##_get(const struct store *s, const struct key *key, struct rec_##name *rec) \
    {                                                                                         \
        struct bytes value = store_get(s, key_bytes(key));                                    \
        memset(rec, 0, sizeof *rec);                                                          \
        return value.p ? name##_read(value, rec) : E_NOT_FOUND;                               \
    }
RECORD(cluster)
RECORD(epoch)
RECORD(session)
RECORD(dealing)
RECORD(seat)
RECORD(signop)
RECORD(namespace)
RECORD(measurement)
RECORD(instance)
RECORD(used)
RECORD(issuing)
RECORD(derive)
RECORD(proposal)
RECORD(blame)
RECORD(membership)
