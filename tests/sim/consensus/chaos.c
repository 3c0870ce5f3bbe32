/* Faults and work: chosen by the seed, for as long as chaos lasts. */
#include "world.h"

static struct node *some_node(struct world *w)
{
    return &w->node[below(&w->dice, w->nodes)];
}

static void partition(struct world *w)
{
    bool whole = chance(&w->dice, 0.5);
    for (uint32_t i = 0; i < w->nodes; i++)
        w->group[i] = whole ? 0 : below(&w->dice, 2);
    for (uint32_t i = 0; i < w->nodes; i++)
        for (uint32_t k = 0; k < w->nodes; k++)
            w->cut[i][k] = !whole && chance(&w->dice, 0.05);
    story(w, whole ? "the network is whole" : "the network is partitioned");
}

/* How many more seats may be without votes: liveness is owed only then (H8). */
static int margin(const struct world *w)
{
    const struct cfg *cfg = world_cfg(w);
    int voting = 0;
    for (uint32_t i = 0; i < w->nodes; i++) {
        const struct node *n = &w->node[i];
        int seat = cfg_find(cfg, n->gid);
        bool keyed = seat >= 0 && !cfg->member[seat].suspended && (n->disk.has_key || n->up) &&
                     sig_public_eq(cfg->member[seat].vote_key, n->vote_public);
        voting += keyed && !n->liar;
    }
    return voting - (int)cfg->q;
}

static bool change_pending(const struct world *w)
{
    for (uint32_t i = 0; i < w->nodes; i++)
        if (ledger_has(&w->node[i].ledger, w->change_nonce))
            return false;
    return w->change_nonce != 0;
}

static void crash_or_boot(struct world *w)
{
    struct node *n = some_node(w);
    if (!n->up) {
        node_boot(n);
        return;
    }
    bool strict = world_cfg(w)->mode == BFT_STRICT;
    bool member = node_is_member(n);
    /* A strict member loses its key for good, and all changes need others to vote. */
    bool loses = strict && member && node_votes(n);
    bool tight = margin(w) < 1 || change_pending(w);
    if (n->liar || (loses && tight) || (w->o.changes && n->gid == w->change_gid) ||
        (!strict && w->o.changes && tight))
        return;
    /* At most f of the disks that a RESTART looks at may be old; here none is. */
    node_crash(n, strict && !w->o.power_loss && chance(&w->dice, 0.3));
    if (chance(&w->dice, 0.7))
        node_boot(n);
}

static void keep_old_disk(struct world *w)
{
    struct node *n = some_node(w);
    struct disk *old = &n->old_disk;
    free(old->record);
    *old = n->disk;
    old->record = n->disk.record ? bytes_dup(bytes(n->disk.record, n->disk.n)) : NULL;
}

static bool may_shrink(const struct world *w, const struct cfg *cfg, const struct node *n)
{
    struct cfg after = *cfg;
    after.n--;
    if (after.n < 3 || after.n < 3 * after.f + 1)
        return false;
    int left = margin(w) + (int)cfg->q - (node_votes(n) && !n->liar ? 1 : 0);
    return left >= (int)cfg_quorum(after.n, after.f);
}

/* What the administrators could decide about this seat without endangering liveness; 0: nothing. */
static enum change choose_change(struct world *w, const struct node *n)
{
    const struct cfg *cfg = world_cfg(w);
    int seat = cfg_find(cfg, n->gid);
    if (seat < 0) {
        uint32_t q = cfg_quorum(cfg->n + 1, cfg->f);
        return n->up && margin(w) + (int)cfg->q >= (int)q ? CHANGE_ADD : 0;
    }
    if (cfg->member[seat].suspended)
        return CHANGE_RESUME;
    if (chance(&w->dice, 0.5) && may_shrink(w, cfg, n))
        return CHANGE_REMOVE;
    return margin(w) >= 1 ? CHANGE_SUSPEND : 0;
}

static bool somebody_without_key(const struct world *w)
{
    for (uint32_t i = 0; i < w->nodes; i++)
        if (node_is_member(&w->node[i]) && (w->node[i].needs_rekey || !w->node[i].up))
            return true;
    return false;
}

/* One decision at a time; it is handed in again until it is in force. */
static void change(struct world *w)
{
    struct node *n = some_node(w), *at = some_node(w);
    if (!at->up || at->liar)
        return;
    if (change_pending(w)) {
        (void)!bft_submit(at->b, node_now(at), buf_bytes(&w->change));
        return;
    }
    enum change what = choose_change(w, n);
    if (what == 0 || somebody_without_key(w))
        return;
    struct entry e = {.type = ENTRY_CHANGE,
                      .nonce = ++w->next_nonce,
                      .gid = n->gid,
                      .change = what,
                      .seat_key = n->seat_public,
                      .vote_key = n->vote_public};
    w->count.changes++;
    story(w, "administrators: change %d of guardian %u", e.change, n->gid);
    w->change_nonce = e.nonce;
    w->change_gid = n->gid;
    buf_clear(&w->change);
    entry_sign(&w->change, &e, w->o.scheme, &w->admin);
    (void)!bft_submit(at->b, node_now(at), buf_bytes(&w->change));
}

static void work(struct world *w)
{
    struct node *n = some_node(w);
    if (!n->up || n->liar)
        return;
    bool member = node_is_member(n);
    uint64_t soon = node_now(n).unix_ms + below(&w->dice, 2000);
    if (member)
        node_submit_data(n, chance(&w->dice, 0.2) ? soon : 0);
}

static void ask_lease(struct world *w)
{
    struct node *n = some_node(w);
    uint8_t nonce[32];
    if (!n->up || n->liar)
        return;
    rng_fill(dice_rng(&w->dice), nonce, sizeof nonce);
    n->lease_start = w->now_ms;
    n->lease_seen = bft_lease_until(n->b);
    bft_lease_ask(n->b, node_now(n), nonce);
    if (n->up)
        oracle_lease(n);
}

void chaos_step(struct world *w)
{
    if (!w->chaos)
        return;
    world_push(w, (struct event){.at = w->now_ms + 5 + below(&w->dice, 60), .type = EVENT_CHAOS});
    if (chance(&w->dice, 0.35))
        work(w);
    if (chance(&w->dice, 0.04))
        partition(w);
    if (w->o.crashes && chance(&w->dice, 0.03))
        crash_or_boot(w);
    if (chance(&w->dice, 0.02))
        keep_old_disk(w);
    if (w->o.changes && chance(&w->dice, 0.03))
        change(w);
    if (w->o.leases && chance(&w->dice, 0.2))
        ask_lease(w);
}
