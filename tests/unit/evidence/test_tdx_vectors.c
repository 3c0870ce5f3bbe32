#include "vectors.h"

/* All PCK certificates of the genuine quotes are valid then. */
#define AT "2026-06-01T00:00:00Z"

static const struct evidence_options alone = {.no_collateral = true};

static bool is_genuine(const struct table *t)
{
    const char *kind = cell(t, "kind");
    return strcmp(kind, "tdx-quote") == 0 || strcmp(kind, "tdx-quote-with-trailing-bytes") == 0;
}

/* Calls f for every genuine quote of the MANIFEST; returns how many there are. */
static unsigned each_genuine(void (*f)(const struct table *row, struct buf *quote, unsigned n))
{
    struct table t = table_open("MANIFEST.tsv");
    unsigned n = 0;
    while (table_next(&t)) {
        if (!is_genuine(&t))
            continue;
        assert_true(starts_with(cell(&t, "sig_ok"), "yes"));
        struct buf quote = read_vector(cell(&t, "path"));
        f(&t, &quote, n++);
        buf_free(&quote);
    }
    buf_free(&t.text);
    return n;
}

/* --- wrong first --- */

static struct evidence_cache *flip_cache;

/* One bit of every step-th byte; a cache that knows the genuine chain must not help a forgery. */
static void flip(struct buf *quote, size_t from, size_t step, size_t below)
{
    struct evidence_options options = {.no_collateral = true, .cache = flip_cache};
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct claims claims;
    for (size_t i = from; i < below; i += step) {
        uint8_t bit = (uint8_t)(1 << (i * 5 + from) % 8);
        quote->p[i] ^= bit;
        enum err e = judge_bytes(buf_bytes(quote), &trust, &options, unix_of(AT), &claims, NULL);
        if (!is_refusal(e))
            fail_msg("byte %zu bit %u: %s", i, bit, err_code(e));
        quote->p[i] ^= bit;
    }
    enum err e = judge_bytes(buf_bytes(quote), &trust, &options, unix_of(AT), &claims, NULL);
    assert_ok(e);
}

static void flip_sampled(const struct table *row, struct buf *quote, unsigned n)
{
    flip(quote, n % 89, 89, quote->n);
}

static void every_flipped_byte_of_a_quote_is_refused(void **state)
{
    require_vectors();
    static const char *const whole[] = {
        "tdx/quotes/v4_b0c06f000000_811dca2a_f1c85033.bin",
        "tdx/quotes/v5_90c06f000000_f06984c8_d0010db6.bin",
    };
    flip_cache = evidence_cache_new(64);
    for (size_t i = 0; i < 2; i++) {
        struct buf quote = read_vector(whole[i]);
        flip(&quote, 0, 1, quote.n);
        buf_free(&quote);
    }
    assert_true(each_genuine(flip_sampled) >= 30);
    evidence_cache_free(flip_cache);
    flip_cache = NULL;
}

static void truncate_everywhere(const struct table *row, struct buf *quote, unsigned n)
{
    struct tdx_quote q;
    struct claims claims;
    assert_ok(tdx_quote_parse(buf_bytes(quote), &q, &claims, NULL));
    for (size_t size = 0; size < q.whole.n; size++)
        assert_err(tdx_quote_parse(bytes(quote->p, size), &q, &claims, NULL), E_FORMAT);
}

static void a_quote_cut_at_any_length_is_refused(void **state)
{
    require_vectors();
    assert_true(each_genuine(truncate_everywhere) >= 30);
}

static void sgx_quotes_are_refused_by_name(void **state)
{
    require_vectors();
    struct table t = table_open("MANIFEST.tsv");
    struct evidence e;
    unsigned n = 0;
    while (table_next(&t)) {
        if (!starts_with(cell(&t, "kind"), "sgx-quote"))
            continue;
        struct problem p = {0};
        struct buf quote = read_vector(cell(&t, "path"));
        assert_err(evidence_parse(buf_bytes(&quote), &e, &p), E_FORMAT);
        assert_non_null(strstr(p.detail, "SGX"));
        evidence_free(&e);
        buf_free(&quote);
        n++;
    }
    buf_free(&t.text);
    assert_true(n >= 13);
}

/* Padding is zero or it is not padding. */
static void bytes_after_a_quote_are_refused(void **state)
{
    require_vectors();
    struct buf quote =
        read_vector("tdx/quotes_padded/v4_b0c06f000000_811dca2a_f1c85033_padded5006.bin");
    struct tdx_quote q;
    struct claims claims;
    assert_ok(tdx_quote_parse(buf_bytes(&quote), &q, &claims, NULL));
    assert_true(q.whole.n < quote.n);
    quote.p[quote.n - 1] = 1;
    assert_err(tdx_quote_parse(buf_bytes(&quote), &q, &claims, NULL), E_FORMAT);
    buf_free(&quote);
}

static void real_bad_quotes_are_refused(void **state)
{
    require_vectors();
    struct evidence_trust trust = evidence_trust_vendors(true);
    struct table t = table_open("MANIFEST.tsv");
    struct claims claims;
    unsigned n = 0;
    while (table_next(&t)) {
        if (!starts_with(cell(&t, "kind"), "tdx-quote-bad") &&
            !starts_with(cell(&t, "kind"), "tdx-quote-untrusted"))
            continue;
        struct buf quote = read_vector(cell(&t, "path"));
        enum err e = judge_bytes(buf_bytes(&quote), &trust, &alone, unix_of(AT), &claims, NULL);
        if (!is_refusal(e))
            fail_msg("%s: %s", cell(&t, "path"), err_code(e));
        buf_free(&quote);
        n++;
    }
    buf_free(&t.text);
    assert_int_equal(n, 3);
}

/* --- right --- */

static void check_components(const char *facts, const uint8_t svn[16])
{
    char expected[200], actual[200];
    size_t n = 0;
    assert_true(fact(facts, "pck_tcbcomp", expected, sizeof expected));
    for (size_t i = 0; i < 16; i++)
        n += (size_t)snprintf(actual + n, sizeof actual - n, "%s%u", i ? "." : "", svn[i]);
    assert_string_equal(actual, expected);
}

static void check_facts(const char *f, const struct claims *c)
{
    const struct tdx_claims *t = &c->tdx;
    check_hex_fact(f, "tee_tcb_svn", BYTES_OF(t->tee_tcb_svn));
    check_hex_fact(f, "td_attributes", BYTES_OF(t->td_attributes));
    check_hex_fact(f, "xfam", BYTES_OF(t->xfam));
    check_hex_fact(f, "mrtd", BYTES_OF(t->mrtd));
    check_hex_fact(f, "rtmr0", BYTES_OF(t->rtmr[0]));
    check_hex_fact(f, "rtmr1", BYTES_OF(t->rtmr[1]));
    check_hex_fact(f, "rtmr2", BYTES_OF(t->rtmr[2]));
    check_hex_fact(f, "rtmr3", BYTES_OF(t->rtmr[3]));
    check_hex_fact(f, "mrconfigid", BYTES_OF(t->mr_config_id));
    check_hex_fact(f, "mrowner", BYTES_OF(t->mr_owner));
    check_hex_fact(f, "mrownerconfig", BYTES_OF(t->mr_owner_config));
    check_hex_fact(f, "mrseam", BYTES_OF(t->mr_seam));
    check_hex_fact(f, "mrsignerseam", BYTES_OF(t->mrsigner_seam));
    check_hex_fact(f, "report_data", BYTES_OF(c->report_data));
    check_hex_fact(f, "tee_tcb_svn2", BYTES_OF(t->tee_tcb_svn2));
    check_hex_fact(f, "mrservicetd", BYTES_OF(t->mr_servicetd));
    check_hex_fact(f, "pck_fmspc", BYTES_OF(t->fmspc));
    check_hex_fact(f, "pck_ppid", BYTES_OF(t->ppid));
    check_hex_fact(f, "pceid", BYTES_OF(t->pce_id));
    check_number_fact(f, "pck_pcesvn", t->pce_svn);
    check_number_fact(f, "debug", c->debug);
    check_number_fact(f, "body_type", t->has_td15 ? 3 : 2);
    check_components(f, t->cpu_svn);
}

static void accept(const struct table *row, struct buf *quote, unsigned n)
{
    struct evidence_trust trust = evidence_trust_vendors(false);
    struct problem p = {0};
    struct claims claims;
    enum err e = judge_bytes(buf_bytes(quote), &trust, &alone, unix_of(AT), &claims, &p);
    if (e != OK)
        fail_msg("%s: %s", cell(row, "path"), p.detail);
    assert_false(claims.simulated);
    assert_int_equal(claims.tcb_status, TCB_UNKNOWN);
    if (strstr(cell(row, "facts"), "mrtd="))
        check_facts(cell(row, "facts"), &claims);
    struct evidence_options whole = {.no_collateral = false};
    assert_err(judge_bytes(buf_bytes(quote), &trust, &whole, unix_of(AT), &claims, &p),
               E_COLL_MISSING);
}

static void genuine_quotes_are_accepted_with_the_manifests_values(void **state)
{
    require_vectors();
    assert_int_equal(each_genuine(accept), 34);
}

static void both_solutions_of_a_signature_verify(void **state)
{
    require_vectors();
    struct evidence_trust trust = evidence_trust_vendors(false);
    struct buf quote = read_vector("tdx/negative/derived_f1c85033_sig_malleated_s.bin");
    struct claims claims;
    assert_ok(judge_bytes(buf_bytes(&quote), &trust, &alone, unix_of(AT), &claims, NULL));
    buf_free(&quote);
}

static void a_chain_in_der_from_the_root_down_is_accepted(void **state)
{
    require_vectors();
    struct buf quote = read_vector("tdx/intel_qvl_sample/quote.dat");
    struct one_root root;
    struct claims claims;
    trust_file(&root, "tdx/intel_qvl_sample/trustedRootCaCert.pem", PLATFORM_TDX);
    int64_t at = unix_of("2026-06-01");
    assert_ok(judge_bytes(buf_bytes(&quote), &root.trust, &alone, at, &claims, NULL));
    struct evidence_trust intel = evidence_trust_vendors(true);
    assert_err(judge_bytes(buf_bytes(&quote), &intel, &alone, at, &claims, NULL), E_CHAIN);
    buf_free(&quote);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_byte_of_a_quote_is_refused),
        cmocka_unit_test(a_quote_cut_at_any_length_is_refused),
        cmocka_unit_test(sgx_quotes_are_refused_by_name),
        cmocka_unit_test(bytes_after_a_quote_are_refused),
        cmocka_unit_test(real_bad_quotes_are_refused),
        cmocka_unit_test(genuine_quotes_are_accepted_with_the_manifests_values),
        cmocka_unit_test(both_solutions_of_a_signature_verify),
        cmocka_unit_test(a_chain_in_der_from_the_root_down_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
