#include "base/crypto/group.h"
#include "base/bug.h"
#include "base/ct.h"

/* libsodium's names for one operation in both groups. */
struct operations {
    int (*valid)(const unsigned char *p);
    int (*add)(unsigned char *r, const unsigned char *p, const unsigned char *q);
    int (*sub)(unsigned char *r, const unsigned char *p, const unsigned char *q);
    int (*mul)(unsigned char *r, const unsigned char *n, const unsigned char *p);
    int (*base)(unsigned char *r, const unsigned char *n);
    struct point identity;
};

static const struct operations operations[] = {
    [GROUP_R] = {crypto_core_ristretto255_is_valid_point,
                 crypto_core_ristretto255_add,
                 crypto_core_ristretto255_sub,
                 crypto_scalarmult_ristretto255,
                 crypto_scalarmult_ristretto255_base,
                 {{0}}},
    [GROUP_E] = {crypto_core_ed25519_is_valid_point,
                 crypto_core_ed25519_add,
                 crypto_core_ed25519_sub,
                 crypto_scalarmult_ed25519_noclamp,
                 crypto_scalarmult_ed25519_base_noclamp,
                 {{1}}},
};

static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                                  0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

bool scalar_is_canonical(const struct scalar *s)
{
    uint32_t borrow = 0;
    for (unsigned i = 0; i < sizeof order; i++)
        borrow = ((uint32_t)s->b[i] - order[i] - borrow) >> 31;
    return ct_public_bool(borrow != 0);
}

bool scalar_is_zero(const struct scalar *s)
{
    return ct_public_bool(ct_is_zero(s->b, sizeof s->b));
}

bool scalar_eq(const struct scalar *a, const struct scalar *b)
{
    return ct_public_bool(ct_eq(a->b, b->b, sizeof a->b));
}

void scalar_add(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    crypto_core_ed25519_scalar_add(out->b, a->b, b->b);
}

void scalar_sub(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    crypto_core_ed25519_scalar_sub(out->b, a->b, b->b);
}

void scalar_mul(struct scalar *out, const struct scalar *a, const struct scalar *b)
{
    crypto_core_ed25519_scalar_mul(out->b, a->b, b->b);
}

enum err scalar_invert(struct scalar *out, const struct scalar *a)
{
    if (scalar_is_zero(a))
        return E_VALUE;
    return ct_public_bool(crypto_core_ed25519_scalar_invert(out->b, a->b) == 0) ? OK : E_VALUE;
}

void scalar_from_u32(struct scalar *out, uint32_t v)
{
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < 4; i++)
        out->b[i] = (uint8_t)(v >> 8 * i);
}

void scalar_reduce64(struct scalar *out, const uint8_t in[static 64])
{
    crypto_core_ed25519_scalar_reduce(out->b, in);
}

void scalar_from_hash(struct scalar *out, struct thash *h)
{
    struct hash64 full = thash_final(h);
    scalar_reduce64(out, full.b);
    wipe(&full, sizeof full);
}

void scalar_random(struct rng rng, struct scalar *out)
{
    uint8_t wide[64];
    rng_fill(rng, wide, sizeof wide);
    scalar_reduce64(out, wide);
    wipe(wide, sizeof wide);
    /* One chance in 2^252 for a working generator. */
    GD_BUG_ON(scalar_is_zero(out));
}

bool point_is_identity(enum group g, const struct point *p)
{
    return point_eq(p, &operations[g].identity);
}

bool point_is_valid(enum group g, const struct point *p)
{
    return !point_is_identity(g, p) && operations[g].valid(p->b) == 1;
}

bool point_eq(const struct point *a, const struct point *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

struct point point_identity(enum group g)
{
    return operations[g].identity;
}

enum err point_add(enum group g, struct point *out, const struct point *a, const struct point *b)
{
    return operations[g].add(out->b, a->b, b->b) == 0 ? OK : E_VALUE;
}

enum err point_sub(enum group g, struct point *out, const struct point *a, const struct point *b)
{
    return operations[g].sub(out->b, a->b, b->b) == 0 ? OK : E_VALUE;
}

/*
 * libsodium copies the scalar to the output before it multiplies, so a failed
 * multiplication must not leave it there.
 */
static enum err multiplied(int failed, struct point *out)
{
    if (!ct_public_bool(failed != 0))
        return OK;
    wipe(out, sizeof *out);
    return E_VALUE;
}

enum err point_mul(enum group g, struct point *out, const struct scalar *s, const struct point *p)
{
    return multiplied(operations[g].mul(out->b, s->b, p->b), out);
}

enum err point_base(enum group g, struct point *out, const struct scalar *s)
{
    return multiplied(operations[g].base(out->b, s->b), out);
}

enum err point_from_uniform(struct point *out, const uint8_t in[static 64])
{
    return crypto_core_ristretto255_from_hash(out->b, in) == 0 ? OK : E_VALUE;
}

/* b_i = H((b_0 xor b_(i-1)) || i || DST_prime), RFC 9380, section 5.3.1, step 9. */
static void expand_block(const uint8_t b0[static 64], uint8_t previous[static 64], uint8_t i,
                         struct bytes dst)
{
    uint8_t mixed[64], dst_n = (uint8_t)dst.n;
    for (unsigned k = 0; k < sizeof mixed; k++)
        mixed[k] = b0[k] ^ previous[k];
    struct sha512 h;
    sha512_init(&h);
    sha512_add(&h, BYTES_OF(mixed));
    sha512_add(&h, bytes(&i, 1));
    sha512_add(&h, dst);
    sha512_add(&h, bytes(&dst_n, 1));
    struct hash64 next = sha512_final(&h);
    memcpy(previous, next.b, sizeof next.b);
}

enum err expand_message_xmd(const struct bytes *parts, size_t n_parts, struct bytes dst, void *out,
                            size_t n)
{
    if (dst.n > 255 || n == 0 || n > (size_t)255 * 64)
        return E_VALUE;
    const uint8_t z_pad[128] = {0}; /* the block size of SHA-512 */
    const uint8_t tail[3] = {(uint8_t)(n >> 8), (uint8_t)n, 0};
    uint8_t block[64] = {0}, dst_n = (uint8_t)dst.n;
    struct sha512 h;
    sha512_init(&h);
    sha512_add(&h, BYTES_OF(z_pad));
    for (size_t i = 0; i < n_parts; i++)
        sha512_add(&h, parts[i]);
    sha512_add(&h, BYTES_OF(tail));
    sha512_add(&h, dst);
    sha512_add(&h, bytes(&dst_n, 1));
    struct hash64 b0 = sha512_final(&h);
    for (size_t at = 0; at < n; at += sizeof block) {
        expand_block(b0.b, block, (uint8_t)(at / sizeof block + 1), dst);
        memcpy((uint8_t *)out + at, block, n - at < sizeof block ? n - at : sizeof block);
    }
    wipe(&b0, sizeof b0);
    wipe(block, sizeof block);
    return OK;
}

void scalar_read(struct reader *r, struct scalar *out)
{
    rd_copy(r, out->b, sizeof out->b);
    rd_require(r, scalar_is_canonical(out));
}

void point_read(struct reader *r, enum group g, struct point *out)
{
    rd_copy(r, out->b, sizeof out->b);
    if (!r->bad)
        rd_require(r, point_is_valid(g, out));
}

void scalar_write(struct writer *w, const struct scalar *s)
{
    wr_raw(w, s->b, sizeof s->b);
}

void point_write(struct writer *w, const struct point *p)
{
    wr_raw(w, p->b, sizeof p->b);
}
