#include "world.h"
#include "core/consensus/inside.h"
#include "ideal_sig.h"

#include <stdarg.h>

/* --- dice ------------------------------------------------------------------------- */

uint64_t roll(struct dice *d)
{
    uint64_t z = d->s += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint32_t below(struct dice *d, uint32_t n)
{
    return n ? (uint32_t)(roll(d) % n) : 0;
}

bool chance(struct dice *d, double p)
{
    return (double)(roll(d) >> 11) < p * 9007199254740992.0;
}

static void dice_fill(void *ctx, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = (uint8_t)roll(ctx);
}

struct rng dice_rng(struct dice *d)
{
    return (struct rng){dice_fill, d};
}

/* --- words ---------------------------------------------------------------------------- */

void story(const struct world *w, const char *format, ...)
{
    if (!w->o.verbose)
        return;
    va_list args;
    va_start(args, format);
    printf("%8llu ms  ", (unsigned long long)w->now_ms);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void violated(struct world *w, const char *format, ...)
{
    if (w->violation[0])
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(w->violation, sizeof w->violation, format, args);
    va_end(args);
    story(w, "VIOLATION: %s", w->violation);
}

/* --- events ------------------------------------------------------------------------------ */

static bool sooner(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->tie < b->tie;
}

void world_push(struct world *w, struct event e)
{
    if (w->events == w->room) {
        w->room = w->room ? w->room * 2 : 256;
        w->heap = realloc(w->heap, w->room * sizeof *w->heap);
        GD_BUG_ON(!w->heap);
    }
    e.tie = roll(&w->dice);
    uint32_t i = w->events++;
    for (; i > 0 && sooner(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = e;
}

static struct event pop(struct world *w)
{
    struct event first = w->heap[0], last = w->heap[--w->events];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= w->events)
            break;
        if (child + 1 < w->events && sooner(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!sooner(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return first;
}

/* --- network ------------------------------------------------------------------------------- */

static bool connected(const struct world *w, uint32_t from, uint32_t to)
{
    return !w->chaos || (w->group[from] == w->group[to] && !w->cut[from][to]);
}

void world_send(struct world *w, uint32_t from, uint32_t to, struct bytes message)
{
    w->count.messages++;
    if (!w->node[to].up || !connected(w, from, to) || (w->chaos && chance(&w->dice, w->drop)))
        return;
    uint32_t copies = w->chaos && chance(&w->dice, w->duplicate) ? 2 : 1;
    for (uint32_t i = 0; i < copies; i++) {
        uint32_t delay = 1 + below(&w->dice, w->chaos ? w->delay_ms : 10);
        if (w->chaos && chance(&w->dice, 0.02))
            delay *= 1 + below(&w->dice, 20);
        world_push(w, (struct event){.at = w->now_ms + delay,
                                     .type = EVENT_MESSAGE,
                                     .to = to,
                                     .from = from,
                                     .life = w->node[to].life,
                                     .p = bytes_dup(message),
                                     .n = message.n});
    }
}

struct node *world_find(struct world *w, uint32_t gid)
{
    for (uint32_t i = 0; i < w->nodes; i++)
        if (w->node[i].gid == gid)
            return &w->node[i];
    return NULL;
}

static void out_send(void *ctx, uint32_t gid, struct bytes message)
{
    struct node *n = ctx;
    if (n->liar) {
        liar_filter(n, gid, message);
        return;
    }
    oracle_message(n, message);
    for (uint32_t i = 0; i < n->w->nodes; i++)
        if (i != n->index && (gid == BFT_ALL || gid == n->w->node[i].gid))
            world_send(n->w, n->index, i, message);
}

/* --- disk: first in, first out --------------------------------------------------------------- */

static void disk_next(struct node *n)
{
    struct world *w = n->w;
    if (n->writing || n->ops == 0)
        return;
    n->writing = true;
    uint32_t delay = below(&w->dice, w->chaos ? w->disk_ms : 3);
    world_push(w,
               (struct event){
                   .at = w->now_ms + delay, .type = EVENT_DISK, .to = n->index, .life = n->life});
}

static void disk_add(struct node *n, struct disk_op op)
{
    if (n->ops == n->op_room) {
        n->op_room = n->op_room ? n->op_room * 2 : 16;
        n->op = realloc(n->op, n->op_room * sizeof *n->op);
        GD_BUG_ON(!n->op);
    }
    n->op[n->ops++] = op;
    disk_next(n);
}

static uint64_t disk_apply(struct node *n)
{
    struct disk_op op = n->op[0];
    memmove(n->op, n->op + 1, --n->ops * sizeof *n->op);
    if (op.token == 0) {
        if (op.height > n->disk.blocks)
            n->disk.blocks = op.height;
        return 0;
    }
    free(n->disk.record);
    n->disk.record = op.record;
    n->disk.n = op.n;
    n->disk.has_key = op.sealed_key;
    n->disk.key = n->vote;
    return op.token;
}

static void out_persist(void *ctx, uint64_t token, struct bytes record)
{
    struct node *n = ctx;
    disk_add(n, (struct disk_op){.token = token,
                                 .record = bytes_dup(record),
                                 .n = record.n,
                                 .sealed_key = n->ledger.cfg.mode == BFT_SEALED});
}

static void disk_copy(struct disk *to, const struct disk *from)
{
    free(to->record);
    *to = *from;
    to->record = from->record ? bytes_dup(bytes(from->record, from->n)) : NULL;
}

/* --- the application ---------------------------------------------------------------------------
 */

static const struct cfg *app_cfg(void *ctx)
{
    return &((struct node *)ctx)->ledger.cfg;
}

static const struct bft_run *app_run(void *ctx)
{
    return &((struct node *)ctx)->ledger.run;
}

static struct hash32 app_root(void *ctx)
{
    return ((struct node *)ctx)->ledger.root;
}

static const struct cfg *app_cfg_at(void *ctx, uint64_t height)
{
    return ledger_cfg_at(&((struct node *)ctx)->ledger, height);
}

static void app_judge(void *ctx, const struct header *header, const struct bytes *entry, uint32_t n,
                      bool *ok)
{
    ledger_judge(&((struct node *)ctx)->ledger, header, entry, n, ok);
}

static enum err app_entry_valid(void *ctx, uint64_t time_ms, struct bytes entry)
{
    return ledger_entry_valid(&((struct node *)ctx)->ledger, time_ms, entry);
}

static unsigned app_lane(void *ctx, struct bytes entry)
{
    return ledger_lane(entry);
}

/* H9: a newcomer must be there, and no seat may be waiting for its REKEY. */
static enum err app_local_check(void *ctx, struct bytes entry)
{
    struct node *n = ctx;
    struct entry e;
    if (entry_read(entry, &e) != OK || e.type != ENTRY_CHANGE || e.change != CHANGE_ADD)
        return OK;
    const struct node *newcomer = world_find(n->w, e.gid);
    if (!newcomer || !newcomer->up)
        return E_NOT_READY;
    for (uint32_t k = 0; k < n->w->nodes; k++)
        if (n->w->node[k].needs_rekey)
            return E_NOT_READY;
    return OK;
}

static enum err app_block(void *ctx, uint64_t height, struct buf *block, struct buf *certificate)
{
    struct node *n = ctx;
    if (height == 0 || height > n->height)
        return E_NOT_FOUND;
    const struct stored *s = &n->chain[height - 1];
    TRY(buf_add(block, s->block, s->block_n));
    return buf_add(certificate, s->certificate, s->certificate_n);
}

static enum err app_restart_check(void *ctx, struct bytes order, uint64_t height, uint32_t round,
                                  struct hash32 id)
{
    const struct world *w = ((struct node *)ctx)->w;
    const struct restart_order *o = &w->restart;
    bool about = height == o->height && round == o->round && hash32_eq(id, o->id);
    return about && order.n > 0 && bytes_eq(order, buf_bytes(&w->order)) ? OK : E_NOT_ALLOWED;
}

/* --- decided ------------------------------------------------------------------------------------
 */

static void rekey_if_needed(struct node *n)
{
    int seat = cfg_find(&n->ledger.cfg, n->gid);
    bool named = seat >= 0 && sig_public_eq(n->ledger.cfg.member[seat].vote_key, n->vote_public);
    if (named && n->needs_rekey) {
        n->w->count.rekeys++;
        story(n->w, "guardian %u is back by REKEY at height %llu", n->gid,
              (unsigned long long)n->ledger.height);
    }
    n->needs_rekey = seat >= 0 && !named;
    if (!n->needs_rekey)
        return;
    struct entry e = {.type = ENTRY_REKEY,
                      .nonce = ++n->w->next_nonce,
                      .gid = n->gid,
                      .old_key = n->ledger.cfg.member[seat].vote_key,
                      .vote_key = n->vote_public};
    struct buf out = BUF_INIT(1024);
    entry_sign(&out, &e, n->w->o.scheme, &n->seat);
    (void)!bft_submit(n->b, node_now(n), buf_bytes(&out));
    buf_free(&out);
}

static void store(struct node *n, struct bytes block, struct bytes certificate)
{
    n->chain = realloc(n->chain, (n->height + 1) * sizeof *n->chain);
    GD_BUG_ON(!n->chain);
    n->chain[n->height++] =
        (struct stored){bytes_dup(block), bytes_dup(certificate), block.n, certificate.n};
    disk_add(n, (struct disk_op){.height = n->height});
}

static void out_decided(void *ctx, const struct block *block, struct bytes block_bytes,
                        const struct certificate *c, struct bytes certificate_bytes)
{
    struct node *n = ctx;
    struct sig_public before = {0};
    int seat = cfg_find(&n->ledger.cfg, n->gid);
    if (seat >= 0)
        before = n->ledger.cfg.member[seat].vote_key;
    story(n->w, "guardian %u decides height %llu round %u (%u entries, by %u)", n->gid,
          (unsigned long long)block->header.height, c->round, block->n, block->header.proposer);
    if (!n->liar)
        oracle_decided(n, block, c);
    if (ledger_apply(&n->ledger, block, c) != OK) {
        if (!n->liar)
            violated(n->w, "guardian %u decided a block that is not valid", n->gid);
        return;
    }
    n->w->count.entries += block->n;
    store(n, block_bytes, certificate_bytes);
    if (c->restart.n > 0)
        oracle_restart(n->w, n->ledger.height + 1, &n->ledger.cfg);
    else
        oracle_cfg(n->w, n->ledger.height + 1, &n->ledger.cfg);
    int now = cfg_find(&n->ledger.cfg, n->gid);
    bool changed = now >= 0 && !sig_public_eq(before, n->ledger.cfg.member[now].vote_key);
    if (n->needs_rekey || changed)
        rekey_if_needed(n);
}

static void out_restarted(void *ctx, const struct certificate *c, struct bytes certificate_bytes)
{
    struct node *n = ctx;
    struct stored *s = &n->chain[n->height - 1];
    free(s->certificate);
    s->certificate = bytes_dup(certificate_bytes);
    s->certificate_n = certificate_bytes.n;
    if (ledger_restart(&n->ledger, c) != OK)
        violated(n->w, "guardian %u cannot apply a RESTART", n->gid);
    story(n->w, "guardian %u restarts after height %llu", n->gid, (unsigned long long)n->height);
    oracle_restart(n->w, n->ledger.height + 1, &n->ledger.cfg);
    rekey_if_needed(n);
}

static void out_wake_at(void *ctx, uint64_t mono_ms)
{
    struct node *n = ctx;
    uint64_t at = mono_ms == UINT64_MAX ? UINT64_MAX : mono_ms - n->mono_ms;
    if (at == n->wake)
        return;
    n->wake = at;
    if (at == UINT64_MAX)
        return;
    if (at <= n->w->now_ms)
        violated(n->w, "guardian %u wants to be woken in the past", n->gid);
    world_push(n->w, (struct event){.at = at > n->w->now_ms ? at : n->w->now_ms + 1,
                                    .type = EVENT_WAKE,
                                    .to = n->index,
                                    .life = n->life});
}

static void out_evidence(void *ctx, struct bytes evidence)
{
    struct node *n = ctx;
    struct equivocation about;
    if (equivocation_peek(evidence, &about) != OK) {
        violated(n->w, "guardian %u gives evidence that is none", n->gid);
        return;
    }
    const struct node *who = world_find(n->w, about.gid);
    story(n->w, "guardian %u has evidence against %u", n->gid, about.gid);
    if (who && !who->liar)
        violated(n->w, "evidence against honest guardian %u", about.gid);
    n->w->count.evidence++;
    struct entry e = {.type = ENTRY_EVIDENCE, .nonce = ++n->w->next_nonce, .body = evidence};
    struct buf out = BUF_INIT(4096);
    entry_write(&out, &e);
    (void)!bft_submit(n->b, node_now(n), buf_bytes(&out));
    buf_free(&out);
}

static void out_key_ended(void *ctx)
{
    struct node *n = ctx;
    story(n->w, "the key of guardian %u has ended", n->gid);
    n->key_gone = true;
}

static void out_key_stale(void *ctx)
{
    struct node *n = ctx;
    story(n->w, "guardian %u has a stale key", n->gid);
    if (!n->liar)
        violated(n->w, "guardian %u takes its own key for stale", n->gid);
}

static void out_pruned(void *ctx, uint32_t gid, uint64_t height) {}

static void out_alarm(void *ctx, const char *text)
{
    struct node *n = ctx;
    if (!n->liar)
        violated(n->w, "alarm of guardian %u: %s", n->gid, text);
}

/* --- nodes -------------------------------------------------------------------------------------
 */

struct now node_now(const struct node *n)
{
    uint64_t base = 1700000000000u;
    return (struct now){n->mono_ms + n->w->now_ms, base + n->w->now_ms + (uint64_t)n->skew_ms};
}

static struct bft_tip tip_of(const struct node *n)
{
    struct bft_tip tip = {.height = n->height, .id = n->w->genesis};
    if (n->height == 0)
        return tip;
    const struct stored *s = &n->chain[n->height - 1];
    struct block block;
    GD_BUG_ON(block_decode(bytes(s->block, s->block_n), &block) != OK);
    tip.id = header_id(&block.header);
    tip.time_ms = block.header.time_ms;
    block_free(&block);
    struct reader r = reader(bytes(s->certificate, s->certificate_n));
    certificate_decode(&r, &tip.certificate);
    return tip;
}

/* Applies what the disk has to a fresh state. */
static void replay(struct node *n, uint64_t blocks)
{
    ledger_free(&n->ledger);
    ledger_init(&n->ledger, n->w->o.scheme, n->w->admin_public, &n->w->first_cfg);
    for (uint64_t h = blocks; h < n->height; h++) {
        free(n->chain[h].block);
        free(n->chain[h].certificate);
    }
    n->height = blocks;
    for (uint64_t h = 0; h < blocks; h++) {
        struct block block;
        struct certificate c;
        struct reader r = reader(bytes(n->chain[h].certificate, n->chain[h].certificate_n));
        certificate_decode(&r, &c);
        GD_BUG_ON(block_decode(bytes(n->chain[h].block, n->chain[h].block_n), &block) != OK);
        GD_BUG_ON(ledger_apply(&n->ledger, &block, &c) != OK);
        block_free(&block);
    }
}

static struct bft_config config_of(struct node *n)
{
    return (struct bft_config){
        .gid = n->gid,
        .scheme = n->w->o.scheme,
        .app = {n, app_cfg, app_run, app_root, app_cfg_at, app_judge, app_entry_valid, app_lane,
                app_local_check, app_block, NULL, app_restart_check},
        .out = {n, out_send, out_persist, out_decided, out_restarted, out_wake_at, out_evidence,
                out_key_ended, out_key_stale, out_pruned, out_alarm},
        .tip = tip_of(n),
        .secret = &n->vote,
    };
}

static void announce(struct node *n)
{
    struct world *w = n->w;
    for (uint32_t i = 0; i < w->nodes; i++) {
        struct node *other = &w->node[i];
        if (i == n->index || !other->up)
            continue;
        bft_peer_up(n->b, node_now(n), other->gid);
        bft_peer_up(other->b, node_now(other), n->gid);
    }
}

void node_boot(struct node *n)
{
    struct world *w = n->w;
    bool kept = n->disk.has_key || n->life == 0;
    if (!kept) /* strict: the vote key lived in RAM only */
        w->o.scheme->keygen(dice_rng(&w->dice), &n->vote, &n->vote_public);
    n->life++;
    n->mono_ms = roll(&w->dice) % 100000;
    n->wake = UINT64_MAX;
    n->lease_seen = 0;
    n->key_gone = false;
    n->writing = false;
    replay(n, n->disk.blocks);
    struct bft_config config = config_of(n);
    GD_BUG_ON(bft_new(&config, node_now(n), &n->b) != OK);
#ifdef BFT_MUTANTS
    n->b->mutants = n->liar ? 0 : w->o.mutants;
    if (n->b->mutants & MUTANT_SHORT_QUORUM)
        n->b->cfg.q--;
#endif
    n->up = true;
    story(w, "guardian %u boots at height %llu%s", n->gid, (unsigned long long)n->height,
          kept ? "" : " with a new key");
    if (n->disk.record)
        GD_BUG_ON(bft_restore(n->b, node_now(n), bytes(n->disk.record, n->disk.n)) != OK);
    bft_tick(n->b, node_now(n));
    announce(n);
    rekey_if_needed(n);
}

static void drop_ops(struct node *n)
{
    for (uint32_t i = 0; i < n->ops; i++)
        free(n->op[i].record);
    n->ops = 0;
}

/* Entries that were handed in here and are not decided may be gone: nobody was promised them. */
static void forget_waiting(struct node *n)
{
    struct world *w = n->w;
    uint32_t left = 0;
    for (uint32_t i = 0; i < w->waits; i++)
        if (w->waiting[i].at != n->index || ledger_has(&n->ledger, w->waiting[i].nonce))
            w->waiting[left++] = w->waiting[i];
    w->waits = left;
}

void node_crash(struct node *n, bool old_disk)
{
    struct world *w = n->w;
    GD_BUG_ON(!n->up);
    w->count.crashes++;
    forget_waiting(n);
    uint32_t written = below(&w->dice, n->ops + 1); /* some of what was under way got there */
    for (uint32_t i = 0; i < written; i++)
        disk_apply(n);
    drop_ops(n);
    bft_free(n->b);
    n->b = NULL;
    n->up = false;
    n->life++;
    story(w, "guardian %u crashes%s", n->gid, old_disk ? ", an old disk is put in" : "");
    if (old_disk && n->old_disk.blocks <= n->disk.blocks)
        disk_copy(&n->disk, &n->old_disk);
    for (uint32_t i = 0; i < w->nodes; i++)
        if (w->node[i].up)
            bft_peer_down(w->node[i].b, node_now(&w->node[i]), n->gid);
}

const struct cfg *world_cfg(const struct world *w)
{
    const struct node *best = NULL;
    for (uint32_t i = 0; i < w->nodes; i++)
        if (!w->node[i].liar && (!best || w->node[i].height > best->height))
            best = &w->node[i];
    return best ? &best->ledger.cfg : &w->first_cfg;
}

bool node_is_member(const struct node *n)
{
    return cfg_find(world_cfg(n->w), n->gid) >= 0;
}

bool node_votes(const struct node *n)
{
    const struct cfg *cfg = world_cfg(n->w);
    int i = cfg_find(cfg, n->gid);
    return n->up && i >= 0 && !cfg->member[i].suspended &&
           sig_public_eq(cfg->member[i].vote_key, n->vote_public);
}

void node_submit_data(struct node *n, uint64_t expires_ms)
{
    struct world *w = n->w;
    uint8_t padding[200] = {0};
    struct entry e = {.type = ENTRY_DATA,
                      .nonce = ++w->next_nonce,
                      .expires_ms = expires_ms,
                      .body = bytes(padding, below(&w->dice, sizeof padding))};
    struct buf out = BUF_INIT(1024);
    entry_write(&out, &e);
    (void)!bft_submit(n->b, node_now(n), buf_bytes(&out));
    buf_free(&out);
    if (expires_ms > 0 || n->liar)
        return;
    if (w->waits == w->waits_room) {
        w->waits_room = w->waits_room ? w->waits_room * 2 : 64;
        w->waiting = realloc(w->waiting, w->waits_room * sizeof *w->waiting);
        GD_BUG_ON(!w->waiting);
    }
    w->waiting[w->waits].at = n->index;
    w->waiting[w->waits++].nonce = e.nonce;
}

/* --- the world
 * ------------------------------------------------------------------------------------ */

static void make_nodes(struct world *w)
{
    w->nodes = w->o.n + (w->o.changes ? 2 : 0);
    for (uint32_t i = 0; i < w->nodes; i++) {
        struct node *n = &w->node[i];
        *n = (struct node){.w = w, .index = i, .gid = 10 + 3 * i, .exists = true};
        w->o.scheme->keygen(dice_rng(&w->dice), &n->seat, &n->seat_public);
        w->o.scheme->keygen(dice_rng(&w->dice), &n->vote, &n->vote_public);
        n->skew_ms = (int64_t)below(&w->dice, 3000) - 1500;
    }
    for (uint32_t left = w->o.liars; left > 0;) {
        struct node *n = &w->node[below(&w->dice, w->o.n)];
        left -= !n->liar;
        n->liar = true;
    }
}

static void make_cfg(struct world *w)
{
    struct cfg *cfg = &w->first_cfg;
    *cfg = (struct cfg){.epoch = 1, .f = w->o.f, .mode = w->o.mode, .n = w->o.n};
    rng_fill(dice_rng(&w->dice), cfg->cluster_id.b, 32);
    rng_fill(dice_rng(&w->dice), w->genesis.b, 32);
    cfg->q = cfg_quorum(cfg->n, cfg->f);
    cfg->t = cfg->n / 2 + 1;
    for (uint32_t i = 0; i < cfg->n; i++)
        cfg->member[i] = (struct member){.gid = w->node[i].gid,
                                         .seat_key = w->node[i].seat_public,
                                         .vote_key = w->node[i].vote_public};
    for (uint32_t i = 0; i < w->nodes && w->o.mode == BFT_SEALED; i++) {
        w->node[i].disk.has_key = true; /* sealed when it was made */
        w->node[i].disk.key = w->node[i].vote;
    }
    GD_BUG_ON(cfg_check(cfg) != OK);
}

void world_init(struct world *w, uint64_t seed, const struct options *o)
{
    *w = (struct world){.o = *o, .seed = seed, .dice = {seed * 0x2545f4914f6cdd1du + 1}};
    w->page = calloc(MAX_HEIGHT, sizeof *w->page);
    GD_BUG_ON(!w->page);
    w->o.scheme->keygen(dice_rng(&w->dice), &w->admin, &w->admin_public);
    w->change = BUF_INIT(1024);
    w->order = BUF_INIT(BFT_MAX_RESTART);
    make_nodes(w);
    make_cfg(w);
    oracle_cfg(w, 1, &w->first_cfg);
    liar_init(w);
    w->chaos = true;
    w->drop = chance(&w->dice, 0.3) ? 0 : 0.4 * below(&w->dice, 100) / 100;
    w->duplicate = 0.1;
    w->delay_ms = 1 + below(&w->dice, chance(&w->dice, 0.3) ? 200 : 30);
    w->disk_ms = 1 + below(&w->dice, chance(&w->dice, 0.2) ? 100 : 8);
    for (uint32_t i = 0; i < w->nodes; i++)
        node_boot(&w->node[i]);
    world_push(w, (struct event){.at = 1, .type = EVENT_CHAOS});
    for (uint32_t i = 0; i < w->nodes; i++)
        if (w->node[i].liar)
            world_push(w, (struct event){.at = 1 + i, .type = EVENT_LIE, .to = i});
}

static void disk_free(struct disk *d)
{
    free(d->record);
    *d = (struct disk){0};
}

void world_free(struct world *w)
{
    for (uint32_t i = 0; i < w->nodes; i++) {
        struct node *n = &w->node[i];
        bft_free(n->b);
        drop_ops(n);
        free(n->op);
        disk_free(&n->disk);
        disk_free(&n->old_disk);
        for (uint64_t h = 0; h < n->height; h++) {
            free(n->chain[h].block);
            free(n->chain[h].certificate);
        }
        free(n->chain);
        ledger_free(&n->ledger);
    }
    for (uint32_t i = 0; i < w->events; i++)
        free(w->heap[i].p);
    for (uint32_t h = 0; h < MAX_HEIGHT; h++)
        free(w->page[h].ballot);
    liar_free(w);
    free(w->page);
    free(w->heap);
    free(w->waiting);
    buf_free(&w->change);
    buf_free(&w->order);
}

/* A broken link comes back a little later. */
static void reconnect_later(struct world *w, struct node *a, struct node *b)
{
    bft_peer_down(a->b, node_now(a), b->gid);
    world_push(w, (struct event){.at = w->now_ms + 100,
                                 .type = EVENT_UP,
                                 .to = a->index,
                                 .from = b->index,
                                 .life = a->life});
}

static void deliver(struct world *w, struct event *e)
{
    struct node *to = &w->node[e->to], *from = &w->node[e->from];
    struct bytes message = bytes(e->p, e->n);
    if (to->liar)
        liar_sees(to, message);
    if (bft_message(to->b, node_now(to), from->gid, message) == OK)
        return;
    story(w, "guardian %u closes the connection from %u", to->gid, from->gid);
    if (!from->liar && !to->liar)
        violated(w, "guardian %u finds honest guardian %u guilty", to->gid, from->gid);
    if (from->up)
        reconnect_later(w, to, from);
}

/* A seat whose key has ended makes another one, for when it is let in again. */
static void new_key(struct node *n)
{
    struct world *w = n->w;
    n->key_gone = false;
    w->o.scheme->keygen(dice_rng(&w->dice), &n->vote, &n->vote_public);
    if (n->disk.has_key)
        n->disk.key = n->vote;
    bft_set_key(n->b, node_now(n), &n->vote);
    rekey_if_needed(n);
}

static void step(struct world *w, struct event *e)
{
    struct node *n = &w->node[e->to];
    if (e->life != 0 && e->life != n->life)
        return;
    w->count.steps++;
    switch (e->type) {
    case EVENT_MESSAGE:
        if (n->up)
            deliver(w, e);
        break;
    case EVENT_WAKE:
        if (n->up && n->wake <= w->now_ms) {
            n->wake = UINT64_MAX;
            bft_tick(n->b, node_now(n));
        }
        break;
    case EVENT_DISK:
        n->writing = false;
        if (n->up && n->ops > 0) {
            uint64_t token = disk_apply(n);
            disk_next(n);
            if (token)
                bft_durable(n->b, node_now(n), token);
        }
        break;
    case EVENT_UP:
        if (n->up && w->node[e->from].up)
            bft_peer_up(n->b, node_now(n), w->node[e->from].gid);
        break;
    case EVENT_CHAOS:
        chaos_step(w);
        break;
    case EVENT_LIE:
        if (n->up)
            liar_act(n);
        world_push(w, (struct event){.at = w->now_ms + 2 + below(&w->dice, 20),
                                     .type = EVENT_LIE,
                                     .to = e->to});
        break;
    }
    if (n->up && n->key_gone)
        new_key(n);
    if (n->up && !n->liar)
        oracle_lease(n);
}

bool world_run(struct world *w, uint64_t until_ms)
{
    while (!w->violation[0] && w->events > 0 && w->heap[0].at <= until_ms) {
        struct event e = pop(w);
        w->now_ms = e.at > w->now_ms ? e.at : w->now_ms;
        step(w, &e);
        free(e.p);
    }
    if (w->now_ms < until_ms)
        w->now_ms = until_ms;
    return !w->violation[0];
}

void world_heal(struct world *w)
{
    w->chaos = false;
    story(w, "all faults end");
    for (uint32_t i = 0; i < w->nodes; i++)
        if (!w->node[i].up)
            node_boot(&w->node[i]);
    for (uint32_t i = 0; i < w->nodes; i++)
        announce(&w->node[i]);
}

/* --- a whole run
 * ------------------------------------------------------------------------------------ */

/* Every honest member of the newest cfg has this height. */
static bool all_reached(const struct world *w, uint64_t height)
{
    for (uint32_t i = 0; i < w->nodes; i++) {
        const struct node *n = &w->node[i];
        if (!n->liar && node_is_member(n) && n->height < height)
            return false;
    }
    return true;
}

static bool all_decided(const struct world *w)
{
    for (uint32_t i = 0; i < w->nodes; i++) {
        const struct node *n = &w->node[i];
        if (n->liar || !node_is_member(n))
            continue;
        for (uint32_t k = 0; k < w->waits; k++)
            if (!ledger_has(&n->ledger, w->waiting[k].nonce))
                return false;
    }
    return true;
}

static struct node *some_honest_member(struct world *w)
{
    for (;;) {
        struct node *n = &w->node[below(&w->dice, w->nodes)];
        if (!n->liar && n->up && node_is_member(n))
            return n;
    }
}

enum { BOUND_MS = 120000 };

/* Five more heights, each begun by an entry at some member. */
static bool goes_on(struct world *w)
{
    uint64_t start = w->now_ms;
    for (int i = 0; i < 5; i++) {
        uint64_t goal = w->top + 1;
        node_submit_data(some_honest_member(w), 0);
        while (!all_reached(w, goal)) {
            if (!world_run(w, w->now_ms + 50))
                return false;
            if (w->now_ms - start > BOUND_MS) {
                violated(w, "no decision of height %llu within the bound",
                         (unsigned long long)goal);
                return false;
            }
        }
    }
    return true;
}

static bool falls_silent(struct world *w)
{
    uint64_t start = w->now_ms;
    while (!all_decided(w)) {
        if (!world_run(w, w->now_ms + 50))
            return false;
        if (w->now_ms - start > BOUND_MS) {
            violated(w, "a pending entry is not decided");
            return false;
        }
    }
    if (w->o.liars > 0)
        return true;
    if (!world_run(w, w->now_ms + 75000))
        return false;
    for (uint32_t i = 0; i < w->nodes; i++)
        w->node[i].quiet_sent = 0;
    if (!world_run(w, w->now_ms + 10000))
        return false;
    for (uint32_t i = 0; i < w->nodes; i++)
        if (w->node[i].quiet_sent > 0) {
            violated(w, "guardian %u is not silent when idle", w->node[i].gid);
            return false;
        }
    return true;
}

bool world_play(struct world *w)
{
    if (!world_run(w, w->o.chaos_ms))
        return false;
    if (w->o.safety_only)
        return true;
    if (w->o.power_loss)
        power_loss(w);
    if (w->o.safety_only)
        return !w->violation[0];
    world_heal(w);
    return goes_on(w) && falls_silent(w);
}
