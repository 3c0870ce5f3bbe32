#include "prog/guardian/show_events.h"

#include "base/codec/hex.h"
#include "prog/guardian/say.h"

#include <stdio.h>

static const char *const data_names[] = {
    [EVENT_DATA_FREE] = "free",
    [EVENT_DATA_BOUND] = "bound",
    [EVENT_DATA_DIFFERS] = "differs",
};

static void register_name(const struct event *e, char out[static 8])
{
    if (e->measured)
        snprintf(out, 8, "rtmr%u", e->reg);
    else
        snprintf(out, 8, "-");
}

/* Calls `each` for every event that can be read. */
static void for_each(struct bytes in, void (*each)(void *ctx, const struct event *e), void *ctx)
{
    struct eventlog log;
    struct event e;
    bool more = true;
    if (eventlog_open(in, EVENTLOG_CC, EVENTLOG_SHA384, &log, NULL) != OK)
        return;
    while (eventlog_next(&log, &e, &more, NULL) == OK && more)
        each(ctx, &e);
}

/* --- JSON --- */

static void add_event(void *ctx, const struct event *e)
{
    struct json_builder *b = ctx;
    char name[8], text[EVENT_TEXT_MAX];
    register_name(e, name);
    event_text(e, text);
    jb_object(b, NULL);
    if (e->measured)
        jb_text(b, "register", name);
    else
        jb_null(b, "register");
    jb_uint(b, "type", e->type);
    jb_text(b, "type_name", event_type_name(e->type));
    jb_hex(b, "digest", e->digest);
    jb_text(b, "text", text);
    jb_text(b, "data", data_names[event_data(e)]);
    jb_close(b);
}

void events_add_json(struct json_builder *b, const struct evidence *e)
{
    struct problem p = {0};
    if (e->event_log.n == 0) {
        jb_null(b, "event_log");
        return;
    }
    jb_object(b, "event_log");
    jb_bool(b, "replays", eventlog_match_rtmrs(e->event_log, e->claims.tdx.rtmr, &p) == OK);
    if (p.err == OK)
        jb_null(b, "problem");
    else
        jb_text(b, "problem", problem_text(&p));
    jb_array(b, "events");
    for_each(e->event_log, add_event, b);
    jb_close(b);
    jb_close(b);
}

/* --- text --- */

static void say_event(void *ctx, const struct event *e)
{
    static const int widths[] = {6, 33, 8, 97, 0};
    char name[8], digest[97], text[EVENT_TEXT_MAX];
    register_name(e, name);
    hex_encode(e->digest, digest);
    event_text(e, text);
    say_row(widths, 5,
            (const char *const[]){name, event_type_name(e->type), data_names[event_data(e)], digest,
                                  text});
}

void events_say(const struct evidence *e)
{
    struct problem p = {0};
    if (e->event_log.n == 0)
        return;
    enum err replayed = eventlog_match_rtmrs(e->event_log, e->claims.tdx.rtmr, &p);
    say_field("event log", "%s", replayed == OK ? "replays to these RTMRs" : problem_text(&p));
    for_each(e->event_log, say_event, NULL);
}
