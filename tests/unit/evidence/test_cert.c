#include "vectors.h"

#include "base/codec/b64.h"
#include "base/crypto/cert.h"
#include "core/evidence/sim/vendor.h"

#include <openssl/x509v3.h>

/* A certificate of the simulated vendor's writer; keys by name. */
static struct buf make(const char *subject, const char *issuer, int pathlen, struct bytes more)
{
    struct sim_key key = sim_key(CURVE_P256, subject, BYTES_NONE);
    struct sim_key by = sim_key(CURVE_P256, issuer, BYTES_NONE);
    struct buf der = BUF_INIT(CERT_SIZE_MAX);
    assert_ok(sim_cert_write(&(struct sim_cert){subject, issuer, &key, &by, pathlen, more}, &der));
    return der;
}

static struct cert *parsed(const char *subject, const char *issuer, int pathlen)
{
    struct buf der = make(subject, issuer, pathlen, BYTES_NONE);
    struct cert *c;
    assert_ok(cert_parse(buf_bytes(&der), &c, NULL));
    buf_free(&der);
    return c;
}

/* One extension 1.2.3.<number> with a byte as its value, critical or not. */
static void add_extension(struct buf *out, uint8_t number, bool critical)
{
    const uint8_t oid[] = {0x2a, 0x03, number}, yes = 0xFF, value[] = {5, 0};
    struct writer w = writer(out);
    size_t e = der_open(&w, DER_SEQUENCE);
    der_element(&w, DER_OID, BYTES_OF(oid));
    if (critical)
        der_element(&w, DER_BOOLEAN, bytes(&yes, 1));
    der_element(&w, DER_OCTET_STRING, BYTES_OF(value));
    der_close(&w, e);
    assert_ok(writer_end(&w));
}

/* --- wrong first --- */

static void assert_refused(struct bytes der)
{
    struct cert *c;
    struct problem p = {0};
    assert_err(cert_parse(der, &c, &p), E_CHAIN);
    assert_null(c);
    assert_true(p.detail[0]);
}

static void what_is_not_one_certificate_is_refused(void **state)
{
    struct buf der = make("a", "b", -1, BYTES_NONE);
    assert_refused(BYTES_NONE);
    for (size_t n = 1; n < der.n; n++)
        assert_refused(bytes(der.p, n));
    assert_ok(buf_add(&der, "", 1));
    assert_refused(buf_bytes(&der));
    buf_free(&der);
}

static void oversize_certificates_are_refused(void **state)
{
    struct buf big = BUF_INIT(2 * CERT_SIZE_MAX);
    memset(buf_extend(&big, CERT_SIZE_MAX + 1), 0x30, CERT_SIZE_MAX + 1);
    assert_refused(buf_bytes(&big));
    buf_free(&big);
}

static void unknown_critical_and_repeated_extensions_are_refused(void **state)
{
    struct buf extensions = BUF_INIT(256);
    add_extension(&extensions, 1, true);
    struct buf der = make("a", "b", -1, buf_bytes(&extensions));
    assert_refused(buf_bytes(&der));
    buf_free(&der);
    buf_clear(&extensions);
    add_extension(&extensions, 1, false);
    add_extension(&extensions, 1, false);
    der = make("a", "b", -1, buf_bytes(&extensions));
    assert_refused(buf_bytes(&der));
    buf_free(&der);
    buf_free(&extensions);
}

static void a_flipped_byte_breaks_parsing_or_the_signature(void **state)
{
    struct buf der = make("leaf", "ca", -1, BYTES_NONE);
    struct cert *ca = parsed("ca", "ca", 0), *c;
    for (size_t i = 0; i < der.n; i++) {
        der.p[i] ^= (uint8_t)(1 << i % 8);
        if (cert_parse(buf_bytes(&der), &c, NULL) == OK) {
            if (cert_check_issued(c, ca, 0, NULL) == OK)
                fail_msg("byte %zu", i);
            cert_free(c);
        }
        der.p[i] ^= (uint8_t)(1 << i % 8);
    }
    cert_free(ca);
    buf_free(&der);
}

static void links_that_do_not_hold_are_refused(void **state)
{
    struct cert *leaf = parsed("leaf", "ca", -1), *ca = parsed("ca", "ca", 0);
    struct cert *other = parsed("other", "other", 0), *no_ca = parsed("ca", "ca", -1);
    struct buf der = BUF_INIT(CERT_SIZE_MAX);
    struct sim_key impostor = sim_key(CURVE_P256, "impostor", BYTES_NONE);
    struct sim_cert named = {"ca", "ca", &impostor, &impostor, 0, BYTES_NONE};
    struct cert *same_name;
    assert_ok(sim_cert_write(&named, &der));
    assert_ok(cert_parse(buf_bytes(&der), &same_name, NULL));
    assert_err(cert_check_issued(leaf, other, 0, NULL), E_CHAIN);     /* another name */
    assert_err(cert_check_issued(leaf, no_ca, 0, NULL), E_CHAIN);     /* not a CA */
    assert_err(cert_check_issued(leaf, ca, 1, NULL), E_CHAIN);        /* path too long */
    assert_err(cert_check_issued(leaf, same_name, 0, NULL), E_CHAIN); /* another key */
    assert_ok(cert_check_issued(leaf, ca, 0, NULL));
    cert_free(leaf);
    cert_free(ca);
    cert_free(other);
    cert_free(no_ca);
    cert_free(same_name);
    buf_free(&der);
}

static void malformed_pem_is_refused(void **state)
{
    static const char *const bad[] = {
        "x",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE----- \nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAA AA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----x",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END X509 CRL-----\n",
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf der = BUF_INIT(CERT_SIZE_MAX);
        struct bytes text = bytes_str(bad[i]);
        if (cert_next_pem(&text, &der) != E_MALFORMED)
            fail_msg("%s was read", bad[i]);
        buf_free(&der);
    }
}

/* --- right --- */

static void pem_gives_one_certificate_after_another(void **state)
{
    struct bytes text =
        bytes_str("\n-----BEGIN CERTIFICATE-----\r\nYWJj\r\n-----END CERTIFICATE-----\r\n"
                  "-----BEGIN CERTIFICATE-----\nZGVm\nZ2hp\n-----END CERTIFICATE-----");
    struct buf der = BUF_INIT(CERT_SIZE_MAX);
    assert_ok(cert_next_pem(&text, &der));
    assert_true(bytes_eq(buf_bytes(&der), bytes_str("abc")));
    assert_ok(cert_next_pem(&text, &der));
    assert_true(bytes_eq(buf_bytes(&der), bytes_str("abcdefghi")));
    assert_err(cert_next_pem(&text, &der), E_NOT_FOUND);
    buf_free(&der);
}

static void a_certificate_says_what_was_written(void **state)
{
    struct buf extensions = BUF_INIT(256);
    add_extension(&extensions, 9, false);
    struct buf der = make("the leaf", "the ca", -1, buf_bytes(&extensions));
    struct sim_key key = sim_key(CURVE_P256, "the leaf", BYTES_NONE);
    struct ecdsa_point point;
    struct bytes value;
    struct cert *c;
    assert_ok(cert_parse(buf_bytes(&der), &c, NULL));
    assert_string_equal(cert_subject(c), "the leaf");
    assert_string_equal(cert_issuer(c), "the ca");
    assert_int_equal(cert_not_before(c), 1577836800); /* 2020-01-01 */
    assert_int_equal(cert_not_after(c), 2524607999);  /* 2049-12-31T23:59:59 */
    assert_false(cert_is_ca(c));
    assert_int_equal(cert_sig(c), CERT_SIG_ECDSA_SHA256);
    assert_true(bytes_eq(cert_der(c), buf_bytes(&der)));
    assert_ok(cert_ec_point(c, CURVE_P256, &point));
    assert_memory_equal(point.xy, key.public.xy, 64);
    assert_err(cert_ec_point(c, CURVE_P384, &point), E_CHAIN);
    assert_ok(cert_extension(c, CERT_OID("\x2a\x03\x09"), &value));
    assert_int_equal(value.n, 2);
    assert_err(cert_extension(c, CERT_OID("\x2a\x03\x08"), &value), E_NOT_FOUND);
    cert_free(c);
    buf_free(&der);
    buf_free(&extensions);
}

static void validity_includes_both_ends(void **state)
{
    struct cert *c = parsed("a", "b", -1);
    assert_err(cert_check_dates(c, 1577836799, NULL), E_CHAIN);
    assert_ok(cert_check_dates(c, 1577836800, NULL));
    assert_ok(cert_check_dates(c, 2524607999, NULL));
    assert_err(cert_check_dates(c, 2524608000, NULL), E_CHAIN);
    cert_free(c);
}

/* --- against OpenSSL's parser, on every certificate there is --- */

static int64_t seconds_of(const ASN1_TIME *t)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days, seconds;
    assert_int_equal(ASN1_TIME_diff(&days, &seconds, epoch, t), 1);
    ASN1_TIME_free(epoch);
    return days * INT64_C(86400) + seconds;
}

static void assert_as_openssl(const struct cert *c)
{
    const unsigned char *at = cert_der(c).p;
    X509 *x = d2i_X509(NULL, &at, (long)cert_der(c).n);
    unsigned char *spki = NULL;
    char name[256];
    assert_non_null(x);
    assert_int_equal(cert_not_before(c), seconds_of(X509_get0_notBefore(x)));
    assert_int_equal(cert_not_after(c), seconds_of(X509_get0_notAfter(x)));
    assert_int_equal(cert_is_ca(c), X509_check_ca(x) == 1);
    X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof name);
    assert_string_equal(cert_subject(c), name);
    X509_NAME_get_text_by_NID(X509_get_issuer_name(x), NID_commonName, name, sizeof name);
    assert_string_equal(cert_issuer(c), name);
    int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    assert_true(hash32_eq(cert_spki_hash(c), sha256(bytes(spki, (size_t)n))));
    if (cert_check_issued(c, c, 0, NULL) == OK)
        assert_int_equal(X509_verify(x, X509_get0_pubkey(x)), 1);
    OPENSSL_free(spki);
    X509_free(x);
}

static void real_certificates_are_read_as_openssl_reads_them(void **state)
{
    require_vectors();
    static const char *const kinds[] = {"trust-anchor", "intermediate-cert", "vek-cert",
                                        "synthetic-snp-cert"};
    struct table t = table_open("MANIFEST.tsv");
    unsigned n = 0;
    while (table_next(&t)) {
        bool wanted = strstr(cell(&t, "path"), ".der") && !strstr(cell(&t, "path"), "spki");
        bool known = false;
        for (size_t i = 0; i < 4; i++)
            known |= starts_with(cell(&t, "kind"), kinds[i]);
        if (!wanted || !known)
            continue;
        struct buf der = read_vector(cell(&t, "path"));
        struct cert *c;
        if (cert_parse(buf_bytes(&der), &c, NULL) != OK)
            fail_msg("%s was not read", cell(&t, "path"));
        assert_as_openssl(c);
        cert_free(c);
        buf_free(&der);
        n++;
    }
    buf_free(&t.text);
    assert_true(n >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_one_certificate_is_refused),
        cmocka_unit_test(oversize_certificates_are_refused),
        cmocka_unit_test(unknown_critical_and_repeated_extensions_are_refused),
        cmocka_unit_test(a_flipped_byte_breaks_parsing_or_the_signature),
        cmocka_unit_test(links_that_do_not_hold_are_refused),
        cmocka_unit_test(malformed_pem_is_refused),
        cmocka_unit_test(pem_gives_one_certificate_after_another),
        cmocka_unit_test(a_certificate_says_what_was_written),
        cmocka_unit_test(validity_includes_both_ends),
        cmocka_unit_test(real_certificates_are_read_as_openssl_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
