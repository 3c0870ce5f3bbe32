/* core/state/receipt.h: what strangers show as a receipt is never one under a key they do not have.
 */
#include "core/state/receipt.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The base point: a valid key whose secret is not used by anybody. */
    static struct sig_public root = {.b = {0x58}};
    static struct receipt out;
    struct problem p = {0};
    memset(root.b + 1, 0x66, sizeof root.b - 1);
    enum err e = receipt_verify(bytes(data, size), &root, 1, &out, &p);
    FUZZ_REQUIRE(e == E_MALFORMED || e == E_SIGNATURE);
    FUZZ_REQUIRE(p.detail[0]);
    return 0;
}
