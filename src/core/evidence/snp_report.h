/*
 * The form of an AMD SEV-SNP attestation report, versions 2 to 5 (SEV Secure
 * Nested Paging Firmware ABI Specification, 56860, table "ATTESTATION_REPORT";
 * version 4 has the layout of 3). Parsing judges form only, no signature.
 */
#ifndef CORE_EVIDENCE_SNP_REPORT_H
#define CORE_EVIDENCE_SNP_REPORT_H

#include "core/evidence/claims.h"

#define SNP_REPORT_SIZE 1184
#define SNP_SIGNED_SIZE 0x2A0

struct snp_report {
    struct bytes signed_part; /* borrows: the first SNP_SIGNED_SIZE bytes */
    uint8_t rs[96];           /* r || s, turned big-endian */
};

/*
 * Fills *out and the claims of the report; claims->snp.product comes from CPUID
 * and is unknown for version 2. `in` is SNP_REPORT_SIZE bytes long. E_FORMAT
 * with the reason: unsupported version, signature algorithm or CPU, reserved bits
 * that are set (those of PLATFORM_INFO may be: new firmware reports new ones
 * there), VMPL above 3, TCB versions that no firmware reports together.
 *
 * A component's reported version is never above its committed one (SNP_CONFIG may
 * lower it), which is never above the current one (firmware rolls back to what is
 * committed at most). The launch TCB is what was current then, and may be above or
 * below all of them now.
 */
enum err snp_report_parse(struct bytes in, struct snp_report *out, struct claims *claims,
                          struct problem *p);

/* The value of an 8-byte TCB version; its layout depends on the product. */
struct snp_tcb snp_tcb_decode(const uint8_t raw[static 8], enum snp_product product);
void snp_tcb_encode(const struct snp_tcb *tcb, uint8_t raw[static 8]);
bool snp_tcb_eq(const struct snp_tcb *a, const struct snp_tcb *b);
/* The product with this CPUID family and model. */
enum snp_product snp_product_of_cpu(uint8_t family, uint8_t model);

#endif
