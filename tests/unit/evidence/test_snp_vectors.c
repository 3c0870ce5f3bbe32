#include "vectors.h"

/* One line of snp/cases.tsv with its files. */
struct sample {
    struct buf report, files[3]; /* VEK, ASK or ASVK, ARK */
    size_t given;                /* so many of them are collateral */
    struct evidence_options options;
    struct one_root root;
    int64_t at;
};

static void sample_open(struct sample *c, const struct table *t)
{
    static const char *const columns[] = {"vek", "ask", "ark"};
    c->report = read_vector(cell(t, "report"));
    for (size_t i = 0; i < 3; i++)
        c->files[i] = read_vector(cell(t, columns[i]));
    c->given = 3;
    c->options = (struct evidence_options){.no_collateral = true};
    trust_file(&c->root, cell(t, "ark"), PLATFORM_SNP);
    c->at = unix_of(cell(t, "time"));
}

static void sample_close(struct sample *c)
{
    buf_free(&c->report);
    for (size_t i = 0; i < 3; i++)
        buf_free(&c->files[i]);
}

static enum err judge(struct sample *c, const struct evidence_trust *trust, struct claims *out,
                      struct problem *p)
{
    struct collateral collateral = {0};
    struct evidence_options options = c->options;
    enum err e = OK;
    for (size_t i = 0; e == OK && i < c->given; i++)
        e = collateral_add(&collateral, buf_bytes(&c->files[i]), p);
    options.collateral = &collateral;
    if (e == OK)
        e = judge_bytes(buf_bytes(&c->report), trust, &options, c->at, out, p);
    collateral_free(&collateral);
    return e == E_NOT_FOUND ? E_FORMAT : e;
}

/* Calls f for every genuine report at its time; returns how many there are. */
static unsigned each_genuine(void (*f)(const struct table *row, struct sample *c, unsigned n))
{
    struct table t = table_open("snp/cases.tsv");
    unsigned n = 0;
    while (table_next(&t)) {
        struct sample c;
        if (!starts_with(cell(&t, "id"), "real-") || strcmp(cell(&t, "verdict"), "authentic") != 0)
            continue;
        sample_open(&c, &t);
        f(&t, &c, n++);
        sample_close(&c);
    }
    buf_free(&t.text);
    return n;
}

/* --- wrong first --- */

static void flip(struct sample *c, struct buf *in, size_t from, size_t step)
{
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct claims claims;
    for (size_t i = from; i < in->n; i += step) {
        uint8_t bit = (uint8_t)(1 << (i * 3 + from) % 8);
        in->p[i] ^= bit;
        enum err e = judge(c, &trust, &claims, NULL);
        if (!is_refusal(e))
            fail_msg("byte %zu bit %u: %s", i, bit, err_code(e));
        in->p[i] ^= bit;
    }
    assert_ok(judge(c, &trust, &claims, NULL));
}

/* Some exhaustively, and with a cache that knows the genuine chain; the rest sampled without. */
static void flip_report(const struct table *row, struct sample *c, unsigned n)
{
    bool all = n % 24 == 0;
    if (all)
        c->options.cache = evidence_cache_new(16);
    flip(c, &c->report, all ? 0 : n % 83, all ? 1 : 83);
    evidence_cache_free(c->options.cache);
    c->options.cache = NULL;
}

static void every_flipped_byte_of_a_report_is_refused(void **state)
{
    require_vectors();
    assert_true(each_genuine(flip_report) >= 60);
}

static void flip_certificates(const struct table *row, struct sample *c, unsigned n)
{
    for (size_t i = 0; n % 10 == 0 && i < 3; i++)
        flip(c, &c->files[i], n == 0 ? 0 : n % 31, n == 0 ? 1 : 31);
}

static void every_flipped_byte_of_a_certificate_is_refused(void **state)
{
    require_vectors();
    assert_true(each_genuine(flip_certificates) >= 60);
}

static void truncate_everywhere(const struct table *row, struct sample *c, unsigned n)
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

static void without_certificates(const struct table *row, struct sample *c, unsigned n)
{
    struct evidence_trust trust = evidence_trust_vendors(false);
    struct claims claims;
    c->given = 0;
    assert_err(judge(c, &trust, &claims, NULL), E_COLL_MISSING);
    c->given = 1;
    assert_err(judge(c, &trust, &claims, NULL), E_COLL_MISSING);
    c->given = 2;
    assert_err(judge(c, &trust, &claims, NULL), E_COLL_MISSING);
    c->given = 3;
    c->options.no_collateral = false;
    assert_err(judge(c, &trust, &claims, NULL), E_COLL_MISSING);
}

static void missing_certificates_and_collateral_are_told_as_such(void **state)
{
    require_vectors();
    assert_true(each_genuine(without_certificates) >= 60);
}

/* --- the table of cases --- */

static bool needs_collateral(const struct table *t)
{
    static const char *const reasons[] = {"crl-", "ASK revoked", "ASVK revoked", NULL};
    for (size_t i = 0; reasons[i]; i++)
        if (starts_with(cell(t, "reason"), reasons[i]))
            return true;
    return false;
}

static void the_cases_are_judged_as_their_table_says(void **state)
{
    require_vectors();
    struct table t = table_open("snp/cases.tsv");
    unsigned accepted = 0, refused = 0;
    while (table_next(&t)) {
        bool expected = starts_with(cell(&t, "verdict"), "authentic") || needs_collateral(&t);
        struct sample c;
        struct claims claims;
        struct problem p = {0};
        sample_open(&c, &t);
        enum err e = judge(&c, &c.root.trust, &claims, &p);
        if (expected != (e == OK) || (!expected && !is_refusal(e)))
            fail_msg("%s (%s): %s: %s", cell(&t, "id"), cell(&t, "reason"), err_code(e), p.detail);
        accepted += e == OK;
        refused += e != OK;
        sample_close(&c);
    }
    buf_free(&t.text);
    assert_true(accepted >= 90 && refused >= 80);
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

static void accept(const struct table *row, struct sample *c, unsigned n)
{
    struct evidence_trust trust = evidence_trust_vendors(false);
    struct problem p = {0};
    struct claims claims;
    enum err e = judge(c, &trust, &claims, &p);
    if (e != OK)
        fail_msg("%s: %s", cell(row, "id"), p.detail);
    assert_false(claims.simulated);
    assert_int_equal(claims.tcb_status, TCB_UNKNOWN);
    assert_string_equal(snp_product_name(claims.snp.product), cell(row, "product"));
    check_against_manifest(cell(row, "report"), &claims);
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
        cmocka_unit_test(every_flipped_byte_of_a_report_is_refused),
        cmocka_unit_test(every_flipped_byte_of_a_certificate_is_refused),
        cmocka_unit_test(a_report_cut_at_any_length_is_refused),
        cmocka_unit_test(missing_certificates_and_collateral_are_told_as_such),
        cmocka_unit_test(the_cases_are_judged_as_their_table_says),
        cmocka_unit_test(genuine_reports_are_accepted_with_the_manifests_values),
        cmocka_unit_test(reports_without_a_certificate_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
