#include "core/state/state_int.h"
#include "base/bug.h"
#include "core/policy/policy.h"

#include <stdlib.h>

enum err state_new(struct state **out, const struct genesis *genesis, struct hash32 cluster_id,
                   struct state_deps deps)
{
    *out = NULL;
    struct state *s = calloc(1, sizeof *s);
    if (!s)
        return E_NOMEM;
    *s = (struct state){.genesis = genesis, .cluster_id = cluster_id, .deps = deps};
    enum err e = store_new(&s->store);
    if (e == OK)
        *out = s;
    else
        free(s);
    return e;
}

void state_free(struct state *s)
{
    if (!s)
        return;
    store_free(s->store);
    free(s);
}

/* --- reading --- */

const struct cfg *state_cfg(const struct state *s)
{
    return &s->cfg;
}

struct hash32 state_root(struct state *s)
{
    return store_root(s->store);
}

const struct genesis *state_genesis(const struct state *s)
{
    return s->genesis;
}

struct hash32 state_cluster_id(const struct state *s)
{
    return s->cluster_id;
}

const struct store *state_store(const struct state *s)
{
    return s->store;
}

struct rec_cluster state_cluster(const struct state *s)
{
    struct rec_cluster c;
    struct key k = key_plain('c');
    if (cluster_get(s->store, &k, &c) != OK)
        memset(&c, 0, sizeof c);
    return c;
}

struct rec_epoch state_epoch(const struct state *s)
{
    struct rec_epoch e;
    struct key k = key_plain('e');
    if (epoch_get(s->store, &k, &e) != OK)
        memset(&e, 0, sizeof e);
    return e;
}

struct rec_session state_session(const struct state *s)
{
    struct rec_session o;
    struct key k = key_plain('o');
    if (session_get(s->store, &k, &o) != OK)
        memset(&o, 0, sizeof o);
    return o;
}

bool state_is_member(const struct state *s, uint32_t gid)
{
    int at = cfg_find(&s->cfg, gid);
    return at >= 0 && !s->cfg.member[at].suspended;
}

bool state_is_holder(const struct state *s, uint32_t gid)
{
    struct rec_epoch e = state_epoch(s);
    for (uint32_t i = 0; i < e.n_holders; i++)
        if (e.holders[i] == gid)
            return true;
    return false;
}

enum err state_measurement(const struct state *s, const char *ns, struct hash32 hash,
                           struct hash32 bare_hash, struct rec_measurement *out,
                           struct hash32 *which)
{
    struct rec_measurement full, bare;
    struct key k = key_name_hash('w', ns, hash);
    enum err e_full = measurement_get(s->store, &k, &full);
    k = key_name_hash('w', ns, bare_hash);
    enum err e_bare = measurement_get(s->store, &k, &bare);
    if ((e_full == OK && full.revoked_at) || (e_bare == OK && bare.revoked_at))
        return E_MEAS_REVOKED;
    if (e_full != OK && e_bare != OK)
        return E_MEAS_NOT_FOUND;
    *out = e_full == OK ? full : bare;
    *which = e_full == OK ? hash : bare_hash;
    return OK;
}

/* --- the state before block 1 --- */

static enum err found_seats(struct state *s, const struct manifest *m)
{
    const struct genesis *g = s->genesis;
    if (m->n != g->n_seats)
        return E_NOT_ALLOWED;
    for (uint32_t i = 0; i < m->n; i++) {
        struct rec_seat seat = g->seats[i];
        const struct peer_subject *f = &m->founders[i];
        if (seat.gid != f->gid || !bytes_eq(bytes(seat.platform_id.b, seat.platform_id.n),
                                            bytes(f->platform_id.b, f->platform_id.n)))
            return E_NOT_ALLOWED;
        seat.is_pinned = true;
        seat.seat_key = f->seat_key;
        struct key k = key_gid('s', seat.gid);
        TRY(seat_put(s->store, &k, &seat));
    }
    return OK;
}

/* The guardians' own whitelist is that of their reserved namespace. */
static enum err found_measurements(struct state *s)
{
    for (uint32_t i = 0; i < s->genesis->n_measurements; i++) {
        struct policy_record record;
        TRY(policy_parse(bytes_str(s->genesis->measurements[i]), &record, NULL));
        struct buf b = BUF_INIT(POLICY_ENCODED_MAX);
        enum err e = policy_encode(&record, &b);
        struct rec_measurement m = {.policy = buf_bytes(&b)};
        struct key k = key_name_hash('w', NS_GUARDIAN, policy_measurement_hash(&record));
        if (e == OK)
            e = measurement_put(s->store, &k, &m);
        buf_free(&b);
        TRY(e);
    }
    return OK;
}

/* As the one in force from the next block, and by the height it begins at. */
static enum err put_cfg_record(struct state *s, const struct cfg *cfg, uint64_t first_height)
{
    struct buf b = BUF_INIT(BFT_MAX_CFG);
    struct writer w = writer(&b);
    cfg_encode(&w, cfg);
    enum err e = writer_end(&w);
    struct key now = key_plain('f'), past = key_number('F', first_height);
    if (e == OK)
        e = store_put(s->store, key_bytes(&now), buf_bytes(&b));
    if (e == OK)
        e = store_put(s->store, key_bytes(&past), buf_bytes(&b));
    buf_free(&b);
    return e;
}

enum err state_next_cfg(const struct state *s, struct cfg *out)
{
    struct key k = key_plain('f');
    struct reader r = reader(store_get(s->store, key_bytes(&k)));
    cfg_decode(&r, out);
    return reader_end(&r, E_INTERNAL);
}

enum err state_past_cfg(const struct state *s, uint64_t height, struct cfg *out)
{
    struct key prefix = key_plain('F');
    struct bytes key = BYTES_NONE, value, found = BYTES_NONE;
    struct key wanted = key_number('F', height);
    while (store_next(s->store, key_bytes(&prefix), key, &key, &value) &&
           bytes_cmp(key, key_bytes(&wanted)) <= 0)
        found = value;
    if (!found.p)
        return E_NOT_FOUND;
    struct reader r = reader(found);
    cfg_decode(&r, out);
    return reader_end(&r, E_INTERNAL);
}

static enum err reload_cfg(struct state *s)
{
    return state_next_cfg(s, &s->cfg);
}

enum err state_found(struct state *s, const struct manifest *m)
{
    const struct genesis *g = s->genesis;
    struct cfg cfg = {.cluster_id = s->cluster_id, .mode = g->mode, .n = m->n};
    cfg.t = genesis_t(m->n);
    cfg.f = genesis_f(g, m->n);
    cfg.q = cfg_quorum(m->n, cfg.f);
    for (uint32_t i = 0; i < m->n; i++)
        cfg.member[i] = (struct member){.gid = m->founders[i].gid,
                                        .seat_key = m->founders[i].seat_key,
                                        .vote_key = m->founders[i].vote_key};
    TRY(cfg_check(&cfg));
    TRY(found_seats(s, m));
    TRY(found_measurements(s));
    struct hash64 mh = manifest_hash(m);
    struct rec_cluster c = {.next_op = 1, .run = bft_run_first(&cfg)};
    memcpy(c.head.b, mh.b, sizeof c.head.b);
    TRY(state_put_cluster(s, &c));
    TRY(put_cfg_record(s, &cfg, 1));
    TRY(reload_cfg(s));
    TRY(session_begin(s, 0, SESSION_DKG, &cfg, 1));
    store_commit(s->store);
    return OK;
}

/* --- helpers of the handlers --- */

enum err state_put_cluster(struct state *s, const struct rec_cluster *c)
{
    struct key k = key_plain('c');
    return cluster_put(s->store, &k, c);
}

enum err state_put_cfg(struct apply *a, const struct cfg *cfg)
{
    TRY(cfg_check(cfg));
    TRY(put_cfg_record(a->s, cfg, a->at.height + 1));
    if (state_cluster(a->s).generation == 0)
        return OK; /* nothing can be signed yet; the DKG's end asks */
    struct rec_signop op = {.kind = SIGN_CFG, .cause = cfg_hash(cfg)};
    op.not_before = (int64_t)a->at.height + 1;
    return signop_add(a, &op);
}

const void *remembered(const void *things, size_t n, size_t size, struct hash32 name)
{
    for (const uint8_t *at = things; n > 0; n--, at += size)
        if (memcmp(at, name.b, sizeof name.b) == 0)
            return at;
    return NULL;
}

bool proof_known(const struct state *s, struct hash32 proof)
{
    return REMEMBERED(s->proofs, proof) != NULL;
}

void proof_remember(struct state *s, struct hash32 proof)
{
    s->proofs[s->next_proof++ % PROOFS] = proof;
}

struct hash32 proof_false(struct hash32 proof)
{
    proof.b[0] ^= 0x80;
    return proof;
}

struct hash32 proof_name(struct hash32 entry, struct hash32 context)
{
    struct thash h;
    thash_init(&h, "guardian/v1/proof");
    thash_add(&h, BYTES_OF(entry.b));
    thash_add(&h, BYTES_OF(context.b));
    return thash_final32(&h);
}

enum err blame(struct apply *a, enum blame_kind kind)
{
    struct rec_blame b = {
        .gid = a->entry.author, .kind = kind, .height = a->at.height, .entry = a->id};
    struct key k = key_gid('b', b.gid);
    memcpy(k.b + k.n, a->id.b, 8);
    k.n += 8;
    return blame_put(a->s->store, &k, &b);
}

size_t verdicts_read(struct reader *r, struct verdict v[static BFT_MAX_MEMBERS])
{
    uint32_t n = rd_count(r, BFT_MAX_MEMBERS);
    for (uint32_t i = 0; i < n; i++)
        verdict_read(r, &v[i]);
    return n;
}

/* --- applying --- */

static enum err (*const handlers[CMD_LIMIT])(struct apply *) = {
    [CMD_OPEN] = apply_open,       [CMD_RKEY] = apply_rkey,     [CMD_DEAL] = apply_deal,
    [CMD_CONFIRM] = apply_confirm, [CMD_STEP] = apply_step,     [CMD_REKEY] = apply_rekey,
    [CMD_ADMIN] = apply_admin,     [CMD_DERIVE] = apply_derive, [CMD_EVAL] = apply_eval,
    [CMD_ISSUING] = apply_issuing, [CMD_COMMIT] = apply_commit, [CMD_SHARE] = apply_share,
    [CMD_RETRY] = apply_retry,     [CMD_ISSUE] = apply_issue,   [CMD_TICK] = apply_tick,
    [CMD_FAULT] = apply_fault,
};

static const struct sig_public *voter(const struct cfg *cfg, uint32_t gid)
{
    int at = cfg_find(cfg, gid);
    return at < 0 || cfg->member[at].suspended ? NULL : &cfg->member[at].vote_key;
}

/* The author may write at all, and wrote this. */
static enum err check_author(const struct apply *a)
{
    const struct state *s = a->s;
    const struct sig_public *key = NULL;
    struct rec_seat seat;
    struct rec_session session;
    switch (command_author(a->entry.type)) {
    case AUTHOR_NONE:
        return OK;
    case AUTHOR_VOTE:
        key = voter(&s->cfg, a->entry.author);
        break;
    case AUTHOR_JOINER:
        session = state_session(s);
        key = voter(&s->cfg, a->entry.author);
        if (!key && session.kind != SESSION_NONE)
            key = voter(&session.next, a->entry.author);
        break;
    case AUTHOR_SEAT: {
        struct key k = key_gid('s', a->entry.author);
        if (seat_get(s->store, &k, &seat) == OK && seat.is_pinned)
            key = &seat.seat_key;
        break;
    }
    }
    if (!key)
        return problem(a->p, E_NOT_ALLOWED, "guardian %u may not post %s", a->entry.author,
                       command_name(a->entry.type));
    /* A replaced key must not be answered from memory. */
    struct hash32 proof = proof_name(a->id, sha256(BYTES_OF(key->b)));
    if (proof_known(s, proof))
        return OK;
    TRY(entry_verify(s->deps.sig, key, s->cluster_id, &a->entry));
    proof_remember(a->s, proof);
    return OK;
}

static enum err apply_entry(struct state *s, struct block_time at, struct bytes bytes_in,
                            struct problem *p)
{
    struct apply a = {.s = s, .at = at, .id = entry_id(bytes_in), .p = p};
    TRY(entry_decode(bytes_in, &a.entry));
    size_t mark = store_mark(s->store);
    enum err e = check_author(&a);
    if (e == OK)
        e = handlers[a.entry.type](&a);
    if (e != OK)
        store_rollback(s->store, mark);
    return e;
}

void state_judge(struct state *s, struct block_time at, const struct bytes *entries, size_t n,
                 bool *ok)
{
    size_t mark = store_mark(s->store);
    for (size_t i = 0; i < n; i++)
        ok[i] = apply_entry(s, at, entries[i], NULL) == OK;
    store_rollback(s->store, mark);
}

enum err state_check(struct state *s, struct block_time at, struct bytes entry, struct problem *p)
{
    size_t mark = store_mark(s->store);
    enum err e = apply_entry(s, at, entry, p);
    store_rollback(s->store, mark);
    return e;
}

/* Drops what time has made meaningless; a bounded number each block, so no block is slow. */
static enum err forget_expired(struct state *s, char table, int64_t now)
{
    struct key first = key_plain(table);
    struct bytes key = BYTES_NONE, value;
    uint8_t expired[16][STORE_KEY_MAX];
    size_t length[16], n = 0;
    for (unsigned looked = 0; looked < 64 && n < 16; looked++) {
        struct rec_used used;
        if (!store_next(s->store, key_bytes(&first), key, &key, &value))
            break;
        TRY(used_read(value, &used));
        if (used.until >= now)
            continue;
        memcpy(expired[n], key.p, key.n);
        length[n++] = key.n;
    }
    for (size_t i = 0; i < n; i++)
        TRY(store_del(s->store, bytes(expired[i], length[i])));
    return OK;
}

enum err state_decide(struct state *s, const struct header *header, const struct bytes *entries,
                      size_t n)
{
    struct block_time at = {header->height, header->time_ms};
    for (size_t i = 0; i < n; i++)
        if (apply_entry(s, at, entries[i], NULL) != OK)
            return E_INTERNAL;
    struct rec_cluster c = state_cluster(s);
    c.previous_ms = c.time_ms;
    c.height = header->height;
    c.time_ms = header->time_ms;
    c.head = header_id(header);
    c.run = bft_run_next(c.run, header);
    TRY(state_put_cluster(s, &c));
    TRY(forget_expired(s, 'h', (int64_t)(header->time_ms / 1000)));
    TRY(forget_expired(s, 'x', (int64_t)(header->time_ms / 1000)));
    TRY(reload_cfg(s));
    store_commit(s->store);
    return OK;
}

/* --- snapshots --- */

enum err state_save(const struct state *s, struct buf *out)
{
    struct writer w = writer(out);
    struct bytes key = BYTES_NONE, value;
    wr_u64(&w, store_count(s->store));
    while (store_next(s->store, BYTES_NONE, key, &key, &value)) {
        wr_var(&w, key);
        wr_var(&w, value);
    }
    return writer_end(&w);
}

enum err state_load(struct state *s, struct bytes snapshot, const struct hash32 *root)
{
    struct store *fresh;
    TRY(store_new(&fresh));
    struct reader r = reader(snapshot);
    uint64_t n = rd_u64(&r);
    struct bytes before = BYTES_NONE;
    enum err e = OK;
    for (uint64_t i = 0; i < n && e == OK && !r.bad; i++) {
        struct bytes key = rd_var(&r, STORE_KEY_MAX), value = rd_var(&r, STORE_VALUE_MAX);
        rd_require(&r, !before.p || bytes_cmp(before, key) < 0);
        before = key;
        if (!r.bad)
            e = store_put(fresh, key, value);
    }
    if (e == OK)
        e = reader_end(&r, E_MALFORMED);
    if (e == OK && root && !hash32_eq(store_root(fresh), *root))
        e = E_SIGNATURE;
    if (e != OK) {
        store_free(fresh);
        return e;
    }
    store_commit(fresh);
    store_free(s->store);
    s->store = fresh;
    return reload_cfg(s);
}
