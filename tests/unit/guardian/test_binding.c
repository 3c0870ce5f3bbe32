#include "core/evidence/binding.h"
#include "test.h"

/* The expected hashes were computed from the definition with another program. */
static void assert_hash(struct hash64 got, const char *expected)
{
    char hex[129];
    hex_encode(BYTES_OF(got.b), hex);
    assert_string_equal(hex, expected);
}

static struct binding_peer peer_example(void)
{
    struct binding_peer b = {.role = BINDING_CLIENT};
    memset(b.exporter, 1, 32);
    memset(b.client_nonce, 2, 32);
    memset(b.server_nonce, 3, 32);
    memset(b.cluster_id.b, 4, 32);
    memset(b.seat_key.b, 5, 32);
    memset(b.vote_key.b, 6, 32);
    memset(b.instance_id, 7, 32);
    return b;
}

static void peer_binding_is_as_defined(void **state)
{
    struct binding_peer b = peer_example();
    assert_hash(binding_peer(&b),
                "113f6ed081829e1db387d4f35a7520e1e496fe15f84743aa43a85630611b4567"
                "b304fb04859f299428fe3a6d2f59d4e841a9dcd47934ddcfe714e16e5e3a016d");
}

static void every_byte_of_a_peer_binding_counts(void **state)
{
    const struct binding_peer b = peer_example();
    const struct hash64 plain = binding_peer(&b);
    for (size_t i = 0; i < sizeof b; i++) {
        struct binding_peer changed = b;
        ((uint8_t *)&changed)[i] ^= 0x40;
        struct hash64 h = binding_peer(&changed);
        assert_memory_not_equal(h.b, plain.b, sizeof h.b);
    }
}

static void api_binding_is_as_defined(void **state)
{
    struct binding_api b;
    memset(b.exporter, 1, 32);
    memset(b.nonce, 2, 32);
    memset(b.cluster_id.b, 3, 32);
    memset(b.server_spki.b, 4, 32);
    assert_hash(binding_api(&b),
                "9b7e27d5fe966042848043a7e363c15dce1beec00c7cf0f4661d4675ff0247af"
                "3b76e09e544ef9446fa17df04d24e8b61261b4f65549a859227c34a2f99f8c8c");
}

static void advert_binding_is_as_defined(void **state)
{
    struct binding_advert b = {.peer_address = bytes_str("192.0.2.1:8444"),
                               .api_address = bytes_str("192.0.2.1:8443"),
                               .timestamp = 1790000000};
    memset(b.cluster_id.b, 1, 32);
    memset(b.seat_key.b, 2, 32);
    memset(b.instance_id, 3, 32);
    assert_hash(binding_advert(&b),
                "9bb5bb950e37fff24cc1fe391e2e52755d7dd49d7c3f79105c4c3509e1c6c19e"
                "7edd52b27f3ec395016f373d68edf95e39e5a5ddc47d6de13f0f5f23c9907c50");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peer_binding_is_as_defined),
        cmocka_unit_test(every_byte_of_a_peer_binding_counts),
        cmocka_unit_test(api_binding_is_as_defined),
        cmocka_unit_test(advert_binding_is_as_defined),
    };
    return cmocka_run_group_tests_name("evidence/binding", tests, NULL, NULL);
}
