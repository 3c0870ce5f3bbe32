#include "base/codec/json.h"

#include "base/bug.h"
#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/secret.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

/* --- building --- */

static struct json_builder begin(json_t *root)
{
    struct json_builder b = {.depth = 1, .err = root ? OK : E_NOMEM};
    b.open[0] = root;
    return b;
}

struct json_builder json_build(void)
{
    return begin(json_new());
}

struct json_builder json_build_array(void)
{
    return begin(json_array());
}

/* Takes v over. */
static void put(struct json_builder *b, const char *name, json_t *v, enum err if_null)
{
    if (b->err == OK && !v)
        b->err = if_null;
    if (b->err != OK) {
        json_decref(v);
        return;
    }
    json_t *to = b->open[b->depth - 1];
    GD_BUG_ON(json_is_object(to) != (name != NULL));
    int failed = name ? json_object_set_new(to, name, v) : json_array_append_new(to, v);
    if (failed)
        b->err = E_NOMEM;
}

void jb_textn(struct json_builder *b, const char *name, struct bytes text)
{
    bool nul = text.n && memchr(text.p, 0, text.n);
    const char *from = text.n ? (const char *)text.p : "";
    put(b, name, nul ? NULL : json_stringn(from, text.n), E_VALUE);
}

void jb_text(struct json_builder *b, const char *name, const char *text)
{
    jb_textn(b, name, bytes_str(text));
}

void jb_uint(struct json_builder *b, const char *name, uint64_t v)
{
    put(b, name, v <= INT64_MAX ? json_integer((json_int_t)v) : NULL, E_VALUE);
}

void jb_bool(struct json_builder *b, const char *name, bool v)
{
    put(b, name, json_boolean(v), E_NOMEM);
}

void jb_null(struct json_builder *b, const char *name)
{
    put(b, name, json_null(), E_NOMEM);
}

/* A terminated text that may stand for a secret; wiped here. */
static void put_wiped(struct json_builder *b, const char *name, char *text)
{
    put(b, name, text ? json_string(text) : NULL, E_NOMEM);
    if (text)
        wipe(text, strlen(text));
    free(text);
}

void jb_hex(struct json_builder *b, const char *name, struct bytes v)
{
    char *text = malloc(2 * v.n + 1);
    if (text)
        hex_encode(v, text);
    put_wiped(b, name, text);
}

void jb_b64(struct json_builder *b, const char *name, struct bytes v)
{
    put_wiped(b, name, b64_string(B64_STANDARD, v));
}

void jb_value(struct json_builder *b, const char *name, json_t *v)
{
    put(b, name, json_incref(v), E_NOMEM);
}

static void open_inner(struct json_builder *b, const char *name, json_t *v)
{
    GD_BUG_ON(b->depth >= JSON_BUILD_DEPTH);
    put(b, name, v, E_NOMEM);
    b->open[b->depth++] = v;
}

void jb_object(struct json_builder *b, const char *name)
{
    open_inner(b, name, json_new());
}

void jb_array(struct json_builder *b, const char *name)
{
    open_inner(b, name, json_array());
}

void jb_close(struct json_builder *b)
{
    GD_BUG_ON(b->depth < 2);
    b->depth--;
}

enum err jb_end(struct json_builder *b, json_t **out)
{
    GD_BUG_ON(b->depth != 1);
    *out = b->err == OK ? b->open[0] : NULL;
    if (b->err != OK)
        json_decref(b->open[0]);
    b->open[0] = NULL;
    b->depth = 0;
    return b->err;
}

enum err jb_write(struct json_builder *b, struct buf *out)
{
    json_t *v;
    TRY(jb_end(b, &v));
    enum err e = json_text(v, out);
    json_decref(v);
    return e;
}

/* --- writing --- */

struct sink {
    struct buf *out;
    enum err err;
};

static int to_sink(const char *p, size_t n, void *ctx)
{
    struct sink *s = ctx;
    s->err = buf_add(s->out, p, n);
    return s->err == OK ? 0 : -1;
}

static enum err dump(const json_t *v, size_t flags, struct buf *out)
{
    struct sink s = {out, OK};
    size_t before = out->n;
    if (json_dump_callback(v, to_sink, &s, flags | JSON_ENCODE_ANY) == 0)
        return OK;
    wipe(out->p + before, out->n - before);
    out->n = before;
    return s.err != OK ? s.err : E_NOMEM;
}

enum err json_text(const json_t *v, struct buf *out)
{
    return dump(v, JSON_COMPACT, out);
}

enum err json_pretty(const json_t *v, struct buf *out)
{
    TRY(dump(v, JSON_INDENT(2), out));
    return buf_add(out, "\n", 1);
}

/* --- wiping --- */

/*
 * No header in front: libjose frees some of jansson's memory with free(), so
 * the pointers must be malloc's own.
 */
static void wipe_and_free(void *p)
{
    wipe(p, malloc_usable_size(p));
    free(p);
}

void json_use_wiping_allocator(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}
