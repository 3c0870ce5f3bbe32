/*
 * Ceremonies: DKG and reshare (threshold-protocol.md 3.1, 3.2).
 *
 *   PHASE_RKEY     new members post receive keys     -> all posted, or STEP with t'+f'
 *   PHASE_DEAL     dealers deal both keys            -> DKG: all recipients dealt, or STEP with
 *                                                       max(t, f+1); reshare: the first t_old
 *   PHASE_CONFIRM  recipients prove their new shares -> all proved, or STEP with t'+f'
 *   then the new epoch is in force (ACTIVATE), or, short of the numbers, the
 *   session is void: a DKG begins again, a reshare leaves the old epoch as it was.
 *
 * Everything is decided by the order of the log; STEP looks at block time.
 */
#include "core/state/state_int.h"

static const struct key session_key = {.b = "o", .n = 1};

static enum err put_session(struct state *s, const struct rec_session *o)
{
    return session_put(s->store, &session_key, o);
}

static enum err drop_dealings(struct state *s)
{
    struct key prefix = key_plain('d');
    struct bytes key, value;
    while (store_next(s->store, key_bytes(&prefix), BYTES_NONE, &key, &value)) {
        struct key k = {.n = key.n};
        memcpy(k.b, key.p, key.n);
        TRY(store_del(s->store, key_bytes(&k)));
    }
    return OK;
}

/* The sid of one half: everything that tells this session from every other. */
static struct hash32 make_sid(const struct state *s, const struct rec_session *o, enum group group)
{
    struct rec_cluster c = state_cluster(s);
    struct hash32 old = cfg_hash(&s->cfg), next = cfg_hash(&o->next);
    struct thash h;
    thash_init(&h, "guardian/v1/sid");
    thash_add(&h, BYTES_OF(s->cluster_id.b));
    thash_add(&h, BYTES_OF(c.root_id.b)); /* zero for the first DKG */
    thash_u32(&h, o->kind);
    thash_u32(&h, group);
    thash_add(&h, BYTES_OF(old.b));
    thash_add(&h, BYTES_OF(next.b));
    thash_u32(&h, o->next.t);
    thash_u32(&h, o->attempt);
    thash_u64(&h, c.height);
    thash_add(&h, BYTES_OF(c.head.b));
    return thash_final32(&h);
}

enum err session_begin(struct state *s, uint64_t time_ms, enum session_kind kind,
                       const struct cfg *next, uint32_t attempt)
{
    struct rec_session o = {.kind = kind, .phase = PHASE_RKEY, .attempt = attempt, .next = *next};
    o.deadline_ms = time_ms ? time_ms + PHASE_MS : 0;
    o.sid_r = make_sid(s, &o, GROUP_R);
    o.sid_e = make_sid(s, &o, GROUP_E);
    TRY(drop_dealings(s));
    return put_session(s, &o);
}

struct deal_terms state_deal_terms(const struct rec_session *s, enum group group, uint32_t dealer,
                                   struct recipient to[static THRESHOLD_MAX])
{
    for (uint32_t i = 0; i < s->n_recipients; i++) {
        to[i].gid = s->recipients[i].gid;
        memcpy(to[i].x, s->recipients[i].x, sizeof to[i].x);
    }
    return (struct deal_terms){.group = group,
                               .sid = group == GROUP_R ? s->sid_r : s->sid_e,
                               .dealer = dealer,
                               .t = s->next.t,
                               .to = to,
                               .n_to = s->n_recipients};
}

enum err state_share_public(struct state *s, enum group group, uint32_t gid, struct point *out)
{
    struct rec_epoch e = state_epoch(s);
    const struct commitment *c = group == GROUP_R ? &e.r : &e.e;
    struct thash h;
    thash_init(&h, "guardian/v1/share-public");
    thash_u32(&h, gid);
    for (uint32_t i = 0; i < c->t; i++)
        thash_add(&h, BYTES_OF(c->c[i].b));
    struct hash32 name = thash_final32(&h);
    const struct remembered_point *known = REMEMBERED(s->share_publics, name);
    if (known) {
        *out = known->point;
        return OK;
    }
    TRY(commitment_eval(group, c, gid, out));
    s->share_publics[s->next_share_public++ % SHARE_PUBLICS] =
        (struct remembered_point){name, *out};
    return OK;
}

static enum err load_session(struct apply *a, enum session_phase phase, struct rec_session *o)
{
    *o = state_session(a->s);
    if (o->kind == SESSION_NONE || o->phase != phase)
        return problem(a->p, E_NOT_ALLOWED, "no ceremony waits for %s",
                       command_name(a->entry.type));
    if (o->deadline_ms == 0)
        o->deadline_ms = a->at.time_ms + PHASE_MS;
    return OK;
}

/* --- OPEN --- */

static enum err seat_newcomer(struct apply *a, const struct peer_subject *who,
                              const struct verdict *v, size_t n, struct cfg *next)
{
    struct state *s = a->s;
    struct key k = key_gid('s', who->gid);
    struct rec_seat seat;
    if (seat_get(s->store, &k, &seat) != OK || cfg_find(next, who->gid) >= 0 ||
        next->n >= BFT_MAX_MEMBERS)
        return problem(a->p, E_NOT_ALLOWED, "guardian %u has no free seat", who->gid);
    if (!bytes_eq(bytes(seat.platform_id.b, seat.platform_id.n),
                  bytes(who->platform_id.b, who->platform_id.n)))
        return problem(a->p, E_CHIP, "seat %u is for another machine", who->gid);
    if (seat.is_pinned && !sig_public_eq(seat.seat_key, who->seat_key))
        return problem(a->p, E_NOT_ALLOWED, "seat %u is held by another key", who->gid);
    struct rec_measurement m;
    struct hash32 which;
    TRY(state_measurement(s, NS_GUARDIAN, who->measurement_hash, who->measurement_hash, &m,
                          &which));
    TRY(verdicts_check(v, n, &s->cfg, s->deps.sig, peer_subject_hash(who), apply_unix(a)));
    seat.is_pinned = true;
    seat.seat_key = who->seat_key;
    TRY(seat_put(s->store, &k, &seat));
    uint32_t at = next->n++;
    for (; at > 0 && next->member[at - 1].gid > who->gid; at--)
        next->member[at] = next->member[at - 1];
    next->member[at] =
        (struct member){.gid = who->gid, .seat_key = who->seat_key, .vote_key = who->vote_key};
    return OK;
}

/* Nobody sees whether a holder has lost its share: it may ask, but not all the time. */
static enum err check_pause(const struct apply *a)
{
    struct rec_cluster c = state_cluster(a->s);
    if (state_is_holder(a->s, a->entry.author) && a->at.time_ms < c.opened_ms + REFRESH_PAUSE_MS)
        return problem(a->p, E_NOT_READY, "the last ceremony was less than %d s ago",
                       REFRESH_PAUSE_MS / 1000);
    return OK;
}

static enum err note_opened(struct apply *a)
{
    struct rec_cluster c = state_cluster(a->s);
    c.opened_ms = a->at.time_ms;
    return state_put_cluster(a->s, &c);
}

/* Body: bool join; for a join the newcomer and the verdicts on it. Without: a refresh, which a
 * member asks for that has no share. */
enum err apply_open(struct apply *a)
{
    struct state *s = a->s;
    struct reader r = reader(a->entry.body);
    struct peer_subject who = {0};
    struct verdict v[BFT_MAX_MEMBERS];
    size_t n = 0;
    bool join = rd_bool(&r);
    if (join) {
        peer_subject_read(&r, &who);
        n = verdicts_read(&r, v);
    }
    TRY(reader_end(&r, E_MALFORMED));
    if (state_session(s).kind != SESSION_NONE || state_cluster(s).generation == 0)
        return problem(a->p, E_NOT_READY, "another ceremony runs");
    struct cfg next;
    TRY(state_next_cfg(s, &next));
    next.epoch++;
    if (join) {
        TRY(seat_newcomer(a, &who, v, n, &next));
        next.t = genesis_t(next.n);
        next.f = genesis_f(s->genesis, next.n);
        next.q = cfg_quorum(next.n, next.f);
    } else {
        TRY(check_pause(a));
    }
    TRY(note_opened(a));
    TRY(cfg_check(&next));
    return session_begin(s, a->at.time_ms, SESSION_RESHARE, &next, 1);
}

/* --- RKEY --- */

static void enter_phase(struct apply *a, struct rec_session *o, enum session_phase phase)
{
    o->phase = phase;
    o->deadline_ms = a->at.time_ms + PHASE_MS;
}

/* Body: the receive key, 32 bytes. */
enum err apply_rkey(struct apply *a)
{
    struct rec_session o;
    struct reader r = reader(a->entry.body);
    uint8_t x[32];
    rd_copy(&r, x, sizeof x);
    TRY(reader_end(&r, E_MALFORMED));
    TRY(load_session(a, PHASE_RKEY, &o));
    TRY(receive_key_check(x));
    if (cfg_find(&o.next, a->entry.author) < 0)
        return problem(a->p, E_NOT_ALLOWED, "guardian %u is not in this ceremony", a->entry.author);
    uint32_t at = o.n_recipients++;
    for (; at > 0 && o.recipients[at - 1].gid >= a->entry.author; at--) {
        if (o.recipients[at - 1].gid == a->entry.author)
            return E_NOT_ALLOWED; /* the first one counts */
        o.recipients[at] = o.recipients[at - 1];
    }
    o.recipients[at].gid = a->entry.author;
    o.recipients[at].confirmed = false;
    memcpy(o.recipients[at].x, x, sizeof x);
    if (o.n_recipients == o.next.n)
        enter_phase(a, &o, PHASE_DEAL);
    return put_session(a->s, &o);
}

/* --- DEAL --- */

static bool may_deal(const struct state *s, const struct rec_session *o, uint32_t gid)
{
    if (o->kind == SESSION_RESHARE)
        return state_is_holder(s, gid);
    for (uint32_t i = 0; i < o->n_recipients; i++)
        if (o->recipients[i].gid == gid)
            return true;
    return false;
}

/* All that a dealing is checked against: the same entry may stand in an undecided block under other
 * receive keys, and what held there says nothing here. */
static struct hash32 deal_name(const struct apply *a, const struct rec_session *o)
{
    struct key epoch = key_plain('e');
    struct thash h;
    thash_init(&h, "guardian/v1/deal-context");
    thash_add(&h, BYTES_OF(o->sid_r.b));
    thash_add(&h, store_get(a->s->store, key_bytes(&epoch)));
    for (uint32_t i = 0; i < o->n_recipients; i++) {
        thash_u32(&h, o->recipients[i].gid);
        thash_add(&h, BYTES_OF(o->recipients[i].x));
    }
    return proof_name(a->id, thash_final32(&h));
}

/* Both halves of a dealing; fills in what they commit to. */
static enum err verify_dealing(const struct apply *a, const struct rec_session *o,
                               struct rec_dealing *d)
{
    const struct dealing_scheme *dealing = a->s->deps.dealing;
    struct recipient to[THRESHOLD_MAX];
    struct point share_r, share_e, *c0_r = NULL, *c0_e = NULL;
    if (o->kind == SESSION_RESHARE) {
        TRY(state_share_public(a->s, GROUP_R, a->entry.author, &share_r));
        TRY(state_share_public(a->s, GROUP_E, a->entry.author, &share_e));
        c0_r = &share_r;
        c0_e = &share_e;
    }
    struct deal_terms terms = state_deal_terms(o, GROUP_R, a->entry.author, to);
    TRY(dealing->check(&terms, d->deal_r, c0_r, &d->r));
    terms = state_deal_terms(o, GROUP_E, a->entry.author, to);
    return dealing->check(&terms, d->deal_e, c0_e, &d->e);
}

/* The same; from memory if this very entry was checked in this session. */
static enum err check_dealing(struct apply *a, const struct rec_session *o, struct rec_dealing *out)
{
    struct state *s = a->s;
    struct hash32 name = deal_name(a, o);
    if (proof_known(s, proof_false(name)))
        return E_VALUE;
    const struct remembered_deal *known = REMEMBERED(s->deals, name);
    if (known) {
        out->r = known->r;
        out->e = known->e;
        return OK;
    }
    enum err e = verify_dealing(a, o, out);
    if (e != OK) {
        proof_remember(s, proof_false(name));
        return e;
    }
    s->deals[s->next_deal++ % THRESHOLD_MAX] = (struct remembered_deal){name, out->r, out->e};
    return OK;
}

/* The new sharing follows from the dealings that count. */
static enum err close_dealing(struct apply *a, struct rec_session *o)
{
    struct commitment r[THRESHOLD_MAX], e[THRESHOLD_MAX];
    for (uint32_t i = 0; i < o->n_dealers; i++) {
        struct rec_dealing d;
        struct key k = key_gid('d', o->dealers[i]);
        TRY(dealing_get(a->s->store, &k, &d));
        r[i] = d.r;
        e[i] = d.e;
    }
    if (o->kind == SESSION_DKG) {
        TRY(dkg_combine(GROUP_R, r, o->n_dealers, &o->r));
        TRY(dkg_combine(GROUP_E, e, o->n_dealers, &o->e));
    } else {
        struct rec_cluster c = state_cluster(a->s);
        TRY(reshare_combine(GROUP_R, o->dealers, r, o->n_dealers, &c.k, &o->r));
        TRY(reshare_combine(GROUP_E, o->dealers, e, o->n_dealers, &c.a, &o->e));
    }
    enter_phase(a, o, PHASE_CONFIRM);
    return OK;
}

/* Body: the dealing of the root's key, then that of the CA's, each with its length. */
enum err apply_deal(struct apply *a)
{
    struct rec_session o;
    struct reader r = reader(a->entry.body);
    struct bytes deal_r = rd_var(&r, DEALING_MAX), deal_e = rd_var(&r, DEALING_MAX);
    TRY(reader_end(&r, E_MALFORMED));
    TRY(load_session(a, PHASE_DEAL, &o));
    struct key k = key_gid('d', a->entry.author);
    if (!may_deal(a->s, &o, a->entry.author) || store_get(a->s->store, key_bytes(&k)).p)
        return problem(a->p, E_NOT_ALLOWED, "guardian %u has no dealing to give", a->entry.author);
    struct rec_dealing d = {.deal_r = deal_r, .deal_e = deal_e};
    if (check_dealing(a, &o, &d) != OK) {
        TRY(store_put(a->s->store, key_bytes(&k), bytes("", 0))); /* its one try */
        TRY(put_session(a->s, &o));
        return blame(a, BLAME_DEAL);
    }
    TRY(dealing_put(a->s->store, &k, &d));
    o.dealers[o.n_dealers++] = a->entry.author;
    uint32_t enough = o.kind == SESSION_DKG ? o.n_recipients : state_epoch(a->s).t;
    if (o.n_dealers == enough)
        TRY(close_dealing(a, &o));
    return put_session(a->s, &o);
}

/* --- CONFIRM and the end --- */

static uint32_t confirmed(const struct rec_session *o)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < o->n_recipients; i++)
        n += o->recipients[i].confirmed;
    return n;
}

static enum err put_epoch(struct state *s, const struct rec_session *o)
{
    struct rec_epoch e = {.epoch = o->next.epoch, .t = o->next.t, .r = o->r, .e = o->e};
    for (uint32_t i = 0; i < o->n_recipients; i++)
        e.holders[e.n_holders++] = o->recipients[i].gid;
    struct key k = key_plain('e');
    return epoch_put(s->store, &k, &e);
}

/* K and A become final. */
static enum err put_root(struct state *s, const struct rec_session *o)
{
    struct rec_cluster c = state_cluster(s);
    c.generation = 1;
    c.k = o->r.c[0];
    c.a = o->e.c[0];
    struct thash h;
    thash_init(&h, "guardian/v1/root");
    thash_add(&h, BYTES_OF(c.k.b));
    thash_add(&h, BYTES_OF(c.a.b));
    thash_u32(&h, c.generation);
    c.root_id = thash_final32(&h);
    return state_put_cluster(s, &c);
}

/* Members that rebooted during the ceremony have new keys: those of the present cfg count. */
static enum err next_members(struct state *s, struct rec_session *o)
{
    struct cfg now;
    TRY(state_next_cfg(s, &now));
    for (uint32_t i = 0; i < o->next.n; i++) {
        int at = cfg_find(&now, o->next.member[i].gid);
        if (at >= 0)
            o->next.member[i] = now.member[at];
    }
    o->next.serial = now.serial;
    o->next.parent = now.parent;
    return OK;
}

static enum err activate(struct apply *a, struct rec_session *o)
{
    struct state *s = a->s;
    bool first = o->kind == SESSION_DKG;
    TRY(next_members(s, o));
    if (first)
        o->next.epoch = 1;
    TRY(put_epoch(s, o));
    if (first)
        TRY(put_root(s, o));
    TRY(store_del(s->store, key_bytes(&session_key)));
    if (first)
        TRY(root_is_born(a));
    else
        TRY(signops_restart(a));
    return state_put_cfg(a, &o->next);
}

/* As deal_name(): the new sharing follows from the dealings before it. */
static struct hash32 confirm_name(const struct apply *a, const struct rec_session *o)
{
    struct thash h;
    thash_init(&h, "guardian/v1/confirm-context");
    thash_add(&h, BYTES_OF(o->sid_r.b));
    for (uint32_t i = 0; i < o->r.t; i++) {
        thash_add(&h, BYTES_OF(o->r.c[i].b));
        thash_add(&h, BYTES_OF(o->e.c[i].b));
    }
    return proof_name(a->id, thash_final32(&h));
}

/* Body: proofs of knowledge of both new shares. */
enum err apply_confirm(struct apply *a)
{
    struct rec_session o;
    struct reader r = reader(a->entry.body);
    struct pok pok_r, pok_e;
    pok_read(&r, &pok_r);
    pok_read(&r, &pok_e);
    TRY(reader_end(&r, E_MALFORMED));
    TRY(load_session(a, PHASE_CONFIRM, &o));
    uint32_t i = 0;
    while (i < o.n_recipients && o.recipients[i].gid != a->entry.author)
        i++;
    if (i == o.n_recipients || o.recipients[i].confirmed)
        return problem(a->p, E_NOT_ALLOWED, "guardian %u has nothing to confirm", a->entry.author);
    struct hash32 proof = confirm_name(a, &o);
    if (!proof_known(a->s, proof)) {
        struct point share;
        struct pok_terms terms = {.domain = DOMAIN_POK_CONFIRM,
                                  .group = GROUP_R,
                                  .context = o.sid_r,
                                  .gid = a->entry.author};
        TRY(commitment_eval(GROUP_R, &o.r, a->entry.author, &share));
        TRY(pok_check(&terms, &share, &pok_r));
        terms.group = GROUP_E;
        terms.context = o.sid_e;
        TRY(commitment_eval(GROUP_E, &o.e, a->entry.author, &share));
        TRY(pok_check(&terms, &share, &pok_e));
        proof_remember(a->s, proof);
    }
    o.recipients[i].confirmed = true;
    if (confirmed(&o) == o.n_recipients)
        return activate(a, &o);
    return put_session(a->s, &o);
}

static enum err give_up(struct apply *a, const struct rec_session *o)
{
    if (o->kind == SESSION_DKG)
        return session_begin(a->s, a->at.time_ms, SESSION_DKG, &o->next, o->attempt + 1);
    TRY(drop_dealings(a->s));
    return store_del(a->s->store, key_bytes(&session_key));
}

/* A join without its newcomer is no join. */
static bool newcomer_is_there(const struct state *s, const struct rec_session *o)
{
    for (uint32_t i = 0; i < o->next.n; i++) {
        if (cfg_find(&s->cfg, o->next.member[i].gid) >= 0)
            continue;
        bool found = false;
        for (uint32_t j = 0; j < o->n_recipients; j++)
            found |= o->recipients[j].gid == o->next.member[i].gid &&
                     (o->phase != PHASE_CONFIRM || o->recipients[j].confirmed);
        if (!found)
            return false;
    }
    return true;
}

static bool has_newcomer(const struct state *s, const struct rec_session *o)
{
    for (uint32_t i = 0; i < o->next.n; i++)
        if (cfg_find(&s->cfg, o->next.member[i].gid) < 0)
            return true;
    return false;
}

/* Whether STEP ends the last phase well. */
static bool may_activate(const struct state *s, const struct rec_session *o, uint64_t time_ms)
{
    bool in_time = !has_newcomer(s, o) || time_ms < o->deadline_ms + JOIN_VOID_MS;
    return o->phase == PHASE_CONFIRM && in_time && newcomer_is_there(s, o) &&
           confirmed(o) >= o->next.t + o->next.f;
}

bool state_lets_in(const struct state *s, uint64_t time_ms, struct bytes in)
{
    struct entry entry;
    if (entry_decode(in, &entry) != OK || (entry.type != CMD_CONFIRM && entry.type != CMD_STEP))
        return false; /* nearly all: asked of every pending entry after every block */
    struct rec_session o = state_session(s);
    if (o.kind != SESSION_RESHARE || o.phase != PHASE_CONFIRM || !has_newcomer(s, &o))
        return false;
    if (entry.type == CMD_CONFIRM)
        return cfg_find(&s->cfg, entry.author) >= 0;
    return may_activate(s, &o, time_ms);
}

/* Body: the sid of the session's first half and the phase that should end. */
enum err apply_step(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    struct hash32 sid;
    rd_copy(&r, sid.b, sizeof sid.b);
    uint8_t phase = rd_u8(&r);
    TRY(reader_end(&r, E_MALFORMED));
    struct rec_session o = state_session(a->s);
    if (o.kind == SESSION_NONE || !hash32_eq(sid, o.sid_r) || phase != o.phase)
        return E_NOT_ALLOWED;
    if (o.deadline_ms == 0) {
        o.deadline_ms = a->at.time_ms + PHASE_MS;
        return put_session(a->s, &o); /* a founding that nobody answered begins to count */
    }
    if (a->at.time_ms < o.deadline_ms)
        return problem(a->p, E_NOT_READY, "the phase has not passed its deadline");
    if (o.phase == PHASE_RKEY && newcomer_is_there(a->s, &o) &&
        o.n_recipients >= o.next.t + o.next.f) {
        enter_phase(a, &o, PHASE_DEAL);
        return put_session(a->s, &o);
    }
    uint32_t least = o.next.t > o.next.f + 1 ? o.next.t : o.next.f + 1;
    if (o.phase == PHASE_DEAL && o.kind == SESSION_DKG && o.n_dealers >= least) {
        TRY(close_dealing(a, &o));
        return put_session(a->s, &o);
    }
    return may_activate(a->s, &o, a->at.time_ms) ? activate(a, &o) : give_up(a, &o);
}
