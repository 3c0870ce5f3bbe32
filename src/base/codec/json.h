/*
 * JSON (RFC 8259), read strictly and written two ways.
 *
 * Reading refuses what two parsers could read differently: duplicate keys,
 * trailing bytes, invalid UTF-8, NUL, numbers that are not integers of 64 bits,
 * and text that is too deep or too large. A struct problem says what and where
 * (line and column, or the path of a field); it never repeats values, which may
 * be secret.
 *
 * A value owns everything below it and is freed with json_free(); what the
 * accessors return is borrowed from it.
 */
#ifndef BASE_CODEC_JSON_H
#define BASE_CODEC_JSON_H

#include "base/bytes.h"

/* jansson's value; nobody outside base/codec and base/crypto includes jansson itself. */
typedef struct json_t json_t;

/*
 * The deepest message of the HTTP contract has 8 levels; 32 leaves room for
 * vendors' documents and bounds the parser's stack.
 */
#define JSON_DEPTH_MAX 32

/*
 * Parses an object or array of at most `max` bytes (more: E_TOO_LARGE).
 * Anything else wrong: E_MALFORMED.
 */
enum err json_parse(struct bytes text, size_t max, json_t **out, struct problem *p);
/* An empty object; NULL when out of memory. */
json_t *json_new(void);
/* v may be NULL. */
void json_free(json_t *v);
/* A second owner of the same value. */
json_t *json_share(json_t *v);

/* --- strict objects: a table of fields --- */

enum json_kind {
    JF_TEXT,   /* const char ** (borrowed, no NUL inside); `max` bytes at most if not 0 */
    JF_COPY,   /* char[max]: text of 1 to max-1 bytes */
    JF_UINT,   /* uint64_t *; from `min` to `max` (0: no bound) */
    JF_BOOL,   /* bool * */
    JF_HEX,    /* uint8_t[max]: exactly 2*max characters of either case */
    JF_B64,    /* struct buf *: standard base64, appended; the buffer's max holds */
    JF_OBJECT, /* json_t ** (borrowed) */
    JF_ARRAY,  /* json_t ** (borrowed); `max` items at most if not 0 */
    JF_ANY     /* json_t ** (borrowed), any type */
};

enum { JF_REQUIRED = 0, JF_OPTIONAL = 1, JF_NULLABLE = 2 };

struct json_field {
    const char *name;
    enum json_kind kind;
    void *to;     /* untouched when the field is absent or null */
    uint64_t max; /* see the kind */
    unsigned flags;
    bool *present; /* if not NULL: whether there was a value other than null */
    uint64_t min;
};

/*
 * Reads an object that may have these fields and no others. `where` names it in
 * the problem ("request", "seats[2]"). Not an object, unknown field, missing
 * field, wrong type: E_MALFORMED. Right type but outside the field's bounds, or
 * not hex or base64: E_VALUE. JF_NULLABLE takes null for "absent, but named".
 */
enum err json_fields(const json_t *object, const char *where, const struct json_field *fields,
                     size_t n, struct problem *p);
/* The same for documents of others, who may add fields: those not in the table are passed over. */
enum err json_pick(const json_t *object, const char *where, const struct json_field *fields,
                   size_t n, struct problem *p);
/* The third and fourth argument of both, from an array. */
#define JSON_FIELDS(array) (array), sizeof(array) / sizeof *(array)

/* --- loose access, for documents of others and for lists --- */

bool json_is_obj(const json_t *v);
bool json_is_list(const json_t *v);
bool json_is_nothing(const json_t *v); /* NULL or null */
/* Items of an array or members of an object; 0 for anything else. */
size_t json_count(const json_t *v);
/* NULL beyond the end or if it is no array. */
json_t *json_item(const json_t *array, size_t i);
/* NULL if there is none or it is no object. */
json_t *json_member(const json_t *object, const char *name);
/* Members in the order of the text: start with *state = NULL, ends with false. */
bool json_each(json_t *object, void **state, const char **name, json_t **value);
/* The text, or NULL if it is none. */
const char *json_str(const json_t *v);
/* False if it is no integer or negative. */
bool json_to_uint(const json_t *v, uint64_t *out);
bool json_to_bool(const json_t *v, bool *out);
/*
 * The bytes of a member's value as they stand in `text`, an object that json_parse() accepts:
 * what a signature over a part of a document is about. E_NOT_FOUND if there is none, or its name
 * is written with escapes.
 */
enum err json_member_text(struct bytes text, const char *name, struct bytes *out);
/* Equal as values: the order of members does not matter. */
bool json_same(const json_t *a, const json_t *b);

/* --- building --- */

#define JSON_BUILD_DEPTH 12

/*
 * Builds one object or array from the outside in; like the writer it remembers the
 * first failure and reports it at the end. `name` is NULL inside an array.
 *
 *     struct json_builder b = json_build();
 *     jb_text(&b, "name", name);
 *     jb_array(&b, "seats");
 *     jb_uint(&b, NULL, 1);
 *     jb_close(&b);
 *     TRY(jb_write(&b, out));
 */
struct json_builder {
    json_t *open[JSON_BUILD_DEPTH];
    unsigned depth;
    enum err err;
};

/* An object, or an array. */
struct json_builder json_build(void);
struct json_builder json_build_array(void);
void jb_text(struct json_builder *b, const char *name, const char *text);
/* Text from bytes; invalid UTF-8 or NUL inside: E_VALUE at the end. */
void jb_textn(struct json_builder *b, const char *name, struct bytes text);
/* Above 2^63-1: E_VALUE at the end. */
void jb_uint(struct json_builder *b, const char *name, uint64_t v);
void jb_bool(struct json_builder *b, const char *name, bool v);
void jb_null(struct json_builder *b, const char *name);
void jb_hex(struct json_builder *b, const char *name, struct bytes v);
void jb_b64(struct json_builder *b, const char *name, struct bytes v);
/* Shares v, which must not be changed later. NULL: E_NOMEM at the end. */
void jb_value(struct json_builder *b, const char *name, json_t *v);
/* Opens an inner object or array, until jb_close(). */
void jb_object(struct json_builder *b, const char *name);
void jb_array(struct json_builder *b, const char *name);
void jb_close(struct json_builder *b);
/* The value; or the first failure, *out is NULL and nothing is left to free. */
enum err jb_end(struct json_builder *b, json_t **out);
/* The same as compact text, appended to out. */
enum err jb_write(struct json_builder *b, struct buf *out);

/* --- writing --- */

/* Appends compact text, members in the order they were set. */
enum err json_text(const json_t *v, struct buf *out);
/* The same for people, two spaces per level and a line break at the end. */
enum err json_pretty(const json_t *v, struct buf *out);
/*
 * Appends the canonical form (RFC 8785): members sorted by UTF-16 code units,
 * shortest escapes, no spaces. Only integers of at most 2^53-1 in size
 * (section 3.2.2.3, RFC 7493 2.2): others are E_VALUE.
 */
enum err json_canonical(const json_t *v, struct buf *out);

/*
 * From now on every byte jansson frees is wiped first. Call before the first
 * value exists; for processes that see secrets.
 */
void json_use_wiping_allocator(void);

#endif
