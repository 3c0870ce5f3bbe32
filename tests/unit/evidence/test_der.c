#include "test.h"

#include "base/codec/der.h"

static struct bytes view(const char *hex, uint8_t out[64])
{
    size_t n = strlen(hex) / 2;
    assert_ok(hex_decode(hex, out, n));
    return bytes(out, n);
}

static void malformed_elements_are_refused(void **state)
{
    static const char *const bad[] = {
        "04",         /* no length */
        "0401",       /* no content */
        "048101ff",   /* a long form that fits the short one */
        "04820001ff", /* the same */
        "048200ff",   /* and the same */
        "0480",       /* indefinite length */
        "0483000001ff", "048300ffff", "0484ffffffff",
        "048105aabb",   "1f0100", /* a tag of several bytes */
        "3f0100",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t raw[64], tag;
        struct bytes in = view(bad[i], raw), content, before = in;
        if (der_next(&in, &tag, &content) != E_MALFORMED)
            fail_msg("%s was read", bad[i]);
        assert_true(in.p == before.p && in.n == before.n);
    }
}

static void only_the_expected_tag_is_taken(void **state)
{
    uint8_t raw[64];
    struct bytes in = view("040161", raw), content;
    assert_err(der_expect(&in, DER_SEQUENCE, &content), E_MALFORMED);
    in = BYTES_NONE;
    assert_err(der_expect(&in, DER_SEQUENCE, &content), E_MALFORMED);
}

static void integers_have_one_form_and_fit(void **state)
{
    static const char *const bad[] = {
        "0200",  "020180", "02020001", "020a00ffffffffffffffffff", "0209010000000000000000",
        "040101"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t raw[64];
        uint64_t v;
        struct bytes in = view(bad[i], raw);
        if (der_expect_uint(&in, &v) != E_MALFORMED)
            fail_msg("%s was read", bad[i]);
    }
}

static void numbers_come_back(void **state)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 255, 256, 65535, 1ULL << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct buf b = BUF_INIT(64);
        struct writer w = writer(&b);
        uint64_t v;
        der_uint(&w, numbers[i]);
        assert_ok(writer_end(&w));
        struct bytes in = buf_bytes(&b);
        assert_ok(der_expect_uint(&in, &v));
        assert_true(v == numbers[i] && in.n == 0);
        buf_free(&b);
    }
}

/* Lengths around the places where the form of the length changes. */
static void nested_elements_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = {0,   1,   120, 121, 122, 123, 124, 125, 126,   127,  128,
                                   250, 251, 252, 253, 254, 255, 256, 257, 60000, 70000};
    static uint8_t zeros[70000];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf b = BUF_INIT(1 << 17);
        struct writer w = writer(&b);
        size_t outer = der_open(&w, DER_SEQUENCE), inner = der_open(&w, DER_CONTEXT | 3);
        der_element(&w, DER_OCTET_STRING, bytes(zeros, sizes[i]));
        der_close(&w, inner);
        der_uint(&w, 7);
        der_close(&w, outer);
        assert_ok(writer_end(&w));

        struct bytes in = buf_bytes(&b), sequence, context, octets;
        uint64_t seven;
        assert_ok(der_expect(&in, DER_SEQUENCE, &sequence));
        assert_ok(der_expect(&sequence, DER_CONTEXT | 3, &context));
        assert_ok(der_expect(&context, DER_OCTET_STRING, &octets));
        assert_int_equal(octets.n, sizes[i]);
        assert_ok(der_expect_uint(&sequence, &seven));
        assert_int_equal(seven, 7);
        uint8_t tag;
        assert_err(der_next(&in, &tag, &octets), E_NOT_FOUND);
        buf_free(&b);
    }
}

static void a_full_buffer_is_reported(void **state)
{
    struct buf b = BUF_INIT(8);
    struct writer w = writer(&b);
    size_t outer = der_open(&w, DER_SEQUENCE);
    der_element(&w, DER_OCTET_STRING, bytes_str("more than fits"));
    der_close(&w, outer);
    assert_err(writer_end(&w), E_TOO_LARGE);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_elements_are_refused),
        cmocka_unit_test(only_the_expected_tag_is_taken),
        cmocka_unit_test(integers_have_one_form_and_fit),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(nested_elements_of_every_size_come_back),
        cmocka_unit_test(a_full_buffer_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
