#include "base/codec/json.h"

#include "base/bug.h"
#include "base/rng.h"

#include <jansson.h>
#include <pthread.h>

static pthread_once_t seeded = PTHREAD_ONCE_INIT;

/*
 * jansson would open /dev/urandom for the seed of its hash tables when the first
 * object is made, which a sandboxed process may not.
 */
static void seed_hash_tables(void)
{
    uint32_t seed = 0;
    while (seed == 0)
        rng_fill(rng_system(), &seed, sizeof seed);
    json_object_seed(seed);
}

json_t *json_new(void)
{
    pthread_once(&seeded, seed_hash_tables);
    return json_object();
}

struct place {
    size_t line, column;
};

static struct place place_of(struct bytes text, size_t at)
{
    struct place here = {1, 1};
    for (size_t i = 0; i < at && i < text.n; i++) {
        here.column++;
        if (text.p[i] == '\n')
            here = (struct place){here.line + 1, 1};
    }
    return here;
}

static enum err refuse(struct bytes text, size_t at, const char *what, struct problem *p)
{
    struct place here = place_of(text, at);
    return problem(p, E_MALFORMED, "JSON: %s at line %zu, column %zu", what, here.line,
                   here.column);
}

/* The index after the string that starts at i; an unterminated one is left to the parser. */
static size_t skip_string(struct bytes text, size_t i)
{
    for (i++; i < text.n && text.p[i] != '"'; i++)
        if (text.p[i] == '\\')
            i++;
    return i + 1;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(struct bytes text, size_t i)
{
    while (i < text.n && is_space(text.p[i]))
        i++;
    return i;
}

/* The index after the value that starts at i. */
static size_t skip_value(struct bytes text, size_t i)
{
    size_t depth = 0;
    while (i < text.n) {
        uint8_t c = text.p[i];
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space(c)))
            break;
        depth += c == '{' || c == '[';
        bool closes = c == '}' || c == ']';
        depth -= closes;
        i = c == '"' ? skip_string(text, i) : i + 1;
        if (depth == 0 && (closes || c == '"'))
            break;
    }
    return i;
}

enum err json_member_text(struct bytes text, const char *name, struct bytes *out)
{
    size_t i = skip_space(text, 0);
    if (i >= text.n || text.p[i] != '{')
        return E_NOT_FOUND;
    for (i = skip_space(text, i + 1); i < text.n && text.p[i] == '"'; i = skip_space(text, i + 1)) {
        size_t end = skip_string(text, i), colon = skip_space(text, end);
        if (end > text.n || colon >= text.n)
            return E_NOT_FOUND;
        bool found = bytes_eq(bytes(text.p + i + 1, end - i - 2), bytes_str(name));
        size_t value = skip_space(text, colon + 1);
        i = skip_value(text, value);
        if (i > text.n)
            return E_NOT_FOUND;
        if (found) {
            *out = bytes(text.p + value, i - value);
            return OK;
        }
        i = skip_space(text, i); /* at the comma or the last brace */
    }
    return E_NOT_FOUND;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/*
 * What jansson has no switch for, before it recurses: depth, and numbers with a
 * fraction or exponent. Outside strings an 'e' after a digit is an exponent.
 */
static enum err scan(struct bytes text, struct problem *p)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.n;) {
        uint8_t c = text.p[i];
        if (c == '"') {
            i = skip_string(text, i);
            continue;
        }
        if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
            return refuse(text, i, "nested too deep", p);
        if ((c == '}' || c == ']') && depth > 0)
            depth--;
        bool exponent = (c == 'e' || c == 'E') && i > 0 && is_digit(text.p[i - 1]);
        if (c == '.' || exponent)
            return refuse(text, i, "a number that is not an integer", p);
        i++;
    }
    return OK;
}

static const char *reason(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_out_of_memory:
        return NULL;
    case json_error_premature_end_of_input:
        return "unexpected end";
    case json_error_end_of_input_expected:
        return "bytes after the end";
    case json_error_invalid_utf8:
        return "invalid UTF-8";
    case json_error_duplicate_key:
        return "a key that occurs twice";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "a NUL character";
    case json_error_numeric_overflow:
        return "an integer of more than 64 bits";
    default:
        return "invalid syntax";
    }
}

enum err json_parse(struct bytes text, size_t max, json_t **out, struct problem *p)
{
    *out = NULL;
    if (text.n > max)
        return problem(p, E_TOO_LARGE, "JSON: %zu bytes, at most %zu are allowed", text.n, max);
    TRY(scan(text, p));
    pthread_once(&seeded, seed_hash_tables);
    json_error_t error;
    *out = json_loadb(text.n ? (const char *)text.p : "", text.n, JSON_REJECT_DUPLICATES, &error);
    if (*out)
        return OK;
    const char *why = reason(&error);
    if (!why)
        return problem(p, E_NOMEM, "JSON: out of memory");
    size_t at = error.position > 0 ? (size_t)error.position - 1 : 0;
    return refuse(text, at, why, p);
}

void json_free(json_t *v)
{
    json_decref(v);
}

json_t *json_share(json_t *v)
{
    return json_incref(v);
}

bool json_is_obj(const json_t *v)
{
    return json_is_object(v);
}

bool json_is_list(const json_t *v)
{
    return json_is_array(v);
}

bool json_is_nothing(const json_t *v)
{
    return !v || json_is_null(v);
}

size_t json_count(const json_t *v)
{
    return json_is_object(v) ? json_object_size(v) : json_array_size(v);
}

json_t *json_item(const json_t *array, size_t i)
{
    return json_array_get(array, i);
}

json_t *json_member(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

bool json_each(json_t *object, void **state, const char **name, json_t **value)
{
    *state = *state ? json_object_iter_next(object, *state) : json_object_iter(object);
    if (!*state)
        return false;
    *name = json_object_iter_key(*state);
    *value = json_object_iter_value(*state);
    return true;
}

const char *json_str(const json_t *v)
{
    return json_string_value(v);
}

bool json_to_uint(const json_t *v, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

bool json_to_bool(const json_t *v, bool *out)
{
    if (!json_is_boolean(v))
        return false;
    *out = json_is_true(v);
    return true;
}

bool json_same(const json_t *a, const json_t *b)
{
    return json_equal(a, b) == 1;
}
