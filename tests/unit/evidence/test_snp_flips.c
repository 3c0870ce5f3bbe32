/*
 * No byte of a real or synthetic report, certificate or revocation list may
 * change: every byte of what is signed, a sample of the rest, each distinct file
 * once. There is no exception. Under a sanitizer, a sample of everything.
 */
#include "snp_sample.h"

#ifdef __has_feature /* clang's, with which sanitizers run */
#if __has_feature(address_sanitizer)
#define SIGNED_STEP 61
#endif
#endif
#ifndef SIGNED_STEP
#define SIGNED_STEP 1
#endif
#define REST_STEP 23

#define SEEN_MAX 256

struct seen {
    const char *paths[SEEN_MAX];
    size_t n;
};

static bool is_new(struct seen *seen, const char *path)
{
    for (size_t i = 0; i < seen->n; i++)
        if (strcmp(seen->paths[i], path) == 0)
            return false;
    assert_true(seen->n < SEEN_MAX);
    seen->paths[seen->n++] = path;
    return true;
}

/* What the judgement is after one bit of this file was flipped. */
static enum err judge_flipped(struct snp_sample *s, struct buf *file, size_t at)
{
    struct claims claims;
    uint8_t bit = (uint8_t)(1 << at * 3 % 8);
    file->p[at] ^= bit;
    enum err e = file == &s->report ? OK : snp_sample_load(s, SNP_FILES, NULL);
    if (e == OK)
        e = snp_sample_judge(s, &s->root.trust, &claims, NULL);
    file->p[at] ^= bit;
    return e;
}

static void flip(struct snp_sample *s, struct buf *file, const char *name, size_t n_signed)
{
    struct claims claims;
    for (size_t i = 0; i < file->n; i += i < n_signed ? SIGNED_STEP : REST_STEP) {
        enum err e = judge_flipped(s, file, i);
        if (!is_refusal(e))
            fail_msg("%s, byte %zu: %s", name, i, err_code(e));
    }
    assert_ok(snp_sample_load(s, SNP_FILES, NULL));
    assert_ok(snp_sample_judge(s, &s->root.trust, &claims, NULL));
}

/* Calls f for the authentic lines; returns the number of files it flipped. */
static size_t each_authentic(size_t f(const struct table *row, struct snp_sample *s,
                                      struct seen *seen))
{
    struct table t = table_open("snp/cases.tsv");
    struct seen seen = {.n = 0};
    size_t n = 0;
    while (table_next(&t)) {
        struct snp_sample s;
        if (strcmp(cell(&t, "verdict"), "authentic") != 0)
            continue;
        snp_sample_open(&s, &t);
        n += f(&t, &s, &seen);
        snp_sample_close(&s);
    }
    buf_free(&t.text);
    return n;
}

/* With a cache that knows the genuine chain. */
static size_t flip_report(const struct table *row, struct snp_sample *s, struct seen *seen)
{
    if (!is_new(seen, cell(row, "report")))
        return 0;
    s->options.cache = evidence_cache_new(16);
    flip(s, &s->report, cell(row, "report"), SNP_SIGNED_SIZE);
    evidence_cache_free(s->options.cache);
    return 1;
}

static void no_byte_of_a_report_may_change(void **state)
{
    require_vectors();
    assert_int_equal(each_authentic(flip_report), 45);
}

/* The signed part is all but the last 512 bytes and what stands around them. */
static size_t flip_file(const struct table *row, struct snp_sample *s, struct seen *seen, size_t i)
{
    const char *path = cell(row, snp_columns[i]);
    if (s->files[i].n == 0 || !is_new(seen, path))
        return 0;
    flip(s, &s->files[i], path, s->files[i].n - 512);
    return 1;
}

static size_t flip_certificates(const struct table *row, struct snp_sample *s, struct seen *seen)
{
    size_t n = 0;
    for (size_t i = SNP_VEK; i <= SNP_ROOT; i++)
        n += flip_file(row, s, seen, i);
    return n;
}

static void no_byte_of_a_certificate_may_change(void **state)
{
    require_vectors();
    assert_int_equal(each_authentic(flip_certificates), 49);
}

static size_t flip_list(const struct table *row, struct snp_sample *s, struct seen *seen)
{
    return flip_file(row, s, seen, SNP_LIST);
}

static void no_byte_of_a_revocation_list_may_change(void **state)
{
    require_vectors();
    assert_int_equal(each_authentic(flip_list), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_of_a_report_may_change),
        cmocka_unit_test(no_byte_of_a_certificate_may_change),
        cmocka_unit_test(no_byte_of_a_revocation_list_may_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
