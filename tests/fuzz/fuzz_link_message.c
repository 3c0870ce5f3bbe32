/*
 * core/member: what a stranger sends on a fresh link. The input is a sequence of
 * messages, each after its length in two bytes; before them goes, or not, a
 * HELLO that fits. Whatever comes, nobody is attested by it.
 */
#include "base/log.h"
#include "core/member/member_int.h"
#include "fuzz.h"

static unsigned closed;

static void on_send(void *ctx, uint32_t link, struct bytes message)
{
    FUZZ_REQUIRE(link == 1 && message.n > 0);
}
static void on_close(void *ctx, uint32_t link, const char *why)
{
    closed++;
}
static void on_trust(void *ctx, uint32_t link)
{
    FUZZ_REQUIRE(!"a stranger is never attested");
}
static void on_store(void *ctx, uint64_t token, enum member_record kind, uint64_t number,
                     struct bytes sealed)
{
}
static void on_quote(void *ctx, uint64_t id, const struct quote_request *request) {}
static void on_judge(void *ctx, uint64_t id, struct bytes evidence)
{
    FUZZ_REQUIRE(!"no stranger has signatures by the keys of its HELLO");
}
static void on_reply(void *ctx, uint64_t request, int status, const char *type, struct bytes body)
{
}
static void on_serve(void *ctx, struct bytes chain) {}
static void on_peers(void *ctx, const struct rec_seat *seats, size_t n) {}

static void say_hello(struct guardian *m, struct hash32 cluster_id)
{
    struct buf b = BUF_INIT(512);
    struct writer w = writer(&b);
    uint8_t keys[32 * 4];
    memset(keys, 0x66, sizeof keys);
    wr_u8(&w, MSG_HELLO);
    wr_u8(&w, 1);
    wr_raw(&w, cluster_id.b, sizeof cluster_id.b);
    wr_raw(&w, keys, sizeof keys);
    wr_bool(&w, false);
    member_link_message(m, (struct now){2, 2}, 1, buf_bytes(&b));
    FUZZ_REQUIRE(closed == 0);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct genesis g = {.n_seats = 1, .mode = BFT_SEALED, .admin_quorum = 1};
    struct rng_seeded seed;
    struct guardian *m;
    struct member_config config = {.genesis = &g,
                                   .cluster_id = {{5}},
                                   .deps = {&sig_ed25519, &dealing_ve, &frost_ed25519},
                                   .rng = rng_numbered(&seed, 1),
                                   .out = {.send = on_send,
                                           .close = on_close,
                                           .trust = on_trust,
                                           .store = on_store,
                                           .quote = on_quote,
                                           .judge = on_judge,
                                           .reply = on_reply,
                                           .serve = on_serve,
                                           .peers = on_peers}};
    uint8_t exporter[BINDING_EXPORTER_SIZE] = {1};
    closed = 0;
    log_open("fuzz", LOG_LEVEL_ERROR);
    FUZZ_REQUIRE(member_new(&config, &m) == OK);
    member_start(m, (struct now){1, 1});
    member_link_open(m, (struct now){1, 1}, 1, BYTES_OF(exporter), true);
    struct reader r = reader(bytes(data, size));
    if (rd_u8(&r) & 1)
        say_hello(m, config.cluster_id);
    for (unsigned i = 0; i < 16 && !r.bad && rd_left(&r) > 2; i++) {
        size_t n = rd_u16(&r);
        struct bytes message = rd_bytes(&r, n < rd_left(&r) ? n : rd_left(&r));
        member_link_message(m, (struct now){3 + i, 3 + i}, 1, message);
        FUZZ_REQUIRE(m->links[0].step != LINK_ATTESTED && closed <= 1);
    }
    member_free(m);
    return 0;
}
