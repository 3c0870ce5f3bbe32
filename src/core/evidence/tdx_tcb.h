/*
 * What Intel's documents say about one TDX platform. Rules and order are those of
 * Intel's Quote Verification Library (SGX-TDX-DCAP-QuoteVerificationLibrary,
 * QuoteVerifier.cpp, EvaluateTcb.cpp, TDRelaunchCheck.cpp: steps 4.1.2.5.12,
 * .16 and .1.20 of its specification).
 *
 * Pure: whether the documents are signed and current, and for this platform's
 * FMSPC and PCE, was judged before.
 */
#ifndef CORE_EVIDENCE_TDX_TCB_H
#define CORE_EVIDENCE_TDX_TCB_H

#include "core/evidence/qe_identity.h"
#include "core/evidence/tcb_info.h"

/*
 * Judges the platform that made these claims (PCK certificate's included) and its quoting enclave's
 * report. Fills tcb_status, tcb_date, advisories and the three parts of the status:
 *
 *   platform  first TCB level that the SGX components, the PCE and TEE_TCB_SVN reach; of
 *             TEE_TCB_SVN the first two bytes don't count if the module has an identity
 *   module    if TEE_TCB_SVN[1] > 0: first level of that identity that TEE_TCB_SVN[0] reaches
 *   QE        first level of the QE identity that its ISVSVN reaches
 *   overall   the platform's, made OutOfDate (with ConfigurationNeeded if the platform's has
 *             that) by a part that is OutOfDate; and if TEE_TCB_SVN2 is not out of date, the guest
 *             alone is: TDRelaunchAdvised
 *
 * tcb_date is the earliest date of the levels, advisories are those of all. E_SEAM: not Intel's TDX
 * module; E_VENDOR: not Intel's quoting enclave; E_TCB_STATUS: a part is revoked, or below all
 * levels; E_TOO_LARGE: more advisories than claims hold.
 */
enum err tdx_tcb_judge(const struct tcb_info *info, const struct qe_identity *identity,
                       struct bytes qe_report, struct claims *c, struct problem *p);

#endif
