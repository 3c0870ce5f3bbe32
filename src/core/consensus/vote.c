#include "core/consensus/vote.h"

struct hash64 vote_digest(struct hash32 cluster_id, struct hash32 cfg_hash, enum vote_type type,
                          uint64_t height, uint32_t round, struct hash32 id)
{
    struct thash h;
    thash_init(&h, "guardian/v1/vote");
    thash_add(&h, BYTES_OF(cluster_id.b));
    thash_add(&h, BYTES_OF(cfg_hash.b));
    thash_u32(&h, type);
    thash_u64(&h, height);
    thash_u32(&h, round);
    thash_add(&h, BYTES_OF(id.b));
    return thash_final(&h);
}

struct vote certificate_vote(const struct certificate *c, uint32_t i)
{
    return (struct vote){c->type, c->height, c->round, c->id, c->vote[i].gid, c->vote[i].signature};
}

static const struct member *voter(const struct cfg *cfg, uint32_t gid)
{
    int i = cfg_find(cfg, gid);
    return i < 0 || cfg->member[i].suspended ? NULL : &cfg->member[i];
}

enum err vote_check_under(const struct judge *j, const struct vote *vote)
{
    const struct member *m = voter(j->cfg, vote->gid);
    if (!m)
        return E_NOT_MEMBER;
    struct hash64 d = vote_digest(j->cfg->cluster_id, j->cfg_hash, vote->type, vote->height,
                                  vote->round, vote->id);
    return j->scheme->verify(&m->vote_key, BYTES_OF(d.b), &vote->signature);
}

enum err vote_check(const struct sig_scheme *scheme, const struct cfg *cfg, const struct vote *vote)
{
    struct judge j = {scheme, cfg, cfg_hash(cfg), NULL, NULL};
    return vote_check_under(&j, vote);
}

static bool known(const struct judge *j, const struct vote *vote)
{
    return j->known && j->known(j->known_ctx, vote);
}

enum err certificate_check_under(const struct judge *j, const struct certificate *c)
{
    if (c->n < j->cfg->q || hash32_is_zero(c->id))
        return E_NO_QUORUM;
    for (uint32_t i = 0; i < c->n; i++) {
        if (i > 0 && c->vote[i - 1].gid >= c->vote[i].gid)
            return E_NO_QUORUM;
        struct vote v = certificate_vote(c, i);
        if (!known(j, &v))
            TRY(vote_check_under(j, &v));
    }
    return OK;
}

enum err certificate_check(const struct sig_scheme *scheme, const struct cfg *cfg,
                           const struct certificate *certificate)
{
    struct judge j = {scheme, cfg, cfg_hash(cfg), NULL, NULL};
    return certificate_check_under(&j, certificate);
}

/* --- encodings --- */

static void rd_vote_type(struct reader *r, enum vote_type *type)
{
    *type = (enum vote_type)rd_u8(r);
    rd_require(r, *type == VOTE_PREVOTE || *type == VOTE_PRECOMMIT);
}

void vote_encode(struct writer *w, const struct vote *vote)
{
    wr_u8(w, (uint8_t)vote->type);
    wr_u64(w, vote->height);
    wr_u32(w, vote->round);
    wr_raw(w, vote->id.b, 32);
    wr_u32(w, vote->gid);
    wr_raw(w, vote->signature.b, sizeof vote->signature.b);
}

void vote_decode(struct reader *r, struct vote *vote)
{
    *vote = (struct vote){0};
    rd_vote_type(r, &vote->type);
    vote->height = rd_u64(r);
    vote->round = rd_u32(r);
    rd_copy(r, vote->id.b, 32);
    vote->gid = rd_u32(r);
    rd_copy(r, vote->signature.b, sizeof vote->signature.b);
    rd_require(r, vote->round != BFT_NO_ROUND);
}

void certificate_encode(struct writer *w, const struct certificate *c)
{
    wr_u8(w, (uint8_t)c->type);
    wr_u64(w, c->height);
    wr_u32(w, c->round);
    wr_raw(w, c->id.b, 32);
    wr_u32(w, c->n);
    for (uint32_t i = 0; i < c->n; i++) {
        wr_u32(w, c->vote[i].gid);
        wr_raw(w, c->vote[i].signature.b, sizeof c->vote[i].signature.b);
    }
    wr_var(w, c->restart);
}

void certificate_decode(struct reader *r, struct certificate *c)
{
    *c = (struct certificate){0};
    rd_vote_type(r, &c->type);
    c->height = rd_u64(r);
    c->round = rd_u32(r);
    rd_copy(r, c->id.b, 32);
    c->n = rd_count(r, BFT_MAX_MEMBERS);
    for (uint32_t i = 0; i < c->n; i++) {
        c->vote[i].gid = rd_u32(r);
        rd_copy(r, c->vote[i].signature.b, sizeof c->vote[i].signature.b);
    }
    c->restart = rd_var(r, BFT_MAX_RESTART);
    rd_require(r, c->round != BFT_NO_ROUND);
    bool empty = c->n == 0;
    rd_require(r, empty == hash32_is_zero(c->id));
    rd_require(r, !empty || (c->height == 0 && c->round == 0 && c->type == VOTE_PRECOMMIT &&
                             c->restart.n == 0));
    if (r->bad)
        *c = (struct certificate){0};
}

struct certificate certificate_none(void)
{
    return (struct certificate){.type = VOTE_PRECOMMIT};
}

struct hash32 certificate_hash(const struct certificate *c)
{
    struct thash h;
    thash_init(&h, "guardian/v1/certificate");
    thash_u32(&h, c->type);
    thash_u64(&h, c->height);
    thash_u32(&h, c->round);
    thash_add(&h, BYTES_OF(c->id.b));
    thash_u32(&h, c->n);
    for (uint32_t i = 0; i < c->n; i++) {
        thash_u32(&h, c->vote[i].gid);
        thash_add(&h, BYTES_OF(c->vote[i].signature.b));
    }
    thash_add(&h, c->restart);
    return thash_final32(&h);
}

/* --- proposals --- */

struct hash64 proposal_digest(struct hash32 cluster_id, struct hash32 cfg_hash,
                              const struct proposal *p)
{
    struct thash h;
    thash_init(&h, "guardian/v1/proposal");
    thash_add(&h, BYTES_OF(cluster_id.b));
    thash_add(&h, BYTES_OF(cfg_hash.b));
    thash_u64(&h, p->height);
    thash_u32(&h, p->round);
    thash_add(&h, BYTES_OF(p->id.b));
    thash_u32(&h, p->valid_round);
    return thash_final(&h);
}

enum err proposal_check_under(const struct judge *j, const struct proposal *p)
{
    const struct member *m = voter(j->cfg, p->gid);
    if (!m)
        return E_NOT_MEMBER;
    struct hash64 d = proposal_digest(j->cfg->cluster_id, j->cfg_hash, p);
    return j->scheme->verify(&m->vote_key, BYTES_OF(d.b), &p->signature);
}

enum err proposal_check(const struct sig_scheme *scheme, const struct cfg *cfg,
                        const struct proposal *proposal)
{
    struct judge j = {scheme, cfg, cfg_hash(cfg), NULL, NULL};
    return proposal_check_under(&j, proposal);
}

void proposal_encode(struct writer *w, const struct proposal *p)
{
    wr_u64(w, p->height);
    wr_u32(w, p->round);
    wr_raw(w, p->id.b, 32);
    wr_u32(w, p->valid_round);
    wr_u32(w, p->gid);
    wr_raw(w, p->signature.b, sizeof p->signature.b);
}

void proposal_decode(struct reader *r, struct proposal *p)
{
    *p = (struct proposal){0};
    p->height = rd_u64(r);
    p->round = rd_u32(r);
    rd_copy(r, p->id.b, 32);
    p->valid_round = rd_u32(r);
    p->gid = rd_u32(r);
    rd_copy(r, p->signature.b, sizeof p->signature.b);
    rd_require(r, p->round != BFT_NO_ROUND && !hash32_is_zero(p->id));
    rd_require(r, p->valid_round == BFT_NO_ROUND || p->valid_round < p->round);
}
