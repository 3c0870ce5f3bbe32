/*
 * Algorithm 1 of arXiv 1807.04938 ("line N" below), with the rules F1-F8 and
 * H1-H14 of consensus.md. Each rule function looks at the state, does at most
 * one thing and says whether it did; step_settle() applies them until none
 * does.
 */
#include "core/consensus/inside.h"

void step_alarm(struct bft *b, const char *text)
{
    if (!b->config.out.alarm || b->alarm_height == b->height)
        return;
    b->alarm_height = b->height;
    b->config.out.alarm(b->config.out.ctx, text);
}

uint32_t step_quorum(const struct bft *b)
{
    return b->cfg.q;
}

uint32_t step_proposer(const struct bft *b, uint32_t round)
{
    return bft_proposer(&b->cfg, &b->run, round);
}

void step_changed(struct bft *b)
{
    b->changed_ms = b->now.mono_ms;
    b->resend_wait = RESEND_FIRST_MS;
    b->resend_at = b->now.mono_ms + b->resend_wait;
}

static bool vote_known(void *ctx, const struct vote *vote)
{
    struct bft *b = ctx;
    int seat = cfg_find(&b->cfg, vote->gid);
    const struct vote *kept =
        seat < 0 ? NULL : tally_find(&b->tally, seat, vote->type, vote->round);
    return kept && vote->height == b->height && hash32_eq(kept->id, vote->id) &&
           memcmp(kept->signature.b, vote->signature.b, sizeof vote->signature.b) == 0;
}

struct judge step_judge(struct bft *b)
{
    return (struct judge){b->config.scheme, &b->cfg, b->cfg_hash, vote_known, b};
}

struct held *step_block(struct bft *b, struct hash32 id)
{
    if (b->valid && hash32_eq(b->valid->id, id))
        return b->valid;
    if (b->spare && hash32_eq(b->spare->id, id))
        return b->spare;
    for (int i = 0; i < 3; i++)
        if (b->proposed[i].used && hash32_eq(b->proposed[i].block->id, id))
            return b->proposed[i].block;
    return NULL;
}

/* --- the own key ----------------------------------------------------------------- */

bool step_key_named(const struct bft *b)
{
    return b->has_key && b->seat >= 0 && sig_public_eq(b->cfg.member[b->seat].vote_key, b->public);
}

static bool may_vote(const struct bft *b)
{
    return step_key_named(b) && !b->cfg.member[b->seat].suspended && !b->unsure &&
           b->ahead_height == 0;
}

/* H4: base + r * delta. */
static uint64_t timeout_ms(const struct bft *b, uint32_t round)
{
    uint64_t delta = b->base_ms > TIMEOUT_DELTA_LEAST_MS ? b->base_ms : TIMEOUT_DELTA_LEAST_MS;
    uint64_t ms = b->base_ms + round * delta;
    return ms < TIMEOUT_MOST_MS ? ms : TIMEOUT_MOST_MS;
}

/* Arms what the present step needs, after sleeping or following. */
static void resume(struct bft *b)
{
    b->waits_prevote = b->waits_precommit = false;
    b->propose_at = b->prevote_at = b->precommit_at = NEVER;
    if (b->voting && b->step == STEP_PROPOSE)
        b->propose_at = b->now.mono_ms + timeout_ms(b, b->round);
    step_changed(b);
}

void step_refresh_key(struct bft *b)
{
    /* In strict mode votes leave no record, so a key that outlived a boot may have cast any. */
    if (b->key_restored && b->cfg.mode == BFT_STRICT && step_key_named(b))
        record_key_stale(b);
    bool before = b->voting;
    if (!b->key_in_force && step_key_named(b)) {
        b->key_in_force = true;
        b->key_serial = b->cfg.serial;
    }
    b->voting = may_vote(b);
    if (b->voting != before && b->active)
        resume(b);
}

/* H6, H7: whoever decides a block that ends a key wipes it. A RESTART ends all keys of before, also
   those of seats that gave no new one (H5). */
static void wipe_ended_key(struct bft *b)
{
    bool goes_on = step_key_named(b) && b->key_serial == b->cfg.serial;
    if (!b->has_key || !b->key_in_force || goes_on)
        return;
    sig_secret_wipe(&b->secret);
    b->has_key = false;
    if (b->config.out.key_ended)
        b->config.out.key_ended(b->config.out.ctx);
}

/* --- entering a height -------------------------------------------------------------- */

/* The q-th smallest measured delay; own and unmeasured seats are 0 and infinite. */
static uint32_t quorum_delay(const struct bft *b)
{
    uint32_t d[BFT_MAX_MEMBERS];
    for (uint32_t i = 0; i < b->cfg.n; i++) {
        uint32_t ms = b->delay_ms[i] ? b->delay_ms[i] - 1 : UINT32_MAX;
        d[i] = (int)i == b->seat ? 0 : ms;
        for (uint32_t k = i; k > 0 && d[k] < d[k - 1]; k--) {
            uint32_t swap = d[k];
            d[k] = d[k - 1];
            d[k - 1] = swap;
        }
    }
    return d[b->cfg.q - 1];
}

/* H4: 3 x the delay of the q-th fastest member. */
static uint32_t base_timeout(const struct bft *b)
{
    uint32_t delay = quorum_delay(b);
    if (delay == UINT32_MAX || b->cfg.n == 1)
        return TIMEOUT_BASE_MS;
    uint64_t ms = 3 * (uint64_t)delay;
    if (ms > TIMEOUT_MOST_MS)
        return TIMEOUT_MOST_MS;
    return ms < TIMEOUT_LEAST_MS ? TIMEOUT_LEAST_MS : (uint32_t)ms;
}

static void load_cfg(struct bft *b)
{
    const struct bft_app *app = &b->config.app;
    struct hash32 before = b->cfg_hash;
    b->cfg = *app->cfg(app->ctx);
    GD_BUG_ON(cfg_check(&b->cfg) != OK);
    b->cfg_hash = cfg_hash(&b->cfg);
    b->run = *app->run(app->ctx);
    b->seat = cfg_find(&b->cfg, b->config.gid);
    if (MUTANT(b, MUTANT_SHORT_QUORUM))
        b->cfg.q--;
    if (hash32_eq(before, b->cfg_hash))
        return;
    pool_forget_sent(&b->pool);
    lease_forget_answers(b);
    memset(b->delay_ms, 0, sizeof b->delay_ms);
}

static void forget_height(struct bft *b)
{
    held_drop(&b->valid);
    held_drop(&b->spare);
    for (int i = 0; i < 3; i++) {
        held_drop(&b->proposed[i].block);
        b->proposed[i] = (struct proposed){0};
    }
    owned_drop(&b->certificate);
    b->pol = b->pol_wanted = (struct certificate){0};
    b->proof = (struct round_proof){0};
    b->active = b->slept = false;
    b->round = 0;
    b->step = STEP_PROPOSE;
    b->locked_round = b->valid_round = b->proposed_round = BFT_NO_ROUND;
    b->locked_id = (struct hash32){0};
    b->waits_prevote = b->waits_precommit = false;
    b->propose_at = b->prevote_at = b->precommit_at = NEVER;
    memset(b->own_vote, 0, sizeof b->own_vote);
    record_drop_outbox(b);
}

void step_enter_height(struct bft *b)
{
    forget_height(b);
    b->height = b->tip.height + 1;
    load_cfg(b);
    tally_clear(&b->tally, b->cfg.n);
    b->base_ms = base_timeout(b);
    wipe_ended_key(b);
    step_refresh_key(b);
    b->changed_ms = b->now.mono_ms;
    b->ask_at = b->now.mono_ms + ASK_IDLE_MS;
    record_reached(b);
}

/* Lines 11 and 55: StartRound. */
static void start_round(struct bft *b, uint32_t round, const struct round_proof *proof)
{
    GD_BUG_ON(round < b->round);
    b->active = true;
    b->slept = false;
    b->round = round;
    b->rounds++;
    b->step = STEP_PROPOSE;
    b->proof = proof ? *proof : (struct round_proof){0};
    for (int i = 0; i < 3; i++)
        if (b->proposed[i].used && b->proposed[i].p.round + 1 < round) {
            held_drop(&b->proposed[i].block);
            b->proposed[i] = (struct proposed){0};
        }
    tally_purge(&b->tally, round);
    resume(b);
}

/* --- votes -------------------------------------------------------------------------- */

static void remember_own_vote(struct bft *b, const struct vote *vote)
{
    for (int i = 0; i < 4; i++) {
        struct vote *v = &b->own_vote[i];
        if (v->height == b->height && v->round + 1 >= b->round)
            continue;
        *v = *vote;
        return;
    }
    GD_BUG_ON(true); /* two types, two rounds */
}

/* An honest key never votes twice and never goes back: safety rests on it. */
static void check_never_back(struct bft *b, const struct vote *vote)
{
    int row = vote->type == VOTE_PRECOMMIT;
    GD_BUG_ON(b->signed_vote[row].used && b->signed_vote[row].height > vote->height);
    GD_BUG_ON(b->signed_vote[row].used && b->signed_vote[row].height == vote->height &&
              b->signed_vote[row].round >= vote->round);
    b->signed_vote[row].used = true;
    b->signed_vote[row].height = vote->height;
    b->signed_vote[row].round = vote->round;
}

static void cast(struct bft *b, enum vote_type type, struct hash32 id)
{
    GD_BUG_ON(!b->voting);
    struct message m = {.type = WIRE_VOTE, .has_vote = true};
    m.vote = (struct vote){
        .type = type, .height = b->height, .round = b->round, .id = id, .gid = b->config.gid};
    check_never_back(b, &m.vote);
    if (type == VOTE_PREVOTE)
        b->propose_at = NEVER;
    else
        b->prevote_at = NEVER;
    struct hash64 d = vote_digest(b->cfg.cluster_id, b->cfg_hash, type, b->height, b->round, id);
    m.vote.signature = b->config.scheme->sign(&b->secret, BYTES_OF(d.b));
    remember_own_vote(b, &m.vote);
    bool lock = type == VOTE_PRECOMMIT && !hash32_is_zero(id);
    if (lock) {
        m.certificate = b->pol; /* F2 */
        b->precommit_height = b->height;
    }
    step_sent_vote(b, &m.vote);
    step_changed(b);
    record_send(b, &m, lock || b->cfg.mode == BFT_SEALED); /* F4 */
}

static void give_evidence(struct bft *b, int seat, struct bytes evidence)
{
    const struct sig_public *key = &b->cfg.member[seat].vote_key;
    for (uint32_t i = 0; i < b->lies; i++)
        if (sig_public_eq(b->lied[i], *key))
            return;
    b->lied[b->lies % BFT_MAX_MEMBERS] = *key;
    if (b->lies < BFT_MAX_MEMBERS)
        b->lies++;
    if (b->config.out.evidence)
        b->config.out.evidence(b->config.out.ctx, evidence);
}

/* H11: the second of two is evidence, and not counted. */
static void second_vote(struct bft *b, int seat, const struct vote *first,
                        const struct vote *second)
{
    struct buf out = BUF_INIT(BFT_MAX_EQUIVOCATION);
    struct writer w = writer(&out);
    if (equivocation_of_votes(first, second, &w) == OK)
        give_evidence(b, seat, buf_bytes(&out));
    buf_free(&out);
}

void step_vote(struct bft *b, int seat, const struct vote *vote)
{
    const struct vote *first = tally_find(&b->tally, seat, vote->type, vote->round);
    if (first) {
        second_vote(b, seat, first, vote);
        return;
    }
    if (!tally_room(&b->tally, seat, vote->type, vote->round, b->round))
        return;
    tally_add(&b->tally, seat, vote, b->round);
    step_changed(b);
}

/* --- proposals ------------------------------------------------------------------------ */

static void second_proposal(struct bft *b, const struct proposal *first,
                            const struct proposal *second)
{
    struct buf out = BUF_INIT(BFT_MAX_EQUIVOCATION);
    struct writer w = writer(&out);
    int seat = cfg_find(&b->cfg, second->gid);
    if (seat >= 0 && equivocation_of_proposals(first, second, &w) == OK)
        give_evidence(b, seat, buf_bytes(&out));
    buf_free(&out);
}

void step_proposal(struct bft *b, const struct message *m, struct held *block)
{
    struct proposed *slot = &b->proposed[m->proposal.round % 3];
    if (slot->used) {
        second_proposal(b, &slot->p, &m->proposal);
        return;
    }
    *slot = (struct proposed){
        .used = true, .durable = true, .p = m->proposal, .block = held_ref(block)};
    slot->pol = m->certificate;
    step_changed(b);
}

/* --- POLs, round proofs, certificates --------------------------------------------------- */

static void keep_spare(struct bft *b, struct held *block)
{
    if (!block || step_block(b, block->id))
        return;
    held_drop(&b->spare);
    b->spare = held_ref(block);
}

/* The first f+1 votes of a POL show its round (F3). */
static struct round_proof proof_of_pol(const struct bft *b, const struct certificate *pol)
{
    struct round_proof proof = {.round = pol->round};
    for (uint32_t i = 0; i < pol->n && i <= b->cfg.f; i++)
        proof.vote[proof.n++] = certificate_vote(pol, i);
    return proof;
}

static void set_valid(struct bft *b, const struct certificate *pol, struct held *held)
{
    struct held *old = b->valid;
    b->valid = held_ref(held);
    held_drop(&old);
    b->valid_round = pol->round;
    b->pol = *pol;
    if (b->pol_wanted.n > 0 && b->pol_wanted.round <= pol->round)
        b->pol_wanted = (struct certificate){0};
    step_changed(b);
}

void step_pol(struct bft *b, const struct certificate *pol, struct held *block)
{
    bool reachable = pol->round <= b->round || pol->round - b->round <= ROUND_REACH; /* H13 */
    if (!reachable)
        return;
    if (b->valid_round != BFT_NO_ROUND && pol->round <= b->valid_round) {
        if (pol->round == b->valid_round && !hash32_eq(pol->id, b->pol.id))
            step_alarm(b, "two blocks have a quorum of prevotes in one round");
        return;
    }
    keep_spare(b, block);
    if (pol->round > b->round) { /* F2 */
        struct round_proof proof = proof_of_pol(b, pol);
        start_round(b, pol->round, &proof);
    }
    struct held *held = step_block(b, pol->id);
    if (held && chain_valid(b, held)) {
        set_valid(b, pol, held); /* lines 42, 43 */
    } else if (!held && (b->pol_wanted.n == 0 || b->pol_wanted.round < pol->round)) {
        b->pol_wanted = *pol;
        step_changed(b);
    }
}

void step_round_proof(struct bft *b, const struct round_proof *proof)
{
    if (proof->round > b->round && proof->round - b->round <= ROUND_REACH)
        start_round(b, proof->round, proof);
}

void step_certificate(struct bft *b, const struct certificate *c, struct held *block)
{
    if (block) {
        held_drop(&b->spare);
        b->spare = held_ref(block);
    }
    if (b->certificate.c.n == 0 || c->restart.n > 0)
        owned_set(&b->certificate, c);
}

/* --- the rules ---------------------------------------------------------------------------- */

/* The tip moves; the application applies the block in between. */
static void decide(struct bft *b, struct held *held)
{
    struct owned c = b->certificate;
    b->certificate = (struct owned){0};
    struct held *keep = held_ref(held);
    struct buf bytes = BUF_INIT(BFT_MAX_CERTIFICATE);
    struct writer w = writer(&bytes);
    certificate_encode(&w, &c.c);
    GD_BUG_ON(keep->block.header.height != b->tip.height + 1);
    b->config.out.decided(b->config.out.ctx, &keep->block, held_bytes(keep), &c.c,
                          buf_bytes(&bytes));
    owned_drop(&b->tip_certificate);
    b->tip_certificate = c;
    b->tip = (struct bft_tip){keep->block.header.height, keep->id, keep->block.header.time_ms, c.c};
    b->last_cfg = b->cfg;
    b->last_cfg_hash = b->cfg_hash;
    b->has_last_cfg = true;
    step_enter_height(b);
    chain_prune(b, &keep->block);
    held_drop(&keep);
    buf_free(&bytes);
}

/* Line 49; F6: the block with that id and the quorum decide, whoever sent them. */
static bool rule_decide(struct bft *b)
{
    struct certificate c;
    if (b->certificate.c.n == 0 &&
        tally_quorum(&b->tally, VOTE_PRECOMMIT, step_quorum(b), BFT_NO_ROUND, &c))
        owned_set(&b->certificate, &c);
    struct held *held = b->certificate.c.n == 0 ? NULL : step_block(b, b->certificate.c.id);
    if (!held)
        return false;
    if (!chain_valid(b, held)) {
        step_alarm(b, "a quorum decided a block that is not valid here: the states differ");
        return false;
    }
    decide(b, held);
    return true;
}

/* F2: quorums of loose prevotes, and POLs whose block has come. */
static bool rule_pol(struct bft *b)
{
    uint32_t round = b->round, valid = b->valid_round, wanted = b->pol_wanted.round;
    bool wants = b->pol_wanted.n > 0;
    struct certificate pol;
    if (tally_quorum(&b->tally, VOTE_PREVOTE, step_quorum(b), b->valid_round, &pol))
        step_pol(b, &pol, NULL);
    if (b->pol_wanted.n > 0) {
        pol = b->pol_wanted;
        step_pol(b, &pol, NULL);
    }
    return round != b->round || valid != b->valid_round || wants != (b->pol_wanted.n > 0) ||
           wanted != b->pol_wanted.round;
}

/* Line 55, F3: f+1 members are further: to the largest round they have all reached. */
static bool rule_skip(struct bft *b)
{
    uint32_t round;
    if (!tally_reached(&b->tally, b->cfg.f + 1, &round) || round <= b->round ||
        round - b->round > ROUND_REACH)
        return false;
    struct round_proof proof;
    tally_proof_from(&b->tally, round, b->cfg.f + 1, &proof);
    start_round(b, round, &proof);
    return true;
}

static bool proposal_waits(const struct bft *b)
{
    for (int i = 0; i < 3; i++)
        if (b->proposed[i].used && b->proposed[i].p.round >= b->round)
            return true;
    return false;
}

/* F5: what starts a height, or wakes it up again. */
static bool something_to_do(const struct bft *b)
{
    if (pool_ready(&b->pool) || b->valid || b->pol_wanted.n > 0 || b->certificate.c.n > 0 ||
        proposal_waits(b))
        return true;
    uint32_t seats = b->slept ? tally_seats_for_blocks(&b->tally) : tally_seats_from(&b->tally, 0);
    return seats > b->cfg.f;
}

bool step_nothing_to_do(struct bft *b)
{
    return !pool_ready(&b->pool) && !b->valid && b->pol_wanted.n == 0 && b->certificate.c.n == 0 &&
           !proposal_waits(b) && tally_seats_for_blocks(&b->tally) <= b->cfg.f;
}

void step_sleep(struct bft *b)
{
    b->active = false;
    b->slept = true;
    b->propose_at = b->prevote_at = b->precommit_at = NEVER;
    b->ask_at = b->now.mono_ms + ASK_IDLE_MS;
}

static bool rule_start(struct bft *b)
{
    if (b->active || !something_to_do(b))
        return false;
    if (b->slept || b->round > 0) {
        b->active = true;
        b->slept = false;
        resume(b);
    } else {
        start_round(b, 0, NULL);
    }
    return true;
}

static void propose(struct bft *b, struct held *held, uint32_t valid_round)
{
    struct message m = {.type = WIRE_PROPOSAL};
    m.proposal = (struct proposal){.height = b->height,
                                   .round = b->round,
                                   .id = held->id,
                                   .valid_round = valid_round,
                                   .gid = b->config.gid};
    struct hash64 d = proposal_digest(b->cfg.cluster_id, b->cfg_hash, &m.proposal);
    m.proposal.signature = b->config.scheme->sign(&b->secret, BYTES_OF(d.b));
    if (valid_round != BFT_NO_ROUND)
        m.certificate = b->pol; /* F2 */
    m.block = held_bytes(held);
    b->proposed_round = b->round;
    step_proposal(b, &m, held);
    bool sealed = b->cfg.mode == BFT_SEALED;
    b->proposed[b->round % 3].durable = !sealed;
    record_send(b, &m, sealed); /* F4 */
}

/* Lines 14-19; F5: as soon as there is an entry. */
static bool rule_propose(struct bft *b)
{
    bool mine = b->step == STEP_PROPOSE && step_proposer(b, b->round) == b->config.gid;
    if (!mine || b->proposed_round == b->round || b->proposed[b->round % 3].used)
        return false;
    struct held *held = b->valid ? held_ref(b->valid) : chain_build(b);
    if (!held)
        return false;
    propose(b, held, b->valid ? b->valid_round : BFT_NO_ROUND);
    held_drop(&held);
    return true;
}

/* Line 22: a fresh proposal. The local checks may cost a round, no more (F8). */
static bool accepts_fresh(struct bft *b, const struct proposed *slot)
{
    bool locked = b->locked_round != BFT_NO_ROUND && !MUTANT(b, MUTANT_NO_LOCK);
    if (locked)
        return hash32_eq(b->locked_id, slot->p.id) && chain_valid(b, slot->block);
    const struct header *h = &slot->block->block.header;
    if (h->round != b->round || h->proposer != slot->p.gid || !chain_valid(b, slot->block))
        return false;
    return slot->p.gid == b->config.gid || chain_acceptable(b, slot->block, slot->p.gid);
}

/* Line 28: a block proposed again with the POL of an earlier round. */
static bool accepts_again(struct bft *b, const struct proposed *slot)
{
    bool free = b->locked_round == BFT_NO_ROUND || b->locked_round <= slot->p.valid_round ||
                MUTANT(b, MUTANT_NO_LOCK) || MUTANT(b, MUTANT_VALID_ROUND);
    return (free || hash32_eq(b->locked_id, slot->p.id)) && chain_valid(b, slot->block);
}

static bool rule_prevote(struct bft *b)
{
    const struct proposed *slot = &b->proposed[b->round % 3];
    if (b->step != STEP_PROPOSE || !slot->used || slot->p.round != b->round)
        return false;
    bool fresh = slot->p.valid_round == BFT_NO_ROUND;
    bool yes = fresh ? accepts_fresh(b, slot) : accepts_again(b, slot);
    b->step = STEP_PREVOTE;
    cast(b, VOTE_PREVOTE, yes ? slot->p.id : (struct hash32){0});
    return true;
}

/* Lines 36 and 44. */
static bool rule_precommit(struct bft *b)
{
    if (b->step != STEP_PREVOTE)
        return false;
    struct hash32 nil = {0};
    if (b->valid && b->valid_round == b->round) {
        b->locked_round = b->round;
        b->locked_id = b->valid->id;
        b->step = STEP_PRECOMMIT;
        cast(b, VOTE_PRECOMMIT, b->valid->id);
        return true;
    }
    if (tally_count_id(&b->tally, VOTE_PREVOTE, b->round, nil) < step_quorum(b))
        return false;
    b->step = STEP_PRECOMMIT;
    cast(b, VOTE_PRECOMMIT, nil);
    return true;
}

/* Lines 34 and 47: q votes of the round, whatever for; a POL or certificate whose block is missing
   holds q of them too. */
static bool rule_wait(struct bft *b)
{
    bool pol = b->pol_wanted.n > 0 && b->pol_wanted.round == b->round;
    if (b->step == STEP_PREVOTE && !b->waits_prevote &&
        (pol || tally_count(&b->tally, VOTE_PREVOTE, b->round) >= step_quorum(b))) {
        b->waits_prevote = true;
        b->prevote_at = b->now.mono_ms + timeout_ms(b, b->round);
        return true;
    }
    bool certified = b->certificate.c.n > 0 && b->certificate.c.round == b->round;
    if (!b->waits_precommit &&
        (certified || tally_count(&b->tally, VOTE_PRECOMMIT, b->round) >= step_quorum(b))) {
        b->waits_precommit = true;
        b->precommit_at = b->now.mono_ms + timeout_ms(b, b->round);
        return true;
    }
    return false;
}

/* Line 65, or back to sleep. */
static void round_over(struct bft *b)
{
    b->precommit_at = NEVER;
    chain_prune(b, NULL);
    if (step_nothing_to_do(b)) {
        step_sleep(b);
        return;
    }
    struct round_proof proof;
    tally_proof_of_precommits(&b->tally, b->round, &proof);
    if (proof.n < step_quorum(b)) { /* the quorum is that of the certificate */
        proof.n = 0;
        for (uint32_t i = 0; i < b->certificate.c.n; i++)
            proof.vote[proof.n++] = certificate_vote(&b->certificate.c, i);
    }
    start_round(b, b->round + 1, &proof);
    chain_forward(b, BFT_ALL, NULL);
}

static bool rule_timeout(struct bft *b)
{
    uint64_t now = b->now.mono_ms;
    struct hash32 nil = {0};
    if (b->step == STEP_PROPOSE && b->propose_at <= now) { /* line 57 */
        b->propose_at = NEVER;
        b->step = STEP_PREVOTE;
        cast(b, VOTE_PREVOTE, nil);
        chain_forward(b, BFT_ALL, NULL);
        return true;
    }
    if (b->step == STEP_PREVOTE && b->prevote_at <= now) { /* line 61 */
        b->prevote_at = NEVER;
        b->step = STEP_PRECOMMIT;
        cast(b, VOTE_PRECOMMIT, nil);
        return true;
    }
    if (b->precommit_at <= now) {
        round_over(b);
        return true;
    }
    return false;
}

static const struct {
    bool (*apply)(struct bft *b);
    bool votes; /* only for a member that votes, in a height that has begun */
} rules[] = {
    {rule_decide, false},   {rule_pol, false},    {rule_skip, false},
    {rule_start, false},    {rule_propose, true}, {rule_prevote, true},
    {rule_precommit, true}, {rule_wait, true},    {rule_timeout, true},
};

static bool apply_one(struct bft *b)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((!rules[i].votes || (b->voting && b->active)) && rules[i].apply(b))
            return true;
    return false;
}

void step_settle(struct bft *b)
{
    while (apply_one(b)) {
        /* Lemma: nobody is locked in a round above the one it holds valid. */
        GD_BUG_ON(b->locked_round != BFT_NO_ROUND &&
                  (b->valid_round == BFT_NO_ROUND || b->locked_round > b->valid_round));
        GD_BUG_ON(b->valid_round != BFT_NO_ROUND && b->valid_round > b->round);
    }
    lease_evaluate(b);
}

/* --- measured delays (H4) ---------------------------------------------------------------- */

void step_sent_vote(struct bft *b, const struct vote *vote)
{
    b->sent_vote[b->sent_votes++ % 8] =
        (struct sent_vote){vote->height, b->now.mono_ms, vote->round, vote->type};
}
