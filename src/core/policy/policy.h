/*
 * Measurement records: what software on what platform a namespace trusts
 * (published-protocol.md "Measurement registry", design.md section 9).
 *
 * A record is read from JSON (a registry's or a proposal's), kept in the log and
 * the state in a binary form, written back as canonical JSON, and matched
 * against the claims of verified evidence.
 *
 * An absent optional field is not enforced; a list that is there and empty is
 * refused, as is a record whose measurements are all zero, since both would say
 * the opposite of what they seem to say. Lists are sets: kept ascending, and an
 * item that stands twice is refused, as another one was meant.
 *
 * A TD's register is pinned whole, or by the events that were measured to it (core/evidence/
 * eventlog.h): {"events": [{"rtmr": 2, "digest": 96 hex, "optional"?: true}]} instead of "rtmr2".
 * Each of them, and at least one, must be in the log, and nothing else: whoever runs in the guest
 * can extend a register with any digest, so an event proves something only if everything measured
 * before it is known. {"allow_other_events": [2]} waives that for a register; sound only where
 * all code that runs is pinned by the others.
 *
 * policy_match() does not verify evidence, does not look at revocation (the
 * caller's registry knows), and does not know freshness.
 */
#ifndef CORE_POLICY_POLICY_H
#define CORE_POLICY_POLICY_H

#include "base/bytes.h"
#include "base/codec/json.h"
#include "base/crypto/hash.h"
#include "core/evidence/claims.h"

/* Large enough for a fleet's exceptions, small enough for one log entry. */
#define POLICY_MODELS_MAX     32
#define POLICY_VENDORS_MAX    8
#define POLICY_CHIPS_MAX      128
#define POLICY_ADVISORIES_MAX 64
#define POLICY_EVENTS_MAX     64
#define POLICY_ADVISORY_MAX   32
/* The encoded form and the JSON text of a record at all its limits stay below. */
#define POLICY_ENCODED_MAX 32768
#define POLICY_JSON_MAX    65536

/* A number that is enforced only if given. */
struct policy_min {
    bool given;
    uint8_t value;
};

struct policy_model {
    uint8_t family; /* as CPUID composes it: 6, 25, 26 */
    uint8_t model;
    bool any_stepping;
    uint8_t stepping;
};

struct policy_event {
    uint8_t rtmr;  /* 0 to 3 */
    bool optional; /* may be missing */
    uint8_t digest[48];
};

struct policy_tdx {
    uint8_t mrtd[48], rtmr[4][48]; /* a register that events pin is zero here */
    size_t n_events;
    struct policy_event events[POLICY_EVENTS_MAX];
    bool other_events[4]; /* such a register may hold others, too */
    bool has_mr_config_id, has_mr_seam, has_mrsigner_seam, has_min_tee_tcb_svn;
    uint8_t mr_config_id[48], mr_seam[48], mrsigner_seam[48];
    uint8_t min_tee_tcb_svn[16];    /* each byte */
    struct policy_min min_seam_svn; /* byte 0 of TEE_TCB_SVN */
    size_t n_vendors;
    uint8_t vendors[POLICY_VENDORS_MAX][16];
};

struct policy_snp {
    uint8_t measurement[48];
    bool has_host_data, has_id_key, has_author_key;
    uint8_t host_data[32], id_key[48], author_key[48];
    struct policy_min min_bootloader, min_tee, min_snp, min_microcode;
    struct policy_min vmpl;
    bool require_smt_disabled, allow_masked_chip_id;
    size_t n_chips;
    uint8_t chips[POLICY_CHIPS_MAX][64];
};

struct policy_record {
    enum platform platform; /* PLATFORM_TDX or PLATFORM_SNP */
    bool debug_allowed;
    /* A set: bit s stands for enum tcb_status s. Never empty, never TCB_REVOKED or TCB_UNKNOWN. */
    uint32_t tcb_statuses;
    bool has_advisories; /* then only those in the list are accepted */
    size_t n_advisories;
    char advisories[POLICY_ADVISORIES_MAX][POLICY_ADVISORY_MAX];
    size_t n_models;
    struct policy_model models[POLICY_MODELS_MAX];
    union {
        struct policy_tdx tdx;
        struct policy_snp snp;
    };
};

/*
 * Reads {"platform": "tdx"|"sev_snp", "data": {...}}, `data` flat or wrapped in the
 * platform's name. Unknown, missing or mistyped members: E_MALFORMED; a wrong value: E_VALUE.
 */
enum err policy_read(const json_t *record, struct policy_record *out, struct problem *p);
/* Reads `data` alone. */
enum err policy_read_data(enum platform platform, const json_t *data, struct policy_record *out,
                          struct problem *p);
/* The same as policy_read() from text of at most POLICY_JSON_MAX bytes. */
enum err policy_parse(struct bytes text, struct policy_record *out, struct problem *p);

/* {"data": {...}, "platform": ...} in the flat form; free with json_free(). */
enum err policy_json(const struct policy_record *r, json_t **out);
/* The same as canonical text (RFC 8785), appended. */
enum err policy_text(const struct policy_record *r, struct buf *out);
/*
 * The same for people to compare: every field there is on a line of its own, null where it is not
 * enforced, so that diff(1) shows what two records accept differently. Reads back as the record.
 */
enum err policy_print(const struct policy_record *r, struct buf *out);

/* The binary form, appended; equal records have equal bytes. */
enum err policy_encode(const struct policy_record *r, struct buf *out);
/* E_MALFORMED for anything policy_encode() would not write. */
enum err policy_decode(struct bytes in, struct policy_record *out);

/*
 * The key of the record in its registry. TDX: SHA-256(rtmr0..rtmr3), or with events SHA-256(mrtd),
 * so that there is one such record for each firmware; SNP: SHA-256(measurement ||
 * host_data) or, without host_data, SHA-256(measurement).
 */
struct hash32 policy_measurement_hash(const struct policy_record *r);
/*
 * The keys under which evidence is looked up, in order, and their number (1 or 2): the first
 * record found counts, and a revoked record under either refuses (api.md).
 */
size_t policy_lookup(const struct claims *c, struct hash32 out[static 2]);

/*
 * Whether these claims satisfy the record; OK or the code of the first check that fails, with
 * expected and actual values in p. The order: platform, measurements (mrtd, rtmr0..3,
 * mr_config_id; measurement, host_data), debug, each TCB component, TCB status and advisories, CPU
 * model, then the platform's own (vendor, mr_seam, mrsigner_seam; chip, SMT, VMPL, id key, author
 * key).
 */
enum err policy_match(const struct policy_record *r, const struct claims *c, struct problem *p);
/*
 * The status alone, for verdicts of other guardians. A guest that should be relaunched is out of
 * date: TDRelaunchAdvised is accepted by its own name and where OutOfDate is, likewise with
 * ConfigurationNeeded.
 */
bool policy_allows_tcb(const struct policy_record *r, enum tcb_status status);
bool policy_allows_advisory(const struct policy_record *r, const char *advisory);

#endif
