#include "base/codec/rfc3339.h"
#include "test.h"

static void other_forms_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "2026-09-21",
                                      "2026-09-21T14:13:20",
                                      "2026-9-21T14:13:20Z",
                                      "2026-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-00-01T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-01-01T00:00:60Z",
                                      "2026-01-01T00:00:00.Z",
                                      "2026-01-01T00:00:00z",
                                      "2026-01-01T00:00:00+2:00",
                                      "2026-01-01T00:00:00+02:00x",
                                      "2026-01-01T00:00:00+24:00",
                                      "2026-01-01T00:00:00+02:60",
                                      "2026-01-01T00:00:00Zx",
                                      "2026-01- 1T00:00:00Z"};
    int64_t at;
    char text[RFC3339_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rfc3339_parse(bad[i], &at) != E_VALUE)
            fail_msg("%s was read", bad[i]);
    assert_err(rfc3339_write(-1, text), E_VALUE);
    assert_err(rfc3339_write(253402300800, text), E_VALUE);
}

static void points_in_time_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t at;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"1969-12-31T23:59:59Z", -1},
                {"2026-09-21T14:13:20Z", 1790000000},
                {"2026-09-21T16:13:20.75+02:00", 1790000000},
                {"2026-09-21T04:43:20-09:30", 1790000000},
                {"2024-02-29T00:00:00Z", 1709164800},
                {"2000-02-29T00:00:00Z", 951782400},
                {"9999-12-31T23:59:59Z", 253402300799}};
    int64_t at;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(rfc3339_parse(good[i].text, &at));
        assert_int_equal(at, good[i].at);
    }
}

static void what_is_written_is_read_again(void **state)
{
    char text[RFC3339_SIZE];
    int64_t at;
    for (int64_t t = 0; t < 253402300800; t += 86399 * 37) {
        assert_ok(rfc3339_write(t, text));
        assert_ok(rfc3339_parse(text, &at));
        assert_int_equal(at, t);
    }
    assert_ok(rfc3339_write(1790000000, text));
    assert_string_equal(text, "2026-09-21T14:13:20Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(points_in_time_are_read),
        cmocka_unit_test(what_is_written_is_read_again),
    };
    return cmocka_run_group_tests_name("rfc3339", tests, NULL, NULL);
}
