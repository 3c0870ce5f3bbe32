/* Two or three peers on one loop, over loopback. */
#include "io/peer/link.h"
#include "test.h"

#define PATIENCE_MS 20000

struct node {
    struct peers *peers;
    struct tls_identity *id;
    struct rng_seeded seed;
    struct peer_opened last;
    struct buf certificate;
    size_t opened, closed, frames;
    struct buf in; /* all frames, joined */
    bool trust;    /* every link at once */
    bool close_on_frame;
};

struct world {
    struct loop *loop;
    struct node a, b;
};

static void on_opened(void *ctx, const struct peer_opened *opened)
{
    struct node *n = ctx;
    n->opened++;
    n->last = *opened;
    buf_clear(&n->certificate);
    assert_ok(buf_add(&n->certificate, opened->certificate.p, opened->certificate.n));
    if (n->trust)
        peers_trust(n->peers, opened->link);
}

static void on_frame(void *ctx, uint32_t link, struct bytes frame)
{
    struct node *n = ctx;
    n->frames++;
    assert_ok(buf_add(&n->in, frame.p, frame.n));
    if (n->close_on_frame) {
        assert_ok(peers_send(n->peers, link, bytes_str("no")));
        peers_close_link(n->peers, link);
        assert_err(peers_send(n->peers, link, bytes_str("gone")), E_NOT_FOUND);
    }
}

static void on_closed(void *ctx, uint32_t link, const char *why)
{
    struct node *n = ctx;
    n->closed++;
    assert_non_null(why);
    assert_err(peers_send(n->peers, link, bytes_str("gone")), E_NOT_FOUND);
}

static const struct peers_handler handler = {on_opened, on_frame, on_closed};

static struct peers_config patient(void)
{
    struct peers_config c = peers_defaults;
    c.address = "127.0.0.1";
    c.handshake_ms = c.attest_ms = c.stall_ms = PATIENCE_MS;
    c.backoff_min_ms = 10;
    c.backoff_max_ms = 50;
    return c;
}

static void node_open(struct loop *l, struct node *n, const struct peers_config *config)
{
    if (!n->id)
        assert_ok(tls_identity_self_signed("guardian", &n->id));
    n->in = BUF_INIT(64 << 20);
    n->certificate = BUF_INIT(65536);
    assert_ok(
        peers_open(l, config, n->id, rng_numbered(&n->seed, config->port), &handler, n, &n->peers));
}

static void world_open(struct world *w, struct peers_config config)
{
    *w = (struct world){0};
    assert_ok(loop_open(&w->loop));
    node_open(w->loop, &w->a, &config);
    node_open(w->loop, &w->b, &config);
}

static void node_close(struct node *n)
{
    peers_close(n->peers);
    tls_identity_free(n->id);
    buf_free(&n->in);
    buf_free(&n->certificate);
}

static void world_close(struct world *w)
{
    node_close(&w->a);
    node_close(&w->b);
    loop_close(w->loop);
}

struct count {
    const size_t *have;
    size_t want;
};

static bool has_count(void *ctx)
{
    return *((struct count *)ctx)->have >= ((struct count *)ctx)->want;
}

static void wait_count(struct world *w, const size_t *have, size_t want)
{
    struct count c = {have, want};
    assert_true(loop_run_until(w->loop, has_count, &c, PATIENCE_MS));
}

static void run_a_little(struct world *w)
{
    static const size_t none = 0;
    struct count c = {&none, 1};
    assert_false(loop_run_until(w->loop, has_count, &c, 30));
}

static uint32_t connect_a_to_b(struct world *w)
{
    uint32_t target = peers_dial(w->a.peers, "127.0.0.1", peers_port(w->b.peers));
    assert_int_not_equal(target, 0);
    wait_count(w, &w->a.opened, 1);
    wait_count(w, &w->b.opened, 1);
    return target;
}

static void an_unattested_link_ends_at_its_deadline(void **state)
{
    struct world w;
    struct peers_config config = patient();
    config.attest_ms = 50;
    world_open(&w, config);
    connect_a_to_b(&w);
    wait_count(&w, &w.b.closed, 1);
    wait_count(&w, &w.a.closed, 1);
    wait_count(&w, &w.a.opened, 2); /* and is dialled again */
    world_close(&w);
}

static void an_unattested_link_takes_no_large_frame(void **state)
{
    struct world w;
    struct buf large = BUF_INIT(PEER_FRAME_MAX);
    world_open(&w, patient());
    connect_a_to_b(&w);
    assert_non_null(buf_extend(&large, PEER_FRAME_MAX_UNTRUSTED + 1));
    memset(large.p, 0, large.n);
    assert_ok(peers_send(w.a.peers, w.a.last.link, buf_bytes(&large)));
    wait_count(&w, &w.b.closed, 1);
    assert_int_equal(w.b.frames, 0);
    buf_free(&large);
    world_close(&w);
}

static void stranger_data(void *ctx, struct stream *s, struct bytes in) {}

static void stranger_closed(void *ctx, enum err why, const char *detail)
{
    ++*(size_t *)ctx;
}

static void a_stranger_without_certificate_is_not_a_link(void **state)
{
    struct world w;
    struct tls_context *bare;
    struct tls_config tls = {.side = TLS_CLIENT, .alpn = "guardian-peer/1"};
    static const struct stream_handler stranger = {.data = stranger_data,
                                                   .closed = stranger_closed};
    world_open(&w, patient());
    assert_ok(tls_context_open(&tls, NULL, &bare));
    struct dial_config config = {"127.0.0.1", peers_port(w.b.peers), bare, {PATIENCE_MS, 1000}};
    struct stream *s;
    size_t closed = 0;
    assert_ok(stream_connect(w.loop, &config, &stranger, &closed, &s));
    wait_count(&w, &closed, 1);
    assert_int_equal(w.b.opened, 0);
    world_close(&w);
    tls_context_close(bare);
}

static void frames_that_are_too_large_or_empty_are_not_sent(void **state)
{
    struct world w;
    struct buf large = BUF_INIT(PEER_FRAME_MAX + 1);
    world_open(&w, patient());
    uint32_t target = connect_a_to_b(&w);
    assert_non_null(buf_extend(&large, PEER_FRAME_MAX + 1));
    assert_err(peers_send(w.a.peers, w.a.last.link, buf_bytes(&large)), E_TOO_LARGE);
    assert_err(peers_send(w.a.peers, w.a.last.link, BYTES_NONE), E_MALFORMED);
    assert_err(peers_send_to(w.a.peers, target, buf_bytes(&large)), E_TOO_LARGE);
    assert_err(peers_send_to(w.a.peers, 12345, bytes_str("x")), E_NOT_FOUND);
    assert_err(peers_send(w.a.peers, 12345, bytes_str("x")), E_NOT_FOUND);
    peers_trust(w.a.peers, 12345);
    peers_close_link(w.a.peers, 12345);
    peers_give_up(w.a.peers, 12345);
    buf_free(&large);
    world_close(&w);
}

static void both_ends_see_one_exporter_and_each_others_certificate(void **state)
{
    struct world w;
    world_open(&w, patient());
    uint32_t target = connect_a_to_b(&w);
    assert_memory_equal(w.a.last.exporter, w.b.last.exporter, BINDING_EXPORTER_SIZE);
    assert_int_equal(w.a.last.role, PEER_DIALLED);
    assert_int_equal(w.b.last.role, PEER_ACCEPTED);
    assert_int_equal(w.a.last.target, target);
    assert_int_equal(w.b.last.target, 0);
    assert_true(bytes_eq(buf_bytes(&w.a.certificate), tls_identity_leaf(w.b.id)));
    assert_true(bytes_eq(buf_bytes(&w.b.certificate), tls_identity_leaf(w.a.id)));
    world_close(&w);
}

static void frames_arrive_in_order_and_whole(void **state)
{
    struct world w;
    struct buf large = BUF_INIT(PEER_FRAME_MAX);
    world_open(&w, patient());
    w.a.trust = w.b.trust = true;
    connect_a_to_b(&w);
    assert_non_null(buf_extend(&large, PEER_FRAME_MAX));
    for (size_t i = 0; i < large.n; i++)
        large.p[i] = (uint8_t)(i >> 12);
    assert_ok(peers_send(w.a.peers, w.a.last.link, bytes_str("first")));
    assert_ok(peers_send(w.a.peers, w.a.last.link, buf_bytes(&large)));
    assert_ok(peers_send(w.a.peers, w.a.last.link, bytes_str("last")));
    assert_ok(peers_send(w.b.peers, w.b.last.link, bytes_str("back")));
    wait_count(&w, &w.b.frames, 3);
    wait_count(&w, &w.a.frames, 1);
    assert_memory_equal(w.b.in.p, "first", 5);
    assert_memory_equal(w.b.in.p + 5, large.p, large.n);
    assert_memory_equal(w.b.in.p + 5 + large.n, "last", 4);
    assert_true(bytes_eq(buf_bytes(&w.a.in), bytes_str("back")));
    assert_int_equal(peers_dropped(w.a.peers), 0);
    buf_free(&large);
    world_close(&w);
}

static void frames_to_a_target_wait_until_its_link_is_trusted(void **state)
{
    struct world w;
    world_open(&w, patient());
    uint32_t target = peers_dial(w.a.peers, "127.0.0.1", peers_port(w.b.peers));
    assert_ok(peers_send_to(w.a.peers, target, bytes_str("1")));
    wait_count(&w, &w.a.opened, 1);
    wait_count(&w, &w.b.opened, 1);
    assert_ok(peers_send_to(w.a.peers, target, bytes_str("2")));
    assert_ok(peers_send(w.a.peers, w.a.last.link, bytes_str("hello")));
    wait_count(&w, &w.b.frames, 1);
    run_a_little(&w);
    assert_int_equal(w.b.frames, 1);
    peers_trust(w.a.peers, w.a.last.link);
    assert_ok(peers_send_to(w.a.peers, target, bytes_str("3")));
    wait_count(&w, &w.b.frames, 4);
    assert_true(bytes_eq(buf_bytes(&w.b.in), bytes_str("hello123")));
    world_close(&w);
}

static void a_target_is_dialled_until_it_answers_and_again_after_a_loss(void **state)
{
    struct world w;
    struct peers_config config = patient();
    world_open(&w, config);
    w.a.trust = w.b.trust = true;
    uint16_t port = peers_port(w.b.peers);
    peers_close(w.b.peers);
    w.b.peers = NULL;
    uint32_t target = peers_dial(w.a.peers, "127.0.0.1", port);
    assert_ok(peers_send_to(w.a.peers, target, bytes_str("waited")));
    run_a_little(&w);
    assert_int_equal(w.a.opened, 0);
    for (size_t round = 1; round <= 2; round++) {
        buf_free(&w.b.in);
        buf_free(&w.b.certificate);
        config.port = port;
        node_open(w.loop, &w.b, &config);
        wait_count(&w, &w.a.opened, round);
        if (round == 1) {
            wait_count(&w, &w.b.frames, 1);
            assert_true(bytes_eq(buf_bytes(&w.b.in), bytes_str("waited")));
            peers_close(w.b.peers);
            w.b.peers = NULL;
            wait_count(&w, &w.a.closed, 1);
        }
    }
    world_close(&w);
}

static void an_owner_may_refuse_inside_a_frame_and_the_refusal_arrives(void **state)
{
    struct world w;
    world_open(&w, patient());
    w.b.close_on_frame = true;
    connect_a_to_b(&w);
    assert_ok(peers_send(w.a.peers, w.a.last.link, bytes_str("x")));
    assert_ok(peers_send(w.a.peers, w.a.last.link, bytes_str("y")));
    wait_count(&w, &w.a.closed, 1);
    assert_true(bytes_eq(buf_bytes(&w.a.in), bytes_str("no")));
    assert_int_equal(w.b.frames, 1);
    assert_int_equal(w.b.closed, 0); /* it closed itself */
    world_close(&w);
}

static void a_target_given_up_is_not_dialled_again(void **state)
{
    struct world w;
    world_open(&w, patient());
    uint32_t target = connect_a_to_b(&w);
    peers_give_up(w.a.peers, target);
    wait_count(&w, &w.b.closed, 1);
    for (int i = 0; i < 5; i++)
        run_a_little(&w);
    assert_int_equal(w.a.opened, 1);
    assert_int_equal(w.a.closed, 1);
    assert_err(peers_send_to(w.a.peers, target, bytes_str("x")), E_NOT_FOUND);
    world_close(&w);
}

static void a_target_that_is_oneself_is_no_link_and_left_alone(void **state)
{
    struct world w;
    world_open(&w, patient());
    assert_int_not_equal(peers_dial(w.a.peers, "127.0.0.1", peers_port(w.a.peers)), 0);
    connect_a_to_b(&w);
    for (int i = 0; i < 10; i++)
        run_a_little(&w);
    assert_int_equal(w.a.opened, 1); /* that to b */
    assert_int_equal(w.a.closed, 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unattested_link_ends_at_its_deadline),
        cmocka_unit_test(an_unattested_link_takes_no_large_frame),
        cmocka_unit_test(a_stranger_without_certificate_is_not_a_link),
        cmocka_unit_test(frames_that_are_too_large_or_empty_are_not_sent),
        cmocka_unit_test(both_ends_see_one_exporter_and_each_others_certificate),
        cmocka_unit_test(frames_arrive_in_order_and_whole),
        cmocka_unit_test(frames_to_a_target_wait_until_its_link_is_trusted),
        cmocka_unit_test(a_target_is_dialled_until_it_answers_and_again_after_a_loss),
        cmocka_unit_test(an_owner_may_refuse_inside_a_frame_and_the_refusal_arrives),
        cmocka_unit_test(a_target_given_up_is_not_dialled_again),
        cmocka_unit_test(a_target_that_is_oneself_is_no_link_and_left_alone),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
