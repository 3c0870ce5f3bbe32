#include "bench.h"
#include "base/bug.h"
#include "core/consensus/bft.h"
#include "ideal_sig.h"

#include <stdlib.h>

/* --- outputs ------------------------------------------------------------------------ */

static void out_send(void *ctx, uint32_t gid, struct bytes message)
{
    struct bench *t = ctx;
    GD_BUG_ON(t->sents == BENCH_SENT);
    uint32_t i = t->sents++;
    t->sent[i].to = gid;
    t->sent[i].raw = bytes_dup(message);
    GD_BUG_ON(message_decode(bytes(t->sent[i].raw, message.n), &t->sent[i].m) != OK);
}

static void out_persist(void *ctx, uint64_t token, struct bytes record)
{
    struct bench *t = ctx;
    free(t->record);
    t->record = bytes_dup(record);
    t->record_n = record.n;
    t->token = token;
}

static void out_decided(void *ctx, const struct block *block, struct bytes raw,
                        const struct certificate *c, struct bytes certificate)
{
    struct bench *t = ctx;
    GD_BUG_ON(ledger_apply(&t->ledger, block, c) != OK);
    uint64_t h = ++t->height;
    t->block[h] = bytes_dup(raw);
    t->block_n[h] = raw.n;
    t->certificate[h] = bytes_dup(certificate);
    t->certificate_n[h] = certificate.n;
}

static void out_restarted(void *ctx, const struct certificate *c, struct bytes certificate)
{
    struct bench *t = ctx;
    GD_BUG_ON(ledger_restart(&t->ledger, c) != OK);
    free(t->certificate[t->height]);
    t->certificate[t->height] = bytes_dup(certificate);
    t->certificate_n[t->height] = certificate.n;
    t->restarted++;
}

static void out_wake_at(void *ctx, uint64_t mono_ms)
{
    ((struct bench *)ctx)->wake = mono_ms;
}

static void out_evidence(void *ctx, struct bytes evidence)
{
    struct bench *t = ctx;
    struct equivocation about;
    GD_BUG_ON(equivocation_check(&sig_ideal, &t->cfg, evidence, &about) != OK);
    t->evidence++;
}

static void out_key_ended(void *ctx)
{
    ((struct bench *)ctx)->ended++;
}

static void out_key_stale(void *ctx)
{
    ((struct bench *)ctx)->stale++;
}

static void out_pruned(void *ctx, uint32_t gid, uint64_t height)
{
    ((struct bench *)ctx)->pruned = height;
}

/* --- the application -------------------------------------------------------------------- */

static const struct cfg *app_cfg(void *ctx)
{
    return &((struct bench *)ctx)->ledger.cfg;
}

static const struct bft_run *app_run(void *ctx)
{
    return &((struct bench *)ctx)->ledger.run;
}

static struct hash32 app_root(void *ctx)
{
    return ((struct bench *)ctx)->ledger.root;
}

static const struct cfg *app_cfg_at(void *ctx, uint64_t height)
{
    return ledger_cfg_at(&((struct bench *)ctx)->ledger, height);
}

static void app_judge(void *ctx, const struct header *header, const struct bytes *entry, uint32_t n,
                      bool *ok)
{
    struct bench *t = ctx;
    ledger_judge(&t->ledger, header, entry, n, ok);
    bool open = true;
    for (uint32_t i = 0; i < n && t->between[0]; i++) {
        struct entry e;
        GD_BUG_ON(entry_read(entry[i], &e) != OK);
        open = e.nonce == t->between[1] ? false : e.nonce == t->between[2] ? true : open;
        ok[i] = ok[i] && (open || e.nonce != t->between[0]);
    }
}

static enum err app_entry_valid(void *ctx, uint64_t time_ms, struct bytes entry)
{
    return ledger_entry_valid(&((struct bench *)ctx)->ledger, time_ms, entry);
}

static unsigned app_lane(void *ctx, struct bytes entry)
{
    return ledger_lane(entry);
}

static enum err app_block(void *ctx, uint64_t height, struct buf *block, struct buf *certificate)
{
    struct bench *t = ctx;
    if (height < t->keep_from || height > t->height)
        return E_NOT_FOUND;
    TRY(buf_add(block, t->block[height], t->block_n[height]));
    return buf_add(certificate, t->certificate[height], t->certificate_n[height]);
}

static uint64_t app_checkpoint(void *ctx)
{
    return ((struct bench *)ctx)->keep_from;
}

static enum err app_restart_check(void *ctx, struct bytes order, uint64_t height, uint32_t round,
                                  struct hash32 id)
{
    struct bench *t = ctx;
    return bytes_eq(order, bytes(t->order, t->order_n)) ? OK : E_NOT_ALLOWED;
}

/* --- making one --------------------------------------------------------------------------- */

static struct bft_tip tip_of(struct bench *t)
{
    struct bft_tip tip = {.id = sha256(bytes_str("genesis"))};
    if (t->height == 0)
        return tip;
    struct block block;
    GD_BUG_ON(block_decode(bytes(t->block[t->height], t->block_n[t->height]), &block) != OK);
    tip.height = t->height;
    tip.id = header_id(&block.header);
    tip.time_ms = block.header.time_ms;
    block_free(&block);
    struct reader r = reader(bytes(t->certificate[t->height], t->certificate_n[t->height]));
    certificate_decode(&r, &tip.certificate);
    return tip;
}

static void boot(struct bench *t, const struct sig_secret *key)
{
    struct bft_config config = {
        .gid = bench_gid(t, t->own),
        .scheme = &sig_ideal,
        .app = {t, app_cfg, app_run, app_root, app_cfg_at, app_judge, app_entry_valid, app_lane,
                NULL, app_block, app_checkpoint, app_restart_check},
        .out = {t, out_send, out_persist, out_decided, out_restarted, out_wake_at, out_evidence,
                out_key_ended, out_key_stale, out_pruned, NULL},
        .tip = tip_of(t),
        .secret = key,
    };
    GD_BUG_ON(bft_new(&config, t->now, &t->b) != OK);
}

static void peers_up(struct bench *t)
{
    for (uint32_t i = 0; i < t->cfg.n; i++)
        if (i != t->own)
            bft_peer_up(t->b, t->now, bench_gid(t, i));
}

void bench_new(struct bench *t, uint32_t n, uint32_t f, enum bft_mode mode, uint32_t own)
{
    struct rng_seeded seed;
    struct rng rng = rng_numbered(&seed, 1000 + n);
    *t = (struct bench){.own = own, .now = {5000, 1700000000000}, .keep_from = 1};
    t->cfg = (struct cfg){.epoch = 1, .n = n, .f = f, .mode = mode, .t = n / 2 + 1};
    t->cfg.q = cfg_quorum(n, f);
    sig_ideal.keygen(rng, &t->admin, &t->admin_public);
    for (uint32_t i = 0; i < n; i++) {
        t->cfg.member[i].gid = bench_gid(t, i);
        sig_ideal.keygen(rng, &t->seat_key[i], &t->cfg.member[i].seat_key);
        sig_ideal.keygen(rng, &t->key[i], &t->cfg.member[i].vote_key);
    }
    ledger_init(&t->ledger, &sig_ideal, t->admin_public, &t->cfg);
    boot(t, &t->key[own]);
    peers_up(t);
    bench_forget(t);
}

void bench_reboot(struct bench *t, const struct sig_secret *key)
{
    bft_free(t->b);
    boot(t, key);
    bench_forget(t);
}

void bench_free(struct bench *t)
{
    bench_forget(t);
    bft_free(t->b);
    ledger_free(&t->ledger);
    free(t->record);
    for (int h = 0; h < 64; h++) {
        free(t->block[h]);
        free(t->certificate[h]);
    }
}

uint32_t bench_gid(const struct bench *t, uint32_t seat)
{
    return 10 * (seat + 1);
}

/* --- time and disk ---------------------------------------------------------------------------- */

static void settle(struct bench *t)
{
    for (uint64_t last = 0; !t->slow_disk && t->token > last;) {
        last = t->token;
        bft_durable(t->b, t->now, last);
    }
}

enum err bench_submit(struct bench *t, struct bytes entry)
{
    enum err e = bft_submit(t->b, t->now, entry);
    settle(t);
    return e;
}

void bench_wait(struct bench *t, uint64_t ms)
{
    uint64_t end = t->now.mono_ms + ms;
    while (t->wake <= end) {
        uint64_t at = t->wake > t->now.mono_ms ? t->wake : t->now.mono_ms;
        t->now.unix_ms += at - t->now.mono_ms;
        t->now.mono_ms = at;
        bft_tick(t->b, t->now);
        settle(t);
        if (t->wake <= t->now.mono_ms) {
            t->now.mono_ms++;
            t->now.unix_ms++;
        }
    }
    t->now.unix_ms += end > t->now.mono_ms ? end - t->now.mono_ms : 0;
    t->now.mono_ms = end > t->now.mono_ms ? end : t->now.mono_ms;
}

void bench_durable(struct bench *t)
{
    bft_durable(t->b, t->now, t->token);
}

/* --- what was sent ---------------------------------------------------------------------------- */

const struct message *bench_last(const struct bench *t, enum wire_type type)
{
    for (uint32_t i = t->sents; i > 0; i--)
        if (t->sent[i - 1].m.type == type)
            return &t->sent[i - 1].m;
    return NULL;
}

const struct vote *bench_vote_of(const struct bench *t, enum vote_type type, uint32_t round)
{
    for (uint32_t i = t->sents; i > 0; i--) {
        const struct message *m = &t->sent[i - 1].m;
        if (m->type == WIRE_VOTE && m->vote.type == type && m->vote.round == round)
            return &m->vote;
    }
    return NULL;
}

uint32_t bench_count(const struct bench *t, enum wire_type type)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->sents; i++)
        n += t->sent[i].m.type == type;
    return n;
}

void bench_forget(struct bench *t)
{
    for (uint32_t i = 0; i < t->sents; i++)
        free(t->sent[i].raw);
    t->sents = 0;
}

/* --- what the others say ------------------------------------------------------------------------
 */

struct buf bench_entry(uint64_t nonce, uint64_t expires_ms)
{
    struct entry e = {.type = ENTRY_DATA, .nonce = nonce, .expires_ms = expires_ms};
    struct buf out = BUF_INIT(1024);
    entry_write(&out, &e);
    return out;
}

struct buf bench_block(struct bench *t, uint32_t proposer, uint32_t round, uint64_t nonce,
                       uint64_t time_ms)
{
    struct bft_tip tip = tip_of(t);
    if (tip.height == 0)
        tip.certificate.type = VOTE_PRECOMMIT;
    uint64_t usual = t->now.unix_ms > tip.time_ms ? t->now.unix_ms : tip.time_ms + 1;
    struct buf entry = bench_entry(nonce, 0), raw = BUF_INIT(BFT_MAX_BLOCK);
    struct bytes view = buf_bytes(&entry);
    struct block block = {.last = tip.certificate, .n = 1, .entry = &view};
    block.header = (struct header){.height = tip.height + 1,
                                   .round = round,
                                   .proposer = bench_gid(t, proposer),
                                   .time_ms = time_ms ? time_ms : usual,
                                   .parent = tip.id,
                                   .cfg = cfg_hash(&t->ledger.cfg),
                                   .state_root = t->ledger.root,
                                   .entries_root = entries_root(&view, 1),
                                   .last = certificate_hash(&tip.certificate),
                                   .last_round = tip.certificate.round};
    struct writer w = writer(&raw);
    block_encode(&w, &block);
    GD_BUG_ON(writer_end(&w) != OK);
    buf_free(&entry);
    return raw;
}

struct hash32 bench_id(struct bytes raw)
{
    struct block block;
    GD_BUG_ON(block_decode(raw, &block) != OK);
    struct hash32 id = header_id(&block.header);
    block_free(&block);
    return id;
}

struct vote bench_cast(struct bench *t, uint32_t seat, enum vote_type type, uint32_t round,
                       struct hash32 id)
{
    const struct cfg *cfg = &t->ledger.cfg;
    struct vote v = {type, t->height + 1, round, id, bench_gid(t, seat), {{0}}};
    struct hash64 d = vote_digest(cfg->cluster_id, cfg_hash(cfg), type, v.height, round, id);
    v.signature = sig_ideal.sign(&t->key[seat], BYTES_OF(d.b));
    return v;
}

struct certificate bench_certify(struct bench *t, enum vote_type type, uint32_t mask,
                                 uint32_t round, struct hash32 id)
{
    struct certificate c = {.type = type, .height = t->height + 1, .round = round, .id = id};
    for (uint32_t i = 0; i < t->cfg.n; i++) {
        if (!((mask >> i) & 1))
            continue;
        c.vote[c.n].gid = bench_gid(t, i);
        c.vote[c.n++].signature = bench_cast(t, i, type, round, id).signature;
    }
    return c;
}

enum err bench_give(struct bench *t, uint32_t seat, struct message *m)
{
    struct buf out = BUF_INIT(BFT_MAX_MESSAGE);
    struct writer w = writer(&out);
    if (m->height == 0)
        m->height = t->height + 1;
    m->serial = t->ledger.cfg.serial;
    message_encode(&w, m);
    GD_BUG_ON(writer_end(&w) != OK);
    enum err e = bft_message(t->b, t->now, bench_gid(t, seat), buf_bytes(&out));
    buf_free(&out);
    settle(t);
    return e;
}

enum err bench_give_vote(struct bench *t, uint32_t seat, enum vote_type type, uint32_t round,
                         struct hash32 id, const struct certificate *pol)
{
    struct message m = {.type = WIRE_VOTE, .has_vote = true};
    m.vote = bench_cast(t, seat, type, round, id);
    if (pol)
        m.certificate = *pol;
    return bench_give(t, seat, &m);
}

enum err bench_give_proposal(struct bench *t, uint32_t seat, uint32_t round, struct bytes block,
                             const struct certificate *pol)
{
    const struct cfg *cfg = &t->ledger.cfg;
    struct message m = {.type = WIRE_PROPOSAL, .block = block};
    m.proposal = (struct proposal){.height = t->height + 1,
                                   .round = round,
                                   .id = bench_id(block),
                                   .valid_round = pol ? pol->round : BFT_NO_ROUND,
                                   .gid = bench_gid(t, seat)};
    struct hash64 d = proposal_digest(cfg->cluster_id, cfg_hash(cfg), &m.proposal);
    m.proposal.signature = sig_ideal.sign(&t->key[seat], BYTES_OF(d.b));
    if (pol)
        m.certificate = *pol;
    return bench_give(t, seat, &m);
}

enum err bench_give_block(struct bench *t, uint32_t seat, struct bytes block,
                          const struct certificate *c)
{
    struct message m = {.type = WIRE_BLOCK, .block = block, .certificate = *c};
    return bench_give(t, seat, &m);
}
