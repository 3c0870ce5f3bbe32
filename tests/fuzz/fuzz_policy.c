/* core/policy/policy.h: text and bytes of a record that was read come back as the same record. */
#include "core/policy/policy.h"
#include "fuzz.h"

static void check(const struct policy_record *r)
{
    static struct policy_record back;
    struct buf bin = BUF_INIT(POLICY_ENCODED_MAX), text = BUF_INIT(POLICY_JSON_MAX);
    FUZZ_REQUIRE(r->tcb_statuses != 0 && !policy_allows_tcb(r, TCB_REVOKED));
    FUZZ_REQUIRE(policy_encode(r, &bin) == OK && policy_text(r, &text) == OK);
    FUZZ_REQUIRE(policy_decode(buf_bytes(&bin), &back) == OK);
    FUZZ_REQUIRE(memcmp(r, &back, sizeof back) == 0);
    FUZZ_REQUIRE(policy_parse(buf_bytes(&text), &back, NULL) == OK);
    FUZZ_REQUIRE(memcmp(r, &back, sizeof back) == 0);
    buf_free(&bin);
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy_record r;
    if (policy_parse(bytes(data, size), &r, NULL) == OK)
        check(&r);
    if (policy_decode(bytes(data, size), &r) == OK)
        check(&r);
    return 0;
}
