#include "prog/guardiand/judge.h"

#include "core/evidence/evidence.h"

enum err judge_evidence(struct bytes in, bool simulation, int64_t unix_s, struct claims *out,
                        struct problem *p)
{
    const struct evidence_trust trust = evidence_trust_vendors(simulation);
    const struct evidence_options options = {.no_collateral = true};
    struct evidence evidence = {0};
    enum err e = evidence_parse(in, &evidence, p);
    if (e == OK)
        e = evidence_verify(&evidence, &trust, &options, unix_s, out, p);
    evidence_free(&evidence);
    return e;
}
