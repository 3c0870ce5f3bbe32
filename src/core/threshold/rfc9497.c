#include "core/threshold/rfc9497.h"
#include "base/ct.h"

/* "OPRFV1-" || mode || "-" || suite (section 3.1), behind a prefix that names the use. */
struct dst {
    char text[64];
    size_t n;
};

static struct dst dst_of(const char *prefix, enum rfc9497_mode mode)
{
    static const char version[] = "OPRFV1-", suite[] = "-ristretto255-SHA512";
    struct dst d = {.n = 0};
    for (const char *c = prefix; *c; c++)
        d.text[d.n++] = *c;
    memcpy(d.text + d.n, version, sizeof version - 1);
    d.n += sizeof version - 1;
    d.text[d.n++] = (char)mode;
    memcpy(d.text + d.n, suite, sizeof suite - 1);
    d.n += sizeof suite - 1;
    return d;
}

static struct bytes dst_bytes(const struct dst *d)
{
    return bytes(d->text, d->n);
}

enum err rfc9497_hash_to_group(enum rfc9497_mode mode, struct bytes input, struct point *out)
{
    if (input.n > RFC9497_INPUT_MAX)
        return E_VALUE;
    struct dst dst = dst_of("HashToGroup-", mode);
    uint8_t uniform[64];
    TRY(expand_message_xmd(&input, 1, dst_bytes(&dst), uniform, sizeof uniform));
    TRY(point_from_uniform(out, uniform));
    return point_is_identity(GROUP_R, out) ? E_VALUE : OK;
}

static enum err to_scalar(const struct bytes *parts, size_t n, const struct dst *dst,
                          struct scalar *out)
{
    uint8_t uniform[64];
    TRY(expand_message_xmd(parts, n, dst_bytes(dst), uniform, sizeof uniform));
    scalar_reduce64(out, uniform);
    wipe(uniform, sizeof uniform);
    return OK;
}

enum err rfc9497_hash_to_scalar(enum rfc9497_mode mode, struct bytes input, struct scalar *out)
{
    struct dst dst = dst_of("HashToScalar-", mode);
    return to_scalar(&input, 1, &dst, out);
}

/* I2OSP(n, 2) */
struct length {
    uint8_t b[2];
};
static struct length length_of(size_t n)
{
    return (struct length){{(uint8_t)(n >> 8), (uint8_t)n}};
}

enum err rfc9497_derive_key(enum rfc9497_mode mode, const uint8_t seed[static 32],
                            struct bytes info, struct scalar *secret, struct point *public)
{
    if (info.n > RFC9497_INPUT_MAX)
        return E_VALUE;
    struct dst dst = dst_of("DeriveKeyPair", mode);
    struct length n = length_of(info.n);
    uint8_t counter = 0;
    struct bytes parts[] = {bytes(seed, 32), BYTES_OF(n.b), info, bytes(&counter, 1)};
    do {
        TRY(to_scalar(parts, sizeof parts / sizeof parts[0], &dst, secret));
    } while (scalar_is_zero(secret) && ++counter != 0);
    TRY(point_base(GROUP_R, public, secret));
    ct_public(public, sizeof *public);
    return OK;
}

enum err rfc9497_blind(enum rfc9497_mode mode, struct bytes input, const struct scalar *blind,
                       struct point *out)
{
    struct point element;
    TRY(rfc9497_hash_to_group(mode, input, &element));
    TRY(point_mul(GROUP_R, out, blind, &element));
    ct_public(out, sizeof *out);
    return OK;
}

enum err rfc9497_finalize(struct bytes input, const struct scalar *blind,
                          const struct point *evaluated, struct oprf_output *out)
{
    if (input.n > RFC9497_INPUT_MAX)
        return E_VALUE;
    SCALAR_AUTO inverse;
    struct point unblinded;
    TRY(scalar_invert(&inverse, blind));
    TRY(point_mul(GROUP_R, &unblinded, &inverse, evaluated));
    struct length n = length_of(input.n), m = length_of(sizeof unblinded.b);
    struct sha512 h;
    sha512_init(&h);
    sha512_add(&h, BYTES_OF(n.b));
    sha512_add(&h, input);
    sha512_add(&h, BYTES_OF(m.b));
    sha512_add(&h, BYTES_OF(unblinded.b));
    sha512_add(&h, bytes_str("Finalize"));
    struct hash64 full = sha512_final(&h);
    memcpy(out->b, full.b, sizeof out->b);
    wipe(&full, sizeof full);
    wipe(&unblinded, sizeof unblinded);
    return OK;
}

/* Elements and a label, each with its length in front but the label: the RFC's transcripts. */
static enum err transcript_scalar(const struct point *const *elements, size_t n, const char *label,
                                  struct scalar *out)
{
    struct dst dst = dst_of("HashToScalar-", RFC9497_VOPRF);
    const struct length size = length_of(sizeof elements[0]->b);
    struct bytes parts[11];
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        parts[k++] = BYTES_OF(size.b);
        parts[k++] = BYTES_OF(elements[i]->b);
    }
    parts[k++] = bytes_str(label);
    return to_scalar(parts, k, &dst, out);
}

static struct hash64 composite_seed(const struct point *public)
{
    struct dst dst = dst_of("Seed-", RFC9497_VOPRF);
    struct length n = length_of(sizeof public->b), m = length_of(dst.n);
    struct sha512 h;
    sha512_init(&h);
    sha512_add(&h, BYTES_OF(n.b));
    sha512_add(&h, BYTES_OF(public->b));
    sha512_add(&h, BYTES_OF(m.b));
    sha512_add(&h, dst_bytes(&dst));
    return sha512_final(&h);
}

/* d_i of ComputeComposites (section 2.2.1). */
static enum err composite_weight(const struct hash64 *seed, size_t i, const struct point *c,
                                 const struct point *d, struct scalar *out)
{
    struct dst dst = dst_of("HashToScalar-", RFC9497_VOPRF);
    struct length seed_n = length_of(sizeof seed->b), index = length_of(i),
                  n = length_of(sizeof c->b);
    struct bytes parts[] = {BYTES_OF(seed_n.b), BYTES_OF(seed->b),     BYTES_OF(index.b),
                            BYTES_OF(n.b),      BYTES_OF(c->b),        BYTES_OF(n.b),
                            BYTES_OF(d->b),     bytes_str("Composite")};
    return to_scalar(parts, sizeof parts / sizeof parts[0], &dst, out);
}

/* M = sum d_i*C_i and Z = sum d_i*D_i. */
static enum err composites(const struct point *public, const struct point *blinded,
                           const struct point *evaluated, size_t n, struct point *m,
                           struct point *z)
{
    if (n == 0 || n > RFC9497_BATCH_MAX)
        return E_VALUE;
    struct hash64 seed = composite_seed(public);
    *m = *z = point_identity(GROUP_R);
    for (size_t i = 0; i < n; i++) {
        struct scalar weight;
        struct point term;
        TRY(composite_weight(&seed, i, &blinded[i], &evaluated[i], &weight));
        TRY(point_mul(GROUP_R, &term, &weight, &blinded[i]));
        TRY(point_add(GROUP_R, m, m, &term));
        TRY(point_mul(GROUP_R, &term, &weight, &evaluated[i]));
        TRY(point_add(GROUP_R, z, z, &term));
    }
    return OK;
}

enum err rfc9497_prove(struct rng rng, const struct scalar *k, const struct point *public,
                       const struct point *blinded, const struct point *evaluated, size_t n,
                       struct rfc9497_proof *out)
{
    SCALAR_AUTO r;
    struct point m, z, t2, t3;
    TRY(composites(public, blinded, evaluated, n, &m, &z));
    scalar_random(rng, &r);
    TRY(point_base(GROUP_R, &t2, &r));
    TRY(point_mul(GROUP_R, &t3, &r, &m));
    ct_public(&t2, sizeof t2);
    ct_public(&t3, sizeof t3);
    const struct point *elements[] = {public, &m, &z, &t2, &t3};
    TRY(transcript_scalar(elements, 5, "Challenge", &out->c));
    scalar_mul(&out->s, &out->c, k);
    scalar_sub(&out->s, &r, &out->s);
    ct_public(&out->s, sizeof out->s);
    return OK;
}

/* s*base + c*image */
static enum err announced(const struct rfc9497_proof *proof, const struct point *base,
                          const struct point *image, struct point *out)
{
    struct point left, right;
    TRY(base ? point_mul(GROUP_R, &left, &proof->s, base) : point_base(GROUP_R, &left, &proof->s));
    TRY(point_mul(GROUP_R, &right, &proof->c, image));
    return point_add(GROUP_R, out, &left, &right);
}

enum err rfc9497_verify(const struct point *public, const struct point *blinded,
                        const struct point *evaluated, size_t n, const struct rfc9497_proof *proof)
{
    struct point m, z, t2, t3;
    struct scalar c;
    if (!scalar_is_canonical(&proof->c) || !scalar_is_canonical(&proof->s))
        return E_SIGNATURE;
    TRY(composites(public, blinded, evaluated, n, &m, &z));
    if (announced(proof, NULL, public, &t2) != OK || announced(proof, &m, &z, &t3) != OK)
        return E_SIGNATURE;
    const struct point *elements[] = {public, &m, &z, &t2, &t3};
    TRY(transcript_scalar(elements, 5, "Challenge", &c));
    return scalar_eq(&c, &proof->c) ? OK : E_SIGNATURE;
}
