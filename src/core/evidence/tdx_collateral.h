/*
 * Which of the collateral a TDX quote is judged by: the revocation lists of the
 * root and of the PCK certificate's CA, the TCB info of its platform and the QE
 * identity, each signed under the root that the quote's own chain ends in, and
 * current. Source: Intel's Quote Verification Library, steps 4.1.2.5 to 4.1.2.7.
 *
 * Which signatures hold is remembered as facts; what was found for one chain is told
 * in a form that can be kept and used again with the same collateral.
 */
#ifndef CORE_EVIDENCE_TDX_COLLATERAL_H
#define CORE_EVIDENCE_TDX_COLLATERAL_H

#include "core/evidence/collateral.h"

/* What was found for one PCK chain. Zero holds for nothing. */
struct tdx_basis {
    struct hash32 collateral;  /* its id */
    bool crl_demanded;         /* revocation lists were */
    size_t tcb_info, identity; /* where they are in the collateral */
    int64_t from, until;       /* when all of it is current, both included */
};

struct tdx_basis_question {
    const struct collateral *collateral;
    struct bytes pck_chain; /* verified under a trusted root */
    const struct pck *pck;  /* what its leaf says */
    bool crl_demanded;
    int64_t unix_time;
    struct facts *facts; /* or NULL */
};

/*
 * Finds it. Otherwise, in this order:
 *   E_CERT_REVOKED  the root revoked the PCK CA or all TCB signing certificates, the CA the PCK
 *                   certificate
 *   E_COLL_MISSING  a list is demanded and not there, or not signed by its issuer; there is no TCB
 *                   signing certificate, TCB info of this FMSPC and PCE, or QE identity
 *   E_COLL_EXPIRED  what is there, and signed, is not current
 *   E_CHAIN         no TCB signing certificate is issued by the root
 *   E_SIGNATURE     TCB info or QE identity are not signed with such a certificate's key
 */
enum err tdx_basis_find(const struct tdx_basis_question *q, struct tdx_basis *out,
                        struct problem *p);

/* Whether tdx_basis_find() would find the same for the same chain. */
bool tdx_basis_holds(const struct tdx_basis *b, const struct tdx_basis_question *q);

#endif
