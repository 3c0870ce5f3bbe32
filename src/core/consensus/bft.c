/* Inputs: each sets the time, changes something, and lets the rules run. */
#include "core/consensus/inside.h"

static void enter(struct bft *b, struct now now)
{
    GD_BUG_ON(b->depth > 0);
    b->depth++;
    b->now = now;
}

static void leave(struct bft *b)
{
    do {
        b->again = false;
        step_settle(b);
        sync_tick(b);
        step_settle(b);
        record_flush(b);
    } while (b->again);
    b->depth--;
    b->config.out.wake_at(b->config.out.ctx, sync_wake(b));
}

static uint32_t or_default(uint32_t value, uint32_t usual)
{
    return value ? value : usual;
}

static void set_key(struct bft *b, const struct sig_secret *secret)
{
    sig_secret_wipe(&b->secret);
    b->has_key = secret != NULL;
    if (!secret)
        return;
    b->secret = *secret;
    b->public = sig_public_of(secret);
    b->key_in_force = b->key_restored = false;
    memset(b->signed_vote, 0, sizeof b->signed_vote);
}

static void set_tip(struct bft *b, const struct bft_tip *tip)
{
    const struct bft_app *app = &b->config.app;
    struct certificate c = tip->height > 0 ? tip->certificate : certificate_none();
    if (c.n > 0)
        owned_set(&b->tip_certificate, &c);
    else
        owned_drop(&b->tip_certificate);
    b->tip = *tip;
    b->tip.certificate = c.n > 0 ? b->tip_certificate.c : c;
    const struct cfg *last =
        tip->height > 0 && app->cfg_at ? app->cfg_at(app->ctx, tip->height) : NULL;
    b->has_last_cfg = last != NULL;
    if (last) {
        b->last_cfg = *last;
        b->last_cfg_hash = cfg_hash(last);
    }
}

enum err bft_new(const struct bft_config *config, struct now now, struct bft **out)
{
    TRY(cfg_check(config->app.cfg(config->app.ctx)));
    struct bft *b = calloc(1, sizeof *b);
    if (!b)
        return E_NOMEM;
    b->config = *config;
    b->config.secret = NULL;
    b->config.lease_ms = or_default(config->lease_ms, 10000);
    b->config.drift_ms = or_default(config->drift_ms, 200);
    if (b->config.drift_ms > b->config.lease_ms)
        b->config.drift_ms = b->config.lease_ms;
    pool_init(&b->pool, or_default(config->own_bytes, 4 << 20),
              or_default(config->peer_bytes, 2 << 20));
    b->now = now;
    b->ahead = BUF_INIT(BFT_MAX_RECORD);
    b->alarm_height = NEVER;
    set_key(b, config->secret);
    set_tip(b, &config->tip);
    step_enter_height(b);
    b->ask_at = now.mono_ms;
    *out = b;
    return OK;
}

void bft_free(struct bft *b)
{
    if (!b)
        return;
    record_drop_outbox(b);
    held_drop(&b->valid);
    held_drop(&b->spare);
    for (int i = 0; i < 3; i++)
        held_drop(&b->proposed[i].block);
    owned_drop(&b->certificate);
    owned_drop(&b->tip_certificate);
    pool_free(&b->pool);
    buf_free(&b->ahead);
    wipe(b, sizeof *b);
    free(b);
}

/* --- messages ----------------------------------------------------------------------- */

enum err bft_take_pol(struct bft *b, const struct message *m, struct held *block)
{
    const struct certificate *pol = &m->certificate;
    bool news = b->valid_round == BFT_NO_ROUND || pol->round > b->valid_round;
    bool wanted = b->pol_wanted.n > 0 && b->pol_wanted.round == pol->round && !block;
    if (!news || wanted)
        return OK;
    struct judge j = step_judge(b);
    TRY(certificate_check_under(&j, pol));
    step_pol(b, pol, block);
    return OK;
}

/* The block that came with a POL or proposal: it must have that id. */
static enum err open_block(const struct message *m, struct hash32 id, struct held **out)
{
    *out = NULL;
    if (m->block.n == 0)
        return OK;
    TRY(held_new(m->block, out));
    if (hash32_eq((*out)->id, id) && (*out)->block.header.height == m->height)
        return OK;
    held_drop(out);
    return E_MALFORMED;
}

static bool same_proposal(const struct proposal *a, const struct proposal *b)
{
    return a->round == b->round && a->valid_round == b->valid_round && a->gid == b->gid &&
           hash32_eq(a->id, b->id) &&
           memcmp(a->signature.b, b->signature.b, sizeof a->signature.b) == 0;
}

/* The whole statement is signed and its POL valid, so what does not fit is the sender's fault. */
static enum err take_proposal(struct bft *b, struct peer *peer, const struct message *m)
{
    const struct proposal *p = &m->proposal;
    const struct proposed *slot = &b->proposed[p->round % 3];
    if (slot->used && same_proposal(&slot->p, p))
        return OK;
    if (p->gid != step_proposer(b, p->round))
        return OK;
    struct judge j = step_judge(b);
    TRY(proposal_check_under(&j, p));
    struct held *block;
    TRY(open_block(m, p->id, &block));
    enum err e = OK;
    if (p->valid_round != BFT_NO_ROUND) {
        TRY_OUT(certificate_check_under(&j, &m->certificate)); /* line 28 */
        step_pol(b, &m->certificate, block);
    }
    if (p->round + 1 >= b->round && p->round <= b->round + 1)
        step_proposal(b, m, block);
out:
    held_drop(&block);
    return e;
}

static bool own_vote_known(const struct bft *b, const struct vote *v)
{
    for (int i = 0; i < 4; i++)
        if (b->own_vote[i].type == v->type && b->own_vote[i].height == v->height &&
            b->own_vote[i].round == v->round)
            return hash32_eq(b->own_vote[i].id, v->id);
    int row = v->type == VOTE_PRECOMMIT;
    return b->signed_vote[row].used &&
           (b->signed_vote[row].height > v->height ||
            (b->signed_vote[row].height == v->height && b->signed_vote[row].round >= v->round));
}

static enum err take_vote(struct bft *b, struct peer *peer, const struct message *m)
{
    const struct vote *v = &m->vote;
    int seat = cfg_find(&b->cfg, v->gid);
    if (seat < 0)
        return OK;
    struct judge j = step_judge(b);
    if (m->certificate.n > 0)
        TRY(bft_take_pol(b, m, NULL));
    if (v->round > b->round && v->round - b->round > ROUND_REACH) /* H13 */
        return OK;
    if (j.known(j.known_ctx, v))
        return OK;
    bool first = !tally_find(&b->tally, seat, v->type, v->round);
    if (first && !tally_room(&b->tally, seat, v->type, v->round, b->round))
        return OK;
    enum err e = vote_check_under(&j, v);
    if (e == E_NOT_MEMBER) /* suspended */
        return OK;
    TRY(e);
    if (seat == b->seat && b->voting && !own_vote_known(b, v)) {
        record_foreign_vote(b);
        return OK;
    }
    record_seen(b, v);
    step_vote(b, seat, v);
    return OK;
}

static enum err take_pol(struct bft *b, struct peer *peer, const struct message *m)
{
    struct held *block;
    TRY(open_block(m, m->certificate.id, &block));
    enum err e = bft_take_pol(b, m, block);
    held_drop(&block);
    return e;
}

/* F3: q precommits of the round before, or f+1 votes of it or later ones. */
static bool proof_counts(const struct bft *b, const struct round_proof *p)
{
    bool before = p->n >= step_quorum(b), from = p->n > b->cfg.f;
    for (uint32_t i = 0; i < p->n; i++) {
        before &= p->vote[i].type == VOTE_PRECOMMIT && p->vote[i].round == p->round - 1;
        from &= p->vote[i].round >= p->round;
    }
    return before || from;
}

static enum err take_round_proof(struct bft *b, struct peer *peer, const struct message *m)
{
    const struct round_proof *p = &m->proof;
    if (p->round <= b->round)
        return OK;
    if (!proof_counts(b, p))
        return E_MALFORMED;
    struct judge j = step_judge(b);
    for (uint32_t i = 0; i < p->n; i++)
        if (!j.known(j.known_ctx, &p->vote[i]))
            TRY(vote_check_under(&j, &p->vote[i]));
    step_round_proof(b, p);
    return OK;
}

static enum err take_entry(struct bft *b, struct peer *peer, const struct message *m)
{
    /* A peer may see another state than this member, so a bad entry is no crime. */
    (void)!chain_submit(b, peer->gid, m->entry);
    return OK;
}

static enum err take_nothing(struct bft *b, struct peer *peer, const struct message *m)
{
    return OK; /* its height was all it had to say */
}

static enum err take_block(struct bft *b, struct peer *peer, const struct message *m)
{
    enum err e = OK;
    uint64_t before = b->tip.height;
    sync_block(b, peer, m, &e);
    if (e == OK)
        step_settle(b);
    if (b->tip.height > before && peer->height > b->height)
        sync_ask(b, peer); /* F5: at once again */
    return e;
}

static enum err take_pruned(struct bft *b, struct peer *peer, const struct message *m)
{
    if (m->number > b->tip.height && b->config.out.pruned)
        b->config.out.pruned(b->config.out.ctx, peer->gid, m->number);
    return OK;
}

static enum err take_lease_ask(struct bft *b, struct peer *peer, const struct message *m)
{
    lease_answer(b, peer, m);
    return OK;
}

static enum err take_own_ask(struct bft *b, struct peer *peer, const struct message *m)
{
    record_tell(b, peer);
    return OK;
}

static enum err take_own_answer(struct bft *b, struct peer *peer, const struct message *m)
{
    record_own_answer(b, peer, m);
    return OK;
}

static const struct {
    enum err (*take)(struct bft *b, struct peer *peer, const struct message *m);
    bool same_height; /* means something only at the height of its sender */
} takes[WIRE_TYPES] = {
    [WIRE_PROPOSAL] = {take_proposal, true},
    [WIRE_VOTE] = {take_vote, true},
    [WIRE_POL] = {take_pol, true},
    [WIRE_ROUND_PROOF] = {take_round_proof, true},
    [WIRE_ENTRY] = {take_entry, false},
    [WIRE_FETCH] = {take_nothing, false},
    [WIRE_BLOCK] = {take_block, false},
    [WIRE_PRUNED] = {take_pruned, false},
    [WIRE_LEASE_ASK] = {take_lease_ask, false},
    [WIRE_LEASE_ANSWER] = {lease_take, false},
    [WIRE_OWN_ASK] = {take_own_ask, false},
    [WIRE_OWN_ANSWER] = {take_own_answer, false},
};

/* H4: how long after the own vote this member's came, late ones of the last rounds included. */
static void measure(struct bft *b, const struct peer *peer, const struct message *m)
{
    int seat = cfg_find(&b->cfg, peer->gid);
    if (m->type != WIRE_VOTE || m->vote.gid != peer->gid || seat < 0)
        return;
    for (int i = 0; i < 8; i++) {
        const struct sent_vote *s = &b->sent_vote[i];
        if (s->height != m->vote.height || s->round != m->vote.round || s->type != m->vote.type)
            continue;
        uint64_t took = b->now.mono_ms - s->at;
        uint32_t ms = took < TIMEOUT_MOST_MS ? (uint32_t)took : TIMEOUT_MOST_MS;
        uint32_t old = b->delay_ms[seat];
        b->delay_ms[seat] = (old ? (3 * (old - 1) + ms) / 4 : ms) + 1;
    }
}

enum err bft_message(struct bft *b, struct now now, uint32_t from_gid, struct bytes message)
{
    struct message m;
    TRY(message_decode(message, &m));
    enter(b, now);
    enum err e = OK;
    struct peer *peer = sync_peer(b, from_gid);
    if (peer && from_gid != b->config.gid) {
        peer->up = true;
        peer->height = m.height;
        measure(b, peer, &m);
        bool here = m.height == b->height && m.serial == b->cfg.serial;
        if (here || !takes[m.type].same_height)
            e = takes[m.type].take(b, peer, &m);
        sync_heights(b, peer, &m);
    }
    leave(b);
    if (e == OK || e == E_MALFORMED || err_class(e) == ERR_CLASS_OURS)
        return e == E_MALFORMED ? e : OK;
    return E_SIGNATURE;
}

/* --- other inputs ----------------------------------------------------------------------- */

void bft_tick(struct bft *b, struct now now)
{
    enter(b, now);
    leave(b);
}

enum err bft_submit(struct bft *b, struct now now, struct bytes entry)
{
    if (b->depth > 0) { /* from a callback: the rules run when it has returned */
        b->again = true;
        return chain_submit(b, POOL_OWN, entry);
    }
    enter(b, now);
    enum err e = chain_submit(b, POOL_OWN, entry);
    leave(b);
    return e;
}

void bft_peer_up(struct bft *b, struct now now, uint32_t gid)
{
    enter(b, now);
    struct peer *peer = sync_peer(b, gid);
    if (peer && gid != b->config.gid) {
        peer->up = true;
        struct message m = {.type = WIRE_FETCH};
        sync_send(b, gid, &m);
        if (b->unsure)
            record_own_ask(b, peer);
        if (b->active && b->voting)
            sync_resend(b, gid); /* F1 */
        else
            chain_forward(b, gid, NULL);
    }
    leave(b);
}

static void peer_down(struct bft *b, uint32_t gid)
{
    struct peer *peer = sync_peer(b, gid);
    if (!peer)
        return;
    peer->up = false;
    peer->ask_at = NEVER;
}

void bft_peer_down(struct bft *b, struct now now, uint32_t gid)
{
    if (b->depth > 0) { /* sending has shown that it is gone */
        peer_down(b, gid);
        return;
    }
    enter(b, now);
    peer_down(b, gid);
    leave(b);
}

enum err bft_restore(struct bft *b, struct now now, struct bytes record)
{
    enter(b, now);
    enum err e = record_restore(b, record);
    leave(b);
    return e;
}

void bft_durable(struct bft *b, struct now now, uint64_t token)
{
    enter(b, now);
    record_durable(b, token);
    leave(b);
}

void bft_set_key(struct bft *b, struct now now, const struct sig_secret *secret)
{
    enter(b, now);
    set_key(b, secret);
    b->unsure = false;
    step_refresh_key(b);
    leave(b);
}

void bft_set_seat(struct bft *b, struct now now, uint32_t gid)
{
    enter(b, now);
    b->config.gid = gid;
    b->seat = cfg_find(&b->cfg, gid);
    step_refresh_key(b);
    leave(b);
}

enum err bft_install(struct bft *b, struct now now, const struct bft_tip *tip)
{
    if (tip->height <= b->tip.height || tip->certificate.n == 0 ||
        tip->certificate.height != tip->height || !hash32_eq(tip->certificate.id, tip->id))
        return E_STALE;
    enter(b, now);
    set_tip(b, tip);
    step_enter_height(b);
    chain_prune(b, NULL);
    leave(b);
    return OK;
}

enum err bft_restart(struct bft *b, struct now now, const struct certificate *certificate,
                     struct bytes block)
{
    if (certificate->restart.n == 0)
        return E_VALUE;
    if (certificate->height != b->tip.height && certificate->height != b->height)
        return E_STALE;
    enter(b, now);
    enum err e = sync_restart(b, certificate, block);
    leave(b);
    return e;
}

/* --- status -------------------------------------------------------------------------------- */

void bft_status(const struct bft *b, struct bft_status *out)
{
    *out = (struct bft_status){.height = b->tip.height,
                               .round = b->round,
                               .active = b->active,
                               .voting = b->voting,
                               .proposer = step_proposer(b, b->round),
                               .rounds = b->rounds,
                               .base_ms = b->base_ms,
                               .pending = b->pool.n,
                               .changed_ms = b->changed_ms};
}

const struct bft_tip *bft_tip(const struct bft *b)
{
    return &b->tip;
}
