/*
 * The checks of types.h as the step function uses them: the hash of the cfg is
 * computed once per height, and votes already verified are not verified again.
 */
#ifndef CORE_CONSENSUS_VOTE_H
#define CORE_CONSENSUS_VOTE_H

#include "core/consensus/types.h"

struct judge {
    const struct sig_scheme *scheme;
    const struct cfg *cfg;
    struct hash32 cfg_hash;
    /* Was exactly this vote, signature included, verified before? May be NULL. */
    bool (*known)(void *ctx, const struct vote *vote);
    void *known_ctx;
};

enum err vote_check_under(const struct judge *j, const struct vote *vote);
enum err certificate_check_under(const struct judge *j, const struct certificate *certificate);
enum err proposal_check_under(const struct judge *j, const struct proposal *proposal);

/* Vote i of the certificate. */
struct vote certificate_vote(const struct certificate *certificate, uint32_t i);
/* What block 1 carries. */
struct certificate certificate_none(void);

#endif
