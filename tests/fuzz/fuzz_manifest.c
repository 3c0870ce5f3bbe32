/* core/state/manifest.h: a manifest that is read is written back as it was; none is signed by luck.
 */
#include "core/state/manifest.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct manifest m;
    if (manifest_decode(bytes(data, size), &m) != OK)
        return 0;
    FUZZ_REQUIRE(m.n <= BFT_MAX_MEMBERS);
    struct buf again = BUF_INIT(MANIFEST_MAX);
    struct writer w = writer(&again);
    manifest_write(&w, &m);
    FUZZ_REQUIRE(writer_end(&w) == OK && bytes_eq(buf_bytes(&again), bytes(data, size)));
    struct hash32 other = m.cluster_id;
    other.b[0] ^= 1;
    FUZZ_REQUIRE(manifest_check(&m, &sig_ed25519, other) != OK);
    buf_free(&again);
    return 0;
}
