/* core/state/genesis.h: what is accepted keeps the promises of its header. */
#include "core/state/genesis.h"
#include "fuzz.h"

static void require_seats(const struct genesis *g)
{
    FUZZ_REQUIRE(g->n_seats >= 1 && g->n_seats <= BFT_MAX_MEMBERS);
    FUZZ_REQUIRE(g->n_seats >= 3 * genesis_f(g, g->n_seats) + 1);
    for (uint32_t i = 0; i < g->n_seats; i++) {
        const struct rec_seat *s = &g->seats[i];
        FUZZ_REQUIRE(i == 0 || g->seats[i - 1].gid < s->gid);
        FUZZ_REQUIRE(s->gid && s->peer_port && s->api_port && s->host[0]);
        FUZZ_REQUIRE(!bytes_is_zero(bytes(s->platform_id.b, s->platform_id.n)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct genesis g;
    struct problem p = {0};
    enum err e = genesis_parse(bytes(data, size), &g, &p);
    if (e != OK) {
        FUZZ_REQUIRE(p.detail[0] && err_status(e) < 500 && !g.measurements[0]);
        return 0;
    }
    FUZZ_REQUIRE(g.trust_domain[0] && g.n_admins >= 1 && g.n_measurements >= 1);
    FUZZ_REQUIRE(g.admin_quorum >= 1 && g.admin_quorum <= g.n_admins);
    require_seats(&g);
    genesis_free(&g);
    return 0;
}
