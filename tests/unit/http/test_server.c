/* A server and its clients on one loop. Where a deadline is tested, it is short and alone. */
#include "io/http/http.h"
#include "test.h"

#define PATIENCE_MS 20000
#define BODY_LIMIT  (1 << 20)

struct world {
    struct loop *loop;
    struct tls_identity *id;
    struct tls_context *server_tls, *client_tls;
    struct http_server *server;
    struct rng_seeded seed;
    struct http_request *held[8]; /* asked for /later */
    size_t n_held, n_gone, n_answered;
    size_t big;
    bool drained;
};

struct client {
    struct stream *stream;
    bool opened, closed;
    enum err why;
    struct buf in;
};

/* --- the handler: /now answers at once, /later when the test says, /big with many bytes --- */

static enum err on_head(void *ctx, struct http_request *rq, size_t *limit, struct problem *p)
{
    const struct http_head *h = http_request_head(rq);
    *limit = BODY_LIMIT;
    if (h->n_segments == 1 && strcmp(h->segments[0], "refused") == 0) {
        http_add_header(rq, "Allow", "GET");
        return problem(p, E_METHOD, "not \"here\"");
    }
    return OK;
}

static void on_request(void *ctx, struct http_request *rq)
{
    struct world *w = ctx;
    const char *what = http_request_head(rq)->segments[0];
    w->n_answered++;
    if (strcmp(what, "later") == 0) {
        w->held[w->n_held++] = rq;
    } else if (strcmp(what, "big") == 0) {
        uint8_t *big = calloc(1, w->big);
        assert_non_null(big);
        http_answer(rq, 200, "application/octet-stream", bytes(big, w->big));
        free(big);
    } else if (strcmp(what, "full") == 0) {
        struct problem p;
        p.err = problem(&p, E_NO_QUORUM, "one of \x01 three");
        http_refuse(rq, &p);
    } else {
        http_answer(rq, 200, "text/plain", http_request_body(rq));
    }
}

static void on_gone(void *ctx, struct http_request *rq)
{
    struct world *w = ctx;
    w->n_gone++;
    assert_int_equal(http_request_certificates(rq), 0);
    assert_string_equal(http_request_address(rq), "");
}

static const struct http_handler handler = {on_head, on_request, on_gone};

static struct http_config patient(void)
{
    struct http_config c = http_defaults;
    c.address = "127.0.0.1";
    c.handshake_ms = c.idle_ms = c.head_ms = c.body_ms = c.answer_ms = c.write_ms = c.linger_ms =
        PATIENCE_MS;
    return c;
}

static void world_open(struct world *w, struct http_config config, bool tls)
{
    struct tls_config server = {TLS_SERVER, true, false, NULL}, client = {.side = TLS_CLIENT};
    *w = (struct world){0};
    assert_ok(loop_open(&w->loop));
    assert_ok(tls_identity_self_signed("x", &w->id));
    assert_ok(tls_context_open(&server, w->id, &w->server_tls));
    assert_ok(tls_context_open(&client, w->id, &w->client_tls));
    config.tls = tls ? w->server_tls : NULL;
    assert_ok(
        http_server_open(w->loop, &config, rng_numbered(&w->seed, 1), &handler, w, &w->server));
}

static void world_close(struct world *w)
{
    http_server_close(w->server);
    for (size_t i = 0; i < w->n_held; i++)
        http_answer(w->held[i], 200, "text/plain", BYTES_NONE); /* into the void */
    loop_close(w->loop);
    tls_context_close(w->server_tls);
    tls_context_close(w->client_tls);
    tls_identity_free(w->id);
}

static void opened(void *ctx, struct stream *s)
{
    ((struct client *)ctx)->opened = true;
}

static void data(void *ctx, struct stream *s, struct bytes in)
{
    assert_ok(buf_add(&((struct client *)ctx)->in, in.p, in.n));
}

static void closed(void *ctx, enum err why, const char *detail)
{
    struct client *c = ctx;
    c->closed = true;
    c->why = why;
    c->stream = NULL;
}

static const struct stream_handler client_handler = {opened, data, NULL, closed};

static bool is_true(void *flag)
{
    return *(bool *)flag;
}

#define wait_for(w, flag) assert_true(loop_run_until((w)->loop, is_true, &(flag), PATIENCE_MS))

static void client_open(struct world *w, struct client *c, bool tls)
{
    *c = (struct client){.in = BUF_INIT(64 << 20)};
    struct dial_config config = {"127.0.0.1",
                                 http_server_port(w->server),
                                 tls ? w->client_tls : NULL,
                                 {PATIENCE_MS, 32 << 20}};
    assert_ok(stream_connect(w->loop, &config, &client_handler, c, &c->stream));
    wait_for(w, c->opened);
}

static void client_close(struct client *c)
{
    if (c->stream)
        stream_close(c->stream);
    buf_free(&c->in);
}

static void say(struct client *c, const char *text)
{
    assert_ok(stream_write(c->stream, bytes_str(text)));
}

struct expected {
    struct client *c;
    const char *text;
};

static bool has_come(void *ctx)
{
    const struct expected *e = ctx;
    return e->c->in.n && memmem(e->c->in.p, e->c->in.n, e->text, strlen(e->text));
}

static void expect(struct world *w, struct client *c, const char *text)
{
    struct expected e = {c, text};
    if (!loop_run_until(w->loop, has_come, &e, PATIENCE_MS))
        fail_msg("expected %s, got %.*s", text, (int)c->in.n, (const char *)c->in.p);
}

static void expect_problem(struct world *w, struct client *c, int status, const char *code)
{
    char line[64], member[64];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    snprintf(member, sizeof member, "\"code\":\"%s\"", code);
    expect(w, c, line);
    expect(w, c, "Content-Type: application/problem+json\r\n");
    expect(w, c, member);
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
    bool never = false;
    assert_false(loop_run_until(w->loop, is_true, &never, 30));
}

#define NOW   "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"
#define LATER "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"

/* --- what clients do wrong --- */

static void a_slow_head_is_refused_while_others_are_served(void **state)
{
    struct world w;
    struct client slow, good;
    struct http_config config = patient();
    config.head_ms = 100;
    world_open(&w, config, true);
    client_open(&w, &slow, true);
    say(&slow, "GET /now HTTP/1.1\r\n");
    client_open(&w, &good, true);
    say(&good, NOW);
    expect(&w, &good, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 5 && !slow.closed && !slow.in.n; i++) { /* drips do not move it */
        say(&slow, "A: b\r\n");
        run_a_little(&w);
    }
    expect_problem(&w, &slow, 400, "Malformed");
    wait_for(&w, slow.closed);
    assert_err(slow.why, OK);
    assert_false(good.closed);
    client_close(&slow);
    client_close(&good);
    world_close(&w);
}

static void a_slow_body_is_refused(void **state)
{
    struct world w;
    struct client slow;
    struct http_config config = patient();
    config.body_ms = 50;
    world_open(&w, config, false);
    client_open(&w, &slow, false);
    say(&slow, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    expect_problem(&w, &slow, 400, "Malformed");
    wait_for(&w, slow.closed);
    assert_int_equal(w.n_answered, 0);
    client_close(&slow);
    world_close(&w);
}

static void an_idle_connection_ends_without_a_word(void **state)
{
    struct world w;
    struct client idle;
    struct http_config config = patient();
    config.idle_ms = 50;
    world_open(&w, config, true);
    client_open(&w, &idle, true);
    wait_for(&w, idle.closed);
    assert_int_equal(idle.in.n, 0);
    client_close(&idle);
    world_close(&w);
}

static void two_mebibytes_are_refused_whether_announced_or_not(void **state)
{
    const char *const heads[] = {
        "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 2097152\r\n\r\n",
        "POST /now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n",
    };
    struct buf body = BUF_INIT(2 << 20);
    assert_non_null(buf_extend(&body, 2 << 20));
    memset(body.p, 'x', body.n);
    for (int i = 0; i < 4; i++) {
        struct world w;
        struct client c;
        bool tls = i >= 2;
        world_open(&w, patient(), tls);
        client_open(&w, &c, tls);
        say(&c, heads[i % 2]);
        assert_ok(stream_write(c.stream, buf_bytes(&body)));
        expect_problem(&w, &c, 413, "TooLarge");
        wait_for(&w, c.closed);
        assert_int_equal(w.n_answered, 0);
        client_close(&c);
        world_close(&w);
    }
    buf_free(&body);
}

static void garbage_behind_a_request_ends_the_connection_after_its_answer(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, patient(), false);
    client_open(&w, &c, false);
    say(&c, LATER "\x01garbage");
    wait_count(&w, &w.n_held, 1);
    run_a_little(&w);
    assert_int_equal(c.in.n, 0); /* in order: the answer first */
    http_answer(w.held[--w.n_held], 200, "text/plain", bytes_str("fine"));
    expect(&w, &c, "\r\n\r\nfine");
    expect_problem(&w, &c, 400, "Malformed");
    wait_for(&w, c.closed);
    client_close(&c);
    world_close(&w);
}

static void a_flood_behind_an_unanswered_request_is_not_read(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, patient(), true);
    client_open(&w, &c, true);
    say(&c, LATER);
    wait_count(&w, &w.n_held, 1);
    struct buf flood = BUF_INIT(16 << 20);
    while (flood.n + sizeof NOW <= flood.max)
        assert_ok(buf_add(&flood, NOW, strlen(NOW)));
    assert_ok(stream_write(c.stream, buf_bytes(&flood)));
    run_a_little(&w);
    assert_true(stream_queued(c.stream) > 0);
    assert_int_equal(w.n_answered, 1);
    http_answer(w.held[--w.n_held], 200, "text/plain", bytes_str("fine"));
    wait_count(&w, &w.n_answered, 100); /* and then it goes on */
    buf_free(&flood);
    client_close(&c);
    world_close(&w);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
    struct world w;
    struct client c;
    struct http_config config = patient();
    config.write_ms = 200;
    world_open(&w, config, false);
    w.big = 6 << 20;
    client_open(&w, &c, false);
    stream_pause(c.stream, true);
    for (int i = 0; i < 10; i++) /* more than any kernel holds for it */
        say(&c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_count(&w, &w.n_answered, 1);
    for (int i = 0; i < 500 && http_server_connections(w.server); i++)
        run_a_little(&w);
    assert_int_equal(http_server_connections(w.server), 0);
    assert_true(w.n_answered < 10);
    client_close(&c);
    world_close(&w);
}

/* --- what happens while the handler thinks --- */

static void a_client_may_vanish_before_the_answer(void **state)
{
    for (int tls = 0; tls < 2; tls++) {
        struct world w;
        struct client c;
        world_open(&w, patient(), tls);
        client_open(&w, &c, tls);
        say(&c, LATER);
        wait_count(&w, &w.n_held, 1);
        assert_string_equal(http_request_address(w.held[0]), "127.0.0.1");
        assert_int_equal(http_request_certificates(w.held[0]), tls);
        uint8_t exporter[64];
        assert_err(http_request_export(w.held[0], "EXPORTER-x", exporter, 64),
                   tls ? OK : E_NOT_READY);
        stream_close(c.stream);
        c.stream = NULL;
        wait_count(&w, &w.n_gone, 1);
        assert_string_equal(http_request_head(w.held[0])->target, "/later");
        http_answer(w.held[--w.n_held], 200, "text/plain", bytes_str("too late"));
        client_close(&c);
        world_close(&w);
    }
}

static void an_overdue_answer_becomes_503(void **state)
{
    struct world w;
    struct client c;
    struct http_config config = patient();
    config.answer_ms = 50;
    world_open(&w, config, true);
    client_open(&w, &c, true);
    say(&c, LATER);
    expect_problem(&w, &c, 503, "NotReady");
    expect(&w, &c, "\r\nRetry-After: ");
    assert_int_equal(w.n_gone, 1);
    http_answer(w.held[--w.n_held], 200, "text/plain", bytes_str("too late"));
    wait_for(&w, c.closed);
    client_close(&c);
    world_close(&w);
}

static void set_true(void *flag)
{
    *(bool *)flag = true;
}

static void drain_tells_when_the_last_one_is_gone(void **state)
{
    struct world w;
    struct client idle, busy;
    world_open(&w, patient(), true);
    client_open(&w, &idle, true);
    client_open(&w, &busy, true);
    say(&busy, LATER LATER);
    wait_count(&w, &w.n_held, 1);
    http_server_drain(w.server, set_true, &w.drained);
    wait_for(&w, idle.closed);
    run_a_little(&w);
    assert_false(w.drained || busy.closed);
    http_answer(w.held[--w.n_held], 200, "text/plain", bytes_str("fine"));
    expect(&w, &busy, "\r\nConnection: close\r\n");
    expect(&w, &busy, "\r\n\r\nfine");
    wait_for(&w, busy.closed);
    wait_for(&w, w.drained);
    assert_int_equal(w.n_answered, 1); /* the second request was not begun */
    client_close(&idle);
    client_close(&busy);
    world_close(&w);
}

/* --- what goes well --- */

static void a_request_is_answered_and_the_connection_kept(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, patient(), true);
    client_open(&w, &c, true);
    say(&c, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    expect(&w, &c, "\r\nContent-Length: 5\r\n");
    expect(&w, &c, "\r\n\r\nhello");
    say(&c, "HEAD /now HTTP/1.1\r\nHost: x\r\n\r\n");
    say(&c,
        "POST /now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbye\r\n0\r\n\r\n");
    expect(&w, &c, "\r\n\r\nbye");
    say(&c, "GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wait_for(&w, c.closed);
    assert_err(c.why, OK);
    assert_int_equal(w.n_answered, 4);
    client_close(&c);
    world_close(&w);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, patient(), false);
    client_open(&w, &c, false);
    say(&c, LATER "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo" LATER);
    wait_count(&w, &w.n_held, 1);
    http_answer(w.held[--w.n_held], 200, "text/plain", bytes_str("one"));
    expect(&w, &c, "\r\n\r\noneHTTP/1.1 200 OK");
    wait_count(&w, &w.n_held, 1);
    http_answer(w.held[--w.n_held], 200, "text/plain", bytes_str("three"));
    expect(&w, &c, "\r\n\r\ntwoHTTP/1.1 200 OK");
    expect(&w, &c, "\r\n\r\nthree");
    client_close(&c);
    world_close(&w);
}

static void a_body_is_asked_for_when_the_client_waits_for_it(void **state)
{
    struct world w;
    struct client c, refused;
    world_open(&w, patient(), true);
    client_open(&w, &c, true);
    say(&c, "POST /now HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    expect(&w, &c, "HTTP/1.1 100 Continue\r\n\r\n");
    say(&c, "ab");
    expect(&w, &c, "\r\n\r\nab");
    client_open(&w, &refused, true);
    say(&refused,
        "POST /now HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n");
    expect_problem(&w, &refused, 413, "TooLarge");
    assert_null(memmem(refused.in.p, refused.in.n, "100 Continue", 12));
    client_close(&c);
    client_close(&refused);
    world_close(&w);
}

static void problems_have_all_members_and_quote_safely(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, patient(), false);
    client_open(&w, &c, false);
    say(&c, "GET /refused HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(&w, &c, "\r\nAllow: GET\r\n");
    expect(&w, &c,
           "{\"type\":\"about:blank\","
           "\"title\":\"this method is not allowed here\",\"status\":405,"
           "\"detail\":\"not \\\"here\\\"\",\"code\":\"MethodNotAllowed\","
           "\"error\":\"not \\\"here\\\"\",\"request_id\":\"");
    say(&c, "GET /full HTTP/1.1\r\nHost: x\r\n\r\n"); /* the connection was kept */
    expect_problem(&w, &c, 503, "NoQuorum");
    expect(&w, &c, "\"detail\":\"one of ? three\"");
    expect(&w, &c, "\r\nRetry-After: ");
    client_close(&c);
    world_close(&w);
}

static void a_large_answer_arrives_whole_before_the_end(void **state)
{
    struct world w;
    struct client c;
    world_open(&w, patient(), true);
    w.big = 7 << 20;
    client_open(&w, &c, true);
    say(&c, "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    wait_for(&w, c.closed);
    assert_err(c.why, OK);
    assert_true(c.in.n > w.big);
    client_close(&c);
    world_close(&w);
}

static void idle_connections_keep_nobody_out(void **state)
{
    struct world w;
    struct client idle[3], late;
    struct http_config config = patient();
    config.max_connections = 3;
    config.linger_ms = 50; /* the idle ones don't close by themselves */
    world_open(&w, config, true);
    for (size_t i = 0; i < 3; i++)
        client_open(&w, &idle[i], true);
    client_open(&w, &late, true);
    say(&late, NOW);
    expect(&w, &late, "HTTP/1.1 200 OK\r\n");
    assert_true(idle[0].closed); /* the oldest */
    assert_false(idle[2].closed);
    for (size_t i = 0; i < 3; i++)
        client_close(&idle[i]);
    client_close(&late);
    world_close(&w);
}

static void many_connections_are_served_at_once(void **state)
{
    static struct client clients[150];
    struct world w;
    size_t n = sizeof clients / sizeof *clients;
    world_open(&w, patient(), false);
    for (size_t i = 0; i < n; i++)
        client_open(&w, &clients[i], false);
    for (size_t i = 0; i < n; i++)
        say(&clients[i], NOW);
    wait_count(&w, &w.n_answered, n);
    for (size_t i = 0; i < n; i++)
        expect(&w, &clients[i], "HTTP/1.1 200 OK\r\n");
    assert_int_equal(http_server_connections(w.server), n);
    for (size_t i = 0; i < n; i++)
        client_close(&clients[i]);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_head_is_refused_while_others_are_served),
        cmocka_unit_test(a_slow_body_is_refused),
        cmocka_unit_test(an_idle_connection_ends_without_a_word),
        cmocka_unit_test(two_mebibytes_are_refused_whether_announced_or_not),
        cmocka_unit_test(garbage_behind_a_request_ends_the_connection_after_its_answer),
        cmocka_unit_test(a_flood_behind_an_unanswered_request_is_not_read),
        cmocka_unit_test(a_client_that_does_not_read_is_cut_off),
        cmocka_unit_test(a_client_may_vanish_before_the_answer),
        cmocka_unit_test(an_overdue_answer_becomes_503),
        cmocka_unit_test(drain_tells_when_the_last_one_is_gone),
        cmocka_unit_test(a_request_is_answered_and_the_connection_kept),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_body_is_asked_for_when_the_client_waits_for_it),
        cmocka_unit_test(problems_have_all_members_and_quote_safely),
        cmocka_unit_test(a_large_answer_arrives_whole_before_the_end),
        cmocka_unit_test(idle_connections_keep_nobody_out),
        cmocka_unit_test(many_connections_are_served_at_once),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
