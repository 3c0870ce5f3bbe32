#include "prog/guardiand/judge.h"

#include "base/log.h"
#include "core/evidence/evidence.h"

/* Machines whose chains are remembered; 4 KiB each. */
#define CACHE_ENTRIES 256

/* --- what is held --- */

static enum err keep(struct buf *to, struct bytes from)
{
    buf_free(to);
    *to = BUF_INIT(from.n);
    return buf_add(to, from.p, from.n);
}

enum err judge_hold(struct judge *j, uint32_t slot, struct bytes body, struct bytes chain)
{
    struct judge_slot *s = &j->slots[slot];
    j->is_stale = s->is_new = true;
    enum err e = keep(&s->body, body);
    if (e == OK)
        e = keep(&s->chain, chain);
    if (e != OK) {
        buf_free(&s->body);
        buf_free(&s->chain);
    }
    return e;
}

/* Objects of one vendor come with the same chain. */
static bool was_added(const struct judge *j, size_t before, struct bytes chain)
{
    for (size_t i = 0; i < before; i++)
        if (bytes_eq(buf_bytes(&j->slots[i].chain), chain))
            return true;
    return false;
}

static void add(struct judge *j, struct judge_slot *s, struct bytes in, size_t slot)
{
    struct problem p = {0};
    if (in.n && collateral_add(&j->collateral, in, &p) != OK && s->is_new)
        log_warn("collateral %zu is not used: %s", slot, problem_text(&p));
}

/* What the cache remembers of collateral, it remembers by its id. */
static void freshen(struct judge *j)
{
    if (!j->cache)
        j->cache = evidence_cache_new(CACHE_ENTRIES); /* without it, it takes longer */
    if (!j->is_stale)
        return;
    collateral_free(&j->collateral);
    for (size_t i = 0; i < JUDGE_SLOTS; i++) {
        struct judge_slot *s = &j->slots[i];
        add(j, s, buf_bytes(&s->body), i);
        if (!was_added(j, i, buf_bytes(&s->chain)))
            add(j, s, buf_bytes(&s->chain), i);
        s->is_new = false;
    }
    j->is_stale = false;
}

static bool holds_nothing(const struct judge *j)
{
    for (size_t i = 0; i < JUDGE_SLOTS; i++)
        if (j->slots[i].body.n)
            return false;
    return true;
}

void judge_free(struct judge *j)
{
    for (size_t i = 0; i < JUDGE_SLOTS; i++) {
        buf_free(&j->slots[i].body);
        buf_free(&j->slots[i].chain);
    }
    collateral_free(&j->collateral);
    evidence_cache_free(j->cache);
    j->cache = NULL;
}

/* --- evidence --- */

static bool brings_vek(const struct evidence *e)
{
    struct cert_pool pool = {.n = 0};
    struct vek vek;
    bool found = false;
    for (size_t i = 0; i < e->n_certs; i++)
        (void)!cert_pool_add(&pool, e->certs[i]);
    for (size_t i = 0; i < pool.n; i++)
        found |= chain_read_vek(pool.c[i], &vek, NULL) == OK;
    cert_pool_clear(&pool);
    return found;
}

struct question {
    struct evidence evidence;
    struct evidence_trust trust;
    struct evidence_options options;
    int64_t unix_s;
};

/* Whether it would stand if nobody asked for collateral. */
static bool stands_alone(const struct question *q, struct claims *out)
{
    struct evidence_options alone = q->options;
    alone.no_collateral = true;
    return evidence_verify(&q->evidence, &q->trust, &alone, q->unix_s, out, NULL) == OK;
}

/*
 * What it was, or would be, judged with. If its own chain does not even stand without
 * collateral, what it says of itself is a stranger's word.
 */
static void name_objects(const struct question *q, enum err verdict, struct judgement *out)
{
    struct claims claims = out->claims;
    bool is_unjudged = verdict == E_COLL_MISSING || verdict == E_COLL_EXPIRED;
    if (claims.platform == PLATFORM_NONE && !is_unjudged)
        return;
    out->is_stranger = claims.platform == PLATFORM_NONE && !stands_alone(q, &claims);
    if (out->is_stranger)
        claims = evidence_claims(&q->evidence);
    out->n_objects = (uint32_t)objects_of_claims(&claims, !brings_vek(&q->evidence), out->objects);
}

enum err judge_evidence(struct judge *j, struct bytes in, int64_t unix_s, struct judgement *out,
                        struct problem *p)
{
    freshen(j);
    struct question q = {.trust = evidence_trust_vendors(j->simulation),
                         .options = {.collateral = &j->collateral,
                                     .no_collateral = j->simulation && holds_nothing(j),
                                     .cache = j->cache},
                         .unix_s = unix_s};
    *out = (struct judgement){0};
    enum err e = evidence_parse(in, &q.evidence, p);
    if (e == OK) {
        e = evidence_verify(&q.evidence, &q.trust, &q.options, unix_s, &out->claims, p);
        name_objects(&q, e, out);
    }
    evidence_free(&q.evidence);
    return e;
}

/* --- an object --- */

enum err judge_object(struct judge *j, const struct vendor_object *object, struct bytes body,
                      struct bytes chain, int64_t unix_s, struct object_facts *out,
                      struct problem *p)
{
    const struct evidence_trust trust = evidence_trust_vendors(j->simulation);
    freshen(j);
    const struct object_inspection in = {object, body, chain, &j->collateral, &trust, unix_s};
    return object_inspect(&in, out, p);
}
