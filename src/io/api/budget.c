#include "io/api/budget.h"

#include "base/crypto/hash.h"

#include <arpa/inet.h>

/*
 * READ is a lookup (some 10 us), SIGNED a few signatures (about 0.3 ms), VERIFY
 * evidence (1 to 2 ms): together at most a core and a half in bursts. An address
 * has half: one flood leaves the other half.
 */
const struct budget_rate budget_all[API_BUDGETS] = {
    [API_BUDGET_READ] = {20000, 20000},
    [API_BUDGET_SIGNED] = {500, 500},
    [API_BUDGET_VERIFY] = {500, 1000},
};
const struct budget_rate budget_each[API_BUDGETS] = {
    [API_BUDGET_READ] = {10000, 10000},
    [API_BUDGET_SIGNED] = {250, 250},
    [API_BUDGET_VERIFY] = {250, 500},
};

static void refill(struct bucket *b, struct budget_rate rate, uint64_t now_ms)
{
    uint64_t full = (uint64_t)rate.burst * 1000;
    uint64_t elapsed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
    uint64_t most = full / rate.per_second + 1; /* more fills it anyway */
    uint64_t gained = (elapsed < most ? elapsed : most) * rate.per_second;
    b->thousandths = b->thousandths + gained < full ? b->thousandths + gained : full;
    b->at_ms = now_ms > b->at_ms ? now_ms : b->at_ms;
}

void budget_init(struct budget *b, struct rng rng, uint64_t now_ms)
{
    rng_fill(rng, b->key, sizeof b->key);
    for (int c = 0; c < API_BUDGETS; c++) {
        b->all[c] = (struct bucket){now_ms, budget_all[c].burst * 1000ull};
        for (size_t i = 0; i < BUDGET_PLACES; i++)
            b->each[c][i] = (struct bucket){now_ms, budget_each[c].burst * 1000ull};
    }
}

/* Whoever has an IPv6 address has a /64 of them. */
static size_t place(const struct budget *b, const char *address)
{
    struct in6_addr v6;
    bool is_v6 = inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_V4MAPPED(&v6);
    return siphash(b->key, is_v6 ? bytes(v6.s6_addr, 8) : bytes_str(address)) % BUDGET_PLACES;
}

enum err budget_take(struct budget *b, enum api_budget class, const char *address, uint64_t now_ms)
{
    if (class == API_BUDGET_NONE)
        return OK;
    struct bucket *all = &b->all[class], *each = &b->each[class][place(b, address)];
    refill(all, budget_all[class], now_ms);
    refill(each, budget_each[class], now_ms);
    if (all->thousandths < 1000 || each->thousandths < 1000)
        return E_RATE;
    all->thousandths -= 1000;
    each->thousandths -= 1000;
    return OK;
}
