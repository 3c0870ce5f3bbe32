#include "base/crypto/hash.h"
#include "base/codec/der.h"
#include "chain.h"
#include "test.h"

static struct chain_ca root, ns;
static struct chain_issuing issuing, leaf_key;

static int make_keys(void **state)
{
    root = chain_ca(1);
    ns = chain_ca(10);
    issuing = chain_issuing(20);
    leaf_key = chain_issuing(30);
    return 0;
}

static struct ca_root root_in(void)
{
    return chain_root_of(&root);
}

static struct ca_namespace ns_in(void)
{
    return chain_namespace_of("k8s-staging", &ns, &root);
}

static struct ca_issuing issuing_in(void)
{
    return chain_issuing_of("k8s-staging", &issuing, &ns);
}

static uint8_t spki_bytes[P256_SPKI_LEN];

static struct ca_leaf leaf_in(void)
{
    struct buf spki = BUF_INIT(P256_SPKI_LEN);
    struct ca_leaf in = chain_leaf_of("k8s-staging", &leaf_key, &issuing, &spki);
    memcpy(spki_bytes, spki.p, spki.n);
    in.spki = BYTES_OF(spki_bytes);
    buf_free(&spki);
    return in;
}

/* --- the bytes --- */

static void expect_golden(enum err e, struct buf *tbs, size_t n, const char *hex)
{
    char text[65];
    assert_ok(e);
    hex_encode(BYTES_OF(sha256(buf_bytes(tbs)).b), text);
    if (strcmp(text, hex) != 0 || tbs->n != n)
        fail_msg("%zu bytes, SHA-256 %s", tbs->n, text);
    buf_free(tbs);
}

/* Every guardian of every release signs the same bytes; test_openssl.c says they are right. */
static void the_bytes_are_frozen(void **state)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX);
    struct ca_root r = root_in();
    expect_golden(ca_root_tbs(&r, &tbs), &tbs, 314,
                  "74b1934a07581653db6cc6502347de0d329ba7eee8047758c534147fb99e424d");
    struct ca_namespace n = ns_in();
    expect_golden(ca_namespace_tbs(&n, &tbs), &tbs, 503,
                  "9abf7ad4727ad3c7364c129f82f30f06132678364f4af0712a719a568947663d");
    n.threshold = true;
    n.names.n_dns = n.names.n_ip = 0;
    expect_golden(ca_namespace_tbs(&n, &tbs), &tbs, 484,
                  "5503b6b1de4701e68453e664bde07968740c3fb8f2b415b72dd2ac2a084a9e85");
    n.names.any = true;
    expect_golden(ca_namespace_tbs(&n, &tbs), &tbs, 430,
                  "c8c7e75213e96abcd8fed79496127fdbc4c81db260c0cd9dae41741ce5e0e8cd");
    struct ca_issuing i = issuing_in();
    expect_golden(ca_issuing_tbs(&i, &tbs), &tbs, 457,
                  "5c8c59ec4b029dbb0c33f0f89bc748356ad9dbd8c44936876078495bc2e65060");
    struct ca_leaf l = leaf_in();
    expect_golden(ca_leaf_tbs(&l, &tbs), &tbs, 508,
                  "06bf54a81c080e07e8fc29aa9fbfe415e1ba529018e8286ba9ca9e6eed43fae9");
    l.threshold = true;
    l.ns_key = ns.public;
    expect_golden(ca_leaf_tbs(&l, &tbs), &tbs, 503,
                  "6fc73d112b5ba81e297847d50147af8428c4015f7fc2c0bb4803aeb0fcf32bea");
    l.threshold = false;
    l.instance = NULL;
    l.subject_gid = 3;
    expect_golden(ca_leaf_tbs(&l, &tbs), &tbs, 445,
                  "67310574122312ff369381fb8d95c1e1add22f9821679c6588159e3b58d16132");
    struct ca_crl c = {.issuer = CA_PROFILE_ROOT,
                       .trust_domain = "prod.example.org",
                       .key = root.public,
                       .number = 128,
                       .this_update = chain_now,
                       .next_update = chain_now + 86400};
    expect_golden(ca_crl_tbs(&c, &tbs), &tbs, 146,
                  "b1686d145cb6ab29e5402d77e85e545bd9469ebe2f7a2b5dbfd27f89113dcc9d");
    struct ca_revoked gone = {ca_serial((struct hash32){{4}}, CA_PROFILE_LEAF), chain_now, 1};
    c.issuer = CA_PROFILE_ISSUING;
    c.simulation = true;
    c.ns = "k8s-staging";
    c.gid = 3;
    c.p256_key = issuing.public;
    c.revoked = &gone;
    c.n_revoked = 1;
    expect_golden(ca_crl_tbs(&c, &tbs), &tbs, 249,
                  "3476a6a355a73c9c6306afe3f55e836d0ffe86fb321d049d0a67cf4784588a62");
}

static void serial_numbers_are_20_bytes_and_differ(void **state)
{
    struct ca_serial seen[64];
    for (uint8_t i = 0; i < 64; i++) {
        seen[i] = ca_serial((struct hash32){{i / 4}}, (enum ca_profile)(i % 4));
        assert_int_equal(seen[i].b[0] >> 6, 1);
        for (uint8_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[i].b, seen[j].b, 20);
    }
}

/* --- what is refused --- */

static void expect_refused(enum err e, struct buf *out)
{
    assert_err(e, E_VALUE);
    assert_int_equal(out->n, 0);
}

static void what_a_profile_forbids_is_refused(void **state)
{
    static const char *const domains[] = {
        "",        ".",
        "a..b",    "A.org",
        "a_b.org", "-a.org",
        "a-.org",  "a.org.",
        "a org",   "a234567890123456789012345678901234567890.a23456789012345678901234"};
    static const char *const namespaces[] = {
        "",   "a.b", "A",
        "-a", "a/b", "a2345678901234567890123456789012345678901234567890123456789012345"};
    struct buf out = BUF_INIT(CA_TBS_MAX);
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        struct ca_root r = root_in();
        r.common.trust_domain = domains[i];
        expect_refused(ca_root_tbs(&r, &out), &out);
    }
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++) {
        struct ca_namespace n = ns_in();
        struct ca_issuing c = issuing_in();
        struct ca_leaf l = leaf_in();
        n.ns = c.ns = l.ns = namespaces[i];
        expect_refused(ca_namespace_tbs(&n, &out), &out);
        expect_refused(ca_issuing_tbs(&c, &out), &out);
        expect_refused(ca_leaf_tbs(&l, &out), &out);
    }
    buf_free(&out);
}

static void times_that_cannot_be_are_refused(void **state)
{
    struct buf out = BUF_INIT(CA_TBS_MAX);
    struct ca_root r = root_in();
    r.common.not_after = r.common.not_before - 1;
    expect_refused(ca_root_tbs(&r, &out), &out);
    r.common.not_after = 253402300800;
    expect_refused(ca_root_tbs(&r, &out), &out);
    r = root_in();
    r.common.not_before = -1;
    expect_refused(ca_root_tbs(&r, &out), &out);
    buf_free(&out);
}

static void a_leaf_of_another_form_is_refused(void **state)
{
    char longer[CA_INSTANCE_MAX + 2] = "";
    const char *const ids[] = {"", ".", "..", "a/b", "a b", "a%20", "\xc3\xa4", longer};
    struct buf out = BUF_INIT(CA_TBS_MAX);
    struct ca_names names = {0};
    memset(longer, 'a', sizeof longer - 1);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct ca_leaf l = leaf_in();
        l.instance = ids[i];
        expect_refused(ca_leaf_tbs(&l, &out), &out);
    }
    struct ca_leaf l = leaf_in();
    l.spki = bytes(spki_bytes, sizeof spki_bytes - 1);
    expect_refused(ca_leaf_tbs(&l, &out), &out);
    l = leaf_in();
    l.issuer.b[1] ^= 1;
    expect_refused(ca_leaf_tbs(&l, &out), &out);
    l = leaf_in();
    l.names = &names;
    assert_ok(ca_names_add_net(&names, "10.0.0.0/8"));
    expect_refused(ca_leaf_tbs(&l, &out), &out); /* a network is no address */
    names = (struct ca_names){.any = true};
    expect_refused(ca_leaf_tbs(&l, &out), &out);
    names = (struct ca_names){.n_dns = 1, .dns = {bytes_str("*.example.org")}};
    expect_refused(ca_leaf_tbs(&l, &out), &out);
    buf_free(&out);
}

static void a_list_out_of_order_is_refused(void **state)
{
    struct buf out = BUF_INIT(CA_TBS_MAX);
    struct ca_revoked gone[2] = {{{{0x40, 2}}, chain_now, 0}, {{{0x40, 1}}, chain_now, 0}};
    struct ca_crl c = {.issuer = CA_PROFILE_ROOT,
                       .trust_domain = "prod.example.org",
                       .key = root.public,
                       .this_update = chain_now,
                       .next_update = chain_now + 1,
                       .revoked = gone,
                       .n_revoked = 2};
    expect_refused(ca_crl_tbs(&c, &out), &out);
    gone[1].serial.b[1] = 2;
    expect_refused(ca_crl_tbs(&c, &out), &out); /* twice */
    gone[1].serial.b[1] = 3;
    gone[1].reason = 7;
    expect_refused(ca_crl_tbs(&c, &out), &out);
    gone[1].reason = 0;
    c.issuer = CA_PROFILE_LEAF;
    expect_refused(ca_crl_tbs(&c, &out), &out);
    c.issuer = CA_PROFILE_ROOT;
    c.next_update = chain_now - 1;
    expect_refused(ca_crl_tbs(&c, &out), &out);
    c.next_update = chain_now;
    assert_ok(ca_crl_tbs(&c, &out));
    buf_free(&out);
}

static void signatures_have_the_length_of_their_algorithm(void **state)
{
    static const uint8_t sig[100];
    struct buf out = BUF_INIT(CA_CERT_MAX);
    expect_refused(ca_assemble(bytes_str("x"), CA_ED25519, bytes(sig, 63), &out), &out);
    expect_refused(ca_assemble(bytes_str("x"), CA_ED25519, bytes(sig, 72), &out), &out);
    expect_refused(ca_assemble(bytes_str("x"), CA_ECDSA_P256, bytes(sig, 73), &out), &out);
    expect_refused(ca_assemble(bytes_str("x"), CA_ECDSA_P256, BYTES_NONE, &out), &out);
    buf_free(&out);
}

static void the_largest_certificate_has_room(void **state)
{
    char label[254];
    struct buf out = BUF_INIT(CA_TBS_MAX);
    struct ca_namespace n = ns_in();
    memset(label, 'x', sizeof label - 1);
    label[63] = label[127] = label[191] = '.';
    n.names.n_dns = n.names.n_ip = 0;
    for (size_t i = 0; i < CA_NAMES_MAX; i++) {
        assert_ok(ca_names_add_dns(&n.names, bytes(label, 253)));
        assert_ok(ca_names_add_net(&n.names, "2001:db8::/32"));
    }
    assert_err(ca_names_add_dns(&n.names, bytes_str("a.org")), E_VALUE);
    assert_err(ca_names_add_net(&n.names, "10.0.0.0/8"), E_VALUE);
    assert_ok(ca_namespace_tbs(&n, &out));
    buf_free(&out);
}

/* --- reading and verifying our own --- */

struct three {
    struct buf cert[3];
    struct bytes view[3];
};

static struct three make_chain(void)
{
    struct three c;
    struct buf tbs = BUF_INIT(CA_TBS_MAX);
    struct ca_leaf l = leaf_in();
    assert_ok(ca_leaf_tbs(&l, &tbs));
    c.cert[0] = chain_sign_p256(&issuing, buf_bytes(&tbs));
    buf_clear(&tbs);
    struct ca_issuing i = issuing_in();
    assert_ok(ca_issuing_tbs(&i, &tbs));
    c.cert[1] = chain_sign_ed25519(&ns, buf_bytes(&tbs));
    buf_clear(&tbs);
    struct ca_namespace n = ns_in();
    assert_ok(ca_namespace_tbs(&n, &tbs));
    c.cert[2] = chain_sign_ed25519(&root, buf_bytes(&tbs));
    buf_free(&tbs);
    for (size_t j = 0; j < 3; j++)
        c.view[j] = buf_bytes(&c.cert[j]);
    return c;
}

static void free_chain(struct three *c)
{
    for (size_t i = 0; i < 3; i++)
        buf_free(&c->cert[i]);
}

static void a_chain_of_ours_verifies_and_a_changed_one_does_not(void **state)
{
    struct three c = make_chain();
    assert_ok(ca_chain_verify(c.view, 3, &root.public, chain_now));
    assert_err(ca_chain_verify(c.view, 3, &ns.public, chain_now), E_SIGNATURE);
    assert_err(ca_chain_verify(c.view, 2, &root.public, chain_now), E_SIGNATURE);
    assert_ok(ca_chain_verify(c.view, 2, &ns.public, chain_now));
    assert_err(ca_chain_verify(c.view, 0, &root.public, chain_now), E_MALFORMED);
    assert_err(ca_chain_verify(c.view, 3, &root.public, chain_now - 61), E_CERT_EXPIRED);
    assert_ok(ca_chain_verify(c.view, 3, &root.public, chain_now - 60));
    assert_ok(ca_chain_verify(c.view, 3, &root.public, chain_now + 3540));
    assert_err(ca_chain_verify(c.view, 3, &root.public, chain_now + 3541), E_CERT_EXPIRED);
    for (size_t i = 0; i < 3; i++)
        for (size_t bit = 0; bit < c.cert[i].n * 8; bit += 5) {
            c.cert[i].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(ca_chain_verify(c.view, 3, &root.public, chain_now), OK);
            c.cert[i].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    free_chain(&c);
}

static void a_leaf_is_read_back(void **state)
{
    struct three c = make_chain();
    struct ca_leaf in = leaf_in();
    struct ca_leaf_view v;
    struct ca_serial serial = ca_serial(in.common.entry, CA_PROFILE_LEAF);
    assert_ok(ca_leaf_read("prod.example.org", c.view[0], &v));
    assert_string_equal(v.ns, "k8s-staging");
    assert_string_equal(v.instance, in.instance);
    assert_memory_equal(v.serial.b, serial.b, 20);
    assert_true(bytes_eq(bytes(v.spki, v.spki_n), in.spki));
    assert_int_equal(v.not_before, in.common.not_before);
    assert_int_equal(v.not_after, in.common.not_after);
    assert_err(ca_leaf_read("prod.example.com", c.view[0], &v), E_MALFORMED);
    assert_err(ca_leaf_read("example.org", c.view[0], &v), E_MALFORMED);
    assert_err(ca_leaf_read("prod.example", c.view[0], &v), E_MALFORMED);
    assert_err(ca_leaf_read("prod.example.org", c.view[1], &v), E_MALFORMED); /* a CA */
    for (size_t n = 0; n < c.cert[0].n; n++)
        assert_err(ca_leaf_read("prod.example.org", bytes(c.cert[0].p, n), &v), E_MALFORMED);
    free_chain(&c);
}

static void a_guardian_is_told_from_an_instance(void **state)
{
    struct buf tbs = BUF_INIT(CA_TBS_MAX);
    struct ca_leaf_view v;
    struct ca_leaf l = leaf_in();
    l.instance = NULL;
    l.subject_gid = 4294967295;
    assert_ok(ca_leaf_tbs(&l, &tbs));
    struct buf cert = chain_sign_p256(&issuing, buf_bytes(&tbs));
    assert_ok(ca_leaf_read("prod.example.org", buf_bytes(&cert), &v));
    assert_string_equal(v.instance, "");
    assert_int_equal(v.gid, 4294967295);
    uint8_t *gid = memmem(cert.p, cert.n, "/guardian/42", 12);
    assert_non_null(gid);
    gid[10] = '0'; /* a leading zero, and then more than 32 bits */
    assert_err(ca_leaf_read("prod.example.org", buf_bytes(&cert), &v), E_MALFORMED);
    gid[10] = '9';
    assert_err(ca_leaf_read("prod.example.org", buf_bytes(&cert), &v), E_MALFORMED);
    buf_free(&cert);
    buf_free(&tbs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_frozen),
        cmocka_unit_test(serial_numbers_are_20_bytes_and_differ),
        cmocka_unit_test(what_a_profile_forbids_is_refused),
        cmocka_unit_test(times_that_cannot_be_are_refused),
        cmocka_unit_test(a_leaf_of_another_form_is_refused),
        cmocka_unit_test(a_list_out_of_order_is_refused),
        cmocka_unit_test(signatures_have_the_length_of_their_algorithm),
        cmocka_unit_test(the_largest_certificate_has_room),
        cmocka_unit_test(a_chain_of_ours_verifies_and_a_changed_one_does_not),
        cmocka_unit_test(a_leaf_is_read_back),
        cmocka_unit_test(a_guardian_is_told_from_an_instance),
    };
    return cmocka_run_group_tests_name("ca", tests, make_keys, NULL);
}
