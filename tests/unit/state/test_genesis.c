#include "base/codec/json.h"
#include "core/state/genesis.h"
#include "test.h"

#define KEY(digit)  digit digit digit digit digit digit digit digit
#define HEX32(d)    KEY(d) KEY(d) KEY(d) KEY(d)
#define HEX64(d)    HEX32(d) HEX32(d)
#define HEX96(d)    HEX64(d) HEX32(d)
#define HEX128(d)   HEX64(d) HEX64(d)
#define ADMIN(n, d) "{\"name\":\"" n "\",\"key\":\"" HEX64(d) "\"}"
#define TDX                                                                                \
    "{\"platform\":\"tdx\",\"data\":{\"mrtd\":\"" HEX96("1") "\",\"rtmr0\":\"" HEX96(      \
        "2") "\",\""                                                                       \
             "rtmr1\":\"" HEX96("3") "\",\"rtmr2\":\"" HEX96("4") "\",\"rtmr3\":\"" HEX96( \
                 "5") "\"}}"
#define SNP      "{\"platform\":\"sev_snp\",\"data\":{\"measurement\":\"" HEX96("6") "\"}}"
#define AT(port) "\"addresses\":{\"peer\":\"10.0.0.1:" port "4\",\"api\":\"10.0.0.1:" port "3\"}"
#define INTEL(gid, d, port) \
    "{\"gid\":" gid         \
    ",\"operator\":\"a\",\"vendor\":\"intel\",\"platform_id\":\"" HEX32(d) "\"," AT(port) "}"
#define AMD(gid, d, port) \
    "{\"gid\":" gid       \
    ",\"operator\":\"b\",\"vendor\":\"amd\",\"platform_id\":\"" HEX128(d) "\"," AT(port) "}"

/* The parts of a good genesis; a test replaces one. */
struct parts {
    const char *head, *admins, *quorum, *measurements, *seats;
};
static const struct parts good = {
    "\"trust_domain\":\"guardian.example\",\"simulation\":false",
    ADMIN("ann", "a") "," ADMIN("bob", "b"),
    "2",
    TDX "," SNP,
    INTEL("3", "7", "844") "," AMD("1", "8", "845") "," INTEL("2", "9", "846"),
};

static enum err parse(struct parts in, struct genesis *g, struct problem *p)
{
    static char text[16384];
    snprintf(text, sizeof text,
             "{%s,\"admins\":[%s],\"admin_quorum\":%s,\"measurements\":[%s],\"seats\":[%s]}",
             in.head, in.admins, in.quorum, in.measurements, in.seats);
    return genesis_parse(bytes_str(text), g, p);
}

static void assert_refused(struct parts in, enum err expected, const char *why)
{
    struct genesis g;
    struct problem p = {0};
    enum err e = parse(in, &g, &p);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected '%s' (%s), got '%s' (%s)", why, err_code(expected), p.detail,
                 err_code(e));
    assert_null(g.measurements[0]);
}

#define REFUSED(field, value, e, why)    \
    do {                                 \
        struct parts changed = good;     \
        changed.field = (value);         \
        assert_refused(changed, e, why); \
    } while (0)

#define HEAD(rest) "\"trust_domain\":\"guardian.example\",\"simulation\":false," rest

static void a_wrong_head_is_refused(void **state)
{
    REFUSED(head, "\"simulation\":false", E_MALFORMED, "'trust_domain' is missing");
    REFUSED(head, "\"trust_domain\":\"a\"", E_MALFORMED, "'simulation' is missing");
    REFUSED(head, "\"trust_domain\":\"a\",\"simulation\":0", E_MALFORMED, "simulation must be");
    REFUSED(head, HEAD("\"extra\":1"), E_MALFORMED, "unknown field 'extra'");
    REFUSED(head, HEAD("\"mode\":\"loose\""), E_VALUE, "genesis.mode");
    REFUSED(head, HEAD("\"lease_ms\":999"), E_VALUE, "genesis.lease_ms");
    REFUSED(head, HEAD("\"lease_ms\":600001"), E_VALUE, "genesis.lease_ms");
    REFUSED(head, HEAD("\"f\":1"), E_VALUE, "needs 4 seats");
    static const char *const domains[] = {"A.example", "-a", "a-",  "a..b",
                                          ".a",        "a.", "a b", "a/b"};
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        char head[100];
        snprintf(head, sizeof head, "\"trust_domain\":\"%s\",\"simulation\":true", domains[i]);
        REFUSED(head, head, E_VALUE, "trust_domain must be a DNS name");
    }
}

static void wrong_administrators_are_refused(void **state)
{
    REFUSED(admins, "", E_VALUE, "admins is empty");
    REFUSED(admins, ADMIN("ann", "a") "," ADMIN("bob", "a"), E_VALUE, "admins[1]: this key");
    REFUSED(admins, ADMIN("ann", "a") "," ADMIN("ann", "b"), E_VALUE,
            "admins[1]: this key or name");
    REFUSED(admins, ADMIN("ann", "0"), E_VALUE, "admins[0].key is no key");
    REFUSED(admins, "{\"name\":\"a\",\"key\":\"ab\"}", E_VALUE, "admins[0].key");
    REFUSED(admins, ADMIN("", "a"), E_VALUE, "admins[0].name");
    REFUSED(admins, "7", E_MALFORMED, "admins[0] must be an object");
    REFUSED(quorum, "0", E_VALUE, "admin_quorum must be from 1 to 2");
    REFUSED(quorum, "3", E_VALUE, "admin_quorum must be from 1 to 2");
}

static void wrong_measurements_are_refused(void **state)
{
    REFUSED(measurements, "", E_VALUE, "measurements is empty");
    REFUSED(measurements, TDX "," TDX, E_VALUE, "measurements[1] occurs twice");
    REFUSED(measurements, "{\"platform\":\"sgx\",\"data\":{}}", E_VALUE, "measurements[0]");
    REFUSED(measurements,
            "{\"platform\":\"sev_snp\",\"data\":{\"measurement\":\"" HEX96(
                "6") "\",\"host_data\":\"" HEX64("7") "\"}}",
            E_VALUE, "carry the cluster id");
}

static void wrong_seats_are_refused(void **state)
{
    REFUSED(seats, "", E_VALUE, "seats is empty");
    REFUSED(seats, INTEL("0", "7", "844"), E_VALUE, "seats[0].gid");
    REFUSED(seats, INTEL("65536", "7", "844"), E_VALUE, "seats[0].gid");
    REFUSED(seats, INTEL("1", "7", "844") "," AMD("1", "8", "845"), E_VALUE, "gid occurs twice");
    REFUSED(seats, INTEL("1", "7", "844") "," INTEL("2", "7", "845"), E_VALUE, "one machine, one");
    REFUSED(seats, INTEL("1", "7", "844") "," INTEL("2", "8", "844"), E_VALUE, "addresses occur");
    REFUSED(seats, INTEL("1", "0", "844"), E_VALUE, "platform_id is zero");
    REFUSED(seats, INTEL("1", "7", "8449"), E_VALUE, "peer must be host:port");
    REFUSED(seats,
            "{\"gid\":1,\"operator\":\"a\",\"vendor\":\"intel\",\"platform_id\":\"" HEX128(
                "7") "\"," AT("844") "}",
            E_VALUE, "must have 32 hexadecimal digits (PPID)");
    REFUSED(seats,
            "{\"gid\":1,\"operator\":\"a\",\"vendor\":\"arm\",\"platform_id\":\"" HEX32(
                "7") "\"," AT("844") "}",
            E_VALUE, "vendor must be");
    REFUSED(seats,
            "{\"gid\":1,\"operator\":\"a\",\"vendor\":\"intel\",\"platform_id\":\"" HEX32(
                "7") "\",\"addresses\":{\"peer\":\"a:1\",\"api\":\"b:2\"}}",
            E_VALUE, "must name one host");
}

/* n different machines. */
static const char *many_seats(unsigned n)
{
    static char text[8192];
    char *at = text;
    for (unsigned i = 1; i <= n; i++)
        at += sprintf(
            at,
            "%s{\"gid\":%u,\"operator\":\"a\",\"vendor\":\"intel\",\"platform_id\":\"%032x\","
            "\"addresses\":{\"peer\":\"h:%u\",\"api\":\"h:%u\"}}",
            i > 1 ? "," : "", i, i, i, 1000 + i);
    return text;
}

static void a_genesis_has_no_more_seats_than_a_cluster_may_have(void **state)
{
    struct genesis g;
    struct problem p = {0};
    struct parts most = good;
    most.seats = many_seats(BFT_MAX_MEMBERS);
    assert_ok(parse(most, &g, &p));
    assert_int_equal(g.n_seats, BFT_MAX_MEMBERS);
    genesis_free(&g);
    REFUSED(seats, many_seats(BFT_MAX_MEMBERS + 1), E_VALUE, "genesis.seats");
}

static void a_good_genesis_is_read_whole(void **state)
{
    struct genesis g;
    struct problem p = {0};
    assert_ok(parse(good, &g, &p));
    assert_string_equal(g.trust_domain, "guardian.example");
    assert_false(g.simulation);
    assert_int_equal(g.lease_ms, 10000);
    assert_int_equal(g.n_admins, 2);
    assert_int_equal(g.admin_quorum, 2);
    struct hash32 id = sha256(BYTES_OF(g.admins[1].key.b));
    assert_memory_equal(g.admins[1].id, id.b, 16);
    assert_int_equal(g.n_measurements, 2);
    assert_string_equal(g.measurements[1],
                        "{\"data\":{\"measurement\":\"" HEX96("6") "\"},\"platform\":\"sev_snp\"}");
    assert_int_equal(g.n_seats, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(g.seats[i].gid, i + 1);
        assert_false(g.seats[i].is_pinned);
    }
    assert_string_equal(g.seats[0].vendor, "amd");
    assert_int_equal(g.seats[0].platform_id.n, 64);
    assert_string_equal(g.seats[2].host, "10.0.0.1");
    assert_int_equal(g.seats[2].peer_port, 8444);
    assert_int_equal(g.seats[2].api_port, 8443);
    genesis_free(&g);
}

static void mode_and_f_follow_the_number_of_seats(void **state)
{
    struct genesis g;
    struct problem p = {0};
    struct parts two = good;
    two.seats = INTEL("1", "7", "844") "," AMD("2", "8", "845");
    assert_ok(parse(two, &g, &p));
    assert_int_equal(g.mode, BFT_SEALED);
    genesis_free(&g);
    assert_ok(parse(good, &g, &p));
    assert_int_equal(g.mode, BFT_STRICT);
    /* The table of promises: N, t, f. */
    static const uint32_t rows[][3] = {{1, 1, 0}, {2, 2, 0}, {3, 2, 0},
                                       {4, 3, 1}, {5, 3, 1}, {7, 4, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(genesis_t(rows[i][0]), rows[i][1]);
        assert_int_equal(genesis_f(&g, rows[i][0]), rows[i][2]);
    }
    genesis_free(&g);
    struct parts fixed = good;
    fixed.head = HEAD("\"f\":0,\"mode\":\"sealed\"");
    assert_ok(parse(fixed, &g, &p));
    assert_int_equal(g.mode, BFT_SEALED);
    assert_int_equal(genesis_f(&g, 7), 0);
    genesis_free(&g);
}

static void the_cluster_id_is_of_the_bytes_not_of_the_meaning(void **state)
{
    struct hash32 a = genesis_cluster_id(bytes_str("{}")), b = genesis_cluster_id(bytes_str("{ }"));
    assert_false(hash32_eq(a, b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_head_is_refused),
        cmocka_unit_test(wrong_administrators_are_refused),
        cmocka_unit_test(wrong_measurements_are_refused),
        cmocka_unit_test(wrong_seats_are_refused),
        cmocka_unit_test(a_genesis_has_no_more_seats_than_a_cluster_may_have),
        cmocka_unit_test(a_good_genesis_is_read_whole),
        cmocka_unit_test(mode_and_f_follow_the_number_of_seats),
        cmocka_unit_test(the_cluster_id_is_of_the_bytes_not_of_the_meaning),
    };
    return cmocka_run_group_tests_name("genesis", tests, NULL, NULL);
}
