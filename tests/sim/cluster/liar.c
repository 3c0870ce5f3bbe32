#include "liar.h"
#include "core/consensus/wire.h"
#include "core/member/member_int.h"

#include <stdlib.h>

#define KEPT 64

struct liar {
    struct world *world;
    struct bytes kept[KEPT]; /* owned: what was sent before */
    unsigned next;
    struct hash32 ids[8]; /* blocks seen lately, to vote for */
    unsigned next_id;
    struct buf lease; /* an old answer about freshness, whole */
};

struct liar *liar_new(struct world *w)
{
    struct liar *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->world = w;
    l->lease = BUF_INIT(MEMBER_MESSAGE_MAX);
    return l;
}

void liar_free(struct liar *l)
{
    if (!l)
        return;
    for (unsigned i = 0; i < KEPT; i++)
        free((void *)l->kept[i].p);
    buf_free(&l->lease);
    free(l);
}

static bool chance(struct liar *l, unsigned percent)
{
    return rng_below(world_rng(l->world), 100) < percent;
}

static void keep(struct liar *l, struct bytes message)
{
    struct bytes *slot = &l->kept[l->next++ % KEPT];
    free((void *)slot->p);
    *slot = bytes(bytes_dup(message), message.n);
}

/* --- lies of the log --- */

static bool lie_vote(struct liar *l, struct guardian *g, struct message *m)
{
    struct hash32 nil = {0};
    if (!hash32_is_zero(m->vote.id))
        l->ids[l->next_id++ % 8] = m->vote.id;
    /* A precommit for a block needs a POL nobody can forge; a prevote does not. */
    bool other = m->vote.type == VOTE_PREVOTE && chance(l, 50);
    m->vote.id = other ? l->ids[rng_below(world_rng(l->world), 8)] : nil;
    m->certificate.n = 0;
    m->certificate.restart = BYTES_NONE;
    struct hash64 h = vote_digest(world_cluster_id(l->world), cfg_hash(state_cfg(member_state(g))),
                                  m->vote.type, m->vote.height, m->vote.round, m->vote.id);
    m->vote.signature = world_scheme(l->world)->sign(&g->secrets.vote, BYTES_OF(h.b));
    return true;
}

/* Another block for this peer: the same one, a millisecond later. */
static bool lie_proposal(struct liar *l, struct guardian *g, struct message *m, struct buf *block)
{
    struct block b;
    if (m->proposal.valid_round != BFT_NO_ROUND || block_decode(m->block, &b) != OK)
        return false;
    b.header.time_ms++;
    struct writer w = writer(block);
    block_encode(&w, &b);
    m->proposal.id = header_id(&b.header);
    m->block = buf_bytes(block);
    block_free(&b);
    l->ids[l->next_id++ % 8] = m->proposal.id;
    struct hash64 h = proposal_digest(world_cluster_id(l->world),
                                      cfg_hash(state_cfg(member_state(g))), &m->proposal);
    m->proposal.signature = world_scheme(l->world)->sign(&g->secrets.vote, BYTES_OF(h.b));
    return writer_end(&w) == OK;
}

/* An own entry with one bit changed, signed again. */
static bool lie_entry(struct liar *l, struct guardian *g, struct message *m, struct buf *out)
{
    struct entry e;
    if (!chance(l, 30) || entry_decode(m->entry, &e) != OK || e.author != g->gid || !e.body.n)
        return false;
    struct buf body = BUF_INIT(ENTRY_BODY_MAX);
    bool ok = buf_add(&body, e.body.p, e.body.n) == OK;
    body.p[rng_below(world_rng(l->world), body.n)] ^=
        (uint8_t)(1u << rng_below(world_rng(l->world), 8));
    const struct sig_secret *key =
        command_author(e.type) == AUTHOR_SEAT ? &g->secrets.seat : &g->secrets.vote;
    ok = ok && entry_make(world_scheme(l->world), key, world_cluster_id(l->world), e.type, g->gid,
                          buf_bytes(&body), out) == OK;
    buf_free(&body);
    m->entry = buf_bytes(out);
    return ok;
}

/* "I know of nothing newer than this": an old answer to a new question. */
static bool lie_lease(struct liar *l, struct guardian *g, struct message *m)
{
    struct message old;
    if (message_decode(buf_bytes(&l->lease), &old) != OK)
        return false;
    memcpy(old.nonce, m->nonce, sizeof old.nonce);
    if (chance(l, 50))
        old.cfg = m->cfg;
    struct hash64 h = lease_digest(world_cluster_id(l->world), old.cfg, old.nonce, old.number);
    old.signature = world_scheme(l->world)->sign(&g->secrets.vote, BYTES_OF(h.b));
    *m = old;
    return true;
}

static void keep_lease(struct liar *l, struct bytes wire)
{
    if (l->lease.n && !chance(l, 10))
        return;
    buf_clear(&l->lease);
    if (buf_add(&l->lease, wire.p, wire.n) != OK)
        abort();
}

static bool lie_log(struct liar *l, struct guardian *g, struct bytes wire, struct buf *out)
{
    struct message *m = calloc(1, sizeof *m);
    struct buf scratch = BUF_INIT(BFT_MAX_MESSAGE);
    bool lied = false;
    if (!m)
        abort();
    if (message_decode(wire, m) != OK)
        goto out;
    if (m->type == WIRE_VOTE)
        lied = lie_vote(l, g, m);
    else if (m->type == WIRE_PROPOSAL)
        lied = lie_proposal(l, g, m, &scratch);
    else if (m->type == WIRE_ENTRY)
        lied = lie_entry(l, g, m, &scratch);
    else if (m->type == WIRE_LEASE_ANSWER) {
        keep_lease(l, wire);
        lied = lie_lease(l, g, m);
    }
    if (lied) {
        struct writer w = writer(out);
        wr_u8(&w, MSG_LOG);
        message_encode(&w, m);
        lied = writer_end(&w) == OK;
    }
out:
    buf_free(&scratch);
    free(m);
    return lied;
}

void liar_send(struct liar *l, uint32_t node, uint32_t link, struct bytes message)
{
    struct guardian *g = world_member(l->world, node);
    bool attests = message.p[0] <= MSG_READY;
    if (!attests && chance(l, 5)) { /* withheld */
        world_counts(l->world)->lies++;
        return;
    }
    if (!attests && chance(l, 5)) { /* something of another time, or meant for somebody else */
        const struct bytes *old = &l->kept[rng_below(world_rng(l->world), KEPT)];
        if (old->p) {
            world_counts(l->world)->lies++;
            world_carry(l->world, node, link, *old);
        }
    }
    struct buf lie = BUF_INIT(MEMBER_MESSAGE_MAX);
    if (message.p[0] == MSG_LOG && chance(l, 25) &&
        lie_log(l, g, bytes(message.p + 1, message.n - 1), &lie)) {
        world_counts(l->world)->lies++;
        if (chance(l, 30)) /* both, one after the other */
            world_carry(l->world, node, link, message);
        world_carry(l->world, node, link, buf_bytes(&lie));
    } else {
        world_carry(l->world, node, link, message);
    }
    buf_free(&lie);
    if (!attests && chance(l, 20))
        keep(l, message);
}
