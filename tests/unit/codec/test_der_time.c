#include "base/codec/der.h"
#include "test.h"

#include <time.h>

static void times_of_another_form_are_refused(void **state)
{
    static const char *const utc[] = {
        "2601010000Z",   "260101000000",  "260101000000z",  "261301000000Z", "260001000000Z",
        "260100000000Z", "260132000000Z", "260229000000Z",  "260101240000Z", "260101006000Z",
        "260101000060Z", "26010100000 Z", "2601010000+00Z", "a60101000000Z", "20260101000000Z",
    };
    static const char *const general[] = {"20260101000000Z", "20500229000000Z", "205001010000Z",
                                          "20500101000000.5Z", "500101000000Z"};
    int64_t t;
    for (size_t i = 0; i < sizeof utc / sizeof *utc + sizeof general / sizeof *general; i++) {
        size_t n = sizeof utc / sizeof *utc;
        uint8_t der[40] = {i < n ? DER_UTC_TIME : DER_TIME};
        const char *text = i < n ? utc[i] : general[i - n];
        der[1] = (uint8_t)strlen(text);
        memcpy(der + 2, text, strlen(text));
        struct bytes in = {der, 2 + strlen(text)};
        assert_err(der_expect_time(&in, &t), E_MALFORMED);
    }
}

static struct buf written(int64_t t)
{
    struct buf out = BUF_INIT(20);
    struct writer w = writer(&out);
    der_time(&w, t);
    assert_ok(writer_end(&w));
    return out;
}

static void expect_text(int64_t t, uint8_t tag, const char *text)
{
    struct buf b = written(t);
    assert_int_equal(b.p[0], tag);
    assert_int_equal(b.n, 2 + strlen(text));
    assert_memory_equal(b.p + 2, text, strlen(text));
    buf_free(&b);
}

static void the_form_follows_the_year(void **state)
{
    expect_text(0, DER_UTC_TIME, "700101000000Z");
    expect_text(951782399, DER_UTC_TIME, "000228235959Z");
    expect_text(951782400, DER_UTC_TIME, "000229000000Z");
    expect_text(2524607999, DER_UTC_TIME, "491231235959Z");
    expect_text(2524608000, DER_TIME, "20500101000000Z");
    expect_text(4107542400, DER_TIME, "21000301000000Z"); /* 2100 has no leap day */
    expect_text(253402300799, DER_TIME, "99991231235959Z");
}

static void times_without_a_form_are_refused(void **state)
{
    struct buf out = BUF_INIT(20);
    struct writer w = writer(&out), v = writer(&out);
    der_time(&w, -1);
    der_time(&v, 253402300800);
    assert_err(writer_end(&w), E_VALUE);
    assert_err(writer_end(&v), E_VALUE);
    buf_free(&out);
}

static void every_day_agrees_with_the_c_library_and_comes_back(void **state)
{
    for (int64_t t = 86399; t < 253402300800; t += 86400 * 13 + 3601) {
        struct buf b = written(t);
        struct bytes in = buf_bytes(&b);
        struct tm tm;
        char text[20];
        int64_t back;
        time_t as_time = t;
        gmtime_r(&as_time, &tm);
        strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
        assert_memory_equal(b.p + 2, text + (tm.tm_year < 150 ? 2 : 0), b.n - 2);
        assert_ok(der_expect_time(&in, &back));
        assert_int_equal(back, t);
        assert_int_equal(in.n, 0);
        buf_free(&b);
    }
}

static void expect_der(void (*write)(struct writer *), const char *hex)
{
    struct buf out = BUF_INIT(40);
    struct writer w = writer(&out);
    char text[81];
    write(&w);
    assert_ok(writer_end(&w));
    hex_encode(buf_bytes(&out), text);
    assert_string_equal(text, hex);
    buf_free(&out);
}

static void write_usage(struct writer *w)
{
    der_named_bits(w, 0x06); /* keyCertSign, cRLSign */
    der_named_bits(w, 0x80);
    der_named_bits(w, 0);
}

static void write_numbers(struct writer *w)
{
    der_number(w, bytes("\x80", 1));
    der_number(w, bytes("\0\0\x7f\0", 4));
    der_number(w, bytes("\0\0", 2));
    der_number(w, BYTES_NONE);
    der_true(w);
}

static void named_bits_and_numbers_have_the_shortest_form(void **state)
{
    expect_der(write_usage, "03020106"
                            "03020780"
                            "030100");
    expect_der(write_numbers, "02020080"
                              "02027f00"
                              "020100"
                              "020100"
                              "0101ff");
}

static void a_long_list_has_a_length_of_three_bytes(void **state)
{
    struct buf out = BUF_INIT(1 << 25);
    struct writer w = writer(&out);
    size_t opened = der_open(&w, DER_SEQUENCE);
    assert_non_null(buf_extend(&out, 0x12345));
    der_close(&w, opened);
    assert_ok(writer_end(&w));
    assert_memory_equal(out.p, "\x30\x83\x01\x23\x45", 5);
    assert_int_equal(out.n, 5 + 0x12345);
    opened = der_open(&w, DER_SEQUENCE);
    assert_non_null(buf_extend(&out, 1 << 24));
    der_close(&w, opened);
    assert_err(writer_end(&w), E_TOO_LARGE);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_another_form_are_refused),
        cmocka_unit_test(the_form_follows_the_year),
        cmocka_unit_test(times_without_a_form_are_refused),
        cmocka_unit_test(every_day_agrees_with_the_c_library_and_comes_back),
        cmocka_unit_test(named_bits_and_numbers_have_the_shortest_form),
        cmocka_unit_test(a_long_list_has_a_length_of_three_bytes),
    };
    return cmocka_run_group_tests_name("der_time", tests, NULL, NULL);
}
