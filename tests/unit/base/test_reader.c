#include "base/reader.h"
#include "base/writer.h"
#include "test.h"

static void reads_past_the_end_fail_and_stay_failed(void **state)
{
    const uint8_t in[] = {1, 2, 3};
    struct reader r = reader(BYTES_OF(in));
    assert_int_equal(rd_u32(&r), 0);
    assert_int_equal(rd_u8(&r), 0);
    assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
}

static void leftovers_are_an_error(void **state)
{
    const uint8_t in[] = {1, 2};
    struct reader r = reader(BYTES_OF(in));
    assert_int_equal(rd_u8(&r), 1);
    assert_err(reader_end(&r, E_FORMAT), E_FORMAT);
}

static void a_length_beyond_the_limit_is_refused(void **state)
{
    const uint8_t in[] = {0, 0, 0, 3, 'a', 'b', 'c'};
    struct reader r = reader(BYTES_OF(in));
    assert_int_equal(rd_var(&r, 2).n, 0);
    assert_true(r.bad);
}

static void text_holds_no_nul_and_is_not_empty(void **state)
{
    const uint8_t nul[] = {0, 0, 0, 3, 'a', 0, 'c'}, empty[] = {0, 0, 0, 0};
    char out[8] = "before";
    struct reader r = reader(BYTES_OF(nul));
    rd_text(&r, out, sizeof out);
    assert_true(r.bad);
    assert_string_equal(out, "");
    r = reader(BYTES_OF(empty));
    rd_text(&r, out, sizeof out);
    assert_true(r.bad);
}

static void a_bool_is_zero_or_one(void **state)
{
    const uint8_t in[] = {2};
    struct reader r = reader(BYTES_OF(in));
    assert_false(rd_bool(&r));
    assert_true(r.bad);
}

static struct buf everything(void)
{
    struct buf b = BUF_INIT(1000);
    struct writer w = writer(&b);
    wr_u8(&w, 7);
    wr_u16(&w, 0x1234);
    wr_u32(&w, 0x12345678);
    wr_u64(&w, 0x123456789abcdef0);
    wr_u16le(&w, 0x1234);
    wr_u32le(&w, 0x12345678);
    wr_u64le(&w, 0x123456789abcdef0);
    wr_bool(&w, true);
    wr_text(&w, "name");
    wr_var(&w, bytes("xyz", 3));
    wr_raw(&w, "raw", 3);
    assert_ok(writer_end(&w));
    return b;
}

static enum err read_everything(struct bytes in, bool check)
{
    struct reader r = reader(in);
    uint64_t sum = rd_u8(&r);
    sum ^= rd_u16(&r) ^ rd_u32(&r) ^ rd_u64(&r);
    sum ^= rd_u16le(&r) ^ rd_u32le(&r) ^ rd_u64le(&r);
    bool yes = rd_bool(&r);
    char name[5];
    rd_text(&r, name, sizeof name);
    struct bytes xyz = rd_var(&r, 3), raw = rd_bytes(&r, 3);
    if (check) {
        assert_int_equal(sum, 7);
        assert_true(yes);
        assert_string_equal(name, "name");
        assert_memory_equal(xyz.p, "xyz", 3);
        assert_memory_equal(raw.p, "raw", 3);
    }
    return reader_end(&r, E_MALFORMED);
}

static void what_is_written_is_read(void **state)
{
    struct buf b = everything();
    assert_ok(read_everything(buf_bytes(&b), true));
    buf_free(&b);
}

static void every_truncation_is_refused(void **state)
{
    struct buf b = everything();
    for (size_t n = 0; n < b.n; n++)
        assert_err(read_everything(bytes(b.p, n), false), E_MALFORMED);
    buf_free(&b);
}

static void a_full_buffer_refuses_and_keeps_its_content(void **state)
{
    struct buf b = BUF_INIT(4);
    struct writer w = writer(&b);
    wr_u32(&w, 5);
    wr_u8(&w, 6);
    assert_err(writer_end(&w), E_TOO_LARGE);
    assert_int_equal(b.n, 4);
    buf_free(&b);
    assert_null(b.p);
}

static void consuming_keeps_the_rest(void **state)
{
    struct buf b = BUF_INIT(10);
    assert_ok(buf_add(&b, "abcdef", 6));
    buf_consume(&b, 4);
    assert_int_equal(b.n, 2);
    assert_memory_equal(b.p, "ef", 2);
    buf_free(&b);
}

static void a_buffer_on_an_array_holds_what_fits(void **state)
{
    uint8_t room[8];
    struct buf b = BUF_ON(room);
    struct writer w = writer(&b);
    wr_u64(&w, 0x0102030405060708);
    assert_ok(writer_end(&w));
    assert_ptr_equal(b.p, room);
    assert_int_equal(room[7], 8);
    wr_u8(&w, 1);
    assert_err(writer_end(&w), E_TOO_LARGE);
    assert_int_equal(b.n, sizeof room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_past_the_end_fail_and_stay_failed),
        cmocka_unit_test(leftovers_are_an_error),
        cmocka_unit_test(a_length_beyond_the_limit_is_refused),
        cmocka_unit_test(text_holds_no_nul_and_is_not_empty),
        cmocka_unit_test(a_bool_is_zero_or_one),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_full_buffer_refuses_and_keeps_its_content),
        cmocka_unit_test(consuming_keeps_the_rest),
        cmocka_unit_test(a_buffer_on_an_array_holds_what_fits),
    };
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
