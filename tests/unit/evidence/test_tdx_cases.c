/* Every line of tdx/cases.tsv: a quote with its collateral at its time, and what comes of it. */
#include "tdx_case.h"

#include "base/codec/rfc3339.h"

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
        enum err e = subject_judge(&s, &claims);
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
