#include "base/crypto/group.h"

/* Encodings of points of order 2, 4 and 8 on edwards25519. */
static const struct point torsion[] = {
    {{0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}},
    {{0}},
    {{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
      0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
      0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}},
};

/* p + 1, the identity of edwards25519 in a second, non-canonical encoding. */
static const struct point identity_again = {{0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}};
/* Odd, so negative, so no encoding of ristretto255 (RFC 9496, section 4.3.1). */
static const struct point negative = {{1}};

static const struct scalar minus_one = {{0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                         0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                         0,    0,    0,    0,    0,    0,    0,    0,
                                         0,    0,    0,    0,    0,    0,    0,    0x10}};

/* Neither taken for valid nor multiplied. */
static bool refused(enum group g, const struct point *p)
{
    struct scalar three;
    struct point out;
    scalar_from_u32(&three, 3);
    return !point_is_valid(g, p) && point_mul(g, &out, &three, p) != OK;
}

/* CVE-2025-69277 and its kin: a point of the subgroup plus one of small order. */
static bool refuses_mixed_order(const struct point *p)
{
    for (size_t i = 0; i < sizeof torsion / sizeof torsion[0]; i++) {
        struct point mixed;
        if (!refused(GROUP_E, &torsion[i]) ||
            crypto_core_ed25519_add(mixed.b, p->b, torsion[i].b) != 0 || !refused(GROUP_E, &mixed))
            return false;
    }
    return refused(GROUP_E, &identity_again);
}

static bool scalars_hold(void)
{
    struct scalar one, q = minus_one, sum, high = {{0}};
    scalar_from_u32(&one, 1);
    q.b[0]++;
    high.b[31] = 0x80;
    scalar_add(&sum, &minus_one, &one);
    return scalar_is_canonical(&minus_one) && !scalar_is_canonical(&q) &&
           !scalar_is_canonical(&high) && scalar_is_zero(&sum);
}

/* 2G = G + G, G not clamped, (q-1)G + G = identity, 0G and multiples of the identity refused. */
static bool arithmetic_holds(enum group g)
{
    struct scalar zero = {{0}}, one, two;
    struct point base, twice, doubled, inverse, sum, identity = point_identity(g);
    scalar_from_u32(&one, 1);
    scalar_from_u32(&two, 2);
    bool ok = point_base(g, &base, &one) == OK && point_base(g, &twice, &two) == OK &&
              point_mul(g, &inverse, &minus_one, &base) == OK &&
              point_add(g, &doubled, &base, &base) == OK &&
              point_add(g, &sum, &base, &inverse) == OK;
    return ok && point_eq(&twice, &doubled) && point_is_identity(g, &sum) &&
           point_is_valid(g, &base) && point_is_valid(g, &twice) &&
           point_base(g, &sum, &zero) != OK && point_mul(g, &sum, &zero, &base) != OK &&
           refused(g, &identity) && (g != GROUP_E || refuses_mixed_order(&twice));
}

bool group_self_test(void)
{
    return scalars_hold() && arithmetic_holds(GROUP_R) && arithmetic_holds(GROUP_E) &&
           refused(GROUP_R, &negative) && refused(GROUP_R, &identity_again);
}
