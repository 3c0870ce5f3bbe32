#include "snp_sample.h"

/* Calls f for every genuine report at its time; returns how many there are. */
static unsigned each_genuine(void (*f)(const struct table *row, struct snp_sample *c, unsigned n))
{
    struct table t = table_open("snp/cases.tsv");
    unsigned n = 0;
    while (table_next(&t)) {
        struct snp_sample c;
        if (!starts_with(cell(&t, "id"), "real-") || strcmp(cell(&t, "verdict"), "authentic") != 0)
            continue;
        snp_sample_open(&c, &t);
        f(&t, &c, n++);
        snp_sample_close(&c);
    }
    buf_free(&t.text);
    return n;
}

/* --- wrong first --- */

static void truncate_everywhere(const struct table *row, struct snp_sample *c, unsigned n)
{
    struct evidence e;
    for (size_t size = 0; size < SNP_REPORT_SIZE; size++) {
        assert_err(evidence_parse(bytes(c->report.p, size), &e, NULL), E_FORMAT);
        evidence_free(&e);
    }
}

static void a_report_cut_at_any_length_is_refused(void **state)
{
    require_vectors();
    assert_true(each_genuine(truncate_everywhere) >= 60);
}

static void without_certificates(const struct table *row, struct snp_sample *c, unsigned n)
{
    struct evidence_trust trust = evidence_trust_vendors(false);
    struct claims claims;
    for (size_t given = 0; given < SNP_LIST; given++) {
        assert_ok(snp_sample_load(c, given, NULL));
        assert_err(snp_sample_judge(c, &trust, &claims, NULL), E_COLL_MISSING);
    }
    c->options.no_crl = false;
    assert_ok(snp_sample_load(c, SNP_LIST, NULL));
    assert_err(snp_sample_judge(c, &trust, &claims, NULL), E_COLL_MISSING);
}

static void missing_certificates_and_collateral_are_told_as_such(void **state)
{
    require_vectors();
    assert_true(each_genuine(without_certificates) >= 60);
}

/* --- the table of cases --- */

/* How the reasons of the table begin, and what we say; E_INTERNAL: any refusal. */
static enum err code_of(const char *reason)
{
    static const struct {
        const char *starts;
        enum err code;
    } list[] = {
        {"crl-expired", E_COLL_EXPIRED},
        {"crl-", E_COLL_MISSING}, /* none that is the issuer's */
        {"ASK revoked", E_CERT_REVOKED},
        {"ASVK revoked", E_CERT_REVOKED},
        {"malformed", E_FORMAT},
        {"unsupported", E_FORMAT},
        {"policy reserved", E_FORMAT},
        {"VMPL out of range", E_FORMAT},
        {"reserved field", E_FORMAT},
        {"committed TCB", E_FORMAT},
        {"chip id masked", E_FORMAT}, /* MASK_CHIP_KEY is set */
        {"signing key = none", E_SIGNATURE},
        {"vek-", E_CHAIN},
        {"ask-signature", E_CHAIN},
        {"CPUID", E_CHAIN},
        {"VCEK ", E_CHAIN},
        {"VLEK without", E_CHAIN},
        {"signing-key flag", E_CHAIN},
        {"signature (VCEK", E_CHAIN}, /* a certificate that does not fit */
        {"leaf subject", E_CHAIN},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (starts_with(reason, list[i].starts))
            return list[i].code;
    return E_INTERNAL;
}

static void the_cases_are_judged_as_their_table_says(void **state)
{
    require_vectors();
    struct table t = table_open("snp/cases.tsv");
    unsigned accepted = 0, refused = 0;
    while (table_next(&t)) {
        bool expected = starts_with(cell(&t, "verdict"), "authentic");
        enum err code = code_of(cell(&t, "reason"));
        struct snp_sample c;
        struct claims claims;
        struct problem p = {0};
        snp_sample_open(&c, &t);
        enum err e = snp_sample_judge(&c, &c.root.trust, &claims, &p);
        bool right = expected ? e == OK : code == E_INTERNAL ? is_refusal(e) : e == code;
        if (!right)
            fail_msg("%s (%s): %s: %s", cell(&t, "id"), cell(&t, "reason"), err_code(e), p.detail);
        assert_true((e == OK) == (p.detail[0] == 0));
        accepted += e == OK;
        refused += e != OK;
        snp_sample_close(&c);
    }
    buf_free(&t.text);
    assert_int_equal(accepted + refused, 185);
    assert_true(accepted >= 80 && refused >= 80);
}

/* --- right --- */

static void check_tcb(const char *facts, const char *name, const struct snp_tcb *tcb)
{
    uint8_t raw[8];
    char stated[300], hex[17];
    assert_true(fact(facts, name, stated, sizeof stated));
    stated[16] = 0; /* what follows is the same in words */
    snp_tcb_encode(tcb, raw);
    hex_encode(BYTES_OF(raw), hex);
    assert_string_equal(hex, stated);
}

static void check_facts(const char *f, const struct claims *c)
{
    const struct snp_claims *s = &c->snp;
    const uint8_t cpuid[] = {s->cpuid_family, s->cpuid_model, s->cpuid_stepping};
    char key[16];
    check_hex_fact(f, "measurement", BYTES_OF(s->measurement));
    check_hex_fact(f, "host_data", BYTES_OF(s->host_data));
    check_hex_fact(f, "report_data", BYTES_OF(c->report_data));
    check_hex_fact(f, "chip_id", BYTES_OF(s->chip_id));
    check_hex_fact(f, "family_id", BYTES_OF(s->family_id));
    check_hex_fact(f, "image_id", BYTES_OF(s->image_id));
    check_hex_fact(f, "id_key_digest", BYTES_OF(s->id_key_digest));
    check_hex_fact(f, "report_id", BYTES_OF(s->report_id));
    check_hex_fact(f, "cpuid", BYTES_OF(cpuid));
    check_number_fact(f, "policy", s->policy);
    check_number_fact(f, "debug", c->debug);
    check_number_fact(f, "vmpl", s->vmpl);
    check_number_fact(f, "guest_svn", s->guest_svn);
    check_number_fact(f, "platform_info", s->platform_info);
    check_number_fact(f, "author_key_en", s->author_key_enabled);
    check_number_fact(f, "mask_chip_key", s->chip_key_masked);
    check_tcb(f, "reported_tcb", &s->reported_tcb);
    check_tcb(f, "current_tcb", &s->current_tcb);
    check_tcb(f, "committed_tcb", &s->committed_tcb);
    check_tcb(f, "launch_tcb", &s->launch_tcb);
    assert_true(fact(f, "signing_key", key, sizeof key));
    assert_string_equal(snp_key_name(s->signing_key), strcmp(key, "VCEK") == 0 ? "vcek" : "vlek");
}

/* The facts of a report in the MANIFEST. */
static void check_against_manifest(const char *path, const struct claims *claims)
{
    struct table t = table_open("MANIFEST.tsv");
    bool found = false;
    while (!found && table_next(&t)) {
        found = strcmp(cell(&t, "path"), path) == 0;
        if (found)
            check_facts(cell(&t, "facts"), claims);
    }
    buf_free(&t.text);
    assert_true(found);
}

static void accept(const struct table *row, struct snp_sample *c, unsigned n)
{
    struct evidence_trust trust = evidence_trust_vendors(false);
    struct problem p = {0};
    struct claims claims;
    bool listed = c->files[SNP_LIST].n > 0;
    enum err e = snp_sample_judge(c, &trust, &claims, &p);
    if (e != OK)
        fail_msg("%s: %s", cell(row, "id"), p.detail);
    assert_false(claims.simulated);
    assert_int_equal(claims.tcb_status, listed ? TCB_UP_TO_DATE : TCB_UNKNOWN);
    assert_true((int64_t)claims.not_after > c->at);
    assert_string_equal(snp_product_name(claims.snp.product), cell(row, "product"));
    check_against_manifest(cell(row, "report"), &claims);
    /* With --no-collateral, nothing but signatures, chain and dates. */
    c->options.no_collateral = true;
    assert_ok(snp_sample_judge(c, &trust, &claims, &p));
    assert_int_equal(claims.tcb_status, TCB_UNKNOWN);
}

static void genuine_reports_are_accepted_with_the_manifests_values(void **state)
{
    require_vectors();
    assert_true(each_genuine(accept) >= 60);
}

static void reports_without_a_certificate_parse(void **state)
{
    require_vectors();
    struct table t = table_open("MANIFEST.tsv");
    unsigned n = 0;
    while (table_next(&t)) {
        struct evidence e;
        if (!starts_with(cell(&t, "kind"), "snp-report(no VEK"))
            continue;
        struct buf report = read_vector(cell(&t, "path"));
        assert_ok(evidence_parse(buf_bytes(&report), &e, NULL));
        check_facts(cell(&t, "facts"), &e.claims);
        evidence_free(&e);
        buf_free(&report);
        n++;
    }
    buf_free(&t.text);
    assert_int_equal(n, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_cut_at_any_length_is_refused),
        cmocka_unit_test(missing_certificates_and_collateral_are_told_as_such),
        cmocka_unit_test(the_cases_are_judged_as_their_table_says),
        cmocka_unit_test(genuine_reports_are_accepted_with_the_manifests_values),
        cmocka_unit_test(reports_without_a_certificate_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
