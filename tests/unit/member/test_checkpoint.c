/* A guardian that is further behind than the others' blocks takes over a checkpoint: a whole
 * cluster that keeps next to nothing. */
#include "cluster/world.h"
#include "test.h"

#define N           3
#define PATIENCE_MS 60000

static struct world *w;
static uint32_t awaited;

static struct member_status status_of(uint32_t node)
{
    struct member_status s;
    member_status(world_member(w, node), (struct now){world_now_ms(w), 0}, &s);
    return s;
}

static bool serves(struct world *world)
{
    struct member_status s = status_of(awaited), best = status_of(0);
    (void)world;
    return s.phase == MEMBER_ACTIVE && s.holds_share && s.lease_ms && s.height >= best.height;
}

static void await(uint32_t node)
{
    awaited = node;
    assert_true(world_until(w, PATIENCE_MS, serves));
}

static void begin(uint32_t spare)
{
    struct world_options o = {.n = N, .f = -1, .seed = 7, .spare = spare};
    o.checkpoint_every = 4;
    o.blocks_bytes = 4096;
    assert_ok(world_new(&o, &w));
    for (uint32_t i = 0; i < N; i++)
        world_start(w, i);
    for (uint32_t i = 0; i < N; i++)
        await(i);
}

/* Blocks that fill the log. */
static void add_namespaces(unsigned n)
{
    char text[256];
    for (unsigned i = 0; i < n; i++) {
        snprintf(text, sizeof text,
                 "{\"type\":\"namespace.create\",\"namespace\":\"ns%u\",\"mode\":\"threshold\","
                 "\"dns\":[],\"ip\":[]}",
                 i);
        assert_int_equal(world_change(w, 0, text)->status, 200);
        world_run(w, 1000);
    }
}

static bool has_namespace(uint32_t node, const char *name)
{
    struct key k = key_name('n', name);
    return store_get(state_store(member_state(world_member(w, node))), key_bytes(&k)).p;
}

static void a_guardian_that_was_away_takes_a_checkpoint(void **state)
{
    begin(0);
    world_crash(w, 2);
    add_namespaces(6);
    uint64_t before = status_of(0).height;
    world_start(w, 2);
    assert_true(status_of(2).height + 8 < before);
    await(2);
    assert_int_equal(status_of(2).checkpoints, 1);
    assert_true(has_namespace(2, "ns0") && has_namespace(2, "ns5"));
    /* What it stored is enough to go on from. */
    world_run(w, 2000);
    world_crash(w, 2);
    world_start(w, 2);
    assert_true(status_of(2).height >= before);
    await(2);
    assert_int_equal(status_of(2).checkpoints, 0);
    world_free(w);
}

static void a_newcomer_begins_with_the_founding_and_a_checkpoint(void **state)
{
    char text[1024], *id = world_platform_id(N);
    begin(1);
    add_namespaces(4);
    snprintf(text, sizeof text,
             "{\"type\":\"seat.add\",\"seat\":{\"gid\":%d,\"operator\":\"o\",\"vendor\":\"sim\","
             "\"platform_id\":\"%s\",\"addresses\":{\"peer\":\"10.0.0.9:8444\",\"api\":"
             "\"10.0.0.9:8443\"}}}",
             N + 1, id);
    assert_int_equal(world_change(w, 0, text)->status, 200);
    world_start(w, N);
    await(N);
    assert_true(status_of(N).checkpoints >= 1);
    assert_true(has_namespace(N, "ns0") && has_namespace(N, "ns3"));
    free(id);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guardian_that_was_away_takes_a_checkpoint),
        cmocka_unit_test(a_newcomer_begins_with_the_founding_and_a_checkpoint),
    };
    return cmocka_run_group_tests_name("checkpoints", tests, NULL, NULL);
}
