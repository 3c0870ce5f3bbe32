/*
 * Checkpoints between guardians (core/state/checkpoint.h): each offers its newest
 * one that it can prove, in parts; whoever hears from the log that the blocks it
 * needs are gone asks that peer for it, part by part, and takes the state over
 * when all of it is here and is what the proof names.
 *
 * A peer that sends something else, or nothing, costs one transfer: the next
 * answer of the log comes from another one.
 */
#include "core/member/member_int.h"
#include "base/log.h"

/* Two parts fit into one frame of MEMBER_MESSAGE_MAX. */
#define PART_MAX (512u << 10)
/* A peer that is silent for so long is given up. */
#define PATIENCE_MS 5000
/* What is being fetched is offered for so long after the last part, also when it is not the newest.
 */
#define OFFERED_MS 10000

/* --- offering --- */

/* One that waits for its proof is not replaced: it is as good, and would wait for ever. */
static enum err keep_fresh(struct guardian *m, uint64_t height, struct bytes state)
{
    struct checkpoint_state *fresh = &m->checkpoint.fresh;
    if (fresh->state.n)
        return OK;
    *fresh = (struct checkpoint_state){.height = height, .state = BUF_INIT(CHECKPOINT_STATE_MAX)};
    return buf_add(&fresh->state, state.p, state.n);
}

/* The state after this block; a restart begins there. */
void checkpoint_make(struct guardian *m, uint64_t height, struct bytes certificate)
{
    struct buf record = BUF_INIT(CHECKPOINT_STATE_MAX + BFT_MAX_CERTIFICATE + 16);
    struct writer w = writer(&record);
    uint64_t token;
    wr_var(&w, certificate);
    size_t head = record.n;
    enum err e = state_save(m->state, &record);
    if (e == OK)
        e = keep_fresh(m, height, bytes(record.p + head, record.n - head));
    if (e == OK)
        member_seal_and_store(m, RECORD_CHECKPOINT, height, buf_bytes(&record), &token);
    else
        log_warn("the state at height %llu is not kept: %s", (unsigned long long)height,
                 err_text(e));
    buf_free(&record);
}

enum err checkpoint_restore(struct guardian *m, uint64_t height, struct bytes record)
{
    struct reader r = reader(record);
    struct bytes certificate = rd_var(&r, BFT_MAX_CERTIFICATE), state = rd_rest(&r);
    if (r.bad)
        return E_MALFORMED;
    TRY(state_load(m->state, state, NULL));
    buf_clear(&m->checkpoint.certificate);
    TRY(buf_add(&m->checkpoint.certificate, certificate.p, certificate.n));
    return keep_fresh(m, height, state);
}

/* The proof comes with the next block, and the signature over its members, which may take longer.
 */
void checkpoint_tick(struct guardian *m)
{
    struct checkpoint_state *fresh = &m->checkpoint.fresh, *offer = &m->checkpoint.offer;
    const struct kept_block *next = blocks_get(&m->blocks, fresh->height + 1);
    bool is_fetched =
        m->checkpoint.asked_ms && m->now.mono_ms < m->checkpoint.asked_ms + OFFERED_MS;
    if (!fresh->state.n || !next || is_fetched)
        return;
    fresh->proof = BUF_INIT(CHECKPOINT_PROOF_MAX);
    if (checkpoint_prove(m->state, next->block, next->certificate, &fresh->proof) != OK) {
        buf_free(&fresh->proof);
        return;
    }
    checkpoint_state_free(offer);
    *offer = *fresh;
    *fresh = (struct checkpoint_state){0};
}

uint64_t checkpoint_offered(void *ctx)
{
    return ((struct guardian *)ctx)->checkpoint.offer.height;
}

/* u64 height (0: the newest), u64 offset. What cannot be gone on with begins anew. */
static void on_ask(struct guardian *m, struct link *l, struct reader *r)
{
    const struct checkpoint_state *offer = &m->checkpoint.offer;
    uint64_t height = rd_u64(r), offset = rd_u64(r);
    if (reader_end(r, E_MALFORMED) != OK || !offer->state.n)
        return;
    if (height != offer->height || offset >= offer->state.n)
        offset = 0;
    size_t left = offer->state.n - offset, n = left < PART_MAX ? left : PART_MAX;
    struct buf b = BUF_INIT(PART_MAX + CHECKPOINT_PROOF_MAX + 256);
    struct writer w = writer(&b);
    wr_u8(&w, MSG_CHECKPOINT_PART);
    wr_u64(&w, offer->height);
    wr_u64(&w, offer->state.n);
    wr_u64(&w, offset);
    wr_var(&w, offset ? BYTES_NONE : buf_bytes(&offer->proof));
    wr_var(&w, bytes(offer->state.p + offset, n));
    if (writer_end(&w) == OK)
        link_send(m, l, buf_bytes(&b));
    m->checkpoint.asked_ms = m->now.mono_ms;
    buf_free(&b);
}

/* --- fetching --- */

static void ask(struct guardian *m, struct link *l)
{
    struct checkpoint_fetch *f = &m->checkpoint.fetch;
    struct buf b = BUF_INIT(64);
    struct writer w = writer(&b);
    wr_u8(&w, MSG_CHECKPOINT_ASK);
    wr_u64(&w, f->got.height);
    wr_u64(&w, f->got.state.n);
    f->asked_ms = m->now.mono_ms;
    link_send(m, l, buf_bytes(&b));
    buf_free(&b);
}

static void give_up(struct guardian *m, const char *why)
{
    struct checkpoint_fetch *f = &m->checkpoint.fetch;
    log_warn("the checkpoint of guardian %u is not taken: %s", f->gid, why);
    f->refused = f->gid;
    f->gid = 0;
    checkpoint_state_free(&f->got);
}

void checkpoint_wanted(struct guardian *m, uint32_t gid)
{
    struct checkpoint_fetch *f = &m->checkpoint.fetch;
    struct link *l = link_of_gid(m, gid);
    if (f->gid && m->now.mono_ms < f->asked_ms + PATIENCE_MS)
        return;
    if (f->gid)
        give_up(m, "it is silent");
    bool is_due = m->now.mono_ms >= f->asked_ms + PATIENCE_MS;
    /* Whoever failed last waits for another's turn, unless it is the only one. */
    if (!l || state_cluster(m->state).generation == 0 || (gid == f->refused && !is_due))
        return;
    log_info("guardian %u no longer has the blocks needed here: asking for its checkpoint", gid);
    f->gid = gid;
    f->got = (struct checkpoint_state){.state = BUF_INIT(CHECKPOINT_STATE_MAX),
                                       .proof = BUF_INIT(CHECKPOINT_PROOF_MAX)};
    ask(m, l);
}

/* All of it is here. */
static void take_over(struct guardian *m)
{
    struct checkpoint_state got = m->checkpoint.fetch.got;
    struct checkpoint c;
    struct problem p = {0};
    struct buf certificate = BUF_INIT(BFT_MAX_CERTIFICATE);
    struct writer w = writer(&certificate);
    enum err e = checkpoint_check(m->state, buf_bytes(&got.proof), &c, &p);
    if (e == OK && c.height <= state_cluster(m->state).height)
        e = E_STALE;
    if (e == OK)
        e = state_load(m->state, buf_bytes(&got.state), &c.state_root);
    if (e != OK) {
        give_up(m, p.err ? problem_text(&p) : err_text(e));
        return;
    }
    m->checkpoint.fetch = (struct checkpoint_fetch){0};
    m->checkpoint.taken++;
    certificate_encode(&w, &c.last);
    blocks_clear(&m->blocks);
    checkpoint_make(m, c.height, buf_bytes(&certificate));
    struct bft_tip tip = {.height = c.height,
                          .id = c.id,
                          .time_ms = state_cluster(m->state).time_ms,
                          .certificate = c.last};
    e = bft_install(m->bft, m->now, &tip);
    log_info("went on from the checkpoint at height %llu%s", (unsigned long long)c.height,
             e == OK ? "" : ", which the log does not take");
    buf_free(&certificate);
    checkpoint_state_free(&got);
    member_state_changed(m);
}

/* u64 height, u64 size, u64 offset, var proof (with offset 0), var bytes. */
static void on_part(struct guardian *m, struct link *l, struct reader *r)
{
    struct checkpoint_fetch *f = &m->checkpoint.fetch;
    struct checkpoint c;
    struct problem p = {0};
    uint64_t height = rd_u64(r), size = rd_u64(r), offset = rd_u64(r);
    struct bytes proof = rd_var(r, CHECKPOINT_PROOF_MAX), part = rd_var(r, PART_MAX);
    if (reader_end(r, E_MALFORMED) != OK || f->gid != l->subject.gid)
        return;
    if (offset == 0) { /* the first, or the peer has another one by now */
        buf_clear(&f->got.state);
        buf_clear(&f->got.proof);
        f->got.height = height;
        f->size = size;
        if (checkpoint_check(m->state, proof, &c, &p) != OK || c.height != height) {
            give_up(m, p.err ? problem_text(&p) : "its proof is for another height");
            return;
        }
        (void)!buf_add(&f->got.proof, proof.p, proof.n);
    }
    if (height != f->got.height || size != f->size || size > CHECKPOINT_STATE_MAX ||
        offset != f->got.state.n || part.n == 0 || part.n > size - offset ||
        buf_add(&f->got.state, part.p, part.n) != OK) {
        give_up(m, "its parts do not fit together");
        return;
    }
    if (f->got.state.n == f->size)
        take_over(m);
    else
        ask(m, l);
}

void checkpoint_message(struct guardian *m, struct link *l, uint8_t type, struct reader *r)
{
    if (type == MSG_CHECKPOINT_ASK)
        on_ask(m, l, r);
    else
        on_part(m, l, r);
}

void checkpoint_state_free(struct checkpoint_state *c)
{
    buf_free(&c->state);
    buf_free(&c->proof);
    *c = (struct checkpoint_state){0};
}

void checkpoint_free(struct guardian *m)
{
    checkpoint_state_free(&m->checkpoint.fresh);
    checkpoint_state_free(&m->checkpoint.offer);
    checkpoint_state_free(&m->checkpoint.fetch.got);
    buf_free(&m->checkpoint.certificate);
}
