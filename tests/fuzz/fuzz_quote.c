/* core/evidence/tdx_quote.h: a quote that parses lies within its bytes and parses again. */
#include "fuzz_claims.h"

static bool within(struct bytes part, struct bytes whole)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tdx_quote q, again;
    struct claims claims, same;
    struct bytes in = bytes(data, size);
    if (tdx_quote_parse(in, &q, &claims, NULL) != OK)
        return 0;
    FUZZ_REQUIRE(tdx_quote_detect(in));
    FUZZ_REQUIRE(within(q.signed_part, q.whole) && within(q.signature, q.whole));
    FUZZ_REQUIRE(within(q.attestation_key, q.whole) && within(q.qe_report, q.whole));
    FUZZ_REQUIRE(within(q.qe_signature, q.whole) && within(q.qe_auth, q.whole));
    FUZZ_REQUIRE(within(q.chain, q.whole) && q.whole.p == data && q.whole.n <= size);
    FUZZ_REQUIRE(tdx_quote_parse(q.whole, &again, &same, NULL) == OK);
    FUZZ_REQUIRE(memcmp(&claims, &same, sizeof claims) == 0);
    FUZZ_REQUIRE(tdx_quote_parse(bytes(data, q.whole.n - 1), &again, &same, NULL) != OK);
    check_claims(&claims);

    struct evidence e;
    FUZZ_REQUIRE(evidence_parse(in, &e, NULL) == OK);
    check_refused(&e);
    evidence_free(&e);
    return 0;
}
