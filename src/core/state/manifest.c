#include "core/state/manifest.h"

#include "base/bug.h"

static void founders_write(struct writer *w, const struct manifest *m)
{
    wr_raw(w, m->cluster_id.b, sizeof m->cluster_id.b);
    wr_u32(w, m->n);
    for (uint32_t i = 0; i < m->n; i++)
        peer_subject_write(w, &m->founders[i]);
}

struct hash64 manifest_hash(const struct manifest *m)
{
    uint8_t encoding[MANIFEST_MAX];
    struct buf b = BUF_ON(encoding);
    struct writer w = writer(&b);
    founders_write(&w, m);
    GD_BUG_ON(writer_end(&w) != OK); /* its fields have limits */
    struct thash h;
    thash_init(&h, "guardian/v1/manifest");
    thash_add(&h, buf_bytes(&b));
    return thash_final(&h);
}

enum err manifest_check(const struct manifest *m, const struct sig_scheme *scheme,
                        struct hash32 cluster_id)
{
    if (m->n == 0 || !hash32_eq(m->cluster_id, cluster_id))
        return E_MALFORMED;
    struct hash64 h = manifest_hash(m);
    for (uint32_t i = 0; i < m->n; i++) {
        if (i > 0 && m->founders[i].gid <= m->founders[i - 1].gid)
            return E_MALFORMED;
        if (!m->has_signature[i])
            return E_SIGNATURE;
        TRY(scheme->verify(&m->founders[i].vote_key, BYTES_OF(h.b), &m->signatures[i]));
    }
    return OK;
}

void manifest_write(struct writer *w, const struct manifest *m)
{
    founders_write(w, m);
    for (uint32_t i = 0; i < m->n; i++) {
        wr_bool(w, m->has_signature[i]);
        wr_raw(w, m->signatures[i].b, sizeof m->signatures[i].b);
    }
}

enum err manifest_decode(struct bytes in, struct manifest *out)
{
    struct reader r = reader(in);
    memset(out, 0, sizeof *out);
    rd_copy(&r, out->cluster_id.b, sizeof out->cluster_id.b);
    out->n = rd_count(&r, BFT_MAX_MEMBERS);
    for (uint32_t i = 0; i < out->n; i++)
        peer_subject_read(&r, &out->founders[i]);
    for (uint32_t i = 0; i < out->n; i++) {
        out->has_signature[i] = rd_bool(&r);
        rd_copy(&r, out->signatures[i].b, sizeof out->signatures[i].b);
    }
    return reader_end(&r, E_MALFORMED);
}
