/* Registers that are pinned by the events measured to them. */
#include "core/policy/policy_int.h"

#include "base/codec/hex.h"

#include <stdio.h>

#define RTMRS 4

bool policy_events_pin(const struct policy_tdx *t, size_t rtmr)
{
    for (size_t i = 0; i < t->n_events; i++)
        if (t->events[i].rtmr == rtmr)
            return true;
    return false;
}

/* --- JSON --- */

static enum err read_event(const json_t *v, size_t i, struct policy_event *out, struct problem *p)
{
    char where[48];
    uint64_t rtmr;
    const struct json_field fields[] = {
        {"rtmr", JF_UINT, &rtmr, RTMRS - 1, JF_REQUIRED, NULL, 0},
        {"digest", JF_HEX, out->digest, 48, JF_REQUIRED, NULL, 0},
        {"optional", JF_BOOL, &out->optional, 0, JF_OPTIONAL | JF_NULLABLE, NULL, 0},
    };
    snprintf(where, sizeof where, "data.events[%zu]", i);
    TRY(json_fields(v, where, JSON_FIELDS(fields), p));
    out->rtmr = (uint8_t)rtmr;
    return OK;
}

static enum err read_others(const json_t *list, struct policy_tdx *out, struct problem *p)
{
    for (size_t i = 0; i < json_count(list); i++) {
        uint64_t rtmr;
        if (!json_to_uint(json_item(list, i), &rtmr) || rtmr >= RTMRS)
            return problem(p, E_VALUE, "data.allow_other_events[%zu] must be from 0 to 3", i);
        if (!policy_events_pin(out, rtmr))
            return problem(p, E_VALUE, "data.allow_other_events: rtmr%u is not pinned by events",
                           (unsigned)rtmr);
        out->other_events[rtmr] = true;
    }
    return OK;
}

enum err policy_events_read(const json_t *events, const json_t *others, struct policy_tdx *out,
                            struct problem *p)
{
    if (events && json_count(events) == 0)
        return problem(p, E_VALUE, "data.events is empty, so nothing is pinned: leave it out");
    for (size_t i = 0; i < json_count(events); i++)
        TRY(read_event(json_item(events, i), i, &out->events[out->n_events++], p));
    return read_others(others, out, p);
}

void policy_events_put(struct json_builder *b, const struct policy_tdx *t)
{
    jb_array(b, "events");
    for (size_t i = 0; i < t->n_events; i++) {
        const struct policy_event *e = &t->events[i];
        jb_object(b, NULL);
        jb_hex(b, "digest", BYTES_OF(e->digest));
        if (e->optional)
            jb_bool(b, "optional", true);
        jb_uint(b, "rtmr", e->rtmr);
        jb_close(b);
    }
    jb_close(b);
    jb_array(b, "allow_other_events");
    for (size_t i = 0; i < RTMRS; i++)
        if (t->other_events[i])
            jb_uint(b, NULL, i);
    jb_close(b);
}

/* --- the binary form --- */

void policy_events_encode(struct writer *w, const struct policy_tdx *t)
{
    wr_u32(w, (uint32_t)t->n_events);
    for (size_t i = 0; i < t->n_events; i++) {
        wr_u8(w, t->events[i].rtmr);
        wr_bool(w, t->events[i].optional);
        wr_raw(w, t->events[i].digest, sizeof t->events[i].digest);
    }
    for (size_t i = 0; i < RTMRS; i++)
        wr_bool(w, t->other_events[i]);
}

void policy_events_decode(struct reader *r, struct policy_tdx *t)
{
    t->n_events = rd_count(r, POLICY_EVENTS_MAX);
    for (size_t i = 0; i < t->n_events; i++) {
        t->events[i].rtmr = rd_u8(r);
        rd_require(r, t->events[i].rtmr < RTMRS);
        t->events[i].optional = rd_bool(r);
        rd_copy(r, t->events[i].digest, sizeof t->events[i].digest);
    }
    for (size_t i = 0; i < RTMRS; i++)
        t->other_events[i] = rd_bool(r);
}

/* --- what holds of every record --- */

static bool stands_before(const struct policy_tdx *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (t->events[i].rtmr == t->events[n].rtmr &&
            memcmp(t->events[i].digest, t->events[n].digest, 48) == 0)
            return true;
    return false;
}

enum err policy_events_check(const struct policy_tdx *t, struct problem *p)
{
    for (size_t i = 0; i < t->n_events; i++)
        if (stands_before(t, i))
            return problem(p, E_VALUE, "events[%zu] stands twice", i);
    for (size_t i = 0; i < RTMRS; i++) {
        bool pinned = policy_events_pin(t, i);
        if (pinned && !bytes_is_zero(BYTES_OF(t->rtmr[i])))
            return problem(p, E_VALUE, "rtmr%zu is given, so its events say no more: leave one out",
                           i);
        if (!pinned && t->other_events[i])
            return problem(p, E_VALUE, "allow_other_events: rtmr%zu is not pinned by events", i);
    }
    return OK;
}

/* --- matching --- */

static bool was_measured(const struct tdx_claims *c, const struct policy_event *e)
{
    for (size_t i = 0; i < c->n_events; i++)
        if (c->events[i].rtmr == e->rtmr && memcmp(c->events[i].digest, e->digest, 48) == 0)
            return true;
    return false;
}

static bool is_listed(const struct policy_tdx *t, const struct claims_event *e)
{
    for (size_t i = 0; i < t->n_events; i++)
        if (t->events[i].rtmr == e->rtmr && memcmp(t->events[i].digest, e->digest, 48) == 0)
            return true;
    return false;
}

static enum err match_listed(const struct policy_tdx *t, const struct tdx_claims *c, size_t rtmr,
                             struct problem *p)
{
    size_t found = 0;
    for (size_t i = 0; i < t->n_events; i++) {
        const struct policy_event *e = &t->events[i];
        char digest[97];
        if (e->rtmr != rtmr)
            continue;
        bool there = was_measured(c, e);
        found += there;
        if (there || e->optional)
            continue;
        hex_encode(BYTES_OF(e->digest), digest);
        return problem(p, E_MEAS_MISMATCH, "rtmr%zu: expected event %s, is not in the log", rtmr,
                       digest);
    }
    if (found)
        return OK;
    return problem(p, E_MEAS_MISMATCH, "rtmr%zu: expected one of its events, has none of them",
                   rtmr);
}

static enum err match_others(const struct policy_tdx *t, const struct tdx_claims *c, size_t rtmr,
                             struct problem *p)
{
    for (size_t i = 0; i < c->n_events; i++) {
        char digest[97];
        if (c->events[i].rtmr != rtmr || is_listed(t, &c->events[i]))
            continue;
        hex_encode(BYTES_OF(c->events[i].digest), digest);
        return problem(p, E_MEAS_MISMATCH, "rtmr%zu: expected the record's events alone, has %s",
                       rtmr, digest);
    }
    return OK;
}

enum err policy_events_match(const struct policy_tdx *t, const struct tdx_claims *c, size_t rtmr,
                             struct problem *p)
{
    if (!c->has_events)
        return problem(p, E_MEAS_MISMATCH,
                       "rtmr%zu: expected its events, the evidence has no event log of at most %d",
                       rtmr, CLAIMS_EVENTS_MAX);
    TRY(match_listed(t, c, rtmr, p));
    return t->other_events[rtmr] ? OK : match_others(t, c, rtmr, p);
}
