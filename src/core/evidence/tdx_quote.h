/*
 * The form of an Intel TDX quote: DCAP quote format versions 4 and 5 with ECDSA
 * P-256 attestation keys (Intel TDX DCAP Quote Generation Library and Quote
 * Verification Library, "Quote Format" appendix). Parsing copies the claims and
 * keeps views of what is signed; it judges form only, no signature.
 *
 *   header 48 | (v5: body type u16, body size u32) | TD report body 584 or 648
 *   signature data size u32 | signature 64 | attestation key 64
 *   type 6 u16, size u32 | QE report 384 | its signature 64 | auth data u16 + n
 *   type 5 u16, size u32 | PCK certificate chain, PEM or DER
 *
 * Everything is little-endian except key and signatures. Zero bytes after the
 * quote are taken for the platform's padding; anything else there is refused.
 */
#ifndef CORE_EVIDENCE_TDX_QUOTE_H
#define CORE_EVIDENCE_TDX_QUOTE_H

#include "core/evidence/claims.h"

/* Intel's quotes are 5 KiB, buffers of platforms 8 KiB; 32 KiB leaves room for both to grow. */
#define TDX_QUOTE_MAX 32768

/* Views borrow from the bytes the quote was parsed from. */
struct tdx_quote {
    struct bytes whole;           /* without padding */
    struct bytes signed_part;     /* header and body: what the attestation key signs */
    struct bytes signature;       /* r || s, 64 bytes */
    struct bytes attestation_key; /* x || y, 64 bytes */
    struct bytes qe_report;       /* 384 bytes: what the PCK key signs */
    struct bytes qe_signature;    /* 64 bytes */
    struct bytes qe_auth;
    struct bytes chain; /* the certification data, without trailing NUL */
};

/*
 * Fills *out and the claims that the quote itself makes (platform, tdx,
 * report_data, debug, hashes). E_FORMAT with the reason; SGX quotes and other
 * kinds are refused by name. TDX_QUOTE_MAX bytes at most.
 */
enum err tdx_quote_parse(struct bytes in, struct tdx_quote *out, struct claims *claims,
                         struct problem *p);

/* True if these bytes claim to be a quote of Intel's (any version or kind). */
bool tdx_quote_detect(struct bytes in);

/*
 * The QE vouches for the attestation key: REPORTDATA of its report is
 * SHA-256(key || auth data) and 32 zero bytes. E_SIGNATURE.
 */
enum err tdx_quote_check_binding(const struct tdx_quote *q, struct problem *p);

#endif
