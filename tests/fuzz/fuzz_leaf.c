/* core/ca/ca.h: reading leaves and chains that somebody shows us, and encoded names. */
#include "core/ca/ca.h"
#include "fuzz.h"

static void check_names(struct bytes in)
{
    static struct ca_names names;
    struct buf again = BUF_INIT(1 << 16);
    struct reader r = reader(in);
    struct writer w = writer(&again);
    ca_names_read(&r, &names);
    if (reader_end(&r, E_MALFORMED) == OK) {
        ca_names_write(&w, &names);
        FUZZ_REQUIRE(w.err == OK && bytes_eq(buf_bytes(&again), in));
        FUZZ_REQUIRE(names.any || ca_names_within(&names, &names));
    }
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ca_leaf_view view;
    struct sig_public root = {{1}};
    struct bytes in = bytes(data, size), chain[2] = {in, in};
    if (ca_leaf_read("prod.example.org", in, &view) == OK) {
        FUZZ_REQUIRE(view.ns[0] && memchr(view.ns, 0, sizeof view.ns));
        FUZZ_REQUIRE(memchr(view.instance, 0, sizeof view.instance));
        FUZZ_REQUIRE(view.spki_n <= sizeof view.spki);
        FUZZ_REQUIRE(ca_leaf_read("prod.example.com", in, &view) != OK);
    }
    FUZZ_REQUIRE(ca_chain_verify(chain, 2, &root, 0) != OK);
    check_names(in);
    return 0;
}
