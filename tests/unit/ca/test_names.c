#include "core/ca/ca.h"
#include "test.h"

static void addresses_of_another_form_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "1.2.3.256",
                                      "01.2.3.4",
                                      "1.2.3.4 ",
                                      " 1.2.3.4",
                                      "1.2.3.-4",
                                      "1..2.3",
                                      "1.2.3.4/8",
                                      "0x1.2.3.4",
                                      ":",
                                      ":::",
                                      "::1::",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7::8",
                                      "12345::",
                                      "g::",
                                      "::1.2.3.4",
                                      "1:2:3:4:5:6:7:",
                                      ":1:2:3:4:5:6:7:8",
                                      "fe80::1%eth0",
                                      "[::1]",
                                      "1111:1111:1111:1111:1111:1111:1111:11111"};
    struct ca_ip ip;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ca_ip_parse(bad[i], &ip) != E_VALUE)
            fail_msg("%s", bad[i]);
}

static void networks_of_another_form_are_refused(void **state)
{
    static const char *const bad[] = {"10.0.0.0",     "10.0.0.0/",  "10.0.0.0/33",   "10.0.0.0/08",
                                      "10.0.0.0/8 ",  "10.0.0.1/8", "10.0.0.0/-1",   "10.0.0.0/8/8",
                                      "::/129",       "::1/127",    "2001:db9::/31", "/8",
                                      "10.0.0.0/1000"};
    struct ca_ip ip;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ca_net_parse(bad[i], &ip) != E_VALUE)
            fail_msg("%s", bad[i]);
}

/* Text that RFC 5952 would write comes back. */
static void networks_come_back(void **state)
{
    static const char *const good[] = {
        "0.0.0.0/0", "10.0.0.0/8",      "192.0.2.128/25",           "::/0",        "2001:db8::/32",
        "fd00::/8",  "2001:0:0:1::/64", "2001:db8:0:1:1:1:1:0/127", "1:0:0:2::/64"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct ca_ip ip;
        char text[CA_IP_TEXT];
        assert_ok(ca_net_parse(good[i], &ip));
        ca_ip_text(&ip, text);
        assert_string_equal(text, good[i]);
    }
}

static void addresses_are_written_as_rfc_5952_says(void **state)
{
    static const char *const cases[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:0db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ca_ip ip;
        char text[CA_IP_TEXT];
        assert_ok(ca_ip_parse(cases[i][0], &ip));
        ca_ip_text(&ip, text);
        assert_string_equal(text, cases[i][1]);
    }
}

static void dns_names_are_lower_case_labels(void **state)
{
    static const char *const bad[] = {"",      ".",   "a.",   ".a",   "a..b", "A.org",
                                      "*.org", "a_b", "-a.b", "a-.b", "a b",  "\xc3\xa4.org"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(ca_dns_valid(bytes_str(bad[i])));
    assert_false(ca_dns_valid(bytes("a\0b", 3)));
    assert_true(ca_dns_valid(bytes_str("localhost")));
    assert_true(ca_dns_valid(bytes_str("xn--bcher-kva.example.org")));
}

static struct ca_names staging(void)
{
    struct ca_names n = {0};
    assert_ok(ca_names_add_dns(&n, bytes_str("staging.example.org")));
    assert_ok(ca_names_add_net(&n, "10.16.0.0/12"));
    assert_ok(ca_names_add_net(&n, "2001:db8::/32"));
    return n;
}

static bool dns_fits(const char *name, const struct ca_names *allowed)
{
    struct ca_names n = {0};
    assert_ok(ca_names_add_dns(&n, bytes_str(name)));
    return ca_names_within(&n, allowed);
}

static bool ip_fits(const char *address, const struct ca_names *allowed)
{
    struct ca_names n = {0};
    assert_ok(ca_names_add_ip(&n, address));
    return ca_names_within(&n, allowed);
}

static void names_outside_are_seen(void **state)
{
    struct ca_names allowed = staging(), none = {0}, any = {.any = true}, both = staging();
    assert_true(dns_fits("staging.example.org", &allowed));
    assert_true(dns_fits("a.b.staging.example.org", &allowed));
    assert_false(dns_fits("xstaging.example.org", &allowed));
    assert_false(dns_fits("example.org", &allowed));
    assert_false(dns_fits("staging.example.org.evil.net", &allowed));
    assert_true(ip_fits("10.31.255.255", &allowed));
    assert_false(ip_fits("10.32.0.0", &allowed));
    assert_false(ip_fits("10.15.255.255", &allowed));
    assert_true(ip_fits("2001:db8:ffff::1", &allowed));
    assert_false(ip_fits("2001:db9::1", &allowed));
    assert_false(ip_fits("a10::", &allowed)); /* the bytes of 10.16.0.0, in the other family */
    assert_false(dns_fits("a.org", &none) || ip_fits("10.16.0.1", &none));
    assert_true(ca_names_within(&none, &none) && ca_names_within(&none, &allowed));
    assert_true(dns_fits("a.org", &any) && ip_fits("::1", &any) && ca_names_within(&any, &any));
    assert_false(ca_names_within(&any, &allowed));
    assert_ok(ca_names_add_dns(&both, bytes_str("other.org"))); /* one bad name is enough */
    assert_false(ca_names_within(&both, &allowed));
    assert_true(ca_names_within(&allowed, &both));
}

static void names_come_back_from_the_log(void **state)
{
    struct ca_names lists[] = {staging(), {0}, {.any = true}}, back;
    for (size_t i = 0; i < 3; i++) {
        struct buf out = BUF_INIT(4096), again = BUF_INIT(4096);
        struct writer w = writer(&out), v = writer(&again);
        ca_names_write(&w, &lists[i]);
        struct reader r = reader(buf_bytes(&out));
        ca_names_read(&r, &back);
        assert_ok(reader_end(&r, E_MALFORMED));
        ca_names_write(&v, &back);
        assert_true(bytes_eq(buf_bytes(&out), buf_bytes(&again)));
        for (size_t n = 0; n < out.n; n++) {
            r = reader(bytes(out.p, n));
            ca_names_read(&r, &back);
            assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
            assert_int_equal(back.n_dns + back.n_ip, 0);
        }
        buf_free(&out);
        buf_free(&again);
    }
}

static void names_nobody_writes_are_refused_from_the_log(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
#define BAD(literal) {literal, sizeof(literal) - 1}
        BAD("\2\0\0\0\0\0\0\0\0"),          /* no truth value */
        BAD("\1\0\0\0\1\0\0\0\1a\0\0\0\0"), /* everything, and a name */
        BAD("\0\0\0\0\1\0\0\0\1A\0\0\0\0"), /* no DNS name */
        BAD("\0\0\0\0\x21"),                /* too many */
        BAD("\0\0\0\0\0\0\0\0\1\5\0"
            "0000000000000000"),                                          /* no family */
        BAD("\0\0\0\0\0\0\0\0\1\4\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),  /* prefix of 33 */
        BAD("\0\0\0\0\0\0\0\0\1\4\x8\xa\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),  /* host bits */
        BAD("\0\0\0\0\0\0\0\0\1\4\x20\xa\0\0\1\1\0\0\0\0\0\0\0\0\0\0\0"), /* a fifth byte */
#undef BAD
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ca_names names;
        struct reader r = reader(bytes(bad[i].bytes, bad[i].n));
        ca_names_read(&r, &names);
        assert_true(r.bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_another_form_are_refused),
        cmocka_unit_test(networks_of_another_form_are_refused),
        cmocka_unit_test(networks_come_back),
        cmocka_unit_test(addresses_are_written_as_rfc_5952_says),
        cmocka_unit_test(dns_names_are_lower_case_labels),
        cmocka_unit_test(names_outside_are_seen),
        cmocka_unit_test(names_come_back_from_the_log),
        cmocka_unit_test(names_nobody_writes_are_refused_from_the_log),
    };
    return cmocka_run_group_tests_name("ca names", tests, NULL, NULL);
}
