#include "core/evidence/needs.h"
#include "core/evidence/sim/sim.h"
#include "test.h"

static struct vendor_object objects[OBJECTS_OF_CLAIMS_MAX];

static void expect_names(size_t n, const char *const *names)
{
    char name[OBJECT_NAME_MAX];
    for (size_t i = 0; i < n; i++) {
        object_name(&objects[i], name);
        assert_string_equal(name, names[i]);
    }
}

static void claims_that_name_no_platform_need_nothing(void **state)
{
    struct claims c = {.platform = PLATFORM_NONE};
    assert_int_equal(objects_of_claims(&c, true, objects), 0);
    c = (struct claims){.platform = PLATFORM_TDX};
    assert_int_equal(objects_of_claims(&c, true, objects), 0);
    c = (struct claims){.platform = PLATFORM_SNP};
    assert_int_equal(objects_of_claims(&c, true, objects), 0);
    c = sim_claims(PLATFORM_SNP, 1);
    c.snp.signing_key = SNP_KEY_NONE;
    assert_int_equal(objects_of_claims(&c, true, objects), 0);
}

static void a_td_needs_four_objects(void **state)
{
    struct claims c = sim_claims(PLATFORM_TDX, 1);
    memcpy(c.tdx.fmspc, "\x00\x80\x6f\x05\x00\x00", 6);
    c.tdx.has_platform_instance = true;
    const char *names[] = {"TCB info of 00806f050000", "TD QE identity",
                           "revocation list of the PCK Platform CA",
                           "revocation list of the SGX root CA"};
    assert_int_equal(objects_of_claims(&c, false, objects), 4);
    expect_names(4, names);
    c.tdx.has_platform_instance = false;
    names[2] = "revocation list of the PCK Processor CA";
    assert_int_equal(objects_of_claims(&c, true, objects), 4);
    expect_names(4, names);
}

static void a_report_needs_its_certificate_only_if_it_did_not_bring_it(void **state)
{
    struct claims c = sim_claims(PLATFORM_SNP, 1);
    memcpy(c.snp.chip_id, "\x12\x34\x56\x78", 4);
    const char *names[] = {"vcek certificates of Milan", "vcek revocation list of Milan",
                           "VCEK of the Milan 12345678"};
    assert_int_equal(objects_of_claims(&c, false, objects), 2);
    expect_names(2, names);
    assert_int_equal(objects_of_claims(&c, true, objects), 3);
    expect_names(3, names);
    assert_int_equal(objects[2].tcb.microcode, c.snp.reported_tcb.microcode);
    /* A masked chip id names no chip, and a VLEK none either. */
    memset(c.snp.chip_id, 0, sizeof c.snp.chip_id);
    assert_int_equal(objects_of_claims(&c, true, objects), 2);
    memset(c.snp.chip_id, 1, sizeof c.snp.chip_id);
    c.snp.signing_key = SNP_KEY_VLEK;
    assert_int_equal(objects_of_claims(&c, true, objects), 2);
    names[0] = "vlek certificates of Milan";
    names[1] = "vlek revocation list of Milan";
    expect_names(2, names);
}

/* Turin's id has 8 bytes; whatever else a report says there is not asked for. */
static void a_turin_is_asked_for_by_eight_bytes(void **state)
{
    struct claims c = sim_claims(PLATFORM_SNP, 1);
    c.snp.product = SNP_TURIN;
    memset(c.snp.chip_id, 7, sizeof c.snp.chip_id);
    assert_int_equal(objects_of_claims(&c, true, objects), 3);
    assert_true(bytes_is_zero(bytes(objects[2].hwid + 8, 56)));
    assert_int_equal(objects[2].hwid[7], 7);
}

/* --- bytes --- */

static enum err read_back(struct bytes in, struct vendor_object *out)
{
    struct reader r = reader(in);
    object_read(&r, out);
    return reader_end(&r, E_MALFORMED);
}

static void what_is_written_is_read(void **state)
{
    struct claims c[] = {sim_claims(PLATFORM_TDX, 1), sim_claims(PLATFORM_SNP, 2),
                         sim_claims(PLATFORM_SNP, 3)};
    c[2].snp.product = SNP_TURIN;
    c[2].snp.reported_tcb = (struct snp_tcb){1, 2, 3, 4, 5, true};
    for (size_t i = 0; i < 3; i++)
        for (size_t n = objects_of_claims(&c[i], true, objects); n-- > 0;) {
            struct buf b = BUF_INIT(256);
            struct writer w = writer(&b);
            struct vendor_object back;
            object_write(&w, &objects[n]);
            assert_ok(writer_end(&w));
            assert_ok(read_back(buf_bytes(&b), &back));
            assert_true(object_eq(&objects[n], &back));
            b.n--;
            assert_err(read_back(buf_bytes(&b), &back), E_MALFORMED);
            buf_free(&b);
        }
}

static void numbers_outside_of_their_ranges_are_refused(void **state)
{
    static const struct {
        const char *p;
        size_t n;
    } wrong[] = {{"", 0},
                 {"\x00", 1},
                 {"\x08", 1},
                 {"\x03\x02", 2},
                 {"\x05\x00\x00", 3},
                 {"\x05\x04\x00", 3},
                 {"\x06\x01\x02", 3},
                 {"\x02\x00", 2}};
    struct vendor_object back;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(read_back(bytes(wrong[i].p, wrong[i].n), &back), E_MALFORMED);
    assert_ok(read_back(bytes("\x02", 1), &back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_that_name_no_platform_need_nothing),
        cmocka_unit_test(a_td_needs_four_objects),
        cmocka_unit_test(a_report_needs_its_certificate_only_if_it_did_not_bring_it),
        cmocka_unit_test(a_turin_is_asked_for_by_eight_bytes),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(numbers_outside_of_their_ranges_are_refused),
    };
    return cmocka_run_group_tests_name("needs", tests, NULL, NULL);
}
