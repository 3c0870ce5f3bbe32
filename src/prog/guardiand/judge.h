/* What a verifier does with evidence; pure, so that it can be tested without a process. */
#ifndef PROG_GUARDIAND_JUDGE_H
#define PROG_GUARDIAND_JUDGE_H

#include "core/evidence/claims.h"

/*
 * Authenticity alone: signatures, chains, dates. TDX and SNP evidence gets the
 * TCB status Unknown, as vendors' collateral is not judged yet; simulated
 * evidence is refused (E_CHAIN) unless `simulation`. Errors of evidence_parse()
 * and evidence_verify().
 */
enum err judge_evidence(struct bytes evidence, bool simulation, int64_t unix_s, struct claims *out,
                        struct problem *p);

#endif
