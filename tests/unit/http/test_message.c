#include "io/http/message.h"
#include "test.h"

#define POST "POST /a HTTP/1.1\r\nHost: x\r\n"
#define GET  "GET /a HTTP/1.1\r\nHost: x\r\n"

/* Feeds `in` in pieces of `piece` bytes, allowing a body of `limit`. */
static enum http_step run(struct http_message *m, struct bytes in, size_t piece, size_t limit,
                          enum err *allowed)
{
    enum http_step step = HTTP_STEP_MORE;
    *allowed = OK;
    for (size_t at = 0; at < in.n && step == HTTP_STEP_MORE;) {
        struct bytes part = bytes(in.p + at, in.n - at < piece ? in.n - at : piece);
        at += part.n;
        step = http_message_feed(m, &part);
        if (step == HTTP_STEP_HEAD) {
            *allowed = http_message_allow(m, limit);
            if (*allowed != OK)
                return HTTP_STEP_BAD;
            step = http_message_feed(m, &part);
        }
        at -= part.n;
        if (step == HTTP_STEP_MORE)
            assert_int_equal(part.n, 0);
    }
    return step;
}

static void expect_bad(const char *text, enum err expected)
{
    for (size_t piece = 1; piece <= 4096; piece *= 64) {
        enum err allowed;
        struct http_message *m = http_message_new();
        enum http_step step = run(m, bytes_str(text), piece, 10, &allowed);
        if (step != HTTP_STEP_BAD)
            fail_msg("taken: %s", text);
        assert_err(allowed != OK ? allowed : http_message_problem(m)->err, expected);
        http_message_free(m);
    }
}

static struct http_message *expect_done(const char *text)
{
    struct http_message *m = NULL;
    for (size_t piece = 1; piece <= 4096; piece *= 64) {
        enum err allowed;
        http_message_free(m);
        m = http_message_new();
        if (run(m, bytes_str(text), piece, 10, &allowed) != HTTP_STEP_DONE)
            fail_msg("refused: %s: %s", text, problem_text(http_message_problem(m)));
    }
    return m;
}

static void requests_that_can_be_read_in_two_ways_are_refused(void **state)
{
    const char *const wrong[] = {
        "\x16\x03\x01\x02",
        "GET /a HTTP/1.1\nHost: x\n\n",
        "GET /a HTTP/1.1\r\nHost: x\r\rA: b\r\n\r\n",
        "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a  HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.10\r\nHost: x\r\n\r\n",
        "GET /a\r\n\r\n",
        "get /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GARBAGE /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        GET "Host: y\r\n\r\n",
        GET "A : b\r\n\r\n",
        GET "A: b\r\n c\r\n\r\n",
        GET ": b\r\n\r\n",
        GET "no colon\r\n\r\n",
        GET "A: \x80\r\n\r\n",
        GET "A: \x01\r\n\r\n",
        GET "Expect: the-unexpected\r\n\r\n",
        POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        POST "Content-Length: 1, 1\r\n\r\na",
        POST "Content-Length: -1\r\n\r\na",
        POST "Content-Length: +1\r\n\r\na",
        POST "Content-Length: 0x1\r\n\r\na",
        POST "Content-Length: 18446744073709551617\r\n\r\na",
        POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST "Transfer-Encoding: identity\r\n\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\nz\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_bad(wrong[i], E_MALFORMED);
    expect_bad("CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", E_METHOD);
    expect_bad(POST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\na", E_MEDIA_TYPE);
}

static void targets_that_can_be_read_in_two_ways_are_refused(void **state)
{
    const char *const wrong[] = {
        "*",       "a",          "http://x/a", "//a",     "/a//b",  "/./a",    "/a/..", "/%2e%2E/a",
        "/a%2fb",  "/a%00b",     "/a%0ab",     "/a%7fb",  "/a%ffb", "/a%",     "/a%2",  "/a%zz",
        "/a\\b",   "/a\"b",      "/a<b>",      "/a#b",    "/a?=1",  "/a?b&b",  "/a?&",  "/a?b=1&",
        "/a?b&&c", "/a?b=1&b=2", "/a?b=%",     "/a?b=\"", "/a|b",   "/a?b=%2", "/a^b",  "/{a}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[100];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", wrong[i]);
        expect_bad(text, E_MALFORMED);
    }
}

static void expect_too_large(const char *before, char fill, size_t n, const char *after)
{
    struct buf text = BUF_INIT(1 << 20);
    struct http_message *m = http_message_new();
    enum err allowed;
    assert_ok(buf_add(&text, before, strlen(before)));
    for (size_t i = 0; i < n; i++)
        assert_ok(buf_add(&text, &fill, 1));
    assert_ok(buf_add(&text, after, strlen(after)));
    assert_int_equal(run(m, buf_bytes(&text), 1000, 10, &allowed), HTTP_STEP_BAD);
    assert_err(allowed != OK ? allowed : http_message_problem(m)->err, E_TOO_LARGE);
    http_message_free(m);
    buf_free(&text);
}

static void what_is_too_large_is_refused(void **state)
{
    expect_too_large("GET /", 'a', HTTP_TARGET_MAX, " HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_too_large("GET /", 'a', 3 * HTTP_HEAD_MAX, "");
    expect_too_large(GET "A: ", 'a', HTTP_HEAD_MAX, "\r\n\r\n");
    expect_bad(POST "Content-Length: 11\r\n\r\n", E_TOO_LARGE);
    expect_bad(POST "Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n", E_TOO_LARGE);
    expect_bad(POST "Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n12345678901", E_TOO_LARGE);
    expect_too_large(POST "Transfer-Encoding: chunked\r\n\r\n1;", 'e', 60000, "\r\na\r\n");
    char many[4096] = GET;
    for (size_t i = 0; i < HTTP_HEADERS_MAX; i++)
        strcat(many, "A: b\r\n");
    strcat(many, "\r\n");
    expect_bad(many, E_TOO_LARGE);
}

static void too_many_segments_and_parameters_are_refused(void **state)
{
    char text[512] = "GET ";
    for (size_t i = 0; i <= HTTP_SEGMENTS_MAX; i++)
        strcat(text, "/a");
    strcat(text, " HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_bad(text, E_MALFORMED);
    strcpy(text, "GET /a?");
    for (char c = 'a'; c <= 'a' + HTTP_PARAMS_MAX; c++)
        strncat(strcat(text, c > 'a' ? "&" : ""), &c, 1);
    strcat(text, " HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_bad(text, E_MALFORMED);
}

static void a_request_is_read_with_everything_it_says(void **state)
{
    struct http_message *m = expect_done(
        "\r\nGET /keys/k8s/a%2Db/c_d?version=2&purpose=a%20b&x HTTP/1.1\r\nHost: h:1\r\n"
        "X-Empty:\r\nX-Next:  v \t\r\nCONTENT-type: application/json\r\n\r\n");
    const struct http_head *h = http_message_head(m);
    assert_string_equal(h->method, "GET");
    assert_string_equal(h->target, "/keys/k8s/a%2Db/c_d?version=2&purpose=a%20b&x");
    const char *const segments[] = {"keys", "k8s", "a-b", "c_d"};
    assert_int_equal(h->n_segments, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(h->segments[i], segments[i]);
    assert_int_equal(h->n_params, 3);
    assert_string_equal(http_param(h, "version"), "2");
    assert_string_equal(http_param(h, "purpose"), "a b");
    assert_string_equal(http_param(h, "x"), "");
    assert_null(http_param(h, "y"));
    assert_int_equal(h->n_headers, 4);
    assert_string_equal(http_header(h, "host"), "h:1");
    assert_string_equal(http_header(h, "x-empty"), "");
    assert_string_equal(http_header(h, "x-next"), "v");
    assert_string_equal(http_header(h, "content-type"), "application/json");
    assert_true(h->keep_alive);
    assert_false(h->has_body || h->expects_continue);
    http_message_free(m);
}

static void a_path_keeps_its_end(void **state)
{
    const struct {
        const char *target;
        size_t n;
    } good[] = {{"/", 0}, {"/?a=1", 0}, {"/a/", 2}, {"/a/?", 2}, {"/a:b@c", 1}, {"/a?b=/c?d", 1}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[100];
        snprintf(text, sizeof text, "GET %s HTTP/1.0\r\n\r\n", good[i].target);
        struct http_message *m = expect_done(text);
        assert_int_equal(http_message_head(m)->n_segments, good[i].n);
        assert_false(http_message_head(m)->keep_alive);
        http_message_free(m);
    }
}

static void bodies_come_counted_or_in_chunks(void **state)
{
    const char *const good[] = {
        POST "Content-Length: 10\r\n\r\n1234567890",
        POST "Transfer-Encoding: Chunked\r\n\r\n4\r\n1234\r\n6;ext=1\r\n567890\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct http_message *m = expect_done(good[i]);
        assert_true(http_message_head(m)->has_body);
        assert_true(bytes_eq(http_message_body(m), bytes_str("1234567890")));
        http_message_free(m);
    }
    struct http_message *m = expect_done(POST "Content-Length: 0\r\n\r\n");
    assert_false(http_message_head(m)->has_body);
    http_message_free(m);
}

static void upgrade_is_ignored_and_expect_is_seen(void **state)
{
    struct http_message *m =
        expect_done(POST "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n"
                         "Expect: 100-Continue\r\n\r\nab");
    assert_true(bytes_eq(http_message_body(m), bytes_str("ab")));
    assert_true(http_message_head(m)->expects_continue);
    http_message_free(m);
    http_message_free(expect_done(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
}

static void the_next_request_is_left_in_the_input(void **state)
{
    const char *const first[] = {GET "\r\n", POST "Content-Length: 2\r\n\r\nab",
                                 POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        char text[300];
        snprintf(text, sizeof text, "%s%s", first[i], "GET /next");
        struct bytes in = bytes_str(text);
        struct http_message *m = http_message_new();
        assert_int_equal(http_message_feed(m, &in), HTTP_STEP_HEAD);
        assert_ok(http_message_allow(m, 10));
        assert_int_equal(http_message_feed(m, &in), HTTP_STEP_DONE);
        assert_true(bytes_eq(in, bytes_str("GET /next")));
        http_message_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_can_be_read_in_two_ways_are_refused),
        cmocka_unit_test(targets_that_can_be_read_in_two_ways_are_refused),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(too_many_segments_and_parameters_are_refused),
        cmocka_unit_test(a_request_is_read_with_everything_it_says),
        cmocka_unit_test(a_path_keeps_its_end),
        cmocka_unit_test(bodies_come_counted_or_in_chunks),
        cmocka_unit_test(upgrade_is_ignored_and_expect_is_seen),
        cmocka_unit_test(the_next_request_is_left_in_the_input),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
