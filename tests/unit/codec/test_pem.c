#include "base/codec/pem.h"
#include "test.h"

static const char one[] = "-----BEGIN THING-----\n"
                          "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v\n"
                          "MDE=\n"
                          "-----END THING-----\n";

static void a_block_is_lines_of_64_and_comes_back(void **state)
{
    uint8_t der[50];
    struct buf text = BUF_INIT(1000), back = BUF_INIT(1000);
    for (size_t i = 0; i < sizeof der; i++)
        der[i] = (uint8_t)i;
    assert_ok(pem_write("THING", BYTES_OF(der), &text));
    assert_int_equal(text.n, sizeof one - 1);
    assert_memory_equal(text.p, one, text.n);
    assert_ok(pem_read("THING", buf_bytes(&text), &back));
    assert_int_equal(back.n, sizeof der);
    assert_memory_equal(back.p, der, sizeof der);
    buf_free(&text);
    buf_free(&back);
}

static void other_forms_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " \n",
        "-----BEGIN OTHER-----\nAAEC\n-----END OTHER-----\n",
        "-----BEGIN THING-----\nAAEC\n-----END OTHER-----\n",
        "-----BEGIN THING-----\nAAEC\n",
        "-----BEGIN THING----\nAAEC\n-----END THING-----\n",
        "-----BEGIN THING-----\nAAE\n-----END THING-----\n",
        "-----BEGIN THING-----\nAAEC\nAAEC\n-----END THING-----\n",
        "-----BEGIN THING-----\n\nAAEC\n-----END THING-----\n",
        "-----BEGIN THING-----\nKey: value\n\nAAEC\n-----END THING-----\n",
        "-----BEGIN THING-----\nAAEC -----END THING-----\n",
        "text\n-----BEGIN THING-----\nAAEC\n-----END THING-----\n",
        "-----BEGIN THING-----\nAAEC\n-----END THING-----\ntext",
        "-----BEGIN THING-----\nAAEC\n-----END THING-----text\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out = BUF_INIT(100);
        assert_err(pem_read("THING", bytes_str(bad[i]), &out), E_MALFORMED);
        assert_int_equal(out.n, 0);
        buf_free(&out);
    }
}

static void every_truncation_is_refused(void **state)
{
    for (size_t n = 0; n < sizeof one - 2; n++) { /* the last line break may be missing */
        struct buf out = BUF_INIT(100);
        assert_err(pem_read("THING", bytes(one, n), &out), E_MALFORMED);
        buf_free(&out);
    }
}

static void blocks_follow_each_other(void **state)
{
    struct bytes text = bytes_str("\r\n-----BEGIN A-----\r\nAAEC\r\n-----END A-----\r\n\r\n"
                                  "-----BEGIN A-----\nAw==\n-----END A-----");
    struct buf out = BUF_INIT(100);
    assert_true(pem_looks_like(text));
    assert_ok(pem_next("A", &text, &out));
    assert_ok(pem_next("A", &text, &out));
    assert_int_equal(text.n, 0);
    assert_int_equal(out.n, 4);
    assert_memory_equal(out.p, "\0\1\2\3", 4);
    assert_false(pem_looks_like(bytes_str("0\x82")));
    buf_free(&out);
}

static void more_than_the_buffer_holds_is_refused(void **state)
{
    struct buf out = BUF_INIT(20);
    assert_err(pem_read("THING", bytes_str(one), &out), E_TOO_LARGE);
    assert_err(pem_write("THING", bytes_str("0123456789"), &out), E_TOO_LARGE);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_lines_of_64_and_comes_back),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(blocks_follow_each_other),
        cmocka_unit_test(more_than_the_buffer_holds_is_refused),
    };
    return cmocka_run_group_tests_name("pem", tests, NULL, NULL);
}
