/* core/state/entry.h: an entry that is read lies within its bytes and fills them. */
#include "core/state/entry.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry e;
    if (entry_decode(bytes(data, size), &e) != OK)
        return 0;
    struct buf again = BUF_INIT(ENTRY_MAX);
    struct writer w = writer(&again);
    wr_u8(&w, (uint8_t)e.type);
    wr_u32(&w, e.author);
    wr_var(&w, e.body);
    wr_raw(&w, e.signature.b, sizeof e.signature.b);
    FUZZ_REQUIRE(writer_end(&w) == OK && bytes_eq(buf_bytes(&again), bytes(data, size)));
    FUZZ_REQUIRE(e.body.p >= data && e.body.p + e.body.n <= data + size);
    FUZZ_REQUIRE(command_author(e.type) != AUTHOR_NONE || e.author == 0);
    buf_free(&again);
    return 0;
}
