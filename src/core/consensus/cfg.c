#include "core/consensus/types.h"

uint32_t cfg_quorum(uint32_t n, uint32_t f)
{
    return (n + f + 2) / 2;
}

static bool gids_ascend(const struct cfg *cfg)
{
    for (uint32_t i = 0; i + 1 < cfg->n; i++)
        if (cfg->member[i].gid >= cfg->member[i + 1].gid)
            return false;
    return cfg->member[0].gid > 0 && cfg->member[cfg->n - 1].gid < UINT32_MAX;
}

static bool mode_allowed(const struct cfg *cfg)
{
    if (cfg->n <= 2)
        return cfg->mode == BFT_SEALED;
    return cfg->mode == BFT_STRICT || (cfg->mode == BFT_SEALED && cfg->f == 0);
}

enum err cfg_check(const struct cfg *cfg)
{
    if (cfg->n < 1 || cfg->n > BFT_MAX_MEMBERS || cfg->t < 1 || cfg->t > cfg->n)
        return E_VALUE;
    /* consensus.md, Quorums: N < 3f+1 is refused. */
    if (cfg->f >= cfg->n || cfg->n < 3 * cfg->f + 1 || cfg->q != cfg_quorum(cfg->n, cfg->f))
        return E_VALUE;
    return gids_ascend(cfg) && mode_allowed(cfg) ? OK : E_VALUE;
}

struct hash32 cfg_hash(const struct cfg *cfg)
{
    struct thash h;
    thash_init(&h, "guardian/v1/cfg");
    thash_add(&h, BYTES_OF(cfg->cluster_id.b));
    thash_u64(&h, cfg->epoch);
    thash_u32(&h, cfg->t);
    thash_u32(&h, cfg->f);
    thash_u32(&h, cfg->q);
    thash_u32(&h, cfg->mode);
    thash_u64(&h, cfg->serial);
    thash_add(&h, BYTES_OF(cfg->parent.b));
    thash_u32(&h, cfg->n);
    for (uint32_t i = 0; i < cfg->n; i++) {
        const struct member *m = &cfg->member[i];
        thash_u32(&h, m->gid);
        thash_add(&h, BYTES_OF(m->seat_key.b));
        thash_add(&h, BYTES_OF(m->vote_key.b));
        thash_u32(&h, m->suspended);
    }
    return thash_final32(&h);
}

int cfg_find(const struct cfg *cfg, uint32_t gid)
{
    for (uint32_t i = 0; i < cfg->n; i++)
        if (cfg->member[i].gid == gid)
            return (int)i;
    return -1;
}

void cfg_encode(struct writer *w, const struct cfg *cfg)
{
    wr_raw(w, cfg->cluster_id.b, 32);
    wr_u64(w, cfg->epoch);
    wr_u32(w, cfg->t);
    wr_u32(w, cfg->f);
    wr_u32(w, cfg->q);
    wr_u8(w, (uint8_t)cfg->mode);
    wr_u64(w, cfg->serial);
    wr_raw(w, cfg->parent.b, 32);
    wr_u32(w, cfg->n);
    for (uint32_t i = 0; i < cfg->n; i++) {
        const struct member *m = &cfg->member[i];
        wr_u32(w, m->gid);
        wr_raw(w, m->seat_key.b, sizeof m->seat_key.b);
        wr_raw(w, m->vote_key.b, sizeof m->vote_key.b);
        wr_bool(w, m->suspended);
    }
}

void cfg_decode(struct reader *r, struct cfg *cfg)
{
    *cfg = (struct cfg){0};
    rd_copy(r, cfg->cluster_id.b, 32);
    cfg->epoch = rd_u64(r);
    cfg->t = rd_u32(r);
    cfg->f = rd_u32(r);
    cfg->q = rd_u32(r);
    cfg->mode = (enum bft_mode)rd_u8(r);
    cfg->serial = rd_u64(r);
    rd_copy(r, cfg->parent.b, 32);
    cfg->n = rd_count(r, BFT_MAX_MEMBERS);
    for (uint32_t i = 0; i < cfg->n; i++) {
        struct member *m = &cfg->member[i];
        m->gid = rd_u32(r);
        rd_copy(r, m->seat_key.b, sizeof m->seat_key.b);
        rd_copy(r, m->vote_key.b, sizeof m->vote_key.b);
        m->suspended = rd_bool(r);
    }
    rd_require(r, !r->bad && cfg_check(cfg) == OK);
}
