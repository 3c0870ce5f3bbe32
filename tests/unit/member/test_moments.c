/* Rows of the error table that come with time: a whole cluster in a simulated world, which can
 * wait for an hour in a moment. */
#include "cluster/workload.h"
#include "test.h"

#define N           3
#define PATIENCE_MS 60000

static struct world *w;
static struct workload c;

static bool all_serve(struct world *world)
{
    for (uint32_t i = 0; i < N; i++) {
        struct member_status s;
        member_status(world_member(world, i), (struct now){world_now_ms(world), 0}, &s);
        if (s.phase != MEMBER_ACTIVE || !s.holds_share || !s.lease_ms)
            return false;
    }
    return true;
}

/* Keys are made and CAs certified after the change itself is decided; and the others decide a
 * moment later than who answers. */
static bool is_attested(struct world *world)
{
    bool yes = workload_attest(&c, world, 0, 1) == 200;
    world_run(world, 500);
    return yes;
}

static void add_namespace(void)
{
    char text[20000], *record = world_record(PLATFORM_TDX, 77);
    assert_int_equal(world_change(w, 0,
                                  "{\"type\":\"namespace.create\",\"namespace\":\"blue\","
                                  "\"mode\":\"sealed\",\"dns\":[],\"ip\":[]}")
                         ->status,
                     200);
    snprintf(text, sizeof text,
             "{\"type\":\"measurement.add\",\"namespace\":\"blue\",\"record\":%s}", record);
    assert_int_equal(world_change(w, 0, text)->status, 200);
    free(record);
}

/* A namespace, and a workload that is registered in it. */
static void begin(void)
{
    struct world_options o = {.n = N, .f = -1, .seed = 1};
    assert_ok(world_new(&o, &w));
    for (uint32_t i = 0; i < N; i++)
        world_start(w, i);
    assert_true(world_until(w, PATIENCE_MS, all_serve));
    workload_init(&c, w, "blue", PLATFORM_TDX, 77);
    add_namespace();
    assert_true(world_until(w, PATIENCE_MS, is_attested));
    assert_int_equal(workload_key(&c, w, 0), 200);
}

static void end(void)
{
    workload_free(&c);
    world_free(w);
}

static void assert_key_refused(int status, const char *code)
{
    struct member_request r = {.route = "keys.release",
                               .param = {bytes_str("blue"), bytes_str("disk")},
                               .client = buf_bytes(&c.certificate)};
    for (uint32_t i = 0; i < N; i++) {
        const struct world_answer *a = world_request(w, i, &r);
        assert_int_equal(a->status, status);
        assert_string_equal(json_str(json_member(a->json, "code")), code);
    }
}

static void a_challenge_is_good_for_90_seconds(void **state)
{
    struct workload_challenge early, late;
    begin();
    assert_int_equal(workload_begin(&c, w, 0, &late), 200);
    world_run(w,
              (CHALLENGE_S - 5 - TICK_MS / 1000) * 1000); /* its header may be as old as a TICK */
    assert_int_equal(workload_finish(&c, w, 1, &late), 200);
    assert_int_equal(workload_begin(&c, w, 0, &early), 200);
    world_run(w, (CHALLENGE_S + 1) * 1000);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(workload_finish(&c, w, i, &early), 401);
    end();
}

static void a_certificate_is_good_for_an_hour(void **state)
{
    begin();
    world_run(w, (LEAF_LIFETIME_S - 120) * 1000);
    assert_int_equal(workload_key(&c, w, 0), 200);
    world_run(w, 180 * 1000);
    assert_key_refused(401, "CertificateExpired");
    assert_true(world_until(w, PATIENCE_MS, is_attested));
    assert_int_equal(workload_key(&c, w, 0), 200);
    end();
}

static void a_production_cluster_that_cannot_keep_its_shares_serves_nobody(void **state)
{
    begin();
    for (uint32_t i = 0; i < N; i++)
        ((struct genesis *)state_genesis(member_state(world_member(w, i))))->simulation = false;
    assert_key_refused(503, "NotDurable");
    struct workload_challenge unused;
    assert_int_equal(workload_begin(&c, w, 0, &unused), 503);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_challenge_is_good_for_90_seconds),
        cmocka_unit_test(a_certificate_is_good_for_an_hour),
        cmocka_unit_test(a_production_cluster_that_cannot_keep_its_shares_serves_nobody),
    };
    return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
