/*
 * What callers without a certificate may use up: a token bucket per class, and
 * one per class and address, so that a flood can neither starve the log's own
 * work (design, section 4, lanes) nor all other callers.
 *
 * Addresses share a fixed table by a keyed hash: memory is constant, and who
 * shares a place with a flood can be refused with it, but nobody can choose
 * that. An IPv6 address counts as its /64.
 */
#ifndef IO_API_BUDGET_H
#define IO_API_BUDGET_H

#include "base/rng.h"
#include "io/api/route.h"

#define BUDGET_PLACES 1024

struct bucket {
    uint64_t at_ms;
    uint64_t thousandths; /* of a token */
};

struct budget {
    uint8_t key[16];
    struct bucket all[API_BUDGETS];
    struct bucket each[API_BUDGETS][BUDGET_PLACES];
};

struct budget_rate {
    uint32_t per_second, burst;
};
/* All callers together, and one address. API_BUDGET_NONE has no limit. */
extern const struct budget_rate budget_all[API_BUDGETS], budget_each[API_BUDGETS];

void budget_init(struct budget *b, struct rng rng, uint64_t now_ms);
/* Takes one token of the class: E_RATE if there is none. address is text, as sockets give it. */
enum err budget_take(struct budget *b, enum api_budget class, const char *address, uint64_t now_ms);

#endif
