/*
 * No bit of what a judgement rests on can change without a refusal: one bit of every byte of what
 * is signed, of some bytes elsewhere, once per distinct file of the cases that are accepted.
 */
#include "tdx_case.h"

#include "core/evidence/tdx_quote.h"

#include <ctype.h>

#ifdef __has_feature /* clang's, with which sanitizers run */
#if __has_feature(address_sanitizer)
#define STRIDE 37 /* ten times as slow: a sample */
#endif
#endif
#ifndef STRIDE
#define STRIDE 1
#endif
#define STRIDE_OF_CHAINS 11 /* PEM of certificates that most quotes share */

/* --- bytes that may change --- */

/* Whether this change says the same or says nothing; `bit` is a mask. */
typedef bool exemption(const struct buf *file, size_t at, uint8_t bit);

/* The signature in a document is hexadecimal digits of either case. */
static bool is_case_of_a_digit(const struct buf *file, size_t at, uint8_t bit)
{
    static const char name[] = "\"signature\"";
    const uint8_t *found = memmem(file->p, file->n, name, sizeof name - 1);
    bool inside = found && file->p + at > found + sizeof name;
    return inside && bit == 0x20 && isxdigit(file->p[at]) && isalpha(file->p[at]);
}

/*
 * The chain that signs documents comes with its root. The root is not taken from there: it is the
 * one that the quote's own chain ends in, whose key is pinned.
 */
static bool is_root_beside_signer(const struct buf *file, size_t at, uint8_t bit)
{
    static const char end[] = "-----END CERTIFICATE-----";
    const uint8_t *first = memmem(file->p, file->n, end, sizeof end - 1);
    return first && file->p + at > first + sizeof end - 1;
}

static exemption *const exempt[FILES] = {
    [FILE_TCB_INFO] = is_case_of_a_digit,
    [FILE_QE_IDENTITY] = is_case_of_a_digit,
    [FILE_TCB_CHAIN] = is_root_beside_signer,
};

/* --- flipping --- */

static uint8_t bit_of(size_t at)
{
    return (uint8_t)(1 << at * 5 % 8);
}

static void expect_refused(struct subject *s, const char *path, size_t at)
{
    struct claims claims;
    enum err e = subject_judge(s, &claims);
    if (!is_refused(e) && e != E_NOT_FOUND)
        fail_msg("%s: byte %zu, bit %u: %s", path, at, bit_of(at), err_code(e));
}

static unsigned flips;

/* Lists are left out where they are not what is flipped: half of the time would be theirs. */
static void flip_file(struct subject *s, enum tdx_file which, const char *path)
{
    const struct subject whole = *s;
    struct buf *file = &s->files[which];
    if (which < FILE_PCK_CRL) {
        s->files[FILE_PCK_CRL] = s->files[FILE_ROOT_CRL] = BUF_INIT(0);
        s->options.no_crl = true;
    }
    for (size_t i = file->n % STRIDE; i < file->n; i += STRIDE) {
        uint8_t bit = bit_of(i);
        if (exempt[which] && exempt[which](file, i, bit))
            continue;
        file->p[i] ^= bit;
        subject_collect(s);
        expect_refused(s, path, i);
        file->p[i] ^= bit;
        flips++;
    }
    memcpy(s->files, whole.files, sizeof whole.files);
    s->options.no_crl = whole.options.no_crl;
    subject_collect(s);
}

static void flip_quote(struct subject *s, const char *path)
{
    struct tdx_quote q;
    struct claims claims;
    assert_ok(tdx_quote_parse(buf_bytes(&s->quote), &q, &claims, NULL));
    size_t chain = (size_t)(q.chain.p - s->quote.p);
    for (size_t i = s->quote.n % STRIDE; i < q.whole.n;
         i += i >= chain ? STRIDE * STRIDE_OF_CHAINS : STRIDE) {
        s->quote.p[i] ^= bit_of(i);
        expect_refused(s, path, i);
        s->quote.p[i] ^= bit_of(i);
        flips++;
    }
}

/* --- each distinct file once --- */

#define SEEN_MAX 512

struct seen {
    struct hash32 hash[SEEN_MAX];
    size_t n;
};

static bool is_new(struct seen *seen, struct bytes file)
{
    struct hash32 hash = sha256(file);
    for (size_t i = 0; i < seen->n; i++)
        if (hash32_eq(seen->hash[i], hash))
            return false;
    assert_true(seen->n < SEEN_MAX);
    seen->hash[seen->n++] = hash;
    return true;
}

/* Calls f for every accepted case. */
static void each_accepted(struct seen *seen,
                          void (*f)(struct seen *seen, struct subject *s, const struct table *t))
{
    struct table t = table_open("tdx/cases.tsv");
    while (table_next(&t)) {
        struct subject s;
        struct claims claims;
        if (strcmp(cell(&t, "verdict"), "authentic") != 0)
            continue;
        subject_open(&s, &t);
        s.options.cache = evidence_cache_new(16); /* which must not help a forgery */
        assert_ok(subject_judge(&s, &claims));
        f(seen, &s, &t);
        assert_ok(subject_judge(&s, &claims));
        evidence_cache_free(s.options.cache);
        subject_close(&s);
    }
    buf_free(&t.text);
    print_message("%zu files, %u flips\n", seen->n, flips);
}

static void try_quote(struct seen *seen, struct subject *s, const struct table *t)
{
    if (is_new(seen, buf_bytes(&s->quote)))
        flip_quote(s, cell(t, "quote"));
}

static void try_files(struct seen *seen, struct subject *s, const struct table *t)
{
    for (size_t i = 0; i < FILES; i++)
        if (s->files[i].n && is_new(seen, buf_bytes(&s->files[i])))
            flip_file(s, i, cell(t, tdx_columns[i]));
}

static void no_byte_of_a_quote_can_be_flipped(void **state)
{
    require_vectors();
    static struct seen seen;
    flips = 0;
    each_accepted(&seen, try_quote);
    assert_true(seen.n >= 28);
}

static void no_byte_of_collateral_can_be_flipped(void **state)
{
    require_vectors();
    static struct seen seen;
    flips = 0;
    each_accepted(&seen, try_files);
    assert_true(seen.n >= 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_of_a_quote_can_be_flipped),
        cmocka_unit_test(no_byte_of_collateral_can_be_flipped),
    };
    return cmocka_run_group_tests_name("tdx_flips", tests, NULL, NULL);
}
