/*
 * The suite ristretto255-SHA512 of RFC 9497 as the RFC has it: what its test
 * vectors cover. Guardian uses mode VOPRF; base mode differs in one byte of the
 * context string. The threshold protocol on top of it is in oprf.h.
 */
#ifndef CORE_THRESHOLD_RFC9497_H
#define CORE_THRESHOLD_RFC9497_H

#include "base/crypto/group.h"

enum rfc9497_mode { RFC9497_OPRF = 0x00, RFC9497_VOPRF = 0x01 };

/* Inputs are at most this long (section 1.2); labels have a smaller limit of their own. */
#define RFC9497_INPUT_MAX 65535
/* Elements in one batch proof, at most. */
#define RFC9497_BATCH_MAX 16

struct oprf_output {
    uint8_t b[64];
};
static inline void oprf_output_wipe(struct oprf_output *o)
{
    wipe(o, sizeof *o);
}

/* HashToGroup (section 4.1); E_VALUE if the input is too long or hits the identity. */
enum err rfc9497_hash_to_group(enum rfc9497_mode mode, struct bytes input, struct point *out);
/* HashToScalar (section 4.1) of at most 2048 bytes. */
enum err rfc9497_hash_to_scalar(enum rfc9497_mode mode, struct bytes input, struct scalar *out);
/* DeriveKeyPair (section 3.2.1). */
enum err rfc9497_derive_key(enum rfc9497_mode mode, const uint8_t seed[static 32],
                            struct bytes info, struct scalar *secret, struct point *public);
/* blind * HashToGroup(input) (section 3.3.1). */
enum err rfc9497_blind(enum rfc9497_mode mode, struct bytes input, const struct scalar *blind,
                       struct point *out);
/* Unblinds and hashes (section 3.3.1, Finalize; the proof is checked separately). */
enum err rfc9497_finalize(struct bytes input, const struct scalar *blind,
                          const struct point *evaluated, struct oprf_output *out);

/* One DLEQ proof for a batch (section 2.2): public = k*G and evaluated[i] = k * blinded[i]. */
struct rfc9497_proof {
    struct scalar c, s;
};
/* GenerateProof (section 2.2.1); the randomness r is scalar_random(rng). n is 1 to BATCH_MAX. */
enum err rfc9497_prove(struct rng rng, const struct scalar *k, const struct point *public,
                       const struct point *blinded, const struct point *evaluated, size_t n,
                       struct rfc9497_proof *out);
/* VerifyProof (section 2.2.2); E_SIGNATURE. */
enum err rfc9497_verify(const struct point *public, const struct point *blinded,
                        const struct point *evaluated, size_t n, const struct rfc9497_proof *proof);

#endif
