/*
 * Collateral: what vendors publish about their platforms, and evidence is judged
 * by besides itself. Intel: TCB info, TD quoting enclave identity, the chain that
 * signs them, revocation lists of the PCK CAs and of the root (Provisioning
 * Certification Service API v4). AMD: certificates and revocation lists (Key
 * Distribution Service, 57230).
 *
 * Everything is added as bytes and recognised by its content, so a folder, a
 * cache on disk and a download are the same thing here. Adding judges form only:
 * that anything is signed, current or fits a platform is judged with the evidence,
 * each time. Of several that fit, the newest counts.
 */
#ifndef CORE_EVIDENCE_COLLATERAL_H
#define CORE_EVIDENCE_COLLATERAL_H

#include "base/crypto/crl.h"
#include "core/evidence/chain.h"
#include "core/evidence/qe_identity.h"
#include "core/evidence/tcb_info.h"

/* A vendor has two lists per CA generation; 32 allow for old ones lying about. */
#define COLLATERAL_CRLS_MAX 32
/* One for each kind of platform in a fleet, and its predecessor. */
#define COLLATERAL_TCB_INFOS_MAX 64
/* Intel has one at a time. */
#define COLLATERAL_QE_IDENTITIES_MAX 8

/* Owns all of it. Zero is empty. */
struct collateral {
    struct cert_pool certs; /* CERT_POOL_MAX */
    struct crl *crls[COLLATERAL_CRLS_MAX];
    size_t n_crls;
    struct tcb_info *tcb_infos[COLLATERAL_TCB_INFOS_MAX];
    size_t n_tcb_infos;
    struct qe_identity *qe_identities[COLLATERAL_QE_IDENTITIES_MAX];
    size_t n_qe_identities;
    struct hash32 id; /* of all that was added, in its order */
};

/*
 * Adds what `in` holds: one certificate or revocation list in DER or in the hexadecimal digits a
 * PCCS answers with; any number of both in PEM; or one of Intel's documents in JSON. On
 * failure nothing is added:
 *   E_NOT_FOUND  it is none of these
 *   E_FORMAT     it begins like one of these and is broken; or it is SGX's, not TDX's
 *   E_TOO_LARGE  more than there is room for
 *   E_NOMEM
 */
enum err collateral_add(struct collateral *c, struct bytes in, struct problem *p);
/* Frees what was added and leaves *c empty. c may be NULL. */
void collateral_free(struct collateral *c);

#endif
