#include "io/collateral/plan.h"
#include "test.h"

#define DAY_S 86400

static struct plan plan;
static struct rng_seeded seeded;
static struct rng rng;

static int set_up(void **state)
{
    plan = (struct plan){0};
    rng = rng_numbered(&seeded, 1);
    return 0;
}

static struct now at(uint64_t seconds)
{
    return (struct now){.mono_ms = 1000 * seconds, .unix_ms = 1000 * (1700000000 + seconds)};
}

static struct vendor_object tcb_info(unsigned n)
{
    return (struct vendor_object){.kind = OBJECT_TDX_TCB_INFO,
                                  .fmspc = {1, (uint8_t)(n >> 8), (uint8_t)n}};
}

static struct vendor_object vcek(unsigned n)
{
    return (struct vendor_object){
        .kind = OBJECT_VCEK, .product = SNP_MILAN, .hwid = {(uint8_t)(n >> 8), (uint8_t)n}};
}

static size_t want(struct now now, struct vendor_object o, bool is_stranger)
{
    return plan_want(&plan, now, &o, is_stranger);
}

static void hold(struct now now, size_t slot, int64_t life_s)
{
    int64_t unix_s = (int64_t)(now.unix_ms / 1000);
    plan_held(&plan, now, rng, slot, unix_s, unix_s + life_s);
}

static bool is_due(uint64_t ms)
{
    static struct plan copy;
    copy = plan;
    return plan_next(&copy, (struct now){ms, 1700000000000 + ms}) < PLAN_SLOTS;
}

/* When something is due first, in seconds; a month when nothing is. */
static double due_s(void)
{
    uint64_t early = 0, late = 30ull * DAY_S * 1000;
    while (early < late) {
        uint64_t middle = early + (late - early) / 2;
        if (is_due(middle))
            late = middle;
        else
            early = middle + 1;
    }
    return (double)late / 1000;
}

static void what_nobody_wants_is_not_asked_for(void **state)
{
    assert_int_equal(plan_next(&plan, at(0)), PLAN_SLOTS);
    assert_true(due_s() == 30 * DAY_S);
}

static void what_is_wanted_is_asked_for_once(void **state)
{
    size_t i = want(at(1), tcb_info(1), false);
    assert_int_equal(want(at(2), tcb_info(1), false), i);
    assert_true(due_s() == 1);
    assert_int_equal(plan_next(&plan, at(2)), i);
    assert_int_equal(plan_next(&plan, at(2)), PLAN_SLOTS);
    assert_false(plan.slot[i].is_held);
}

static void what_is_held_is_due_at_half_of_its_life_or_after_a_day(void **state)
{
    static const struct {
        int64_t life_s;
        double least, most;
    } cases[] = {
        {30 * DAY_S, 0.8 * DAY_S, DAY_S},
        {2 * DAY_S, 0.8 * DAY_S, DAY_S},
        {DAY_S, 0.4 * DAY_S, 0.5 * DAY_S},
        {600, 240, 300},
        {10, 60, 60}, /* nobody is asked again within a minute */
        {0, 60, 60},
        {-5, 60, 60},
        {INT64_MAX / 2, 0.8 * DAY_S, DAY_S},
    };
    size_t i = want(at(0), tcb_info(1), false);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int round = 0; round < 50; round++) {
            hold(at(0), i, cases[c].life_s);
            assert_true(due_s() >= cases[c].least && due_s() <= cases[c].most);
        }
    }
    plan.refresh_ms = 5000;
    hold(at(0), i, DAY_S);
    assert_true(due_s() == 5);
}

static void guardians_that_began_together_do_not_ask_together(void **state)
{
    size_t i = want(at(0), tcb_info(1), false);
    double least = DAY_S, most = 0;
    for (int round = 0; round < 100; round++) {
        hold(at(0), i, 30 * DAY_S);
        least = due_s() < least ? due_s() : least;
        most = due_s() > most ? due_s() : most;
    }
    assert_true(most - least > 0.15 * DAY_S);
}

static void certificates_are_asked_for_again_after_a_month(void **state)
{
    size_t i = want(at(0), vcek(1), false);
    hold(at(0), i, 2000 * DAY_S);
    assert_true(due_s() >= 24 * DAY_S && due_s() <= 30 * DAY_S);
}

static void what_was_stored_before_a_restart_is_as_old_as_it_is(void **state)
{
    size_t i = want(at(0), tcb_info(1), false);
    int64_t unix_s = (int64_t)(at(0).unix_ms / 1000);
    plan_held(&plan, at(0), rng, i, unix_s - DAY_S, unix_s + 20 * DAY_S);
    assert_true(due_s() == 0);
    plan_held(&plan, at(0), rng, i, unix_s - DAY_S / 2, unix_s + 20 * DAY_S);
    assert_true(due_s() >= 0.3 * DAY_S && due_s() <= 0.5 * DAY_S);
    /* Stored in what a clock that was set back calls the future: no older than new. */
    plan_held(&plan, at(0), rng, i, unix_s + 9 * DAY_S, unix_s + 20 * DAY_S);
    assert_true(due_s() <= DAY_S);
    plan_held(&plan, at(0), rng, i, INT64_MIN, INT64_MAX);
    assert_true(due_s() == 0);
}

static void failures_are_repeated_later_and_later(void **state)
{
    double full = 5;
    for (unsigned n = 1; n < 40; n++) {
        for (int round = 0; round < 20; round++) {
            double s = (double)plan_backoff_ms(n, rng) / 1000;
            assert_true(s >= full / 2 && s <= full);
        }
        full = full * 2 < 900 ? full * 2 : 900;
    }
    size_t i = want(at(0), tcb_info(1), false);
    for (unsigned n = 1; n <= 3; n++) {
        assert_int_equal(plan_next(&plan, at(10000 * n)), i);
        plan_failed(&plan, at(10000 * n), rng, i, E_IO, 0);
        assert_true(due_s() - 10000 * n <= 5 * (1 << (n - 1)));
        assert_true(due_s() - 10000 * n >= 2.5 * (1 << (n - 1)));
    }
    hold(at(50000), i, DAY_S);
    plan_failed(&plan, at(60000), rng, i, E_IO, 0); /* counts from one again */
    assert_true(due_s() <= 60005);
    assert_true(plan.slot[i].is_held);
}

static void what_a_service_does_not_know_is_not_asked_for_soon(void **state)
{
    size_t i = want(at(0), vcek(1), false);
    plan_failed(&plan, at(0), rng, i, E_NOT_FOUND, 0);
    assert_true(due_s() == 900);
}

static void a_service_that_asks_for_patience_is_left_alone_and_no_other(void **state)
{
    size_t i = want(at(0), vcek(1), false), j = want(at(0), vcek(2), false);
    size_t other = want(at(0), tcb_info(1), false);
    assert_int_equal(plan_next(&plan, at(0)), i);
    plan_failed(&plan, at(0), rng, i, E_RATE, 600);
    assert_int_equal(plan_next(&plan, at(0)), other);
    assert_int_equal(plan_next(&plan, at(599)), PLAN_SLOTS);
    assert_true(due_s() == 600);
    assert_int_equal(plan_next(&plan, at(600)), j);
    /* A second, shorter wish takes nothing back; and nobody silences us for more than an hour. */
    plan_failed(&plan, at(600), rng, j, E_RATE, UINT32_MAX);
    plan_failed(&plan, at(600), rng, i, E_RATE, 1);
    assert_true(due_s() == 600 + 3600);
}

static void a_service_is_asked_for_one_object_at_a_time(void **state)
{
    size_t first = want(at(0), tcb_info(1), false), second = want(at(1), tcb_info(2), false);
    size_t other = want(at(2), vcek(1), false);
    assert_int_equal(plan_next(&plan, at(2)), first);
    assert_int_equal(plan_next(&plan, at(2)), other);
    assert_int_equal(plan_next(&plan, at(100)), PLAN_SLOTS);
    assert_true(due_s() == 30 * DAY_S);
    hold(at(100), first, DAY_S);
    assert_int_equal(plan_next(&plan, at(100)), second);
}

static void strangers_have_few_places_and_leave_others_theirs(void **state)
{
    size_t own = want(at(0), vcek(1000), false);
    hold(at(0), own, DAY_S);
    for (unsigned n = 0; n < 100; n++)
        assert_true(want(at(n), vcek(n), true) < PLAN_SLOTS);
    size_t strangers = 0;
    for (size_t i = 0; i < PLAN_SLOTS; i++)
        strangers += plan.slot[i].is_stranger;
    assert_int_equal(strangers, PLAN_STRANGERS);
    assert_true(plan.slot[own].is_held);
    assert_true(object_eq(&plan.slot[own].object,
                          &(struct vendor_object){.kind = OBJECT_VCEK,
                                                  .product = SNP_MILAN,
                                                  .hwid = {1000 >> 8, 1000 & 0xFF}}));
    /* The newest are there. */
    struct vendor_object last = vcek(99);
    assert_true(plan_find(&plan, &last) < PLAN_SLOTS);
}

static void strangers_are_asked_for_one_every_two_seconds(void **state)
{
    want(at(0), vcek(1), true);
    want(at(0), vcek(2), true);
    size_t i = plan_next(&plan, at(0));
    assert_true(i < PLAN_SLOTS);
    plan_failed(&plan, at(0), rng, i, E_IO, 0);
    assert_int_equal(plan_next(&plan, at(1)), PLAN_SLOTS);
    assert_true(due_s() == 2);
    assert_true(plan_next(&plan, at(2)) < PLAN_SLOTS);
}

/* A stranger whose evidence stands is one no longer, and does not become one again. */
static void who_is_known_stays_known(void **state)
{
    size_t i = want(at(0), vcek(1), true);
    want(at(0), vcek(1), false);
    want(at(0), vcek(1), true);
    assert_false(plan.slot[i].is_stranger);
}

static void when_it_is_full_the_longest_unwanted_goes(void **state)
{
    for (unsigned n = 0; n < PLAN_SLOTS; n++)
        hold(at(n), want(at(n), tcb_info(n), false), 300 * DAY_S);
    assert_int_equal(want(at(500), vcek(1), true), PLAN_SLOTS);
    size_t first = want(at(500), tcb_info(0), false);
    size_t i = want(at(501), tcb_info(9999), false);
    assert_true(i < PLAN_SLOTS && i != first && !plan.slot[i].is_held);
    struct vendor_object second = tcb_info(1);
    assert_int_equal(plan_find(&plan, &second), PLAN_SLOTS);
}

static void what_is_asked_for_keeps_its_slot(void **state)
{
    size_t i = want(at(0), tcb_info(0), false);
    assert_int_equal(plan_next(&plan, at(0)), i);
    for (unsigned n = 1; n < PLAN_SLOTS; n++)
        want(at(n), tcb_info(n), false);
    assert_true(want(at(1001), tcb_info(9999), false) != i);
}

static void what_nobody_wanted_for_a_month_is_forgotten(void **state)
{
    size_t i = want(at(0), tcb_info(1), false);
    hold(at(0), i, 365 * DAY_S);
    assert_int_equal(plan_next(&plan, at(29 * DAY_S)), i);
    hold(at(29 * DAY_S), i, 365 * DAY_S);
    assert_int_equal(plan_next(&plan, at(31 * DAY_S)), PLAN_SLOTS);
    assert_int_equal(plan.slot[i].object.kind, OBJECT_NONE);
}

#define T(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_nobody_wants_is_not_asked_for),
        T(what_is_wanted_is_asked_for_once),
        T(what_is_held_is_due_at_half_of_its_life_or_after_a_day),
        T(guardians_that_began_together_do_not_ask_together),
        T(certificates_are_asked_for_again_after_a_month),
        T(what_was_stored_before_a_restart_is_as_old_as_it_is),
        T(failures_are_repeated_later_and_later),
        T(what_a_service_does_not_know_is_not_asked_for_soon),
        T(a_service_that_asks_for_patience_is_left_alone_and_no_other),
        T(a_service_is_asked_for_one_object_at_a_time),
        T(strangers_have_few_places_and_leave_others_theirs),
        T(strangers_are_asked_for_one_every_two_seconds),
        T(who_is_known_stays_known),
        T(when_it_is_full_the_longest_unwanted_goes),
        T(what_is_asked_for_keeps_its_slot),
        T(what_nobody_wanted_for_a_month_is_forgotten),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
