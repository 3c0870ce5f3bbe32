/* core/evidence/snp_table.h: what is found lies behind the entries, inside, and apart. */
#include "core/evidence/snp_table.h"
#include "fuzz.h"

static bool apart(struct bytes a, struct bytes b)
{
    return a.n == 0 || b.n == 0 || a.p + a.n <= b.p || b.p + b.n <= a.p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct snp_table t;
    if (snp_table_parse(bytes(data, size), &t, NULL) != OK)
        return 0;
    for (size_t i = 0; i < SNP_BLOBS; i++) {
        struct bytes b = t.blobs[i];
        if (b.n)
            FUZZ_REQUIRE(b.p >= data + 2 * SNP_ENTRY_SIZE && b.p + b.n <= data + size);
        for (size_t j = 0; j < i; j++)
            FUZZ_REQUIRE(apart(b, t.blobs[j]));
    }
    return 0;
}
