#include "core/keys/keys.h"

#include "base/writer.h"

/* --- the tables --- */

struct label {
    const char *tag, *suite;
};

enum {
#define LABEL(symbol, tag, suite) symbol,
#include "core/keys/labels.def"
#undef LABEL
};

static const struct label labels[] = {
#define LABEL(symbol, tag, suite) [symbol] = {tag, suite},
#include "core/keys/labels.def"
#undef LABEL
};

static const char *const algorithms[KEY_ALGORITHM_COUNT] = {
#define ALGORITHM(symbol, name, bits) [symbol] = name,
#include "core/keys/labels.def"
#undef ALGORITHM
};

const char *key_algorithm_name(enum key_algorithm a)
{
    return (unsigned)a < KEY_ALGORITHM_COUNT ? algorithms[a] : "none";
}

enum err key_algorithm_parse(struct bytes name, enum key_algorithm *out)
{
    for (unsigned i = 0; i < KEY_ALGORITHM_COUNT; i++)
        if (bytes_eq(name, bytes_str(algorithms[i]))) {
            *out = (enum key_algorithm)i;
            return OK;
        }
    return E_VALUE;
}

/* --- names --- */

static bool is_lower_or_digit(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_name_byte(uint8_t c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

bool keys_namespace_valid(struct bytes name)
{
    if (name.n == 0 || name.n > KEY_NAMESPACE_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!is_lower_or_digit(name.p[i]) && name.p[i] != '-')
            return false;
    return name.p[0] != '-' && name.p[name.n - 1] != '-';
}

bool keys_namespace_reserved(struct bytes name)
{
    return bytes_eq(name, bytes_str("guardian"));
}

static bool segment_valid(struct bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_name_byte(s.p[i]))
            return false;
    return s.n > 0 && !bytes_eq(s, bytes_str(".")) && !bytes_eq(s, bytes_str(".."));
}

bool keys_name_valid(struct bytes name)
{
    if (name.n == 0 || name.n > KEY_NAME_MAX)
        return false;
    for (unsigned segments = 1; segments <= KEY_SEGMENTS_MAX; segments++) {
        const uint8_t *slash = memchr(name.p, '/', name.n);
        size_t n = slash ? (size_t)(slash - name.p) : name.n;
        if (!segment_valid(bytes(name.p, n)))
            return false;
        if (!slash)
            return true;
        name = bytes(slash + 1, name.n - n - 1);
    }
    return false;
}

bool keys_purpose_valid(struct bytes purpose)
{
    for (size_t i = 0; i < purpose.n; i++)
        if (!is_name_byte(purpose.p[i]))
            return false;
    return purpose.n > 0 && purpose.n <= KEY_PURPOSE_MAX;
}

/* --- labels --- */

static struct writer begin(const struct label *l, struct buf *out)
{
    struct writer w = writer(out);
    wr_text(&w, l->tag);
    wr_text(&w, l->suite);
    return w;
}

static void add_version(struct writer *w, uint32_t version)
{
    wr_u32(w, 4);
    wr_u32(w, version);
}

static enum err end(const struct writer *w, size_t before)
{
    if (w->err != OK)
        w->out->n = before;
    return w->err;
}

enum err keys_namespace_label(struct hash32 root_id, struct bytes ns, uint32_t version,
                              struct buf *out)
{
    if (!keys_namespace_valid(ns) || version == 0)
        return E_VALUE;
    size_t before = out->n;
    struct writer w = begin(&labels[LABEL_NAMESPACE], out);
    wr_var(&w, BYTES_OF(root_id.b));
    wr_var(&w, ns);
    add_version(&w, version);
    return end(&w, before);
}

enum err keys_threshold_label(struct hash32 root_id, struct bytes ns, struct bytes name,
                              struct bytes purpose, uint32_t version, struct buf *out)
{
    if (!keys_namespace_valid(ns) || !keys_name_valid(name) || !keys_purpose_valid(purpose) ||
        version == 0)
        return E_VALUE;
    size_t before = out->n;
    struct writer w = begin(&labels[LABEL_THRESHOLD], out);
    wr_var(&w, BYTES_OF(root_id.b));
    wr_var(&w, ns);
    wr_var(&w, name);
    wr_var(&w, purpose);
    add_version(&w, version);
    return end(&w, before);
}

enum err keys_leaf_label(struct bytes name, struct bytes purpose, enum key_algorithm algorithm,
                         uint32_t version, struct buf *out)
{
    if (!keys_name_valid(name) || !keys_purpose_valid(purpose) ||
        (unsigned)algorithm >= KEY_ALGORITHM_COUNT || version == 0)
        return E_VALUE;
    size_t before = out->n;
    struct writer w = begin(&labels[LABEL_LEAF], out);
    wr_text(&w, algorithms[algorithm]);
    wr_var(&w, name);
    wr_var(&w, purpose);
    add_version(&w, version);
    return end(&w, before);
}

/* --- keys --- */

static enum err derive(const struct key_master *from, struct bytes label, struct secret32 *out)
{
    return hkdf_sha512(BYTES_OF(from->b), label, out->b, sizeof out->b);
}

enum err keys_leaf(const struct key_master *ns_key, struct bytes name, struct bytes purpose,
                   enum key_algorithm algorithm, uint32_t version, struct secret32 *out)
{
    struct buf label = BUF_INIT(KEY_LABEL_MAX);
    enum err e = keys_leaf_label(name, purpose, algorithm, version, &label);
    if (e == OK)
        e = derive(ns_key, buf_bytes(&label), out);
    buf_free(&label);
    return e;
}

enum err keys_threshold_leaf(const struct key_master *output, enum key_algorithm algorithm,
                             struct secret32 *out)
{
    if ((unsigned)algorithm >= KEY_ALGORITHM_COUNT)
        return E_VALUE;
    struct buf label = BUF_INIT(KEY_LABEL_MAX);
    struct writer w = begin(&labels[LABEL_OUTPUT], &label);
    wr_text(&w, algorithms[algorithm]);
    enum err e = writer_end(&w);
    if (e == OK)
        e = derive(output, buf_bytes(&label), out);
    buf_free(&label);
    return e;
}

struct hash32 keys_kcv(const struct key_master *key)
{
    struct thash h;
    thash_init(&h, "guardian/v1/key/kcv");
    thash_add(&h, BYTES_OF(key->b));
    return thash_final32(&h);
}
