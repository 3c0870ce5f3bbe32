#include "core/keys/keys.h"
#include "test.h"

static void names_outside_the_contract_are_refused(void **state)
{
    static const char *const bad[] = {"",    "/",        "a/",       "/a",    "a//b",
                                      "a b", "a\n",      ".",        "..",    "a/..",
                                      "./a", "a/b/../c", "\xc3\xa4", "a%2fb", "1/2/3/4/5/6/7/8/9"};
    static const char *const good[] = {"backend_app__sqlite", "a", "A.b-C_9", "...", "a/.b",
                                       "1/2/3/4/5/6/7/8"};
    char longest[257];
    memset(longest, 'x', sizeof longest);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(keys_name_valid(bytes_str(bad[i])));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(keys_name_valid(bytes_str(good[i])));
    assert_false(keys_name_valid(bytes("a\0b", 3)));
    assert_true(keys_name_valid(bytes(longest, 255)));
    assert_false(keys_name_valid(bytes(longest, 256)));
}

static void namespaces_are_dns_labels(void **state)
{
    static const char *const bad[] = {"", "-a", "a-", "A", "a.b", "a_b", "a b", "\xc3\xa4"};
    char longest[64];
    memset(longest, 'x', sizeof longest);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(keys_namespace_valid(bytes_str(bad[i])));
    assert_true(keys_namespace_valid(bytes_str("k8s-staging")));
    assert_true(keys_namespace_valid(bytes_str("0")));
    assert_true(keys_namespace_valid(bytes(longest, 63)));
    assert_false(keys_namespace_valid(bytes(longest, 64)));
    assert_true(keys_namespace_reserved(bytes_str("guardian")));
    assert_false(keys_namespace_reserved(bytes_str("guardians")));
}

static void purposes_have_no_slash(void **state)
{
    char longest[65];
    memset(longest, 'x', sizeof longest);
    assert_true(keys_purpose_valid(bytes_str(KEY_PURPOSE_DEFAULT)));
    assert_false(keys_purpose_valid(bytes_str("")));
    assert_false(keys_purpose_valid(bytes_str("a/b")));
    assert_true(keys_purpose_valid(bytes(longest, 64)));
    assert_false(keys_purpose_valid(bytes(longest, 65)));
}

static void an_algorithm_has_one_name(void **state)
{
    enum key_algorithm a;
    for (unsigned i = 0; i < KEY_ALGORITHM_COUNT; i++) {
        assert_ok(key_algorithm_parse(bytes_str(key_algorithm_name((enum key_algorithm)i)), &a));
        assert_int_equal(a, i);
    }
    assert_err(key_algorithm_parse(bytes_str("a256gcm"), &a), E_VALUE);
    assert_err(key_algorithm_parse(BYTES_NONE, &a), E_VALUE);
}

static void no_label_is_made_of_a_bad_part(void **state)
{
    struct hash32 root = {{1}};
    struct buf out = BUF_INIT(KEY_LABEL_MAX);
    struct bytes ok = bytes_str("a"), bad = bytes_str("A/");
    assert_err(keys_namespace_label(root, bad, 1, &out), E_VALUE);
    assert_err(keys_namespace_label(root, ok, 0, &out), E_VALUE);
    assert_err(keys_threshold_label(root, bad, ok, ok, 1, &out), E_VALUE);
    assert_err(keys_threshold_label(root, ok, bad, ok, 1, &out), E_VALUE);
    assert_err(keys_threshold_label(root, ok, ok, bad, 1, &out), E_VALUE);
    assert_err(keys_threshold_label(root, ok, ok, ok, 0, &out), E_VALUE);
    assert_err(keys_leaf_label(bad, ok, KEY_OCT, 1, &out), E_VALUE);
    assert_err(keys_leaf_label(ok, bad, KEY_OCT, 1, &out), E_VALUE);
    assert_err(keys_leaf_label(ok, ok, KEY_ALGORITHM_COUNT, 1, &out), E_VALUE);
    assert_err(keys_leaf_label(ok, ok, KEY_OCT, 0, &out), E_VALUE);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void the_longest_label_has_room(void **state)
{
    char x[256];
    struct hash32 root = {{1}};
    struct buf out = BUF_INIT(KEY_LABEL_MAX);
    memset(x, 'x', sizeof x);
    assert_ok(
        keys_threshold_label(root, bytes(x, 63), bytes(x, 255), bytes(x, 64), UINT32_MAX, &out));
    buf_free(&out);
}

static void expect_hash(struct bytes in, const char *hex)
{
    char text[65];
    hex_encode(BYTES_OF(sha256(in).b), text);
    assert_string_equal(text, hex);
}

/* Frozen: a change here loses the keys of running clusters. */
static void labels_are_frozen(void **state)
{
    static const char namespace_label[] =
        "\0\0\0\x19guardian/v1/key/namespace\0\0\0\x13ristretto255-SHA512\0\0\0\x20"
        "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10"
        "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20"
        "\0\0\0\x0bk8s-staging\0\0\0\4\0\0\0\2";
    static const char leaf_label[] =
        "\0\0\0\x14guardian/v1/key/leaf\0\0\0\x0cHKDF-SHA-512\0\0\0\3oct"
        "\0\0\0\x13"
        "backend_app__sqlite\0\0\0\7"
        "default\0\0\0\4\0\0\0\1";
    struct hash32 root;
    for (size_t i = 0; i < 32; i++)
        root.b[i] = (uint8_t)(i + 1);
    struct buf out = BUF_INIT(KEY_LABEL_MAX);
    struct bytes ns = bytes_str("k8s-staging"), name = bytes_str("backend_app__sqlite");
    assert_ok(keys_namespace_label(root, ns, 2, &out));
    assert_true(bytes_eq(buf_bytes(&out), bytes(namespace_label, sizeof namespace_label - 1)));
    buf_clear(&out);
    assert_ok(keys_leaf_label(name, bytes_str("default"), KEY_OCT, 1, &out));
    assert_true(bytes_eq(buf_bytes(&out), bytes(leaf_label, sizeof leaf_label - 1)));
    buf_clear(&out);
    assert_ok(keys_threshold_label(root, ns, name, bytes_str("default"), 1, &out));
    expect_hash(buf_bytes(&out),
                "7af701fab142813480c27207b0870daa4d5de4f2e4bd17d8774cafe39276aca0");
    buf_free(&out);
}

static void expect_key(struct secret32 key, const char *hex)
{
    char text[65];
    hex_encode(BYTES_OF(key.b), text);
    assert_string_equal(text, hex);
}

/* Frozen; computed with Python's hmac from the labels above. */
static void keys_are_frozen(void **state)
{
    static const char *const leaf[] = {
        "3edc2f49535b9c6124fb2d5fe36b2d5b1372d3d141523207be6b62623ad1534f",
        "b811189177f8fba1ee997abf3f0458f5eb5e21a509dc7d6abbf5f76c926abbd8",
        "f1974fcacb7b1f9f33396b1b11b85ade80b05487997cecb41fda3b40c6dcb938",
        "3eea20659b451d6c93c27baa3bce2b3b76bfe4740293412a96567e885a73ad58"};
    static const char *const threshold[] = {
        "98d688477665c7798b7b38bd62fe46df388666c7c37634275730001b470c50b2",
        "f372c8d7f5529b631dadae1ae3146731a40b3584dac12156a6cde95a43af94f7",
        "f3dfdb92dfab51006c19a0bbf4683cd65872607983f9d8f600cc5741a715a27c",
        "69467a9b5b7f76908562977f189e20613a20df805064cef0d3b27f56167bf882"};
    struct key_master master;
    struct secret32 key;
    for (size_t i = 0; i < 64; i++)
        master.b[i] = (uint8_t)i;
    for (unsigned i = 0; i < KEY_ALGORITHM_COUNT; i++) {
        enum key_algorithm a = (enum key_algorithm)i;
        assert_ok(
            keys_leaf(&master, bytes_str("backend_app__sqlite"), bytes_str("default"), a, 1, &key));
        expect_key(key, leaf[i]);
        assert_ok(keys_threshold_leaf(&master, a, &key));
        expect_key(key, threshold[i]);
    }
    char text[65];
    hex_encode(BYTES_OF(keys_kcv(&master).b), text);
    assert_string_equal(text, "4c9667fed4735efe99383b7e310453d54c38d0ee585430c7ceb16b4d9a78d0d7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_outside_the_contract_are_refused),
        cmocka_unit_test(namespaces_are_dns_labels),
        cmocka_unit_test(purposes_have_no_slash),
        cmocka_unit_test(an_algorithm_has_one_name),
        cmocka_unit_test(no_label_is_made_of_a_bad_part),
        cmocka_unit_test(the_longest_label_has_room),
        cmocka_unit_test(labels_are_frozen),
        cmocka_unit_test(keys_are_frozen),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
