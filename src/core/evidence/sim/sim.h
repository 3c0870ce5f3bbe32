/*
 * The simulated platform: byte-exact TDX quotes and SNP reports of machines
 * that do not exist, under a development vendor whose private keys follow from
 * a seed printed here. For development, demonstrations and tests; a verifier
 * accepts them only if it was told to trust the simulation (trust.h).
 *
 * A machine is described by the claims its evidence shall make, so what goes in
 * comes out of the verifier again. The vendor differs from the real ones in
 * three ways: its names say so, its RSA keys have 2048 bits instead of 4096, and
 * it needs no collateral: sim_tcb_status() stands in for it. Where documents of the
 * simulated Intel are given (intel.h), they count as Intel's do.
 *
 * Everything is deterministic: the same claims give the same bytes.
 */
#ifndef CORE_EVIDENCE_SIM_SIM_H
#define CORE_EVIDENCE_SIM_SIM_H

#include "base/crypto/ecdsa.h"
#include "core/evidence/claims.h"

/* Every private key of the vendor but three RSA keys is derived from this text and its name. */
#define SIM_VENDOR_SEED "guardian simulated vendor, keys are public, v1"

/* A machine with its keys, certificates and, for TDX, its quoting enclave: made once. */
struct sim_machine {
    /*
     * What its evidence says. The guest's part may be changed at any time
     * (measurements, attributes, policy, report id, VMPL); what is certified
     * (ids, TCB levels, product, signing key, version) only by sim_machine_init().
     */
    struct claims claims;
    struct ecdsa_secret key; /* TDX: the attestation key; SNP: VCEK or VLEK */
    struct buf certified;    /* TDX: what follows the quote's signature; SNP: certificate table */
};

/*
 * The claims of machine number `n`, its guest booted from example measurements:
 * TDX 1.5 in a version 5 quote, or a Milan VCEK in a version 3 report. Numbers
 * give different machine ids and report ids, and nothing else.
 */
struct claims sim_claims(enum platform platform, uint64_t n);

/*
 * Certifies a machine. E_VALUE if no such machine exists: quote version other
 * than 4 or 5, TD 1.5 fields in version 4, report version outside 2 to 5, a
 * product that does not fit CPUID or version, a chip id the product cannot have.
 */
enum err sim_machine_init(struct sim_machine *m, const struct claims *claims, struct problem *p);
void sim_machine_free(struct sim_machine *m);

/* Appends a quote, or a report with its certificate table. */
enum err sim_machine_evidence(const struct sim_machine *m, const uint8_t report_data[static 64],
                              struct buf *out);

/*
 * The TCB status of simulated claims: TDX by pce_svn, SNP by the reported
 * microcode level; at SIM_TCB_CURRENT or above UpToDate, at 0 Revoked, between
 * OutOfDate.
 */
#define SIM_TCB_CURRENT 8
enum tcb_status sim_tcb_status(const struct claims *c);

#endif
