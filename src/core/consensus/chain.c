/* Building and judging blocks (consensus.md, Values), and the entries they are made of. */
#include "core/consensus/inside.h"

/* --- valid_chain ------------------------------------------------------------------- */

static bool header_follows(struct bft *b, const struct header *h)
{
    const struct bft_app *app = &b->config.app;
    struct hash32 root = app->state_root(app->ctx);
    return h->height == b->height && hash32_eq(h->parent, b->tip.id) &&
           hash32_eq(h->cfg, b->cfg_hash) && hash32_eq(h->state_root, root) &&
           h->proposer == step_proposer(b, h->round) && h->time_ms > b->tip.time_ms;
}

/* H10: the certificate of the block before is judged under the cfg of that block. */
static bool last_holds(struct bft *b, const struct block *block)
{
    const struct certificate *last = &block->last;
    if (hash32_eq(block->header.last, certificate_hash(&b->tip.certificate)))
        return true;
    if (last->n == 0 || !hash32_eq(last->id, b->tip.id) || !b->has_last_cfg)
        return false;
    if (last->restart.n > 0) {
        const struct bft_app *app = &b->config.app;
        if (!app->restart_check ||
            app->restart_check(app->ctx, last->restart, last->height, last->round, last->id) != OK)
            return false;
    } else if (last->type != VOTE_PRECOMMIT || b->tip.certificate.restart.n > 0) {
        return false;
    }
    struct judge j = {b->config.scheme, &b->last_cfg, b->last_cfg_hash, NULL, NULL};
    return certificate_check_under(&j, last) == OK;
}

static bool all_valid(struct bft *b, const struct header *header, const struct bytes *entry,
                      uint32_t n)
{
    const struct bft_app *app = &b->config.app;
    bool ok[BFT_MAX_ENTRIES] = {false};
    app->judge(app->ctx, header, entry, n, ok);
    for (uint32_t i = 0; i < n; i++)
        if (!ok[i])
            return false;
    return n > 0;
}

bool chain_valid(struct bft *b, struct held *held)
{
    const struct block *block = &held->block;
    if (held->chain == CHAIN_UNKNOWN) {
        bool valid = header_follows(b, &block->header) && last_holds(b, block) &&
                     all_valid(b, &block->header, block->entry, block->n);
        held->chain = valid ? CHAIN_VALID : CHAIN_INVALID;
    }
    return held->chain == CHAIN_VALID;
}

/* --- local checks --------------------------------------------------------------------- */

uint64_t chain_time(const struct bft *b)
{
    uint64_t next = b->tip.time_ms + 1;
    return b->now.unix_ms > next ? b->now.unix_ms : next;
}

/* H2: near the own clock, or right after a parent that is ahead of it. */
static bool clock_agrees(const struct bft *b, const struct header *h)
{
    uint64_t own = b->now.unix_ms;
    uint64_t apart = h->time_ms > own ? h->time_ms - own : own - h->time_ms;
    return apart <= CLOCK_SKEW_MS || (b->tip.time_ms >= own && h->time_ms == b->tip.time_ms + 1);
}

static int hash_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hash32));
}

/* The sorted hashes of a block's entries; free(). NULL when out of memory. */
static struct hash32 *block_hashes(const struct block *block)
{
    struct hash32 *h = calloc(block->n, sizeof *h);
    for (uint32_t i = 0; h && i < block->n; i++)
        h[i] = pool_hash(block->entry[i]);
    if (h)
        qsort(h, block->n, sizeof *h, hash_order);
    return h;
}

static bool among(const struct hash32 *hashes, uint32_t n, const struct pending *p)
{
    return bsearch(&p->hash, hashes, n, sizeof *hashes, hash_order) != NULL;
}

static bool overdue(const struct bft *b, const struct pending *p, int seat)
{
    uint64_t sent = seat < 0 ? 0 : p->sent_ms[seat];
    return p->ready && sent > 0 && b->now.mono_ms + 1 - sent > p->patience_ms;
}

/* Which overdue entries would still be valid after the block's own ones, and fit. */
static bool left_out(struct bft *b, const struct block *block, struct pending **late, uint32_t n)
{
    const struct bft_app *app = &b->config.app;
    uint32_t all = block->n + n;
    struct bytes *entry = calloc(all, sizeof *entry);
    bool *ok = calloc(all, sizeof *ok);
    bool any = false;
    if (entry && ok) {
        memcpy(entry, block->entry, block->n * sizeof *entry);
        for (uint32_t i = 0; i < n; i++)
            entry[block->n + i] = pending_bytes(late[i]);
        app->judge(app->ctx, &block->header, entry, all, ok);
        for (uint32_t i = 0; i < n; i++)
            if (ok[block->n + i]) {
                late[i]->patience_ms *= 2;
                any = true;
            }
    }
    free(entry);
    free(ok);
    return any;
}

/* H1: does the block pass over an entry that its proposer has had for long? */
static bool censors(struct bft *b, const struct block *block, uint32_t proposer)
{
    int seat = cfg_find(&b->cfg, proposer);
    struct pending *late[BFT_MAX_ENTRIES];
    uint32_t n = 0;
    size_t room = BFT_MAX_ENTRIES_BYTES;
    for (uint32_t i = 0; i < block->n; i++)
        room -= block->entry[i].n;
    struct hash32 *hashes = NULL;
    for (uint32_t i = 0; i < b->pool.n && block->n + n < BFT_MAX_ENTRIES; i++) {
        struct pending *p = b->pool.entry[i];
        if (!overdue(b, p, seat) || p->n > room)
            continue;
        if (!hashes && !(hashes = block_hashes(block)))
            break;
        if (!among(hashes, block->n, p))
            late[n++] = p;
    }
    free(hashes);
    return n > 0 && left_out(b, block, late, n);
}

/* H9 */
static bool locally_good(struct bft *b, struct bytes entry)
{
    const struct bft_app *app = &b->config.app;
    return !app->local_check || app->local_check(app->ctx, entry) == OK;
}

bool chain_acceptable(struct bft *b, struct held *held, uint32_t proposer)
{
    const struct block *block = &held->block;
    if (!clock_agrees(b, &block->header))
        return false;
    for (uint32_t i = 0; i < block->n; i++)
        if (!locally_good(b, block->entry[i]))
            return false;
    return !censors(b, block, proposer);
}

/* --- building -------------------------------------------------------------------------- */

/* Pending entries in their order, as many as fit. */
static uint32_t candidates(struct bft *b, struct bytes *entry)
{
    uint32_t n = 0;
    size_t total = 0;
    for (uint32_t i = 0; i < b->pool.n && n < BFT_MAX_ENTRIES; i++) {
        const struct pending *p = b->pool.entry[i];
        if (!p->ready || total + p->n > BFT_MAX_ENTRIES_BYTES || !locally_good(b, pending_bytes(p)))
            continue;
        total += p->n;
        entry[n++] = pending_bytes(p);
    }
    return n;
}

/* Moves what is valid to the front, both halves in their order. */
static uint32_t valid_first(struct bytes *entry, const bool *ok, uint32_t n)
{
    struct bytes left[BFT_MAX_ENTRIES];
    uint32_t chosen = 0, rest = 0;
    for (uint32_t i = 0; i < n; i++)
        if (ok[i])
            entry[chosen++] = entry[i];
        else
            left[rest++] = entry[i];
    memcpy(entry + chosen, left, rest * sizeof *left);
    return chosen;
}

/*
 * What is valid in its order; then, behind it, what that has made valid again:
 * whatever a voter finds valid after the block's own entries would be left out
 * in its eyes (H1), and refused in every round.
 */
static uint32_t choose(struct bft *b, const struct header *header, struct bytes *entry)
{
    const struct bft_app *app = &b->config.app;
    uint32_t n = candidates(b, entry), chosen = 0, before;
    do {
        bool ok[BFT_MAX_ENTRIES] = {false};
        before = chosen;
        if (n > 0)
            app->judge(app->ctx, header, entry, n, ok);
        chosen = valid_first(entry, ok, n);
    } while (chosen > before && chosen < n);
    return chosen;
}

struct held *chain_build(struct bft *b)
{
    const struct bft_app *app = &b->config.app;
    struct bytes entry[BFT_MAX_ENTRIES];
    struct block block = {.entry = entry, .last = b->tip.certificate};
    if (!pool_ready(&b->pool))
        return NULL;
    block.header = (struct header){.height = b->height,
                                   .round = b->round,
                                   .proposer = b->config.gid,
                                   .time_ms = chain_time(b),
                                   .parent = b->tip.id,
                                   .cfg = b->cfg_hash,
                                   .last = certificate_hash(&block.last),
                                   .last_round = block.last.round};
    block.n = choose(b, &block.header, entry);
    if (block.n == 0)
        return NULL;
    block.header.state_root = app->state_root(app->ctx);
    block.header.entries_root = entries_root(entry, block.n);
    struct buf raw = BUF_INIT(BFT_MAX_BLOCK);
    struct writer w = writer(&raw);
    block_encode(&w, &block);
    struct held *held = NULL;
    if (writer_end(&w) == OK && held_new(buf_bytes(&raw), &held) == OK)
        held->chain = CHAIN_VALID;
    buf_free(&raw);
    return held;
}

/* --- pending entries -------------------------------------------------------------------- */

static bool only_not_yet(enum err e)
{
    return err_class(e) == ERR_CLASS_STATE || err_class(e) == ERR_CLASS_OURS;
}

enum err chain_submit(struct bft *b, uint32_t from, struct bytes entry)
{
    const struct bft_app *app = &b->config.app;
    if (entry.n == 0 || entry.n > BFT_MAX_ENTRY)
        return E_TOO_LARGE;
    struct hash32 hash = pool_hash(entry);
    if (pool_find(&b->pool, hash))
        return OK;
    enum err e = app->entry_valid(app->ctx, chain_time(b), entry);
    if (e != OK && !only_not_yet(e))
        return e;
    unsigned lane = app->lane ? app->lane(app->ctx, entry) : BFT_LANES - 1;
    struct pending *p;
    TRY(pool_add(&b->pool, from, lane, entry, hash, &p));
    p->ready = e == OK && locally_good(b, entry);
    p->added_ms = b->now.mono_ms;
    if (from == POOL_OWN)
        chain_forward(b, BFT_ALL, p);
    return OK;
}

struct prune {
    struct bft *b;
    struct hash32 *decided;
    uint32_t n;
};

static bool keep_entry(void *ctx, struct pending *p)
{
    struct prune *prune = ctx;
    struct bft *b = prune->b;
    const struct bft_app *app = &b->config.app;
    if (prune->decided && among(prune->decided, prune->n, p))
        return false;
    enum err e = app->entry_valid(app->ctx, chain_time(b), pending_bytes(p));
    p->ready = e == OK && locally_good(b, pending_bytes(p));
    if (p->ready)
        return true;
    return (e == OK || only_not_yet(e)) && b->now.mono_ms - p->added_ms < POOL_UNREADY_MS;
}

void chain_prune(struct bft *b, const struct block *decided)
{
    struct prune prune = {b, NULL, 0};
    if (b->pool.n == 0)
        return;
    if (decided) {
        prune.decided = block_hashes(decided);
        prune.n = decided->n;
    }
    pool_filter(&b->pool, keep_entry, &prune);
    free(prune.decided);
}

/* H1 counts from the first time the entry was sent to that seat. */
static void mark_sent(struct bft *b, struct pending *p, uint32_t gid)
{
    for (uint32_t i = 0; i < b->peers; i++) {
        const struct peer *peer = &b->peer[i];
        int seat = cfg_find(&b->cfg, peer->gid);
        bool sent = peer->up && (gid == BFT_ALL || gid == peer->gid);
        if (sent && seat >= 0 && p->sent_ms[seat] == 0)
            p->sent_ms[seat] = b->now.mono_ms + 1;
    }
}

void chain_forward(struct bft *b, uint32_t gid, const struct pending *only)
{
    size_t total = 0;
    for (uint32_t i = 0; i < b->pool.n; i++) {
        struct pending *p = b->pool.entry[i];
        if (only && p != only)
            continue;
        total += p->n;
        if (i > 0 && !only && total > RESEND_ENTRIES_BYTES)
            return;
        struct message m = {.type = WIRE_ENTRY, .entry = pending_bytes(p)};
        sync_send(b, gid, &m);
        mark_sent(b, p, gid);
    }
}
