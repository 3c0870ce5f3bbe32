/* The event log that came with evidence, for `guardian evidence show`. */
#ifndef PROG_GUARDIAN_SHOW_EVENTS_H
#define PROG_GUARDIAN_SHOW_EVENTS_H

#include "base/codec/json.h"
#include "core/evidence/evidence.h"

/*
 * Adds the member event_log: null if there is none, else {"replays": whether the log gives the
 * RTMRs of the (unverified) quote, "problem": why not or null, "events": [{"register", "type",
 * "type_name", "digest", "text", "data": "bound"|"free"|"differs"}]}; register is null for what
 * is not measured. A malformed log is shown up to where it is.
 */
void events_add_json(struct json_builder *b, const struct evidence *e);
/* The same for people, a line an event; nothing if there is no log. */
void events_say(const struct evidence *e);

#endif
