/*
 * What a guardian with its own will may send: its member runs as all others,
 * and between it and the network sits someone who holds its keys.
 */
#ifndef SIM_CLUSTER_LIAR_H
#define SIM_CLUSTER_LIAR_H

#include "world.h"

struct liar;

struct liar *liar_new(struct world *w);
/* NULL is allowed. */
void liar_free(struct liar *l);
/* The member of `node` wants this sent; something is, or nothing. */
void liar_send(struct liar *l, uint32_t node, uint32_t link, struct bytes message);

#endif
