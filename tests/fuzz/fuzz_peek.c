/* core/evidence/peek.h: what vault reads of hostile evidence, against the parser. */
#include "core/evidence/evidence.h"
#include "core/evidence/peek.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evidence_peek p = evidence_peek(bytes(data, size));
    struct evidence e;
    if (evidence_parse(bytes(data, size), &e, NULL) == OK)
        FUZZ_REQUIRE(evidence_peek_agrees(&p, &e.claims));
    evidence_free(&e);
    return 0;
}
