/*
 * Freshness (consensus.md, Freshness; H12). Let T be the asker's last decided
 * height. If block T+1 had been decided before the question was sent, q members
 * of the cfg of T+1 had precommitted it; so among any q answers by keys of that
 * cfg, one is of an honest member that names T+1 or more. Hence q answers under
 * the cfg of T+1, none above T, show that T was the end when the question left.
 */
#include "core/consensus/inside.h"

/* What an answer says: the highest height this member is sure about or has precommitted. */
static void prove(struct bft *b, struct message *m)
{
    if (b->precommit_height == b->height && b->valid) {
        m->number = b->height;
        m->certificate = b->pol;
        m->block = held_bytes(b->valid);
    } else {
        m->number = b->tip.height;
        m->certificate = b->tip.certificate;
    }
}

void lease_answer(struct bft *b, struct peer *peer, const struct message *ask)
{
    if (!b->voting || !bucket_take(&peer->leases, b->now.mono_ms))
        return;
    struct message m = {.type = WIRE_LEASE_ANSWER, .cfg = b->cfg_hash, .gid = b->config.gid};
    memcpy(m.nonce, ask->nonce, sizeof m.nonce);
    prove(b, &m);
    struct hash64 d = lease_digest(b->cfg.cluster_id, b->cfg_hash, m.nonce, m.number);
    m.signature = b->config.scheme->sign(&b->secret, BYTES_OF(d.b));
    sync_send(b, peer->gid, &m);
}

/* Learns from the proof; false if the height stands without one. */
static bool learn(struct bft *b, const struct message *m, enum err *e)
{
    if (m->number < b->height)
        return true;
    if (m->number > b->height || m->certificate.n == 0 || m->certificate.restart.n > 0)
        return false;
    struct held *held = NULL;
    if (m->block.n > 0)
        *e = held_new(m->block, &held);
    struct judge j = step_judge(b);
    if (*e == OK && held && !hash32_eq(held->id, m->certificate.id))
        *e = E_MALFORMED;
    if (*e == OK)
        *e = certificate_check_under(&j, &m->certificate);
    if (*e == OK && m->certificate.type == VOTE_PRECOMMIT)
        step_certificate(b, &m->certificate, held);
    else if (*e == OK)
        step_pol(b, &m->certificate, held);
    held_drop(&held);
    return *e == OK;
}

enum err lease_take(struct bft *b, struct peer *peer, const struct message *m)
{
    struct lease *l = &b->lease;
    int seat = cfg_find(&b->cfg, m->gid);
    bool fits = l->asked && memcmp(l->nonce, m->nonce, sizeof l->nonce) == 0;
    /* An answer under another cfg is no answer; the next question gets a better one. */
    if (!fits || seat < 0 || b->cfg.member[seat].suspended || !hash32_eq(m->cfg, b->cfg_hash))
        return OK;
    struct hash64 d = lease_digest(b->cfg.cluster_id, b->cfg_hash, m->nonce, m->number);
    TRY(b->config.scheme->verify(&b->cfg.member[seat].vote_key, BYTES_OF(d.b), &m->signature));
    enum err e = OK;
    if (learn(b, m, &e)) {
        l->answer[seat].used = true;
        l->answer[seat].height = m->number;
    }
    return e;
}

void lease_forget_answers(struct bft *b)
{
    memset(b->lease.answer, 0, sizeof b->lease.answer);
}

void lease_evaluate(struct bft *b)
{
    struct lease *l = &b->lease;
    if (!l->asked)
        return;
    uint32_t n = b->voting && b->precommit_height <= b->tip.height;
    for (uint32_t i = 0; i < b->cfg.n; i++)
        n += (int)i != b->seat && l->answer[i].used && !b->cfg.member[i].suspended &&
             (l->answer[i].height <= b->tip.height || MUTANT(b, MUTANT_LEASE_HEIGHT));
    if (n < step_quorum(b))
        return;
    l->until = l->start + b->config.lease_ms - b->config.drift_ms;
    l->asked = false;
}

void bft_lease_ask(struct bft *b, struct now now, const uint8_t nonce[static 32])
{
    GD_BUG_ON(b->depth > 0);
    struct lease *l = &b->lease;
    b->now = now;
    l->asked = true;
    l->start = now.mono_ms;
    memcpy(l->nonce, nonce, sizeof l->nonce);
    lease_forget_answers(b);
    struct message m = {.type = WIRE_LEASE_ASK};
    memcpy(m.nonce, nonce, sizeof m.nonce);
    sync_send(b, BFT_ALL, &m);
    lease_evaluate(b); /* alone, the own answer is enough */
}

uint64_t bft_lease_until(const struct bft *b)
{
    return b->lease.until;
}
