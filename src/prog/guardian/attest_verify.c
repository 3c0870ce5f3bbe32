#include "core/evidence/evidence.h"
#include "prog/guardian/attest.h"

enum err attest_verify(struct bytes evidence_base64, bool simulation, uint64_t unix_time,
                       struct claims *out, struct problem *p)
{
    struct evidence evidence = {0};
    struct evidence_trust trust = evidence_trust_vendors(simulation);
    struct evidence_options options = {0};
    enum err e = evidence_parse_base64(evidence_base64, &evidence, p);
    if (e == OK)
        e = evidence_verify(&evidence, &trust, &options, (int64_t)unix_time, out, p);
    evidence_free(&evidence);
    return e;
}
