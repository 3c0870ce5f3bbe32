/* What must hold for any claims, whoever made the bytes they come from. */
#ifndef FUZZ_CLAIMS_H
#define FUZZ_CLAIMS_H

#include "core/evidence/evidence.h"
#include "fuzz.h"

/* As bytes and back is the same value. */
static inline void check_claims(const struct claims *c)
{
    struct buf a = BUF_INIT(16384), b = BUF_INIT(16384);
    struct writer w = writer(&a), w2 = writer(&b);
    struct claims again;
    claims_write(&w, c);
    FUZZ_REQUIRE(writer_end(&w) == OK);
    struct reader r = reader(buf_bytes(&a));
    claims_read(&r, &again);
    FUZZ_REQUIRE(reader_end(&r, E_MALFORMED) == OK);
    claims_write(&w2, &again);
    FUZZ_REQUIRE(bytes_eq(buf_bytes(&a), buf_bytes(&b)));
    FUZZ_REQUIRE(hash32_eq(c->measurement_hash, again.measurement_hash));
    FUZZ_REQUIRE(hash32_eq(c->measurement_hash_bare, again.measurement_hash_bare));
    buf_free(&a);
    buf_free(&b);
}

/* Nobody is trusted, so nothing may verify, and nothing may be said about it. */
static inline void check_refused(const struct evidence *e)
{
    const struct evidence_trust nobody = {NULL, 0, true};
    const struct evidence_options options = {.no_collateral = true};
    struct claims claims;
    struct problem p = {0};
    FUZZ_REQUIRE(evidence_verify(e, &nobody, &options, 1790000000, &claims, &p) != OK);
    FUZZ_REQUIRE(claims.platform == PLATFORM_NONE && p.detail[0]);
}

#endif
