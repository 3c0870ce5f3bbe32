/* What must be durable before a message leaves (F4), and coming back from it (Restart, H13). */
#include "core/consensus/inside.h"

enum { RECORD_VERSION = 1 };

/* --- sending ------------------------------------------------------------------------- */

/* A message of the own key leaves: from now on it counts here too, and may be sent again. */
static void count_own(struct bft *b, const struct outgoing *o)
{
    if (o->is_vote && o->vote.height == b->height && b->seat >= 0)
        step_vote(b, b->seat, &o->vote);
    for (int i = 0; o->is_proposal && i < 3; i++)
        if (b->proposed[i].used && b->proposed[i].p.gid == b->config.gid)
            b->proposed[i].durable = true;
}

static void outgoing_drop(struct outgoing *o)
{
    free(o->p);
    *o = (struct outgoing){0};
}

static void shift_outbox(struct bft *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        outgoing_drop(&b->outbox[i]);
    memmove(b->outbox, b->outbox + n, (b->outgoing - n) * sizeof *b->outbox);
    b->outgoing -= n;
}

void record_drop_outbox(struct bft *b)
{
    shift_outbox(b, b->outgoing);
    b->record_due = false;
}

void record_send(struct bft *b, struct message *m, bool wait)
{
    struct outgoing o = {.token = b->token + 1,
                         .is_vote = m->type == WIRE_VOTE,
                         .is_proposal = m->type == WIRE_PROPOSAL,
                         .vote = m->vote};
    b->record_due |= wait;
    if (!wait || MUTANT(b, MUTANT_NOT_DURABLE)) {
        sync_send(b, BFT_ALL, m);
        count_own(b, &o);
        return;
    }
    struct buf out = BUF_INIT(BFT_MAX_MESSAGE);
    struct writer w = writer(&out);
    m->serial = b->cfg.serial;
    m->height = b->height;
    message_encode(&w, m);
    o.p = writer_end(&w) == OK ? bytes_dup(buf_bytes(&out)) : NULL;
    o.n = out.n;
    buf_free(&out);
    /* A disk that does not answer: the oldest is dropped, as on a bad network. */
    if (b->outgoing == OUTBOX_MAX)
        shift_outbox(b, 1);
    if (o.p)
        b->outbox[b->outgoing++] = o;
}

/* --- the record ------------------------------------------------------------------------- */

struct record {
    enum bft_mode mode;
    uint64_t height;
    uint32_t round;
    enum step step;
    uint32_t locked_round, valid_round;
    struct hash32 locked_id;
    struct certificate pol; /* n = 0: none */
    struct bytes block;     /* of the POL */
    struct round_proof proof;
    bool proposed;
    struct proposal proposal;
    struct certificate proposal_pol;
    struct bytes proposal_block;
    uint32_t n;
    struct vote vote[4];
    uint64_t precommit_height;
};

static void write_optional(struct writer *w, const struct certificate *c)
{
    wr_bool(w, c->n > 0);
    if (c->n > 0)
        certificate_encode(w, c);
}

static void read_optional(struct reader *r, struct certificate *c)
{
    if (rd_bool(r))
        certificate_decode(r, c);
}

static void record_encode(struct writer *w, const struct record *rec)
{
    wr_u8(w, RECORD_VERSION);
    wr_u8(w, (uint8_t)rec->mode);
    wr_u64(w, rec->height);
    wr_u32(w, rec->round);
    wr_u8(w, (uint8_t)rec->step);
    wr_u32(w, rec->locked_round);
    wr_raw(w, rec->locked_id.b, 32);
    wr_u32(w, rec->valid_round);
    write_optional(w, &rec->pol);
    wr_var(w, rec->block);
    round_proof_encode(w, &rec->proof);
    wr_bool(w, rec->proposed);
    if (rec->proposed) {
        proposal_encode(w, &rec->proposal);
        write_optional(w, &rec->proposal_pol);
        wr_var(w, rec->proposal_block);
    }
    wr_u32(w, rec->n);
    for (uint32_t i = 0; i < rec->n; i++)
        vote_encode(w, &rec->vote[i]);
    wr_u64(w, rec->precommit_height);
}

static enum err record_decode(struct bytes in, struct record *rec)
{
    *rec = (struct record){0};
    struct reader r = reader(in);
    rd_require(&r, rd_u8(&r) == RECORD_VERSION);
    rec->mode = (enum bft_mode)rd_u8(&r);
    rec->height = rd_u64(&r);
    rec->round = rd_u32(&r);
    rec->step = (enum step)rd_u8(&r);
    rec->locked_round = rd_u32(&r);
    rd_copy(&r, rec->locked_id.b, 32);
    rec->valid_round = rd_u32(&r);
    read_optional(&r, &rec->pol);
    rec->block = rd_var(&r, BFT_MAX_BLOCK);
    round_proof_decode(&r, &rec->proof);
    rec->proposed = rd_bool(&r);
    if (rec->proposed) {
        proposal_decode(&r, &rec->proposal);
        read_optional(&r, &rec->proposal_pol);
        rec->proposal_block = rd_var(&r, BFT_MAX_BLOCK);
    }
    rec->n = rd_count(&r, 4);
    for (uint32_t i = 0; i < rec->n; i++)
        vote_decode(&r, &rec->vote[i]);
    rec->precommit_height = rd_u64(&r);
    rd_require(&r, rec->mode == BFT_SEALED || rec->mode == BFT_STRICT);
    rd_require(&r, rec->height > 0 && rec->step <= STEP_PRECOMMIT);
    rd_require(&r, (rec->valid_round != BFT_NO_ROUND) == (rec->pol.n > 0));
    rd_require(&r, (rec->pol.n > 0) == (rec->block.n > 0));
    return reader_end(&r, E_MALFORMED);
}

static void add_own_votes(const struct bft *b, struct record *rec)
{
    for (int i = 0; i < 4; i++)
        if (b->own_vote[i].height == b->height && b->own_vote[i].round + 1 >= b->round)
            rec->vote[rec->n++] = b->own_vote[i];
}

static void add_own_proposal(const struct bft *b, struct record *rec)
{
    const struct proposed *slot = &b->proposed[b->round % 3];
    if (!slot->used || slot->p.round != b->round || slot->p.gid != b->config.gid)
        return;
    rec->proposed = true;
    rec->proposal = slot->p;
    rec->proposal_pol = slot->pol;
    rec->proposal_block = slot->block == b->valid ? BYTES_NONE : held_bytes(slot->block);
}

void record_flush(struct bft *b)
{
    if (!b->record_due)
        return;
    b->record_due = false;
    struct record rec = {.mode = b->cfg.mode,
                         .height = b->height,
                         .round = b->round,
                         .step = b->step,
                         .locked_round = b->locked_round,
                         .locked_id = b->locked_id,
                         .valid_round = b->valid_round,
                         .pol = b->pol,
                         .block = held_bytes(b->valid),
                         .precommit_height = b->precommit_height};
    if (rec.mode == BFT_SEALED) {
        rec.proof = b->proof;
        add_own_votes(b, &rec);
        add_own_proposal(b, &rec);
    }
    struct buf out = BUF_INIT(BFT_MAX_RECORD);
    struct writer w = writer(&out);
    record_encode(&w, &rec);
    GD_BUG_ON(writer_end(&w) == E_TOO_LARGE);
    b->token++;
    if (writer_end(&w) == OK)
        b->config.out.persist(b->config.out.ctx, b->token, buf_bytes(&out));
    buf_free(&out);
}

void record_durable(struct bft *b, uint64_t token)
{
    if (token > b->token || token <= b->durable_token)
        return;
    b->durable_token = token;
    uint32_t n = 0;
    for (; n < b->outgoing && b->outbox[n].token <= token; n++)
        b->config.out.send(b->config.out.ctx, BFT_ALL, bytes(b->outbox[n].p, b->outbox[n].n));
    for (uint32_t i = 0; i < n; i++)
        count_own(b, &b->outbox[i]);
    shift_outbox(b, n);
}

/* --- coming back -------------------------------------------------------------------------- */

/* Knowledge, not votes: a block and its POL. Good in both modes. */
static void restore_pol(struct bft *b, const struct record *rec)
{
    struct held *held = NULL;
    struct judge j = step_judge(b);
    if (rec->pol.n == 0 || rec->pol.height != b->height || rec->pol.type != VOTE_PREVOTE ||
        certificate_check_under(&j, &rec->pol) != OK || held_new(rec->block, &held) != OK)
        return;
    if (hash32_eq(held->id, rec->pol.id))
        step_pol(b, &rec->pol, held);
    held_drop(&held);
}

static void restore_proposal(struct bft *b, const struct record *rec)
{
    if (!rec->proposed || rec->proposal.round != b->round)
        return;
    b->proposed_round = b->round;
    struct held *held = NULL;
    if (rec->proposal_block.n > 0) {
        if (held_new(rec->proposal_block, &held) != OK)
            return;
    } else {
        held = held_ref(b->valid);
    }
    if (held && hash32_eq(held->id, rec->proposal.id)) {
        struct message m = {.proposal = rec->proposal, .certificate = rec->proposal_pol};
        step_proposal(b, &m, held);
    }
    held_drop(&held);
}

static void restore_votes(struct bft *b, const struct record *rec)
{
    for (uint32_t i = 0; i < rec->n; i++) {
        const struct vote *v = &rec->vote[i];
        int row = v->type == VOTE_PRECOMMIT;
        if (v->height != b->height)
            continue;
        b->own_vote[i] = *v;
        if (!b->signed_vote[row].used || v->round > b->signed_vote[row].round) {
            b->signed_vote[row].used = true;
            b->signed_vote[row].height = v->height;
            b->signed_vote[row].round = v->round;
        }
        step_vote(b, b->seat, v);
    }
}

/* Sealed mode: the member goes on where its record says. */
static void restore_all(struct bft *b, const struct record *rec)
{
    b->active = true;
    b->round = rec->round;
    b->proof = rec->proof;
    restore_pol(b, rec);
    GD_BUG_ON(b->round != rec->round);
    b->step = rec->step;
    b->locked_round = rec->locked_round;
    b->locked_id = rec->locked_id;
    restore_votes(b, rec);
    restore_proposal(b, rec);
    b->propose_at = b->prevote_at = b->precommit_at = NEVER;
}

static void restore_here(struct bft *b, const struct record *rec)
{
    if (rec->mode == BFT_SEALED && rec->height == b->height && step_key_named(b))
        restore_all(b, rec);
    else if (rec->height == b->height)
        restore_pol(b, rec);
}

void record_reached(struct bft *b)
{
    struct record rec;
    if (b->ahead_height == 0 || b->ahead_height > b->height)
        return;
    bool here = b->ahead_height == b->height;
    b->ahead_height = 0;
    if (here && record_decode(buf_bytes(&b->ahead), &rec) == OK)
        restore_here(b, &rec);
    buf_free(&b->ahead);
    step_refresh_key(b);
}

/* The highest vote of the record: anything later that others show is from another life. */
static void remember_highest(struct bft *b, const struct record *rec)
{
    b->restored_height = rec->height;
    b->restored_round = rec->round;
    b->restored_type = VOTE_PREVOTE;
    for (uint32_t i = 0; i < rec->n; i++)
        if (rec->vote[i].round == rec->round && rec->vote[i].type == VOTE_PRECOMMIT)
            b->restored_type = VOTE_PRECOMMIT;
}

enum err record_restore(struct bft *b, struct bytes record)
{
    struct record rec;
    TRY(record_decode(record, &rec));
    b->precommit_height = rec.precommit_height;
    b->key_restored = step_key_named(b); /* a new one is not in force yet */
    if (rec.mode == BFT_SEALED) {
        remember_highest(b, &rec);
        b->unsure = b->cfg.q > 1; /* H13 */
    }
    if (rec.height > b->height) {
        TRY(buf_add(&b->ahead, record.p, record.n));
        b->ahead_height = rec.height;
    } else {
        restore_here(b, &rec);
    }
    step_refresh_key(b);
    return OK;
}

enum err bft_record_shown(struct bytes record, struct bft_shown *out)
{
    struct record rec;
    TRY(record_decode(record, &rec));
    if (rec.pol.n == 0)
        return E_NOT_FOUND;
    *out = (struct bft_shown){rec.pol, rec.block};
    return OK;
}

/* --- what others know of the own votes (H13) ----------------------------------------------- */

static bool later(const struct vote *a, uint64_t height, uint32_t round, enum vote_type type)
{
    if (a->height != height)
        return a->height > height;
    if (a->round != round)
        return a->round > round;
    return a->type > type;
}

void record_seen(struct bft *b, const struct vote *vote)
{
    struct last_seen *place = NULL;
    for (int i = 0; i < BFT_MAX_MEMBERS; i++) {
        struct last_seen *s = &b->seen[i];
        if (s->used && s->gid == vote->gid) {
            place = s;
            break;
        }
        if (!s->used || cfg_find(&b->cfg, s->gid) < 0)
            place = s;
    }
    if (!place)
        return;
    bool same = place->used && place->gid == vote->gid;
    if (!same || later(vote, place->vote.height, place->vote.round, place->vote.type))
        *place = (struct last_seen){true, vote->gid, b->cfg_hash, *vote};
}

void record_own_ask(struct bft *b, struct peer *peer)
{
    struct message m = {.type = WIRE_OWN_ASK};
    sync_send(b, peer->gid, &m);
}

static bool find_seen(const struct bft *b, uint32_t gid, struct message *m)
{
    for (int i = 0; i < BFT_MAX_MEMBERS; i++)
        if (b->seen[i].used && b->seen[i].gid == gid) {
            m->cfg = b->seen[i].cfg;
            m->vote = b->seen[i].vote;
            m->has_vote = true;
        }
    const struct certificate *c = &b->tip.certificate;
    for (uint32_t i = 0; i < c->n; i++) {
        struct vote v = certificate_vote(c, i);
        if (v.gid == gid &&
            (!m->has_vote || later(&v, m->vote.height, m->vote.round, m->vote.type))) {
            m->cfg = b->last_cfg_hash;
            m->vote = v;
            m->has_vote = true;
        }
    }
    return m->has_vote;
}

void record_tell(struct bft *b, struct peer *peer)
{
    struct message m = {.type = WIRE_OWN_ANSWER};
    find_seen(b, peer->gid, &m);
    sync_send(b, peer->gid, &m);
}

void record_key_stale(struct bft *b)
{
    sig_secret_wipe(&b->secret);
    b->has_key = false;
    b->unsure = false;
    step_refresh_key(b);
    if (b->config.out.key_stale)
        b->config.out.key_stale(b->config.out.ctx);
}

/* Signed by the own key, under whatever cfg it was? */
static bool is_own(struct bft *b, const struct message *m)
{
    struct hash64 d = vote_digest(b->cfg.cluster_id, m->cfg, m->vote.type, m->vote.height,
                                  m->vote.round, m->vote.id);
    return b->has_key && m->vote.gid == b->config.gid &&
           b->config.scheme->verify(&b->public, BYTES_OF(d.b), &m->vote.signature) == OK;
}

void record_own_answer(struct bft *b, struct peer *peer, const struct message *m)
{
    if (!b->unsure || cfg_find(&b->cfg, peer->gid) < 0)
        return;
    if (m->has_vote && is_own(b, m) &&
        later(&m->vote, b->restored_height, b->restored_round, b->restored_type)) {
        record_key_stale(b);
        return;
    }
    for (uint32_t i = 0; i < b->sure_n; i++)
        if (b->sure[i] == peer->gid)
            return;
    if (b->sure_n < BFT_MAX_PEERS)
        b->sure[b->sure_n++] = peer->gid;
    if (b->sure_n + 1 < b->cfg.q)
        return;
    b->unsure = false;
    step_refresh_key(b);
}

void record_foreign_vote(struct bft *b)
{
    step_alarm(b, "a vote of the own key that this guardian did not cast: a copy is running");
    record_key_stale(b);
}
