/*
 * Two groups of prime order q = 2^252 + 27742317777372353535851937790883648493:
 * ristretto255 (RFC 9496), in which the OPRF root lives, and the prime-order
 * subgroup of edwards25519 (RFC 8032), in which the CA root lives. Their
 * scalars are the same field; their points are not interchangeable, and no
 * function converts between them.
 *
 * A struct scalar is 32 bytes little-endian and, by contract, canonical (< q);
 * a struct point is a valid encoding and, from outside, never the identity.
 * Whatever comes from outside is checked once (scalar_read, point_read, or
 * scalar_is_canonical, point_is_valid) and then trusted: libsodium 1.0.18
 * itself accepts scalars >= q, drops bit 255, takes the identity of ristretto
 * for valid and adds Ed25519 points outside the subgroup.
 *
 * Time does not depend on scalars. It may depend on points, which are public.
 * A function that yields a point fails with E_VALUE where a result that the
 * protocols never produce (the identity) would come out.
 */
#ifndef BASE_CRYPTO_GROUP_H
#define BASE_CRYPTO_GROUP_H

#include "base/bytes.h"
#include "base/crypto/hash.h"
#include "base/reader.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/writer.h"

enum group {
    GROUP_R, /* ristretto255 */
    GROUP_E  /* edwards25519, prime-order subgroup */
};

struct scalar {
    uint8_t b[32];
};
struct point {
    uint8_t b[32];
};

static inline void scalar_wipe(struct scalar *s)
{
    wipe(s, sizeof *s);
}
/* A scalar on the stack that is wiped when it goes out of scope. */
#define SCALAR_AUTO __attribute__((cleanup(scalar_wipe))) struct scalar

/* The value is < q. Constant time. */
bool scalar_is_canonical(const struct scalar *s);
bool scalar_is_zero(const struct scalar *s);
/* Constant time. */
bool scalar_eq(const struct scalar *a, const struct scalar *b);

/* All take canonical scalars and give canonical ones; out may be one of the inputs. */
void scalar_add(struct scalar *out, const struct scalar *a, const struct scalar *b);
void scalar_sub(struct scalar *out, const struct scalar *a, const struct scalar *b);
void scalar_mul(struct scalar *out, const struct scalar *a, const struct scalar *b);
/* E_VALUE for zero. */
enum err scalar_invert(struct scalar *out, const struct scalar *a);
void scalar_from_u32(struct scalar *out, uint32_t v);
/* 64 bytes little-endian mod q: as good as uniform if the bytes are. */
void scalar_reduce64(struct scalar *out, const uint8_t in[static 64]);
/* HS of the threshold protocol: ends the hash and reduces all of its 64 bytes. */
void scalar_from_hash(struct scalar *out, struct thash *h);
/* Uniform and not zero, from 64 bytes of randomness. */
void scalar_random(struct rng rng, struct scalar *out);

/* In the group, canonical, of order q: not the identity, no torsion component. */
bool point_is_valid(enum group g, const struct point *p);
bool point_is_identity(enum group g, const struct point *p);
/* Not for secrets. */
bool point_eq(const struct point *a, const struct point *b);
/* The neutral element, a start value for sums. */
struct point point_identity(enum group g);

/* Sums of points of the group; the result, and the inputs, may be the identity. */
enum err point_add(enum group g, struct point *out, const struct point *a, const struct point *b);
enum err point_sub(enum group g, struct point *out, const struct point *a, const struct point *b);
/* s*P, never clamped; E_VALUE if P is not valid or s is zero. */
enum err point_mul(enum group g, struct point *out, const struct scalar *s, const struct point *p);
/* s*G; E_VALUE if s is zero. */
enum err point_base(enum group g, struct point *out, const struct scalar *s);

/* The map of RFC 9496, section 4.3.4, of 64 uniform bytes; ristretto255 only. */
enum err point_from_uniform(struct point *out, const uint8_t in[static 64]);
/*
 * expand_message_xmd with SHA-512 (RFC 9380, section 5.3.1) of the parts in a
 * row. E_VALUE if dst is longer than 255 bytes or n > 255 * 64 or n is 0.
 */
enum err expand_message_xmd(const struct bytes *parts, size_t n_parts, struct bytes dst, void *out,
                            size_t n);

/* On the wire: 32 bytes. A scalar must be canonical, a point valid; else the reader turns bad. */
void scalar_read(struct reader *r, struct scalar *out);
void point_read(struct reader *r, enum group g, struct point *out);
void scalar_write(struct writer *w, const struct scalar *s);
void point_write(struct writer *w, const struct point *p);

/*
 * False if the installed libsodium has one of the faults we rely on being
 * absent (CVE-2025-69277: an Ed25519 point with a component of order 2 taken
 * for valid) or if one of our own checks does not catch what it must. Every
 * process that handles points runs it at its start and stops if it is false.
 */
bool group_self_test(void);

#endif
