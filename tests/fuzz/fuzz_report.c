/* core/evidence/snp_report.h: reports, with the certificate tables behind them. */
#include "fuzz_claims.h"

static void check_tcb(const struct snp_tcb *tcb, enum snp_product product)
{
    uint8_t raw[8], again[8];
    snp_tcb_encode(tcb, raw);
    struct snp_tcb same = snp_tcb_decode(raw, product);
    snp_tcb_encode(&same, again);
    FUZZ_REQUIRE(memcmp(raw, again, sizeof raw) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evidence e;
    if (tdx_quote_detect(bytes(data, size)))
        return 0;
    if (evidence_parse(bytes(data, size), &e, NULL) == OK && e.platform == PLATFORM_SNP) {
        check_claims(&e.claims);
        check_tcb(&e.claims.snp.reported_tcb, e.claims.snp.product);
        check_refused(&e);
    }
    evidence_free(&e);
    return 0;
}
