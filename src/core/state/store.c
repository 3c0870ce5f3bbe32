#include "core/state/store.h"
#include "base/bug.h"

#include <stdlib.h>

struct node {
    struct node *left, *right;
    uint64_t priority;
    struct hash32 hash; /* of the subtree; valid when !dirty */
    bool dirty;
    uint8_t *key, *value;
    size_t key_n, value_n;
};

struct change {
    uint8_t *key, *old; /* old is NULL when the key was absent */
    size_t key_n, old_n;
};

struct store {
    struct node *root;
    size_t count;
    struct change *journal;
    size_t journal_n, journal_cap;
};

enum err store_new(struct store **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? OK : E_NOMEM;
}

static void node_free(struct node *n)
{
    if (!n)
        return;
    free(n->key);
    free(n->value);
    free(n);
}

static void tree_free(struct node *n)
{
    if (!n)
        return;
    tree_free(n->left);
    tree_free(n->right);
    node_free(n);
}

void store_free(struct store *s)
{
    if (!s)
        return;
    store_commit(s);
    free(s->journal);
    tree_free(s->root);
    free(s);
}

static struct bytes node_key(const struct node *n)
{
    return bytes(n->key, n->key_n);
}

static struct node *find(const struct store *s, struct bytes key)
{
    struct node *n = s->root;
    while (n) {
        int order = bytes_cmp(key, node_key(n));
        if (order == 0)
            return n;
        n = order < 0 ? n->left : n->right;
    }
    return NULL;
}

struct bytes store_get(const struct store *s, struct bytes key)
{
    const struct node *n = find(s, key);
    return n ? bytes(n->value, n->value_n) : BYTES_NONE;
}

/* An attacker who chooses keys can unbalance the tree only by grinding SHA-256. */
static uint64_t priority_of(struct bytes key)
{
    struct hash32 h = sha256(key);
    uint64_t p;
    memcpy(&p, h.b, sizeof p);
    return p;
}

static struct node *rotate_right(struct node *n)
{
    struct node *l = n->left;
    n->left = l->right;
    l->right = n;
    n->dirty = l->dirty = true;
    return l;
}

static struct node *rotate_left(struct node *n)
{
    struct node *r = n->right;
    n->right = r->left;
    r->left = n;
    n->dirty = r->dirty = true;
    return r;
}

static struct node *insert(struct node *n, struct node *fresh)
{
    if (!n)
        return fresh;
    n->dirty = true;
    if (bytes_cmp(node_key(fresh), node_key(n)) < 0) {
        n->left = insert(n->left, fresh);
        return n->left->priority > n->priority ? rotate_right(n) : n;
    }
    n->right = insert(n->right, fresh);
    return n->right->priority > n->priority ? rotate_left(n) : n;
}

static struct node *merge(struct node *a, struct node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (a->priority > b->priority) {
        a->right = merge(a->right, b);
        a->dirty = true;
        return a;
    }
    b->left = merge(a, b->left);
    b->dirty = true;
    return b;
}

static struct node *extract(struct node *n, struct bytes key, struct node **found)
{
    if (!n)
        return NULL;
    int order = bytes_cmp(key, node_key(n));
    if (order == 0) {
        *found = n;
        return merge(n->left, n->right);
    }
    n->dirty = true;
    if (order < 0)
        n->left = extract(n->left, key, found);
    else
        n->right = extract(n->right, key, found);
    return n;
}

/* Marks the path to an existing key as changed. */
static void touch(struct store *s, struct bytes key)
{
    for (struct node *n = s->root; n;) {
        n->dirty = true;
        int order = bytes_cmp(key, node_key(n));
        if (order == 0)
            return;
        n = order < 0 ? n->left : n->right;
    }
}

static struct node *node_new(struct bytes key, uint8_t *value, size_t value_n)
{
    struct node *n = calloc(1, sizeof *n);
    uint8_t *copy = bytes_dup(key);
    if (!n || !copy) {
        free(n);
        free(copy);
        return NULL;
    }
    *n = (struct node){.priority = priority_of(key),
                       .dirty = true,
                       .key = copy,
                       .key_n = key.n,
                       .value = value,
                       .value_n = value_n};
    return n;
}

/* Sets or (value NULL) removes, without journalling; takes `value`. Returns the old one. */
static enum err replace(struct store *s, struct bytes key, uint8_t *value, size_t value_n,
                        uint8_t **old, size_t *old_n)
{
    struct node *n = find(s, key);
    *old = NULL;
    *old_n = 0;
    if (!value) {
        struct node *found = NULL;
        s->root = extract(s->root, key, &found);
        if (found) {
            *old = found->value;
            *old_n = found->value_n;
            found->value = NULL;
            node_free(found);
            s->count--;
        }
        return OK;
    }
    if (n) {
        *old = n->value;
        *old_n = n->value_n;
        n->value = value;
        n->value_n = value_n;
        touch(s, key);
        return OK;
    }
    n = node_new(key, value, value_n);
    if (!n)
        return E_NOMEM;
    s->root = insert(s->root, n);
    s->count++;
    return OK;
}

static enum err journal_reserve(struct store *s)
{
    if (s->journal_n < s->journal_cap)
        return OK;
    size_t cap = s->journal_cap ? 2 * s->journal_cap : 64;
    struct change *j = realloc(s->journal, cap * sizeof *j);
    if (!j)
        return E_NOMEM;
    s->journal = j;
    s->journal_cap = cap;
    return OK;
}

/* Takes `value` (NULL: remove) in every case. */
static enum err change(struct store *s, struct bytes key, uint8_t *value, size_t value_n)
{
    struct change c = {.key = bytes_dup(key), .key_n = key.n};
    enum err e = c.key ? journal_reserve(s) : E_NOMEM;
    if (e == OK)
        e = replace(s, key, value, value_n, &c.old, &c.old_n);
    if (e != OK) {
        free(c.key);
        free(value);
        return e;
    }
    s->journal[s->journal_n++] = c;
    return OK;
}

enum err store_put(struct store *s, struct bytes key, struct bytes value)
{
    if (key.n > STORE_KEY_MAX || value.n > STORE_VALUE_MAX)
        return E_TOO_LARGE;
    uint8_t *copy = bytes_dup(value);
    return copy ? change(s, key, copy, value.n) : E_NOMEM;
}

enum err store_del(struct store *s, struct bytes key)
{
    return find(s, key) ? change(s, key, NULL, 0) : OK;
}

static bool has_prefix(struct bytes key, struct bytes prefix)
{
    return key.n >= prefix.n && bytes_eq(bytes(key.p, prefix.n), prefix);
}

bool store_next(const struct store *s, struct bytes prefix, struct bytes after, struct bytes *key,
                struct bytes *value)
{
    const struct node *best = NULL;
    for (const struct node *n = s->root; n;) {
        bool beyond =
            after.p ? bytes_cmp(node_key(n), after) > 0 : bytes_cmp(node_key(n), prefix) >= 0;
        if (beyond)
            best = n;
        n = beyond ? n->left : n->right;
    }
    if (!best || !has_prefix(node_key(best), prefix))
        return false;
    *key = node_key(best);
    *value = bytes(best->value, best->value_n);
    return true;
}

static struct hash32 tree_hash(struct node *n)
{
    if (!n)
        return (struct hash32){0};
    if (!n->dirty)
        return n->hash;
    struct hash32 left = tree_hash(n->left), right = tree_hash(n->right);
    struct thash h;
    thash_init(&h, "guardian/v1/state");
    thash_add(&h, BYTES_OF(left.b));
    thash_add(&h, node_key(n));
    thash_add(&h, bytes(n->value, n->value_n));
    thash_add(&h, BYTES_OF(right.b));
    n->hash = thash_final32(&h);
    n->dirty = false;
    return n->hash;
}

struct hash32 store_root(struct store *s)
{
    return tree_hash(s->root);
}

size_t store_count(const struct store *s)
{
    return s->count;
}

size_t store_mark(const struct store *s)
{
    return s->journal_n;
}

void store_rollback(struct store *s, size_t mark)
{
    GD_BUG_ON(mark > s->journal_n);
    while (s->journal_n > mark) {
        struct change *c = &s->journal[--s->journal_n];
        uint8_t *dropped;
        size_t dropped_n;
        enum err e = replace(s, bytes(c->key, c->key_n), c->old, c->old_n, &dropped, &dropped_n);
        GD_BUG_ON(e != OK); /* out of memory while undoing: the state would be wrong */
        free(dropped);
        free(c->key);
    }
}

void store_commit(struct store *s)
{
    for (size_t i = 0; i < s->journal_n; i++) {
        free(s->journal[i].key);
        free(s->journal[i].old);
    }
    s->journal_n = 0;
}
