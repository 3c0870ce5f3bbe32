/* Real sockets on loopback, both ends on one loop; deadlines are short, waiting is generous. */
#include "io/loop/stream.h"
#include "test.h"

#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define LIMIT       (1 << 20)

struct side {
    struct stream *stream;
    bool opened, closed, drained, echo;
    enum err why;
    struct buf in;
};

struct world {
    struct loop *loop;
    struct tls_identity *server_id, *client_id;
    struct tls_context *server_tls, *client_tls;
    struct listener *listener;
    struct side accepted[8];
    size_t n;
};

static void on_opened(void *ctx, struct stream *s)
{
    ((struct side *)ctx)->opened = true;
}

static void on_data(void *ctx, struct stream *s, struct bytes in)
{
    struct side *side = ctx;
    assert_true(in.n > 0);
    assert_ok(buf_add(&side->in, in.p, in.n));
    if (side->echo)
        assert_ok(stream_write(s, in));
}

static void on_drained(void *ctx, struct stream *s)
{
    assert_int_equal(stream_queued(s), 0);
    ((struct side *)ctx)->drained = true;
}

static void on_closed(void *ctx, enum err why, const char *detail)
{
    struct side *side = ctx;
    assert_false(side->closed);
    side->closed = true;
    side->why = why;
    side->stream = NULL;
    assert_non_null(detail);
}

static const struct stream_handler handler = {on_opened, on_data, on_drained, on_closed};

static void side_init(struct side *side)
{
    *side = (struct side){.in = BUF_INIT(16 << 20)};
}

static void side_free(struct side *side)
{
    if (side->stream)
        stream_close(side->stream);
    buf_free(&side->in);
}

static void accepted(void *ctx, struct stream *s)
{
    struct world *w = ctx;
    if (w->n == sizeof w->accepted / sizeof *w->accepted) {
        stream_close(s);
        return;
    }
    struct side *side = &w->accepted[w->n++];
    side_init(side);
    side->stream = s;
    side->opened = true;
    stream_attach(s, &handler, side);
}

struct options {
    bool plain, ask, require;
    uint32_t handshake_ms, max_connections, max_per_address, max_half_open;
    const char *server_alpn, *client_alpn;
};

static void world_open(struct world *w, struct options o)
{
    *w = (struct world){0};
    assert_ok(loop_open(&w->loop));
    assert_ok(tls_identity_self_signed("server", &w->server_id));
    assert_ok(tls_identity_self_signed("client", &w->client_id));
    struct tls_config server = {TLS_SERVER, o.ask, o.require, o.server_alpn};
    struct tls_config client = {.side = TLS_CLIENT, .alpn = o.client_alpn};
    assert_ok(tls_context_open(&server, w->server_id, &w->server_tls));
    assert_ok(tls_context_open(&client, w->client_id, &w->client_tls));
    struct listener_config config = {
        .address = "127.0.0.1",
        .tls = o.plain ? NULL : w->server_tls,
        .stream = {o.handshake_ms ? o.handshake_ms : PATIENCE_MS, LIMIT},
        .max_connections = o.max_connections ? o.max_connections : 8,
        .max_per_address = o.max_per_address ? o.max_per_address : 8,
        .max_half_open = o.max_half_open ? o.max_half_open : 8,
    };
    assert_ok(listener_open(w->loop, &config, accepted, w, &w->listener));
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        side_free(&w->accepted[i]);
    listener_close(w->listener);
    loop_close(w->loop);
    tls_context_close(w->server_tls);
    tls_context_close(w->client_tls);
    tls_identity_free(w->server_id);
    tls_identity_free(w->client_id);
}

static void dial(struct world *w, struct side *side, struct tls_context *tls)
{
    side_init(side);
    struct dial_config config = {
        "127.0.0.1", listener_port(w->listener), tls, {PATIENCE_MS, LIMIT}};
    assert_ok(stream_connect(w->loop, &config, &handler, side, &side->stream));
    assert_false(side->opened || side->closed);
}

static bool is_true(void *flag)
{
    return *(bool *)flag;
}

#define wait_for(world, flag) \
    assert_true(loop_run_until((world)->loop, is_true, &(flag), PATIENCE_MS))

struct count {
    const size_t *have;
    size_t want;
};

static bool has_count(void *ctx)
{
    const struct count *c = ctx;
    return *c->have >= c->want;
}

static void wait_count(struct world *w, const size_t *have, size_t want)
{
    struct count c = {have, want};
    assert_true(loop_run_until(w->loop, has_count, &c, PATIENCE_MS));
}

static bool never(void *ctx)
{
    return false;
}

static void half_open_tls_ends_at_its_deadline_while_others_are_served(void **state)
{
    struct world w;
    struct side mute, good;
    world_open(&w, (struct options){.handshake_ms = 2000});
    dial(&w, &mute, NULL);
    dial(&w, &good, w.client_tls);
    wait_for(&w, good.opened);
    wait_count(&w, &w.n, 1);
    assert_int_equal(listener_connections(w.listener), 2);
    w.accepted[0].echo = true;
    assert_ok(stream_write(good.stream, bytes_str("hello")));
    wait_for(&w, mute.closed);
    wait_count(&w, &good.in.n, 5);
    assert_int_equal(w.n, 1);
    assert_int_equal(listener_connections(w.listener), 1);
    side_free(&mute);
    side_free(&good);
    world_close(&w);
}

static void garbage_instead_of_a_handshake_is_refused(void **state)
{
    struct world w;
    struct side bad;
    world_open(&w, (struct options){0});
    dial(&w, &bad, NULL);
    wait_for(&w, bad.opened);
    assert_ok(stream_write(bad.stream, bytes_str("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    wait_for(&w, bad.closed);
    assert_int_equal(w.n, 0);
    side_free(&bad);
    world_close(&w);
}

static void no_certificate_is_refused_where_one_is_required(void **state)
{
    struct world w;
    struct side bare;
    struct tls_context *without;
    struct tls_config config = {.side = TLS_CLIENT};
    world_open(&w, (struct options){.ask = true, .require = true});
    assert_ok(tls_context_open(&config, NULL, &without));
    dial(&w, &bare, without);
    wait_for(&w, bare.closed); /* a client learns it after its own handshake is through */
    assert_int_equal(w.n, 0);
    side_free(&bare);
    world_close(&w);
    tls_context_close(without);
}

static void no_certificate_passes_where_it_is_optional(void **state)
{
    struct world w;
    struct side bare;
    struct tls_context *without;
    struct tls_config config = {.side = TLS_CLIENT};
    world_open(&w, (struct options){.ask = true});
    assert_ok(tls_context_open(&config, NULL, &without));
    dial(&w, &bare, without);
    wait_count(&w, &w.n, 1);
    assert_int_equal(stream_peer_certificates(w.accepted[0].stream), 0);
    side_free(&bare);
    world_close(&w);
    tls_context_close(without);
}

static void both_sides_see_the_others_certificate_and_one_exporter(void **state)
{
    struct world w;
    struct side a, b;
    uint8_t key[4][64];
    const char *label = "EXPORTER-guardian-peer-v1";
    world_open(&w, (struct options){.ask = true, .require = true});
    dial(&w, &a, w.client_tls);
    wait_count(&w, &w.n, 1);
    dial(&w, &b, w.client_tls);
    wait_count(&w, &w.n, 2);
    struct stream *sides[] = {a.stream, w.accepted[0].stream, b.stream, w.accepted[1].stream};
    for (size_t i = 0; i < 4; i++) {
        struct bytes leaf = tls_identity_leaf(i % 2 ? w.client_id : w.server_id);
        assert_int_equal(stream_peer_certificates(sides[i]), 1);
        assert_true(bytes_eq(stream_peer_certificate(sides[i], 0), leaf));
        assert_ok(stream_export(sides[i], label, key[i], 64));
    }
    assert_string_equal(stream_peer_address(a.stream), "127.0.0.1");
    assert_memory_equal(key[0], key[1], 64);
    assert_memory_equal(key[2], key[3], 64);
    assert_memory_not_equal(key[0], key[2], 64);
    assert_ok(stream_export(a.stream, "EXPORTER-guardian-other", key[1], 64));
    assert_memory_not_equal(key[0], key[1], 64);
    side_free(&a);
    side_free(&b);
    world_close(&w);
}

static void a_new_certificate_is_for_new_connections_only(void **state)
{
    struct world w;
    struct side before, after;
    struct tls_identity *fresh;
    world_open(&w, (struct options){0});
    dial(&w, &before, w.client_tls);
    wait_for(&w, before.opened);
    assert_ok(tls_identity_self_signed("renewed", &fresh));
    assert_ok(tls_context_set_certificate(w.server_tls, fresh));
    dial(&w, &after, w.client_tls);
    wait_for(&w, after.opened);
    wait_count(&w, &w.n, 2);
    assert_true(
        bytes_eq(stream_peer_certificate(before.stream, 0), tls_identity_leaf(w.server_id)));
    assert_true(bytes_eq(stream_peer_certificate(after.stream, 0), tls_identity_leaf(fresh)));
    w.accepted[0].echo = true;
    assert_ok(stream_write(before.stream, bytes_str("still here")));
    wait_count(&w, &before.in.n, 10);
    tls_identity_free(fresh);
    side_free(&before);
    side_free(&after);
    world_close(&w);
}

static void an_identity_takes_only_a_chain_for_its_own_key(void **state)
{
    struct tls_identity *id, *other, *out;
    assert_ok(tls_identity_self_signed("one", &id));
    assert_ok(tls_identity_self_signed("two", &other));
    struct bytes leaf = tls_identity_leaf(id), wrong = tls_identity_leaf(other);
    struct bytes cut = bytes(leaf.p, leaf.n - 1);
    assert_err(tls_identity_with_chain(id, &wrong, 1, &out), E_CHAIN);
    assert_null(out);
    assert_err(tls_identity_with_chain(id, &cut, 1, &out), E_MALFORMED);
    assert_err(tls_identity_with_chain(id, &leaf, 0, &out), E_MALFORMED);
    struct bytes many[TLS_CHAIN_MAX + 1];
    for (size_t i = 0; i <= TLS_CHAIN_MAX; i++)
        many[i] = leaf;
    assert_err(tls_identity_with_chain(id, many, TLS_CHAIN_MAX + 1, &out), E_TOO_LARGE);
    assert_err(tls_identity_from_pem(bytes_str("x"), bytes_str("y"), &out), E_MALFORMED);
    struct bytes two[] = {leaf, wrong};
    assert_ok(tls_identity_with_chain(id, two, 2, &out));
    assert_true(bytes_eq(tls_identity_spki(out), tls_identity_spki(id)));
    assert_false(bytes_eq(tls_identity_spki(out), tls_identity_spki(other)));
    tls_identity_free(out);
    tls_identity_free(id);
    tls_identity_free(other);
}

static void alpn_that_does_not_match_is_refused(void **state)
{
    struct world w;
    struct side other;
    world_open(&w, (struct options){.server_alpn = "http/1.1", .client_alpn = "h2"});
    dial(&w, &other, w.client_tls);
    wait_for(&w, other.closed);
    assert_false(other.opened);
    side_free(&other);
    world_close(&w);
}

static void fill(struct buf *out, size_t n)
{
    uint8_t *p = buf_extend(out, n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 2654435761u >> 13);
}

/* The other side does not read: the queue fills to its limit and not beyond. */
static void fill_until_refused(struct side *a, const struct buf *chunk, size_t *sent)
{
    enum err e;
    while ((e = stream_write(a->stream, buf_bytes(chunk))) == OK)
        *sent += chunk->n;
    assert_err(e, E_RATE);
    assert_true(stream_queued(a->stream) <= LIMIT + 65536);
}

static void the_write_queue_is_bounded_and_drains(void **state)
{
    for (int plain = 0; plain < 2; plain++) {
        struct world w;
        struct side a;
        struct buf chunk = BUF_INIT(LIMIT + 1);
        size_t sent = 0;
        world_open(&w, (struct options){.plain = plain});
        dial(&w, &a, plain ? NULL : w.client_tls);
        wait_for(&w, a.opened);
        wait_count(&w, &w.n, 1);
        stream_pause(w.accepted[0].stream, true);
        fill(&chunk, LIMIT / 4);
        fill_until_refused(&a, &chunk, &sent);
        assert_false(loop_run_until(w.loop, never, NULL, 50));
        assert_int_equal(w.accepted[0].in.n, 0);
        assert_err(stream_write(a.stream, bytes(chunk.p, 0)), OK);
        stream_pause(w.accepted[0].stream, false);
        wait_for(&w, a.drained);
        wait_count(&w, &w.accepted[0].in.n, sent);
        for (size_t at = 0; at < sent; at += chunk.n)
            assert_memory_equal(w.accepted[0].in.p + at, chunk.p, chunk.n);
        fill(&chunk, LIMIT - chunk.n + 1);
        assert_err(stream_write(a.stream, buf_bytes(&chunk)), E_TOO_LARGE);
        buf_free(&chunk);
        side_free(&a);
        world_close(&w);
    }
}

static void finish_delivers_everything_and_ends_both_sides(void **state)
{
    for (int plain = 0; plain < 2; plain++) {
        struct world w;
        struct side a;
        struct buf chunk = BUF_INIT(LIMIT);
        world_open(&w, (struct options){.plain = plain});
        dial(&w, &a, plain ? NULL : w.client_tls);
        wait_for(&w, a.opened);
        fill(&chunk, LIMIT);
        assert_ok(stream_write(a.stream, buf_bytes(&chunk)));
        stream_finish(a.stream, PATIENCE_MS);
        assert_err(stream_write(a.stream, bytes_str("late")), E_NOT_READY);
        wait_for(&w, a.closed);
        assert_err(a.why, OK);
        assert_true(w.accepted[0].closed);
        assert_err(w.accepted[0].why, OK);
        assert_int_equal(w.accepted[0].in.n, LIMIT);
        assert_memory_equal(w.accepted[0].in.p, chunk.p, LIMIT);
        buf_free(&chunk);
        side_free(&a);
        world_close(&w);
    }
}

static void finish_does_not_wait_longer_than_it_lingers(void **state)
{
    struct world w;
    struct side a;
    world_open(&w, (struct options){0});
    dial(&w, &a, w.client_tls);
    wait_count(&w, &w.n, 1);
    wait_for(&w, a.opened);
    stream_pause(w.accepted[0].stream, true); /* never sees the end */
    stream_finish(a.stream, 50);
    wait_for(&w, a.closed);
    assert_false(w.accepted[0].closed);
    side_free(&a);
    world_close(&w);
}

static void a_connection_cut_off_is_not_an_orderly_end(void **state)
{
    struct world w;
    world_open(&w, (struct options){0});
    struct side a;
    dial(&w, &a, w.client_tls);
    wait_for(&w, a.opened);
    wait_count(&w, &w.n, 1);
    /* More than the kernel holds is queued, so there is no room for close_notify. */
    stream_pause(w.accepted[0].stream, true);
    struct buf chunk = BUF_INIT(LIMIT);
    size_t sent = 0;
    fill(&chunk, LIMIT / 4);
    fill_until_refused(&a, &chunk, &sent);
    stream_close(a.stream);
    a.stream = NULL;
    stream_pause(w.accepted[0].stream, false);
    wait_for(&w, w.accepted[0].closed);
    assert_err(w.accepted[0].why, E_IO);
    assert_false(a.closed);
    buf_free(&chunk);
    side_free(&a);
    world_close(&w);
}

static void one_address_gets_no_more_than_its_share(void **state)
{
    struct world w;
    struct side a[3];
    world_open(&w, (struct options){.max_per_address = 2});
    for (size_t i = 0; i < 3; i++)
        dial(&w, &a[i], w.client_tls);
    wait_for(&w, a[0].opened);
    wait_for(&w, a[1].opened);
    wait_for(&w, a[2].closed);
    assert_false(a[2].opened);
    for (size_t i = 0; i < 3; i++)
        side_free(&a[i]);
    world_close(&w);
}

static void the_oldest_unfinished_handshake_gives_way_to_a_newcomer(void **state)
{
    struct world w;
    struct side early, mute[3], good;
    world_open(&w, (struct options){.max_half_open = 2, .max_per_address = 4});
    dial(&w, &early, w.client_tls);
    wait_count(&w, &w.n, 1);
    for (size_t i = 0; i < 3; i++) {
        dial(&w, &mute[i], NULL);
        wait_for(&w, mute[i].opened);
    }
    wait_for(&w, mute[0].closed);
    dial(&w, &good, w.client_tls);
    wait_for(&w, good.opened);
    wait_for(&w, mute[1].closed);
    assert_false(mute[2].closed || early.closed);
    wait_count(&w, &w.n, 2);
    assert_int_equal(listener_connections(w.listener), 3);
    side_free(&early);
    side_free(&good);
    for (size_t i = 0; i < 3; i++)
        side_free(&mute[i]);
    world_close(&w);
}

/* A connection from another address of this machine, of which nothing more will come. */
static int mute_from(const char *address, uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)}, from = to;
    from.sin_port = 0;
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
    assert_true(connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
    return fd;
}

static void unfinished_handshakes_of_one_address_keep_no_other_out(void **state)
{
    struct world w;
    struct side good;
    int fd[20];
    size_t held = 0;
    world_open(&w, (struct options){.max_connections = 4, .max_half_open = 3});
    for (size_t i = 0; i < 20; i++)
        fd[i] = mute_from("127.0.0.2", listener_port(w.listener));
    dial(&w, &good, w.client_tls);
    wait_for(&w, good.opened);
    wait_count(&w, &w.n, 1);
    assert_int_equal(listener_connections(w.listener), 4);
    for (size_t i = 0; i < 20; i++) {
        char byte;
        held += recv(fd[i], &byte, 1, 0) < 0 && errno == EAGAIN;
        close(fd[i]);
    }
    assert_int_equal(held, 3);
    side_free(&good);
    world_close(&w);
}

static void a_full_listener_lets_newcomers_wait(void **state)
{
    struct world w;
    struct side a[2];
    world_open(&w, (struct options){.max_connections = 1});
    dial(&w, &a[0], w.client_tls);
    wait_for(&w, a[0].opened);
    wait_count(&w, &w.n, 1);
    dial(&w, &a[1], w.client_tls);
    assert_false(loop_run_until(w.loop, is_true, &a[1].opened, 100));
    assert_false(a[1].closed);
    stream_close(a[0].stream);
    a[0].stream = NULL;
    wait_for(&w, a[1].opened);
    wait_count(&w, &w.n, 2);
    side_free(&a[0]);
    side_free(&a[1]);
    world_close(&w);
}

static void nobody_listening_is_told_later_not_at_once(void **state)
{
    struct world w;
    struct side a, b;
    world_open(&w, (struct options){0});
    uint16_t port = listener_port(w.listener);
    listener_close(w.listener);
    w.listener = NULL;
    side_init(&a);
    side_init(&b);
    struct dial_config config = {"127.0.0.1", port, w.client_tls, {PATIENCE_MS, LIMIT}};
    assert_ok(stream_connect(w.loop, &config, &handler, &a, &a.stream));
    assert_err(stream_write(a.stream, bytes_str("early")), E_NOT_READY);
    config.host = "no-such-host.invalid";
    config.stream.handshake_ms = 1000;
    assert_ok(stream_connect(w.loop, &config, &handler, &b, &b.stream));
    assert_false(a.closed || b.closed);
    wait_for(&w, a.closed);
    wait_for(&w, b.closed);
    assert_err(a.why, E_IO);
    assert_err(b.why, E_IO);
    side_free(&a);
    side_free(&b);
    world_close(&w);
}

static void a_host_name_is_looked_up(void **state)
{
    struct world w;
    struct side a;
    world_open(&w, (struct options){0});
    side_init(&a);
    struct dial_config config = {
        "localhost", listener_port(w.listener), w.client_tls, {PATIENCE_MS, LIMIT}};
    assert_ok(stream_connect(w.loop, &config, &handler, &a, &a.stream));
    wait_for(&w, a.opened);
    side_free(&a);
    world_close(&w);
}

/* A foreign client, blocking, on a thread of the pool. */
struct foreign {
    uint16_t port;
    int version;
    bool done, shaken, ticket;
};

static void foreign_run(void *ctx)
{
    struct foreign *f = ctx;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(f->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval limit = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_max_proto_version(tls, f->version);
    SSL *ssl = SSL_new(tls);
    SSL_set_fd(ssl, fd);
    char echo[5];
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && SSL_connect(ssl) == 1)
        f->shaken = SSL_write(ssl, "hello", 5) == 5 && SSL_read(ssl, echo, 5) == 5;
    f->ticket =
        SSL_SESSION_has_ticket(SSL_get_session(ssl) ? SSL_get_session(ssl) : NULL) && f->shaken;
    SSL_free(ssl);
    SSL_CTX_free(tls);
    close(fd);
}

static void foreign_done(void *ctx)
{
    ((struct foreign *)ctx)->done = true;
}

static void accepted_echo(void *ctx, struct stream *s)
{
    accepted(ctx, s);
    struct world *w = ctx;
    w->accepted[w->n - 1].echo = true;
}

static void only_tls_1_3_without_tickets(void **state)
{
    struct world w;
    world_open(&w, (struct options){0});
    listener_close(w.listener);
    struct listener_config config = {"127.0.0.1", 0, w.server_tls, {PATIENCE_MS, LIMIT}, 8, 8, 8};
    assert_ok(listener_open(w.loop, &config, accepted_echo, &w, &w.listener));
    struct foreign old = {listener_port(w.listener), TLS1_2_VERSION, 0, 0, 0};
    struct foreign new = {listener_port(w.listener), TLS1_3_VERSION, 0, 0, 0};
    assert_ok(loop_work(w.loop, foreign_run, foreign_done, &old));
    assert_ok(loop_work(w.loop, foreign_run, foreign_done, &new));
    wait_for(&w, old.done);
    wait_for(&w, new.done);
    assert_false(old.shaken);
    assert_true(new.shaken);
    assert_false(new.ticket);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_open_tls_ends_at_its_deadline_while_others_are_served),
        cmocka_unit_test(garbage_instead_of_a_handshake_is_refused),
        cmocka_unit_test(no_certificate_is_refused_where_one_is_required),
        cmocka_unit_test(no_certificate_passes_where_it_is_optional),
        cmocka_unit_test(both_sides_see_the_others_certificate_and_one_exporter),
        cmocka_unit_test(a_new_certificate_is_for_new_connections_only),
        cmocka_unit_test(an_identity_takes_only_a_chain_for_its_own_key),
        cmocka_unit_test(alpn_that_does_not_match_is_refused),
        cmocka_unit_test(the_write_queue_is_bounded_and_drains),
        cmocka_unit_test(finish_delivers_everything_and_ends_both_sides),
        cmocka_unit_test(finish_does_not_wait_longer_than_it_lingers),
        cmocka_unit_test(a_connection_cut_off_is_not_an_orderly_end),
        cmocka_unit_test(one_address_gets_no_more_than_its_share),
        cmocka_unit_test(the_oldest_unfinished_handshake_gives_way_to_a_newcomer),
        cmocka_unit_test(unfinished_handshakes_of_one_address_keep_no_other_out),
        cmocka_unit_test(a_full_listener_lets_newcomers_wait),
        cmocka_unit_test(nobody_listening_is_told_later_not_at_once),
        cmocka_unit_test(a_host_name_is_looked_up),
        cmocka_unit_test(only_tls_1_3_without_tickets),
    };
    signal(SIGPIPE, SIG_IGN); /* as a process with a loop must */
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
