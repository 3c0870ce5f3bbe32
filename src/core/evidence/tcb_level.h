/*
 * What Intel's documents have in common: that they are signed, and lists of TCB
 * levels, each with a status. Source: Intel's Provisioning Certification Service
 * for ECDSA Attestation, API v4, "Get TDX TCB Info" and "Get TD Quoting Enclave
 * Identity". Members that are not described there are passed over.
 *
 * Form only: signatures and what a level means for a platform are judged in
 * tdx_collateral.h and tdx_tcb.h.
 */
#ifndef CORE_EVIDENCE_TCB_LEVEL_H
#define CORE_EVIDENCE_TCB_LEVEL_H

#include "base/codec/json.h"
#include "core/evidence/claims.h"

/* Intel's documents are below 7 KiB; 256 KiB let one grow to all limits below. */
#define TCB_DOCUMENT_MAX (256 * 1024)

/* {"tcbInfo": {...}, "signature": hex} or the same with "enclaveIdentity". */
struct tcb_document {
    struct hash32 digest; /* SHA-256 of the inner object's bytes as delivered: what is signed */
    uint8_t signature[64];
    int64_t issue_date, next_update; /* unix seconds; good from the first to the second, included */
    uint64_t evaluation;             /* tcbEvaluationDataNumber */
};

/*
 * Takes a document apart; *whole owns *inner and is freed with json_free(). The inner object's
 * "id" and "version" must be these. E_FORMAT with the reason, E_NOMEM.
 */
struct tcb_document_kind {
    const char *member, *id; /* "tcbInfo", "TDX" */
    uint64_t version;
};
enum err tcb_document_parse(struct bytes text, const struct tcb_document_kind *kind,
                            struct tcb_document *out, json_t **whole, json_t **inner,
                            struct problem *p);

/* E_COLL_EXPIRED if it is not good at this time; `what` begins the sentence: "the TCB info". */
enum err tcb_document_check_dates(const struct tcb_document *d, const char *what, int64_t unix_time,
                                  struct problem *p);
/* The common name of the certificates that sign them. */
#define CN_TCB_SIGNING "Intel SGX TCB Signing"

/* json_pick() that says E_FORMAT. */
enum err tcb_pick(const json_t *object, const char *where, const struct json_field *fields,
                  size_t n, struct problem *p);

/* What Intel says of a level. Owns the advisories' names. */
struct tcb_verdict {
    enum tcb_status status;
    uint64_t date;
    size_t n_advisories; /* at most CLAIMS_ADVISORIES_MAX */
    char (*advisories)[CLAIMS_ADVISORY_SIZE];
};

/* Reads "tcbStatus" (one of the set `allowed`, bit s for status s), "tcbDate", "advisoryIDs". */
enum err tcb_verdict_read(const json_t *level, uint32_t allowed, struct tcb_verdict *out,
                          struct problem *p);
void tcb_verdict_free(struct tcb_verdict *v);

/* Levels of something that has one version number: the quoting enclave, a TDX module. */
#define ISV_LEVELS_MAX 32 /* Intel lists up to 3 */

struct isv_levels {
    size_t n;
    struct {
        uint16_t svn;
        struct tcb_verdict verdict;
    } level[ISV_LEVELS_MAX];
};

/* From an array of {"tcb": {"isvsvn"}, ...}, not empty. On failure nothing is left to free. */
enum err isv_levels_read(const json_t *array, struct isv_levels *out, struct problem *p);
void isv_levels_free(struct isv_levels *l);
/* The first level that `svn` reaches, in the order of the document; NULL if it reaches none. */
const struct tcb_verdict *isv_levels_find(const struct isv_levels *l, uint16_t svn);

#endif
