#include "prog/guardiand/keeper.h"
#include "test.h"

#define BEGIN 1700000000
#define DAY_S 86400

/* What the keeper said, a word for each call. */
static struct {
    char said[4096];
    struct vendor_object object; /* the last one to fetch */
    struct buf record;           /* the last one to store */
    bool is_busy;                /* verifiers are */
} world;

static struct keeper keeper;
static struct rng_seeded seeded;

static const struct vendor_object tcb_info = {.kind = OBJECT_TDX_TCB_INFO, .fmspc = {1}};
static const struct vendor_object root_crl = {.kind = OBJECT_SGX_ROOT_CRL};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list args;
    size_t n = strlen(world.said);
    va_start(args, format);
    vsnprintf(world.said + n, sizeof world.said - n, format, args);
    va_end(args);
}

static void expect(const char *said)
{
    assert_string_equal(world.said, said);
    world.said[0] = 0;
}

static void fetch(void *ctx, uint32_t slot, const struct vendor_object *o)
{
    world.object = *o;
    say("fetch%u ", slot);
}

static bool inspect(void *ctx, uint32_t slot, const struct vendor_object *o, struct bytes body,
                    struct bytes chain)
{
    say("inspect%u=%.*s+%.*s ", slot, (int)body.n, (const char *)body.p, (int)chain.n,
        (const char *)chain.p);
    return !world.is_busy;
}

static void hold(void *ctx, uint32_t slot, struct bytes body, struct bytes chain)
{
    say("hold%u=%.*s+%.*s ", slot, (int)body.n, (const char *)body.p, (int)chain.n,
        (const char *)chain.p);
}

static void store(void *ctx, uint32_t slot, struct bytes record)
{
    buf_free(&world.record);
    world.record = BUF_INIT(KEEPER_RECORD_MAX);
    assert_ok(buf_add(&world.record, record.p, record.n));
    say("store%u%s ", slot, record.n ? "" : "=nothing");
}

static void changed(void *ctx)
{
    say("changed ");
}

static void begin(void)
{
    keeper_free(&keeper);
    memset(&keeper, 0, sizeof keeper);
    keeper.out = (struct keeper_out){NULL, fetch, inspect, hold, store, changed};
    keeper.rng = rng_numbered(&seeded, 1);
    keeper.asks[PLAN_INTEL] = true;
}

static int set_up(void **state)
{
    memset(&world, 0, sizeof world);
    begin();
    return 0;
}

static int tear_down(void **state)
{
    keeper_free(&keeper);
    buf_free(&world.record);
    return 0;
}

static struct now at(uint64_t seconds)
{
    return (struct now){1000 * seconds, 1000 * (BEGIN + seconds)};
}

static void came(struct now now, uint32_t slot, const char *body)
{
    const struct keeper_fetched f = {
        .slot = slot, .body = bytes_str(body), .chain = bytes_str("chain")};
    keeper_fetched(&keeper, now, &f);
}

static void inspected(struct now now, uint32_t slot, int64_t issued, int64_t until)
{
    const struct object_facts facts = {BEGIN + issued, BEGIN + until};
    keeper_inspected(&keeper, now, slot, OK, &facts, "");
}

/* The TCB info is held from second 0 on, in slot 0. */
static void hold_one(void)
{
    keeper_want(&keeper, at(0), &tcb_info, 1, false);
    keeper_turn(&keeper, at(0));
    came(at(0), 0, "body");
    inspected(at(0), 0, -DAY_S, 20 * DAY_S);
    expect("fetch0 inspect0=body+chain hold0=body+chain store0 changed ");
}

static void what_was_not_asked_for_is_not_even_inspected(void **state)
{
    came(at(0), 0, "body");
    came(at(0), PLAN_SLOTS, "body");
    keeper_want(&keeper, at(0), &tcb_info, 1, false);
    came(at(0), 0, "body"); /* not yet */
    inspected(at(0), 0, 0, DAY_S);
    inspected(at(0), PLAN_SLOTS + 7, 0, DAY_S);
    expect("");
    keeper_turn(&keeper, at(0));
    inspected(at(0), 0, 0, DAY_S); /* nothing came that could have been */
    expect("fetch0 ");
    came(at(0), 0, "body");
    came(at(0), 0, "other"); /* twice */
    expect("inspect0=body+chain ");
}

static void what_does_not_come_is_asked_for_again(void **state)
{
    keeper_want(&keeper, at(0), &tcb_info, 1, false);
    keeper_turn(&keeper, at(0));
    const struct keeper_fetched f = {.slot = 0, .e = E_RATE, .why = "429", .retry_after_s = 100};
    keeper_fetched(&keeper, at(1), &f);
    expect("fetch0 ");
    keeper_turn(&keeper, at(100));
    expect("");
    keeper_turn(&keeper, at(101));
    expect("fetch0 ");
}

static void an_empty_answer_is_none(void **state)
{
    keeper_want(&keeper, at(0), &tcb_info, 1, false);
    keeper_turn(&keeper, at(0));
    came(at(0), 0, "");
    expect("fetch0 ");
    keeper_turn(&keeper, at(5));
    expect("fetch0 ");
}

static void what_is_not_good_is_neither_held_nor_stored(void **state)
{
    hold_one();
    keeper_turn(&keeper, at(DAY_S));
    came(at(DAY_S), 0, "bad");
    keeper_inspected(&keeper, at(DAY_S), 0, E_CHAIN, NULL, "no root");
    expect("fetch0 inspect0=bad+chain ");
    keeper_turn(&keeper, at(DAY_S + 5)); /* again, soon */
    came(at(DAY_S + 5), 0, "good");
    expect("fetch0 inspect0=good+chain ");
}

/* Whoever stands between us and the vendor must not turn back its time. */
static void what_is_older_than_what_is_held_is_refused(void **state)
{
    hold_one();
    keeper_turn(&keeper, at(DAY_S));
    came(at(DAY_S), 0, "older");
    inspected(at(DAY_S), 0, -DAY_S - 1, 20 * DAY_S);
    expect("fetch0 inspect0=older+chain ");
    keeper_turn(&keeper, at(DAY_S + 5));
    came(at(DAY_S + 5), 0, "newer");
    inspected(at(DAY_S + 5), 0, 0, 20 * DAY_S);
    expect("fetch0 inspect0=newer+chain hold0=newer+chain store0 changed ");
}

static void what_is_the_same_changes_nothing(void **state)
{
    hold_one();
    keeper_turn(&keeper, at(DAY_S));
    came(at(DAY_S), 0, "body");
    inspected(at(DAY_S), 0, -DAY_S, 20 * DAY_S);
    expect("fetch0 inspect0=body+chain hold0=body+chain store0 ");
}

static void verifiers_that_are_busy_are_asked_later(void **state)
{
    keeper_want(&keeper, at(0), &tcb_info, 1, false);
    keeper_turn(&keeper, at(0));
    world.is_busy = true;
    came(at(0), 0, "body");
    inspected(at(0), 0, 0, DAY_S); /* it never was */
    expect("fetch0 inspect0=body+chain ");
    keeper_turn(&keeper, at(5));
    expect("fetch0 ");
}

static void wanting_again_disturbs_nothing(void **state)
{
    keeper_want(&keeper, at(0), &tcb_info, 1, false);
    keeper_turn(&keeper, at(0));
    came(at(0), 0, "body");
    keeper_want(&keeper, at(1), &tcb_info, 1, true);
    inspected(at(1), 0, 0, DAY_S);
    keeper_want(&keeper, at(2), &tcb_info, 1, false);
    expect("fetch0 inspect0=body+chain hold0=body+chain store0 changed ");
}

static void without_its_service_nothing_is_asked_for(void **state)
{
    const struct vendor_object list = {.kind = OBJECT_SNP_CRL, .product = SNP_MILAN};
    keeper_want(&keeper, at(0), &list, 1, false);
    keeper_turn(&keeper, at(0));
    expect("");
}

static void what_expires_is_a_change(void **state)
{
    keeper_want(&keeper, at(0), &tcb_info, 1, false);
    keeper_want(&keeper, at(0), &root_crl, 1, false);
    keeper_turn(&keeper, at(0));
    came(at(0), 0, "a");
    inspected(at(0), 0, 0, 100);
    keeper_turn(&keeper, at(0));
    came(at(0), 1, "b");
    inspected(at(0), 1, 0, 200);
    /* Both are asked for again, and nobody answers. */
    keeper_turn(&keeper, at(100));
    world.said[0] = 0;
    keeper_turn(&keeper, at(100));
    expect("");
    keeper_turn(&keeper, at(101));
    expect("changed ");
    keeper_turn(&keeper, at(200));
    expect("");
    keeper_turn(&keeper, at(201));
    expect("changed ");
    keeper_turn(&keeper, at(100000));
    expect("");
}

static void what_was_stored_is_held_after_a_restart(void **state)
{
    hold_one();
    begin();
    assert_ok(keeper_load(&keeper, at(10), 3, buf_bytes(&world.record)));
    expect("hold3=body+chain ");
    keeper_turn(&keeper, at(10)); /* it is fresh */
    keeper_want(&keeper, at(11), &tcb_info, 1, false);
    expect("");
    /* As old as it is, and no older one is taken in its place. */
    keeper_turn(&keeper, at(DAY_S));
    came(at(DAY_S), 3, "older");
    inspected(at(DAY_S), 3, -DAY_S - 1, 20 * DAY_S);
    expect("fetch3 inspect3=older+chain ");
}

static void what_a_service_gave_that_is_asked_no_more_does_not_count(void **state)
{
    hold_one();
    begin();
    keeper.asks[PLAN_INTEL] = false;
    assert_ok(keeper_load(&keeper, at(10), 3, buf_bytes(&world.record)));
    keeper_turn(&keeper, at(10));
    expect("");
}

static void records_that_are_none_are_refused(void **state)
{
    hold_one();
    struct bytes record = buf_bytes(&world.record);
    begin();
    for (size_t n = 1; n < record.n; n++)
        assert_err(keeper_load(&keeper, at(0), 0, bytes(record.p, n)), E_MALFORMED);
    assert_err(keeper_load(&keeper, at(0), PLAN_SLOTS, record), E_MALFORMED);
    expect("");
    assert_ok(keeper_load(&keeper, at(0), 0, BYTES_NONE));
    assert_ok(keeper_load(&keeper, at(0), 0, record));
    assert_err(keeper_load(&keeper, at(0), 1, record), E_MALFORMED); /* twice */
    ((uint8_t *)record.p)[1] ^= 1; /* another object in the same place */
    assert_err(keeper_load(&keeper, at(0), 0, record), E_MALFORMED);
    expect("hold0=body+chain ");
}

static void what_nobody_wants_any_more_is_forgotten(void **state)
{
    hold_one();
    keeper_turn(&keeper, at(31 * DAY_S));
    expect("hold0=+ store0=nothing changed ");
    assert_int_equal(world.record.n, 0);
}

static void who_needs_a_place_takes_that_of_the_longest_unwanted(void **state)
{
    hold_one();
    for (unsigned n = 1; n <= PLAN_SLOTS; n++) {
        struct vendor_object o = {.kind = OBJECT_TDX_TCB_INFO,
                                  .fmspc = {2, (uint8_t)(n >> 8), (uint8_t)n}};
        keeper_want(&keeper, at(n), &o, 1, false);
    }
    expect("hold0=+ store0=nothing ");
}

static void the_folder_counts_as_a_whole(void **state)
{
    const struct bytes files[] = {bytes_str("a"), bytes_str("b")};
    keeper_folder(&keeper, files, 2);
    expect("hold256=a+ hold257=b+ changed ");
    keeper_folder(&keeper, files + 1, 1);
    expect("hold256=b+ hold257=+ changed ");
    keeper_folder(&keeper, NULL, 0);
    expect("hold256=+ changed ");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_not_asked_for_is_not_even_inspected),
        T(what_does_not_come_is_asked_for_again),
        T(an_empty_answer_is_none),
        T(what_is_not_good_is_neither_held_nor_stored),
        T(what_is_older_than_what_is_held_is_refused),
        T(what_is_the_same_changes_nothing),
        T(verifiers_that_are_busy_are_asked_later),
        T(wanting_again_disturbs_nothing),
        T(without_its_service_nothing_is_asked_for),
        T(what_expires_is_a_change),
        T(what_was_stored_is_held_after_a_restart),
        T(what_a_service_gave_that_is_asked_no_more_does_not_count),
        T(records_that_are_none_are_refused),
        T(what_nobody_wants_any_more_is_forgotten),
        T(who_needs_a_place_takes_that_of_the_longest_unwanted),
        T(the_folder_counts_as_a_whole),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
