#include "core/seal/seal.h"
#include "test.h"

static const struct secret32 key = {{7}};
static struct rng_seeded seeded;

static struct seal_where somewhere(void)
{
    return (struct seal_where){{{1}}, "share", bytes_str("position"), 5};
}

static struct buf sealed_value(void)
{
    struct buf out = BUF_INIT(200);
    struct seal_where where = somewhere();
    assert_ok(seal_record(rng_numbered(&seeded, 1), &key, &where, bytes_str("value"), &out));
    assert_int_equal(out.n, 5 + SEAL_OVERHEAD);
    return out;
}

static void expect_closed(const struct secret32 *k, struct seal_where where, struct bytes sealed,
                          enum err expected)
{
    struct buf out = BUF_INIT(200);
    assert_err(seal_open(k, &where, sealed, &out), expected);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void a_changed_record_does_not_open(void **state)
{
    struct buf sealed = sealed_value();
    for (size_t i = 0; i < sealed.n * 8; i++) {
        sealed.p[i / 8] ^= (uint8_t)(1 << i % 8);
        expect_closed(&key, somewhere(), buf_bytes(&sealed), i < 8 ? E_MALFORMED : E_SIGNATURE);
        sealed.p[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t n = 0; n < sealed.n; n++)
        expect_closed(&key, somewhere(), bytes(sealed.p, n),
                      n < SEAL_OVERHEAD ? E_MALFORMED : E_SIGNATURE);
    buf_free(&sealed);
}

static void a_record_opens_in_its_own_place_alone(void **state)
{
    struct buf sealed = sealed_value(), out = BUF_INIT(200);
    struct seal_where w[6];
    for (size_t i = 0; i < 6; i++)
        w[i] = somewhere();
    w[0].cluster.b[31] ^= 1;
    w[1].kind = "shares";
    w[2].key = bytes_str("positio");
    w[3].version = 4;
    w[4].kind = "sharep"; /* bytes moved from one part to the next */
    w[4].key = bytes_str("osition");
    w[5].key = BYTES_NONE;
    for (size_t i = 0; i < 6; i++)
        expect_closed(&key, w[i], buf_bytes(&sealed), E_SIGNATURE);
    struct secret32 other = {{8}};
    expect_closed(&other, somewhere(), buf_bytes(&sealed), E_SIGNATURE);
    struct seal_where where = somewhere();
    assert_ok(seal_open(&key, &where, buf_bytes(&sealed), &out));
    assert_true(bytes_eq(buf_bytes(&out), bytes_str("value")));
    buf_free(&sealed);
    buf_free(&out);
}

static void a_record_without_a_kind_or_beyond_a_limit_is_not_made(void **state)
{
    static uint8_t large[SEAL_MAX + 1];
    struct buf out = BUF_INIT(45), roomy = BUF_INIT(64);
    struct seal_where where = somewhere();
    struct rng rng = rng_numbered(&seeded, 1);
    assert_err(seal_record(rng, &key, &where, bytes_str("value"), &out), E_TOO_LARGE);
    assert_err(seal_record(rng, &key, &where, BYTES_OF(large), &roomy), E_TOO_LARGE);
    where.key = bytes(large, 4096);
    assert_err(seal_record(rng, &key, &where, bytes_str("value"), &roomy), E_TOO_LARGE);
    where = somewhere();
    where.kind = "";
    assert_err(seal_record(rng, &key, &where, bytes_str("value"), &roomy), E_VALUE);
    assert_int_equal(out.n + roomy.n, 0);
    buf_free(&out);
    buf_free(&roomy);
}

static void an_empty_value_is_a_value(void **state)
{
    struct buf sealed = BUF_INIT(64), out = BUF_INIT(64);
    struct seal_where where = somewhere();
    assert_ok(seal_record(rng_numbered(&seeded, 1), &key, &where, BYTES_NONE, &sealed));
    assert_ok(seal_open(&key, &where, buf_bytes(&sealed), &out));
    assert_int_equal(out.n, 0);
    buf_free(&sealed);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_record_does_not_open),
        cmocka_unit_test(a_record_opens_in_its_own_place_alone),
        cmocka_unit_test(a_record_without_a_kind_or_beyond_a_limit_is_not_made),
        cmocka_unit_test(an_empty_value_is_a_value),
    };
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
