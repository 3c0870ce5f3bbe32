/*
 * io/collateral/fetch.h: what a service answers, the first byte says to what. A body that was
 * taken is taken again as it is, and a chain is printable text.
 */
#include "fuzz.h"
#include "io/collateral/fetch.h"

static void check_chain(struct bytes text)
{
    struct buf out = BUF_INIT(COLLATERAL_CHAIN_MAX), again = BUF_INIT(COLLATERAL_CHAIN_MAX);
    if (collateral_unescape(text, &out) == OK) {
        FUZZ_REQUIRE(out.n <= text.n && !memchr(out.n ? out.p : (const uint8_t *)"", 0, out.n));
        if (out.n && !memchr(out.p, '%', out.n))
            FUZZ_REQUIRE(collateral_unescape(buf_bytes(&out), &again) == OK &&
                         bytes_eq(buf_bytes(&out), buf_bytes(&again)));
    }
    buf_free(&out);
    buf_free(&again);
}

static void check_body(enum object_kind kind, struct bytes in)
{
    struct buf out = BUF_INIT(COLLATERAL_OBJECT_MAX), again = BUF_INIT(COLLATERAL_OBJECT_MAX);
    if (collateral_body(kind, in, &out) == OK)
        FUZZ_REQUIRE(collateral_body(kind, buf_bytes(&out), &again) == OK &&
                     bytes_eq(buf_bytes(&out), buf_bytes(&again)));
    buf_free(&out);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check_body(1 + data[0] % (OBJECT_KINDS - 1), bytes(data + 1, size - 1));
    check_chain(bytes(data + 1, size - 1));
    return 0;
}
