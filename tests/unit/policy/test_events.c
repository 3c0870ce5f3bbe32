#include "base/crypto/hash.h"
#include "core/evidence/evidence.h"
#include "core/policy/policy.h"
#include "test.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define B16 "bbbbbbbbbbbbbbbb"
#define A48 A16 A16 A16 A16 A16 A16
#define B48 B16 B16 B16 B16 B16 B16
#define Z48                                                                                        \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "0000"
#define MRTD           "\"mrtd\":\"" A48 "\","
#define RTMR(i, hex)   "\"rtmr" #i "\":\"" hex "\""
#define THREE          RTMR(0, A48) "," RTMR(1, A48) "," RTMR(3, Z48) ","
#define EVENT(i, hex)  "{\"rtmr\":" #i ",\"digest\":\"" hex "\"}"
#define MAYBE(i, hex)  "{\"digest\":\"" hex "\",\"optional\":true,\"rtmr\":" #i "}"
#define EVENTS(list)   "\"events\":[" list "]"
#define OTHERS(list)   ",\"allow_other_events\":[" list "]"
#define RECORD(fields) "{\"platform\":\"tdx\",\"data\":{" MRTD fields "}}"

static struct policy_record record(const char *text)
{
    struct policy_record r;
    struct problem p = {0};
    if (policy_parse(bytes_str(text), &r, &p) != OK)
        fail_msg("%s", p.detail);
    return r;
}

/* --- wrong first --- */

static void records_that_say_two_things_or_none_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        const char *says;
    } list[] = {
        {RECORD(RTMR(0, A48) "," RTMR(1, A48) "," RTMR(3, A48)), E_MALFORMED, "rtmr2"},
        {RECORD(RTMR(0, A48) "," RTMR(3, Z48) "," EVENTS(EVENT(1, A48))), E_MALFORMED, "rtmr2"},
        {RECORD(THREE EVENTS("")), E_VALUE, "empty"},
        {RECORD(THREE RTMR(2, A48) "," EVENTS(EVENT(2, A48))), E_VALUE, "rtmr2"},
        {RECORD(THREE RTMR(2, Z48) "," EVENTS(EVENT(2, A48))), E_VALUE, "rtmr2"},
        {RECORD(THREE EVENTS(EVENT(4, A48))), E_VALUE, "events[0]"},
        {RECORD(THREE EVENTS(EVENT(2, A16))), E_VALUE, "events[0]"},
        {RECORD(THREE EVENTS("{\"rtmr\":2}")), E_MALFORMED, "digest"},
        {RECORD(THREE EVENTS("7")), E_MALFORMED, "events[0]"},
        {RECORD(THREE EVENTS("{\"rtmr\":2,\"digest\":\"" A48 "\",\"x\":1}")), E_MALFORMED, "x"},
        {RECORD(THREE EVENTS(EVENT(2, A48) "," MAYBE(2, A48))), E_VALUE, "twice"},
        {RECORD(THREE EVENTS(EVENT(2, A48)) OTHERS("1")), E_VALUE, "rtmr1"},
        {RECORD(THREE EVENTS(EVENT(2, A48)) OTHERS("4")), E_VALUE, "allow_other_events"},
        {RECORD(THREE EVENTS(EVENT(2, A48)) OTHERS("\"2\"")), E_VALUE, "allow_other_events"},
        {RECORD(THREE RTMR(2, A48) OTHERS("2")), E_VALUE, "rtmr2"},
        {"{\"platform\":\"sev_snp\",\"data\":{\"measurement\":\"" A48
         "\"," EVENTS(EVENT(2, A48)) "}}",
         E_MALFORMED, "events"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct policy_record r;
        struct problem p = {0};
        assert_err(policy_parse(bytes_str(list[i].text), &r, &p), list[i].err);
        if (!strstr(p.detail, list[i].says))
            fail_msg("%zu: '%s' is not in '%s'", i, list[i].says, p.detail);
    }
}

static void a_record_takes_so_many_events(void **state)
{
    struct policy_record r = record(RECORD(THREE EVENTS(EVENT(2, A48))));
    struct buf b = BUF_INIT(POLICY_ENCODED_MAX);
    struct buf text = BUF_INIT(POLICY_JSON_MAX);
    r.tdx.n_events = POLICY_EVENTS_MAX;
    r.tdx.events[POLICY_EVENTS_MAX - 1] = r.tdx.events[0]; /* in ascending order */
    for (size_t i = 0; i < POLICY_EVENTS_MAX - 1; i++)
        r.tdx.events[i] = (struct policy_event){.rtmr = 2, .digest = {(uint8_t)i}};
    assert_ok(policy_encode(&r, &b));
    assert_ok(policy_text(&r, &text));
    struct policy_record again;
    assert_ok(policy_parse(buf_bytes(&text), &again, NULL));
    assert_memory_equal(&again.tdx, &r.tdx, sizeof r.tdx);
    assert_ok(policy_decode(buf_bytes(&b), &again));
    assert_memory_equal(&again.tdx, &r.tdx, sizeof r.tdx);
    buf_free(&b);
    buf_free(&text);
}

/* --- the forms --- */

static void records_with_events_keep_their_form(void **state)
{
    static const char *const texts[] = {
        RECORD(RTMR(0, A48) "," RTMR(1, A48) "," RTMR(3, A48) "," EVENTS(EVENT(2, A48))),
        RECORD(THREE EVENTS(EVENT(2, A48) "," MAYBE(2, B48)) OTHERS("2")),
        RECORD(EVENTS(EVENT(3, A48) "," EVENT(0, B48) "," EVENT(1, A48) "," EVENT(2, A48))
                   OTHERS("3,0")),
    };
    for (size_t i = 0; i < 3; i++) {
        struct policy_record r = record(texts[i]), again;
        struct buf a = BUF_INIT(POLICY_ENCODED_MAX), b = a, c = a;
        assert_ok(policy_text(&r, &a));
        again = record((assert_ok(buf_add(&a, "", 1)), (const char *)a.p));
        assert_ok(policy_encode(&r, &b));
        assert_ok(policy_encode(&again, &c));
        assert_true(bytes_eq(buf_bytes(&b), buf_bytes(&c)));
        assert_true(hash32_eq(policy_measurement_hash(&r), sha256(BYTES_OF(r.tdx.mrtd))));
        buf_free(&a);
        buf_free(&b);
        buf_free(&c);
    }
}

/* --- matching --- */

static struct claims claims_with(const uint8_t *seconds, size_t n)
{
    struct claims c = {.platform = PLATFORM_TDX, .tcb_status = TCB_UP_TO_DATE};
    memset(c.tdx.mrtd, 0xaa, 48);
    memset(c.tdx.rtmr[0], 0xaa, 48);
    memset(c.tdx.rtmr[1], 0xaa, 48);
    c.tdx.has_events = true;
    for (size_t i = 0; i < n; i++) {
        struct claims_event e = {.rtmr = 2};
        memset(e.digest, seconds[i], sizeof e.digest);
        assert_ok(claims_add_event(&c.tdx, &e));
    }
    return c;
}

static void expect(const char *text, const char *measured, const char *says)
{
    struct policy_record r = record(text);
    struct claims c = claims_with((const uint8_t *)measured, strlen(measured));
    struct problem p = {0};
    enum err e = policy_match(&r, &c, &p);
    if ((e == OK) != (says == NULL) || (says && !strstr(p.detail, says)))
        fail_msg("%s: '%s'", err_code(e), p.detail);
    if (says)
        assert_int_equal(e, E_MEAS_MISMATCH);
}

static void listed_events_must_be_there_and_no_others(void **state)
{
    const char *both = RECORD(THREE EVENTS(EVENT(2, A48) "," EVENT(2, B48)));
    const char *either = RECORD(THREE EVENTS(MAYBE(2, A48) "," MAYBE(2, B48)));
    expect(both, "\xaa\xbb", NULL);
    expect(both, "\xaa", "rtmr2: expected event bbbb");
    expect(both, "\xaa\xbb\xcc", "has cccc");
    expect(both, "", "rtmr2: expected event aaaa");
    expect(either, "\xaa", NULL);
    expect(either, "\xbb", NULL);
    expect(either, "\xaa\xbb", NULL);
    expect(either, "", "one of its events");
    expect(either, "\xcc", "one of its events");
    expect(either, "\xaa\xcc", "has cccc");
}

static void others_are_allowed_where_the_record_says_so(void **state)
{
    const char *open = RECORD(THREE EVENTS(EVENT(2, A48)) OTHERS("2"));
    expect(open, "\xaa\xcc", NULL);
    expect(open, "\xcc", "rtmr2: expected event aaaa");
}

static void an_event_of_another_register_does_not_count(void **state)
{
    struct policy_record r = record(RECORD(THREE EVENTS(EVENT(2, A48))));
    struct claims c = claims_with((const uint8_t *)"\xaa", 1);
    c.tdx.events[0].rtmr = 1;
    assert_err(policy_match(&r, &c, NULL), E_MEAS_MISMATCH);
}

static void evidence_without_a_log_matches_no_events(void **state)
{
    struct policy_record r = record(RECORD(THREE EVENTS(EVENT(2, A48))));
    struct claims c = claims_with((const uint8_t *)"\xaa", 1);
    struct problem p;
    assert_ok(policy_match(&r, &c, NULL));
    c.tdx.has_events = false;
    assert_err(policy_match(&r, &c, &p), E_MEAS_MISMATCH);
    assert_non_null(strstr(p.detail, "no event log"));
}

static void the_other_registers_count_as_ever(void **state)
{
    struct policy_record r = record(RECORD(THREE EVENTS(EVENT(2, A48))));
    struct claims c = claims_with((const uint8_t *)"\xaa", 1);
    c.tdx.rtmr[1][0] ^= 1;
    assert_err(policy_match(&r, &c, NULL), E_MEAS_MISMATCH);
    c.tdx.rtmr[1][0] ^= 1;
    c.tdx.mrtd[0] ^= 1;
    assert_err(policy_match(&r, &c, NULL), E_FIRMWARE);
}

static void evidence_is_found_by_its_firmware(void **state)
{
    struct policy_record r = record(RECORD(THREE EVENTS(EVENT(2, A48))));
    struct claims c = claims_with((const uint8_t *)"\xaa", 1);
    struct hash32 at[2];
    claims_hash_measurements(&c);
    assert_int_equal(policy_lookup(&c, at), 2);
    assert_true(hash32_eq(at[1], policy_measurement_hash(&r)));
}

/* --- a real guest: its kernel's command line instead of RTMR 2 --- */

static struct claims real_claims(void)
{
    const struct evidence_trust vendors = evidence_trust_vendors(false);
    const struct evidence_options alone = {.no_collateral = true};
    struct buf file = read_vector("kbs/tdx_evidence_gcp_with_ccel.json");
    struct evidence e;
    struct claims c;
    assert_ok(evidence_parse(buf_bytes(&file), &e, NULL));
    assert_ok(evidence_verify(&e, &vendors, &alone, 1760000000, &c, NULL));
    evidence_free(&e);
    buf_free(&file);
    return c;
}

static void a_real_guest_is_pinned_by_its_command_line(void **state)
{
    static const char command_line[] = /* SHA-384 of what GRUB handed to this kernel */
        "129cc599796a3afe";
    require_vectors();
    struct claims c = real_claims();
    struct policy_record r = {.platform = PLATFORM_TDX, .tcb_statuses = 1u << TCB_UNKNOWN};
    memcpy(r.tdx.mrtd, c.tdx.mrtd, 48);
    memcpy(r.tdx.rtmr, c.tdx.rtmr, sizeof r.tdx.rtmr);
    memset(r.tdx.rtmr[2], 0, 48);
    for (size_t i = 0; i < c.tdx.n_events; i++) {
        char hex[97];
        hex_encode(BYTES_OF(c.tdx.events[i].digest), hex);
        if (c.tdx.events[i].rtmr != 2 || strncmp(hex, command_line, 16) != 0)
            continue;
        r.tdx.events[0].rtmr = 2;
        memcpy(r.tdx.events[0].digest, c.tdx.events[i].digest, 48);
        r.tdx.n_events = 1;
    }
    assert_int_equal(r.tdx.n_events, 1);
    assert_err(policy_match(&r, &c, NULL), E_MEAS_MISMATCH); /* GRUB's other commands */
    r.tdx.other_events[2] = true;
    assert_ok(policy_match(&r, &c, NULL));
    r.tdx.events[0].digest[0] ^= 1;
    assert_err(policy_match(&r, &c, NULL), E_MEAS_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_that_say_two_things_or_none_are_refused),
        cmocka_unit_test(a_record_takes_so_many_events),
        cmocka_unit_test(records_with_events_keep_their_form),
        cmocka_unit_test(listed_events_must_be_there_and_no_others),
        cmocka_unit_test(others_are_allowed_where_the_record_says_so),
        cmocka_unit_test(an_event_of_another_register_does_not_count),
        cmocka_unit_test(evidence_without_a_log_matches_no_events),
        cmocka_unit_test(the_other_registers_count_as_ever),
        cmocka_unit_test(evidence_is_found_by_its_firmware),
        cmocka_unit_test(a_real_guest_is_pinned_by_its_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
