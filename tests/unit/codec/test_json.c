#include "base/codec/json.h"
#include "test.h"

#define PARSE(text, out, p) json_parse(bytes(text, sizeof(text) - 1), 1000, out, p)

static void expect_refused(struct bytes text, const char *why)
{
    json_t *v = (json_t *)1;
    struct problem p = {0};
    assert_err(json_parse(text, 1000, &v, &p), E_MALFORMED);
    assert_null(v);
    if (!strstr(p.detail, why))
        fail_msg("expected '%s' in '%s'", why, p.detail);
}

static void text_that_two_parsers_could_read_differently_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        const char *why;
    } wrong[] = {
#define ROW(text, why) {text, sizeof(text) - 1, why}
        ROW("", "unexpected end"),
        ROW("{\"a\":1,\n\"a\":2}", "a key that occurs twice at line 2"),
        ROW("{} x", "bytes after the end"),
        ROW("{}{}", "bytes after the end"),
        ROW("[\"\xff\"]", "invalid UTF-8"),
        ROW("[\"\xc0\x80\"]", "invalid UTF-8"),
        ROW("[\"\xed\xa0\x80\"]", "invalid UTF-8"),
        ROW("[\"\\ud800\"]", "invalid syntax"),
        ROW("[\"\\u0000\"]", "NUL"),
        ROW("{\"\\u0000\":1}", "NUL"),
        ROW("[\"a\0b\"]", "invalid syntax"),
        ROW("[]\0", "bytes after the end"),
        ROW("[1.0]", "not an integer at line 1, column 3"),
        ROW("[1e5]", "not an integer"),
        ROW("[9223372036854775808]", "64 bits"),
        ROW("[01]", "invalid syntax"),
        ROW("[+1]", "invalid syntax"),
        ROW("[1,]", "invalid syntax"),
        ROW("{'a':1}", "invalid syntax"),
        ROW("[\"a\nb\"]", "invalid syntax"),
        ROW("[1", "unexpected end"),
        ROW("[\"\\", "invalid syntax"),
        ROW("7", "invalid syntax"),
        ROW("null", "invalid syntax"),
        ROW("\xef\xbb\xbf{}", "invalid syntax"),
#undef ROW
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_refused(bytes(wrong[i].text, wrong[i].n), wrong[i].why);
}

static void depth_and_size_have_limits(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    json_t *v;
    struct problem p;
    memset(text, '[', JSON_DEPTH_MAX + 1);
    memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    expect_refused(bytes(text, sizeof text), "too deep");
    assert_ok(json_parse(bytes(text + 1, sizeof text - 2), sizeof text - 2, &v, &p));
    json_free(v);
    assert_err(json_parse(bytes(text + 1, sizeof text - 2), sizeof text - 3, &v, &p), E_TOO_LARGE);
    /* Brackets inside strings are no depth. */
    assert_ok(PARSE("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\", true, false]", &v, &p));
    json_free(v);
}

static void a_problem_does_not_repeat_the_value(void **state)
{
    json_t *v;
    struct problem p;
    assert_err(PARSE("{\"password\": hunter2}", &v, &p), E_MALFORMED);
    assert_null(strstr(p.detail, "hunter"));
}

struct sample {
    const char *text;
    char copy[4];
    uint64_t number;
    bool flag, has_flag;
    uint8_t id[2];
    struct buf data;
    json_t *inner, *list, *any;
};

static enum err read_sample(const char *text, struct sample *s, struct problem *p)
{
    memset(s, 0, sizeof *s);
    s->data = BUF_INIT(4);
    const struct json_field fields[] = {
        {"text", JF_TEXT, &s->text, .max = 5, .flags = JF_OPTIONAL},
        {"copy", JF_COPY, s->copy, .max = sizeof s->copy, .flags = JF_OPTIONAL},
        {"number", JF_UINT, &s->number, .min = 2, .max = 9},
        {"flag", JF_BOOL, &s->flag, .flags = JF_OPTIONAL | JF_NULLABLE, .present = &s->has_flag},
        {"id", JF_HEX, s->id, .max = 2, .flags = JF_OPTIONAL},
        {"data", JF_B64, &s->data, .flags = JF_OPTIONAL},
        {"inner", JF_OBJECT, &s->inner, .flags = JF_OPTIONAL},
        {"list", JF_ARRAY, &s->list, .max = 2, .flags = JF_OPTIONAL},
        {"any", JF_ANY, &s->any, .flags = JF_OPTIONAL},
    };
    json_t *v;
    assert_ok(json_parse(bytes_str(text), 1000, &v, NULL));
    enum err e = json_fields(v, "sample", JSON_FIELDS(fields), p);
    buf_free(&s->data);
    json_free(v);
    return e;
}

static void fields_outside_the_table_or_its_types_are_malformed(void **state)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"[]", "sample must be an object"},
        {"{}", "'number' is missing"},
        {"{\"number\":3,\"nmber\":3}", "unknown field 'nmber'"},
        {"{\"number\":\"3\"}", "sample.number must be a non-negative integer"},
        {"{\"number\":-3}", "non-negative"},
        {"{\"number\":null}", "non-negative"},
        {"{\"number\":3,\"text\":1}", "sample.text must be a string"},
        {"{\"number\":3,\"text\":null}", "sample.text must be a string"},
        {"{\"number\":3,\"copy\":[]}", "sample.copy"},
        {"{\"number\":3,\"flag\":1}", "sample.flag must be true or false"},
        {"{\"number\":3,\"id\":12}", "hexadecimal"},
        {"{\"number\":3,\"data\":{}}", "base64"},
        {"{\"number\":3,\"inner\":[]}", "sample.inner must be an object"},
        {"{\"number\":3,\"list\":{}}", "sample.list must be an array"},
    };
    struct sample s;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct problem p;
        assert_err(read_sample(wrong[i].text, &s, &p), E_MALFORMED);
        if (!strstr(p.detail, wrong[i].why))
            fail_msg("expected '%s' in '%s'", wrong[i].why, p.detail);
    }
}

static void values_outside_their_bounds_are_wrong_values(void **state)
{
    static const char *const wrong[] = {
        "{\"number\":1}",
        "{\"number\":10}",
        "{\"number\":3,\"text\":\"123456\"}",
        "{\"number\":3,\"copy\":\"\"}",
        "{\"number\":3,\"copy\":\"1234\"}",
        "{\"number\":3,\"id\":\"abc\"}",
        "{\"number\":3,\"id\":\"abcg\"}",
        "{\"number\":3,\"data\":\"a\"}",
        "{\"number\":3,\"data\":\"AAAAAAA=\"}",
        "{\"number\":3,\"list\":[1,2,3]}",
    };
    struct sample s;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct problem p;
        assert_err(read_sample(wrong[i], &s, &p), E_VALUE);
        assert_non_null(strstr(p.detail, "sample."));
    }
}

static void fields_are_read_into_their_places(void **state)
{
    struct sample s;
    struct problem p;
    assert_ok(
        read_sample("{\"number\":9,\"copy\":\"abc\",\"flag\":true,\"id\":\"00Ff\",\"list\":[],"
                    "\"data\":\"AAECAw==\",\"inner\":{},\"any\":null}",
                    &s, &p));
    assert_int_equal(s.number, 9);
    assert_string_equal(s.copy, "abc");
    assert_true(s.flag && s.has_flag);
    assert_int_equal(s.id[1], 0xff);
    assert_non_null(s.list);
    assert_non_null(s.inner);
    assert_non_null(s.any);
    assert_ok(read_sample("{\"number\":9,\"flag\":null}", &s, &p));
    assert_false(s.has_flag);
}

static void assert_canonical(const char *in, const char *expected)
{
    json_t *v;
    struct buf out = BUF_INIT(1000);
    assert_ok(json_parse(bytes_str(in), 1000, &v, NULL));
    assert_ok(json_canonical(v, &out));
    assert_ok(buf_add(&out, "", 1));
    assert_string_equal((char *)out.p, expected);
    json_free(v);
    buf_free(&out);
}

static void canonical_form_sorts_by_utf16_and_escapes_least(void **state)
{
    assert_canonical("{ \"b\" : [ 1 , -0, -7 ] , \"a\" : { } , \"\" : null }",
                     "{\"\":null,\"a\":{},\"b\":[1,0,-7]}");
    /* RFC 8785 3.2.3, its example of sorting; U+1F600 comes before U+FB33. */
    assert_canonical("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,"
                     "\"\\u0080\":6,\"\\u00f6\":7}",
                     "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
                     "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
    assert_canonical("[\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\\u007f\"]",
                     "[\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\x7f\"]");
    assert_canonical("{\"aa\":1,\"a\":2,\"ab\":3,\"B\":4}", "{\"B\":4,\"a\":2,\"aa\":1,\"ab\":3}");
    assert_canonical("[9007199254740991,true,false]", "[9007199254740991,true,false]");
}

static void canonical_form_refuses_integers_a_double_cannot_hold(void **state)
{
    static const char *const wrong[] = {"[1,9007199254740992]", "[-9007199254740992]"};
    for (size_t i = 0; i < 2; i++) {
        json_t *v;
        struct buf out = BUF_INIT(1000);
        assert_ok(buf_add(&out, "kept", 4));
        assert_ok(json_parse(bytes_str(wrong[i]), 1000, &v, NULL));
        assert_err(json_canonical(v, &out), E_VALUE);
        assert_int_equal(out.n, 4);
        json_free(v);
        buf_free(&out);
    }
}

static void the_builder_writes_what_it_was_told(void **state)
{
    struct buf out = BUF_INIT(1000);
    json_t *shared;
    assert_ok(PARSE("{\"x\":[]}", &shared, NULL));
    struct json_builder b = json_build();
    jb_text(&b, "text", "a\"b");
    jb_array(&b, "list");
    jb_uint(&b, NULL, 7);
    jb_object(&b, NULL);
    jb_hex(&b, "hex", bytes_str("\x01\xff"));
    jb_close(&b);
    jb_close(&b);
    jb_b64(&b, "b64", bytes_str("a"));
    jb_bool(&b, "yes", true);
    jb_null(&b, "none");
    jb_value(&b, "shared", shared);
    json_free(shared);
    assert_ok(jb_write(&b, &out));
    assert_ok(buf_add(&out, "", 1));
    assert_string_equal((char *)out.p, "{\"text\":\"a\\\"b\",\"list\":[7,{\"hex\":\"01ff\"}],"
                                       "\"b64\":\"YQ==\",\"yes\":true,\"none\":null,"
                                       "\"shared\":{\"x\":[]}}");
    buf_free(&out);
}

static void the_builder_reports_its_first_failure(void **state)
{
    json_t *v = (json_t *)1;
    struct json_builder b = json_build_array();
    jb_textn(&b, NULL, bytes("\xff", 1));
    jb_object(&b, NULL);
    jb_uint(&b, "after", 1);
    jb_close(&b);
    assert_err(jb_end(&b, &v), E_VALUE);
    assert_null(v);
    b = json_build();
    jb_uint(&b, "n", UINT64_MAX);
    assert_err(jb_end(&b, &v), E_VALUE);
    b = json_build();
    jb_textn(&b, "n", bytes("a\0b", 3));
    assert_err(jb_end(&b, &v), E_VALUE);
    struct buf small = BUF_INIT(10);
    b = json_build();
    jb_text(&b, "text", "more than ten bytes");
    assert_err(jb_write(&b, &small), E_TOO_LARGE);
    assert_int_equal(small.n, 0);
    buf_free(&small);
}

static void the_wiping_allocator_serves_parser_and_builder(void **state)
{
    json_use_wiping_allocator();
    json_t *v;
    assert_ok(PARSE("{\"a\":[1,2,{\"b\":\"secret\"}]}", &v, NULL));
    struct buf out = BUF_INIT(1000);
    assert_ok(json_pretty(v, &out));
    assert_true(out.n > 0 && out.p[out.n - 1] == '\n');
    json_free(v);
    buf_free(&out);
}

static void a_member_keeps_the_bytes_it_was_written_with(void **state)
{
    static const struct {
        const char *text, *value; /* of member "a"; NULL: there is none */
    } rows[] = {
        {"{\"a\":{\"b\": [1, \"}\\\"\"] } , \"c\":2}", "{\"b\": [1, \"}\\\"\"] }"},
        {" {\n \"c\" : [[], {}], \"a\"\t:\r 17 } ", "17"},
        {"{\"c\":\"\\\\\",\"a\":\"x,}\"}", "\"x,}\""},
        {"{\"a\":null}", "null"},
        {"{\"a\":[1]}", "[1]"},
        {"{\"b\":{\"a\":1}}", NULL},
        {"{\"b\":\"a\",\"c\":[\"a\",1]}", NULL},
        {"{\"\\u0061\":1}", NULL},
        {"{}", NULL},
        {"[\"a\",1]", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes text = bytes_str(rows[i].text), value;
        json_t *v;
        assert_ok(json_parse(text, 1000, &v, NULL));
        json_free(v);
        enum err e = json_member_text(text, "a", &value);
        if (!rows[i].value) {
            assert_err(e, E_NOT_FOUND);
            continue;
        }
        assert_ok(e);
        assert_true(bytes_eq(value, bytes_str(rows[i].value)));
    }
}

static void fields_of_others_are_passed_over_when_they_are_picked(void **state)
{
    uint64_t a = 0;
    const struct json_field fields[] = {{"a", JF_UINT, &a, 9, 0, NULL, 0}};
    json_t *v;
    assert_ok(PARSE("{\"b\":[],\"a\":7}", &v, NULL));
    assert_err(json_fields(v, "x", JSON_FIELDS(fields), NULL), E_MALFORMED);
    assert_ok(json_pick(v, "x", JSON_FIELDS(fields), NULL));
    assert_int_equal(a, 7);
    json_free(v);
    assert_ok(PARSE("{\"b\":1}", &v, NULL));
    assert_err(json_pick(v, "x", JSON_FIELDS(fields), NULL), E_MALFORMED);
    json_free(v);
    assert_ok(PARSE("[]", &v, NULL));
    assert_err(json_pick(v, "x", JSON_FIELDS(fields), NULL), E_MALFORMED);
    json_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_two_parsers_could_read_differently_is_refused),
        cmocka_unit_test(depth_and_size_have_limits),
        cmocka_unit_test(a_problem_does_not_repeat_the_value),
        cmocka_unit_test(fields_outside_the_table_or_its_types_are_malformed),
        cmocka_unit_test(values_outside_their_bounds_are_wrong_values),
        cmocka_unit_test(fields_are_read_into_their_places),
        cmocka_unit_test(a_member_keeps_the_bytes_it_was_written_with),
        cmocka_unit_test(fields_of_others_are_passed_over_when_they_are_picked),
        cmocka_unit_test(canonical_form_sorts_by_utf16_and_escapes_least),
        cmocka_unit_test(canonical_form_refuses_integers_a_double_cannot_hold),
        cmocka_unit_test(the_builder_writes_what_it_was_told),
        cmocka_unit_test(the_builder_reports_its_first_failure),
        cmocka_unit_test(the_wiping_allocator_serves_parser_and_builder),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
