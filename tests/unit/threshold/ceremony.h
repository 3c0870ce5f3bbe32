/*
 * A cluster's keys as the log's state machine would make them, without the log:
 * DKG, reshare and both uses, with any dealing scheme. For tests.
 */
#ifndef THRESHOLD_CEREMONY_H
#define THRESHOLD_CEREMONY_H

#include "core/threshold/dealing.h"
#include "core/threshold/frost.h"
#include "core/threshold/oprf.h"

struct member {
    uint32_t gid;
    struct scalar share[2]; /* by enum group */
};

struct cluster {
    const struct dealing_scheme *scheme;
    struct rng rng;
    uint32_t sessions;
    uint32_t t;
    size_t n;
    struct member m[THRESHOLD_MAX];
    struct commitment c[2];
};

/* A new root among these guardians. */
void ceremony_dkg(struct cluster *k, const uint32_t *gids, size_t n, uint32_t t);
/* The same root among other guardians (or the same: a refresh), dealt by a random t_old. */
void ceremony_reshare(struct cluster *k, const uint32_t *gids, size_t n, uint32_t t);
/* A random order of the members, so that a random subset is in front. */
void ceremony_shuffle(struct cluster *k);
/* The OPRF output of the label by the first t members, every partial checked. */
struct oprf_output ceremony_child(struct cluster *k, const char *label);
/* A signature by t random members under the tweak (NULL: A itself). */
enum err ceremony_sign(struct cluster *k, const struct scalar *tweak, struct bytes message,
                       struct signature *out);

#endif
