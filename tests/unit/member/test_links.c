/* One member, and a peer in the test's hands that says what an honest one never would. */
#include "core/evidence/sim/sim.h"
#include "core/member/member_int.h"
#include "founded.h"
#include "ideal_dealing.h"
#include "ideal_sig.h"
#include "test.h"

static struct founded f;
static struct genesis genesis;
static struct guardian *m;
static struct rng_seeded seed;
static uint8_t exporter[BINDING_EXPORTER_SIZE], its_nonce[32], my_nonce[32];
static uint32_t speaks_on; /* the link of the peer's next message */
static unsigned closed, judged, ready;
static uint64_t judge_id;
static int status;
static char answer[4096];

static void on_send(void *ctx, uint32_t link, struct bytes message)
{
    if (message.p[0] == MSG_HELLO) /* type, version, cluster, keys, instance: then the nonce */
        memcpy(its_nonce, message.p + 2 + 4 * 32, 32);
    ready += message.p[0] == MSG_READY;
}
static void on_close(void *ctx, uint32_t link, const char *why)
{
    closed++;
}
static void on_trust(void *ctx, uint32_t link) {}
static void on_store(void *ctx, uint64_t token, enum member_record kind, uint64_t number,
                     struct bytes sealed)
{
}
static void on_quote(void *ctx, uint64_t id, const struct quote_request *request) {}
static void on_judge(void *ctx, uint64_t id, struct bytes evidence)
{
    judged++;
    judge_id = id;
}
static void on_reply(void *ctx, uint64_t request, int code, const char *type, struct bytes body)
{
    status = code;
    snprintf(answer, sizeof answer, "%s %.*s", type, (int)body.n, (const char *)body.p);
}
static void on_serve(void *ctx, struct bytes chain) {}
static void on_peers(void *ctx, const struct rec_seat *seats, size_t n) {}

static const struct now now = {10, 1900000000000ULL};

static void open_link(uint32_t link)
{
    speaks_on = link;
    member_link_open(m, now, link, BYTES_OF(exporter), true);
}

static void begin(bool simulation)
{
    founded_new(&f, 3);
    genesis = *f.g;
    genesis.simulation = simulation;
    struct member_config c = {.genesis = &genesis,
                              .cluster_id = f.cluster_id,
                              .deps = {&sig_ideal, &dealing_ideal, &frost_ed25519},
                              .rng = rng_numbered(&seed, 3),
                              .platform_id = founded_machine(1),
                              .out = {.send = on_send,
                                      .close = on_close,
                                      .trust = on_trust,
                                      .store = on_store,
                                      .quote = on_quote,
                                      .judge = on_judge,
                                      .reply = on_reply,
                                      .serve = on_serve,
                                      .peers = on_peers}};
    closed = judged = ready = 0;
    assert_ok(member_new(&c, &m));
    member_start(m, now);
    rng_fill(founded_rng(&f), exporter, sizeof exporter);
    rng_fill(founded_rng(&f), my_nonce, sizeof my_nonce);
    open_link(5);
}

static void end(void)
{
    member_free(m);
    founded_free(&f);
}

static void say(struct bytes message)
{
    member_link_message(m, now, speaks_on, message);
}

/* The peer is guardian 2; a byte of the message may be wrong. */
static void say_hello(size_t wrong_at)
{
    struct buf b = BUF_INIT(512);
    struct writer w = writer(&b);
    struct peer_subject me = founded_subject(&f, 2);
    uint8_t instance[32] = {2};
    wr_u8(&w, MSG_HELLO);
    wr_u8(&w, 1);
    wr_raw(&w, f.cluster_id.b, 32);
    wr_raw(&w, me.seat_key.b, 32);
    wr_raw(&w, me.vote_key.b, 32);
    wr_raw(&w, instance, 32);
    wr_raw(&w, my_nonce, 32);
    wr_bool(&w, false);
    if (wrong_at)
        b.p[wrong_at] ^= 1;
    say(buf_bytes(&b));
    buf_free(&b);
}

static struct hash64 binding_of(const uint8_t *connection)
{
    struct peer_subject me = founded_subject(&f, 2);
    struct binding_peer b = {.cluster_id = f.cluster_id, .role = BINDING_SERVER};
    memcpy(b.exporter, connection, sizeof b.exporter);
    memcpy(b.client_nonce, its_nonce, 32);
    memcpy(b.server_nonce, my_nonce, 32);
    b.seat_key = me.seat_key;
    b.vote_key = me.vote_key;
    b.instance_id[0] = 2;
    return binding_peer(&b);
}

static void say_evidence_of(const uint8_t *connection, const struct sig_secret *seat,
                            const struct sig_secret *vote, struct bytes evidence)
{
    struct buf b = BUF_INIT(2 * MEMBER_EVIDENCE_MAX);
    struct writer w = writer(&b);
    struct hash64 h = binding_of(connection);
    struct signature by_seat = sig_ideal.sign(seat, BYTES_OF(h.b)),
                     by_vote = sig_ideal.sign(vote, BYTES_OF(h.b));
    wr_u8(&w, MSG_EVIDENCE);
    wr_raw(&w, by_seat.b, sizeof by_seat.b);
    wr_raw(&w, by_vote.b, sizeof by_vote.b);
    wr_var(&w, evidence);
    assert_ok(writer_end(&w));
    say(buf_bytes(&b));
    buf_free(&b);
}

static void say_evidence(const uint8_t *connection, const struct sig_secret *seat,
                         const struct sig_secret *vote)
{
    say_evidence_of(connection, seat, vote, bytes_str("evidence"));
}

static struct claims good_claims(uint64_t machine)
{
    struct claims c = sim_claims(PLATFORM_SNP, machine);
    struct hash64 h = binding_of(exporter);
    c.simulated = true;
    c.tcb_status = TCB_UP_TO_DATE;
    memcpy(c.report_data, h.b, sizeof c.report_data);
    memcpy(c.snp.host_data, f.cluster_id.b, 32);
    claims_hash_measurements(&c);
    return c;
}

/* What becomes of a peer whose keys are right and whose evidence says this. */
static bool is_attested(bool simulation, void (*change)(struct claims *c), uint64_t machine)
{
    begin(simulation);
    say_hello(0);
    say_evidence(exporter, &f.seat[1], &f.vote[1]);
    assert_int_equal(judged, 1);
    struct claims c = good_claims(machine);
    if (change)
        change(&c);
    claims_hash_measurements(&c);
    member_judged(m, now, judge_id, OK, &c, NULL);
    assert_int_equal(ready + closed, 1);
    bool yes = ready == 1;
    end();
    return yes;
}

static void a_hello_that_does_not_fit_ends_the_link(void **state)
{
    static const size_t wrong[] = {1, 2, 33}; /* version; first and last byte of the cluster */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        begin(true);
        say_hello(wrong[i]);
        assert_int_equal(closed, 1);
        end();
    }
    begin(true);
    say_hello(0);
    assert_int_equal(closed, 0);
    say_hello(0); /* replayed */
    assert_int_equal(closed, 1);
    end();
}

static void nothing_is_heard_before_its_time(void **state)
{
    for (unsigned type = 0; type <= MSG_JUDGE + 1; type++) {
        uint8_t message[] = {(uint8_t)type, 0, 0, 0, 1};
        begin(true);
        say(BYTES_OF(message));
        assert_int_equal(closed, 1); /* before HELLO nothing else is spoken */
        assert_int_equal(judged + ready, 0);
        end();
    }
    begin(true);
    say_evidence(exporter, &f.seat[1], &f.vote[1]); /* before HELLO */
    assert_int_equal(judged, 0);
    assert_int_equal(closed, 1);
    end();
    begin(true);
    say_hello(0);
    uint8_t foreign_ready[] = {MSG_READY, 0, 0, 0, 3}; /* it takes us for another seat */
    say(BYTES_OF(foreign_ready));
    assert_int_equal(closed, 1);
    end();
}

static void evidence_is_signed_by_both_keys_for_this_connection(void **state)
{
    uint8_t other[BINDING_EXPORTER_SIZE];
    begin(true);
    say_hello(0);
    say_evidence(exporter, &f.seat[2], &f.vote[1]);
    assert_int_equal(closed, 1);
    end();
    begin(true);
    say_hello(0);
    say_evidence(exporter, &f.seat[1], &f.vote[2]);
    assert_int_equal(closed, 1);
    end();
    begin(true);
    say_hello(0);
    memcpy(other, exporter, sizeof other);
    other[0] ^= 1;
    say_evidence(other, &f.seat[1], &f.vote[1]);
    assert_int_equal(closed, 1);
    assert_int_equal(judged, 0);
    end();
}

static void of_another_connection(struct claims *c)
{
    c->report_data[0] ^= 1;
}
static void of_another_cluster(struct claims *c)
{
    c->snp.host_data[0] ^= 1;
}
static void of_other_software(struct claims *c)
{
    c->snp.measurement[0] ^= 1;
}

static void evidence_of_a_peer_has_a_limit(void **state)
{
    static const uint8_t large[MEMBER_EVIDENCE_MAX + 1];
    for (unsigned more = 0; more < 2; more++) {
        begin(true);
        say_hello(0);
        say_evidence_of(exporter, &f.seat[1], &f.vote[1], bytes(large, MEMBER_EVIDENCE_MAX + more));
        assert_int_equal(judged, !more);
        assert_int_equal(closed, more);
        end();
    }
}

static void evidence_must_say_what_the_genesis_names(void **state)
{
    assert_false(is_attested(true, of_another_connection, 2));
    assert_false(is_attested(true, of_another_cluster, 2));
    assert_false(is_attested(true, of_other_software, 2));
    assert_false(is_attested(true, NULL, 77)); /* no seat is for that machine */
    assert_false(is_attested(false, NULL, 2)); /* simulated, in a cluster that is none */
    assert_true(is_attested(true, NULL, 2));
}

/* A number, however many links an attested peer has. */
static void health_counts_attested_peers(void **state)
{
    static const struct member_request health = {.route = "status.health"};
    begin(true);
    for (unsigned i = 0; i < 2; i++) {
        if (i > 0)
            open_link(6);
        say_hello(0);
        say_evidence(exporter, &f.seat[1], &f.vote[1]);
        member_request(m, now, 50, &health);
        assert_non_null(strstr(answer, i ? "\"trusted_peers\":1," : "\"trusted_peers\":0,"));
        struct claims c = good_claims(2);
        member_judged(m, now, judge_id, OK, &c, NULL);
        member_request(m, now, 51, &health);
        assert_non_null(strstr(answer, "\"trusted_peers\":1,"));
    }
    assert_int_equal(ready, 2);
    end();
}

static bool peers_say(const char *route, const char *what)
{
    const struct member_request r = {.route = route};
    member_request(m, now, 60, &r);
    assert_int_equal(status, 200);
    return strstr(answer, what) != NULL;
}

/* The peer is attested, and collateral has changed since. */
static void begin_changed(void)
{
    begin(true);
    say_hello(0);
    say_evidence(exporter, &f.seat[1], &f.vote[1]);
    struct claims c = good_claims(2);
    member_judged(m, now, judge_id, OK, &c, NULL);
    assert_int_equal(ready, 1);
    assert_true(peers_say("peers.trusted", "\"is_trusted\":true,\"revoked_at\":null"));
    assert_true(peers_say("peers.stats", "{\"total\":1,\"trusted\":1,\"revoked\":0}"));
    judged = 0;
    member_collateral_changed(m, now);
    member_tick(m, now);
    assert_int_equal(judged, 1);
    member_tick(m, now); /* once is enough while it is judged */
    assert_int_equal(judged, 1);
}

static void who_falls_out_of_policy_by_collateral_alone_is_revoked(void **state)
{
    const struct problem p = {E_TCB_STATUS, "the status is OutOfDate"};
    begin_changed();
    member_judged(m, now, judge_id, E_TCB_STATUS, NULL, &p);
    assert_int_equal(closed, 1);
    assert_true(peers_say("peers.revoked", "\"is_trusted\":false,\"revoked_at\":1900000000,"
                                           "\"revocation_reason\":\"TcbStatusNotAllowed: the "
                                           "status is OutOfDate\""));
    assert_true(peers_say("peers.trusted", "{\"peers\":[]}"));
    assert_true(peers_say("peers.stats", "{\"total\":1,\"trusted\":0,\"revoked\":1}"));
    end();
}

/* Authentic, and no longer what the policy wants. */
static void claims_are_held_against_the_policy_again(void **state)
{
    begin_changed();
    struct claims c = good_claims(2);
    c.tcb_status = TCB_REVOKED;
    member_judged(m, now, judge_id, OK, &c, NULL);
    assert_int_equal(closed, 1);
    assert_true(peers_say("peers.revoked", "TcbStatusNotAllowed"));
    end();
}

static void who_still_stands_is_not_judged_until_the_next_change(void **state)
{
    begin_changed();
    struct claims c = good_claims(2);
    member_judged(m, now, judge_id, OK, &c, NULL);
    member_tick(m, now);
    assert_int_equal(judged, 1);
    assert_int_equal(closed, 0);
    member_collateral_changed(m, now);
    member_tick(m, now);
    assert_int_equal(judged, 2);
    assert_true(peers_say("peers.revoked", "{\"peers\":[]}"));
    end();
}

/* No verifier answered: it is not forgotten, and nobody loses anything yet. */
static void a_judgement_that_never_came_is_asked_for_again(void **state)
{
    begin_changed();
    const struct now later = {now.mono_ms + 20000, now.unix_ms + 20000};
    member_tick(m, later); /* the old one is over */
    member_tick(m, later);
    assert_int_equal(judged, 2);
    assert_int_equal(closed, 0);
    end();
}

/* What it was refused for at its next try is known under its seat's key. */
static void who_comes_back_no_better_stays_revoked_and_who_comes_back_better_does_not(void **state)
{
    const struct problem p = {E_CERT_REVOKED, "on the list"}, q = {E_COLL_EXPIRED, "too old"};
    begin_changed();
    member_judged(m, now, judge_id, E_CERT_REVOKED, NULL, &p);
    open_link(6);
    say_hello(0);
    say_evidence(exporter, &f.seat[1], &f.vote[1]);
    member_judged(m, now, judge_id, E_COLL_EXPIRED, NULL, &q);
    assert_true(peers_say("peers.revoked", "CollateralExpired: too old"));
    open_link(7);
    say_hello(0);
    say_evidence(exporter, &f.seat[1], &f.vote[1]);
    struct claims c = good_claims(2);
    member_judged(m, now, judge_id, OK, &c, NULL);
    assert_true(peers_say("peers.revoked", "{\"peers\":[]}"));
    end();
}

/* Whoever was never trusted has nothing to lose. */
static void a_stranger_that_is_refused_is_no_peer(void **state)
{
    const struct problem p = {E_CHAIN, "no root"};
    begin(true);
    say_hello(0);
    say_evidence(exporter, &f.seat[1], &f.vote[1]);
    member_judged(m, now, judge_id, E_CHAIN, NULL, &p);
    assert_int_equal(closed, 1);
    assert_true(peers_say("peers.list", "{\"peers\":[]}"));
    end();
}

static void routes_wait_for_what_they_need(void **state)
{
    static const char *const need_cluster[] = {"ca.root",
                                               "ca.namespace",
                                               "ca.crl",
                                               "namespaces.list",
                                               "namespaces.get",
                                               "measurements.get",
                                               "measurements.list",
                                               "seats.list",
                                               "nodes.list",
                                               "proposals.list",
                                               "proposals.get",
                                               "proposals.add",
                                               "proposals.approve",
                                               "receipts.get",
                                               "attestation.register",
                                               "attestation.verify",
                                               "keys.release"};
    begin(true);
    for (size_t i = 0; i < sizeof need_cluster / sizeof *need_cluster; i++) {
        struct member_request r = {.route = need_cluster[i]};
        status = 0;
        member_request(m, now, i + 1, &r);
        assert_int_equal(status, 503);
        assert_non_null(strstr(answer, "application/problem+json {"));
        assert_non_null(strstr(answer, "\"code\":\"NotMember\""));
        assert_non_null(strstr(answer, "\"status\":503"));
        assert_non_null(strstr(answer, "\"request_id\""));
    }
    struct member_request none = {.route = "no.such"}, health = {.route = "status.health"};
    member_request(m, now, 50, &none);
    assert_int_equal(status, 404);
    assert_non_null(strstr(answer, "\"code\":\"NotFound\""));
    status = 0;
    member_request(m, now, 51, &health);
    assert_int_equal(status, 200);
    struct member_request is_ready = {.route = "status.ready"};
    member_request(m, now, 52, &is_ready);
    assert_int_equal(status, 503);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_that_does_not_fit_ends_the_link),
        cmocka_unit_test(nothing_is_heard_before_its_time),
        cmocka_unit_test(evidence_is_signed_by_both_keys_for_this_connection),
        cmocka_unit_test(evidence_of_a_peer_has_a_limit),
        cmocka_unit_test(evidence_must_say_what_the_genesis_names),
        cmocka_unit_test(health_counts_attested_peers),
        cmocka_unit_test(who_falls_out_of_policy_by_collateral_alone_is_revoked),
        cmocka_unit_test(claims_are_held_against_the_policy_again),
        cmocka_unit_test(who_still_stands_is_not_judged_until_the_next_change),
        cmocka_unit_test(a_judgement_that_never_came_is_asked_for_again),
        cmocka_unit_test(who_comes_back_no_better_stays_revoked_and_who_comes_back_better_does_not),
        cmocka_unit_test(a_stranger_that_is_refused_is_no_peer),
        cmocka_unit_test(routes_wait_for_what_they_need),
    };
    return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
