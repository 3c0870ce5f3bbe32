/* Every line of tdx/cases.tsv: a quote with its collateral at its time, and what comes of it. */
#include "vectors.h"

#include "base/codec/rfc3339.h"

struct subject {
    struct buf quote;
    struct collateral collateral;
    struct one_root root;
    struct evidence_options options;
    int64_t at;
    enum err given; /* whether the collateral has its form */
    struct problem problem;
};

/* "-" is for what was not to be had; then revocation lists are not demanded. */
static void subject_open(struct subject *s, const struct table *t)
{
    static const char *const columns[] = {"tcb_info", "qe_identity", "tcb_chain", "pck_crl",
                                          "root_crl"};
    memset(s, 0, sizeof *s);
    s->quote = read_vector(cell(t, "quote"));
    trust_file(&s->root, cell(t, "root"), PLATFORM_TDX);
    s->at = unix_of(cell(t, "time"));
    s->options.collateral = &s->collateral;
    for (size_t i = 0; s->given == OK && i < sizeof columns / sizeof *columns; i++) {
        if (strcmp(cell(t, columns[i]), "-") == 0) {
            s->options.no_crl |= i >= 3;
            continue;
        }
        struct buf file = read_vector(cell(t, columns[i]));
        s->given = collateral_add(&s->collateral, buf_bytes(&file), &s->problem);
        buf_free(&file);
    }
}

static void subject_close(struct subject *s)
{
    collateral_free(&s->collateral);
    buf_free(&s->quote);
}

static enum err judge(struct subject *s, struct claims *out)
{
    if (s->given != OK)
        return s->given;
    return judge_bytes(buf_bytes(&s->quote), &s->root.trust, &s->options, s->at, out, &s->problem);
}

static bool is_refused(enum err e)
{
    return e == E_COLL_EXPIRED || e == E_CERT_REVOKED || e == E_TCB_STATUS || e == E_SEAM ||
           e == E_VENDOR || is_refusal(e);
}

/* --- what is reported of those that are accepted --- */

static void check_status(const struct table *t, const char *column, enum tcb_status actual)
{
    const char *expected = cell(t, column);
    if (strcmp(expected, "-") == 0)
        return;
    if (strcmp(expected, "n/a") == 0)
        expected = "Unknown";
    if (strcmp(expected, tcb_status_name(actual)) != 0)
        fail_msg("%s: %s: expected %s, is %s", cell(t, "id"), column, expected,
                 tcb_status_name(actual));
}

static void check_advisories(const struct table *t, const struct claims *c)
{
    char actual[CLAIMS_ADVISORIES_MAX * CLAIMS_ADVISORY_SIZE];
    size_t n = 0;
    for (size_t i = 0; i < c->n_advisories; i++)
        n +=
            (size_t)snprintf(actual + n, sizeof actual - n, "%s%s", i ? "," : "", c->advisories[i]);
    if (strcmp(cell(t, "advisories"), n ? actual : "-") != 0)
        fail_msg("%s: advisories: expected %s, is %s", cell(t, "id"), cell(t, "advisories"),
                 n ? actual : "-");
}

static void check_date(const struct table *t, const struct claims *c)
{
    char actual[RFC3339_SIZE];
    if (strcmp(cell(t, "tcb_date"), "-") == 0)
        return;
    assert_ok(rfc3339_write((int64_t)c->tcb_date, actual));
    if (strcmp(cell(t, "tcb_date"), actual) != 0)
        fail_msg("%s: tcb_date: expected %s, is %s", cell(t, "id"), cell(t, "tcb_date"), actual);
}

static void check_reported(const struct table *t, const struct subject *s, const struct claims *c)
{
    check_status(t, "overall", c->tcb_status);
    check_status(t, "tcb_status", c->tdx.platform_status);
    check_status(t, "module_status", c->tdx.module_status);
    check_status(t, "qe_status", c->tdx.qe_status);
    assert_true(c->not_after > (uint64_t)s->at);
    check_date(t, c);
    if (starts_with(cell(t, "id"), "real-")) /* the table leaves them out for the others */
        check_advisories(t, c);
}

static void every_case_is_judged_as_the_table_says(void **state)
{
    require_vectors();
    struct table t = table_open("tdx/cases.tsv");
    unsigned accepted = 0, refused = 0;
    while (table_next(&t)) {
        bool expected = strcmp(cell(&t, "verdict"), "authentic") == 0;
        struct subject s;
        struct claims claims;
        subject_open(&s, &t);
        enum err e = judge(&s, &claims);
        if (expected != (e == OK) || (e != OK && !is_refused(e)))
            fail_msg("%s (%s): %s: %s", cell(&t, "id"), cell(&t, "reason"), err_code(e),
                     s.problem.detail);
        if (e == OK)
            check_reported(&t, &s, &claims);
        accepted += e == OK;
        refused += e != OK;
        subject_close(&s);
    }
    buf_free(&t.text);
    print_message("%u cases accepted, %u refused\n", accepted, refused);
    assert_int_equal(accepted + refused, 296);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_is_judged_as_the_table_says),
    };
    return cmocka_run_group_tests_name("tdx_cases", tests, NULL, NULL);
}
