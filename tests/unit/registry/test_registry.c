#include "../client/server.h"
#include "io/registry/registry.h"
#include "test.h"

#define NODE(ip)    "{\"ip_address\":\"" ip "\",\"raft_port\":8444,\"api_port\":8443}"
#define LIST(nodes) "{\"nodes\":[" nodes "]}"

static struct registry_list list;

static void assert_refused(const char *text, enum err expected, const char *why)
{
    struct problem p = {0};
    list.n = 7;
    enum err e = registry_parse(bytes_str(text), &list, &p);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected '%s', got %s '%s' for %s", why, err_code(e), p.detail, text);
    assert_int_equal(list.n, 0);
}

static void answers_of_another_shape_are_refused(void **state)
{
    assert_refused("", E_MALFORMED, "");
    assert_refused("[]", E_MALFORMED, "answer");
    assert_refused("{}", E_MALFORMED, "nodes");
    assert_refused("{\"nodes\":{}}", E_MALFORMED, "nodes");
    assert_refused("{\"nodes\":[],\"more\":1}", E_MALFORMED, "more");
    assert_refused(LIST("1"), E_MALFORMED, "nodes[0]");
    assert_refused(LIST(NODE("10.0.0.1") ",{}"), E_MALFORMED, "nodes[1]");
    assert_refused(LIST("{\"ip_address\":\"1.2.3.4\",\"raft_port\":0,\"api_port\":1}"), E_VALUE,
                   "nodes[0].raft_port");
    assert_refused(LIST("{\"ip_address\":\"1.2.3.4\",\"raft_port\":1,\"api_port\":65536}"), E_VALUE,
                   "nodes[0].api_port");
}

static void only_numeric_addresses_of_hosts_are_taken(void **state)
{
    assert_refused(LIST(NODE("guardian.example")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("1.2.3")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("1.2.3.4.5")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("0x7f.1.1.1")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("[::1]")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("0.0.0.0")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("::")), E_VALUE, "ip_address");
    assert_refused(LIST(NODE("fe80::1%eth0")), E_VALUE, "ip_address");
}

static void too_many_nodes_are_refused(void **state)
{
    struct buf text = BUF_INIT(REGISTRY_ANSWER_MAX + 1);
    assert_ok(buf_add(&text, "{\"nodes\":[", 10));
    for (int i = 0; i <= REGISTRY_NODES_MAX; i++) {
        const char *node = &"," NODE("10.0.0.1")[i == 0];
        assert_ok(buf_add(&text, node, strlen(node)));
    }
    assert_ok(buf_add(&text, "]}", 3));
    assert_refused((const char *)text.p, E_VALUE, "nodes");
    buf_free(&text);
}

static void both_families_are_read(void **state)
{
    struct problem p = {0};
    assert_ok(
        registry_parse(bytes_str(LIST(NODE("192.0.2.4") "," NODE("2001:DB8:0::1"))), &list, &p));
    assert_int_equal(list.n, 2);
    assert_string_equal(list.nodes[0].host, "192.0.2.4");
    assert_int_equal(list.nodes[0].raft_port, 8444);
    assert_int_equal(list.nodes[0].api_port, 8443);
    assert_string_equal(list.nodes[1].host, "2001:db8::1");
    assert_ok(registry_parse(bytes_str(LIST("")), &list, &p));
    assert_int_equal(list.n, 0);
}

static void a_registry_is_asked_over_http(void **state)
{
    struct server good, missing;
    struct problem p = {0};
    server_start(&good, true,
                 "HTTP/1.1 200 OK\r\nContent-Length: 71\r\n\r\n" LIST(NODE("192.0.2.4")));
    server_start(&missing, false, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}");
    struct registry_source s = {
        .url = good.url, .namespace = "guardian", .ca_file = good.cert_file};
    if (registry_fetch(&s, &list, &p) != OK)
        fail_msg("%s", p.detail);
    assert_int_equal(list.n, 1);
    s.ca_file = NULL;
    assert_err(registry_fetch(&s, &list, &p), E_CHAIN);
    s = (struct registry_source){.url = missing.url, .namespace = "guardian"};
    assert_err(registry_fetch(&s, &list, &p), E_IO);
    assert_non_null(strstr(p.detail, "answers 404"));
    s.namespace = "a&b=c";
    assert_err(registry_fetch(&s, &list, &p), E_VALUE);
    server_stop(&good);
    server_stop(&missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_another_shape_are_refused),
        cmocka_unit_test(only_numeric_addresses_of_hosts_are_taken),
        cmocka_unit_test(too_many_nodes_are_refused),
        cmocka_unit_test(both_families_are_read),
        cmocka_unit_test(a_registry_is_asked_over_http),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
