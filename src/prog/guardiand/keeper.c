#include "prog/guardiand/keeper.h"

#include "base/log.h"
#include "io/collateral/fetch.h"

#include <inttypes.h>

/* --- records --- */

struct record {
    struct vendor_object object;
    int64_t fetched, issued, until;
    struct bytes body, chain;
};

static enum err record_encode(const struct record *r, struct buf *out)
{
    struct writer w = writer(out);
    object_write(&w, &r->object);
    wr_u64(&w, (uint64_t)r->fetched);
    wr_u64(&w, (uint64_t)r->issued);
    wr_u64(&w, (uint64_t)r->until);
    wr_var(&w, r->body);
    wr_var(&w, r->chain);
    return writer_end(&w);
}

static enum err record_decode(struct bytes in, struct record *r)
{
    struct reader rd = reader(in);
    object_read(&rd, &r->object);
    r->fetched = (int64_t)rd_u64(&rd);
    r->issued = (int64_t)rd_u64(&rd);
    r->until = (int64_t)rd_u64(&rd);
    r->body = rd_var(&rd, COLLATERAL_OBJECT_MAX);
    r->chain = rd_var(&rd, COLLATERAL_CHAIN_MAX);
    return reader_end(&rd, E_MALFORMED);
}

/* --- what is held --- */

static int64_t unix_s(struct now now)
{
    return (int64_t)(now.unix_ms / 1000);
}

static struct hash32 digest_of(struct bytes body, struct bytes chain)
{
    struct thash h;
    thash_init(&h, "guardian/v1/collateral");
    thash_add(&h, body);
    thash_add(&h, chain);
    return thash_final32(&h);
}

static bool holds(const struct keeper_slot *s)
{
    return !bytes_is_zero(BYTES_OF(s->digest.b));
}

static void note_until(struct keeper *k, struct now now, int64_t until)
{
    if (until >= unix_s(now) && (k->until == 0 || until < k->until))
        k->until = until;
}

static void hold(struct keeper *k, struct now now, uint32_t slot, const struct record *r)
{
    struct keeper_slot *s = &k->slots[slot];
    s->digest = digest_of(r->body, r->chain);
    s->issued = r->issued;
    s->until = r->until;
    note_until(k, now, r->until);
    plan_held(&k->plan, now, k->rng, slot, r->fetched, r->until);
    k->out.hold(k->out.ctx, slot, r->body, r->chain);
}

/* The plan gave its place to another object, or forgot it. */
static void forget(struct keeper *k, uint32_t slot)
{
    k->out.hold(k->out.ctx, slot, BYTES_NONE, BYTES_NONE);
    k->out.store(k->out.ctx, slot, BYTES_NONE);
    k->slots[slot] = (struct keeper_slot){0};
}

enum err keeper_load(struct keeper *k, struct now now, uint64_t slot, struct bytes in)
{
    struct record r;
    if (in.n == 0)
        return OK; /* emptied */
    TRY(record_decode(in, &r));
    if (!k->asks[plan_service_of(&r.object)])
        return OK; /* of a service that is asked no more, so nobody would renew it */
    bool is_free = slot < PLAN_SLOTS && k->plan.slot[slot].object.kind == OBJECT_NONE;
    if (!is_free || plan_find(&k->plan, &r.object) < PLAN_SLOTS)
        return E_MALFORMED;
    plan_put(&k->plan, now, slot, &r.object);
    hold(k, now, (uint32_t)slot, &r);
    return OK;
}

/* --- what is wanted --- */

void keeper_want(struct keeper *k, struct now now, const struct vendor_object *objects, size_t n,
                 bool is_stranger)
{
    for (size_t i = 0; i < n; i++) {
        if (!k->asks[plan_service_of(&objects[i])])
            continue;
        size_t slot = plan_want(&k->plan, now, &objects[i], is_stranger);
        if (slot < PLAN_SLOTS && holds(&k->slots[slot]) && !k->plan.slot[slot].is_held)
            forget(k, (uint32_t)slot); /* another object had to leave */
    }
}

/* --- what came --- */

static void failed(struct keeper *k, struct now now, uint32_t slot, enum err e, const char *why,
                   uint32_t retry_after_s)
{
    char name[OBJECT_NAME_MAX];
    object_name(&k->plan.slot[slot].object, name);
    enum log_level level = k->plan.slot[slot].is_stranger ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
    log_line(level, "%s did not come: %s: %s", name, err_code(e), why);
    plan_failed(&k->plan, now, k->rng, slot, e, retry_after_s);
    buf_free(&k->slots[slot].body);
    buf_free(&k->slots[slot].chain);
    k->slots[slot].is_inspected = false;
}

static enum err keep_bytes(struct keeper_slot *s, const struct keeper_fetched *f)
{
    s->body = BUF_INIT(COLLATERAL_OBJECT_MAX);
    s->chain = BUF_INIT(COLLATERAL_CHAIN_MAX);
    TRY(buf_add(&s->body, f->body.p, f->body.n));
    return buf_add(&s->chain, f->chain.p, f->chain.n);
}

void keeper_fetched(struct keeper *k, struct now now, const struct keeper_fetched *f)
{
    if (f->slot >= PLAN_SLOTS || !k->plan.slot[f->slot].is_asked || k->slots[f->slot].is_inspected)
        return;
    struct keeper_slot *s = &k->slots[f->slot];
    enum err e = f->e == OK && f->body.n == 0 ? E_MALFORMED : f->e;
    if (e == OK)
        e = keep_bytes(s, f);
    s->is_inspected = e == OK;
    if (e == OK &&
        !k->out.inspect(k->out.ctx, f->slot, &k->plan.slot[f->slot].object, f->body, f->chain))
        e = E_NOT_READY;
    if (e != OK)
        failed(k, now, f->slot, e, f->e != OK ? f->why : err_text(e), f->retry_after_s);
}

static bool is_older(const struct keeper_slot *s, const struct object_facts *facts)
{
    return holds(s) && facts->issued < s->issued;
}

static void store(struct keeper *k, uint32_t slot, const struct record *r)
{
    struct buf out = BUF_INIT(KEEPER_RECORD_MAX);
    if (record_encode(r, &out) == OK)
        k->out.store(k->out.ctx, slot, buf_bytes(&out));
    buf_free(&out);
}

static void take(struct keeper *k, struct now now, uint32_t slot, const struct object_facts *facts)
{
    struct keeper_slot *s = &k->slots[slot];
    const struct record r = {.object = k->plan.slot[slot].object,
                             .fetched = unix_s(now),
                             .issued = facts->issued,
                             .until = facts->until,
                             .body = buf_bytes(&s->body),
                             .chain = buf_bytes(&s->chain)};
    bool is_new = !hash32_eq(s->digest, digest_of(r.body, r.chain));
    char name[OBJECT_NAME_MAX];
    object_name(&r.object, name);
    if (is_new)
        log_info("%s came: issued=%" PRId64 " until=%" PRId64, name, r.issued, r.until);
    hold(k, now, slot, &r);
    store(k, slot, &r);
    if (is_new)
        k->out.changed(k->out.ctx);
}

void keeper_inspected(struct keeper *k, struct now now, uint32_t slot, enum err e,
                      const struct object_facts *facts, const char *why)
{
    if (slot >= PLAN_SLOTS || !k->slots[slot].is_inspected)
        return;
    struct keeper_slot *s = &k->slots[slot];
    if (e == OK && is_older(s, facts)) {
        e = E_COLL_EXPIRED;
        why = "it is older than the one that is held";
    }
    if (e != OK) {
        failed(k, now, slot, e, why, 0);
        return;
    }
    s->is_inspected = false;
    take(k, now, slot, facts);
    buf_free(&s->body);
    buf_free(&s->chain);
}

/* --- the folder, and time --- */

void keeper_folder(struct keeper *k, const struct bytes *files, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        k->out.hold(k->out.ctx, PLAN_SLOTS + i, files[i], BYTES_NONE);
    for (uint32_t i = n; i < k->n_files; i++)
        k->out.hold(k->out.ctx, PLAN_SLOTS + i, BYTES_NONE, BYTES_NONE);
    k->n_files = n;
    log_info("the folder of collateral has files=%u", n);
    k->out.changed(k->out.ctx);
}

static void find_until(struct keeper *k, struct now now)
{
    k->until = 0;
    for (size_t i = 0; i < PLAN_SLOTS; i++)
        if (holds(&k->slots[i]))
            note_until(k, now, k->slots[i].until);
}

void keeper_turn(struct keeper *k, struct now now)
{
    size_t slot;
    while ((slot = plan_next(&k->plan, now)) < PLAN_SLOTS)
        k->out.fetch(k->out.ctx, (uint32_t)slot, &k->plan.slot[slot].object);
    for (uint32_t i = 0; i < PLAN_SLOTS; i++)
        if (holds(&k->slots[i]) && k->plan.slot[i].object.kind == OBJECT_NONE)
            forget(k, i);
    if (k->until && unix_s(now) > k->until) {
        find_until(k, now);
        k->out.changed(k->out.ctx);
    }
}

void keeper_free(struct keeper *k)
{
    for (size_t i = 0; i < PLAN_SLOTS; i++) {
        buf_free(&k->slots[i].body);
        buf_free(&k->slots[i].chain);
    }
}
