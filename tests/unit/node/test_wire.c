#include "prog/guardiand/node_wire.h"
#include "test.h"

static void only_the_right_side_may_say_it(void **state)
{
    assert_true(node_frame_allowed(WIRE_REQUEST, FROM_NODE));
    assert_false(node_frame_allowed(WIRE_REQUEST, FROM_VAULT));
    assert_true(node_frame_allowed(WIRE_STORE, FROM_VAULT));
    assert_false(node_frame_allowed(WIRE_STORE, FROM_NODE));
    assert_string_equal(node_frame_name(WIRE_STORE), "WIRE_STORE");
    size_t allowed = 0, known = 0;
    for (int type = 0; type < 256; type++) {
        bool node = node_frame_allowed((uint8_t)type, FROM_NODE);
        bool vault = node_frame_allowed((uint8_t)type, FROM_VAULT);
        assert_false(node && vault);
        allowed += node || vault;
        known += strcmp(node_frame_name((uint8_t)type), "?") != 0;
    }
    assert_int_equal(allowed, known);
}

/* Decodes back what was encoded, compares by encoding again, and refuses every other length. */
#define CHECK_BOTH_WAYS(type, value)                                                   \
    do {                                                                               \
        struct wire_##type in_ = (value);                                              \
        static struct wire_##type out_;                                                \
        struct buf first_ = BUF_INIT(1 << 20), second_ = BUF_INIT(1 << 20);            \
        assert_ok(wire_##type##_encode(&in_, &first_));                                \
        assert_ok(wire_##type##_decode(buf_bytes(&first_), &out_));                    \
        assert_ok(wire_##type##_encode(&out_, &second_));                              \
        assert_true(bytes_eq(buf_bytes(&first_), buf_bytes(&second_)));                \
        for (size_t n_ = 0; n_ < first_.n; n_++) {                                     \
            assert_err(wire_##type##_decode(bytes(first_.p, n_), &out_), E_MALFORMED); \
            assert_true(bytes_is_zero(bytes(&out_, sizeof out_)));                     \
        }                                                                              \
        assert_ok(buf_add(&first_, "", 1));                                            \
        assert_err(wire_##type##_decode(buf_bytes(&first_), &out_), E_MALFORMED);      \
        buf_free(&first_);                                                             \
        buf_free(&second_);                                                            \
    } while (0)

static void every_frame_survives_the_way(void **state)
{
    CHECK_BOTH_WAYS(blob, ((struct wire_blob){bytes_str("pem")}));
    CHECK_BOTH_WAYS(record, ((struct wire_record){7, 5, 1ull << 40, bytes_str("sealed")}));
    CHECK_BOTH_WAYS(stored, ((struct wire_stored){9}));
    CHECK_BOTH_WAYS(link, ((struct wire_link){3, true, {1, 2, 3}}));
    CHECK_BOTH_WAYS(message, ((struct wire_message){3, bytes_str("frame")}));
    CHECK_BOTH_WAYS(reply, ((struct wire_reply){1, 200, "application/json", bytes_str("{}")}));
    CHECK_BOTH_WAYS(peers, ((struct wire_peers){2, {{"10.0.0.1", 8444}, {"::1", 1}}}));
    CHECK_BOTH_WAYS(fetch, ((struct wire_fetch){7, {OBJECT_PCK_CRL, .ca = PCK_CA_PROCESSOR}}));
    CHECK_BOTH_WAYS(fetched, ((struct wire_fetched){7, E_RATE, 30, bytes_str("429"),
                                                    bytes_str("body"), bytes_str("chain")}));
    CHECK_BOTH_WAYS(folder, ((struct wire_folder){2, {bytes_str("a"), bytes_str("b")}}));
    CHECK_BOTH_WAYS(request, ((struct wire_request){.id = ~0ull,
                                                    .route = "keys.release",
                                                    .n_params = 2,
                                                    .params = {bytes_str("k8s"), bytes_str("a/b")},
                                                    .query = bytes_str("version=1"),
                                                    .client = bytes_str("der"),
                                                    .exporter = {9},
                                                    .server_spki_sha256 = {8}}));
}

static void a_request_arrives_as_it_was_sent(void **state)
{
    struct wire_request in = {.id = 5, .route = "x", .n_params = 1, .params = {bytes_str("p")}};
    struct wire_request out;
    struct buf wire = BUF_INIT(1000);
    in.body = bytes_str("{}");
    assert_ok(wire_request_encode(&in, &wire));
    assert_ok(wire_request_decode(buf_bytes(&wire), &out));
    assert_int_equal(out.id, 5);
    assert_string_equal(out.route, "x");
    assert_int_equal(out.n_params, 1);
    assert_true(bytes_eq(out.params[0], bytes_str("p")));
    assert_true(bytes_eq(out.body, bytes_str("{}")));
    assert_int_equal(out.client.n, 0);
    buf_free(&wire);
}

static void what_is_over_a_limit_is_not_sent(void **state)
{
    static uint8_t large[WIRE_QUERY_MAX + 1];
    static struct wire_peers peers = {.n = WIRE_PEERS_MAX + 1};
    struct buf wire = BUF_INIT(1 << 20);
    struct wire_request r = {.route = "x", .query = BYTES_OF(large)};
    assert_err(wire_request_encode(&r, &wire), E_TOO_LARGE);
    r = (struct wire_request){.route = "x", .n_params = WIRE_PARAMS_MAX + 1};
    assert_err(wire_request_encode(&r, &wire), E_TOO_LARGE);
    assert_err(wire_peers_encode(&peers, &wire), E_TOO_LARGE);
    static struct wire_folder folder = {.n = WIRE_FILES_MAX + 1};
    assert_err(wire_folder_encode(&folder, &wire), E_TOO_LARGE);
    buf_free(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_side_may_say_it),
        cmocka_unit_test(every_frame_survives_the_way),
        cmocka_unit_test(a_request_arrives_as_it_was_sent),
        cmocka_unit_test(what_is_over_a_limit_is_not_sent),
    };
    return cmocka_run_group_tests_name("node_wire", tests, NULL, NULL);
}
