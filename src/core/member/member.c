/* The life of a member: what is stored, the log and its application, jobs. */
#include "core/member/member_int.h"
#include "base/bug.h"
#include "base/log.h"
#include "core/seal/seal.h"

#include <stdlib.h>

static const char *const record_names[] = {
    [RECORD_MANIFEST] = "manifest",     [RECORD_SECRETS] = "secrets",
    [RECORD_CONSENSUS] = "consensus",   [RECORD_CHECKPOINT] = "checkpoint",
    [RECORD_FOUNDING] = "founding",     [RECORD_BLOCK] = "block",
    [RECORD_COLLATERAL] = "collateral",
};

uint64_t member_unix_s(const struct guardian *m)
{
    return m->now.unix_ms / 1000;
}

enum err member_new(const struct member_config *config, struct guardian **out)
{
    *out = NULL;
    struct guardian *m = calloc(1, sizeof *m);
    if (!m)
        return E_NOMEM;
    m->config = *config;
    if (!m->config.checkpoint_every)
        m->config.checkpoint_every = CHECKPOINT_EVERY;
    if (!m->config.blocks_bytes)
        m->config.blocks_bytes = BLOCKS_BYTES;
    m->next_job = m->next_token = 1;
    m->restored_record = BUF_INIT(BFT_MAX_RECORD);
    m->deal_entry = BUF_INIT(ENTRY_MAX);
    m->checkpoint.certificate = BUF_INIT(BFT_MAX_CERTIFICATE);
    m->jobs = calloc(JOBS_MAX, sizeof *m->jobs);
    enum err e =
        m->jobs ? state_new(&m->state, config->genesis, config->cluster_id, config->deps) : E_NOMEM;
    if (e == OK)
        *out = m;
    else
        member_free(m);
    return e;
}

void member_free(struct guardian *m)
{
    if (!m)
        return;
    bft_free(m->bft);
    state_free(m->state);
    for (unsigned i = 0; m->jobs && i < JOBS_MAX; i++)
        buf_free(&m->jobs[i].evidence);
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++)
        buf_free(&m->links[i].shown);
    free(m->jobs);
    blocks_clear(&m->founding);
    blocks_clear(&m->blocks);
    checkpoint_free(m);
    for (unsigned i = 0; i < sizeof m->waiting / sizeof *m->waiting; i++)
        buf_free(&m->waiting[i].entry);
    buf_free(&m->restored_record);
    buf_free(&m->deal_entry);
    wipe(m, sizeof *m);
    free(m);
}

/* --- storage --- */

/* Where a record belongs; `position` holds its number and must live as long. */
static struct seal_where place_of(const struct guardian *m, enum member_record kind,
                                  uint64_t number, uint8_t position[static 8])
{
    bytes_be64(number, position);
    return (struct seal_where){
        .cluster = m->config.cluster_id, .kind = record_names[kind], .key = bytes(position, 8)};
}

void member_seal_and_store(struct guardian *m, enum member_record kind, uint64_t number,
                           struct bytes plain, uint64_t *token)
{
    struct buf sealed = BUF_INIT(plain.n + 256);
    uint8_t position[8];
    struct seal_where where = place_of(m, kind, number, position);
    enum err e = seal_record(m->config.rng, &m->config.sealing_key, &where, plain, &sealed);
    *token = m->next_token++;
    if (e == OK)
        m->config.out.store(m->config.out.ctx, *token, kind, number, buf_bytes(&sealed));
    else
        log_error("a record could not be sealed: %s", err_text(e));
    buf_free(&sealed);
}

static enum err unseal(struct guardian *m, enum member_record kind, uint64_t number,
                       struct bytes sealed, struct buf *out)
{
    uint8_t position[8];
    struct seal_where where = place_of(m, kind, number, position);
    return seal_open(&m->config.sealing_key, &where, sealed, out);
}

void member_store_secrets(struct guardian *m, uint64_t *token)
{
    struct buf plain = BUF_INIT(256 * 1024);
    bool sealed_mode = m->config.genesis->mode == BFT_SEALED;
    enum err e = secrets_encode(&m->secrets, sealed_mode, &plain);
    *token = 0;
    if (e == OK)
        member_seal_and_store(m, RECORD_SECRETS, 0, buf_bytes(&plain), token);
    buf_free(&plain);
}

/* Blocks up to the one that gave birth to the root are never given up: they are what a newcomer can
 * check from the manifest alone. To be called before the block is applied. */
static enum member_record block_kind(const struct guardian *m)
{
    return state_cluster(m->state).generation == 0 ? RECORD_FOUNDING : RECORD_BLOCK;
}

static enum err keep_block(struct guardian *m, enum member_record kind, uint64_t height,
                           struct bytes block, struct bytes certificate)
{
    struct blocks *to = kind == RECORD_FOUNDING ? &m->founding : &m->blocks;
    TRY(blocks_add(to, height, block, certificate));
    /* Whoever takes the checkpoint that is offered needs what follows it. */
    blocks_trim(&m->blocks, m->config.blocks_bytes, m->checkpoint.offer.height);
    return OK;
}

/* At regular heights, and when the blocks since the last one fill half of the memory for them. */
static bool checkpoint_is_due(struct guardian *m, uint64_t height, size_t block_bytes)
{
    m->checkpoint.bytes_since += block_bytes;
    if (height % m->config.checkpoint_every != 0 &&
        m->checkpoint.bytes_since < m->config.blocks_bytes / 2)
        return false;
    m->checkpoint.bytes_since = 0;
    return true;
}

const struct kept_block *member_block(const struct guardian *m, uint64_t height)
{
    const struct kept_block *k = blocks_get(&m->blocks, height);
    return k ? k : blocks_get(&m->founding, height);
}

static enum err load_manifest(struct guardian *m, struct bytes plain)
{
    TRY(manifest_decode(plain, &m->manifest));
    TRY(manifest_check(&m->manifest, m->config.deps.sig, m->config.cluster_id));
    TRY(state_found(m->state, &m->manifest));
    m->is_founded = true;
    return OK;
}

/* A block of our own disk: it was certified when it was stored, and it is sealed. */
static enum err load_block(struct guardian *m, enum member_record kind, uint64_t height,
                           struct bytes plain)
{
    struct reader r = reader(plain);
    struct bytes block_bytes = rd_var(&r, BFT_MAX_BLOCK);
    struct bytes certificate = rd_var(&r, BFT_MAX_CERTIFICATE);
    TRY(reader_end(&r, E_MALFORMED));
    struct rec_cluster c = state_cluster(m->state);
    if (!m->is_founded || (height > c.height + 1))
        return E_NOT_FOUND; /* a gap: what follows is of no use */
    TRY(keep_block(m, kind, height, block_bytes, certificate));
    if (height <= c.height)
        return OK;
    struct block block;
    TRY(block_decode(block_bytes, &block));
    enum err e = state_decide(m->state, &block.header, block.entry, block.n);
    block_free(&block);
    return e;
}

enum err member_load(struct guardian *m, enum member_record kind, uint64_t number,
                     struct bytes sealed)
{
    struct buf plain = BUF_INIT(CHECKPOINT_STATE_MAX + BFT_MAX_CERTIFICATE + 16);
    enum err e = unseal(m, kind, number, sealed, &plain);
    if (e == OK)
        switch (kind) {
        case RECORD_MANIFEST:
            e = load_manifest(m, buf_bytes(&plain));
            break;
        case RECORD_SECRETS:
            e = secrets_decode(buf_bytes(&plain), &m->secrets);
            break;
        case RECORD_CONSENSUS:
            e = buf_add(&m->restored_record, plain.p, plain.n);
            break;
        case RECORD_CHECKPOINT:
            e = m->is_founded ? checkpoint_restore(m, number, buf_bytes(&plain)) : E_NOT_FOUND;
            break;
        case RECORD_FOUNDING:
        case RECORD_BLOCK:
            e = load_block(m, kind, number, buf_bytes(&plain));
            break;
        case RECORD_COLLATERAL:
            m->config.out.kept(m->config.out.ctx, number, buf_bytes(&plain));
            break;
        }
    buf_free(&plain);
    return e;
}

void member_keep(struct guardian *m, struct now now, uint64_t number, struct bytes plain)
{
    uint64_t token;
    m->now = now;
    member_seal_and_store(m, RECORD_COLLATERAL, number, plain, &token);
}

/* --- the log's application --- */

static const struct cfg *app_cfg(void *ctx)
{
    return state_cfg(((struct guardian *)ctx)->state);
}

static const struct bft_run *app_run(void *ctx)
{
    struct guardian *m = ctx;
    m->told_run = state_cluster(m->state).run;
    return &m->told_run;
}

static struct hash32 app_root(void *ctx)
{
    return state_root(((struct guardian *)ctx)->state);
}

static void app_judge(void *ctx, const struct header *header, const struct bytes *entry, uint32_t n,
                      bool *ok)
{
    struct block_time at = {header->height, header->time_ms};
    state_judge(((struct guardian *)ctx)->state, at, entry, n, ok);
}

static enum err app_entry_valid(void *ctx, uint64_t time_ms, struct bytes entry)
{
    struct guardian *m = ctx;
    struct block_time at = {state_cluster(m->state).height + 1, time_ms};
    return state_check(m->state, at, entry, NULL);
}

static unsigned app_lane(void *ctx, struct bytes entry)
{
    (void)ctx;
    struct entry e;
    return entry_decode(entry, &e) == OK ? command_lane(e.type) : BFT_LANES - 1;
}

/* H9: whoever is let in raises the quorum; it and one more than a quorum are there now, by the vote
 * keys that will count. */
static enum err app_local_check(void *ctx, struct bytes entry)
{
    struct guardian *m = ctx;
    if (!state_lets_in(m->state, m->now.unix_ms, entry))
        return OK;
    const struct cfg *cfg = state_cfg(m->state);
    struct rec_session o = state_session(m->state);
    uint32_t there = member_votes(m), wanted = cfg->q + 1 < cfg->n ? cfg->q + 1 : cfg->n;
    for (uint32_t i = 0; i < o.next.n; i++) {
        int at = cfg_find(cfg, o.next.member[i].gid);
        const struct member *who = at >= 0 ? &cfg->member[at] : &o.next.member[i];
        bool answers = link_answers(m, who->gid, &who->vote_key);
        if (at < 0 && !answers)
            return E_NOT_READY;
        there += answers;
    }
    return there >= wanted + (o.next.n - cfg->n) ? OK : E_NOT_READY;
}

static enum err app_block(void *ctx, uint64_t height, struct buf *block, struct buf *certificate)
{
    const struct kept_block *k = member_block(ctx, height);
    if (!k)
        return E_NOT_FOUND;
    TRY(buf_add(block, k->block.p, k->block.n));
    return buf_add(certificate, k->certificate.p, k->certificate.n);
}

enum err member_receipt(const struct guardian *m, uint64_t height, uint64_t index, struct buf *out)
{
    const struct kept_block *k = member_block(m, height);
    if (!k)
        return E_NOT_FOUND;
    return receipt_make(m->state, k->block, k->certificate, index, out);
}

static void out_send(void *ctx, uint32_t gid, struct bytes message)
{
    struct guardian *m = ctx;
    struct buf b = BUF_INIT(message.n + 16);
    struct writer w = writer(&b);
    wr_u8(&w, MSG_LOG);
    wr_raw(&w, message.p, message.n);
    uint32_t sent[MEMBER_LINKS_MAX], n = 0;
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++) {
        struct link *l = &m->links[i];
        bool twice = false;
        if (l->step != LINK_ATTESTED || !l->is_ready || (gid != BFT_ALL && l->subject.gid != gid))
            continue;
        for (uint32_t j = 0; j < n; j++)
            twice |= sent[j] == l->subject.gid;
        if (twice)
            continue;
        sent[n++] = l->subject.gid;
        link_send(m, l, buf_bytes(&b));
    }
    buf_free(&b);
}

static void out_persist(void *ctx, uint64_t token, struct bytes record)
{
    struct guardian *m = ctx;
    unsigned slot = m->next_bft_token++ % (sizeof m->bft_tokens / sizeof *m->bft_tokens);
    uint64_t mine;
    member_seal_and_store(m, RECORD_CONSENSUS, 0, record, &mine);
    m->bft_tokens[slot].mine = mine;
    m->bft_tokens[slot].its = token;
}

static void store_block(struct guardian *m, enum member_record kind, uint64_t height,
                        struct bytes block, struct bytes certificate)
{
    struct buf b = BUF_INIT(BFT_MAX_BLOCK + BFT_MAX_CERTIFICATE + 16);
    struct writer w = writer(&b);
    uint64_t token;
    wr_var(&w, block);
    wr_var(&w, certificate);
    if (writer_end(&w) == OK)
        member_seal_and_store(m, kind, height, buf_bytes(&b), &token);
    buf_free(&b);
}

static void out_decided(void *ctx, const struct block *block, struct bytes block_bytes,
                        const struct certificate *certificate, struct bytes certificate_bytes)
{
    struct guardian *m = ctx;
    (void)certificate;
    uint64_t height = block->header.height;
    enum member_record kind = block_kind(m);
    store_block(m, kind, height, block_bytes, certificate_bytes);
    enum err e = keep_block(m, kind, height, block_bytes, certificate_bytes);
    if (e == OK)
        e = state_decide(m->state, &block->header, block->entry, block->n);
    GD_BUG_ON(e != OK); /* a certified block that does not apply: nothing after it can be trusted */
    /* Of the founding nobody could check one. */
    if (kind == RECORD_BLOCK && checkpoint_is_due(m, height, block_bytes.n + certificate_bytes.n))
        checkpoint_make(m, height, certificate_bytes);
    for (uint32_t i = 0; i < block->n; i++) {
        struct entry entry;
        if (entry_decode(block->entry[i], &entry) != OK)
            continue;
        struct hash32 id = entry_id(block->entry[i]);
        drive_entry(m, &entry, id);
        for (unsigned j = 0; j < JOBS_MAX; j++)
            if (m->jobs[j].is_submitted && hash32_eq(m->jobs[j].entry, id)) {
                if (m->jobs[j].kind == JOB_VERIFY)
                    workload_decided(m, &m->jobs[j], height, i);
                else
                    api_decided(m, &m->jobs[j], height, i);
            }
    }
    member_state_changed(m);
}

void member_state_changed(struct guardian *m)
{
    drive_decided(m);
    m->last_drive_ms = 0; /* the new state may leave us something to do: at the next tick */
}

static void out_restarted(void *ctx, const struct certificate *certificate,
                          struct bytes certificate_bytes)
{
    (void)ctx;
    (void)certificate;
    (void)certificate_bytes;
}

static void out_wake_at(void *ctx, uint64_t mono_ms)
{
    (void)ctx;
    (void)mono_ms; /* the host ticks often enough (member_tick) */
}

static void out_evidence(void *ctx, struct bytes evidence)
{
    struct guardian *m = ctx;
    struct buf entry = BUF_INIT(ENTRY_MAX);
    if (entry_make(m->config.deps.sig, NULL, m->config.cluster_id, CMD_FAULT, 0, evidence,
                   &entry) == OK)
        (void)!bft_submit(m->bft, m->now, buf_bytes(&entry));
    buf_free(&entry);
}

static void out_key_ended(void *ctx)
{
    struct guardian *m = ctx;
    log_warn("the vote key of guardian %u has ended", m->gid);
    sig_secret_wipe(&m->secrets.vote);
    m->secrets.has_vote = false;
    m->key_ended_ms = m->now.mono_ms;
}

static void out_pruned(void *ctx, uint32_t gid, uint64_t checkpoint_height)
{
    (void)checkpoint_height; /* the proof says it */
    checkpoint_wanted(ctx, gid);
}

static void out_alarm(void *ctx, const char *text)
{
    (void)ctx;
    log_error("alarm: %s", text);
}

static const struct cfg *app_cfg_at(void *ctx, uint64_t height)
{
    struct guardian *m = ctx;
    return state_past_cfg(m->state, height, &m->told_cfg) == OK ? &m->told_cfg : NULL;
}

/* The last decided block, where the log core begins. */
static void fill_tip(struct guardian *m, struct bft_tip *tip)
{
    struct rec_cluster c = state_cluster(m->state);
    *tip = (struct bft_tip){.height = c.height, .id = c.head, .time_ms = c.time_ms};
    const struct kept_block *last = member_block(m, c.height);
    struct reader r = reader(last ? last->certificate : buf_bytes(&m->checkpoint.certificate));
    if (c.height > 0)
        certificate_decode(&r, &tip->certificate);
}

enum err member_begin_log(struct guardian *m)
{
    struct bft_config *config = calloc(1, sizeof *config);
    if (!config)
        return E_NOMEM;
    config->gid = m->gid;
    config->scheme = m->config.deps.sig;
    config->app = (struct bft_app){.ctx = m,
                                   .cfg = app_cfg,
                                   .run = app_run,
                                   .state_root = app_root,
                                   .cfg_at = app_cfg_at,
                                   .judge = app_judge,
                                   .entry_valid = app_entry_valid,
                                   .lane = app_lane,
                                   .local_check = app_local_check,
                                   .block = app_block,
                                   .checkpoint = checkpoint_offered};
    config->out = (struct bft_out){.ctx = m,
                                   .send = out_send,
                                   .persist = out_persist,
                                   .decided = out_decided,
                                   .restarted = out_restarted,
                                   .wake_at = out_wake_at,
                                   .evidence = out_evidence,
                                   .key_ended = out_key_ended,
                                   .key_stale = out_key_ended,
                                   .pruned = out_pruned,
                                   .alarm = out_alarm};
    fill_tip(m, &config->tip);
    config->secret = m->secrets.has_vote ? &m->secrets.vote : NULL;
    config->lease_ms = m->config.genesis->lease_ms;
    enum err e = bft_new(config, m->now, &m->bft);
    if (e == OK && m->restored_record.n)
        e = bft_restore(m->bft, m->now, buf_bytes(&m->restored_record));
    buf_free(&m->restored_record);
    free(config);
    for (unsigned i = 0; e == OK && i < MEMBER_LINKS_MAX; i++)
        if (m->links[i].step == LINK_ATTESTED && m->links[i].is_ready)
            bft_peer_up(m->bft, m->now, m->links[i].subject.gid);
    return e;
}

/* --- entries --- */

bool member_votes(const struct guardian *m)
{
    if (!m->is_founded || !m->secrets.has_vote)
        return false;
    const struct cfg *cfg = state_cfg(m->state);
    int at = cfg_find(cfg, m->gid);
    struct sig_public mine = sig_public_of(&m->secrets.vote);
    return at >= 0 && !cfg->member[at].suspended && sig_public_eq(cfg->member[at].vote_key, mine);
}

bool member_has_lease(const struct guardian *m)
{
    return m->bft && bft_lease_until(m->bft) > m->now.mono_ms;
}

enum err member_submit(struct guardian *m, struct bytes entry)
{
    return m->bft ? bft_submit(m->bft, m->now, entry) : E_NOT_MEMBER;
}

static enum err make_entry(struct guardian *m, enum command type, struct bytes body,
                           struct buf *out)
{
    enum command_author author = command_author(type);
    const struct sig_secret *key = author == AUTHOR_SEAT   ? &m->secrets.seat
                                   : author == AUTHOR_NONE ? NULL
                                                           : &m->secrets.vote;
    return entry_make(m->config.deps.sig, key, m->config.cluster_id, type,
                      author == AUTHOR_NONE ? 0 : m->gid, body, out);
}

enum err member_post(struct guardian *m, enum command type, struct bytes body, struct hash32 *id)
{
    struct buf entry = BUF_INIT(ENTRY_MAX);
    enum err e = make_entry(m, type, body, &entry);
    if (e == OK)
        e = member_submit(m, buf_bytes(&entry));
    if (e == OK && id)
        *id = entry_id(buf_bytes(&entry));
    if (e != OK)
        log_debug("%s not posted: %s", command_name(type), err_text(e));
    m->submitted_ms[type] = m->now.mono_ms;
    buf_free(&entry);
    return e;
}

void member_post_after(struct guardian *m, uint64_t token, enum command type, struct bytes body)
{
    for (unsigned i = 0; i < sizeof m->waiting / sizeof *m->waiting; i++) {
        struct waiting_entry *w = &m->waiting[i];
        if (w->token)
            continue;
        w->entry = BUF_INIT(ENTRY_MAX);
        if (make_entry(m, type, body, &w->entry) == OK)
            w->token = token;
        m->submitted_ms[type] = m->now.mono_ms;
        return;
    }
}

void member_stored(struct guardian *m, struct now now, uint64_t token)
{
    m->now = now;
    for (unsigned i = 0; i < sizeof m->waiting / sizeof *m->waiting; i++) {
        struct waiting_entry *w = &m->waiting[i];
        if (!w->token || w->token > token)
            continue;
        w->token = 0;
        (void)!member_submit(m, buf_bytes(&w->entry));
        buf_free(&w->entry);
    }
    uint64_t its = 0;
    for (unsigned i = 0; i < sizeof m->bft_tokens / sizeof *m->bft_tokens; i++)
        if (m->bft_tokens[i].mine && m->bft_tokens[i].mine <= token && m->bft_tokens[i].its > its)
            its = m->bft_tokens[i].its;
    if (m->bft && its)
        bft_durable(m->bft, now, its);
}

/* --- seats --- */

const struct rec_seat *member_seat_of_platform(struct guardian *m, struct bytes platform_id,
                                               struct rec_seat *out)
{
    const struct genesis *g = m->config.genesis;
    if (m->is_founded) {
        struct key prefix = key_plain('s');
        struct bytes key = BYTES_NONE, value;
        while (store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value))
            if (seat_read(value, out) == OK &&
                bytes_eq(bytes(out->platform_id.b, out->platform_id.n), platform_id))
                return out;
        return NULL;
    }
    for (uint32_t i = 0; i < g->n_seats; i++)
        if (bytes_eq(bytes(g->seats[i].platform_id.b, g->seats[i].platform_id.n), platform_id)) {
            *out = g->seats[i];
            return out;
        }
    return NULL;
}

void member_take_seat(struct guardian *m, uint32_t gid)
{
    m->gid = gid;
    if (m->bft)
        bft_set_seat(m->bft, m->now, gid);
}

/* Which seat is ours may change when the state learns of a new one. */
static void find_own_seat(struct guardian *m)
{
    struct rec_seat seat;
    if (m->gid)
        return;
    if (member_seat_of_platform(m, bytes(m->config.platform_id.b, m->config.platform_id.n), &seat))
        member_take_seat(m, seat.gid);
}

/* One link for two members: the lower number dials. Whoever is not a member yet dials all, as
 * members may not know of it. */
static bool dials(const struct guardian *m, uint32_t gid)
{
    bool in = m->is_founded ? cfg_find(state_cfg(m->state), m->gid) >= 0 : m->gid != 0;
    return gid != m->gid && (!in || gid > m->gid);
}

static void tell_peers(struct guardian *m)
{
    struct rec_seat seats[BFT_MAX_MEMBERS];
    size_t n = 0;
    const struct genesis *g = m->config.genesis;
    struct key prefix = key_plain('s');
    struct bytes key = BYTES_NONE, value;
    for (uint32_t i = 0; !m->is_founded && i < g->n_seats; i++)
        if (dials(m, g->seats[i].gid))
            seats[n++] = g->seats[i];
    while (m->is_founded && n < BFT_MAX_MEMBERS &&
           store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value))
        if (seat_read(value, &seats[n]) == OK && dials(m, seats[n].gid))
            n++;
    m->config.out.peers(m->config.out.ctx, seats, n);
}

/* The list follows from who we are, who is a member, and which seats there are. */
static void watch_peers(struct guardian *m)
{
    struct rec_cluster c = state_cluster(m->state);
    uint64_t now = c.policy_height ^ state_epoch(m->state).epoch << 40 ^ (uint64_t)m->gid << 56 ^
                   (m->is_founded ? 1ULL << 63 : 1);
    if (now == m->told_peers)
        return;
    m->told_peers = now;
    tell_peers(m);
}

/* --- beginning --- */

void member_start(struct guardian *m, struct now now)
{
    uint64_t token;
    m->now = now;
    struct sig_public unused;
    if (!m->secrets.has_seat) {
        m->config.deps.sig->keygen(m->config.rng, &m->secrets.seat, &unused);
        rng_fill(m->config.rng, m->secrets.instance_id, sizeof m->secrets.instance_id);
        m->secrets.has_seat = true;
    }
    if (!m->secrets.has_vote) {
        m->config.deps.sig->keygen(m->config.rng, &m->secrets.vote, &unused);
        m->secrets.has_vote = true;
    }
    find_own_seat(m);
    member_store_secrets(m, &token);
    if (m->is_founded) {
        enum err e = member_begin_log(m);
        if (e != OK)
            log_error("the log cannot go on: %s", err_text(e));
    }
    watch_peers(m);
}

void member_tick(struct guardian *m, struct now now)
{
    m->now = now;
    if (m->bft)
        bft_tick(m->bft, now);
    find_own_seat(m);
    watch_peers(m);
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++)
        if (m->links[i].step != LINK_FREE && m->links[i].step != LINK_ATTESTED &&
            now.mono_ms > m->links[i].opened_ms + ATTEST_MS)
            link_drop(m, &m->links[i], "not attested in time");
    if (!m->is_founded)
        found_tick(m);
    else
        rejoin_tick(m);
    peers_tick(m);
    if (m->bft && now.mono_ms >= m->last_drive_ms + 50) {
        m->last_drive_ms = now.mono_ms;
        drive(m);
        checkpoint_tick(m);
        workload_tick(m);
        api_serve(m);
    }
    for (unsigned i = 0; i < JOBS_MAX; i++)
        if (m->jobs[i].kind != JOB_FREE && now.mono_ms > m->jobs[i].deadline_ms) {
            if (m->jobs[i].request)
                api_problem(m, m->jobs[i].request, E_NO_QUORUM, NULL);
            job_end(m, &m->jobs[i]);
        }
}

/* --- jobs --- */

struct job *job_new(struct guardian *m, enum job_kind kind, uint64_t deadline_ms)
{
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        struct job *j = &m->jobs[i];
        if (j->kind != JOB_FREE)
            continue;
        *j = (struct job){.kind = kind, .id = m->next_job++};
        j->deadline_ms = m->now.mono_ms + deadline_ms;
        j->evidence = BUF_INIT(1u << 20);
        return j;
    }
    return NULL;
}

struct job *job_find(struct guardian *m, uint64_t id)
{
    for (unsigned i = 0; i < JOBS_MAX; i++)
        if (m->jobs[i].kind != JOB_FREE && m->jobs[i].id == id)
            return &m->jobs[i];
    return NULL;
}

void job_end(struct guardian *m, struct job *j)
{
    (void)m;
    buf_free(&j->evidence);
    *j = (struct job){.kind = JOB_FREE};
}

void member_quoted(struct guardian *m, struct now now, uint64_t id, struct bytes evidence)
{
    m->now = now;
    struct job *j = job_find(m, id);
    if (!j)
        return;
    if (j->kind == JOB_LINK_QUOTE)
        link_quoted(m, j, evidence);
    else if (j->kind == JOB_API_QUOTE)
        api_quoted(m, j, evidence);
    else if (j->kind == JOB_OWN_QUOTE)
        found_own_quoted(m, evidence);
    job_end(m, j);
}

void member_judged(struct guardian *m, struct now now, uint64_t id, enum err e,
                   const struct claims *claims, const struct problem *problem)
{
    m->now = now;
    struct job *j = job_find(m, id);
    if (!j)
        return;
    if (j->kind == JOB_LINK_JUDGE) {
        link_judged(m, j, e, claims, problem);
        job_end(m, j);
    } else if (j->kind == JOB_LINK_AGAIN) {
        link_judged_again(m, j, e, claims, problem);
        job_end(m, j);
    } else if (j->kind == JOB_OWN_JUDGE) {
        found_own_judged(m, j, e, claims, problem);
        job_end(m, j);
    } else {
        workload_judged(m, j, e, claims, problem);
    }
}

void member_collateral_changed(struct guardian *m, struct now now)
{
    m->now = now;
    m->collateral++;
}

void member_request(struct guardian *m, struct now now, uint64_t request,
                    const struct member_request *r)
{
    m->now = now;
    api_request(m, request, r);
}

void member_api_key(struct guardian *m, struct now now, struct bytes spki)
{
    m->now = now;
    if (spki.n > sizeof m->api_key.b)
        return;
    memcpy(m->api_key.b, spki.p, spki.n);
    m->api_key.n = spki.n;
}

const struct state *member_state(const struct guardian *m)
{
    return m->state;
}

void member_status(const struct guardian *m, struct now now, struct member_status *out)
{
    struct rec_cluster c = state_cluster(m->state);
    struct rec_epoch e = state_epoch(m->state);
    *out = (struct member_status){.gid = m->gid, .height = c.height, .epoch = e.epoch};
    uint64_t until = m->bft ? bft_lease_until(m->bft) : 0;
    out->lease_ms = until > now.mono_ms ? until - now.mono_ms : 0;
    out->checkpoints = m->checkpoint.taken;
    out->holds_share = m->secrets.share.epoch == e.epoch && e.epoch > 0;
    if (!m->is_founded)
        out->phase = m->is_signing ? MEMBER_CHECK_READINESS : MEMBER_WAIT_FOR_QUORUM;
    else
        out->phase = member_votes(m) ? MEMBER_ACTIVE : MEMBER_WAIT_FOR_CLUSTER;
}
