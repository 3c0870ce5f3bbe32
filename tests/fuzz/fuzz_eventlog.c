/* core/evidence/eventlog.h: both kinds of log, both hashes. */
#include "core/evidence/eventlog.h"

#include <string.h>

#include "fuzz.h"

/* Every view lies within the log; returns whether all of it could be read. */
static bool walk(struct bytes in, enum eventlog_kind kind, enum eventlog_hash hash)
{
    struct eventlog log;
    struct event e;
    bool more = true;
    if (eventlog_open(in, kind, hash, &log, NULL) != OK)
        return false;
    while (eventlog_next(&log, &e, &more, NULL) == OK) {
        char text[EVENT_TEXT_MAX];
        if (!more)
            return true;
        FUZZ_REQUIRE(e.digest.n == (hash == EVENTLOG_SHA384 ? 48 : 32));
        FUZZ_REQUIRE(e.digest.p >= in.p && e.digest.p + e.digest.n <= in.p + in.n);
        FUZZ_REQUIRE(e.data.p >= in.p && e.data.p + e.data.n <= in.p + in.n);
        FUZZ_REQUIRE(!e.measured || e.reg < (kind == EVENTLOG_CC ? 4 : EVENTLOG_REGISTERS));
        event_text(&e, text);
        for (const char *c = text; *c; c++)
            FUZZ_REQUIRE(*c >= 0x20 && *c < 0x7f);
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum eventlog_kind kinds[] = {EVENTLOG_TCG2, EVENTLOG_CC};
    static const enum eventlog_hash hashes[] = {EVENTLOG_SHA256, EVENTLOG_SHA384};
    struct eventlog_values values;
    for (size_t i = 0; i < 4; i++) {
        struct problem p = {0};
        bool whole = walk(bytes(data, size), kinds[i / 2], hashes[i % 2]);
        enum err e = eventlog_replay(bytes(data, size), kinds[i / 2], hashes[i % 2], &values, &p);
        FUZZ_REQUIRE(e == OK || p.detail[0]);
        FUZZ_REQUIRE(e != OK || whole);
    }
    return 0;
}
