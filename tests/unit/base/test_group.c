#include "base/crypto/group.h"
#include "base/crypto/x25519.h"
#include "test.h"

#include <jansson.h>

static const struct point base_point[] = {
    [GROUP_R] = {{0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9,
                  0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82,
                  0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76}},
    [GROUP_E] = {{0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                  0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66}},
};

static struct point point_of_hex(const char *hex)
{
    struct point p;
    assert_ok(hex_decode(hex, p.b, sizeof p.b));
    return p;
}

static void the_installed_library_has_none_of_the_known_traps(void **state)
{
    assert_true(group_self_test());
}

/* Encodings that RFC 9496, appendix A.2, lists as invalid: one of each kind. */
static void bad_encodings_of_ristretto255_are_refused(void **state)
{
    static const char *const bad[] = {
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct point p = point_of_hex(bad[i]), out;
        struct scalar one;
        scalar_from_u32(&one, 1);
        assert_false(point_is_valid(GROUP_R, &p));
        assert_err(point_mul(GROUP_R, &out, &one, &p), E_VALUE);
        struct reader r = reader(BYTES_OF(p.b));
        point_read(&r, GROUP_R, &out);
        assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    }
}

static void small_and_mixed_order_are_refused_on_ed25519(void **state)
{
    static const char *const small[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        struct point p = point_of_hex(small[i]), mixed;
        assert_false(point_is_valid(GROUP_E, &p));
        if (point_add(GROUP_E, &mixed, &base_point[GROUP_E], &p) != OK)
            continue; /* not canonical */
        if (!point_eq(&mixed, &base_point[GROUP_E]))
            assert_false(point_is_valid(GROUP_E, &mixed));
    }
}

static void scalars_not_below_the_order_are_refused(void **state)
{
    struct scalar s = {{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                        0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                        0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10}};
    struct scalar out;
    for (unsigned bit = 0; bit < 3; bit++) {
        s.b[0] = (uint8_t)(0xec + bit);
        assert_int_equal(scalar_is_canonical(&s), bit == 0);
        struct reader r = reader(BYTES_OF(s.b));
        scalar_read(&r, &out);
        assert_err(reader_end(&r, E_MALFORMED), bit == 0 ? OK : E_MALFORMED);
    }
    scalar_from_u32(&s, 5);
    for (unsigned bit = 253; bit < 256; bit++) {
        struct scalar high = s;
        high.b[bit / 8] |= (uint8_t)(1 << bit % 8);
        assert_false(scalar_is_canonical(&high));
    }
    scalar_from_u32(&s, 0);
    assert_err(scalar_invert(&out, &s), E_VALUE);
    assert_err(point_base(GROUP_R, (struct point *)&out, &s), E_VALUE);
}

/* The multiples 0..15 of the base point as libsodium's own test prints them. */
static void small_multiples_are_those_of_rfc_9496(void **state)
{
    require_vectors();
    struct buf b = read_vector("threshold/libsodium_scalarmult_ristretto255.exp");
    assert_ok(buf_add(&b, "", 1));
    const char *line = strchr((const char *)b.p, '\n') + 1;
    line = strchr(line, '\n') + 1;
    struct point sum = base_point[GROUP_R], by_base;
    unsigned multiples = 0;
    for (uint32_t k = 1; k < 16 && strlen(line) >= 64; k++, line += 65) {
        struct scalar s;
        char hex[65];
        snprintf(hex, sizeof hex, "%.64s", line);
        struct point expected = point_of_hex(hex);
        scalar_from_u32(&s, k);
        assert_ok(point_base(GROUP_R, &by_base, &s));
        assert_memory_equal(expected.b, by_base.b, 32);
        assert_memory_equal(expected.b, sum.b, 32);
        assert_ok(point_add(GROUP_R, &sum, &sum, &base_point[GROUP_R]));
        multiples++;
    }
    assert_int_equal(multiples, 15);
    buf_free(&b);
}

static void both_groups_are_linear(void **state)
{
    struct rng_seeded seeded;
    struct rng rng = rng_numbered(&seeded, 3);
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        for (unsigned round = 0; round < 20; round++) {
            struct scalar a, b, sum, product, inverse;
            struct point pa, pb, left, right;
            scalar_random(rng, &a);
            scalar_random(rng, &b);
            scalar_add(&sum, &a, &b);
            assert_ok(point_base(g, &pa, &a));
            assert_ok(point_base(g, &pb, &b));
            assert_ok(point_base(g, &left, &sum));
            assert_ok(point_add(g, &right, &pa, &pb));
            assert_memory_equal(&left, &right, sizeof left);
            assert_ok(point_sub(g, &right, &left, &pb));
            assert_memory_equal(&pa, &right, sizeof pa);
            scalar_mul(&product, &a, &b);
            assert_ok(point_base(g, &left, &product));
            assert_ok(point_mul(g, &right, &a, &pb));
            assert_memory_equal(&left, &right, sizeof left);
            assert_ok(scalar_invert(&inverse, &b));
            assert_ok(point_mul(g, &left, &inverse, &right));
            assert_memory_equal(&left, &pa, sizeof left);
            scalar_sub(&sum, &sum, &b);
            assert_true(scalar_eq(&sum, &a));
        }
    }
}

static void expansion_is_that_of_rfc_9380(void **state)
{
    require_vectors();
    struct buf b = read_vector("threshold/rfc9380_expand_message_xmd_SHA512_38.json");
    json_t *root = json_loadb((const char *)b.p, b.n, 0, NULL);
    json_t *tests = json_object_get(root, "tests"), *t;
    const char *dst = json_string_value(json_object_get(root, "DST"));
    size_t i, checked = 0;
    json_array_foreach(tests, i, t)
    {
        const char *message = json_string_value(json_object_get(t, "msg"));
        const char *hex = json_string_value(json_object_get(t, "uniform_bytes"));
        uint8_t out[256];
        char text[513];
        size_t n = strlen(hex) / 2;
        assert_true(n <= sizeof out);
        /* Split in two: parts in a row are one message. */
        size_t half = strlen(message) / 2;
        struct bytes parts[] = {bytes(message, half),
                                bytes(message + half, strlen(message) - half)};
        assert_ok(expand_message_xmd(parts, 2, bytes_str(dst), out, n));
        hex_encode(bytes(out, n), text);
        assert_string_equal(text, hex);
        checked++;
    }
    assert_int_equal(checked, 10);
    json_decref(root);
    buf_free(&b);
}

static void keys_of_small_order_are_refused_by_x25519(void **state)
{
    /* u = 0, 1, p-1, and a point of order 8; p and p+1 are the first two again. */
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "09000000000000000000000000000000000000000000000000000000000000f0",
    };
    struct x25519_public p;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct point b = point_of_hex(bad[i]);
        memcpy(p.b, b.b, sizeof p.b);
        assert_err(x25519_public_check(&p), E_VALUE);
    }
    struct rng_seeded seeded;
    struct secret32 a, b, one, two;
    struct x25519_public pa, pb;
    x25519_keygen(rng_numbered(&seeded, 4), &a, &pa);
    x25519_keygen(rng_numbered(&seeded, 5), &b, &pb);
    assert_ok(x25519_public_check(&pa));
    assert_ok(x25519(&a, &pb, &one));
    assert_ok(x25519(&b, &pa, &two));
    assert_memory_equal(&one, &two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_installed_library_has_none_of_the_known_traps),
        cmocka_unit_test(bad_encodings_of_ristretto255_are_refused),
        cmocka_unit_test(small_and_mixed_order_are_refused_on_ed25519),
        cmocka_unit_test(scalars_not_below_the_order_are_refused),
        cmocka_unit_test(small_multiples_are_those_of_rfc_9496),
        cmocka_unit_test(both_groups_are_linear),
        cmocka_unit_test(expansion_is_that_of_rfc_9380),
        cmocka_unit_test(keys_of_small_order_are_refused_by_x25519),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
