#include "io/collateral/plan.h"

#include "base/bug.h"

#define BACKOFF_FIRST_MS 5000ull
#define BACKOFF_MAX_MS   (15 * 60 * 1000ull)

enum plan_service plan_service_of(const struct vendor_object *object)
{
    return object->kind >= OBJECT_SNP_CHAIN ? PLAN_AMD : PLAN_INTEL;
}

static enum plan_service service_of(const struct plan_slot *s)
{
    return plan_service_of(&s->object);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- what is wanted --- */

size_t plan_find(const struct plan *plan, const struct vendor_object *object)
{
    for (size_t i = 0; i < PLAN_SLOTS; i++)
        if (plan->slot[i].object.kind != OBJECT_NONE && object_eq(&plan->slot[i].object, object))
            return i;
    return PLAN_SLOTS;
}

static size_t count_strangers(const struct plan *plan)
{
    size_t n = 0;
    for (size_t i = 0; i < PLAN_SLOTS; i++)
        n += plan->slot[i].object.kind != OBJECT_NONE && plan->slot[i].is_stranger;
    return n;
}

/* A stranger takes the place of strangers only; who is under way stays. */
static size_t longest_unwanted(const struct plan *plan, bool strangers)
{
    size_t found = PLAN_SLOTS;
    for (size_t i = 0; i < PLAN_SLOTS; i++) {
        const struct plan_slot *s = &plan->slot[i];
        if (s->object.kind == OBJECT_NONE || s->is_asked || s->is_stranger != strangers)
            continue;
        if (found == PLAN_SLOTS || s->wanted_ms < plan->slot[found].wanted_ms)
            found = i;
    }
    return found;
}

static size_t make_room(const struct plan *plan, bool is_stranger)
{
    bool full = is_stranger && count_strangers(plan) >= PLAN_STRANGERS;
    for (size_t i = 0; i < PLAN_SLOTS && !full; i++)
        if (plan->slot[i].object.kind == OBJECT_NONE)
            return i;
    size_t i = longest_unwanted(plan, true);
    return i == PLAN_SLOTS && !is_stranger ? longest_unwanted(plan, false) : i;
}

size_t plan_want(struct plan *plan, struct now now, const struct vendor_object *object,
                 bool is_stranger)
{
    size_t i = plan_find(plan, object);
    GD_BUG_ON(object->kind == OBJECT_NONE);
    if (i == PLAN_SLOTS) {
        i = make_room(plan, is_stranger);
        if (i == PLAN_SLOTS)
            return i;
        plan->slot[i] = (struct plan_slot){
            .object = *object, .is_stranger = is_stranger, .due_ms = now.mono_ms};
    }
    plan->slot[i].wanted_ms = now.mono_ms;
    plan->slot[i].is_stranger &= is_stranger;
    return i;
}

void plan_put(struct plan *plan, struct now now, size_t slot, const struct vendor_object *object)
{
    GD_BUG_ON(object->kind == OBJECT_NONE || plan->slot[slot].object.kind != OBJECT_NONE);
    plan->slot[slot] =
        (struct plan_slot){.object = *object, .due_ms = now.mono_ms, .wanted_ms = now.mono_ms};
}

/* --- what is due --- */

static uint64_t due_of(const struct plan *plan, const struct plan_slot *s)
{
    uint64_t at = later(s->due_ms, plan->silent_until_ms[service_of(s)]);
    return s->is_stranger ? later(at, plan->stranger_due_ms) : at;
}

static void note_busy(const struct plan *plan, bool busy[static PLAN_SERVICES])
{
    for (size_t i = 0; i < PLAN_SLOTS; i++)
        if (plan->slot[i].is_asked)
            busy[service_of(&plan->slot[i])] = true;
}

static bool is_forgotten(const struct plan_slot *s, struct now now)
{
    return now.mono_ms > s->wanted_ms + PLAN_FORGET_MS;
}

size_t plan_next(struct plan *plan, struct now now)
{
    size_t found = PLAN_SLOTS;
    bool busy[PLAN_SERVICES] = {false};
    note_busy(plan, busy);
    for (size_t i = 0; i < PLAN_SLOTS; i++) {
        struct plan_slot *s = &plan->slot[i];
        if (s->object.kind == OBJECT_NONE || busy[service_of(s)] || due_of(plan, s) > now.mono_ms)
            continue;
        if (is_forgotten(s, now))
            *s = (struct plan_slot){0};
        else if (found == PLAN_SLOTS || s->due_ms < plan->slot[found].due_ms)
            found = i;
    }
    if (found == PLAN_SLOTS)
        return found;
    plan->slot[found].is_asked = true;
    if (plan->slot[found].is_stranger)
        plan->stranger_due_ms = now.mono_ms + PLAN_SPACING_MS;
    return found;
}

/* --- what came of it --- */

/* The seconds from a to b as milliseconds; 0 if b is not after a. */
static uint64_t ms_between(int64_t a, int64_t b)
{
    return b > a ? 1000 * sooner((uint64_t)b - (uint64_t)a, UINT64_MAX / 2000) : 0;
}

static uint64_t refresh_of(const struct plan *plan, const struct plan_slot *s)
{
    if (s->object.kind == OBJECT_SNP_CHAIN || s->object.kind == OBJECT_VCEK)
        return PLAN_FORGET_MS;
    return plan->refresh_ms ? plan->refresh_ms : PLAN_REFRESH_MS;
}

void plan_held(struct plan *plan, struct now now, struct rng rng, size_t slot, int64_t fetched,
               int64_t until)
{
    struct plan_slot *s = &plan->slot[slot];
    uint64_t refresh = refresh_of(plan, s);
    int64_t unix_s = (int64_t)(now.unix_ms / 1000);
    /* Of its life as it was when it was fetched; a clock that was set back counts as no time. */
    uint64_t wait = sooner(ms_between(fetched, until) / 2, refresh);
    wait -= rng_below(rng, wait / 5 + 1);
    wait = later(wait, sooner(PLAN_LEAST_MS, refresh));
    uint64_t passed = ms_between(fetched, unix_s);
    s->is_held = true;
    s->is_asked = false;
    s->is_stranger = false;
    s->failures = 0;
    s->due_ms = now.mono_ms + (wait > passed ? wait - passed : 0);
}

uint64_t plan_backoff_ms(unsigned failures, struct rng rng)
{
    uint64_t full = BACKOFF_FIRST_MS;
    for (unsigned i = 1; i < failures && full < BACKOFF_MAX_MS; i++)
        full *= 2;
    full = sooner(full, BACKOFF_MAX_MS);
    return full / 2 + rng_below(rng, full / 2 + 1);
}

void plan_failed(struct plan *plan, struct now now, struct rng rng, size_t slot, enum err why,
                 uint32_t retry_after_s)
{
    struct plan_slot *s = &plan->slot[slot];
    uint64_t wait = why == E_NOT_FOUND ? BACKOFF_MAX_MS : plan_backoff_ms(++s->failures, rng);
    uint64_t patience = sooner(1000ull * retry_after_s, PLAN_PATIENCE_MS);
    uint64_t *silent = &plan->silent_until_ms[service_of(s)];
    s->is_asked = false;
    s->due_ms = now.mono_ms + wait;
    if (patience)
        *silent = later(*silent, now.mono_ms + patience);
}
