/* A power loss takes all vote keys of a strict cluster; RESTART (consensus.md H5). */
#include "world.h"

/* What one seat shows: its highest certificate or POL, and the block. */
struct shown {
    struct certificate certificate;
    struct buf block;
};

static void show_tip(const struct node *n, struct shown *out)
{
    if (n->height == 0)
        return;
    const struct stored *s = &n->chain[n->height - 1];
    struct reader r = reader(bytes(s->certificate, s->certificate_n));
    certificate_decode(&r, &out->certificate);
    buf_clear(&out->block);
    GD_BUG_ON(buf_add(&out->block, s->block, s->block_n) != OK);
}

static bool higher(const struct certificate *a, const struct certificate *b)
{
    if (b->n == 0 || a->height != b->height)
        return b->n == 0 || a->height > b->height;
    return a->round > b->round;
}

static void show(const struct node *n, struct shown *out)
{
    struct bft_shown record;
    show_tip(n, out);
    if (n->w->o.naive_restart || !n->disk.record ||
        bft_record_shown(bytes(n->disk.record, n->disk.n), &record) != OK ||
        !higher(&record.pol, &out->certificate))
        return;
    out->certificate = record.pol;
    buf_clear(&out->block);
    GD_BUG_ON(buf_add(&out->block, record.block.p, record.block.n) != OK);
}

/* The highest of what q members show; the others are not asked. False: nothing is decided yet. */
static bool ask_q_seats(struct world *w, const struct cfg *cfg, struct shown *best)
{
    uint32_t asked = 0, first = below(&w->dice, cfg->n);
    for (uint32_t i = 0; i < cfg->n && asked < cfg->q; i++) {
        const struct node *n = world_find(w, cfg->member[(first + i) % cfg->n].gid);
        struct shown mine = {.block = BUF_INIT(BFT_MAX_BLOCK)};
        asked++;
        show(n, &mine);
        if (mine.certificate.n > 0 && higher(&mine.certificate, &best->certificate)) {
            struct shown old = *best;
            *best = mine;
            mine = old;
        }
        buf_free(&mine.block);
    }
    return best->certificate.n > 0;
}

static void write_order(struct world *w, const struct cfg *cfg, const struct certificate *c)
{
    w->restart = (struct restart_order){.height = c->height, .round = c->round, .id = c->id};
    for (uint32_t i = 0; i < cfg->n; i++) {
        const struct node *n = world_find(w, cfg->member[i].gid);
        struct member *m = &w->restart.member[w->restart.n++];
        m->gid = n->gid;
        m->vote_key = n->vote_public;
    }
    restart_write(&w->order, &w->restart);
}

void power_loss(struct world *w)
{
    struct cfg cfg = *world_cfg(w);
    story(w, "power is lost everywhere");
    for (uint32_t i = 0; i < w->nodes; i++)
        if (w->node[i].up)
            node_crash(&w->node[i], false);
    for (uint32_t i = 0; i < w->nodes; i++)
        node_boot(&w->node[i]);
    struct shown best = {.block = BUF_INIT(BFT_MAX_BLOCK)};
    if (!ask_q_seats(w, &cfg, &best)) {
        /* Nothing was ever locked: such a cluster is founded anew. */
        w->o.safety_only = true;
        buf_free(&best.block);
        return;
    }
    write_order(w, &cfg, &best.certificate);
    best.certificate.restart = buf_bytes(&w->order);
    story(w, "administrators restart from height %llu round %u",
          (unsigned long long)best.certificate.height, best.certificate.round);
    for (uint32_t i = 0; i < w->nodes; i++) {
        struct node *n = &w->node[i];
        if (n->height + 1 >= best.certificate.height)
            (void)!bft_restart(n->b, node_now(n), &best.certificate, buf_bytes(&best.block));
    }
    buf_free(&best.block);
}
