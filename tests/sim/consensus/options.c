/* What a seed plays. */
#include "world.h"
#include "ideal_sig.h"

struct options options_of(uint64_t seed, uint32_t n, uint32_t f)
{
    struct dice d = {seed * 0x9e3779b97f4a7c15u + 7};
    struct options o = {.scheme = &sig_ideal};
    o.n = n != UINT32_MAX ? n : 1 + below(&d, 7);
    uint32_t most = (o.n - 1) / 3;
    o.f = f != UINT32_MAX ? f : below(&d, most + 1);
    o.mode = o.f > 0 ? BFT_STRICT : o.n <= 2 ? BFT_SEALED : 1 + below(&d, 2);
    o.liars = o.f > 0 && chance(&d, 0.75) ? 1 + below(&d, o.f) : 0;
    o.crashes = chance(&d, 0.7);
    o.changes = o.n >= 3 && chance(&d, 0.4);
    o.leases = chance(&d, 0.5);
    o.power_loss = o.mode == BFT_STRICT && chance(&d, 0.25);
    o.chaos_ms = 2000 + below(&d, 8000);
    return o;
}
