/* core/evidence/needs.h: an object that was read is written as the same bytes. */
#include "core/evidence/needs.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader(bytes(data, size));
    struct vendor_object o;
    char name[OBJECT_NAME_MAX];
    object_read(&r, &o);
    if (reader_end(&r, E_MALFORMED) != OK)
        return 0;
    struct buf out = BUF_INIT(256);
    struct writer w = writer(&out);
    object_write(&w, &o);
    FUZZ_REQUIRE(writer_end(&w) == OK && bytes_eq(buf_bytes(&out), bytes(data, size)));
    object_name(&o, name);
    FUZZ_REQUIRE(strlen(name) > 8);
    buf_free(&out);
    return 0;
}
