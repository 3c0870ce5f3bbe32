#include "core/consensus/tally.h"
#include "base/bug.h"

void tally_clear(struct tally *t, uint32_t seats)
{
    t->seats = (int)seats;
    for (int s = 0; s < BFT_MAX_MEMBERS; s++)
        for (int y = 0; y < 2; y++)
            for (int i = 0; i < TALLY_ROUNDS; i++)
                t->slot[s][y][i].used = false;
}

static int row(enum vote_type type)
{
    return type == VOTE_PREVOTE ? 0 : 1;
}

const struct vote *tally_find(const struct tally *t, int seat, enum vote_type type, uint32_t round)
{
    const struct tally_slot *slot = t->slot[seat][row(type)];
    for (int i = 0; i < TALLY_ROUNDS; i++)
        if (slot[i].used && slot[i].vote.round == round)
            return &slot[i].vote;
    return NULL;
}

/* The kept vote of a round above r+1, if any. */
static struct tally_slot *ahead(struct tally_slot *slot, uint32_t r)
{
    for (int i = 0; i < TALLY_ROUNDS; i++)
        if (slot[i].used && slot[i].vote.round > r + 1)
            return &slot[i];
    return NULL;
}

bool tally_room(const struct tally *t, int seat, enum vote_type type, uint32_t round, uint32_t r)
{
    if (round + 1 < r)
        return false;
    if (round <= r + 1)
        return true;
    const struct tally_slot *kept = ahead((struct tally_slot *)t->slot[seat][row(type)], r);
    return !kept || round > kept->vote.round;
}

static struct tally_slot *unused(struct tally_slot *slot)
{
    for (int i = 0; i < TALLY_ROUNDS; i++)
        if (!slot[i].used)
            return &slot[i];
    return NULL;
}

void tally_add(struct tally *t, int seat, const struct vote *vote, uint32_t r)
{
    struct tally_slot *slots = t->slot[seat][row(vote->type)];
    struct tally_slot *slot = vote->round > r + 1 ? ahead(slots, r) : NULL;
    if (!slot)
        slot = unused(slots);
    GD_BUG_ON(!slot);
    *slot = (struct tally_slot){true, *vote};
}

void tally_purge(struct tally *t, uint32_t r)
{
    for (int s = 0; s < t->seats; s++)
        for (int y = 0; y < 2; y++)
            for (int i = 0; i < TALLY_ROUNDS; i++)
                if (t->slot[s][y][i].vote.round + 1 < r)
                    t->slot[s][y][i].used = false;
}

uint32_t tally_count(const struct tally *t, enum vote_type type, uint32_t round)
{
    uint32_t n = 0;
    for (int s = 0; s < t->seats; s++)
        n += tally_find(t, s, type, round) != NULL;
    return n;
}

uint32_t tally_count_id(const struct tally *t, enum vote_type type, uint32_t round,
                        struct hash32 id)
{
    uint32_t n = 0;
    for (int s = 0; s < t->seats; s++) {
        const struct vote *v = tally_find(t, s, type, round);
        n += v && hash32_eq(v->id, id);
    }
    return n;
}

static void collect(const struct tally *t, const struct vote *like, struct certificate *out)
{
    *out = (struct certificate){
        .type = like->type, .height = like->height, .round = like->round, .id = like->id};
    for (int s = 0; s < t->seats; s++) {
        const struct vote *v = tally_find(t, s, like->type, like->round);
        if (!v || !hash32_eq(v->id, like->id))
            continue;
        out->vote[out->n].gid = v->gid;
        out->vote[out->n++].signature = v->signature;
    }
}

bool tally_quorum(const struct tally *t, enum vote_type type, uint32_t q, uint32_t above,
                  struct certificate *out)
{
    const struct vote *best = NULL;
    for (int s = 0; s < t->seats; s++)
        for (int i = 0; i < TALLY_ROUNDS; i++) {
            const struct tally_slot *slot = &t->slot[s][row(type)][i];
            const struct vote *v = &slot->vote;
            if (!slot->used || hash32_is_zero(v->id) || (best && v->round <= best->round))
                continue;
            if (above != BFT_NO_ROUND && v->round <= above)
                continue;
            if (tally_count_id(t, type, v->round, v->id) >= q)
                best = v;
        }
    if (best)
        collect(t, best, out);
    return best != NULL;
}

/* The highest-round vote of a seat; of two in one round the precommit. */
static const struct vote *highest(const struct tally *t, int seat)
{
    const struct vote *best = NULL;
    for (int y = 0; y < 2; y++)
        for (int i = 0; i < TALLY_ROUNDS; i++) {
            const struct tally_slot *slot = &t->slot[seat][y][i];
            if (slot->used && (!best || slot->vote.round >= best->round))
                best = &slot->vote;
        }
    return best;
}

uint32_t tally_seats_from(const struct tally *t, uint32_t round)
{
    uint32_t n = 0;
    for (int s = 0; s < t->seats; s++) {
        const struct vote *v = highest(t, s);
        n += v && v->round >= round;
    }
    return n;
}

static bool for_a_block(const struct tally *t, int seat)
{
    for (int y = 0; y < 2; y++)
        for (int i = 0; i < TALLY_ROUNDS; i++) {
            const struct tally_slot *slot = &t->slot[seat][y][i];
            if (slot->used && !hash32_is_zero(slot->vote.id))
                return true;
        }
    return false;
}

uint32_t tally_seats_for_blocks(const struct tally *t)
{
    uint32_t n = 0;
    for (int s = 0; s < t->seats; s++)
        n += for_a_block(t, s);
    return n;
}

bool tally_reached(const struct tally *t, uint32_t k, uint32_t *round)
{
    bool found = false;
    for (int s = 0; s < t->seats; s++) {
        const struct vote *v = highest(t, s);
        if (v && (!found || v->round > *round) && tally_seats_from(t, v->round) >= k) {
            *round = v->round;
            found = true;
        }
    }
    return found;
}

void tally_proof_from(const struct tally *t, uint32_t round, uint32_t max, struct round_proof *out)
{
    *out = (struct round_proof){.round = round};
    for (int s = 0; s < t->seats && out->n < max; s++) {
        const struct vote *v = highest(t, s);
        if (v && v->round >= round)
            out->vote[out->n++] = *v;
    }
}

void tally_proof_of_precommits(const struct tally *t, uint32_t round, struct round_proof *out)
{
    *out = (struct round_proof){.round = round + 1};
    for (int s = 0; s < t->seats; s++) {
        const struct vote *v = tally_find(t, s, VOTE_PRECOMMIT, round);
        if (v)
            out->vote[out->n++] = *v;
    }
}
