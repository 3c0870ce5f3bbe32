/*
 * Measurement records: what software, on what machine, a namespace accepts
 * (published-protocol.md, "Measurement registry"; api.md), and their judgement.
 *
 * Policy looks at claims that evidence_verify() vouched for; it never sees
 * evidence. A record that would accept anything cannot be made.
 */
#ifndef CORE_POLICY_POLICY_H
#define CORE_POLICY_POLICY_H

#include "base/codec/json.h"
#include "base/reader.h"
#include "base/writer.h"
#include "core/evidence/claims.h"

#define POLICY_RECORD_MAX   (16 * 1024) /* all lists full are below 10 KiB */
#define POLICY_LIST_MAX     32
#define POLICY_ADVISORY_MAX 32 /* bytes of an advisory id, with terminator */

struct policy_cpu {
    uint16_t family, model;
    bool has_stepping;
    uint8_t stepping;
};

struct policy_tdx {
    uint8_t mrtd[48], rtmr[4][48];
    bool has_mr_config_id;
    uint8_t mr_config_id[48];
    bool has_seam_svn, has_tee_tcb_svn;
    uint8_t seam_svn;        /* component 1 of tee_tcb_svn, the module's own */
    uint8_t tee_tcb_svn[16]; /* minimum, byte by byte */
    uint32_t n_vendors;
    uint8_t vendors[POLICY_LIST_MAX][16];
    bool has_mr_seam, has_mrsigner_seam;
    uint8_t mr_seam[48], mrsigner_seam[48];
};

struct policy_snp {
    uint8_t measurement[48];
    bool has_host_data;
    uint8_t host_data[32];
    bool has_bootloader, has_tee, has_snp, has_microcode;
    uint8_t bootloader_svn, tee_svn, snp_svn, microcode_svn; /* minima */
    uint32_t n_chips;
    uint8_t chips[POLICY_LIST_MAX][64];
    bool allow_masked_chip_id, require_smt_disabled;
    bool has_vmpl;
    uint8_t vmpl;
    bool has_id_key, has_author_key;
    uint8_t id_key_digest[48], author_key_digest[48];
};

struct policy_record {
    enum platform platform;
    bool debug_allowed;
    uint32_t n_cpus;
    struct policy_cpu cpus[POLICY_LIST_MAX];
    uint32_t tcb_statuses; /* bit s: enum tcb_status s is accepted */
    uint32_t n_advisories; /* accepted ones; consulted with collateral */
    char advisories[POLICY_LIST_MAX][POLICY_ADVISORY_MAX];
    union {
        struct policy_tdx tdx;
        struct policy_snp snp;
    };
};

/* Reads {"platform", "data"}; data flat or wrapped in {"tdx"} or {"sev_snp"}. Unknown field or
 * wrong type: E_MALFORMED; a value outside its range, or a record that accepts anything: E_VALUE.
 */
enum err policy_parse(const json_t *record, struct policy_record *out, struct problem *p);
/* The same from the text of that object. */
enum err policy_parse_text(const char *text, struct policy_record *out, struct problem *p);
/* {"platform", "data"} in the flat form; free with json_free(). */
enum err policy_to_json(const struct policy_record *record, json_t **out);
/* For the log. */
void policy_record_write(struct writer *w, const struct policy_record *record);
/* E_MALFORMED. */
enum err policy_record_decode(struct bytes in, struct policy_record *out);
/* The name under which the registry keeps it (api.md). */
struct hash32 policy_measurement_hash(const struct policy_record *record);
/* OK, or the first check that fails, in the published order, with expected and actual values. */
enum err policy_match(const struct policy_record *record, const struct claims *claims,
                      struct problem *p);
bool policy_allows_tcb(const struct policy_record *record, enum tcb_status status);

#endif
