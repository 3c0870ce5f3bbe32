#include "core/consensus/wire.h"
#include "base/bug.h"
#include "core/consensus/vote.h"

void round_proof_encode(struct writer *w, const struct round_proof *proof)
{
    wr_u32(w, proof->round);
    wr_u32(w, proof->n);
    for (uint32_t i = 0; i < proof->n; i++)
        vote_encode(w, &proof->vote[i]);
}

void round_proof_decode(struct reader *r, struct round_proof *proof)
{
    proof->round = rd_u32(r);
    proof->n = rd_count(r, BFT_MAX_MEMBERS);
    for (uint32_t i = 0; i < proof->n; i++) {
        vote_decode(r, &proof->vote[i]);
        rd_require(r, i == 0 || proof->vote[i - 1].gid < proof->vote[i].gid);
    }
    rd_require(r, proof->round != BFT_NO_ROUND);
    if (r->bad)
        *proof = (struct round_proof){0};
}

struct hash64 lease_digest(struct hash32 cluster_id, struct hash32 cfg_hash,
                           const uint8_t nonce[static 32], uint64_t height)
{
    struct thash h;
    thash_init(&h, "guardian/v1/lease");
    thash_add(&h, BYTES_OF(cluster_id.b));
    thash_add(&h, BYTES_OF(cfg_hash.b));
    thash_add(&h, bytes(nonce, 32));
    thash_u64(&h, height);
    return thash_final(&h);
}

/* A POL that belongs to a vote or proposal: same height and id, the round it claims. */
static bool pol_fits(const struct message *m, uint32_t round, struct hash32 id)
{
    const struct certificate *c = &m->certificate;
    return c->type == VOTE_PREVOTE && c->n > 0 && c->height == m->height && c->round == round &&
           hash32_eq(c->id, id) && c->restart.n == 0;
}

static void optional_certificate(struct reader *r, struct message *m)
{
    if (rd_bool(r)) {
        certificate_decode(r, &m->certificate);
        rd_require(r, m->certificate.n > 0);
    }
}

static void write_optional_certificate(struct writer *w, const struct message *m)
{
    wr_bool(w, m->certificate.n > 0);
    if (m->certificate.n > 0)
        certificate_encode(w, &m->certificate);
}

static void read_proposal(struct reader *r, struct message *m)
{
    proposal_decode(r, &m->proposal);
    optional_certificate(r, m);
    m->block = rd_var(r, BFT_MAX_BLOCK);
    const struct proposal *p = &m->proposal;
    bool fresh = p->valid_round == BFT_NO_ROUND;
    rd_require(r, p->height == m->height && m->block.n > 0);
    rd_require(r, fresh ? m->certificate.n == 0 : pol_fits(m, p->valid_round, p->id));
}

static void write_proposal(struct writer *w, const struct message *m)
{
    proposal_encode(w, &m->proposal);
    write_optional_certificate(w, m);
    wr_var(w, m->block);
}

static void read_vote(struct reader *r, struct message *m)
{
    vote_decode(r, &m->vote);
    m->has_vote = true;
    optional_certificate(r, m);
    const struct vote *v = &m->vote;
    bool proved = v->type == VOTE_PRECOMMIT && !hash32_is_zero(v->id);
    rd_require(r, v->height == m->height);
    rd_require(r, proved ? pol_fits(m, v->round, v->id) : m->certificate.n == 0);
}

static void write_vote(struct writer *w, const struct message *m)
{
    vote_encode(w, &m->vote);
    write_optional_certificate(w, m);
}

static void read_pol(struct reader *r, struct message *m)
{
    certificate_decode(r, &m->certificate);
    m->block = rd_var(r, BFT_MAX_BLOCK);
    rd_require(r, pol_fits(m, m->certificate.round, m->certificate.id));
}

static void write_certified(struct writer *w, const struct message *m)
{
    certificate_encode(w, &m->certificate);
    wr_var(w, m->block);
}

static void read_round_proof(struct reader *r, struct message *m)
{
    round_proof_decode(r, &m->proof);
    rd_require(r, m->proof.round > 0);
    for (uint32_t i = 0; i < m->proof.n; i++)
        rd_require(r, m->proof.vote[i].height == m->height);
}

static void write_round_proof(struct writer *w, const struct message *m)
{
    round_proof_encode(w, &m->proof);
}

static void read_entry(struct reader *r, struct message *m)
{
    m->entry = rd_var(r, BFT_MAX_ENTRY);
    rd_require(r, m->entry.n > 0);
}

static void write_entry(struct writer *w, const struct message *m)
{
    wr_var(w, m->entry);
}

static void read_nothing(struct reader *r, struct message *m) {}

static void write_nothing(struct writer *w, const struct message *m) {}

static void read_block(struct reader *r, struct message *m)
{
    certificate_decode(r, &m->certificate);
    m->block = rd_var(r, BFT_MAX_BLOCK);
    rd_require(r, m->certificate.n > 0 && m->block.n > 0);
    rd_require(r, m->certificate.type == VOTE_PRECOMMIT || m->certificate.restart.n > 0);
}

static void read_pruned(struct reader *r, struct message *m)
{
    m->number = rd_u64(r);
}

static void write_pruned(struct writer *w, const struct message *m)
{
    wr_u64(w, m->number);
}

static void read_lease_ask(struct reader *r, struct message *m)
{
    rd_copy(r, m->nonce, sizeof m->nonce);
}

static void write_lease_ask(struct writer *w, const struct message *m)
{
    wr_raw(w, m->nonce, sizeof m->nonce);
}

static void read_lease_answer(struct reader *r, struct message *m)
{
    rd_copy(r, m->nonce, sizeof m->nonce);
    rd_copy(r, m->cfg.b, 32);
    m->number = rd_u64(r);
    m->gid = rd_u32(r);
    rd_copy(r, m->signature.b, sizeof m->signature.b);
    optional_certificate(r, m);
    m->block = rd_var(r, BFT_MAX_BLOCK);
    rd_require(r, m->certificate.n == 0 || m->certificate.height == m->number);
}

static void write_lease_answer(struct writer *w, const struct message *m)
{
    wr_raw(w, m->nonce, sizeof m->nonce);
    wr_raw(w, m->cfg.b, 32);
    wr_u64(w, m->number);
    wr_u32(w, m->gid);
    wr_raw(w, m->signature.b, sizeof m->signature.b);
    write_optional_certificate(w, m);
    wr_var(w, m->block);
}

static void read_own_answer(struct reader *r, struct message *m)
{
    m->has_vote = rd_bool(r);
    if (!m->has_vote)
        return;
    rd_copy(r, m->cfg.b, 32);
    vote_decode(r, &m->vote);
}

static void write_own_answer(struct writer *w, const struct message *m)
{
    wr_bool(w, m->has_vote);
    if (!m->has_vote)
        return;
    wr_raw(w, m->cfg.b, 32);
    vote_encode(w, &m->vote);
}

static const struct {
    void (*read)(struct reader *r, struct message *m);
    void (*write)(struct writer *w, const struct message *m);
} bodies[WIRE_TYPES] = {
    [WIRE_PROPOSAL] = {read_proposal, write_proposal},
    [WIRE_VOTE] = {read_vote, write_vote},
    [WIRE_POL] = {read_pol, write_certified},
    [WIRE_ROUND_PROOF] = {read_round_proof, write_round_proof},
    [WIRE_ENTRY] = {read_entry, write_entry},
    [WIRE_FETCH] = {read_nothing, write_nothing},
    [WIRE_BLOCK] = {read_block, write_certified},
    [WIRE_PRUNED] = {read_pruned, write_pruned},
    [WIRE_LEASE_ASK] = {read_lease_ask, write_lease_ask},
    [WIRE_LEASE_ANSWER] = {read_lease_answer, write_lease_answer},
    [WIRE_OWN_ASK] = {read_nothing, write_nothing},
    [WIRE_OWN_ANSWER] = {read_own_answer, write_own_answer},
};

void message_encode(struct writer *w, const struct message *m)
{
    GD_BUG_ON(m->type < WIRE_PROPOSAL || m->type >= WIRE_TYPES);
    wr_u8(w, (uint8_t)m->type);
    wr_u8(w, WIRE_VERSION);
    wr_u64(w, m->serial);
    wr_u64(w, m->height);
    bodies[m->type].write(w, m);
}

enum err message_decode(struct bytes in, struct message *m)
{
    *m = (struct message){0};
    struct reader r = reader(in);
    uint8_t type = rd_u8(&r);
    rd_require(&r, rd_u8(&r) == WIRE_VERSION);
    m->serial = rd_u64(&r);
    m->height = rd_u64(&r);
    if (r.bad || type < WIRE_PROPOSAL || type >= WIRE_TYPES)
        return E_MALFORMED;
    m->type = (enum wire_type)type;
    bodies[type].read(&r, m);
    return reader_end(&r, E_MALFORMED);
}
