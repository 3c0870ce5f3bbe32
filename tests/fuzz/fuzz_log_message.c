/* core/consensus/wire.h: a message that is read is written back as it was. */
#include "core/consensus/bft.h"
#include "core/consensus/wire.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message m;
    struct bytes in = bytes(data, size);
    struct bft_shown shown;
    struct equivocation liar;
    if (message_decode(in, &m) == OK) {
        struct buf again = BUF_INIT(BFT_MAX_MESSAGE);
        struct writer w = writer(&again);
        message_encode(&w, &m);
        FUZZ_REQUIRE(writer_end(&w) == OK && bytes_eq(buf_bytes(&again), in));
        buf_free(&again);
    }
    if (bft_record_shown(in, &shown) == OK)
        FUZZ_REQUIRE(shown.block.p >= data && shown.block.p + shown.block.n <= data + size);
    if (equivocation_peek(in, &liar) == OK)
        FUZZ_REQUIRE(size <= BFT_MAX_EQUIVOCATION);
    return 0;
}
