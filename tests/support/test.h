/* What every unit test includes: cmocka with its prerequisites, and a few helpers. */
#ifndef TEST_H
#define TEST_H

#include "base/bytes.h"
#include "base/codec/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_ok(expression) assert_string_equal(err_code(expression), "OK")
#define assert_err(expression, expected) \
    assert_string_equal(err_code(expression), err_code(expected))

/* The folder with real evidence and RFC vectors, or NULL; then the test says so and skips. */
static inline const char *vectors_dir(void)
{
    const char *dir = getenv("GUARDIAN_VECTORS");
    return dir && dir[0] ? dir : NULL;
}

#define require_vectors()                           \
    do {                                            \
        if (!vectors_dir()) {                       \
            print_message("skipped: no vectors\n"); \
            skip();                                 \
        }                                           \
    } while (0)

/* The whole file below vectors_dir(); free with buf_free(). Fails the test if unreadable. */
static inline struct buf read_vector(const char *path)
{
    char full[1024];
    snprintf(full, sizeof full, "%s/%s", vectors_dir(), path);
    FILE *f = fopen(full, "rb");
    if (!f)
        fail_msg("cannot open %s", full);
    struct buf b = BUF_INIT(64 << 20);
    uint8_t chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        assert_ok(buf_add(&b, chunk, n));
    fclose(f);
    return b;
}

#endif
