/* core/evidence/evidence.h: evidence in every form it arrives in. */
#include "fuzz_claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evidence e;
    if (evidence_parse_file(bytes(data, size), &e, NULL) == OK) {
        FUZZ_REQUIRE(e.platform == e.claims.platform);
        FUZZ_REQUIRE(e.body.n >= SNP_REPORT_SIZE || e.platform == PLATFORM_TDX);
        check_claims(&e.claims);
        check_refused(&e);
    }
    evidence_free(&e);
    if (evidence_parse_base64(bytes(data, size), &e, NULL) == OK)
        check_claims(&e.claims);
    evidence_free(&e);
    return 0;
}
