/* RFC 6962 section 2.1 with SHA-256. */
#include "base/bug.h"
#include "core/consensus/types.h"

static struct hash32 leaf_hash(struct bytes entry)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, bytes("\0", 1));
    sha256_add(&h, entry);
    return sha256_final(&h);
}

static struct hash32 node_hash(struct hash32 left, struct hash32 right)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, bytes("\1", 1));
    sha256_add(&h, BYTES_OF(left.b));
    sha256_add(&h, BYTES_OF(right.b));
    return sha256_final(&h);
}

/* The largest power of two below n, n > 1. */
static uint32_t split(uint32_t n)
{
    uint32_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

struct hash32 entries_root(const struct bytes *entry, uint32_t n)
{
    GD_BUG_ON(n > BFT_MAX_ENTRIES);
    if (n == 0)
        return sha256(BYTES_NONE);
    if (n == 1)
        return leaf_hash(entry[0]);
    uint32_t k = split(n);
    return node_hash(entries_root(entry, k), entries_root(entry + k, n - k));
}

void entries_path(const struct bytes *entry, uint32_t n, uint32_t index, struct path *path)
{
    GD_BUG_ON(index >= n || n > BFT_MAX_ENTRIES);
    *path = (struct path){.index = index, .count = n};
    struct hash32 down[BFT_MAX_PATH];
    uint32_t depth = 0;
    while (n > 1) {
        uint32_t k = split(n);
        bool left = index < k;
        down[depth++] = left ? entries_root(entry + k, n - k) : entries_root(entry, k);
        entry += left ? 0 : k;
        index -= left ? 0 : k;
        n = left ? k : n - k;
    }
    path->n = depth;
    for (uint32_t i = 0; i < depth; i++)
        path->step[i] = down[depth - 1 - i];
}

enum err path_check(const struct path *path, struct bytes entry, struct hash32 root)
{
    if (path->count > BFT_MAX_ENTRIES || path->index >= path->count || path->n > BFT_MAX_PATH)
        return E_VALUE;
    /* Which side each step is on, from the root down. */
    bool left[BFT_MAX_PATH];
    uint32_t depth = 0;
    for (uint32_t n = path->count, i = path->index; n > 1;) {
        uint32_t k = split(n);
        left[depth] = i < k;
        i -= left[depth] ? 0 : k;
        n = left[depth] ? k : n - k;
        depth++;
    }
    if (depth != path->n)
        return E_VALUE;
    struct hash32 h = leaf_hash(entry);
    for (uint32_t i = 0; i < depth; i++)
        h = left[depth - 1 - i] ? node_hash(h, path->step[i]) : node_hash(path->step[i], h);
    return hash32_eq(h, root) ? OK : E_VALUE;
}

void path_encode(struct writer *w, const struct path *path)
{
    wr_u32(w, path->index);
    wr_u32(w, path->count);
    wr_u32(w, path->n);
    for (uint32_t i = 0; i < path->n; i++)
        wr_raw(w, path->step[i].b, 32);
}

void path_decode(struct reader *r, struct path *path)
{
    *path = (struct path){0};
    path->index = rd_u32(r);
    path->count = rd_count(r, BFT_MAX_ENTRIES);
    path->n = rd_count(r, BFT_MAX_PATH);
    for (uint32_t i = 0; i < path->n; i++)
        rd_copy(r, path->step[i].b, 32);
    rd_require(r, path->index < path->count);
}
