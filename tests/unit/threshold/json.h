/* Vector files of the RFCs, in JSON with hexadecimal strings. */
#ifndef THRESHOLD_JSON_H
#define THRESHOLD_JSON_H

#include "test.h"

#include <jansson.h>

static inline json_t *json_vector(const char *path)
{
    struct buf b = read_vector(path);
    json_t *root = json_loadb((const char *)b.p, b.n, 0, NULL);
    buf_free(&b);
    assert_non_null(root);
    return root;
}

static inline const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    if (!text)
        fail_msg("no %s", name);
    return text;
}

/* The k-th of the comma-separated hexadecimal strings; the number of bytes. */
static inline size_t json_hex_of(const json_t *object, const char *name, size_t k, uint8_t *out,
                                 size_t max)
{
    const char *text = json_text(object, name);
    for (; k > 0; k--) {
        text = strchr(text, ',');
        assert_non_null(text);
        text++;
    }
    size_t n = strcspn(text, ",") / 2;
    char one[4096];
    assert_true(n <= max && n < sizeof one / 2);
    snprintf(one, sizeof one, "%.*s", (int)(2 * n), text);
    assert_ok(hex_decode(one, out, n));
    return n;
}

/* Exactly n bytes. */
static inline void json_hex(const json_t *object, const char *name, void *out, size_t n)
{
    assert_int_equal(json_hex_of(object, name, 0, out, n), n);
}

#endif
