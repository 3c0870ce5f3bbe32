#include "core/evidence/sim/sim.h"
#include "io/vault/wire.h"
#include "test.h"

/* Views in constants. */
#define TXT(text)                             \
    {                                         \
        (const uint8_t *)(text), sizeof(text) \
    }
#define NONE    \
    {           \
        NULL, 0 \
    }

static const enum wire_end ends[] = {WIRE_VAULT, WIRE_ATTEST, WIRE_VERIFY};

/* One of each type, with every field set, and who sends it to whom. */
static const struct example {
    enum wire_end from, to;
    struct wire m;
} examples[] = {
    {WIRE_VAULT, WIRE_ATTEST, {WIRE_PLATFORM}},
    {WIRE_ATTEST, WIRE_VAULT, {WIRE_PLATFORM_IS, .platform_is = {PLATFORM_TDX, {{1, 2}, 16}}}},
    {WIRE_VAULT, WIRE_ATTEST, {WIRE_DERIVE, .derive = {TXT("context")}}},
    {WIRE_ATTEST, WIRE_VAULT, {WIRE_DERIVED, .derived = {{{1, 2, 3}}}}},
    {WIRE_VAULT,
     WIRE_ATTEST,
     {WIRE_QUOTE,
      .quote = {4,
                {QUOTE_PEER,
                 {.peer = {{1}, {2}, {3}, BINDING_SERVER, {{4}}, {{5}}, {{6}}, {7}}}}}}},
    {WIRE_VAULT,
     WIRE_ATTEST,
     {WIRE_QUOTE, .quote = {5, {QUOTE_API, {.api = {{1}, {2}, {{3}}, {{4}}}}}}}},
    {WIRE_ATTEST, WIRE_VAULT, {WIRE_QUOTED, .quoted = {4, TXT("evidence")}}},
    {WIRE_VAULT, WIRE_VERIFY, {WIRE_JUDGE, .judge = {6, 1700000000, TXT("evidence")}}},
    {WIRE_VERIFY,
     WIRE_VAULT,
     {WIRE_JUDGED, .judged = {6,
                              E_COLL_MISSING,
                              {E_COLL_MISSING, "no list"},
                              {0},
                              2,
                              {{OBJECT_TDX_TCB_INFO, .fmspc = {1, 2}}, {OBJECT_SGX_ROOT_CRL}},
                              true}}},
    {WIRE_VAULT, WIRE_VERIFY, {WIRE_HOLD, .hold = {WIRE_SLOTS - 1, TXT("body"), TXT("chain")}}},
    {WIRE_VAULT,
     WIRE_VERIFY,
     {WIRE_INSPECT,
      .inspect = {7,
                  1700000000,
                  {OBJECT_VCEK, .product = SNP_TURIN, .hwid = {9}, .tcb = {1, 2, 3, 4, 5, true}},
                  TXT("body"),
                  TXT("chain")}}},
    {WIRE_VERIFY, WIRE_VAULT, {WIRE_INSPECTED, .inspected = {7, OK, {0}, {-1, INT64_MAX}}}},
    {WIRE_VERIFY,
     WIRE_VAULT,
     {WIRE_INSPECTED, .inspected = {7, E_CHAIN, {E_CHAIN, "a root nobody trusts"}, {0}}}},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static struct buf encode(const struct example *x)
{
    struct buf out = BUF_INIT(1 << 20);
    assert_ok(wire_encode(x->from, &x->m, &out));
    return out;
}

static void a_message_cut_short_or_with_more_is_malformed(void **state)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        const struct example *x = &examples[i];
        struct buf b = encode(x);
        struct wire m;
        for (size_t n = 0; n < b.n; n++)
            assert_err(wire_decode(x->from, x->to, x->m.type, bytes(b.p, n), &m), E_MALFORMED);
        assert_ok(buf_add(&b, "", 1));
        assert_err(wire_decode(x->from, x->to, x->m.type, buf_bytes(&b), &m), E_MALFORMED);
        buf_free(&b);
    }
}

static void nobody_says_what_is_for_others_to_say(void **state)
{
    for (size_t i = 0; i < EXAMPLES; i++) {
        const struct example *x = &examples[i];
        struct buf b = encode(x), none = BUF_INIT(1 << 20);
        struct wire m;
        for (size_t from = 0; from < 3; from++)
            for (size_t to = 0; to < 3; to++)
                if (ends[from] != x->from || ends[to] != x->to)
                    assert_err(wire_decode(ends[from], ends[to], x->m.type, buf_bytes(&b), &m),
                               E_MALFORMED);
        for (size_t from = 0; from < 3; from++)
            if (ends[from] != x->from)
                assert_err(wire_encode(ends[from], &x->m, &none), E_NOT_ALLOWED);
        buf_free(&b);
        buf_free(&none);
    }
}

static void types_that_do_not_exist_are_malformed(void **state)
{
    struct wire m;
    for (unsigned type = 0; type < 256; type++) {
        if (type > WIRE_NOTHING && type < WIRE_TYPES)
            continue;
        for (size_t i = 0; i < 9; i++)
            assert_err(
                wire_decode(ends[i / 3], ends[i % 3], (uint8_t)type, bytes_str("12345678"), &m),
                E_MALFORMED);
    }
    struct buf none = BUF_INIT(64);
    assert_err(wire_encode(WIRE_VAULT, &(struct wire){.type = WIRE_NOTHING}, &none), E_NOT_ALLOWED);
    assert_string_equal(wire_name(WIRE_TYPES), "?");
    buf_free(&none);
}

/* A value no message has: the encoder refuses to write it. */
static void values_that_no_message_has_are_refused(void **state)
{
    static uint8_t large[EVIDENCE_MAX + 1];
    const struct example wrong[] = {
        {WIRE_VAULT, WIRE_ATTEST, {WIRE_DERIVE, .derive = {BYTES_NONE}}},
        {WIRE_VAULT, WIRE_VERIFY, {WIRE_JUDGE, .judge = {1, 1, BYTES_OF(large)}}},
        {WIRE_ATTEST, WIRE_VAULT, {WIRE_PLATFORM_IS, .platform_is = {PLATFORM_NONE, {{1}, 1}}}},
        {WIRE_VAULT, WIRE_ATTEST, {WIRE_QUOTE, .quote = {1, {.kind = 3}}}},
        {WIRE_VAULT, WIRE_ATTEST, {WIRE_QUOTE, .quote = {1, {.kind = QUOTE_PEER}}}},
        {WIRE_VERIFY, WIRE_VAULT, {WIRE_JUDGED, .judged = {.e = ERR_COUNT}}},
        {WIRE_VERIFY, WIRE_VAULT, {WIRE_JUDGED, .judged = {.e = E_CHAIN, .n_objects = 5}}},
        {WIRE_VAULT, WIRE_VERIFY, {WIRE_HOLD, .hold = {WIRE_SLOTS, TXT("body"), NONE}}},
        {WIRE_VAULT, WIRE_VERIFY, {WIRE_INSPECT, .inspect = {1, 1, {OBJECT_SGX_ROOT_CRL}}}},
        {WIRE_VERIFY, WIRE_VAULT, {WIRE_INSPECTED, .inspected = {.e = ERR_COUNT}}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buf b = BUF_INIT(4 << 20);
        struct wire m;
        assert_err(wire_encode(wrong[i].from, &wrong[i].m, &b), E_VALUE);
        assert_err(wire_decode(wrong[i].from, wrong[i].to, wrong[i].m.type, buf_bytes(&b), &m),
                   E_MALFORMED);
        buf_free(&b);
    }
}

static void every_type_has_an_example_and_comes_back_the_same(void **state)
{
    bool seen[WIRE_TYPES] = {true};
    for (size_t i = 0; i < EXAMPLES; i++) {
        const struct example *x = &examples[i];
        struct buf b = encode(x), again = BUF_INIT(1 << 20);
        struct wire m;
        assert_ok(wire_decode(x->from, x->to, x->m.type, buf_bytes(&b), &m));
        assert_int_equal(m.type, x->m.type);
        assert_ok(wire_encode(x->from, &m, &again));
        assert_true(bytes_eq(buf_bytes(&b), buf_bytes(&again)));
        seen[m.type] = true;
        buf_free(&b);
        buf_free(&again);
    }
    for (unsigned type = 0; type < WIRE_TYPES; type++)
        assert_true(seen[type]);
}

static void fields_arrive_in_their_places(void **state)
{
    const struct example x = {
        WIRE_VAULT, WIRE_VERIFY, {WIRE_JUDGE, .judge = {8, 9, BYTES_OF("e")}}};
    struct buf b = encode(&x);
    struct wire m;
    assert_ok(wire_decode(WIRE_VAULT, WIRE_VERIFY, WIRE_JUDGE, buf_bytes(&b), &m));
    assert_int_equal(m.judge.id, 8);
    assert_int_equal(m.judge.unix_s, 9);
    assert_true(bytes_eq(m.judge.evidence, BYTES_OF("e")));
    buf_free(&b);
}

static void claims_come_back_the_same(void **state)
{
    const enum platform platforms[] = {PLATFORM_TDX, PLATFORM_SNP};
    for (size_t i = 0; i < 2; i++) {
        struct example x = {WIRE_VERIFY, WIRE_VAULT, {.type = WIRE_JUDGED}};
        x.m.judged.id = 3;
        x.m.judged.claims = sim_claims(platforms[i], 5);
        claims_hash_measurements(&x.m.judged.claims);
        struct buf b = encode(&x);
        struct wire m;
        assert_ok(wire_decode(x.from, x.to, WIRE_JUDGED, buf_bytes(&b), &m));
        assert_int_equal(m.judged.claims.platform, platforms[i]);
        assert_memory_equal(m.judged.claims.measurement_hash.b,
                            x.m.judged.claims.measurement_hash.b, 32);
        buf_free(&b);
    }
}

static void a_sent_message_is_one_frame(void **state)
{
    int fds[2];
    struct ipc a, b;
    assert_ok(ipc_pair(fds));
    assert_ok(ipc_open(&a, fds[0]));
    assert_ok(ipc_open(&b, fds[1]));
    struct wire m = {WIRE_DERIVED, .derived = {{{77}}}};
    assert_ok(wire_send(&a, WIRE_ATTEST, &m));
    assert_err(wire_send(&a, WIRE_VERIFY, &m), E_NOT_ALLOWED);
    assert_ok(ipc_flush(&a));
    assert_ok(ipc_pump(&b));
    struct ipc_frame frame;
    assert_true(ipc_next_frame(&b, &frame));
    assert_ok(wire_decode(WIRE_ATTEST, WIRE_VAULT, frame.type, frame.body, &m));
    assert_int_equal(m.derived.key.b[0], 77);
    assert_false(ipc_next_frame(&b, &frame));
    ipc_close(&a);
    ipc_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_cut_short_or_with_more_is_malformed),
        cmocka_unit_test(nobody_says_what_is_for_others_to_say),
        cmocka_unit_test(types_that_do_not_exist_are_malformed),
        cmocka_unit_test(values_that_no_message_has_are_refused),
        cmocka_unit_test(every_type_has_an_example_and_comes_back_the_same),
        cmocka_unit_test(fields_arrive_in_their_places),
        cmocka_unit_test(claims_come_back_the_same),
        cmocka_unit_test(a_sent_message_is_one_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
