/* core/consensus/types.h: a block that is read is written back as it was, and every path holds. */
#include "core/consensus/types.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct block block;
    struct path path;
    struct bytes in = bytes(data, size);
    if (block_decode(in, &block) != OK)
        return 0;
    struct buf again = BUF_INIT(BFT_MAX_BLOCK);
    struct writer w = writer(&again);
    block_encode(&w, &block);
    FUZZ_REQUIRE(writer_end(&w) == OK && bytes_eq(buf_bytes(&again), in));
    FUZZ_REQUIRE(block.n > 0);
    for (uint32_t i = 0; i < block.n; i += 1 + block.n / 4) {
        entries_path(block.entry, block.n, i, &path);
        FUZZ_REQUIRE(path_check(&path, block.entry[i], block.header.entries_root) == OK);
    }
    buf_free(&again);
    block_free(&block);
    return 0;
}
