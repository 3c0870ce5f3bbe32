#include "prog/guardian/changes.h"
#include "test.h"

static enum err check(const char *text, struct problem *p)
{
    json_t *v = NULL;
    *p = (struct problem){0};
    assert_ok(json_parse(bytes_str(text), 1 << 16, &v, p));
    enum err e = change_check(v, p);
    json_free(v);
    return e;
}

static void assert_canonical(json_t *v, const char *expected)
{
    struct buf text = BUF_INIT(4096);
    struct problem p = {0};
    assert_ok(change_check(v, &p));
    assert_ok(json_canonical(v, &text));
    assert_ok(buf_add(&text, "", 1));
    assert_string_equal((const char *)text.p, expected);
    buf_free(&text);
    json_free(v);
}

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PPID "00112233445566778899aabbccddeeff"
#define SEAT(gid, id, peer)                                                            \
    "{\"type\":\"seat.add\",\"seat\":{" gid "\"operator\":\"o\",\"vendor\":\"intel\"," \
    "\"platform_id\":\"" id "\",\"addresses\":{\"peer\":\"" peer "\",\"api\":\"h:2\"}}}"
#define NS(name, mode, dns, ip)                                                        \
    "{\"type\":\"namespace.create\",\"namespace\":\"" name "\",\"mode\":\"" mode "\"," \
    "\"dns\":" dns ",\"ip\":" ip "}"

static void wrong_shapes_are_malformed(void **state)
{
    static const char *const wrong[] = {
        "{}",
        "[]",
        "{\"type\":1}",
        "{\"type\":\"namespace.create\"}",
        "{\"type\":\"namespace.create\",\"namespace\":\"a\",\"mode\":\"sealed\",\"dns\":[]}",
        NS("a", "sealed", "{}", "[]"),
        NS("a", "sealed", "[1]", "[]"),
        "{\"type\":\"measurement.revoke\",\"namespace\":\"a\",\"measurement_hash\":\"" HASH
        "\",\"more\":1}",
        "{\"type\":\"measurement.add\",\"namespace\":\"a\",\"record\":{\"platform\":\"tdx\"}}",
        "{\"type\":\"seat.add\",\"seat\":{\"operator\":\"o\"}}",
    };
    struct problem p;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(check(wrong[i], &p), E_MALFORMED);
}

static void wrong_values_are_named(void **state)
{
    static const struct {
        const char *text, *because;
    } wrong[] = {
        {"{\"type\":\"seat.steal\"}", "seat.steal"},
        {NS("A", "sealed", "[]", "[]"), "namespace"},
        {NS("-a", "sealed", "[]", "[]"), "namespace"},
        {NS("a", "open", "[]", "[]"), "mode"},
        {NS("a", "sealed", "[\"a..b\"]", "[]"), "dns"},
        {NS("a", "sealed", "[\"*.b\"]", "[]"), "dns"},
        {NS("a", "sealed", "[]", "[\"10.0.0.0\"]"), "ip"},
        {NS("a", "sealed", "[]", "[\"10.0.0.0/33\"]"), "ip"},
        {NS("a", "sealed", "[]", "[\"10.0.0.0/-1\"]"), "ip"},
        {NS("a", "sealed", "[]", "[\"::/129\"]"), "ip"},
        {"{\"type\":\"measurement.revoke\",\"namespace\":\"a\",\"measurement_hash\":\"ABCD\"}",
         "measurement_hash"},
        {"{\"type\":\"measurement.add\",\"namespace\":\"a\",\"record\":{\"platform\":\"sgx\","
         "\"data\":{}}}",
         "platform"},
        {SEAT("\"gid\":0,", PPID, "h:1"), "gid"},
        {SEAT("\"gid\":65536,", PPID, "h:1"), "gid"},
        {SEAT("", "00", "h:1"), "platform_id"},
        {SEAT("", PPID, "h"), "peer"},
        {SEAT("", PPID, "h:0"), "peer"},
        {SEAT("", PPID, "h:65536"), "peer"},
        {SEAT("", PPID, "::1:8444"), "peer"},
    };
    struct problem p;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_err(check(wrong[i].text, &p), E_VALUE);
        if (!strstr(p.detail, wrong[i].because))
            fail_msg("%s: %s", wrong[i].text, p.detail);
    }
}

static void changes_have_their_published_shapes(void **state)
{
    json_t *v, *record;
    struct problem p = {0};
    const char *const dns[] = {"staging.example.org"}, *const ip[] = {"10.0.0.0/8", "fd00::/8"};
    assert_ok(change_namespace_create(
        &(struct change_namespace){"k8s-staging", "sealed", dns, ip, 1, 2}, &v));
    assert_canonical(v, "{\"dns\":[\"staging.example.org\"],\"ip\":[\"10.0.0.0/8\",\"fd00::/8\"],"
                        "\"mode\":\"sealed\",\"namespace\":\"k8s-staging\","
                        "\"type\":\"namespace.create\"}");
    assert_ok(json_parse(bytes_str("{\"platform\":\"tdx\",\"data\":{\"mrtd\":\"00\"}}"), 100,
                         &record, &p));
    assert_ok(change_measurement_add("a", record, &v));
    json_free(record);
    assert_canonical(v, "{\"namespace\":\"a\",\"record\":{\"data\":{\"mrtd\":\"00\"},"
                        "\"platform\":\"tdx\"},\"type\":\"measurement.add\"}");
    assert_ok(change_measurement_revoke("a", HASH, &v));
    assert_canonical(v, "{\"measurement_hash\":\"" HASH "\",\"namespace\":\"a\","
                        "\"type\":\"measurement.revoke\"}");
    assert_ok(change_seat_add(
        &(struct change_seat){4, "alpha", "amd", PPID, "[::1]:8444", "192.0.2.4:8443"}, &v));
    assert_canonical(v, "{\"seat\":{\"addresses\":{\"api\":\"192.0.2.4:8443\","
                        "\"peer\":\"[::1]:8444\"},\"gid\":4,\"operator\":\"alpha\","
                        "\"platform_id\":\"" PPID "\",\"vendor\":\"amd\"},\"type\":\"seat.add\"}");
    assert_ok(change_seat_add(&(struct change_seat){0, "alpha", "amd", PPID, "a:1", "b:2"}, &v));
    assert_null(json_member(json_member(v, "seat"), "gid"));
    json_free(v);
}

static void a_title_says_what_about_what(void **state)
{
    char title[64];
    json_t *v;
    assert_ok(change_measurement_revoke("a", HASH, &v));
    change_title(v, title, sizeof title);
    assert_string_equal(title, "measurement.revoke a");
    json_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_shapes_are_malformed),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(changes_have_their_published_shapes),
        cmocka_unit_test(a_title_says_what_about_what),
    };
    return cmocka_run_group_tests_name("guardian/changes", tests, NULL, NULL);
}
