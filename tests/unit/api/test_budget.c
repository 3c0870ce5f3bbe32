#include "io/api/budget.h"
#include "test.h"

static uint32_t take_all(struct budget *b, enum api_budget class, const char *address, uint64_t now)
{
    uint32_t n = 0;
    while (n < 100000 && budget_take(b, class, address, now) == OK)
        n++;
    return n;
}

static struct budget *fresh(uint64_t now)
{
    static struct budget b;
    struct rng_seeded seed;
    budget_init(&b, rng_numbered(&seed, 7), now);
    return &b;
}

static void one_address_gets_its_burst_and_leaves_the_rest_to_others(void **state)
{
    struct budget *b = fresh(1000);
    uint32_t each = budget_each[API_BUDGET_VERIFY].burst, all = budget_all[API_BUDGET_VERIFY].burst;
    assert_int_equal(take_all(b, API_BUDGET_VERIFY, "10.0.0.1", 1000), each);
    assert_int_equal(take_all(b, API_BUDGET_VERIFY, "10.0.0.2", 1000), all - each);
    assert_err(budget_take(b, API_BUDGET_VERIFY, "10.0.0.3", 1000), E_RATE);
    assert_ok(budget_take(b, API_BUDGET_SIGNED, "10.0.0.1", 1000)); /* another class */
    assert_ok(budget_take(b, API_BUDGET_NONE, "10.0.0.1", 1000));
}

static void time_refills_it_and_never_beyond_the_burst(void **state)
{
    struct budget *b = fresh(1000);
    struct budget_rate each = budget_each[API_BUDGET_VERIFY];
    take_all(b, API_BUDGET_VERIFY, "10.0.0.1", 1000);
    assert_int_equal(take_all(b, API_BUDGET_VERIFY, "10.0.0.1", 1100), each.per_second / 10);
    assert_int_equal(take_all(b, API_BUDGET_VERIFY, "10.0.0.1", 500), 0); /* a clock does not pay */
    assert_int_equal(take_all(b, API_BUDGET_VERIFY, "10.0.0.1", UINT64_MAX), each.burst);
}

static void an_ipv6_network_counts_as_one(void **state)
{
    struct budget *b = fresh(0);
    assert_int_equal(take_all(b, API_BUDGET_SIGNED, "2001:db8::1", 0),
                     budget_each[API_BUDGET_SIGNED].burst);
    assert_err(budget_take(b, API_BUDGET_SIGNED, "2001:db8::ffff:2", 0), E_RATE);
    assert_ok(budget_take(b, API_BUDGET_SIGNED, "2001:db8:0:1::1", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_gets_its_burst_and_leaves_the_rest_to_others),
        cmocka_unit_test(time_refills_it_and_never_beyond_the_burst),
        cmocka_unit_test(an_ipv6_network_counts_as_one),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
