#include "ledger.h"
#include "base/bug.h"

#include <stdlib.h>

/* --- entries ----------------------------------------------------------------------- */

static void write_body(struct writer *w, const struct entry *e)
{
    wr_u8(w, (uint8_t)e->type);
    wr_u64(w, e->nonce);
    wr_u64(w, e->expires_ms);
    wr_u8(w, (uint8_t)e->change);
    wr_u32(w, e->gid);
    wr_raw(w, e->seat_key.b, 32);
    wr_raw(w, e->old_key.b, 32);
    wr_raw(w, e->vote_key.b, 32);
    wr_var(w, e->body);
}

void entry_write(struct buf *out, const struct entry *e)
{
    struct writer w = writer(out);
    write_body(&w, e);
    wr_raw(&w, e->signature.b, sizeof e->signature.b);
    GD_BUG_ON(writer_end(&w) != OK);
}

static struct hash32 entry_digest(const struct entry *e)
{
    struct buf b = BUF_INIT(BFT_MAX_ENTRY);
    struct writer w = writer(&b);
    write_body(&w, e);
    struct hash32 h = sha256(buf_bytes(&b));
    buf_free(&b);
    return h;
}

void entry_sign(struct buf *out, struct entry *e, const struct sig_scheme *scheme,
                const struct sig_secret *secret)
{
    struct hash32 h = entry_digest(e);
    e->signature = scheme->sign(secret, BYTES_OF(h.b));
    entry_write(out, e);
}

enum err entry_read(struct bytes in, struct entry *e)
{
    *e = (struct entry){0};
    struct reader r = reader(in);
    e->type = (enum entry_type)rd_u8(&r);
    e->nonce = rd_u64(&r);
    e->expires_ms = rd_u64(&r);
    e->change = (enum change)rd_u8(&r);
    e->gid = rd_u32(&r);
    rd_copy(&r, e->seat_key.b, 32);
    rd_copy(&r, e->old_key.b, 32);
    rd_copy(&r, e->vote_key.b, 32);
    e->body = rd_var(&r, BFT_MAX_ENTRY);
    rd_copy(&r, e->signature.b, sizeof e->signature.b);
    rd_require(&r, e->type >= ENTRY_DATA && e->type <= ENTRY_EVIDENCE && e->nonce != 0);
    return reader_end(&r, E_MALFORMED);
}

void restart_write(struct buf *out, const struct restart_order *o)
{
    struct writer w = writer(out);
    wr_u64(&w, o->height);
    wr_u32(&w, o->round);
    wr_raw(&w, o->id.b, 32);
    wr_u32(&w, o->n);
    for (uint32_t i = 0; i < o->n; i++) {
        wr_u32(&w, o->member[i].gid);
        wr_raw(&w, o->member[i].vote_key.b, 32);
    }
    GD_BUG_ON(writer_end(&w) != OK);
}

static enum err restart_read(struct bytes in, struct restart_order *o)
{
    *o = (struct restart_order){0};
    struct reader r = reader(in);
    o->height = rd_u64(&r);
    o->round = rd_u32(&r);
    rd_copy(&r, o->id.b, 32);
    o->n = rd_count(&r, BFT_MAX_MEMBERS);
    for (uint32_t i = 0; i < o->n; i++) {
        o->member[i].gid = rd_u32(&r);
        rd_copy(&r, o->member[i].vote_key.b, 32);
    }
    return reader_end(&r, E_MALFORMED);
}

/* --- nonces -------------------------------------------------------------------------- */

static uint32_t place(const struct ledger *l, uint64_t nonce)
{
    uint32_t i = (uint32_t)((nonce * 0x9e3779b97f4a7c15u) >> 32) % l->places;
    while (l->nonce[i] != 0 && l->nonce[i] != nonce)
        i = (i + 1) % l->places;
    return i;
}

bool ledger_has(const struct ledger *l, uint64_t nonce)
{
    return l->places > 0 && l->nonce[place(l, nonce)] == nonce;
}

static void add_nonce(struct ledger *l, uint64_t nonce)
{
    if (l->nonces * 2 >= l->places) {
        uint64_t *old = l->nonce;
        uint32_t n = l->places;
        l->places = n ? n * 2 : 64;
        l->nonce = calloc(l->places, sizeof *l->nonce);
        GD_BUG_ON(!l->nonce);
        for (uint32_t i = 0; i < n; i++)
            if (old[i])
                l->nonce[place(l, old[i])] = old[i];
        free(old);
    }
    l->nonce[place(l, nonce)] = nonce;
    l->nonces++;
}

/* --- what entries do -------------------------------------------------------------------- */

struct scratch {
    struct cfg cfg;
    struct sig_public lied[16];
    uint32_t lies;
};

static bool has_lied(const struct ledger *l, const struct scratch *s, const struct sig_public *key)
{
    for (uint32_t i = 0; i < l->lies; i++)
        if (sig_public_eq(l->lied[i], *key))
            return true;
    for (uint32_t i = 0; i < s->lies; i++)
        if (sig_public_eq(s->lied[i], *key))
            return true;
    return false;
}

static bool signed_by(const struct ledger *l, const struct entry *e, const struct sig_public *key)
{
    struct hash32 h = entry_digest(e);
    return l->scheme->verify(key, BYTES_OF(h.b), &e->signature) == OK;
}

static enum err do_rekey(const struct ledger *l, struct scratch *s, const struct entry *e)
{
    int i = cfg_find(&s->cfg, e->gid);
    if (i < 0 || !sig_public_eq(s->cfg.member[i].vote_key, e->old_key) ||
        !signed_by(l, e, &s->cfg.member[i].seat_key))
        return E_VALUE;
    s->cfg.member[i].vote_key = e->vote_key;
    return OK;
}

static void add_member(struct cfg *cfg, const struct entry *e)
{
    uint32_t i = cfg->n++;
    for (; i > 0 && cfg->member[i - 1].gid > e->gid; i--)
        cfg->member[i] = cfg->member[i - 1];
    cfg->member[i] =
        (struct member){.gid = e->gid, .seat_key = e->seat_key, .vote_key = e->vote_key};
}

static enum err do_change(const struct ledger *l, struct scratch *s, const struct entry *e)
{
    struct cfg cfg = s->cfg;
    int i = cfg_find(&cfg, e->gid);
    if ((e->change == CHANGE_ADD) != (i < 0) || cfg.n >= 15 || !signed_by(l, e, &l->admin))
        return E_VALUE;
    if (e->change == CHANGE_ADD)
        add_member(&cfg, e);
    else if (e->change == CHANGE_REMOVE)
        memmove(&cfg.member[i], &cfg.member[i + 1], (cfg.n-- - i - 1) * sizeof cfg.member[0]);
    else
        cfg.member[i].suspended = e->change == CHANGE_SUSPEND;
    cfg.q = cfg_quorum(cfg.n, cfg.f);
    cfg.t = cfg.n / 2 + 1;
    cfg.epoch++;
    if (cfg.n <= 2)
        cfg.mode = BFT_SEALED;
    if (cfg_check(&cfg) != OK)
        return E_VALUE;
    s->cfg = cfg;
    return OK;
}

static enum err do_evidence(struct ledger *l, struct scratch *s, const struct entry *e)
{
    struct equivocation about;
    TRY(equivocation_peek(e->body, &about));
    const struct cfg *cfg = ledger_cfg_at(l, about.height);
    if (!cfg || about.height > l->height + 1)
        return E_NOT_READY;
    TRY(equivocation_check(l->scheme, cfg, e->body, &about));
    const struct sig_public *key = &cfg->member[cfg_find(cfg, about.gid)].vote_key;
    if (has_lied(l, s, key) || s->lies == 16)
        return E_VALUE;
    s->lied[s->lies++] = *key;
    return OK;
}

static enum err do_entry(struct ledger *l, struct scratch *s, uint64_t time_ms, struct bytes in)
{
    struct entry e;
    TRY(entry_read(in, &e));
    if (ledger_has(l, e.nonce))
        return E_VALUE;
    switch (e.type) {
    case ENTRY_DATA:
        return e.expires_ms == 0 || time_ms < e.expires_ms ? OK : E_VALUE;
    case ENTRY_REKEY:
        return do_rekey(l, s, &e);
    case ENTRY_CHANGE:
        return do_change(l, s, &e);
    case ENTRY_EVIDENCE:
        return do_evidence(l, s, &e);
    }
    return E_MALFORMED;
}

static uint64_t nonce_of(struct bytes in)
{
    struct entry e;
    return entry_read(in, &e) == OK ? e.nonce : 0;
}

static bool twice(const struct bytes *entry, uint32_t i, const bool *ok)
{
    uint64_t nonce = nonce_of(entry[i]);
    for (uint32_t k = 0; k < i; k++)
        if (ok[k] && nonce_of(entry[k]) == nonce)
            return true;
    return false;
}

static void run_entries(struct ledger *l, struct scratch *s, uint64_t time_ms,
                        const struct bytes *entry, uint32_t n, bool *ok)
{
    *s = (struct scratch){.cfg = l->cfg};
    for (uint32_t i = 0; i < n; i++)
        ok[i] = !twice(entry, i, ok) && do_entry(l, s, time_ms, entry[i]) == OK;
}

void ledger_judge(struct ledger *l, const struct header *header, const struct bytes *entry,
                  uint32_t n, bool *ok)
{
    struct scratch s;
    run_entries(l, &s, header->time_ms, entry, n, ok);
}

enum err ledger_entry_valid(struct ledger *l, uint64_t time_ms, struct bytes entry)
{
    struct scratch s = {.cfg = l->cfg};
    return do_entry(l, &s, time_ms, entry);
}

unsigned ledger_lane(struct bytes in)
{
    struct entry e;
    if (entry_read(in, &e) != OK || e.type == ENTRY_DATA)
        return 3;
    return e.type == ENTRY_EVIDENCE ? 2 : 1;
}

/* --- state -------------------------------------------------------------------------------- */

static void note_cfg(struct ledger *l, uint64_t from)
{
    void *p = realloc(l->history, (l->histories + 1) * sizeof *l->history);
    GD_BUG_ON(!p);
    l->history = p;
    l->history[l->histories].from = from;
    l->history[l->histories++].cfg = l->cfg;
}

void ledger_init(struct ledger *l, const struct sig_scheme *scheme, struct sig_public admin,
                 const struct cfg *cfg)
{
    *l = (struct ledger){.scheme = scheme, .admin = admin, .cfg = *cfg};
    l->run = bft_run_first(cfg);
    note_cfg(l, 1);
}

void ledger_free(struct ledger *l)
{
    free(l->history);
    free(l->nonce);
    *l = (struct ledger){0};
}

const struct cfg *ledger_cfg_at(struct ledger *l, uint64_t height)
{
    for (uint32_t i = l->histories; i > 0; i--)
        if (l->history[i - 1].from <= height)
            return &l->history[i - 1].cfg;
    return NULL;
}

static void new_root(struct ledger *l, struct hash32 with)
{
    struct thash h;
    struct hash32 cfg = cfg_hash(&l->cfg);
    thash_init(&h, "sim/root");
    thash_add(&h, BYTES_OF(l->root.b));
    thash_add(&h, BYTES_OF(with.b));
    thash_add(&h, BYTES_OF(cfg.b));
    thash_u32(&h, l->run.proposer);
    thash_u32(&h, l->run.blocks);
    thash_u32(&h, l->run.late);
    l->root = thash_final32(&h);
}

enum err ledger_restart(struct ledger *l, const struct certificate *c)
{
    struct restart_order o;
    TRY(restart_read(c->restart, &o));
    l->cfg.serial++;
    l->cfg.parent = c->id;
    for (uint32_t i = 0; i < o.n; i++) {
        int seat = cfg_find(&l->cfg, o.member[i].gid);
        if (seat >= 0)
            l->cfg.member[seat].vote_key = o.member[i].vote_key;
    }
    if (l->history[l->histories - 1].from == l->height + 1)
        l->histories--;
    note_cfg(l, l->height + 1);
    new_root(l, c->id);
    return OK;
}

enum err ledger_apply(struct ledger *l, const struct block *block, const struct certificate *c)
{
    struct scratch s;
    bool ok[BFT_MAX_ENTRIES];
    run_entries(l, &s, block->header.time_ms, block->entry, block->n, ok);
    for (uint32_t i = 0; i < block->n; i++)
        if (!ok[i])
            return E_VALUE;
    if (!hash32_eq(block->header.state_root, l->root) || block->header.height != l->height + 1)
        return E_VALUE;
    for (uint32_t i = 0; i < block->n; i++) {
        struct entry e;
        TRY(entry_read(block->entry[i], &e));
        add_nonce(l, e.nonce);
        l->data += e.type == ENTRY_DATA;
    }
    for (uint32_t i = 0; i < s.lies && l->lies < sizeof l->lied / sizeof *l->lied; i++)
        l->lied[l->lies++] = s.lied[i];
    l->height++;
    bool changed = !hash32_eq(cfg_hash(&s.cfg), cfg_hash(&l->cfg));
    l->cfg = s.cfg;
    if (changed)
        note_cfg(l, l->height + 1);
    l->run = bft_run_next(l->run, &block->header);
    new_root(l, header_id(&block->header));
    return c->restart.n > 0 ? ledger_restart(l, c) : OK;
}
