#include "base/codec/json.h"

#include "base/bug.h"
#include "base/codec/b64.h"
#include "base/codec/hex.h"

struct field_at {
    const char *where;
    const struct json_field *field;
    struct problem *p;
};

static enum err wrong_type(struct field_at at, const char *expected)
{
    return problem(at.p, E_MALFORMED, "%s.%s must be %s", at.where, at.field->name, expected);
}

static enum err wrong_value(struct field_at at, const char *expected, uint64_t limit)
{
    return problem(at.p, E_VALUE, "%s.%s must have %s %llu", at.where, at.field->name, expected,
                   (unsigned long long)limit);
}

static enum err take_text(struct field_at at, json_t *v)
{
    const char *text = json_str(v);
    const struct json_field *f = at.field;
    if (!text)
        return wrong_type(at, "a string");
    if (f->max && strlen(text) > f->max)
        return wrong_value(at, "a length of at most", f->max);
    *(const char **)f->to = text;
    return OK;
}

static enum err take_copy(struct field_at at, json_t *v)
{
    const char *text = json_str(v);
    const struct json_field *f = at.field;
    if (!text)
        return wrong_type(at, "a string");
    size_t n = strlen(text);
    if (n == 0 || n >= f->max)
        return wrong_value(at, "a length from 1 to", f->max - 1);
    memcpy(f->to, text, n + 1);
    return OK;
}

static enum err take_uint(struct field_at at, json_t *v)
{
    const struct json_field *f = at.field;
    uint64_t n;
    if (!json_to_uint(v, &n))
        return wrong_type(at, "a non-negative integer");
    if (n < f->min)
        return wrong_value(at, "a value of at least", f->min);
    if (f->max && n > f->max)
        return wrong_value(at, "a value of at most", f->max);
    *(uint64_t *)f->to = n;
    return OK;
}

static enum err take_bool(struct field_at at, json_t *v)
{
    return json_to_bool(v, at.field->to) ? OK : wrong_type(at, "true or false");
}

static enum err take_hex(struct field_at at, json_t *v)
{
    const char *text = json_str(v);
    if (!text)
        return wrong_type(at, "a string of hexadecimal digits");
    if (hex_decode(text, at.field->to, at.field->max) != OK)
        return wrong_value(at, "this many hexadecimal digits:", at.field->max * 2);
    return OK;
}

static enum err take_b64(struct field_at at, json_t *v)
{
    const char *text = json_str(v);
    struct buf *to = at.field->to;
    if (!text)
        return wrong_type(at, "a string of base64");
    enum err e = b64_decode(B64_STANDARD, bytes_str(text), to);
    if (e == E_TOO_LARGE)
        return wrong_value(at, "a decoded length of at most", to->max);
    if (e == E_MALFORMED)
        return problem(at.p, E_VALUE, "%s.%s is not base64", at.where, at.field->name);
    return e;
}

static enum err take_object(struct field_at at, json_t *v)
{
    if (!json_is_obj(v))
        return wrong_type(at, "an object");
    *(json_t **)at.field->to = v;
    return OK;
}

static enum err take_array(struct field_at at, json_t *v)
{
    if (!json_is_list(v))
        return wrong_type(at, "an array");
    if (at.field->max && json_count(v) > at.field->max)
        return wrong_value(at, "a number of items of at most", at.field->max);
    *(json_t **)at.field->to = v;
    return OK;
}

static enum err take_any(struct field_at at, json_t *v)
{
    *(json_t **)at.field->to = v;
    return OK;
}

static enum err (*const takers[])(struct field_at at, json_t *v) = {
    [JF_TEXT] = take_text,     [JF_COPY] = take_copy,   [JF_UINT] = take_uint,
    [JF_BOOL] = take_bool,     [JF_HEX] = take_hex,     [JF_B64] = take_b64,
    [JF_OBJECT] = take_object, [JF_ARRAY] = take_array, [JF_ANY] = take_any,
};

static enum err take_field(const json_t *object, struct field_at at)
{
    const struct json_field *f = at.field;
    json_t *v = json_member(object, f->name);
    if (f->present)
        *f->present = !json_is_nothing(v);
    if (!v && (f->flags & JF_OPTIONAL))
        return OK;
    if (!v)
        return problem(at.p, E_MALFORMED, "%s: the field '%s' is missing", at.where, f->name);
    if (json_is_nothing(v) && (f->flags & JF_NULLABLE))
        return OK;
    return takers[f->kind](at, v);
}

static bool is_known(const char *name, const struct json_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].name, name) == 0)
            return true;
    return false;
}

enum err json_pick(const json_t *object, const char *where, const struct json_field *fields,
                   size_t n, struct problem *p)
{
    if (!json_is_obj(object))
        return problem(p, E_MALFORMED, "%s must be an object", where);
    for (size_t i = 0; i < n; i++) {
        GD_BUG_ON(fields[i].kind > JF_ANY);
        TRY(take_field(object, (struct field_at){where, &fields[i], p}));
    }
    return OK;
}

enum err json_fields(const json_t *object, const char *where, const struct json_field *fields,
                     size_t n, struct problem *p)
{
    void *state = NULL;
    const char *name;
    json_t *value;
    while (json_is_obj(object) && json_each((json_t *)object, &state, &name, &value))
        if (!is_known(name, fields, n))
            return problem(p, E_MALFORMED, "%s: unknown field '%.64s'", where, name);
    return json_pick(object, where, fields, n, p);
}
