/*
 * The threshold VOPRF that makes child keys (threshold-protocol 3.3):
 * output = Finalize(label, k*H(label)) of RFC 9497, k shared among guardians.
 *
 *   requester   oprf_request_make: B = r*H(label), and a proof that it knows r,
 *               so that a policy decision on the label binds B
 *   everybody   oprf_request_check
 *   guardian i  oprf_evaluate: E_i = s_i*B with a proof against S_i
 *   requester   oprf_partial_check each, then oprf_combine; or combine first and
 *               compare oprf_kcv with the recorded one, checking only on mismatch
 *
 * With blinding, partials and proofs are public and a bad one is evidence.
 * The output depends on k and the label alone: not on epoch, members or t.
 */
#ifndef CORE_THRESHOLD_OPRF_H
#define CORE_THRESHOLD_OPRF_H

#include "core/threshold/rfc9497.h"
#include "core/threshold/share.h"

/* Labels are length-prefixed names of bounded length (labels.def); none comes near this. */
#define OPRF_LABEL_MAX 512

struct oprf_request {
    struct bytes label;      /* borrowed; 1 to OPRF_LABEL_MAX bytes */
    struct hash32 requester; /* who asks: a hash of its identity and the key answers go to */
    struct hash32 nonce;
    struct point blinded; /* B */
    struct pok proof;     /* of r, on base H(label), bound to requester and nonce */
};

/* Draws r into *blind (keep it, single use, wipe it) and the nonce; the label is borrowed. */
enum err oprf_request_make(struct rng rng, struct bytes label, struct hash32 requester,
                           struct scalar *blind, struct oprf_request *out);
/* E_SIGNATURE unless the requester knows r with B = r*H(label); E_VALUE for a bad label. */
enum err oprf_request_check(const struct oprf_request *request);
/* requester, nonce, u32-prefixed label, B, proof. */
void oprf_request_write(struct writer *w, const struct oprf_request *request);
/* The label borrows from the input. Does not check the proof. */
void oprf_request_read(struct reader *r, struct oprf_request *out);

struct oprf_partial {
    uint32_t gid;
    struct point e;     /* E_i = s_i*B */
    struct scalar c, z; /* log_G(S_i) = log_B(E_i) */
};

/*
 * context is a hash over epoch, the request's place in the log and whatever
 * else names this request; gid is bound besides. E_i is deterministic, so
 * answering again is safe. Only for requests that passed oprf_request_check.
 */
enum err oprf_evaluate(struct rng rng, const struct scalar *share, uint32_t gid,
                       struct hash32 context, const struct point *blinded,
                       struct oprf_partial *out);
/* member is S_gid of the epoch's commitment; E_SIGNATURE is evidence against the guardian. */
enum err oprf_partial_check(const struct point *member, struct hash32 context,
                            const struct point *blinded, const struct oprf_partial *partial);
/* u32 gid, E, c, z. */
void oprf_partial_write(struct writer *w, const struct oprf_partial *partial);
void oprf_partial_read(struct reader *r, struct oprf_partial *out);

/*
 * The output of exactly t partials of different guardians of one epoch, in any
 * order. Partials are not checked here: one that is wrong gives a wrong output.
 * E_VALUE for n != t, gid 0, duplicates.
 */
enum err oprf_combine(const struct oprf_partial *partials, size_t n, uint32_t t, struct bytes label,
                      const struct scalar *blind, struct oprf_output *out);
/* Tells outputs apart without saying anything about them. */
struct hash32 oprf_kcv(const struct oprf_output *output);

#endif
