/*
 * What must never happen, judged from outside after every step: by the votes
 * that left anybody, the blocks decided and the leases held.
 */
#include "world.h"
#include "core/consensus/inside.h"

void oracle_cfg(struct world *w, uint64_t height, const struct cfg *cfg)
{
    if (height >= MAX_HEIGHT)
        return;
    struct page *p = &w->page[height];
    if (p->cfg_known && !hash32_eq(cfg_hash(cfg), cfg_hash(&p->cfg)))
        violated(w, "two configurations at height %llu", (unsigned long long)height);
    p->cfg_known = true;
    p->cfg = *cfg;
    /* Who decides with one vote too few is caught by what that leads to. */
    p->q = cfg->q - ((w->o.mutants & MUTANT_SHORT_QUORUM) != 0);
}

void oracle_restart(struct world *w, uint64_t height, const struct cfg *cfg)
{
    if (height >= MAX_HEIGHT)
        return;
    struct page *p = &w->page[height];
    if (p->cfg_known && p->cfg.serial >= cfg->serial) {
        oracle_cfg(w, height, cfg);
        return;
    }
    if (p->certified)
        violated(w, "a RESTART loses the block of height %llu", (unsigned long long)height);
    p->n = 0;
    p->cfg_known = false;
    oracle_cfg(w, height, cfg);
}

static struct ballot *ballot_of(struct page *p, const struct vote *v)
{
    for (uint32_t i = 0; i < p->n; i++) {
        struct ballot *b = &p->ballot[i];
        if (b->round == v->round && b->type == v->type && hash32_eq(b->id, v->id))
            return b;
    }
    if (p->n % 64 == 0) {
        void *more = realloc(p->ballot, (p->n + 64) * sizeof *p->ballot);
        GD_BUG_ON(!more);
        p->ballot = more;
    }
    p->ballot[p->n] = (struct ballot){v->round, v->type, v->id, 0};
    return &p->ballot[p->n++];
}

static uint32_t ones(uint32_t mask)
{
    return (uint32_t)__builtin_popcount(mask);
}

/* Is there a POL for this id in a round of [from, below)? */
static bool pol_between(const struct page *p, struct hash32 id, uint32_t from, uint32_t end)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct ballot *b = &p->ballot[i];
        if (b->type == VOTE_PREVOTE && b->round >= from && b->round < end && hash32_eq(b->id, id) &&
            ones(b->mask) >= p->q)
            return true;
    }
    return false;
}

/* Locks: after a precommit of one block, a prevote for another needs a POL since then. */
static void check_lock(struct node *n, struct page *p, const struct vote *v, uint32_t seat)
{
    if (v->type != VOTE_PREVOTE || hash32_is_zero(v->id))
        return;
    const struct ballot *lock = NULL;
    for (uint32_t i = 0; i < p->n; i++) {
        const struct ballot *b = &p->ballot[i];
        bool own = (b->mask >> seat) & 1;
        if (own && b->type == VOTE_PRECOMMIT && !hash32_is_zero(b->id) && b->round < v->round &&
            (!lock || b->round > lock->round))
            lock = b;
    }
    if (lock && !hash32_eq(lock->id, v->id) && !pol_between(p, v->id, lock->round, v->round))
        violated(n->w, "guardian %u locked in round %u prevotes another block in round %u", n->gid,
                 lock->round, v->round);
}

static void check_honest(struct node *n, struct page *p, const struct vote *v, uint32_t seat)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct ballot *b = &p->ballot[i];
        if (b->round == v->round && b->type == v->type && ((b->mask >> seat) & 1) &&
            !hash32_eq(b->id, v->id))
            violated(n->w, "honest guardian %u votes twice in height %llu round %u", n->gid,
                     (unsigned long long)v->height, v->round);
    }
    check_lock(n, p, v, seat);
    if (v->type == VOTE_PRECOMMIT && !hash32_is_zero(v->id) &&
        !pol_between(p, v->id, v->round, v->round + 1))
        violated(n->w, "guardian %u precommits without a POL", n->gid);
}

/* Certificates are unique per height, whether anybody has put them together or not. */
static void check_certified(struct world *w, uint64_t height, const struct ballot *b)
{
    struct page *p = &w->page[height];
    if (b->type != VOTE_PRECOMMIT || hash32_is_zero(b->id) || ones(b->mask) < p->q)
        return;
    if (p->certified && !hash32_eq(p->id, b->id))
        violated(w, "two blocks have certificates at height %llu", (unsigned long long)height);
    if (!p->certified) {
        p->certified = true;
        p->id = b->id;
        p->certified_at = w->now_ms;
    }
}

static void count_vote(struct node *from, const struct vote *v, bool own)
{
    struct world *w = from->w;
    struct page *p = v->height < MAX_HEIGHT ? &w->page[v->height] : NULL;
    if (!p || !p->cfg_known)
        return;
    int seat = cfg_find(&p->cfg, v->gid);
    if (seat < 0 || vote_check(w->o.scheme, &p->cfg, v) != OK)
        return;
    struct ballot *b = ballot_of(p, v);
    if ((b->mask >> seat) & 1)
        return;
    const struct node *author = world_find(w, v->gid);
    if (author && !author->liar && own)
        check_honest(from, p, v, (uint32_t)seat);
    b->mask |= 1u << seat;
    check_certified(w, v->height, b);
}

static void count_certificate(struct node *from, const struct certificate *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        struct vote v = {c->type, c->height, c->round, c->id, c->vote[i].gid, c->vote[i].signature};
        count_vote(from, &v, false);
    }
}

void oracle_message(struct node *from, struct bytes message)
{
    struct message m;
    if (message_decode(message, &m) != OK) {
        if (!from->liar)
            violated(from->w, "guardian %u sends a malformed message", from->gid);
        return;
    }
    if (m.type != WIRE_FETCH)
        from->quiet_sent++;
    if (m.certificate.n > 0 && (from->liar || m.type == WIRE_VOTE))
        count_certificate(from, &m.certificate);
    if (m.type == WIRE_VOTE)
        count_vote(from, &m.vote, true);
    for (uint32_t i = 0; from->liar && i < m.proof.n; i++)
        count_vote(from, &m.proof.vote[i], false);
}

void oracle_decided(struct node *n, const struct block *block, const struct certificate *c)
{
    struct world *w = n->w;
    uint64_t h = block->header.height;
    struct hash32 id = header_id(&block->header);
    w->count.decisions++;
    if (h >= MAX_HEIGHT)
        return;
    struct page *p = &w->page[h];
    bool proved = c->n >= p->q && (certificate_check(w->o.scheme, &p->cfg, c) == OK ||
                                   w->o.mutants & MUTANT_SHORT_QUORUM);
    if (!hash32_eq(c->id, id) || c->height != h || !proved)
        violated(w, "guardian %u decides height %llu without a certificate", n->gid,
                 (unsigned long long)h);
    if ((p->decided || p->certified) && !hash32_eq(p->id, id))
        violated(w, "guardian %u decides another block at height %llu", n->gid,
                 (unsigned long long)h);
    if (!p->decided)
        w->count.heights++;
    if (!p->certified)
        p->certified_at = w->now_ms;
    p->decided = p->certified = true;
    p->id = id;
    if (h > w->top)
        w->top = h;
}

/* H12: whoever holds a lease has decided all that was certified when it asked. */
void oracle_lease(struct node *n)
{
    struct world *w = n->w;
    uint64_t until = bft_lease_until(n->b);
    if (until == 0 || until == n->lease_seen)
        return;
    n->lease_seen = until;
    w->count.leases++;
    uint64_t tip = bft_tip(n->b)->height;
    for (uint64_t h = tip + 1; h <= tip + 2 && h < MAX_HEIGHT; h++)
        if (w->page[h].certified && w->page[h].certified_at < n->lease_start)
            violated(w, "guardian %u holds a lease and missed height %llu", n->gid,
                     (unsigned long long)h);
}
