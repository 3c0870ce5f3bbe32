#include "base/rng.h"
#include "core/state/store.h"
#include "test.h"

static struct bytes key_of(unsigned i, char out[static 16])
{
    snprintf(out, 16, "k%04u", i);
    return bytes_str(out);
}

static void oversize_keys_and_values_are_refused(void **state)
{
    static uint8_t big[STORE_VALUE_MAX + 1];
    struct store *s;
    assert_ok(store_new(&s));
    struct hash32 empty = store_root(s);
    assert_err(store_put(s, bytes(big, STORE_KEY_MAX + 1), BYTES_NONE), E_TOO_LARGE);
    assert_err(store_put(s, bytes(big, 1), BYTES_OF(big)), E_TOO_LARGE);
    assert_int_equal(store_count(s), 0);
    assert_true(hash32_eq(store_root(s), empty));
    store_free(s);
}

static void absent_and_empty_differ(void **state)
{
    struct store *s;
    assert_ok(store_new(&s));
    assert_null(store_get(s, bytes_str("a")).p);
    assert_ok(store_put(s, bytes_str("a"), bytes("", 0)));
    assert_non_null(store_get(s, bytes_str("a")).p);
    assert_ok(store_del(s, bytes_str("a")));
    assert_null(store_get(s, bytes_str("a")).p);
    assert_ok(store_del(s, bytes_str("a")));
    store_free(s);
}

/* The same content reached by different histories has the same root. */
static void the_root_depends_on_content_alone(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 3);
    struct store *a, *b;
    char text[16];
    assert_ok(store_new(&a));
    assert_ok(store_new(&b));
    for (unsigned i = 0; i < 300; i++)
        assert_ok(store_put(a, key_of(i, text), bytes(&i, sizeof i)));
    for (unsigned n = 0; n < 3000; n++) {
        unsigned i = (unsigned)rng_below(rng, 400);
        if (n % 3)
            assert_ok(store_put(b, key_of(i, text), bytes(&n, sizeof n)));
        else
            assert_ok(store_del(b, key_of(i, text)));
    }
    for (unsigned i = 400; i-- > 0;)
        if (i < 300)
            assert_ok(store_put(b, key_of(i, text), bytes(&i, sizeof i)));
        else
            assert_ok(store_del(b, key_of(i, text)));
    assert_int_equal(store_count(b), 300);
    assert_true(hash32_eq(store_root(a), store_root(b)));
    assert_ok(store_put(b, key_of(7, text), bytes("x", 1)));
    assert_false(hash32_eq(store_root(a), store_root(b)));
    store_free(a);
    store_free(b);
}

static void rolling_back_restores_content_and_root(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 4);
    struct store *s;
    char text[16];
    assert_ok(store_new(&s));
    for (unsigned round = 0; round < 50; round++) {
        struct hash32 before = store_root(s);
        size_t mark = store_mark(s), count = store_count(s);
        for (unsigned n = 0; n < 40; n++) {
            unsigned i = (unsigned)rng_below(rng, 60);
            if (rng_below(rng, 2))
                assert_ok(store_put(s, key_of(i, text), bytes(&n, sizeof n)));
            else
                assert_ok(store_del(s, key_of(i, text)));
            if (n == 20)
                store_root(s);
        }
        if (round % 2) {
            store_rollback(s, mark);
            assert_int_equal(store_count(s), count);
            assert_true(hash32_eq(store_root(s), before));
        } else {
            store_commit(s);
        }
    }
    store_free(s);
}

static void iteration_is_in_order_and_within_the_prefix(void **state)
{
    struct store *s;
    assert_ok(store_new(&s));
    const char *const keys[] = {"b", "ab", "a", "ac", "aa", "aba", "c"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_ok(store_put(s, bytes_str(keys[i]), bytes_str(keys[i])));
    const char *const want[] = {"a", "aa", "ab", "aba", "ac"};
    struct bytes key = BYTES_NONE, value;
    for (size_t i = 0; i < 5; i++) {
        assert_true(store_next(s, bytes_str("a"), key, &key, &value));
        assert_true(bytes_eq(key, bytes_str(want[i])) && bytes_eq(value, key));
    }
    assert_false(store_next(s, bytes_str("a"), key, &key, &value));
    store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oversize_keys_and_values_are_refused),
        cmocka_unit_test(absent_and_empty_differ),
        cmocka_unit_test(the_root_depends_on_content_alone),
        cmocka_unit_test(rolling_back_restores_content_and_root),
        cmocka_unit_test(iteration_is_in_order_and_within_the_prefix),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
