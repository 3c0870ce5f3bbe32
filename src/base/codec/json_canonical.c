#include "base/codec/json.h"

#include "base/secret.h"
#include "base/writer.h"

#include <jansson.h>
#include <stdlib.h>

#define SAFE_INTEGER ((INT64_C(1) << 53) - 1)

static void put(struct writer *w, const char *text)
{
    wr_raw(w, text, strlen(text));
}

/* RFC 8785 3.2.2.2: two-character escapes where JSON has them, \u00xx for other controls. */
static void put_char(struct writer *w, uint8_t c)
{
    static const char short_escape[128] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                           ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (c < 128 && short_escape[c]) {
        wr_u8(w, '\\');
        wr_u8(w, (uint8_t)short_escape[c]);
    } else if (c < 0x20) {
        char text[8];
        snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
        put(w, text);
    } else {
        wr_u8(w, c);
    }
}

static void put_string(struct writer *w, const char *p, size_t n)
{
    wr_u8(w, '"');
    for (size_t i = 0; i < n; i++)
        put_char(w, (uint8_t)p[i]);
    wr_u8(w, '"');
}

/*
 * UTF-16 order (3.2.3) on valid UTF-8: bytes compare as code points do, except
 * that characters above U+FFFF (first byte F0..F4) are surrogates D800..DFFF in
 * UTF-16 and so come before U+E000..U+FFFF (first byte EE, EF).
 */
static int utf16_rank(uint8_t first)
{
    if (first >= 0xf0)
        return 0xee;
    return first >= 0xee ? first + 0x10 : first;
}

static int by_utf16(const void *pa, const void *pb)
{
    const uint8_t *a = *(const uint8_t *const *)pa, *b = *(const uint8_t *const *)pb;
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int rank_a = utf16_rank(*a), rank_b = utf16_rank(*b);
    return rank_a != rank_b ? rank_a - rank_b : *a - *b;
}

static void put_value(struct writer *w, json_t *v);

static void put_members(struct writer *w, json_t *v, const char **names, size_t n)
{
    qsort(names, n, sizeof *names, by_utf16);
    for (size_t i = 0; i < n; i++) {
        put(w, i ? "," : "");
        put_string(w, names[i], strlen(names[i]));
        wr_u8(w, ':');
        put_value(w, json_member(v, names[i]));
    }
}

static void put_object(struct writer *w, json_t *v)
{
    size_t n = json_count(v), i = 0;
    const char **names = calloc(n + 1, sizeof *names);
    if (!names) {
        w->err = E_NOMEM;
        return;
    }
    void *state = NULL;
    json_t *value;
    while (i < n && json_each(v, &state, &names[i], &value))
        i++;
    wr_u8(w, '{');
    put_members(w, v, names, i);
    wr_u8(w, '}');
    free(names);
}

static void put_integer(struct writer *w, json_int_t v)
{
    if (v > SAFE_INTEGER || v < -SAFE_INTEGER) {
        w->err = E_VALUE;
        return;
    }
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)v);
    put(w, text);
}

static void put_array(struct writer *w, json_t *v)
{
    wr_u8(w, '[');
    for (size_t i = 0; i < json_count(v); i++) {
        put(w, i ? "," : "");
        put_value(w, json_item(v, i));
    }
    wr_u8(w, ']');
}

/* Depth is bounded by the parser and the builder. */
static void put_value(struct writer *w, json_t *v)
{
    if (w->err != OK)
        return;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        put_object(w, v);
        break;
    case JSON_ARRAY:
        put_array(w, v);
        break;
    case JSON_STRING:
        put_string(w, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        put_integer(w, json_integer_value(v));
        break;
    case JSON_TRUE:
        put(w, "true");
        break;
    case JSON_FALSE:
        put(w, "false");
        break;
    case JSON_NULL:
        put(w, "null");
        break;
    case JSON_REAL:
        w->err = E_VALUE;
        break;
    }
}

enum err json_canonical(const json_t *v, struct buf *out)
{
    if (!v)
        return E_NOMEM;
    size_t before = out->n;
    struct writer w = writer(out);
    put_value(&w, (json_t *)v);
    if (writer_end(&w) != OK && out->n > before) {
        wipe(out->p + before, out->n - before);
        out->n = before;
    }
    return writer_end(&w);
}
