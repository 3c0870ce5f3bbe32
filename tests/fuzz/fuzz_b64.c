/* base/codec/b64.h: what is accepted is exactly what the encoder writes. */
#include "base/codec/b64.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int v = B64_STANDARD; v <= B64_URL; v++) {
        struct buf plain = BUF_INIT(1 << 20), text = BUF_INIT(2 << 20);
        if (b64_decode((enum b64)v, bytes(data, size), &plain) == OK) {
            FUZZ_REQUIRE(b64_encode((enum b64)v, buf_bytes(&plain), &text) == OK);
            FUZZ_REQUIRE(bytes_eq(buf_bytes(&text), bytes(data, size)));
        } else {
            FUZZ_REQUIRE(plain.n == 0);
        }
        buf_free(&plain);
        buf_free(&text);
    }
    return 0;
}
