/* Peers, catch-up (F7), asking while idle (F5) and re-sending (F1). */
#include "core/consensus/inside.h"

bool bucket_take(struct bucket *bucket, uint64_t now_ms)
{
    uint64_t passed = now_ms - bucket->at_ms, full = ANSWERS_PER_SECOND * 1000;
    uint64_t left = passed < 1000 ? bucket->left + passed * ANSWERS_PER_SECOND : full;
    bucket->at_ms = now_ms;
    bucket->left = left < full ? left : full;
    if (bucket->left < 1000)
        return false;
    bucket->left -= 1000;
    return true;
}

struct peer *sync_peer(struct bft *b, uint32_t gid)
{
    struct peer *spare = NULL;
    for (uint32_t i = 0; i < b->peers; i++) {
        if (b->peer[i].gid == gid)
            return &b->peer[i];
        if (!b->peer[i].up)
            spare = &b->peer[i];
    }
    struct peer *p = b->peers < BFT_MAX_PEERS ? &b->peer[b->peers++] : spare;
    if (p)
        *p = (struct peer){.gid = gid,
                           .ask_at = NEVER,
                           .blocks = {ANSWERS_PER_SECOND * 1000, b->now.mono_ms},
                           .leases = {ANSWERS_PER_SECOND * 1000, b->now.mono_ms}};
    return p;
}

void sync_send(struct bft *b, uint32_t gid, struct message *m)
{
    struct buf out = BUF_INIT(BFT_MAX_MESSAGE);
    struct writer w = writer(&out);
    m->serial = b->cfg.serial;
    m->height = b->height;
    message_encode(&w, m);
    if (writer_end(&w) == OK)
        b->config.out.send(b->config.out.ctx, gid, buf_bytes(&out));
    buf_free(&out);
}

/* --- asking ------------------------------------------------------------------------ */

void sync_ask(struct bft *b, struct peer *peer)
{
    uint64_t free_at = peer->asked_ms == 0 ? 0 : peer->asked_ms + ASK_LEAST_MS;
    if (free_at > b->now.mono_ms) {
        peer->ask_at = free_at;
        return;
    }
    peer->ask_at = NEVER;
    peer->asked_ms = b->now.mono_ms + (b->now.mono_ms == 0);
    struct message m = {.type = WIRE_FETCH};
    sync_send(b, peer->gid, &m);
}

static struct peer *next_peer(struct bft *b)
{
    for (uint32_t i = 0; i < b->peers; i++) {
        struct peer *p = &b->peer[(b->ask_next + i) % b->peers];
        if (p->up) {
            b->ask_next = (b->ask_next + i + 1) % b->peers;
            return p;
        }
    }
    return NULL;
}

/* --- answering ---------------------------------------------------------------------- */

/* One block, or PRUNED. False: no more can be sent. */
static bool send_block(struct bft *b, struct peer *peer, uint64_t height)
{
    const struct bft_app *app = &b->config.app;
    struct buf block = BUF_INIT(BFT_MAX_BLOCK), c = BUF_INIT(BFT_MAX_CERTIFICATE);
    struct message m = {.type = WIRE_BLOCK};
    bool sent = false;
    if (app->block(app->ctx, height, &block, &c) == OK) {
        struct reader r = reader(buf_bytes(&c));
        certificate_decode(&r, &m.certificate);
        m.block = buf_bytes(&block);
        sent = reader_end(&r, E_INTERNAL) == OK;
    } else if (app->checkpoint) {
        m.type = WIRE_PRUNED;
        m.number = app->checkpoint(app->ctx);
    }
    if (sent || m.type == WIRE_PRUNED)
        sync_send(b, peer->gid, &m);
    buf_free(&block);
    buf_free(&c);
    return sent;
}

static void answer(struct bft *b, struct peer *peer, uint64_t height)
{
    if (height == 0)
        height = 1;
    /* The same question twice within a blink: the blocks are under way. */
    if (peer->answered_height == height && b->now.mono_ms - peer->answered_ms < ASK_LEAST_MS)
        return;
    peer->answered_height = height;
    peer->answered_ms = b->now.mono_ms;
    for (uint64_t h = height; h < height + ANSWER_HEIGHTS && h <= b->tip.height; h++)
        if (!bucket_take(&peer->blocks, b->now.mono_ms) || !send_block(b, peer, h))
            return;
}

void sync_heights(struct bft *b, struct peer *peer, const struct message *m)
{
    peer->height = m->height;
    if (m->height > b->height || m->serial > b->cfg.serial)
        sync_ask(b, peer);
    else if (m->serial < b->cfg.serial)
        answer(b, peer, m->height > 1 ? m->height - 1 : 1);
    else if (m->height < b->height)
        answer(b, peer, m->height);
}

/* --- a block from a peer --------------------------------------------------------------- */

static enum err check_restart(struct bft *b, const struct certificate *c)
{
    const struct bft_app *app = &b->config.app;
    if (c->restart.n == 0)
        return c->type == VOTE_PRECOMMIT ? OK : E_MALFORMED;
    if (!app->restart_check)
        return E_NOT_ALLOWED;
    return app->restart_check(app->ctx, c->restart, c->height, c->round, c->id);
}

/* H5: the block decided last becomes the last of its configuration. */
static enum err restart_tip(struct bft *b, const struct certificate *c)
{
    if (c->restart.n == 0 || b->tip.certificate.restart.n > 0 || !b->has_last_cfg ||
        !hash32_eq(c->id, b->tip.id))
        return OK;
    struct judge j = {b->config.scheme, &b->last_cfg, b->last_cfg_hash, NULL, NULL};
    TRY(certificate_check_under(&j, c));
    TRY(check_restart(b, c));
    owned_set(&b->tip_certificate, c);
    if (b->tip_certificate.c.n == 0)
        return E_NOMEM;
    b->tip.certificate = b->tip_certificate.c;
    struct buf bytes = BUF_INIT(BFT_MAX_CERTIFICATE);
    struct writer w = writer(&bytes);
    certificate_encode(&w, c);
    b->config.out.restarted(b->config.out.ctx, c, buf_bytes(&bytes));
    buf_free(&bytes);
    step_enter_height(b);
    chain_prune(b, NULL);
    return OK;
}

static enum err take_next(struct bft *b, const struct certificate *c, struct bytes raw)
{
    struct judge j = step_judge(b);
    TRY(certificate_check_under(&j, c));
    TRY(check_restart(b, c));
    struct held *held = NULL;
    if (raw.n > 0) {
        TRY(held_new(raw, &held));
        if (!hash32_eq(held->id, c->id) || held->block.header.height != c->height) {
            held_drop(&held);
            return E_MALFORMED;
        }
    }
    step_certificate(b, c, held);
    held_drop(&held);
    return OK;
}

enum err sync_restart(struct bft *b, const struct certificate *c, struct bytes block)
{
    return c->height == b->tip.height ? restart_tip(b, c) : take_next(b, c, block);
}

void sync_block(struct bft *b, struct peer *peer, const struct message *m, enum err *e)
{
    const struct certificate *c = &m->certificate;
    if (c->height == b->tip.height)
        *e = restart_tip(b, c);
    else if (c->height == b->height)
        *e = take_next(b, c, m->block);
    /* A sender beyond a RESTART this member has not seen judges by another cfg. */
    if (*e != OK && m->serial > b->cfg.serial)
        *e = OK;
    if (err_class(*e) == ERR_CLASS_OURS || *e == E_NOT_ALLOWED)
        *e = OK;
}

/* --- re-sending (F1) ------------------------------------------------------------------------ */

static void resend_votes(struct bft *b, uint32_t gid)
{
    uint32_t first = b->round > 0 ? b->round - 1 : 0;
    for (uint32_t r = first; r <= b->round; r++)
        for (int type = VOTE_PREVOTE; type <= VOTE_PRECOMMIT; type++) {
            const struct vote *v = tally_find(&b->tally, b->seat, (enum vote_type)type, r);
            if (!v)
                continue;
            struct message m = {.type = WIRE_VOTE, .has_vote = true, .vote = *v};
            bool proved = type == VOTE_PRECOMMIT && !hash32_is_zero(v->id);
            if (proved)
                m.certificate = b->pol;
            /* A later POL says more than a precommit of the round before. */
            if (!proved || (b->valid_round == r && hash32_eq(b->pol.id, v->id)))
                sync_send(b, gid, &m);
        }
}

static bool resend_proposal(struct bft *b, uint32_t gid)
{
    const struct proposed *slot = &b->proposed[b->round % 3];
    if (!slot->used || slot->p.round != b->round || !slot->durable)
        return false;
    struct message m = {.type = WIRE_PROPOSAL,
                        .proposal = slot->p,
                        .certificate = slot->pol,
                        .block = held_bytes(slot->block)};
    sync_send(b, gid, &m);
    return true;
}

static void resend_pol(struct bft *b, uint32_t gid, bool with_block)
{
    if (b->valid) {
        struct message m = {.type = WIRE_POL, .certificate = b->pol};
        m.block = with_block ? held_bytes(b->valid) : BYTES_NONE;
        sync_send(b, gid, &m);
    }
    if (b->pol_wanted.n > 0) {
        struct message m = {.type = WIRE_POL, .certificate = b->pol_wanted};
        sync_send(b, gid, &m);
    }
}

void sync_resend(struct bft *b, uint32_t gid)
{
    if (b->proof.n > 0) {
        struct message m = {.type = WIRE_ROUND_PROOF, .proof = b->proof};
        sync_send(b, gid, &m);
    }
    bool proposal = resend_proposal(b, gid);
    const struct proposed *slot = &b->proposed[b->round % 3];
    bool same = proposal && b->valid && slot->block == b->valid;
    resend_pol(b, gid, !same);
    resend_votes(b, gid);
    chain_forward(b, gid, NULL);
}

/* --- the clock ----------------------------------------------------------------------------------
 */

static void tick_resend(struct bft *b)
{
    if (!b->active || !b->voting || b->resend_at > b->now.mono_ms)
        return;
    chain_prune(b, NULL);
    if (step_nothing_to_do(b)) {
        step_sleep(b);
        return;
    }
    sync_resend(b, BFT_ALL);
    b->resend_wait = b->resend_wait * 2 < RESEND_MOST_MS ? b->resend_wait * 2 : RESEND_MOST_MS;
    b->resend_at = b->now.mono_ms + b->resend_wait;
}

static bool asks(const struct bft *b)
{
    return !b->active || !b->voting;
}

static void tick_ask(struct bft *b)
{
    if (!asks(b) || b->ask_at > b->now.mono_ms)
        return;
    b->ask_at = b->now.mono_ms + ASK_IDLE_MS;
    chain_prune(b, NULL); /* what was not valid yet may be now */
    struct peer *peer = next_peer(b);
    if (!peer)
        return;
    sync_ask(b, peer);
    if (!b->voting) /* no rounds of its own, whose ends would send entries again */
        chain_forward(b, BFT_ALL, NULL);
    if (b->unsure)
        for (uint32_t i = 0; i < b->peers; i++)
            if (b->peer[i].up)
                record_own_ask(b, &b->peer[i]);
}

void sync_tick(struct bft *b)
{
    for (uint32_t i = 0; i < b->peers; i++)
        if (b->peer[i].up && b->peer[i].ask_at <= b->now.mono_ms)
            sync_ask(b, &b->peer[i]);
    tick_resend(b);
    tick_ask(b);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t sync_wake(const struct bft *b)
{
    uint64_t at = NEVER;
    bool peers = false;
    for (uint32_t i = 0; i < b->peers; i++) {
        peers |= b->peer[i].up;
        if (b->peer[i].up)
            at = earlier(at, b->peer[i].ask_at);
    }
    if ((peers || b->pool.n > 0) && asks(b))
        at = earlier(at, b->ask_at);
    if (!b->active || !b->voting)
        return at;
    at = earlier(at, b->resend_at);
    return earlier(at, earlier(b->propose_at, earlier(b->prevote_at, b->precommit_at)));
}
