#include "core/evidence/eventlog.h"

#include "base/codec/hex.h"
#include "base/crypto/hash.h"
#include "core/evidence/eventlog_int.h"

#define SPEC_ID          "Spec ID Event03" /* with its NUL: 16 bytes */
#define STARTUP_LOCALITY "StartupLocality"
#define RTMRS            4
#define DIGEST_MAX       64

/* --- the first event --- */

/* Sizes that no log can say otherwise, so that two readers see the same events. */
static uint16_t known_size(uint16_t id)
{
    static const struct {
        uint16_t id, size;
    } known[] = {{0x0004, 20}, {0x000b, 32}, {0x000c, 48}, {0x000d, 64}, {0x0012, 32}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].id == id)
            return known[i].size;
    return 0;
}

static size_t algorithm_index(const struct eventlog *log, uint16_t id)
{
    size_t i = 0;
    while (i < log->n_algorithms && log->algorithms[i].id != id)
        i++;
    return i;
}

static bool has_algorithm(const struct eventlog *log, uint16_t id)
{
    return algorithm_index(log, id) < log->n_algorithms;
}

static void read_algorithms(struct reader *r, struct eventlog *out)
{
    uint32_t n = rd_u32le(r);
    rd_require(r, n >= 1 && n <= EVENTLOG_ALGORITHMS_MAX);
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        uint16_t id = rd_u16le(r), size = rd_u16le(r);
        rd_require(r, size >= 1 && size <= DIGEST_MAX && !has_algorithm(out, id));
        rd_require(r, known_size(id) == 0 || known_size(id) == size);
        out->algorithms[i].id = id;
        out->algorithms[i].size = size;
        out->n_algorithms = i + 1;
    }
}

/* TCG_EfiSpecIdEvent (PFP 10.4.5.1) */
static enum err read_spec_id(struct bytes event, struct eventlog *out, struct problem *p)
{
    struct reader r = reader(event);
    struct bytes signature = rd_bytes(&r, sizeof SPEC_ID);
    if (r.bad || !bytes_eq(signature, bytes(SPEC_ID, sizeof SPEC_ID)))
        return problem(p, E_FORMAT, "the event log is not in the crypto agile form");
    rd_skip(&r, 4 + 3 + 1); /* platform class, version, size of UINTN */
    read_algorithms(&r, out);
    rd_skip(&r, rd_u8(&r));
    if (reader_end(&r, E_FORMAT) != OK)
        return problem(p, E_FORMAT, "the event log's first event is malformed");
    return OK;
}

enum err eventlog_open(struct bytes in, enum eventlog_kind kind, enum eventlog_hash hash,
                       struct eventlog *out, struct problem *p)
{
    *out = (struct eventlog){.rest = reader(in), .kind = kind, .hash = hash};
    struct reader *r = &out->rest;
    if (in.n > EVENTLOG_MAX)
        return problem(p, E_TOO_LARGE, "an event log has at most %d bytes", EVENTLOG_MAX);
    rd_skip(r, 4); /* EDK II names another register here in each kind of log */
    uint32_t type = rd_u32le(r);
    struct bytes zero = rd_bytes(r, 20);
    struct bytes event = rd_var_le(r, EVENTLOG_MAX);
    if (r->bad || type != EV_NO_ACTION || !bytes_is_zero(zero))
        return problem(p, E_FORMAT, "the event log does not begin with a Spec ID event");
    TRY(read_spec_id(event, out, p));
    if (!has_algorithm(out, (uint16_t)hash))
        return problem(p, E_FORMAT, "the event log has no %s digests",
                       hash == EVENTLOG_SHA384 ? "SHA-384" : "SHA-256");
    return OK;
}

/* --- the others --- */

/* What firmware did not write: all ones (EDK II) or all zero (td-shim). */
static bool is_unused(struct bytes rest)
{
    for (size_t i = 1; i < rest.n; i++)
        if (rest.p[i] != rest.p[0])
            return false;
    return rest.n == 0 || rest.p[0] == 0x00 || rest.p[0] == 0xff;
}

/* One digest of each algorithm, in any order. */
static void read_digests(struct eventlog *log, struct event *out)
{
    struct reader *r = &log->rest;
    unsigned seen = 0;
    rd_require(r, rd_u32le(r) == log->n_algorithms);
    for (size_t i = 0; i < log->n_algorithms && !r->bad; i++) {
        uint16_t id = rd_u16le(r);
        size_t at = algorithm_index(log, id);
        rd_require(r, at < log->n_algorithms && !(seen >> at & 1));
        if (r->bad)
            return;
        seen |= 1u << at;
        struct bytes digest = rd_bytes(r, log->algorithms[at].size);
        if (id == log->hash)
            out->digest = digest;
    }
}

/* Nothing that a guest measures can go to MRTD, index 0 of a CC log. */
static bool find_register(const struct eventlog *log, uint32_t index, struct event *out)
{
    uint32_t first = log->kind == EVENTLOG_CC ? 1 : 0;
    uint32_t n = log->kind == EVENTLOG_CC ? RTMRS : EVENTLOG_REGISTERS;
    out->reg = index - first;
    return !out->measured || (index >= first && index - first < n);
}

enum err eventlog_next(struct eventlog *log, struct event *out, bool *more, struct problem *p)
{
    struct reader *r = &log->rest;
    *out = (struct event){0};
    *more = !is_unused(bytes(r->p, rd_left(r)));
    if (!*more)
        return OK;
    uint32_t index = rd_u32le(r);
    out->type = rd_u32le(r);
    out->measured = out->type != EV_NO_ACTION;
    read_digests(log, out);
    out->data = rd_var_le(r, EVENTLOG_MAX);
    if (r->bad)
        return problem(p, E_FORMAT, "the event log ends within an event or has a malformed one");
    if (!find_register(log, index, out))
        return problem(p, E_FORMAT, "the event log has an event for index %u, which takes none",
                       index);
    return OK;
}

/* --- replay --- */

static void start(enum eventlog_kind kind, struct eventlog_values *out)
{
    memset(out, 0, sizeof *out);
    for (size_t pcr = 17; kind == EVENTLOG_TCG2 && pcr <= 22; pcr++)
        memset(out->reg[pcr], 0xff, sizeof out->reg[pcr]);
}

void eventlog_digest(struct bytes in, size_t size, uint8_t out[static 48])
{
    if (size == 48) {
        sha384(in, out);
        return;
    }
    struct hash32 h = sha256(in);
    memcpy(out, h.b, sizeof h.b);
}

static void extend(uint8_t reg[static 48], struct bytes digest)
{
    uint8_t both[2 * 48];
    memcpy(both, reg, digest.n);
    memcpy(both + digest.n, digest.p, digest.n);
    eventlog_digest(bytes(both, 2 * digest.n), digest.n, reg);
}

/* PFP 10.4.5.3: the locality of TPM2_Startup() is the last byte PCR 0 starts with. */
static enum err take_locality(const struct event *e, size_t size, bool late,
                              struct eventlog_values *out, struct problem *p)
{
    struct reader r = reader(e->data);
    struct bytes signature = rd_bytes(&r, sizeof STARTUP_LOCALITY);
    uint8_t locality = rd_u8(&r);
    if (r.bad || !bytes_eq(signature, bytes(STARTUP_LOCALITY, sizeof STARTUP_LOCALITY)))
        return OK;
    if (late)
        return problem(p, E_FORMAT, "the event log names its startup locality too late");
    out->reg[0][size - 1] = locality;
    return OK;
}

static enum err replay_one(const struct eventlog *log, const struct event *e, bool *begun,
                           struct eventlog_values *out, struct problem *p)
{
    if (!e->measured)
        return log->kind == EVENTLOG_TCG2 ? take_locality(e, e->digest.n, *begun, out, p) : OK;
    if (event_data(e) == EVENT_DATA_DIFFERS)
        return problem(p, E_FORMAT,
                       "the event log: the data of an event %s are not what it"
                       " measured",
                       event_type_name(e->type));
    *begun |= e->reg == 0;
    extend(out->reg[e->reg], e->digest);
    return OK;
}

enum err eventlog_replay(struct bytes in, enum eventlog_kind kind, enum eventlog_hash hash,
                         struct eventlog_values *out, struct problem *p)
{
    struct eventlog log;
    struct event e;
    bool begun = false, more = true;
    start(kind, out);
    TRY(eventlog_open(in, kind, hash, &log, p));
    for (;;) {
        TRY(eventlog_next(&log, &e, &more, p));
        if (!more)
            return OK;
        TRY(replay_one(&log, &e, &begun, out, p));
    }
}

enum err eventlog_match_rtmrs(struct bytes in, const uint8_t rtmr[static RTMRS][48],
                              struct problem *p)
{
    struct eventlog_values replayed;
    char expected[97], actual[97];
    TRY(eventlog_replay(in, EVENTLOG_CC, EVENTLOG_SHA384, &replayed, p));
    for (size_t i = 0; i < RTMRS; i++) {
        if (memcmp(replayed.reg[i], rtmr[i], sizeof replayed.reg[i]) == 0)
            continue;
        hex_encode(bytes(rtmr[i], 48), expected);
        hex_encode(BYTES_OF(replayed.reg[i]), actual);
        return problem(p, E_MEAS_MISMATCH, "event log: rtmr%zu is %s, the log replays to %s", i,
                       expected, actual);
    }
    return OK;
}
