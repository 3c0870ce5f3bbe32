#include "core/consensus/types.h"

enum kind { TWO_VOTES = 1, TWO_PROPOSALS = 2 };

/* H11: one key, one (h, r, type), two ids. */
static bool votes_contradict(const struct vote *a, const struct vote *b)
{
    return a->gid == b->gid && a->type == b->type && a->height == b->height &&
           a->round == b->round && !hash32_eq(a->id, b->id);
}

/* H11: also the same id with another valid_round. */
static bool proposals_contradict(const struct proposal *a, const struct proposal *b)
{
    return a->gid == b->gid && a->height == b->height && a->round == b->round &&
           (!hash32_eq(a->id, b->id) || a->valid_round != b->valid_round);
}

enum err equivocation_of_votes(const struct vote *a, const struct vote *b, struct writer *w)
{
    if (!votes_contradict(a, b))
        return E_VALUE;
    wr_u8(w, TWO_VOTES);
    vote_encode(w, a);
    vote_encode(w, b);
    return writer_end(w);
}

enum err equivocation_of_proposals(const struct proposal *a, const struct proposal *b,
                                   struct writer *w)
{
    if (!proposals_contradict(a, b))
        return E_VALUE;
    wr_u8(w, TWO_PROPOSALS);
    proposal_encode(w, a);
    proposal_encode(w, b);
    return writer_end(w);
}

struct pair {
    enum kind kind;
    struct vote vote[2];
    struct proposal proposal[2];
};

static enum err pair_decode(struct bytes in, struct pair *p)
{
    struct reader r = reader(in);
    p->kind = (enum kind)rd_u8(&r);
    rd_require(&r, in.n <= BFT_MAX_EQUIVOCATION);
    rd_require(&r, p->kind == TWO_VOTES || p->kind == TWO_PROPOSALS);
    for (int i = 0; i < 2 && !r.bad; i++) {
        if (p->kind == TWO_VOTES)
            vote_decode(&r, &p->vote[i]);
        else
            proposal_decode(&r, &p->proposal[i]);
    }
    TRY(reader_end(&r, E_MALFORMED));
    bool contradict = p->kind == TWO_VOTES ? votes_contradict(&p->vote[0], &p->vote[1])
                                           : proposals_contradict(&p->proposal[0], &p->proposal[1]);
    return contradict ? OK : E_VALUE;
}

static struct equivocation about(const struct pair *p)
{
    return p->kind == TWO_VOTES ? (struct equivocation){p->vote[0].height, p->vote[0].gid}
                                : (struct equivocation){p->proposal[0].height, p->proposal[0].gid};
}

enum err equivocation_peek(struct bytes in, struct equivocation *out)
{
    struct pair p;
    TRY(pair_decode(in, &p));
    *out = about(&p);
    return OK;
}

enum err equivocation_check(const struct sig_scheme *scheme, const struct cfg *cfg, struct bytes in,
                            struct equivocation *out)
{
    struct pair p;
    TRY(pair_decode(in, &p));
    for (int i = 0; i < 2; i++)
        TRY(p.kind == TWO_VOTES ? vote_check(scheme, cfg, &p.vote[i])
                                : proposal_check(scheme, cfg, &p.proposal[i]));
    *out = about(&p);
    return OK;
}
