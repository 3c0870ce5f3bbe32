#include "prog/guardiand/config.h"
#include "test.h"

#include <unistd.h>

#define HEAD "genesis: g.json\ndata: /var/lib/guardian\n"
#define SIMULATED            \
    "platform: simulated\n"  \
    "simulated:\n"           \
    "  platform: tdx\n"      \
    "  software: guardian\n" \
    "  machine: development guardian 0\n"

static struct config config;

static void assert_refused(const char *text, enum err expected, const char *why)
{
    struct problem p = {0};
    enum err e = config_parse(bytes_str(text), "/etc/guardian", &config, &p);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected '%s', got %s '%s' for\n%s", why, err_code(e), p.detail, text);
}

static void text_that_is_not_this_yaml_is_refused(void **state)
{
    assert_refused("", E_MALFORMED, "empty");
    assert_refused("- 1\n", E_MALFORMED, "");
    assert_refused("genesis: [\n", E_MALFORMED, "");
    assert_refused(HEAD, E_MALFORMED, "platform");
    assert_refused("data: x\n" SIMULATED, E_MALFORMED, "genesis");
    assert_refused(HEAD SIMULATED "colour: red\n", E_MALFORMED, "colour");
    assert_refused(HEAD SIMULATED "listen:\n  web: 1\n", E_MALFORMED, "web");
    assert_refused(HEAD SIMULATED "listen: here\n", E_MALFORMED, "");
    assert_refused(HEAD SIMULATED "log: info\nlog: warn\n", E_MALFORMED, "log");
    assert_refused(HEAD SIMULATED "seat: &a 3\nlog: *a\n", E_MALFORMED, "");
    assert_refused(HEAD SIMULATED "---\n" HEAD, E_MALFORMED, "");
}

static void wrong_values_are_refused_by_name(void **state)
{
    assert_refused("genesis: \"\"\ndata: d\n" SIMULATED, E_VALUE, "genesis");
    assert_refused(HEAD SIMULATED "seat: 0\n", E_VALUE, "seat");
    assert_refused(HEAD SIMULATED "seat: 65536\n", E_VALUE, "seat");
    assert_refused(HEAD SIMULATED "seat: 3x\n", E_VALUE, "seat");
    assert_refused(HEAD SIMULATED "seat: -3\n", E_VALUE, "seat");
    assert_refused(HEAD SIMULATED "listen: {api: \"8443\"}\n", E_VALUE, "listen.api");
    assert_refused(HEAD SIMULATED "listen: {peers: \"::1:8443\"}\n", E_VALUE, "listen.peers");
    assert_refused(HEAD SIMULATED "peers: [\"a:0\"]\n", E_VALUE, "peers");
    assert_refused(HEAD SIMULATED "log: loud\n", E_VALUE, "log");
    assert_refused(HEAD SIMULATED "registry: {url: \"ftp://x\"}\n", E_VALUE, "registry.url");
    assert_refused(HEAD SIMULATED "registry: {ca: x}\n", E_MALFORMED, "url");
    assert_refused(HEAD SIMULATED "collateral: {url: x}\n", E_MALFORMED, "url");
    assert_refused(HEAD SIMULATED "collateral: {pcs_url: pcs.example}\n", E_VALUE,
                   "collateral.pcs_url");
    assert_refused(HEAD SIMULATED "collateral: {kds_url: \"\"}\n", E_VALUE, "collateral.kds_url");
    assert_refused(HEAD SIMULATED "collateral: {proxy: \"socks5://x\"}\n", E_VALUE,
                   "collateral.proxy");
    assert_refused(HEAD SIMULATED "collateral: {proxy: \"http://u:p@x\"}\n", E_VALUE, "password");
    assert_refused(HEAD SIMULATED "collateral: {directory: \"\"}\n", E_VALUE,
                   "collateral.directory");
    assert_refused(HEAD SIMULATED "collateral: {refresh: 59}\n", E_VALUE, "from 60 to 86400");
    assert_refused(HEAD SIMULATED "collateral: {refresh: 86401}\n", E_VALUE, "from 60 to 86400");
}

static void the_platform_and_its_section_belong_together(void **state)
{
    assert_refused(HEAD "platform: sgx\n", E_VALUE, "platform");
    assert_refused(HEAD "platform: simulated\n", E_VALUE, "needs the section");
    assert_refused(HEAD "platform: tdx\nsimulated: {platform: tdx, software: a, machine: b}\n",
                   E_VALUE, "needs platform: simulated");
    assert_refused(HEAD "platform: simulated\nsimulated: {platform: x, software: a, machine: b}\n",
                   E_VALUE, "simulated.platform");
    assert_refused(HEAD SIMULATED "  quote_version: 3\n", E_VALUE, "from 4 to 5");
    assert_refused(HEAD SIMULATED "  quote_version: 6\n", E_VALUE, "from 4 to 5");
    assert_refused(HEAD SIMULATED "  quote_version: five\n", E_MALFORMED, "");
}

static void parse(const char *text)
{
    struct problem p = {0};
    if (config_parse(bytes_str(text), "/etc/guardian", &config, &p) != OK)
        fail_msg("%s", p.detail);
}

static void defaults_hold_where_nothing_is_said(void **state)
{
    parse(HEAD SIMULATED);
    assert_string_equal(config.genesis, "/etc/guardian/g.json");
    assert_string_equal(config.data, "/var/lib/guardian");
    assert_int_equal(config.seat, 0);
    assert_string_equal(config.api.host, "::");
    assert_int_equal(config.api.port, 8443);
    assert_int_equal(config.peers.port, 8444);
    assert_string_equal(config.observability.host, "127.0.0.1");
    assert_int_equal(config.observability.port, 8445);
    assert_true(config.is_simulated);
    assert_int_equal(config.platform, PLATFORM_TDX);
    assert_string_equal(config.simulated.machine, "development guardian 0");
    assert_string_equal(config.simulated.key_file, "/var/lib/guardian/platform.key");
    assert_int_equal(config.log, LOG_LEVEL_INFO);
    assert_int_equal(config.n_known, 0);
}

static const char everything[] =
    "genesis: \"/a \\\"b\\\"/genesis.json\"\n"
    "data: data\n"
    "seat: 65535\n"
    "listen: {api: \"127.0.0.1:1\", peers: \"[::1]:2\", observability: \"host.example:3\"}\n"
    "platform: simulated\n"
    "simulated: {platform: snp, software: s, machine: m, quote_version: 2, key_file: k, seed: x}\n"
    "peers: [\"192.0.2.4:8444\", \"[2001:db8::1]:8444\"]\n"
    "registry: {url: \"https://r.example\", namespace: other, ca: ca.pem}\n"
    "collateral: {pcs_url: \"https://p.example\", kds_url: \"http://k.example\", ca: c.pem,\n"
    "             proxy: \"http://x.example:1\", directory: coll, refresh: 60}\n"
    "log: debug\n";

static void everything_that_is_said_holds(void **state)
{
    parse(everything);
    assert_string_equal(config.genesis, "/a \"b\"/genesis.json");
    assert_string_equal(config.data, "/etc/guardian/data");
    assert_int_equal(config.seat, 65535);
    assert_string_equal(config.peers.host, "::1");
    assert_int_equal(config.simulated.quote_version, 2);
    assert_string_equal(config.simulated.key_file, "/etc/guardian/k");
    assert_string_equal(config.simulated.seed, "x");
    assert_int_equal(config.n_known, 2);
    assert_string_equal(config.known[1].host, "2001:db8::1");
    assert_string_equal(config.registry_url, "https://r.example");
    assert_string_equal(config.registry_namespace, "other");
    assert_string_equal(config.registry_ca, "/etc/guardian/ca.pem");
    assert_string_equal(config.collateral.pcs_url, "https://p.example");
    assert_string_equal(config.collateral.kds_url, "http://k.example");
    assert_string_equal(config.collateral.ca, "/etc/guardian/c.pem");
    assert_string_equal(config.collateral.proxy, "http://x.example:1");
    assert_string_equal(config.collateral.directory, "/etc/guardian/coll");
    assert_int_equal(config.collateral.refresh_s, 60);
    assert_int_equal(config.log, LOG_LEVEL_DEBUG);
}

static void expect_vendors(const char *text, const char *pcs_url, const char *kds_url)
{
    parse(text);
    assert_string_equal(config.collateral.pcs_url, pcs_url);
    assert_string_equal(config.collateral.kds_url, kds_url);
    assert_int_equal(config.collateral.refresh_s, 86400);
}

static void vendors_are_asked_for_real_machines_unless_a_folder_is_all(void **state)
{
    const char *intel = "https://api.trustedservices.intel.com", *amd = "https://kdsintf.amd.com";
    expect_vendors(HEAD "platform: tdx\n", intel, amd);
    expect_vendors(HEAD "platform: snp\ncollateral: {pcs_url: \"https://p\"}\n", "https://p", amd);
    expect_vendors(HEAD "platform: tdx\ncollateral: {directory: d}\n", "", "");
    expect_vendors(HEAD "platform: tdx\ncollateral: {directory: d, kds_url: \"http://k\"}\n", intel,
                   "http://k");
    expect_vendors(HEAD SIMULATED, "", "");
    expect_vendors(HEAD SIMULATED "collateral: {pcs_url: \"http://p\"}\n", "http://p", "");
}

static void what_is_printed_means_the_same(void **state)
{
    static const char *const texts[] = {everything, HEAD SIMULATED, HEAD "platform: snp\n",
                                        HEAD "platform: tdx\ncollateral: {directory: d}\n"};
    for (size_t i = 0; i < 4; i++) {
        struct buf out = BUF_INIT(100000), again = BUF_INIT(100000);
        parse(texts[i]);
        struct config first = config;
        assert_ok(config_print(&first, &out));
        assert_ok(buf_add(&out, "", 1));
        parse((const char *)out.p);
        assert_memory_equal(&first, &config, sizeof first);
        buf_free(&out);
        buf_free(&again);
    }
}

static void a_file_is_read_and_its_folder_counts(void **state)
{
    char path[] = "/tmp/guardian-config-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, HEAD SIMULATED, strlen(HEAD SIMULATED)), strlen(HEAD SIMULATED));
    close(fd);
    struct problem p = {0};
    assert_ok(config_load(path, &config, &p));
    assert_string_equal(config.genesis, "/tmp/g.json");
    unlink(path);
    assert_err(config_load(path, &config, &p), E_IO);
    assert_non_null(strstr(p.detail, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_not_this_yaml_is_refused),
        cmocka_unit_test(wrong_values_are_refused_by_name),
        cmocka_unit_test(the_platform_and_its_section_belong_together),
        cmocka_unit_test(defaults_hold_where_nothing_is_said),
        cmocka_unit_test(everything_that_is_said_holds),
        cmocka_unit_test(vendors_are_asked_for_real_machines_unless_a_folder_is_all),
        cmocka_unit_test(what_is_printed_means_the_same),
        cmocka_unit_test(a_file_is_read_and_its_folder_counts),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
