#include "base/codec/b64.h"
#include "test.h"

static void hex_refuses_what_is_not_exact(void **state)
{
    uint8_t out[2] = {9, 9};
    const char *const wrong[] = {"", "ab", "abc", "abcde", "abcdef", "zz00", "ab 0", "0xab"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(hex_decode(wrong[i], out, 2), E_MALFORMED);
    assert_int_equal(out[0], 0);
}

static void hex_round_trips(void **state)
{
    uint8_t out[3];
    char text[7];
    assert_ok(hex_decode("00fFa0", out, 3));
    hex_encode(BYTES_OF(out), text);
    assert_string_equal(text, "00ffa0");
}

static void base64_refuses_the_other_alphabet_breaks_and_padding(void **state)
{
    struct buf out = BUF_INIT(100);
    const char *const standard[] = {
        "-_8=", "YQ", "YQ=", "Y Q=", "YQ==\n", "YQ==YQ==", "=", "\xff\xff\xff\xff", "YQ\x80="};
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++)
        assert_err(b64_decode(B64_STANDARD, bytes_str(standard[i]), &out), E_MALFORMED);
    assert_err(b64_decode(B64_URL, bytes_str("YQ=="), &out), E_MALFORMED);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void base64_round_trips(void **state)
{
    for (size_t n = 0; n < 40; n++) {
        uint8_t in[40];
        memset(in, 0xfb, sizeof in);
        for (int v = B64_STANDARD; v <= B64_URL; v++) {
            struct buf text = BUF_INIT(100), back = BUF_INIT(100);
            assert_ok(b64_encode((enum b64)v, bytes(in, n), &text));
            assert_ok(b64_decode((enum b64)v, buf_bytes(&text), &back));
            assert_int_equal(back.n, n);
            assert_true(bytes_eq(buf_bytes(&back), bytes(in, n)));
            buf_free(&text);
            buf_free(&back);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_refuses_what_is_not_exact),
        cmocka_unit_test(hex_round_trips),
        cmocka_unit_test(base64_refuses_the_other_alphabet_breaks_and_padding),
        cmocka_unit_test(base64_round_trips),
    };
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
