/* One verifier per platform, behind evidence_verify(). Internal to core/evidence. */
#ifndef CORE_EVIDENCE_VERIFY_H
#define CORE_EVIDENCE_VERIFY_H

#include "core/evidence/evidence.h"

/* What both verifiers are given. */
struct verify_context {
    const struct evidence *evidence;
    const struct evidence_trust *trust;
    const struct evidence_options *options;
    int64_t unix_time;
};

/*
 * Fill *out, which is zero before, once the signatures of the evidence hold; also where
 * collateral then refuses. tcb_status stays Unknown without collateral.
 */
enum err verify_tdx(const struct verify_context *v, struct claims *out, struct problem *p);
enum err verify_snp(const struct verify_context *v, struct claims *out, struct problem *p);

/*
 * The chain of exactly these bytes from the cache, if it is trusted and valid
 * now; NULL otherwise. No cache: NULL.
 */
struct verified *verify_cached(const struct verify_context *v, struct bytes chain);
/* Keeps *local in the cache if it can; returns where the verified chain is now. */
struct verified *verify_keep(const struct verify_context *v, struct bytes chain,
                             struct verified *local);

/* Copies what a PCK certificate says into claims. */
void pck_fill_claims(const struct pck *pck, struct tdx_claims *out);

#endif
