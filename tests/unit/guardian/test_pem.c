#include "prog/guardian/pem.h"
#include "test.h"

static void text_that_pem_write_would_not_write_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "-----BEGIN X-----\n",
        "-----BEGIN X-----\nAAAA\n",
        "-----BEGIN X-----\nAAAA\n-----END X-----",
        "-----BEGIN X-----\nAAAA\n-----END Y-----\n",
        "-----BEGIN Y-----\nAAAA\n-----END X-----\n",
        " -----BEGIN X-----\nAAAA\n-----END X-----\n",
        "-----BEGIN X-----\nAAAA\n-----END X-----\n\n",
        "-----BEGIN X-----\nAAAA\n-----END X-----\nmore\n",
        "-----BEGIN X-----\n\nAAAA\n-----END X-----\n",
        "-----BEGIN X-----\nAA AA\n-----END X-----\n",
        "-----BEGIN X-----\nAAAA\r\n-----END X-----\n",
        "-----BEGIN X-----\nAAA\n-----END X-----\n",
        "-----BEGIN X-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
        "-----END X-----\n",
    };
    struct buf out = BUF_INIT(1000);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(pem_read("X", bytes_str(wrong[i]), &out), E_MALFORMED);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void every_length_round_trips(void **state)
{
    for (size_t n = 0; n < 200; n++) {
        uint8_t in[200];
        struct buf text = BUF_INIT(1000), back = BUF_INIT(1000);
        memset(in, 0xa5, sizeof in);
        assert_ok(pem_write("CERTIFICATE", bytes(in, n), &text));
        assert_ok(pem_read("CERTIFICATE", buf_bytes(&text), &back));
        assert_true(bytes_eq(buf_bytes(&back), bytes(in, n)));
        for (size_t cut = 0; cut < text.n; cut++)
            assert_err(pem_read("CERTIFICATE", bytes(text.p, cut), &back), E_MALFORMED);
        buf_free(&text);
        buf_free(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_pem_write_would_not_write_is_refused),
        cmocka_unit_test(every_length_round_trips),
    };
    return cmocka_run_group_tests_name("guardian/pem", tests, NULL, NULL);
}
