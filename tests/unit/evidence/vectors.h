/* Tables and files of $GUARDIAN_VECTORS, for the tests that judge real evidence. */
#ifndef VECTORS_H
#define VECTORS_H

#include "test.h"

#include "core/evidence/evidence.h"

#include <time.h>

#define COLUMNS_MAX 20

/* A tab-separated table in memory; the first line names the columns. */
struct table {
    struct buf text;
    char *next;
    const char *names[COLUMNS_MAX], *cells[COLUMNS_MAX];
    size_t n;
};

static inline char *split_row(char *line, const char *cells[COLUMNS_MAX], size_t *n)
{
    char *end = strchr(line, '\n');
    if (end)
        *end = 0;
    for (*n = 0; *n < COLUMNS_MAX; line++) {
        cells[(*n)++] = line;
        line = strchr(line, '\t');
        if (!line)
            break;
        *line = 0;
    }
    return end ? end + 1 : NULL;
}

static inline struct table table_open(const char *path)
{
    struct table t = {.text = read_vector(path)};
    assert_ok(buf_add(&t.text, "", 1));
    t.next = split_row((char *)t.text.p, t.names, &t.n);
    return t;
}

static inline bool table_next(struct table *t)
{
    size_t n = 0;
    if (!t->next || !*t->next)
        return false;
    memset(t->cells, 0, sizeof t->cells);
    t->next = split_row(t->next, t->cells, &n);
    return true;
}

static inline const char *cell(const struct table *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->names[i], name) == 0)
            return t->cells[i] ? t->cells[i] : "";
    fail_msg("there is no column %s", name);
    return "";
}

static inline bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The value of name=value in a list joined by ';'; false if it is not there. */
static inline bool fact(const char *facts, const char *name, char *out, size_t cap)
{
    size_t n = strlen(name);
    for (const char *at = facts; at; at = strchr(at, ';')) {
        at += *at == ';';
        if (strncmp(at, name, n) == 0 && at[n] == '=') {
            snprintf(out, cap, "%.*s", (int)strcspn(at + n + 1, ";"), at + n + 1);
            return true;
        }
    }
    return false;
}

/* The fact, if stated, is the lower-case hex of these bytes, or of the first when it ends in "..".
 */
static inline void check_hex_fact(const char *facts, const char *name, struct bytes v)
{
    char expected[300], actual[300];
    if (!fact(facts, name, expected, sizeof expected))
        return;
    char *cut = strstr(expected, "..");
    if (cut)
        *cut = 0;
    hex_encode(v, actual);
    if (cut)
        actual[strlen(expected)] = 0;
    assert_string_equal(actual, expected);
}

static inline void check_number_fact(const char *facts, const char *name, uint64_t v)
{
    char expected[300];
    if (fact(facts, name, expected, sizeof expected))
        assert_int_equal(strtoull(expected, NULL, 0), v);
}

/* "2026-01-20T00:00:00Z" or a date alone as unix seconds. */
static inline int64_t unix_of(const char *text)
{
    struct tm tm = {0};
    int n = sscanf(text, "%d-%d-%dT%d:%d:%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                   &tm.tm_min, &tm.tm_sec);
    assert_true(n == 6 || n == 3);
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return timegm(&tm);
}

/* --- judging files --- */

/* One root of trust: the key of a certificate file, for either platform and any product. */
struct one_root {
    struct trust_root root;
    struct evidence_trust trust;
};

static inline void trust_file(struct one_root *r, const char *path, enum platform platform)
{
    struct cert_pool pool = {.n = 0};
    struct buf file = read_vector(path);
    assert_ok(cert_pool_add(&pool, buf_bytes(&file)));
    assert_int_equal(pool.n, 1);
    r->root =
        (struct trust_root){.name = path, .platform = platform, .spki = cert_spki_hash(pool.c[0])};
    r->trust = (struct evidence_trust){&r->root, 1, false};
    cert_pool_clear(&pool);
    buf_free(&file);
}

/* Parses and verifies; *problem says why not. */
static inline enum err judge_bytes(struct bytes in, const struct evidence_trust *trust,
                                   const struct evidence_options *options, int64_t at,
                                   struct claims *out, struct problem *problem)
{
    struct evidence e;
    enum err result = evidence_parse(in, &e, problem);
    if (result == OK)
        result = evidence_verify(&e, trust, options, at, out, problem);
    evidence_free(&e);
    return result;
}

static inline bool is_refusal(enum err e)
{
    return e == E_FORMAT || e == E_SIGNATURE || e == E_CHAIN || e == E_MALFORMED ||
           e == E_TOO_LARGE || e == E_COLL_MISSING || e == E_COLL_EXPIRED || e == E_CERT_REVOKED;
}

#endif
