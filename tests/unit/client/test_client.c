#include "io/client/client.h"
#include "base/codec/hex.h"
#include "server.h"
#include "test.h"

#include <openssl/tls1.h>
#include <unistd.h>

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void expect(const struct client_request *r, size_t max, enum err expected, const char *why)
{
    struct client_answer a = client_answer(max);
    struct problem p = {0};
    enum err e = client_call(r, &a, &p);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected '%s' (%s), got %s '%s'", why, err_code(expected), err_code(e), p.detail);
    if (e != OK)
        assert_int_equal(a.body.n + a.cert.n + a.head.n, 0);
    client_answer_free(&a);
}

static void what_cannot_be_asked_is_refused(void **state)
{
    struct client_request r = {.method = "GET", .url = "ftp://localhost/"};
    expect(&r, 100, E_VALUE, "ftp://localhost/");
    r.url = "file:///etc/passwd";
    expect(&r, 100, E_VALUE, "");
    r.url = "http://";
    expect(&r, 100, E_VALUE, "");
    r.url = "http://127.0.0.1:1/";
    expect(&r, 100, E_IO, "http://127.0.0.1:1/");
    r.bearer = "a\r\nInjected: header";
    expect(&r, 100, E_VALUE, "");
}

static void an_answer_beyond_the_limit_is_refused(void **state)
{
    struct server s;
    server_start(&s, false, HELLO);
    struct client_request r = {.method = "GET", .url = s.url};
    expect(&r, 4, E_TOO_LARGE, "more than 4 bytes");
    expect(&r, 5, OK, "");
    server_stop(&s);
}

static void a_server_that_never_answers_costs_no_more_than_the_time_allowed(void **state)
{
    struct server s;
    server_start(&s, false, NULL);
    struct client_request r = {.method = "GET", .url = s.url, .timeout_ms = 200};
    expect(&r, 100, E_IO, "");
    server_stop(&s);
}

static void an_answer_that_is_not_http_or_ends_early_is_refused(void **state)
{
    static const char *const wrong[] = {"hello\n",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"};
    for (size_t i = 0; i < 2; i++) {
        struct server s;
        server_start(&s, false, wrong[i]);
        struct client_request r = {.method = "GET", .url = s.url};
        expect(&r, 100, E_IO, "");
        server_stop(&s);
    }
}

static void redirects_are_not_followed(void **state)
{
    struct server s, other;
    server_start(&other, false, HELLO);
    char answer[256];
    snprintf(answer, sizeof answer,
             "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", other.url);
    server_start(&s, false, answer);
    struct client_request r = {.method = "GET", .url = s.url};
    struct client_answer a = client_answer(100);
    assert_ok(client_call(&r, &a, NULL));
    assert_int_equal(a.status, 302);
    assert_int_equal(a.body.n, 0);
    client_answer_free(&a);
    server_stop(&s);
    server_stop(&other);
}

static void a_proxy_in_the_environment_is_not_used(void **state)
{
    struct server s;
    server_start(&s, false, HELLO);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    struct client_request r = {.method = "GET", .url = s.url};
    expect(&r, 100, OK, "");
    unsetenv("http_proxy");
    server_stop(&s);
}

static void a_named_proxy_is_asked_and_no_other(void **state)
{
    struct server proxy;
    server_start(&proxy, false, HELLO);
    setenv("no_proxy", "*", 1);
    struct client_request r = {
        .method = "GET", .url = "http://nowhere.invalid/", .proxy = proxy.url};
    expect(&r, 100, OK, "");
    r.url = "https://nowhere.invalid/"; /* it gives a body where a tunnel was asked for */
    expect(&r, 100, E_IO, "");
    r.proxy = "http://127.0.0.1:1";
    expect(&r, 100, E_IO, "");
    r.proxy = "socks5://127.0.0.1:1";
    expect(&r, 100, E_VALUE, "proxy");
    unsetenv("no_proxy");
    server_stop(&proxy);
}

static void fields_of_the_header_are_found_by_name(void **state)
{
    struct server s;
    struct bytes v;
    server_start(&s, false,
                 "HTTP/1.1 429 Slow\r\nRetry-After:  7 \r\nEmpty:\r\nTwice: a\r\ntwice: b\r\n"
                 "Content-Length: 0\r\n\r\n");
    struct client_request r = {.method = "GET", .url = s.url};
    struct client_answer a = client_answer(100);
    assert_ok(client_call(&r, &a, NULL));
    assert_int_equal(a.status, 429);
    assert_int_equal(a.retry_after_s, 7);
    assert_ok(client_header(&a, "retry-AFTER", &v));
    assert_true(bytes_eq(v, bytes_str("7")));
    assert_ok(client_header(&a, "empty", &v));
    assert_int_equal(v.n, 0);
    assert_err(client_header(&a, "retry", &v), E_NOT_FOUND);
    assert_err(client_header(&a, "7", &v), E_NOT_FOUND);
    assert_err(client_header(&a, "Twice", &v), E_MALFORMED);
    client_answer_free(&a);
    assert_err(client_header(&a, "retry-after", &v), E_NOT_FOUND);
    server_stop(&s);
}

static void a_header_without_end_is_refused(void **state)
{
    static char answer[4 * CLIENT_HEAD_MAX];
    size_t n = (size_t)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\n");
    while (n < 2 * CLIENT_HEAD_MAX)
        n += (size_t)snprintf(answer + n, sizeof answer - n, "Name: value\r\n");
    snprintf(answer + n, sizeof answer - n, "\r\nhello");
    struct server s;
    server_start(&s, false, answer);
    struct client_request r = {.method = "GET", .url = s.url};
    expect(&r, 100, E_TOO_LARGE, "bytes of header");
    server_stop(&s);
}

static void a_stranger_with_tls_is_not_believed(void **state)
{
    struct server s, other;
    server_start(&s, true, HELLO);
    server_start(&other, true, HELLO);
    struct client_request r = {.method = "GET", .url = s.url};
    expect(&r, 100, E_CHAIN, ""); /* no authority of the system */
    r.ca_file = other.cert_file;
    expect(&r, 100, E_CHAIN, "");
    r.ca_file = "/nonexistent.pem";
    expect(&r, 100, E_CHAIN, "");
    /* The right certificate under another name. */
    char by_number[64];
    snprintf(by_number, sizeof by_number, "https://127.0.0.1:%s", strrchr(s.url, ':') + 1);
    r = (struct client_request){.method = "GET", .url = by_number, .ca_file = s.cert_file};
    expect(&r, 100, E_CHAIN, "");
    r = (struct client_request){.method = "GET", .url = s.url, .pinned_spki = &other.spki};
    expect(&r, 100, E_CHAIN, "");
    server_stop(&s);
    server_stop(&other);
}

static void a_trusted_or_pinned_server_is_heard_and_its_certificate_kept(void **state)
{
    struct server s;
    server_start(&s, true, HELLO);
    struct client_request requests[] = {
        {.method = "GET", .url = s.url, .ca_file = s.cert_file},
        {.method = "GET", .url = s.url, .pinned_spki = &s.spki},
        {.method = "POST", .url = s.url, .ca_file = s.cert_file, .body = bytes_str("{}")},
    };
    for (size_t i = 0; i < 3; i++) {
        struct client_answer a = client_answer(100);
        struct problem p = {0};
        if (client_call(&requests[i], &a, &p) != OK)
            fail_msg("%s", p.detail);
        assert_int_equal(a.status, 200);
        assert_true(bytes_eq(buf_bytes(&a.body), bytes_str("hello")));
        assert_true(hash32_eq(sha256(buf_bytes(&a.cert)), s.cert));
        client_answer_free(&a);
    }
    server_stop(&s);
}

static void no_tls_older_than_asked_for_is_spoken(void **state)
{
    struct server s;
    server_start_exporting(&s, TLS1_2_VERSION, "test");
    struct client_request r = {.method = "GET", .url = s.url, .ca_file = s.cert_file};
    expect(&r, 100, OK, "");
    r.tls13 = true;
    expect(&r, 100, E_IO, "");
    server_stop(&s);
}

/* What the server says of the connection, and what the client found. */
static void ask_exporter(const struct server *s, struct client_session *session,
                         struct client_channel *channel)
{
    struct client_request r = {
        .session = session, .method = "GET", .url = s->url, .tls13 = true, .channel = channel};
    struct client_answer a = client_answer(100);
    struct problem p = {0};
    char hex[65];
    *channel = (struct client_channel){.label = "test"};
    if (client_call(&r, &a, &p) != OK)
        fail_msg("%s", p.detail);
    hex_encode(BYTES_OF(channel->exporter), hex);
    assert_true(bytes_eq(buf_bytes(&a.body), bytes_str(hex)));
    assert_true(hash32_eq(channel->server_spki, s->spki));
    client_answer_free(&a);
}

static void a_channel_is_that_of_the_connection(void **state)
{
    struct server s;
    struct client_channel one, two;
    struct client_session *session;
    server_start_exporting(&s, TLS1_3_VERSION, "test");
    ask_exporter(&s, NULL, &one);
    ask_exporter(&s, NULL, &two);
    assert_memory_not_equal(one.exporter, two.exporter, sizeof one.exporter);
    assert_ok(client_session_open(&session));
    ask_exporter(&s, session, &one);
    ask_exporter(&s, session, &two);
    assert_memory_equal(one.exporter, two.exporter, sizeof one.exporter);
    client_session_close(session);
    server_stop(&s);
    server_start(&s, false, HELLO);
    struct client_request plain = {.method = "GET", .url = s.url, .channel = &one};
    expect(&plain, 100, E_CHAIN, "cannot be bound");
    server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_asked_is_refused),
        cmocka_unit_test(an_answer_beyond_the_limit_is_refused),
        cmocka_unit_test(a_server_that_never_answers_costs_no_more_than_the_time_allowed),
        cmocka_unit_test(an_answer_that_is_not_http_or_ends_early_is_refused),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_proxy_in_the_environment_is_not_used),
        cmocka_unit_test(a_named_proxy_is_asked_and_no_other),
        cmocka_unit_test(fields_of_the_header_are_found_by_name),
        cmocka_unit_test(a_header_without_end_is_refused),
        cmocka_unit_test(a_stranger_with_tls_is_not_believed),
        cmocka_unit_test(a_trusted_or_pinned_server_is_heard_and_its_certificate_kept),
        cmocka_unit_test(no_tls_older_than_asked_for_is_spoken),
        cmocka_unit_test(a_channel_is_that_of_the_connection),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
