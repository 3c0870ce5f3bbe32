#include "core/consensus/proposer.h"

struct bft_run bft_run_first(const struct cfg *cfg)
{
    return (struct bft_run){.proposer = cfg->member[0].gid};
}

static bool run_over(const struct bft_run *run)
{
    return run->blocks >= BFT_RUN_BLOCKS || run->late >= BFT_RUN_LATE;
}

struct bft_run bft_run_next(struct bft_run run, const struct header *header)
{
    /* A seat that got its turn back because the next one was down starts a new run, or else every
       following block would wait for that one again. */
    if (header->proposer != run.proposer || run_over(&run))
        return (struct bft_run){.proposer = header->proposer, .blocks = 1};
    run.blocks++;
    run.late = header->last_round > 0 ? run.late + 1 : 0;
    return run;
}

uint32_t bft_proposer(const struct cfg *cfg, const struct bft_run *run, uint32_t round)
{
    uint32_t gid[BFT_MAX_MEMBERS], n = 0;
    for (uint32_t i = 0; i < cfg->n; i++)
        if (!cfg->member[i].suspended)
            gid[n++] = cfg->member[i].gid;
    if (n == 0)
        return cfg->member[0].gid;
    uint32_t start = 0;
    while (start < n && gid[start] < run->proposer)
        start++;
    bool there = start < n && gid[start] == run->proposer;
    if (there && run_over(run))
        start++;
    return gid[(start + (uint64_t)round) % n];
}

void bft_run_encode(struct writer *w, const struct bft_run *run)
{
    wr_u32(w, run->proposer);
    wr_u32(w, run->blocks);
    wr_u32(w, run->late);
}

void bft_run_decode(struct reader *r, struct bft_run *run)
{
    run->proposer = rd_u32(r);
    run->blocks = rd_u32(r);
    run->late = rd_u32(r);
}
