#include "vectors.h"

#include "base/codec/json.h"
#include "base/crypto/hash.h"
#include "core/evidence/eventlog.h"

#define SEPARATOR      0x00000004u
#define NO_ACTION      0x00000003u
#define EVENT_TAG      0x00000006u
#define IPL            0x0000000du
#define DRIVER_CONFIG  0x80000001u
#define VARIABLE_BOOT  0x80000002u
#define APPLICATION    0x80000003u
#define EFI_ACTION     0x80000007u
#define SHA384_SPEC_ID "Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0\0"
#define BOTH_SPEC_ID   "Spec ID Event03\0\0\0\0\0\0\2\0\2\2\0\0\0\x0b\0\x20\0\x0c\0\x30\0\0"
/* A literal without its NUL. */
#define LITERAL(text) bytes((text), sizeof(text) - 1)

/* --- logs to order --- */

static void put(struct buf *log, const void *p, size_t n)
{
    assert_ok(buf_add(log, p, n));
}

static void put_number(struct buf *log, uint64_t v, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(v >> 8 * i);
        put(log, &byte, 1);
    }
}

static struct buf log_of(struct bytes spec_id)
{
    struct buf log = BUF_INIT(2 * EVENTLOG_MAX);
    const uint8_t zero[20] = {0};
    put_number(&log, 0, 4);
    put_number(&log, NO_ACTION, 4);
    put(&log, zero, sizeof zero);
    put_number(&log, spec_id.n, 4);
    put(&log, spec_id.p, spec_id.n);
    return log;
}

/* An event whose only digest is of `measured`. */
static void add_event(struct buf *log, uint32_t index, uint32_t type, struct bytes measured,
                      struct bytes data)
{
    uint8_t digest[48];
    sha384(measured, digest);
    put_number(log, index, 4);
    put_number(log, type, 4);
    put_number(log, 1, 4);
    put_number(log, EVENTLOG_SHA384, 2);
    put(log, digest, sizeof digest);
    put_number(log, data.n, 4);
    put(log, data.p, data.n);
}

static void add_whole(struct buf *log, uint32_t index, uint32_t type, struct bytes data)
{
    add_event(log, index, type, data, data);
}

static struct buf one_event(uint32_t index, uint32_t type, struct bytes measured, struct bytes data)
{
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    add_event(&log, index, type, measured, data);
    return log;
}

static enum err replay(const struct buf *log, enum eventlog_kind kind, struct eventlog_values *out)
{
    struct problem p = {0};
    enum err e = eventlog_replay(buf_bytes(log), kind, EVENTLOG_SHA384, out, &p);
    if (e != OK && !p.detail[0])
        fail_msg("%s: no reason given", err_code(e));
    return e;
}

/* The replay's end, and frees the log. */
static enum err replayed(struct buf log, enum eventlog_kind kind)
{
    struct eventlog_values values;
    enum err e = replay(&log, kind, &values);
    buf_free(&log);
    return e;
}

/* --- wrong first --- */

static void logs_of_another_form_are_refused(void **state)
{
    static const struct bytes bad[] = {
        {(const uint8_t *)"", 0},
        {(const uint8_t *)"Spec ID Event00\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0\0", 33},
        {(const uint8_t *)"Spec ID Event03\0\0\0\0\0\0\2\0\2\0\0\0\0\0", 29},   /* no algorithm */
        {(const uint8_t *)"Spec ID Event03\0\0\0\0\0\0\2\0\2\x09\0\0\0\0", 29}, /* too many */
        {(const uint8_t *)"Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x20\0\0", 33},
        {(const uint8_t *)"Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0\1", 33},
        {(const uint8_t *)"Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0\0\0", 34},
        {(const uint8_t *)"Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x55\0\x00\0\0", 33},
        {(const uint8_t *)"Spec ID Event03\0\0\0\0\0\0\2\0\2\2\0\0\0\x0c\0\x30\0\x0c\0\x30\0\0",
         37},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_err(replayed(log_of(bad[i]), EVENTLOG_CC), E_FORMAT);
    assert_err(replayed(BUF_INIT(0), EVENTLOG_CC), E_FORMAT);
}

static void a_measured_first_event_is_refused(void **state)
{
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    log.p[8] = 1;
    assert_err(replayed(log, EVENTLOG_CC), E_FORMAT);
    log = log_of(LITERAL(SHA384_SPEC_ID));
    log.p[4] = 4;
    assert_err(replayed(log, EVENTLOG_CC), E_FORMAT);
}

static void a_log_without_the_hash_is_refused(void **state)
{
    struct buf log = log_of(LITERAL("Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x12\0\x20\0\0"));
    assert_err(replayed(log, EVENTLOG_CC), E_FORMAT);
}

static void a_log_beyond_the_limit_is_refused(void **state)
{
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    assert_non_null(buf_extend(&log, EVENTLOG_MAX));
    assert_err(replayed(log, EVENTLOG_CC), E_TOO_LARGE);
}

static void every_truncation_inside_an_event_is_refused(void **state)
{
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    size_t start = log.n;
    add_whole(&log, 1, EFI_ACTION, LITERAL("Exit Boot Services Invocation"));
    for (size_t n = 0; n < log.n; n++) {
        struct eventlog_values values;
        enum err e = eventlog_replay(bytes(log.p, n), EVENTLOG_CC, EVENTLOG_SHA384, &values, NULL);
        if ((e == OK) != (n == start))
            fail_msg("cut at %zu: %s", n, err_code(e));
    }
    buf_free(&log);
}

static void digests_other_than_one_of_each_algorithm_are_refused(void **state)
{
    static const struct {
        uint32_t count;
        uint16_t first, second;
        enum err expected;
    } cases[] = {
        {2, EVENTLOG_SHA256, EVENTLOG_SHA384, OK},
        {2, EVENTLOG_SHA384, EVENTLOG_SHA256, OK},
        {2, EVENTLOG_SHA384, EVENTLOG_SHA384, E_FORMAT},
        {2, EVENTLOG_SHA384, 0x0d, E_FORMAT},
        {1, EVENTLOG_SHA384, EVENTLOG_SHA256, E_FORMAT},
        {3, EVENTLOG_SHA384, EVENTLOG_SHA256, E_FORMAT},
        {0, EVENTLOG_SHA384, EVENTLOG_SHA256, E_FORMAT},
    };
    const uint8_t digest[64] = {7};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf log = log_of(LITERAL(BOTH_SPEC_ID));
        put_number(&log, 1, 4);
        put_number(&log, APPLICATION, 4);
        put_number(&log, cases[i].count, 4);
        put_number(&log, cases[i].first, 2);
        put(&log, digest, cases[i].first == EVENTLOG_SHA256 ? 32 : 48);
        put_number(&log, cases[i].second, 2);
        put(&log, digest, cases[i].second == EVENTLOG_SHA256 ? 32 : 48);
        put_number(&log, 0, 4);
        assert_err(replayed(log, EVENTLOG_CC), cases[i].expected);
    }
}

static void an_event_for_no_register_is_refused(void **state)
{
    struct bytes zero = LITERAL("\0\0\0\0");
    assert_err(replayed(one_event(0, SEPARATOR, zero, zero), EVENTLOG_CC), E_FORMAT);
    assert_err(replayed(one_event(5, SEPARATOR, zero, zero), EVENTLOG_CC), E_FORMAT);
    assert_err(replayed(one_event(24, SEPARATOR, zero, zero), EVENTLOG_TCG2), E_FORMAT);
    assert_ok(replayed(one_event(4, SEPARATOR, zero, zero), EVENTLOG_CC));
    assert_ok(replayed(one_event(23, SEPARATOR, zero, zero), EVENTLOG_TCG2));
    assert_ok(replayed(one_event(0xffffffff, NO_ACTION, zero, zero), EVENTLOG_CC));
}

static void data_that_were_not_measured_are_refused(void **state)
{
    static const uint32_t types[] = {SEPARATOR,     0x05,          0x08,       0x12,
                                     DRIVER_CONFIG, VARIABLE_BOOT, 0x80000006, EFI_ACTION,
                                     0x8000000c,    0x800000e0};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct buf log = one_event(1, types[i], LITERAL("said"), LITERAL("told"));
        assert_err(replayed(log, EVENTLOG_CC), E_FORMAT);
        log = one_event(1, types[i], LITERAL("said"), LITERAL("said"));
        assert_ok(replayed(log, EVENTLOG_CC));
    }
}

static void what_follows_the_padding_is_refused(void **state)
{
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    memset(buf_extend(&log, 100), 0xff, 100);
    put(&log, "\1", 1);
    assert_err(replayed(log, EVENTLOG_CC), E_FORMAT);
}

static void a_late_startup_locality_is_refused(void **state)
{
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    add_whole(&log, 0, SEPARATOR, LITERAL("\0\0\0\0"));
    add_event(&log, 0, NO_ACTION, BYTES_NONE, LITERAL("StartupLocality\0\3"));
    assert_err(replayed(log, EVENTLOG_TCG2), E_FORMAT);
}

/* --- right --- */

static void padding_of_either_kind_ends_a_log(void **state)
{
    for (int fill = 0; fill <= 0xff; fill += 0xff) {
        struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
        add_whole(&log, 1, SEPARATOR, LITERAL("\0\0\0\0"));
        memset(buf_extend(&log, 100), fill, 100);
        assert_ok(replayed(log, EVENTLOG_CC));
    }
}

static void a_register_is_extended_in_order(void **state)
{
    struct eventlog_values values;
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    uint8_t expected[48], both[96] = {0};
    add_whole(&log, 2, EFI_ACTION, LITERAL("a"));
    add_event(&log, 2, NO_ACTION, LITERAL("?"), LITERAL("not measured"));
    add_whole(&log, 2, EFI_ACTION, LITERAL("b"));
    sha384(LITERAL("a"), both + 48);
    sha384(BYTES_OF(both), expected);
    memcpy(both, expected, 48);
    sha384(LITERAL("b"), both + 48);
    sha384(BYTES_OF(both), expected);
    assert_ok(replay(&log, EVENTLOG_CC, &values));
    assert_memory_equal(values.reg[1], expected, 48);
    assert_true(bytes_is_zero(BYTES_OF(values.reg[0])));
    buf_free(&log);
}

static void a_tpm_starts_where_its_specification_says(void **state)
{
    struct eventlog_values values;
    uint8_t ones[48];
    struct buf log = log_of(LITERAL(SHA384_SPEC_ID));
    memset(ones, 0xff, sizeof ones);
    add_event(&log, 0, NO_ACTION, BYTES_NONE, LITERAL("StartupLocality\0\3"));
    assert_ok(replay(&log, EVENTLOG_TCG2, &values));
    assert_int_equal(values.reg[0][47], 3);
    assert_true(bytes_is_zero(bytes(values.reg[0], 47)));
    assert_true(bytes_is_zero(BYTES_OF(values.reg[16])));
    assert_memory_equal(values.reg[17], ones, 48);
    assert_memory_equal(values.reg[22], ones, 48);
    assert_true(bytes_is_zero(BYTES_OF(values.reg[23])));
    buf_free(&log);
}

static void the_sha256_bank_is_replayed(void **state)
{
    struct eventlog_values values;
    uint8_t both[64] = {0}, wide[48] = {1};
    struct buf log = log_of(LITERAL(BOTH_SPEC_ID));
    struct hash32 digest = sha256(LITERAL("x"));
    put_number(&log, 9, 4);
    put_number(&log, EFI_ACTION, 4);
    put_number(&log, 2, 4);
    put_number(&log, EVENTLOG_SHA384, 2);
    put(&log, wide, sizeof wide);
    put_number(&log, EVENTLOG_SHA256, 2);
    put(&log, digest.b, sizeof digest.b);
    put_number(&log, 1, 4);
    put(&log, "x", 1);
    memcpy(both + 32, digest.b, 32);
    digest = sha256(BYTES_OF(both));
    assert_ok(eventlog_replay(buf_bytes(&log), EVENTLOG_TCG2, EVENTLOG_SHA256, &values, NULL));
    assert_memory_equal(values.reg[9], digest.b, 32);
    buf_free(&log);
}

/* --- what events say --- */

static void check_event(struct buf log, enum event_data expected, const char *text)
{
    struct eventlog l;
    struct event e;
    bool more;
    char said[EVENT_TEXT_MAX];
    assert_ok(eventlog_open(buf_bytes(&log), EVENTLOG_CC, EVENTLOG_SHA384, &l, NULL));
    assert_ok(eventlog_next(&l, &e, &more, NULL));
    assert_true(more);
    assert_int_equal(event_data(&e), expected);
    event_text(&e, said);
    assert_string_equal(said, text);
    buf_free(&log);
}

#define BOOT_VARIABLE "0123456789abcdef\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0B\0\t\0o\0vv"

static void data_are_bound_to_the_digest_or_free(void **state)
{
    struct bytes variable = LITERAL(BOOT_VARIABLE), none = BYTES_NONE;
    struct bytes command = LITERAL("grub_cmd: linux /vmlinuz\0");
    struct bytes tag = LITERAL("\1\2\3\4\5\0\0\0hello");
    check_event(one_event(1, VARIABLE_BOOT, LITERAL("vv"), variable), EVENT_DATA_BOUND, "B?o");
    check_event(one_event(1, VARIABLE_BOOT, variable, variable), EVENT_DATA_BOUND, "B?o");
    check_event(one_event(1, VARIABLE_BOOT, none, variable), EVENT_DATA_DIFFERS, "B?o");
    check_event(one_event(3, IPL, LITERAL("linux /vmlinuz"), command), EVENT_DATA_BOUND,
                "grub_cmd: linux /vmlinuz");
    check_event(one_event(3, IPL, none, LITERAL("/vmlinuz\0")), EVENT_DATA_FREE, "/vmlinuz");
    check_event(one_event(3, EVENT_TAG, tag, tag), EVENT_DATA_BOUND, "hello");
    check_event(one_event(3, EVENT_TAG, LITERAL("initrd"), tag), EVENT_DATA_FREE, "hello");
    check_event(one_event(1, SEPARATOR, LITERAL("\1\0\0\0"), LITERAL("it failed")),
                EVENT_DATA_BOUND, "");
    check_event(one_event(1, 0x12345678, none, LITERAL("x")), EVENT_DATA_FREE, "");
}

static void broken_data_have_no_text(void **state)
{
    static const uint32_t types[] = {EVENT_TAG, DRIVER_CONFIG, APPLICATION, 0x8000000a};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        check_event(one_event(1, types[i], LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
                              LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff")),
                    types[i] == APPLICATION || types[i] == 0x8000000a ? EVENT_DATA_FREE
                                                                      : EVENT_DATA_BOUND,
                    "");
}

static void a_long_text_is_cut_and_made_printable(void **state)
{
    char data[300], expected[EVENT_TEXT_MAX];
    memset(data, 'a', sizeof data);
    memset(expected, 'a', sizeof expected);
    data[1] = '\n';
    data[2] = '\x1b';
    expected[1] = expected[2] = '?';
    expected[EVENT_TEXT_MAX - 1] = 0;
    check_event(one_event(1, EFI_ACTION, BYTES_OF(data), BYTES_OF(data)), EVENT_DATA_BOUND,
                expected);
}

/* --- real logs --- */

static void check_replay(const json_t *row)
{
    char path[200];
    struct eventlog_values values;
    const json_t *expected = json_member(row, "rtmr_replay");
    snprintf(path, sizeof path, "measure/tdx/%s", json_str(json_member(row, "file")));
    struct buf log = read_vector(path);
    if (strstr(path, "sm3")) {
        assert_err(replay(&log, EVENTLOG_CC, &values), E_FORMAT);
    } else {
        assert_ok(replay(&log, EVENTLOG_CC, &values));
        for (size_t i = 0; i < 4; i++) {
            char hex[97];
            hex_encode(BYTES_OF(values.reg[i]), hex);
            assert_string_equal(hex, json_str(json_item(expected, i)));
        }
    }
    buf_free(&log);
}

static void check_types(const json_t *row)
{
    char path[200];
    struct eventlog log;
    struct event e;
    bool more;
    const json_t *types = json_member(row, "event_types");
    snprintf(path, sizeof path, "measure/tdx/%s", json_str(json_member(row, "file")));
    struct buf file = read_vector(path);
    assert_ok(eventlog_open(buf_bytes(&file), EVENTLOG_CC, EVENTLOG_SHA384, &log, NULL));
    for (size_t i = 1; i < json_count(types); i++) { /* the first is the Spec ID event */
        const json_t *type = json_item(types, i);
        uint64_t index = 0;
        assert_ok(eventlog_next(&log, &e, &more, NULL));
        assert_true(more && json_to_uint(json_item(type, 0), &index));
        assert_int_equal(e.reg, index - 1);
        assert_int_equal(e.type, strtoul(json_str(json_item(type, 1)), NULL, 16));
        assert_string_not_equal(event_type_name(e.type), "EV_?");
    }
    assert_ok(eventlog_next(&log, &e, &more, NULL));
    assert_false(more);
    buf_free(&file);
}

static void real_logs_replay_to_what_others_computed(void **state)
{
    json_t *rows;
    size_t checked = 0;
    require_vectors();
    struct buf text = read_vector("measure/tdx/rtmr_replay_expected_public.json");
    assert_ok(json_parse(buf_bytes(&text), 1 << 20, &rows, NULL));
    for (size_t i = 0; i < json_count(rows); i++) {
        const json_t *row = json_item(rows, i);
        const char *file = json_str(json_member(row, "file"));
        if (!json_member(row, "event_types"))
            continue; /* another form of log */
        check_replay(row);
        if (!strstr(file, "sm3"))
            check_types(row);
        checked++;
    }
    assert_int_equal(checked, 7);
    json_free(rows);
    buf_free(&text);
}

/* Judged at a time when the certificates of all these quotes are valid. */
static void check_evidence(const char *path, enum err expected, size_t n_events)
{
    const struct evidence_trust vendors = evidence_trust_vendors(false);
    const struct evidence_options alone = {.no_collateral = true};
    struct claims claims;
    struct problem p = {0};
    struct buf file = read_vector(path);
    enum err e = judge_bytes(buf_bytes(&file), &vendors, &alone, 1760000000, &claims, &p);
    if (e != expected)
        fail_msg("%s: %s: %s", path, err_code(e), p.detail);
    if (e == OK) {
        assert_int_equal(claims.tdx.n_events, n_events);
        assert_int_equal(claims.tdx.has_events, n_events != 0);
    }
    buf_free(&file);
}

static void evidence_with_the_log_of_another_guest_is_refused(void **state)
{
    require_vectors();
    check_evidence("kbs/tdx_evidence_bad_ccel_of_other_td.json", E_MEAS_MISMATCH, 0);
    check_evidence("kbs/tdx_evidence_gcp_with_ccel.json", OK, 42);
    check_evidence("kbs/tdx_evidence_phala_no_ccel.json", OK, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_of_another_form_are_refused),
        cmocka_unit_test(a_measured_first_event_is_refused),
        cmocka_unit_test(a_log_without_the_hash_is_refused),
        cmocka_unit_test(a_log_beyond_the_limit_is_refused),
        cmocka_unit_test(every_truncation_inside_an_event_is_refused),
        cmocka_unit_test(digests_other_than_one_of_each_algorithm_are_refused),
        cmocka_unit_test(an_event_for_no_register_is_refused),
        cmocka_unit_test(data_that_were_not_measured_are_refused),
        cmocka_unit_test(what_follows_the_padding_is_refused),
        cmocka_unit_test(a_late_startup_locality_is_refused),
        cmocka_unit_test(padding_of_either_kind_ends_a_log),
        cmocka_unit_test(a_register_is_extended_in_order),
        cmocka_unit_test(a_tpm_starts_where_its_specification_says),
        cmocka_unit_test(the_sha256_bank_is_replayed),
        cmocka_unit_test(data_are_bound_to_the_digest_or_free),
        cmocka_unit_test(broken_data_have_no_text),
        cmocka_unit_test(a_long_text_is_cut_and_made_printable),
        cmocka_unit_test(real_logs_replay_to_what_others_computed),
        cmocka_unit_test(evidence_with_the_log_of_another_guest_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
