/*
 * Event logs: what firmware, boot loader and kernel measured on the way up, event by event, so
 * that a register's value can be explained and a single event be pinned.
 *
 * Two kinds share one form, the crypto agile log (TCG PC Client Platform Firmware Profile
 * Specification 1.06, section 10.2): the TCG2 log of a TPM and the confidential computing log of
 * a TD (UEFI Specification 2.10, section 38.4: CCEL).
 *
 *   index u32 | type u32 = EV_NO_ACTION | 20 zero bytes | size u32 | Spec ID event:
 *       "Spec ID Event03" NUL | platform class u32 | version 3 u8 | uintn size u8
 *       number of algorithms u32 | (algorithm u16, digest size u16) ... | u8 + vendor info
 *   index u32 | type u32 | number of digests u32 | (algorithm u16, digest) ... | size u32 | data
 *   ...
 *
 * All numbers are little-endian. What a platform leaves of the log's memory, all 0xff or all
 * zero, ends it.
 *
 * A log is not signed and its first event not measured. It counts for nothing before its replay
 * gave the registers of a verified quote (eventlog_match_rtmrs()); then its digests are as good
 * as the quote, and its data only where event_data() says EVENT_DATA_BOUND.
 */
#ifndef CORE_EVIDENCE_EVENTLOG_H
#define CORE_EVIDENCE_EVENTLOG_H

#include "base/bytes.h"
#include "base/reader.h"

/* Firmware reserves 64 KiB, Google's 256 KiB. */
#define EVENTLOG_MAX (256 << 10)
/* TPMs have at most five banks. */
#define EVENTLOG_ALGORITHMS_MAX 8
/* PCRs of a TPM; a TD has four RTMRs. */
#define EVENTLOG_REGISTERS 24

/* Whose log: index is a PCR, or 0 for MRTD and i + 1 for RTMR i. */
enum eventlog_kind { EVENTLOG_TCG2, EVENTLOG_CC };

/* TPM_ALG_ID of the digests that are read and replayed. */
enum eventlog_hash { EVENTLOG_SHA256 = 0x000b, EVENTLOG_SHA384 = 0x000c };

struct eventlog {
    struct reader rest;
    enum eventlog_kind kind;
    enum eventlog_hash hash;
    size_t n_algorithms;
    struct {
        uint16_t id, size;
    } algorithms[EVENTLOG_ALGORITHMS_MAX];
};

/* Views borrow from the log. */
struct event {
    unsigned reg;  /* PCR, or RTMR; not for an event that is not measured */
    bool measured; /* false: EV_NO_ACTION, which no register holds */
    uint32_t type;
    struct bytes digest; /* 32 or 48 bytes */
    struct bytes data;
};

/* Reads up to the first event. E_FORMAT: no crypto agile log, or one without this hash. */
enum err eventlog_open(struct bytes in, enum eventlog_kind kind, enum eventlog_hash hash,
                       struct eventlog *out, struct problem *p);
/* The next event, or *more = false at the end. E_FORMAT; the log must not be read on then. */
enum err eventlog_next(struct eventlog *log, struct event *out, bool *more, struct problem *p);

/* Values of the registers, the first 32 or 48 bytes of each. */
struct eventlog_values {
    uint8_t reg[EVENTLOG_REGISTERS][48];
};

/*
 * Replays the whole log: new = H(old || digest), from zero, or as a TPM starts (PCR 17 to 22 at
 * all ones, PCR 0 at the startup locality). E_FORMAT also for an event whose data are not what
 * its type says was measured (EVENT_DATA_DIFFERS).
 */
enum err eventlog_replay(struct bytes in, enum eventlog_kind kind, enum eventlog_hash hash,
                         struct eventlog_values *out, struct problem *p);
/* OK if the CC log explains all four RTMRs of a verified quote. E_MEAS_MISMATCH, E_FORMAT. */
enum err eventlog_match_rtmrs(struct bytes in, const uint8_t rtmr[static 4][48], struct problem *p);

/* --- what an event says --- */

/* "EV_SEPARATOR", or "EV_?" for a type of nobody's specification. */
const char *event_type_name(uint32_t type);

enum event_data {
    EVENT_DATA_FREE,   /* a label at most: something else was measured */
    EVENT_DATA_BOUND,  /* the digest is of these data (of the part that is measured) */
    EVENT_DATA_DIFFERS /* it should be, but is not */
};

/*
 * By the profile's table of event types (10.4.1), and for boot variables as EDK II does it: the
 * value alone. Tagged events and GRUB's commands (EV_IPL) are bound where their digest says so,
 * and never differ: others use these types for labels.
 */
enum event_data event_data(const struct event *e);

/* The longest description that is made, with its NUL. */
#define EVENT_TEXT_MAX 128
/* The data for people: a variable's name, a path, a command; printable ASCII, cut to fit. */
void event_text(const struct event *e, char out[static EVENT_TEXT_MAX]);

#endif
