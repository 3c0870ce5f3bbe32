#include "core/seal/seal.h"

#include "base/crypto/aead.h"
#include "base/writer.h"

#define FORMAT   1
#define KIND_MAX 64
_Static_assert(SEAL_OVERHEAD == 1 + AEAD_OVERHEAD, "format, nonce, tag");

static enum err place(const struct seal_where *where, struct buf *out)
{
    size_t kind = strlen(where->kind);
    if (kind == 0 || kind > KIND_MAX)
        return E_VALUE;
    struct writer w = writer(out);
    wr_text(&w, "guardian/v1/sealed");
    wr_var(&w, BYTES_OF(where->cluster.b));
    wr_text(&w, where->kind);
    wr_var(&w, where->key);
    wr_u32(&w, 8);
    wr_u64(&w, where->version);
    return writer_end(&w);
}

enum err seal_record(struct rng rng, const struct secret32 *key, const struct seal_where *where,
                     struct bytes plain, struct buf *out)
{
    if (plain.n > SEAL_MAX)
        return E_TOO_LARGE;
    struct buf ad = BUF_INIT(SEAL_KEY_MAX + 256);
    size_t before = out->n;
    const uint8_t format = FORMAT;
    enum err e;
    TRY_OUT(place(where, &ad));
    TRY_OUT(buf_add(out, &format, 1));
    TRY_OUT(aead_seal(rng, key, buf_bytes(&ad), plain, out));
out:
    if (e != OK)
        out->n = before;
    buf_free(&ad);
    return e;
}

enum err seal_open(const struct secret32 *key, const struct seal_where *where, struct bytes sealed,
                   struct buf *out)
{
    if (sealed.n < SEAL_OVERHEAD || sealed.n > SEAL_MAX + SEAL_OVERHEAD || sealed.p[0] != FORMAT)
        return E_MALFORMED;
    struct buf ad = BUF_INIT(SEAL_KEY_MAX + 256);
    enum err e = place(where, &ad);
    if (e == OK)
        e = aead_open(key, buf_bytes(&ad), bytes(sealed.p + 1, sealed.n - 1), out);
    buf_free(&ad);
    return e;
}
