/*
 * Liars: they know each other's keys, see what is sent to any of them, look
 * into the honest members' rounds, and send anything their keys can sign, to
 * each honest member something else. Each also runs the honest code, so that it
 * follows the chain, and keeps back what it likes of what that says.
 */
#include "world.h"
#include "core/consensus/inside.h"

enum { MAX_VOTES = 1024, MAX_BLOCKS = 12, BOOKS = 4 };

/* What is known about one height. */
struct book {
    uint64_t height;
    struct vote vote[MAX_VOTES];
    uint32_t votes;
    struct held *block[MAX_BLOCKS];
    uint32_t blocks;
};

struct lore {
    struct book book[BOOKS];
    struct {
        uint8_t *p;
        size_t n;
    } ring[RING];
    uint32_t heard;
    double keep_back; /* honest-looking messages not sent */
    double eager;     /* how often it lies */
    bool silent;
};

void liar_init(struct world *w)
{
    w->lore = calloc(1, sizeof *w->lore);
    GD_BUG_ON(!w->lore);
    w->lore->keep_back = below(&w->dice, 4) * 0.3;
    w->lore->eager = 0.1 + 0.3 * below(&w->dice, 4);
    w->lore->silent = chance(&w->dice, 0.1);
}

static void book_clear(struct book *book)
{
    for (uint32_t i = 0; i < book->blocks; i++)
        held_drop(&book->block[i]);
    book->votes = book->blocks = 0;
}

void liar_free(struct world *w)
{
    if (!w->lore)
        return;
    for (int i = 0; i < BOOKS; i++)
        book_clear(&w->lore->book[i]);
    for (int i = 0; i < RING; i++)
        free(w->lore->ring[i].p);
    free(w->lore);
}

/* --- knowledge ------------------------------------------------------------------------- */

static struct book *book_at(struct world *w, uint64_t height)
{
    struct book *book = &w->lore->book[height % BOOKS];
    if (book->height > height)
        return NULL;
    if (book->height < height) {
        book_clear(book);
        book->height = height;
    }
    return book;
}

static void know_vote(struct book *book, const struct vote *v)
{
    for (uint32_t i = 0; i < book->votes; i++)
        if (book->vote[i].gid == v->gid && book->vote[i].round == v->round &&
            book->vote[i].type == v->type && hash32_eq(book->vote[i].id, v->id))
            return;
    if (book->votes < MAX_VOTES)
        book->vote[book->votes++] = *v;
}

static struct held *know_block(struct book *book, struct bytes raw)
{
    struct held *held = NULL;
    if (raw.n == 0 || held_new(raw, &held) != OK)
        return NULL;
    for (uint32_t i = 0; i < book->blocks; i++)
        if (hash32_eq(book->block[i]->id, held->id)) {
            held_drop(&held);
            return book->block[i];
        }
    if (book->blocks == MAX_BLOCKS || held->block.header.height != book->height) {
        held_drop(&held);
        return NULL;
    }
    book->block[book->blocks++] = held;
    return held;
}

static void learn(struct world *w, struct bytes message)
{
    struct message m;
    if (message_decode(message, &m) != OK)
        return;
    uint64_t height = m.certificate.n > 0 ? m.certificate.height : m.height;
    struct book *book = book_at(w, height);
    if (!book)
        return;
    know_block(book, m.block);
    if (m.type == WIRE_VOTE && m.vote.height == height)
        know_vote(book, &m.vote);
    for (uint32_t i = 0; i < m.certificate.n; i++) {
        struct vote v = certificate_vote(&m.certificate, i);
        know_vote(book, &v);
    }
    for (uint32_t i = 0; i < m.proof.n; i++)
        if (m.proof.vote[i].height == height)
            know_vote(book, &m.proof.vote[i]);
}

void liar_sees(struct node *liar, struct bytes message)
{
    struct lore *lore = liar->w->lore;
    uint32_t place = lore->heard++ % RING;
    free(lore->ring[place].p);
    lore->ring[place].p = bytes_dup(message);
    lore->ring[place].n = message.n;
    learn(liar->w, message);
}

/* --- sending ----------------------------------------------------------------------------- */

static void say(struct node *liar, struct node *victim, struct bytes message)
{
    oracle_message(liar, message);
    world_send(liar->w, liar->index, victim->index, message);
}

static void say_message(struct node *liar, struct node *victim, struct message *m, uint64_t height)
{
    struct buf out = BUF_INIT(BFT_MAX_MESSAGE);
    struct writer w = writer(&out);
    m->height = height;
    m->serial = victim->b->cfg.serial;
    message_encode(&w, m);
    if (writer_end(&w) == OK)
        say(liar, victim, buf_bytes(&out));
    buf_free(&out);
    liar->w->count.lies++;
}

void liar_filter(struct node *liar, uint32_t gid, struct bytes message)
{
    struct world *w = liar->w;
    learn(w, message);
    for (uint32_t i = 0; i < w->nodes; i++) {
        struct node *to = &w->node[i];
        if (i == liar->index || (gid != BFT_ALL && gid != to->gid))
            continue;
        if (!to->liar && (w->lore->silent || chance(&w->dice, w->lore->keep_back)))
            continue;
        say(liar, to, message);
    }
}

/* --- what liars make ------------------------------------------------------------------------ */

static bool votes_in(const struct cfg *cfg, const struct node *liar)
{
    int i = cfg_find(cfg, liar->gid);
    return i >= 0 && sig_public_eq(cfg->member[i].vote_key, liar->vote_public);
}

static struct vote make_vote(const struct node *liar, const struct bft *at, enum vote_type type,
                             uint32_t round, struct hash32 id)
{
    struct vote v = {type, at->height, round, id, liar->gid, {{0}}};
    struct hash64 d = vote_digest(at->cfg.cluster_id, at->cfg_hash, type, at->height, round, id);
    v.signature = liar->w->o.scheme->sign(&liar->vote, BYTES_OF(d.b));
    return v;
}

/* All liars' votes and the known honest ones: a quorum certificate if there are q. */
static bool assemble(struct world *w, const struct bft *at, enum vote_type type, uint32_t round,
                     struct hash32 id, struct certificate *out)
{
    struct book *book = book_at(w, at->height);
    *out = (struct certificate){.type = type, .height = at->height, .round = round, .id = id};
    for (uint32_t s = 0; book && s < at->cfg.n; s++) {
        const struct member *m = &at->cfg.member[s];
        struct node *who = world_find(w, m->gid);
        bool got = false;
        struct vote v;
        if (m->suspended || !who)
            continue;
        if (who->liar && votes_in(&at->cfg, who)) {
            v = make_vote(who, at, type, round, id);
            got = true;
        }
        for (uint32_t i = 0; i < book->votes && !got; i++) {
            v = book->vote[i];
            got = v.gid == m->gid && v.type == type && v.round == round && hash32_eq(v.id, id);
        }
        if (!got)
            continue;
        out->vote[out->n].gid = m->gid;
        out->vote[out->n++].signature = v.signature;
    }
    return out->n >= at->cfg.q;
}

static struct held *some_block(struct world *w, uint64_t height)
{
    struct book *book = book_at(w, height);
    return book && book->blocks ? book->block[below(&w->dice, book->blocks)] : NULL;
}

/* A POL of any round up to the victim's, for a known block. */
static bool some_pol(struct world *w, const struct bft *at, struct certificate *pol,
                     struct held **block)
{
    *block = some_block(w, at->height);
    for (uint32_t i = 0; *block && i < 4; i++) {
        uint32_t back = below(&w->dice, 4);
        uint32_t round = at->round + 1 >= back ? at->round + 1 - back : 0;
        if (assemble(w, at, VOTE_PREVOTE, round, (*block)->id, pol))
            return true;
    }
    return false;
}

/* A block of its own: valid for honest members, and different each time. */
static struct held *make_block(struct node *liar, const struct bft *at, uint32_t round)
{
    struct bft *self = liar->b;
    struct book *book = book_at(liar->w, at->height);
    if (!book || self->height != at->height)
        return NULL;
    uint8_t noise[8];
    rng_fill(dice_rng(&liar->w->dice), noise, sizeof noise);
    struct entry e = {.type = ENTRY_DATA, .nonce = ++liar->w->next_nonce, .body = BYTES_OF(noise)};
    struct buf entry = BUF_INIT(1024), raw = BUF_INIT(BFT_MAX_BLOCK);
    entry_write(&entry, &e);
    struct bytes view = buf_bytes(&entry);
    struct block block = {.n = 1, .entry = &view, .last = self->tip.certificate};
    block.header = (struct header){.height = at->height,
                                   .round = round,
                                   .proposer = liar->gid,
                                   .time_ms = chain_time(self) + below(&liar->w->dice, 100),
                                   .parent = self->tip.id,
                                   .cfg = self->cfg_hash,
                                   .state_root = liar->ledger.root,
                                   .entries_root = entries_root(&view, 1),
                                   .last = certificate_hash(&block.last),
                                   .last_round = block.last.round};
    struct writer w = writer(&raw);
    block_encode(&w, &block);
    struct held *held = know_block(book, buf_bytes(&raw));
    buf_free(&entry);
    buf_free(&raw);
    return held;
}

/* --- the lies ----------------------------------------------------------------------------------
 */

static uint32_t near_round(struct world *w, const struct bft *at)
{
    uint32_t r = at->round + below(&w->dice, 3);
    return r > 0 && chance(&w->dice, 0.3) ? r - 1 : r;
}

static void lie_vote(struct node *liar, struct node *victim)
{
    struct world *w = liar->w;
    const struct bft *at = victim->b;
    struct held *block = some_block(w, at->height);
    struct hash32 id = block && chance(&w->dice, 0.75) ? block->id : (struct hash32){0};
    enum vote_type type = chance(&w->dice, 0.5) ? VOTE_PREVOTE : VOTE_PRECOMMIT;
    uint32_t round = chance(&w->dice, 0.6) ? at->round : near_round(w, at);
    struct message m = {.type = WIRE_VOTE, .has_vote = true};
    m.vote = make_vote(liar, at, type, round, id);
    bool proved = type == VOTE_PRECOMMIT && !hash32_is_zero(id);
    if (proved && !assemble(w, at, VOTE_PREVOTE, round, id, &m.certificate))
        return;
    say_message(liar, victim, &m, at->height);
}

static void propose_to(struct node *liar, struct node *victim, struct held *block, uint32_t round,
                       uint32_t valid_round, const struct certificate *pol)
{
    const struct bft *at = victim->b;
    struct message m = {.type = WIRE_PROPOSAL, .block = held_bytes(block)};
    m.proposal = (struct proposal){.height = at->height,
                                   .round = round,
                                   .id = block->id,
                                   .valid_round = valid_round,
                                   .gid = liar->gid};
    struct hash64 d = proposal_digest(at->cfg.cluster_id, at->cfg_hash, &m.proposal);
    m.proposal.signature = liar->w->o.scheme->sign(&liar->vote, BYTES_OF(d.b));
    if (pol)
        m.certificate = *pol;
    say_message(liar, victim, &m, at->height);
}

static void lie_propose(struct node *liar, struct node *victim)
{
    struct world *w = liar->w;
    const struct bft *at = victim->b;
    uint32_t round = at->round + below(&w->dice, 2);
    if (step_proposer(at, round) != liar->gid)
        return;
    struct certificate pol;
    struct held *block;
    if (chance(&w->dice, 0.5) && some_pol(w, at, &pol, &block) && pol.round < round) {
        propose_to(liar, victim, block, round, pol.round, &pol);
        return;
    }
    block = chance(&w->dice, 0.5) ? some_block(w, at->height) : make_block(liar, at, round);
    if (block)
        propose_to(liar, victim, block, round, BFT_NO_ROUND, NULL);
}

static void lie_pol(struct node *liar, struct node *victim)
{
    struct world *w = liar->w;
    struct message m = {.type = WIRE_POL};
    struct held *block;
    if (!some_pol(w, victim->b, &m.certificate, &block))
        return;
    if (chance(&w->dice, 0.7))
        m.block = held_bytes(block);
    say_message(liar, victim, &m, victim->b->height);
}

static void lie_certificate(struct node *liar, struct node *victim)
{
    struct world *w = liar->w;
    const struct bft *at = victim->b;
    struct held *block = some_block(w, at->height);
    struct message m = {.type = WIRE_BLOCK, .block = held_bytes(block)};
    for (uint32_t r = at->round > 2 ? at->round - 2 : 0; block && r <= at->round + 1; r++)
        if (assemble(w, at, VOTE_PRECOMMIT, r, block->id, &m.certificate)) {
            say_message(liar, victim, &m, at->height);
            return;
        }
}

static void lie_round_proof(struct node *liar, struct node *victim)
{
    struct world *w = liar->w;
    const struct bft *at = victim->b;
    struct book *book = book_at(w, at->height);
    struct message m = {.type = WIRE_ROUND_PROOF, .proof = {.round = at->round + 1}};
    for (uint32_t s = 0; book && s < at->cfg.n; s++) {
        struct node *who = world_find(w, at->cfg.member[s].gid);
        if (who && who->liar && votes_in(&at->cfg, who)) {
            uint32_t far = at->round + 1 + below(&w->dice, 1000);
            m.proof.vote[m.proof.n++] = make_vote(who, at, VOTE_PREVOTE, far, (struct hash32){0});
            continue;
        }
        for (uint32_t i = 0; i < book->votes; i++)
            if (book->vote[i].gid == at->cfg.member[s].gid && book->vote[i].round > at->round) {
                m.proof.vote[m.proof.n++] = book->vote[i];
                break;
            }
    }
    if (m.proof.n > at->cfg.f)
        say_message(liar, victim, &m, at->height);
}

static void lie_replay(struct node *liar, struct node *victim)
{
    struct lore *lore = liar->w->lore;
    uint32_t i = below(&liar->w->dice, RING);
    if (!lore->ring[i].p)
        return;
    struct bytes old = bytes(lore->ring[i].p, lore->ring[i].n);
    if (chance(&liar->w->dice, 0.05) && old.n > 0)
        lore->ring[i].p[below(&liar->w->dice, (uint32_t)old.n)] ^= 1;
    world_send(liar->w, liar->index, victim->index, old);
}

static void lie_entry(struct node *liar, struct node *victim)
{
    struct entry e = {.type = ENTRY_DATA, .nonce = roll(&liar->w->dice) | 1};
    if (chance(&liar->w->dice, 0.5))
        e.expires_ms = node_now(victim).unix_ms + below(&liar->w->dice, 300);
    struct buf out = BUF_INIT(1024);
    entry_write(&out, &e);
    struct message m = {.type = WIRE_ENTRY, .entry = buf_bytes(&out)};
    say_message(liar, victim, &m, victim->b->height);
    buf_free(&out);
}

static void lie_height(struct node *liar, struct node *victim)
{
    struct message m = {.type = WIRE_FETCH};
    say_message(liar, victim, &m, victim->b->height + below(&liar->w->dice, 5));
}

static void (*const lies[])(struct node *liar, struct node *victim) = {
    lie_vote, lie_vote,        lie_vote,   lie_vote,        lie_propose, lie_propose,
    lie_pol,  lie_certificate, lie_replay, lie_round_proof, lie_entry,   lie_height,
};

void liar_act(struct node *liar)
{
    struct world *w = liar->w;
    if (w->lore->silent)
        return;
    for (uint32_t i = 0; i < w->nodes; i++) {
        struct node *victim = &w->node[i];
        if (victim->liar || !victim->up || !votes_in(&victim->b->cfg, liar))
            continue;
        for (int k = 0; k < 3; k++)
            if (chance(&w->dice, w->lore->eager))
                lies[below(&w->dice, sizeof lies / sizeof *lies)](liar, victim);
    }
}
