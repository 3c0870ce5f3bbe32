/*
 * Intel's identity of the TD quoting enclave, version 2, and the enclave's report
 * in a quote, which it is held against. Source as in tcb_level.h; the report is
 * SGX's REPORT body (Intel SDM volume 3D, 38.15). Form only: whether the document
 * is signed and current is judged in tdx_collateral.h.
 */
#ifndef CORE_EVIDENCE_QE_IDENTITY_H
#define CORE_EVIDENCE_QE_IDENTITY_H

#include "core/evidence/tcb_level.h"

#define QE_REPORT_SIZE 384

struct qe_identity {
    struct tcb_document document;
    uint8_t miscselect[4], miscselect_mask[4]; /* in the order of the report's bytes */
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t isv_prod_id;
    struct isv_levels levels;
};

/*
 * Reads {"enclaveIdentity": {...}, "signature": ...}. *out is freed with qe_identity_free().
 * E_FORMAT with the reason: also for SGX's quoting enclave ("id": "QE") and for other versions.
 */
enum err qe_identity_parse(struct bytes text, struct qe_identity **out, struct problem *p);
/* q may be NULL. */
void qe_identity_free(struct qe_identity *q);

/*
 * Holds a report of QE_REPORT_SIZE bytes against the identity. E_VENDOR if it is another enclave's:
 * signer, product, attributes and MISCSELECT under their masks. Otherwise *out is what the identity
 * says of its ISVSVN, borrowed; E_TCB_STATUS if that is below all levels.
 */
enum err qe_identity_match(const struct qe_identity *q, struct bytes report,
                           const struct tcb_verdict **out, struct problem *p);

#endif
