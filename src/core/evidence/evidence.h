/*
 * Evidence: a TDX quote or an SNP report with what came along, taken apart and
 * verified. The forms it arrives in (api.md "Evidence"): raw bytes, the JSON
 * envelopes of guest-components, and base64 of either.
 *
 * Parsing says what evidence claims, verification whether a vendor's key stands
 * behind it. Whether the claims are wanted is policy and judged elsewhere.
 */
#ifndef CORE_EVIDENCE_EVIDENCE_H
#define CORE_EVIDENCE_EVIDENCE_H

#include "core/evidence/cache.h"
#include "core/evidence/collateral.h"
#include "core/evidence/eventlog.h"
#include "core/evidence/snp_report.h"
#include "core/evidence/snp_table.h"
#include "core/evidence/tdx_quote.h"
#include "core/evidence/trust.h"

/* An event log of 64 KiB, a quote and certificates, as JSON numbers or base64: 512 KiB is ample. */
#define EVIDENCE_MAX (512 * 1024)

struct evidence {
    enum platform platform;
    struct claims claims; /* unverified: what the evidence says of itself */
    struct bytes body;    /* the quote without padding, or the report */
    union {
        struct tdx_quote tdx;
        struct snp_report snp;
    };
    struct bytes certs[SNP_TABLE_ENTRIES]; /* SNP: DER or PEM, whatever they are */
    size_t n_certs;
    struct bytes event_log;                  /* TDX: as it came, see eventlog.h; empty if none */
    struct buf store, cert_store, log_store; /* what had to be decoded */
};

/*
 * Takes evidence apart: raw bytes or a JSON envelope. Views in *out borrow from
 * `in` and from the stores, so both must live as long as *out, which is freed
 * with evidence_free() also after a failure. E_FORMAT, E_MALFORMED, E_TOO_LARGE.
 */
enum err evidence_parse(struct bytes in, struct evidence *out, struct problem *p);
/* The same from the API's base64 text. */
enum err evidence_parse_base64(struct bytes text, struct evidence *out, struct problem *p);
/* The same from whatever a file holds: raw, JSON, or base64 of either with line breaks. */
enum err evidence_parse_file(struct bytes in, struct evidence *out, struct problem *p);
void evidence_free(struct evidence *e);

/*
 * What unverified evidence claims, with what its leaf certificate says where
 * that can be read. For display only: anybody can write it.
 */
struct claims evidence_claims(const struct evidence *e);

struct evidence_options {
    /* Or NULL. AMD's certificates, which evidence may leave out, are taken from it in any case. */
    const struct collateral *collateral;
    /* Judge signatures, chains and dates alone: no TCB information, no revocation lists. */
    bool no_collateral;
    /* Do not demand revocation lists; those that are there count. */
    bool no_crl;
    struct evidence_cache *cache; /* or NULL */
};

/*
 * OK if the evidence is authentic at `unix_time`: signed by a key that the
 * vendor certified for this machine, under a root in `trust`, and nothing that
 * was relied on is revoked or out of date. *out is then what it says, tcb_status
 * included, which is any but Revoked: policy says which are wanted. Otherwise,
 * with the reason in *p:
 *   E_SIGNATURE     the evidence, TCB info or QE identity is not signed by the key it names
 *   E_MEAS_MISMATCH the event log that came along does not replay to the quote's RTMRs
 *   E_CHAIN         a key does not chain to a trusted root, or not at this time, or was certified
 *                   for another chip, TCB version or product
 *   E_CERT_REVOKED  the vendor revoked a certificate
 *   E_COLL_MISSING  vendor certificates, a revocation list, TCB info or QE identity are missing
 *   E_COLL_EXPIRED  such a list or document is not current
 *   E_SEAM          TDX: the TDX module is not Intel's
 *   E_VENDOR        TDX: the quoting enclave is not Intel's
 *   E_TCB_STATUS    TDX: the platform's TCB is revoked, or below all that Intel knows
 *
 * Once the signatures of TDX evidence hold, *out is filled whatever its collateral then says: what
 * it claims is authentic, if unwanted. Else it is zero after a failure.
 *
 * Simulated evidence needs no collateral: sim.h says how its TCB status follows from it; Intel's
 * documents, if there are any, count instead. On SNP, for which AMD publishes no statuses, UpToDate
 * says that a current list revokes nothing of the chain, Unknown that none was looked at.
 */
enum err evidence_verify(const struct evidence *e, const struct evidence_trust *trust,
                         const struct evidence_options *options, int64_t unix_time,
                         struct claims *out, struct problem *p);

#endif
