/*
 * Verdicts: what a guardian signs after it judged evidence by itself, with its
 * own collateral and clock (design.md section 4). The log holds verdicts, never
 * evidence, so applying an entry stays pure.
 *
 * A verdict is about a *subject*: the hash of exactly those facts the entry
 * uses. Verdicts of one entry share the subject; they may differ in the
 * evidence each guardian saw (a peer's evidence is bound to one connection),
 * in the TCB status its collateral gave, and in how long it stands.
 */
#ifndef CORE_STATE_VERDICT_H
#define CORE_STATE_VERDICT_H

#include "core/state/records.h"

struct verdict {
    uint32_t signer;        /* gid */
    struct hash32 evidence; /* SHA-256 of the evidence as judged */
    int64_t not_after;      /* unix seconds */
    enum tcb_status tcb_status;
    struct signature signature; /* by the signer's vote key */
};

/* A guardian, new or rebooted. */
struct peer_subject {
    uint32_t gid;
    struct sig_public seat_key, vote_key;
    enum platform platform;
    struct platform_id platform_id;
    struct hash32 measurement_hash;
};
struct hash32 peer_subject_hash(const struct peer_subject *s);
void peer_subject_write(struct writer *w, const struct peer_subject *s);
void peer_subject_read(struct reader *r, struct peer_subject *s);

/* A workload that asks for an identity. */
struct workload_subject {
    char ns[NS_NAME_MAX];
    struct hash32 instance_id;
    enum platform platform;
    struct platform_id chip;
    struct hash32 measurement_hash;
    struct spki identity, wrap;
    struct hash32 challenge;
    uint64_t challenge_height; /* of the header the challenge was made from */
    int64_t challenge_until;   /* unix seconds */
};
struct hash32 workload_subject_hash(const struct workload_subject *s);
void workload_subject_write(struct writer *w, const struct workload_subject *s);
void workload_subject_read(struct reader *r, struct workload_subject *s);

void verdict_sign(struct verdict *v, const struct sig_scheme *scheme,
                  const struct sig_secret *secret, struct hash32 cluster_id, struct hash32 subject);
enum err verdict_verify(const struct verdict *v, const struct sig_scheme *scheme,
                        const struct sig_public *key, struct hash32 cluster_id,
                        struct hash32 subject);
void verdict_write(struct writer *w, const struct verdict *v);
void verdict_read(struct reader *r, struct verdict *v);

/*
 * OK if q distinct members of cfg that are not suspended signed this subject and
 * all of these verdicts still stand at `unix_s`. One bad signature refuses the
 * list: whoever assembled it could have left it out.
 */
enum err verdicts_check(const struct verdict *v, size_t n, const struct cfg *cfg,
                        const struct sig_scheme *scheme, struct hash32 subject, int64_t unix_s);

#endif
