#include "test.h"

#include "core/evidence/sim/sim.h"

static struct buf written(const struct claims *c)
{
    struct buf b = BUF_INIT(16384);
    struct writer w = writer(&b);
    claims_write(&w, c);
    assert_ok(writer_end(&w));
    return b;
}

static enum err read_back(struct bytes in, struct claims *out)
{
    struct reader r = reader(in);
    claims_read(&r, out);
    return reader_end(&r, E_MALFORMED);
}

static void truncated_and_longer_claims_are_refused(void **state)
{
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct claims c = sim_claims(p, 1), out;
        struct buf b = written(&c);
        for (size_t n = 0; n < b.n; n++)
            assert_err(read_back(bytes(b.p, n), &out), E_MALFORMED);
        assert_int_equal(out.platform, PLATFORM_NONE);
        assert_ok(buf_add(&b, "", 1));
        assert_err(read_back(buf_bytes(&b), &out), E_MALFORMED);
        buf_free(&b);
    }
}

/* In descending order; the same one twice. */
static void add_events(struct claims *c, size_t n)
{
    if (c->platform != PLATFORM_TDX)
        return;
    c->tdx.has_events = true;
    for (size_t i = 0; i < 2 * n; i++) {
        struct claims_event e = {.rtmr = (uint8_t)(3 - i / 2 % 4)};
        e.digest[47] = (uint8_t)(n - i / 2);
        assert_ok(claims_add_event(&c->tdx, &e));
    }
    assert_int_equal(c->tdx.n_events, n);
}

static void events_are_a_set_with_a_limit(void **state)
{
    struct claims c = {.platform = PLATFORM_TDX}, out;
    const struct claims_event one_more = {.rtmr = 2, .digest = {0xff}};
    add_events(&c, CLAIMS_EVENTS_MAX);
    for (size_t i = 1; i < c.tdx.n_events; i++)
        assert_true(memcmp(&c.tdx.events[i - 1], &c.tdx.events[i], sizeof *c.tdx.events) < 0);
    assert_err(claims_add_event(&c.tdx, &one_more), E_TOO_LARGE);
    struct buf b = written(&c);
    assert_ok(read_back(buf_bytes(&b), &out));
    assert_memory_equal(out.tdx.events, c.tdx.events, sizeof c.tdx.events);
    buf_free(&b);
    c.tdx.has_events = false; /* and yet some */
    b = written(&c);
    assert_err(read_back(buf_bytes(&b), &out), E_MALFORMED);
    buf_free(&b);
}

/* Whatever is read is written the same again: one encoding per value. */
static void every_value_has_one_encoding(void **state)
{
    unsigned refused = 0;
    for (enum platform p = PLATFORM_TDX; p <= PLATFORM_SNP; p++) {
        struct claims c = sim_claims(p, 1), out;
        assert_ok(claims_add_advisory(&c, "INTEL-SA-00837"));
        assert_ok(claims_add_advisory(&c, "INTEL-SA-00960"));
        add_events(&c, 3);
        struct buf b = written(&c);
        for (size_t bit = 0; bit < 8 * b.n; bit++) {
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (read_back(buf_bytes(&b), &out) == OK) {
                struct buf again = written(&out);
                assert_true(bytes_eq(buf_bytes(&b), buf_bytes(&again)));
                buf_free(&again);
            } else {
                refused++;
            }
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        buf_free(&b);
    }
    assert_true(refused > 50); /* flags, enums, and absent fields that are not zero */
}

static void claims_without_a_platform_are_refused(void **state)
{
    struct claims c = {.platform = PLATFORM_NONE}, out;
    struct buf b = written(&c);
    assert_err(read_back(buf_bytes(&b), &out), E_MALFORMED);
    buf_free(&b);
}

static void hashes_are_computed_and_never_read(void **state)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1), out;
    struct hash32 right = c.measurement_hash;
    memset(&c.measurement_hash, 0xee, 32);
    struct buf b = written(&c);
    assert_ok(read_back(buf_bytes(&b), &out));
    assert_true(hash32_eq(out.measurement_hash, right));
    buf_free(&b);
}

static void the_measurement_hash_is_the_published_one(void **state)
{
    struct claims c = {.platform = PLATFORM_TDX};
    uint8_t all[192];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    memcpy(c.tdx.rtmr, all, sizeof all);
    claims_hash_measurements(&c);
    assert_true(hash32_eq(c.measurement_hash, sha256(BYTES_OF(all))));
    assert_true(hash32_eq(c.measurement_hash_bare, sha256(BYTES_OF(c.tdx.mrtd))));

    c = (struct claims){.platform = PLATFORM_SNP};
    memcpy(c.snp.measurement, all, 48);
    claims_hash_measurements(&c);
    assert_true(hash32_eq(c.measurement_hash, sha256(bytes(all, 48))));
    assert_true(hash32_eq(c.measurement_hash, c.measurement_hash_bare));
    memcpy(c.snp.host_data, all + 48, 32);
    claims_hash_measurements(&c);
    assert_true(hash32_eq(c.measurement_hash, sha256(bytes(all, 80))));
    assert_true(hash32_eq(c.measurement_hash_bare, sha256(bytes(all, 48))));
}

static void instances_and_machines_are_named_by_their_platform(void **state)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1);
    memset(c.report_data, 1, 32);
    memset(c.report_data + 32, 2, 32);
    struct hash32 id = claims_instance_id(&c);
    assert_memory_equal(id.b, c.report_data + 32, 32);
    assert_true(bytes_eq(claims_challenge_part(&c), bytes(c.report_data, 32)));
    assert_true(bytes_eq(claims_platform_id(&c), BYTES_OF(c.tdx.ppid)));
    c = sim_claims(PLATFORM_SNP, 1);
    id = claims_instance_id(&c);
    assert_memory_equal(id.b, c.snp.report_id, 32);
    assert_true(bytes_eq(claims_platform_id(&c), BYTES_OF(c.snp.chip_id)));
}

static void too_many_or_too_long_advisories_are_refused(void **state)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1), before;
    char name[CLAIMS_ADVISORY_SIZE + 1];
    memset(name, 'x', sizeof name);
    name[CLAIMS_ADVISORY_SIZE] = 0;
    assert_err(claims_add_advisory(&c, name), E_TOO_LARGE);
    for (unsigned i = 0; i < CLAIMS_ADVISORIES_MAX; i++) {
        snprintf(name, sizeof name, "A-%u", i);
        assert_ok(claims_add_advisory(&c, name));
    }
    before = c;
    assert_err(claims_add_advisory(&c, "B"), E_TOO_LARGE);
    assert_memory_equal(&before, &c, sizeof c);
    assert_ok(claims_add_advisory(&c, "A-17")); /* it is there */
}

static void advisories_are_a_set_in_order(void **state)
{
    static const char *const names[] = {"C", "A", "B", "C", "A"};
    struct claims c = sim_claims(PLATFORM_TDX, 1), out;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_ok(claims_add_advisory(&c, names[i]));
    assert_int_equal(c.n_advisories, 3);
    struct buf b = written(&c);
    assert_ok(read_back(buf_bytes(&b), &out));
    assert_string_equal(out.advisories[0], "A");
    assert_string_equal(out.advisories[2], "C");
    memcpy(c.advisories[1], "D", 2); /* A, D, C */
    buf_free(&b);
    b = written(&c);
    assert_err(read_back(buf_bytes(&b), &out), E_MALFORMED);
    buf_free(&b);
}

static void names_come_back_and_others_are_refused(void **state)
{
    enum tcb_status status;
    for (enum tcb_status s = TCB_UNKNOWN; s < TCB_STATUSES; s++) {
        assert_ok(tcb_status_from_name(tcb_status_name(s), &status));
        assert_int_equal(status, s);
    }
    assert_err(tcb_status_from_name("uptodate", &status), E_VALUE);
    assert_int_equal(platform_from_name("tdx"), PLATFORM_TDX);
    assert_int_equal(platform_from_name("sev_snp"), PLATFORM_SNP);
    assert_int_equal(platform_from_name("sgx"), PLATFORM_NONE);
    assert_int_equal(platform_from_name("none"), PLATFORM_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncated_and_longer_claims_are_refused),
        cmocka_unit_test(events_are_a_set_with_a_limit),
        cmocka_unit_test(every_value_has_one_encoding),
        cmocka_unit_test(too_many_or_too_long_advisories_are_refused),
        cmocka_unit_test(advisories_are_a_set_in_order),
        cmocka_unit_test(claims_without_a_platform_are_refused),
        cmocka_unit_test(hashes_are_computed_and_never_read),
        cmocka_unit_test(the_measurement_hash_is_the_published_one),
        cmocka_unit_test(instances_and_machines_are_named_by_their_platform),
        cmocka_unit_test(names_come_back_and_others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
