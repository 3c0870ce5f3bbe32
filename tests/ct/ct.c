#include "ct.h"
#include "base/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

void ct_secret(void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static struct rng_seeded seeded;

static void secret_fill(void *ctx, void *out, size_t n)
{
    const struct rng *inner = ctx;
    rng_fill(*inner, out, n);
    ct_secret(out, n);
}

struct rng ct_rng(void)
{
    static struct rng inner;
    if (!inner.fill)
        inner = rng_numbered(&seeded, 1);
    return (struct rng){secret_fill, &inner};
}

void ct_must(bool ok, const char *what)
{
    if (ok)
        return;
    printf("FAIL  %s\n", what);
    exit(1);
}

/* The control: a comparison that ends early must be seen, or the others prove nothing. */
static bool leak_is_seen(void)
{
    volatile uint8_t secret[2] = {1, 2};
    volatile unsigned found = 0;
    unsigned before = VALGRIND_COUNT_ERRORS;
    ct_secret((void *)secret, sizeof secret);
    if (secret[0] == 7)
        found = 1;
    (void)found;
    return VALGRIND_COUNT_ERRORS > before;
}

int ct_main(const struct ct_case *cases, size_t n)
{
    unsigned failed = 0;
    if (!RUNNING_ON_VALGRIND) {
        printf("skipped: valgrind is not there\n");
        return 77;
    }
    if (!leak_is_seen()) {
        printf("FAIL  the control: a known leak was not reported\n");
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        unsigned before = VALGRIND_COUNT_ERRORS;
        cases[i].run();
        bool clean = VALGRIND_COUNT_ERRORS == before;
        printf("%s  %s\n", clean ? "ok  " : "FAIL", cases[i].name);
        failed += !clean;
    }
    printf("%zu passed, %u failed\n", n - failed, failed);
    return failed ? 1 : 0;
}
