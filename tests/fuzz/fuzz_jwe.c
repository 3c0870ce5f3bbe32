/* base/crypto/jwe.h: nothing opens that was not made for this key, and keys come back as text. */
#include "base/crypto/jwe.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct p256_secret key = {{1}};
    struct bytes in = bytes(data, size);
    struct p256_public point, again;
    struct buf out = BUF_INIT(JWE_PLAIN_MAX), text = BUF_INIT(JWK_MAX);
    FUZZ_REQUIRE(jwe_decrypt(&key, in, &out) != OK && out.n == 0);
    if (jwk_p256_read(in, &point) == OK) {
        FUZZ_REQUIRE(p256_check(&point) == OK && jwk_p256_write(&point, &text) == OK);
        FUZZ_REQUIRE(jwk_p256_read(buf_bytes(&text), &again) == OK);
        FUZZ_REQUIRE(memcmp(point.b, again.b, sizeof point.b) == 0);
    }
    if (jwk_oct_read(in, &out) != OK)
        FUZZ_REQUIRE(out.n == 0);
    buf_free(&out);
    buf_free(&text);
    return 0;
}
