/*
 * What the simulated Intel publishes: TCB info, QE identity, the certificate that
 * signs them, and the revocation lists of root and PCK CA, in the forms of the real
 * one (core/evidence/collateral.h). A description of all of it is a value, so that a
 * test or an exercise changes one thing and nothing else.
 *
 * The vendor's keys go by the names of their certificates; any other name is the key
 * of somebody that nobody vouches for.
 */
#ifndef CORE_EVIDENCE_SIM_INTEL_H
#define CORE_EVIDENCE_SIM_INTEL_H

#include "core/evidence/claims.h"

#define SIM_CN_ROOT    "Intel SGX Root CA"
#define SIM_CN_PCK_CA  "Intel SGX PCK Platform CA"
#define SIM_CN_PCK     "Intel SGX PCK Certificate"
#define SIM_CN_SIGNING "Intel SGX TCB Signing"

#define SIM_LEVELS_MAX     4
#define SIM_ADVISORIES_MAX 4

/* Unix seconds, both included. */
struct sim_dates {
    int64_t from, until;
};

struct sim_verdict {
    enum tcb_status status;
    int64_t date;
    const char *advisories[SIM_ADVISORIES_MAX]; /* up to the first NULL */
};

struct sim_tcb_level {
    uint8_t sgx[16], tdx[16];
    uint16_t pce_svn;
    struct sim_verdict verdict;
};

struct sim_isv_levels {
    size_t n;
    struct {
        uint16_t svn;
        struct sim_verdict verdict;
    } level[SIM_LEVELS_MAX];
};

struct sim_module {
    uint8_t version; /* of an identity: TEE_TCB_SVN[1] */
    uint8_t mrsigner[48], attributes[8];
    struct sim_isv_levels levels; /* of an identity */
};

struct sim_tcb_info {
    const char *id; /* "TDX" */
    unsigned version;
    struct sim_dates dates;
    uint8_t fmspc[6], pce_id[2];
    struct sim_module module; /* for modules without an identity */
    size_t n_identities, n_levels;
    struct sim_module identities[SIM_LEVELS_MAX];
    struct sim_tcb_level levels[SIM_LEVELS_MAX];
};

struct sim_qe_identity {
    const char *id; /* "TD_QE" */
    unsigned version;
    struct sim_dates dates;
    uint8_t miscselect[4], miscselect_mask[4], attributes[16], attributes_mask[16], mrsigner[32];
    uint16_t isv_prod_id;
    struct sim_isv_levels levels;
};

struct sim_intel_crl {
    const char *issued_by, *key;
    struct sim_dates dates;
    bool revokes_pck, revokes_pck_ca, revokes_signing;
};

struct sim_intel {
    struct sim_tcb_info tcb_info;
    struct sim_qe_identity qe_identity;
    const char *document_key; /* whose signature both documents have */
    struct {
        const char *issued_by, *key; /* key: the issuer's */
        struct sim_dates dates;
    } signing; /* the certificate SIM_CN_SIGNING */
    struct sim_intel_crl root_crl, pck_crl;
    uint8_t ppid[16]; /* whose PCK certificate is meant by revokes_pck */
};

/*
 * Collateral by which a machine with these claims is UpToDate, issued a day before `at` and good
 * until 30 days after it; one level behind in any component it is OutOfDate with an advisory.
 */
struct sim_intel sim_intel(const struct claims *machine, int64_t at);

enum sim_intel_part {
    SIM_TCB_INFO,    /* JSON */
    SIM_QE_IDENTITY, /* JSON */
    SIM_SIGNING,     /* DER */
    SIM_ROOT_CRL,    /* DER */
    SIM_PCK_CRL,     /* DER */
    SIM_INTEL_PARTS
};
/* Appends one of them. E_VALUE for dates outside of 1970 to 9999. */
enum err sim_intel_write(const struct sim_intel *s, enum sim_intel_part part, struct buf *out);

/* What identifies the simulated quoting enclave; sim_tdx.c makes its report of it. */
#define SIM_QE_PROD_ID 2
#define SIM_QE_SVN     8
extern const uint8_t sim_qe_attributes[16];
struct hash32 sim_qe_signer(void);

#endif
