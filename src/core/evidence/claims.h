/*
 * What verified evidence says, in one plain value: the fields of
 * published-protocol.md for both platforms, as bytes and numbers, with no
 * pointer into the evidence. Policy judges claims and never evidence.
 *
 * Claims come from evidence_verify(), or, unverified, from evidence_claims(),
 * for display only.
 */
#ifndef CORE_EVIDENCE_CLAIMS_H
#define CORE_EVIDENCE_CLAIMS_H

#include "base/bytes.h"
#include "base/crypto/hash.h"
#include "base/reader.h"
#include "base/writer.h"

enum platform { PLATFORM_NONE, PLATFORM_TDX, PLATFORM_SNP };

/* "tdx", "sev_snp" (the names of the measurement registry), or "none". */
const char *platform_name(enum platform p);
/* PLATFORM_NONE for any other name. */
enum platform platform_from_name(const char *name);

/* AMD generations that share a root key, and the layout of their TCB version. */
enum snp_product { SNP_PRODUCT_UNKNOWN, SNP_MILAN, SNP_GENOA, SNP_TURIN, SNP_PRODUCTS };

/* "Milan", "Genoa", "Turin" or "unknown". */
const char *snp_product_name(enum snp_product p);

/* Which key signed a report (bits 4:2 of its flags). */
enum snp_key { SNP_KEY_VCEK = 0, SNP_KEY_VLEK = 1, SNP_KEY_NONE = 7 };

/* "vcek", "vlek" or "none". */
const char *snp_key_name(enum snp_key k);

/*
 * The status of a platform's TCB as its vendor sees it. Unknown until collateral was judged. The
 * last two are not in TCB info: Intel's verifier finds that the platform was updated since the
 * guest was launched, so that the guest alone is out of date.
 */
enum tcb_status {
    TCB_UNKNOWN,
    TCB_UP_TO_DATE,
    TCB_SW_HARDENING_NEEDED,
    TCB_CONFIGURATION_NEEDED,
    TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    TCB_OUT_OF_DATE,
    TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
    TCB_REVOKED,
    TCB_TD_RELAUNCH_ADVISED,
    TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
    TCB_STATUSES
};

/* Intel's spelling ("UpToDate"), never NULL. */
const char *tcb_status_name(enum tcb_status s);
/* E_VALUE for any other spelling. */
enum err tcb_status_from_name(const char *name, enum tcb_status *out);

/*
 * Advisories that a TCB level does not mitigate: Intel lists up to 24 per level, of 14 characters;
 * 64 of 31 leave room for three levels that grow.
 */
#define CLAIMS_ADVISORIES_MAX 64
#define CLAIMS_ADVISORY_SIZE  32 /* with the terminator */

/* Boots measure 20 to 90 events; 128 keep a message of claims below 16 KiB. */
#define CLAIMS_EVENTS_MAX 128

/* Something that was measured: the SHA-384 digest an RTMR was extended with. */
struct claims_event {
    uint8_t rtmr;
    uint8_t digest[48];
};

/* Security version numbers of AMD's firmware. Turin alone has fmc; has_fmc says so. */
struct snp_tcb {
    uint8_t bootloader, tee, snp, microcode, fmc;
    bool has_fmc;
};

struct tdx_claims {
    uint16_t quote_version; /* 4 or 5 */
    uint8_t vendor_id[16];  /* of the quoting enclave */
    uint8_t tee_tcb_svn[16];
    uint8_t mr_seam[48];
    uint8_t mrsigner_seam[48];
    uint8_t seam_attributes[8];
    uint8_t td_attributes[8]; /* little-endian, as in the quote */
    uint8_t xfam[8];
    uint8_t mrtd[48];
    uint8_t mr_config_id[48];
    uint8_t mr_owner[48];
    uint8_t mr_owner_config[48];
    uint8_t rtmr[4][48];
    bool has_td15; /* the two fields of the TD 1.5 report are there */
    uint8_t tee_tcb_svn2[16];
    uint8_t mr_servicetd[48];
    /* From the PCK certificate; zero in unverified claims. */
    uint8_t fmspc[6];
    uint8_t ppid[16];
    uint8_t pce_id[2];
    uint8_t cpu_svn[16]; /* the sixteen TCB components */
    uint16_t pce_svn;
    bool has_platform_instance;
    uint8_t platform_instance_id[16];
    /* From TCB info and QE identity: what tcb_status is made of. */
    enum tcb_status platform_status, qe_status;
    enum tcb_status module_status; /* Unknown also if the TDX module has no identity of its own */
    /*
     * All that was measured to the RTMRs, ascending, each once: from an event log that replays to
     * them. has_events is false without a log, and with one of more than CLAIMS_EVENTS_MAX.
     */
    bool has_events;
    size_t n_events;
    struct claims_event events[CLAIMS_EVENTS_MAX];
};

struct snp_claims {
    uint32_t version; /* 2 to 5 */
    uint32_t guest_svn;
    uint64_t policy;
    uint8_t family_id[16];
    uint8_t image_id[16];
    uint32_t vmpl;
    uint64_t platform_info; /* bit 0: SMT enabled */
    bool author_key_enabled;
    bool chip_key_masked;
    enum snp_key signing_key;
    uint8_t measurement[48];
    uint8_t host_data[32];
    uint8_t id_key_digest[48];
    uint8_t author_key_digest[48];
    uint8_t report_id[32];
    uint8_t report_id_ma[32];
    uint8_t chip_id[64]; /* zero when masked */
    struct snp_tcb current_tcb, reported_tcb, committed_tcb, launch_tcb;
    bool has_cpuid; /* from version 3 on */
    uint8_t cpuid_family, cpuid_model, cpuid_stepping;
    bool has_mitigations; /* from version 5 on */
    uint64_t launch_mitigations, current_mitigations;
    enum snp_product product;
};

struct claims {
    enum platform platform;
    bool simulated; /* chains to the development vendor's root */
    bool debug;     /* TDX: attribute bit 0; SNP: policy bit 19 */
    uint8_t report_data[64];
    /* api.md: SHA-256(RTMR0..3); SHA-256(MEASUREMENT || HOST_DATA), without HOST_DATA if zero. */
    struct hash32 measurement_hash;
    /*
     * For records that leave something open: SNP, SHA-256(MEASUREMENT), without HOST_DATA; TDX,
     * SHA-256(MRTD), without the RTMRs.
     */
    struct hash32 measurement_hash_bare;
    enum tcb_status tcb_status;
    /*
     * Unix seconds. All fixes the vendor had announced by tcb_date are in (0: not known); from
     * not_after on something that was relied on is no longer valid or current (0: not verified).
     */
    uint64_t tcb_date, not_after;
    size_t n_advisories; /* ascending, each once */
    char advisories[CLAIMS_ADVISORIES_MAX][CLAIMS_ADVISORY_SIZE];
    union {
        struct tdx_claims tdx;
        struct snp_claims snp;
    };
};

/*
 * What names the instance: REPORTDATA[32:64] on TDX, REPORT_ID on SNP. All zero
 * means the guest gave none.
 */
struct hash32 claims_instance_id(const struct claims *c);
/* What names the machine: PPID (16 bytes) on TDX, CHIP_ID (64 bytes) on SNP. Borrows from c. */
struct bytes claims_platform_id(const struct claims *c);
/* The first half of REPORTDATA: the challenge part (api.md). Borrows from c. */
struct bytes claims_challenge_part(const struct claims *c);

#define CLAIMS_STATUS_TEXT_MAX 160
/*
 * The TCB status with what it is made of, where that is known: "OutOfDate (platform OutOfDate, TDX
 * module UpToDate, quoting enclave UpToDate)" says what to update. Returns out.
 */
const char *claims_status_text(const struct claims *c, char out[static CLAIMS_STATUS_TEXT_MAX]);

/* Adds an advisory unless it is there. E_TOO_LARGE: too many, or its name is too long. */
enum err claims_add_advisory(struct claims *c, const char *name);

/* Adds what was measured unless it is there. E_TOO_LARGE: there are CLAIMS_EVENTS_MAX others. */
enum err claims_add_event(struct tdx_claims *t, const struct claims_event *e);

/* Fills measurement_hash and measurement_hash_bare from the measurements. */
void claims_hash_measurements(struct claims *c);

/*
 * The same claims as bytes, for messages between processes and for verdicts in
 * the log: one encoding per value, big-endian numbers, fields in the order of
 * the structs above; the two hashes are not written but computed again.
 */
void claims_write(struct writer *w, const struct claims *c);
/* Marks the reader bad on anything claims_write() would not have written. */
void claims_read(struct reader *r, struct claims *out);

#endif
