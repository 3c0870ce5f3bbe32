/* One report for each rule: signed by its machine, wrong in this one thing, refused for it. */
#include "test.h"

#include "core/evidence/evidence.h"
#include "core/evidence/sim/vendor.h"

#define AT 1790000000 /* 2026-09-21 */

enum base { MILAN_V2, MILAN_V3, MILAN_V5, TURIN_V3, TURIN_V5, MILAN_VLEK };

static struct claims claims_of(enum base base)
{
    struct claims c = sim_claims(PLATFORM_SNP, 7);
    struct snp_claims *s = &c.snp;
    s->version = base == MILAN_V2 ? 2 : base == MILAN_V5 || base == TURIN_V5 ? 5 : 3;
    s->has_cpuid = s->version >= 3;
    s->has_mitigations = s->version >= 5;
    if (base == MILAN_V2)
        s->cpuid_family = s->cpuid_model = s->cpuid_stepping = 0;
    if (base == TURIN_V3 || base == TURIN_V5) {
        const struct snp_tcb tcb = {
            .fmc = 1, .bootloader = 2, .tee = 1, .snp = 4, .microcode = 81, .has_fmc = true};
        s->product = SNP_TURIN;
        s->cpuid_family = 0x1A;
        s->current_tcb = s->reported_tcb = s->committed_tcb = s->launch_tcb = tcb;
        memset(s->chip_id + 8, 0, 56);
    }
    if (base == MILAN_VLEK) {
        s->signing_key = SNP_KEY_VLEK;
        memset(s->chip_id, 0, sizeof s->chip_id);
    }
    return c;
}

/* A machine with a report of its own. */
struct sample {
    struct sim_machine machine;
    struct buf raw;
};

static struct sample sample(enum base base)
{
    struct sample s = {.raw = BUF_INIT(1 << 16)};
    const uint8_t report_data[64] = {1};
    struct claims described = claims_of(base);
    assert_ok(sim_machine_init(&s.machine, &described, NULL));
    assert_ok(sim_machine_evidence(&s.machine, report_data, &s.raw));
    return s;
}

static void sample_free(struct sample *s)
{
    sim_machine_free(&s->machine);
    buf_free(&s->raw);
}

/* Signs what the report says now. */
static void sign_again(struct sample *s)
{
    struct ecdsa_rs rs;
    uint8_t digest[48], *out = s->raw.p + SNP_SIGNED_SIZE;
    sha384(bytes(s->raw.p, SNP_SIGNED_SIZE), digest);
    assert_ok(sim_sign(&s->machine.key, BYTES_OF(digest), &rs));
    for (size_t i = 0; i < 48; i++) {
        out[i] = rs.rs[47 - i];
        out[72 + i] = rs.rs[95 - i];
    }
}

static enum err judge(const struct sample *s, struct claims *out, struct problem *p)
{
    const struct evidence_options options = {.no_collateral = true};
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct evidence e;
    memset(out, 0, sizeof *out);
    enum err result = evidence_parse(buf_bytes(&s->raw), &e, p);
    if (result == OK)
        result = evidence_verify(&e, &trust, &options, AT, out, p);
    evidence_free(&e);
    return result;
}

struct change {
    enum base base;
    size_t at;
    uint8_t bits; /* to flip */
    enum err code;
    const char *says;
};

static void expect_refusals(const struct change *list, size_t n, bool signed_again)
{
    for (size_t i = 0; i < n; i++) {
        struct sample s = sample(list[i].base);
        struct problem p = {0};
        struct claims out;
        assert_ok(judge(&s, &out, NULL));
        s.raw.p[list[i].at] ^= list[i].bits;
        if (signed_again)
            sign_again(&s);
        enum err e = judge(&s, &out, &p);
        if (e != list[i].code || !strstr(p.detail, list[i].says))
            fail_msg("byte %#zx, bits %#x: %s: %s", list[i].at, list[i].bits, err_code(e),
                     p.detail);
        assert_int_equal(out.platform, PLATFORM_NONE);
        sample_free(&s);
    }
}
#define EXPECT_REFUSALS(list, signed_again) \
    expect_refusals(list, sizeof(list) / sizeof *(list), signed_again)

static void reports_of_another_form_are_refused(void **state)
{
    static const struct change list[] = {
        {MILAN_V3, 0x000, 3, E_FORMAT, "version 0 "},
        {MILAN_V3, 0x000, 2, E_FORMAT, "version 1 "},
        {MILAN_V3, 0x000, 5, E_FORMAT, "version 6 "},
        {MILAN_V3, 0x003, 0x80, E_FORMAT, "version 2147483651 "},
        {MILAN_V3, 0x034, 1, E_FORMAT, "signature algorithm 0 "},
        {MILAN_V3, 0x034, 3, E_FORMAT, "signature algorithm 2 "},
        {MILAN_V3, 0x00A, 0x02, E_FORMAT, "guest policy 0x10000"}, /* bit 17 must be 1 */
        {MILAN_V3, 0x00B, 0x04, E_FORMAT, "guest policy 0x4030000"},
        {MILAN_V3, 0x00F, 0x80, E_FORMAT, "guest policy 0x8000000000030000"},
        {MILAN_V3, 0x030, 4, E_FORMAT, "VMPL 4"},
        {MILAN_V3, 0x033, 0x80, E_FORMAT, "VMPL 2147483648"},
        {MILAN_V3, 0x048, 0x02, E_FORMAT, "a VCEK that it says is not in use"},
        {MILAN_V3, 0x188, 0x02, E_FORMAT, "family 27, model 1"},
        {MILAN_V3, 0x189, 0x80, E_FORMAT, "family 25, model 129"},
    };
    EXPECT_REFUSALS(list, true);
}

static void reserved_fields_must_be_zero(void **state)
{
    static const char says[] = "a reserved field of the report is not zero";
    static const struct change list[] = {
        {MILAN_V3, 0x048, 0x08, E_FORMAT, says}, /* signing key 2 */
        {MILAN_V3, 0x048, 0x20, E_FORMAT, says}, {MILAN_V3, 0x04B, 0x80, E_FORMAT, says},
        {MILAN_V3, 0x04C, 0x01, E_FORMAT, says}, {MILAN_V3, 0x04F, 0x80, E_FORMAT, says},
        {MILAN_V2, 0x188, 0x19, E_FORMAT, says}, {MILAN_V2, 0x189, 0x01, E_FORMAT, says},
        {MILAN_V2, 0x18A, 0x01, E_FORMAT, says}, {MILAN_V3, 0x18B, 0x01, E_FORMAT, says},
        {MILAN_V3, 0x19F, 0x80, E_FORMAT, says}, {MILAN_V3, 0x1EB, 0x01, E_FORMAT, says},
        {MILAN_V3, 0x1EF, 0x01, E_FORMAT, says}, {MILAN_V3, 0x1F8, 0x01, E_FORMAT, says},
        {MILAN_V3, 0x207, 0x80, E_FORMAT, says}, {MILAN_V5, 0x208, 0x01, E_FORMAT, says},
        {TURIN_V5, 0x29F, 0x80, E_FORMAT, says},
    };
    EXPECT_REFUSALS(list, true);
}

/* Behind r and s, which nothing signs. */
static void what_is_not_signed_must_be_zero(void **state)
{
    static const char says[] = "a reserved field of the report is not zero";
    static const struct change list[] = {
        {MILAN_V3, 0x2D0, 0x01, E_FORMAT, says}, {MILAN_V3, 0x2E7, 0x80, E_FORMAT, says},
        {MILAN_V3, 0x318, 0x01, E_FORMAT, says}, {MILAN_V3, 0x32F, 0x80, E_FORMAT, says},
        {MILAN_V3, 0x330, 0x01, E_FORMAT, says}, {MILAN_V3, 0x49F, 0x80, E_FORMAT, says},
    };
    EXPECT_REFUSALS(list, false);
}

static void reserved_bytes_of_tcb_versions_must_be_zero(void **state)
{
    static const size_t versions[] = {0x038, 0x180, 0x1E0, 0x1F0};
    static const char says[] = "a reserved byte of a TCB version is not zero";
    for (size_t v = 0; v < 4; v++) {
        for (size_t i = 2; i <= 6; i++) {
            const struct change milan = {i % 2 ? MILAN_V2 : MILAN_V3, versions[v] + i, 0x10,
                                         E_FORMAT, says};
            const struct change turin = {TURIN_V3, versions[v] + i, 0x10, E_FORMAT, says};
            if (i <= 5)
                expect_refusals(&milan, 1, true);
            if (i >= 4)
                expect_refusals(&turin, 1, true);
        }
    }
}

static void tcb_versions_that_no_firmware_reports_are_refused(void **state)
{
    static const char reported[] = "the reported TCB is above the committed one";
    static const char committed[] = "the committed TCB is above the current one";
    static const size_t milan[] = {0, 1, 6, 7}, turin[] = {0, 1, 2, 3, 7};
    for (size_t i = 0; i < 5; i++) {
        const struct change list[] = {
            {TURIN_V5, 0x180 + turin[i], 0x80, E_FORMAT, reported},
            {TURIN_V5, 0x1E0 + turin[i], 0x80, E_FORMAT, committed},
            {MILAN_V3, 0x180 + milan[i % 4], i % 4 == 3 ? 0x04 : 0x80, E_FORMAT, reported},
            {MILAN_V3, 0x1E0 + milan[i % 4], i % 4 == 3 ? 0x04 : 0x80, E_FORMAT, committed},
        };
        EXPECT_REFUSALS(list, true);
    }
}

static void a_certificate_that_does_not_fit_the_report_is_refused(void **state)
{
    static const struct change list[] = {
        {MILAN_V3, 0x048, 0x1C, E_SIGNATURE, "the report is not signed"},
        {MILAN_V3, 0x048, 0x04, E_CHAIN, "signed by a vlek, the certificate is of a vcek"},
        {MILAN_VLEK, 0x048, 0x04, E_CHAIN, "signed by a vcek, the certificate is of a vlek"},
        {MILAN_V3, 0x189, 0x10, E_CHAIN, "the certificate is for Milan"},
        {MILAN_V3, 0x1A0, 0x01, E_CHAIN, "another chip"},
        {MILAN_V3, 0x1DF, 0x80, E_CHAIN, "another chip"},
        {TURIN_V3, 0x1A7, 0x80, E_CHAIN, "another chip"},
        {TURIN_V3, 0x1A8, 0x01, E_CHAIN, "another chip"}, /* not in the certificate: zero */
        {MILAN_V3, 0x180, 0x04, E_CHAIN, "for TCB 0.4.0.24.219, the report says 0.0.0.24.219"},
        {MILAN_V3, 0x186, 0x08, E_CHAIN, "for TCB 0.4.0.24.219, the report says 0.4.0.16.219"},
        {MILAN_V3, 0x187, 0x01, E_CHAIN, "for TCB 0.4.0.24.219, the report says 0.4.0.24.218"},
        {TURIN_V3, 0x180, 0x01, E_CHAIN, "for TCB 1.2.1.4.81, the report says 0.2.1.4.81"},
        {TURIN_V3, 0x181, 0x02, E_CHAIN, "for TCB 1.2.1.4.81, the report says 1.0.1.4.81"},
        {TURIN_V3, 0x182, 0x01, E_CHAIN, "for TCB 1.2.1.4.81, the report says 1.2.0.4.81"},
        {TURIN_V3, 0x183, 0x04, E_CHAIN, "for TCB 1.2.1.4.81, the report says 1.2.1.0.81"},
        {TURIN_V3, 0x187, 0x01, E_CHAIN, "for TCB 1.2.1.4.81, the report says 1.2.1.4.80"},
    };
    EXPECT_REFUSALS(list, true);
}

/* The chip of a VCEK cannot be told from a report that hides it. */
static void a_masked_chip_id_needs_a_vlek(void **state)
{
    struct sample s = sample(MILAN_V3);
    struct problem p = {0};
    struct claims out;
    memset(s.raw.p + 0x1A0, 0, 64);
    sign_again(&s);
    assert_err(judge(&s, &out, &p), E_CHAIN);
    assert_non_null(strstr(p.detail, "another chip"));
    sample_free(&s);
    s = sample(MILAN_VLEK);
    assert_ok(judge(&s, &out, &p));
    assert_true(bytes_is_zero(BYTES_OF(out.snp.chip_id)));
    sample_free(&s);
}

static void another_signature_is_refused(void **state)
{
    static const struct change list[] = {
        {MILAN_V3, 0x2A0, 1, E_SIGNATURE, "not signed by the certified vcek"},
        {MILAN_V3, 0x2E8, 1, E_SIGNATURE, "not signed by the certified vcek"},
        {MILAN_V3, 0x090, 1, E_SIGNATURE, "not signed by the certified vcek"},
        {MILAN_VLEK, 0x050, 1, E_SIGNATURE, "not signed by the certified vlek"},
    };
    EXPECT_REFUSALS(list, false);
}

/* --- right --- */

static void what_firmware_may_report_is_accepted(void **state)
{
    static const struct change list[] = {
        {MILAN_V3, 0x040, 0xDA, OK, ""}, /* PLATFORM_INFO: new firmware, new bits */
        {MILAN_V3, 0x047, 0x80, OK, ""},   {MILAN_V3, 0x03F, 0x04, OK, ""}, /* current above */
        {MILAN_V3, 0x1F7, 0x04, OK, ""},                                    /* launched higher */
        {MILAN_V3, 0x1F7, 0x80, OK, ""},                                    /* or lower */
        {MILAN_V3, 0x048, 0x01, OK, ""},                                    /* an author key */
        {MILAN_VLEK, 0x048, 0x02, OK, ""},                                  /* VCEK not in use */
        {MILAN_V3, 0x000, 0x07, OK, ""},                                    /* version 4 */
        {MILAN_V5, 0x1F8, 0xFF, OK, ""},   {MILAN_V5, 0x207, 0xFF, OK, ""},
        {MILAN_V3, 0x00B, 0x02, OK, ""}, /* the last policy bit there is */
        {MILAN_V3, 0x030, 0x03, OK, ""},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct sample s = sample(list[i].base);
        struct problem p = {0};
        struct claims out;
        s.raw.p[list[i].at] ^= list[i].bits;
        sign_again(&s);
        if (judge(&s, &out, &p) != OK)
            fail_msg("byte %#zx: %s", list[i].at, p.detail);
        sample_free(&s);
    }
}

/* Reported below committed below current, in every component. */
static void a_platform_may_report_less_than_it_runs(void **state)
{
    struct claims c = claims_of(TURIN_V5), out;
    struct sample s = {.raw = BUF_INIT(1 << 16)};
    const uint8_t report_data[64] = {1};
    c.snp.committed_tcb = (struct snp_tcb){
        .fmc = 2, .bootloader = 3, .tee = 2, .snp = 5, .microcode = 90, .has_fmc = true};
    c.snp.current_tcb = (struct snp_tcb){
        .fmc = 3, .bootloader = 4, .tee = 3, .snp = 6, .microcode = 91, .has_fmc = true};
    assert_ok(sim_machine_init(&s.machine, &c, NULL));
    assert_ok(sim_machine_evidence(&s.machine, report_data, &s.raw));
    assert_ok(judge(&s, &out, NULL));
    assert_int_equal(out.snp.reported_tcb.microcode, 81);
    assert_int_equal(out.snp.committed_tcb.fmc, 2);
    assert_int_equal(out.snp.current_tcb.tee, 3);
    sample_free(&s);
}

static void products_are_found_by_cpuid(void **state)
{
    static const struct {
        uint8_t family, model;
        enum snp_product product;
    } list[] = {
        {0x19, 0x00, SNP_MILAN},           {0x19, 0x01, SNP_MILAN},
        {0x19, 0x0F, SNP_MILAN},           {0x19, 0x10, SNP_GENOA},
        {0x19, 0x11, SNP_GENOA},           {0x19, 0x1F, SNP_GENOA},
        {0x19, 0x20, SNP_PRODUCT_UNKNOWN}, {0x19, 0x9F, SNP_PRODUCT_UNKNOWN},
        {0x19, 0xA0, SNP_GENOA},           {0x19, 0xA2, SNP_GENOA}, /* Bergamo, Siena */
        {0x19, 0xAF, SNP_GENOA},           {0x19, 0xB0, SNP_PRODUCT_UNKNOWN},
        {0x1A, 0x00, SNP_TURIN},           {0x1A, 0x02, SNP_TURIN},
        {0x1A, 0x11, SNP_TURIN},           {0x1A, 0x20, SNP_PRODUCT_UNKNOWN},
        {0x17, 0x31, SNP_PRODUCT_UNKNOWN}, {0x06, 0x8F, SNP_PRODUCT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        assert_int_equal(snp_product_of_cpu(list[i].family, list[i].model), list[i].product);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_of_another_form_are_refused),
        cmocka_unit_test(reserved_fields_must_be_zero),
        cmocka_unit_test(what_is_not_signed_must_be_zero),
        cmocka_unit_test(reserved_bytes_of_tcb_versions_must_be_zero),
        cmocka_unit_test(tcb_versions_that_no_firmware_reports_are_refused),
        cmocka_unit_test(a_certificate_that_does_not_fit_the_report_is_refused),
        cmocka_unit_test(a_masked_chip_id_needs_a_vlek),
        cmocka_unit_test(another_signature_is_refused),
        cmocka_unit_test(what_firmware_may_report_is_accepted),
        cmocka_unit_test(a_platform_may_report_less_than_it_runs),
        cmocka_unit_test(products_are_found_by_cpuid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
