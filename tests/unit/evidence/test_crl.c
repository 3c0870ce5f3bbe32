#include "vectors.h"

#include "base/codec/pem.h"
#include "base/crypto/crl.h"
#include "core/evidence/sim/vendor.h"

#include <openssl/x509.h>

#define FROM 1767225600 /* 2026-01-01 */
#define TO   1769904000 /* 2026-02-01 */

static struct cert *certificate(const char *subject, const char *issuer, int pathlen)
{
    struct sim_key key = sim_key(CURVE_P384, subject, BYTES_NONE);
    struct sim_key by = sim_key(CURVE_P384, issuer, BYTES_NONE);
    struct sim_cert what = {subject, issuer, &key, &by, pathlen, BYTES_NONE};
    struct buf der = BUF_INIT(CERT_SIZE_MAX);
    struct cert *c;
    assert_ok(sim_cert_write(&what, &der));
    assert_ok(cert_parse(buf_bytes(&der), &c, NULL));
    buf_free(&der);
    return c;
}

/* A list of "ca" from FROM to TO. */
static struct buf list(struct sim_crl what)
{
    struct sim_key ca = sim_key(CURVE_P384, "ca", BYTES_NONE);
    struct buf der = BUF_INIT(2 * CRL_SIZE_MAX);
    if (!what.issuer) {
        what.issued_by = "ca";
        what.issuer = &ca;
    }
    what.this_update = what.this_update ? what.this_update : FROM;
    what.next_update = what.next_update ? what.next_update : TO;
    assert_ok(sim_crl_write(&what, &der));
    return der;
}

static struct crl *parsed(struct sim_crl what)
{
    struct buf der = list(what);
    struct crl *crl;
    assert_ok(crl_parse(buf_bytes(&der), &crl, NULL));
    buf_free(&der);
    return crl;
}

/* An extension 2.5.29.id. */
static void extension(struct writer *w, uint8_t id, bool critical, struct bytes value)
{
    const uint8_t oid[] = {0x55, 0x1d, id};
    size_t e = der_open(w, DER_SEQUENCE);
    der_element(w, DER_OID, BYTES_OF(oid));
    if (critical)
        der_true(w);
    der_element(w, DER_OCTET_STRING, value);
    der_close(w, e);
}

/* --- wrong first --- */

static void assert_refused(struct bytes der)
{
    struct problem p = {0};
    struct crl *crl;
    assert_err(crl_parse(der, &crl, &p), E_CHAIN);
    assert_null(crl);
    assert_true(p.detail[0]);
}

static void what_is_not_one_list_is_refused(void **state)
{
    struct bytes serials[] = {bytes_str("\x01"), bytes_str("\x02")};
    struct buf der = list((struct sim_crl){.revoked = serials, .n_revoked = 2});
    struct cert *c = certificate("leaf", "ca", -1);
    for (size_t n = 0; n < der.n; n++)
        assert_refused(bytes(der.p, n));
    assert_ok(buf_add(&der, "", 1));
    assert_refused(buf_bytes(&der));
    assert_refused(cert_der(c));
    buf_free(&der);
    cert_free(c);
}

static void a_list_beyond_the_limit_is_refused(void **state)
{
    struct buf der = BUF_INIT(2 * CRL_SIZE_MAX);
    memset(buf_extend(&der, CRL_SIZE_MAX + 1), 0x30, CRL_SIZE_MAX + 1);
    assert_refused(buf_bytes(&der));
    buf_free(&der);
}

static void assert_extensions_refused(struct buf *extensions)
{
    struct buf der = list((struct sim_crl){.extensions = buf_bytes(extensions)});
    assert_refused(buf_bytes(&der));
    buf_free(&der);
    buf_clear(extensions);
}

static void critical_repeated_and_narrowing_extensions_are_refused(void **state)
{
    static const uint8_t narrowing[] = {27, 28, 29};
    struct buf extensions = BUF_INIT(256);
    struct writer w = writer(&extensions);
    extension(&w, 35, true, bytes_str("x")); /* the authority key id must not be critical */
    assert_extensions_refused(&extensions);
    extension(&w, 99, true, bytes_str("x")); /* unknown */
    assert_extensions_refused(&extensions);
    extension(&w, 20, false, bytes_str("x")); /* there already */
    assert_extensions_refused(&extensions);
    for (size_t i = 0; i < sizeof narrowing; i++) {
        extension(&w, narrowing[i], false, bytes_str("x"));
        assert_extensions_refused(&extensions);
        extension(&w, narrowing[i], true, bytes_str("x"));
        assert_extensions_refused(&extensions);
    }
    assert_ok(writer_end(&w));
    buf_free(&extensions);
}

/* `value` of an extension of an entry; `n` copies of it. */
static struct buf entry_extensions(uint8_t id, bool critical, struct bytes value, int n)
{
    struct buf out = BUF_INIT(256);
    struct writer w = writer(&out);
    size_t all = der_open(&w, DER_SEQUENCE);
    while (n--)
        extension(&w, id, critical, value);
    der_close(&w, all);
    assert_ok(writer_end(&w));
    return out;
}

static void wrong_entries_are_refused(void **state)
{
    const struct {
        const char *serial;
        uint8_t id;
        bool critical;
        const char *value;
        int copies;
    } bad[] = {
        {"", 21, false, "\x0a\x01\x01", 1},                         /* no serial number */
        {"\x80\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d" /* 22 bytes */
         "\x0e\x0f\x10\x11\x12\x13\x14\x15",
         21, false, "\x0a\x01\x01", 1},
        {"\xff\x80", 21, false, "\x0a\x01\x01", 1}, /* not the shortest form */
        {"\x01", 21, true, "\x0a\x01\x01", 1},      /* critical */
        {"\x01", 29, false, "x", 1},                /* another issuer */
        {"\x01", 21, false, "\x0a\x01\x08", 1},     /* removeFromCRL */
        {"\x01", 21, false, "\x0a\x01\x0b", 1},     /* no reason */
        {"\x01", 21, false, "\x0a\x02\x01\x01", 1},
        {"\x01", 21, false, "\x02\x01\x01", 1}, /* no ENUMERATED */
        {"\x01", 21, false, "\x0a\x01\x01", 2}, /* twice */
        {"\x01", 21, false, "", 0},             /* an empty list of extensions */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bytes serial = bytes_str(bad[i].serial);
        struct buf more =
            entry_extensions(bad[i].id, bad[i].critical, bytes_str(bad[i].value), bad[i].copies);
        struct buf der = list((struct sim_crl){
            .revoked = &serial, .n_revoked = 1, .entry_extensions = buf_bytes(&more)});
        struct crl *crl;
        if (crl_parse(buf_bytes(&der), &crl, NULL) != E_CHAIN)
            fail_msg("entry %zu was read", i);
        buf_free(&der);
        buf_free(&more);
    }
}

static void a_flipped_byte_breaks_parsing_or_the_signature(void **state)
{
    struct bytes serial = bytes_str("\x01");
    struct buf der = list((struct sim_crl){.revoked = &serial, .n_revoked = 1});
    struct cert *ca = certificate("ca", "ca", 0);
    for (size_t i = 0; i < der.n; i++) {
        struct crl *crl;
        der.p[i] ^= (uint8_t)(1 << i % 8);
        if (crl_parse(buf_bytes(&der), &crl, NULL) == OK) {
            if (crl_check_issued(crl, ca, NULL) == OK)
                fail_msg("byte %zu", i);
            crl_free(crl);
        }
        der.p[i] ^= (uint8_t)(1 << i % 8);
    }
    cert_free(ca);
    buf_free(&der);
}

static void only_the_issuer_signs_its_list(void **state)
{
    struct sim_key impostor = sim_key(CURVE_P384, "impostor", BYTES_NONE);
    struct cert *ca = certificate("ca", "ca", 0), *no_ca = certificate("ca", "ca", -1);
    struct cert *other = certificate("other", "ca", 0);
    struct crl *good = parsed((struct sim_crl){0});
    struct crl *forged = parsed((struct sim_crl){.issued_by = "ca", .issuer = &impostor});
    assert_err(crl_check_issued(good, other, NULL), E_CHAIN); /* another name */
    assert_err(crl_check_issued(good, no_ca, NULL), E_CHAIN); /* not a CA */
    assert_err(crl_check_issued(forged, ca, NULL), E_CHAIN);  /* another key */
    assert_ok(crl_check_issued(good, ca, NULL));
    crl_free(good);
    crl_free(forged);
    cert_free(ca);
    cert_free(no_ca);
    cert_free(other);
}

/* keyUsage without cRLSign: the writer always gives both, so the bit is taken out here. */
static void a_ca_that_may_not_sign_lists_is_refused(void **state)
{
    static const uint8_t both[] = {0x03, 0x02, 0x01, 0x06}, certs_only[] = {0x03, 0x02, 0x02, 0x04};
    struct cert *ca = certificate("ca", "ca", 0), *weaker;
    struct crl *crl = parsed((struct sim_crl){0});
    struct buf der = BUF_INIT(CERT_SIZE_MAX);
    assert_ok(buf_add(&der, cert_der(ca).p, cert_der(ca).n));
    uint8_t *usage = memmem(der.p, der.n, both, sizeof both);
    assert_non_null(usage);
    memcpy(usage, certs_only, sizeof certs_only);
    assert_ok(cert_parse(buf_bytes(&der), &weaker, NULL));
    assert_true(cert_is_ca(weaker));
    assert_err(crl_check_issued(crl, weaker, NULL), E_CHAIN);
    buf_free(&der);
    crl_free(crl);
    cert_free(ca);
    cert_free(weaker);
}

static void dates_include_both_ends(void **state)
{
    struct crl *crl = parsed((struct sim_crl){0});
    struct problem p = {0};
    assert_err(crl_check_dates(crl, FROM - 1, &p), E_COLL_EXPIRED);
    assert_non_null(strstr(p.detail, "\"ca\" is valid from 1767225600"));
    assert_ok(crl_check_dates(crl, FROM, NULL));
    assert_ok(crl_check_dates(crl, TO, NULL));
    assert_err(crl_check_dates(crl, TO + 1, &p), E_COLL_EXPIRED);
    assert_non_null(strstr(p.detail, "\"ca\" expired at 1769904000"));
    crl_free(crl);
}

static void a_listed_certificate_is_revoked_and_no_other(void **state)
{
    struct cert *leaf = certificate("leaf", "ca", -1), *good = certificate("good", "ca", -1);
    struct cert *elsewhere = certificate("leaf", "other ca", -1);
    struct bytes serials[] = {bytes_str("\x07"), cert_serial(leaf), bytes_str("\x09")};
    struct crl *crl = parsed((struct sim_crl){.revoked = serials, .n_revoked = 3});
    struct crl *empty = parsed((struct sim_crl){0});
    assert_err(crl_check_cert(crl, leaf, NULL), E_CERT_REVOKED);
    assert_err(crl_check_cert(crl, elsewhere, NULL), E_CHAIN);
    assert_ok(crl_check_cert(crl, good, NULL));
    assert_ok(crl_check_cert(empty, leaf, NULL));
    crl_free(crl);
    crl_free(empty);
    cert_free(leaf);
    cert_free(good);
    cert_free(elsewhere);
}

static void other_pem_is_refused(void **state)
{
    struct buf der = BUF_INIT(64);
    struct bytes text = bytes_str("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert_err(crl_next_pem(&text, &der), E_MALFORMED);
    text = bytes_str("x");
    assert_err(crl_next_pem(&text, &der), E_MALFORMED);
    text = bytes_str(" \r\n");
    assert_err(crl_next_pem(&text, &der), E_NOT_FOUND);
    buf_free(&der);
}

/* --- right --- */

static void a_list_says_what_was_written(void **state)
{
    struct bytes serials[] = {bytes_str("\x01"), bytes_str("\x02")};
    struct buf more = entry_extensions(21, false, bytes_str("\x0a\x01\x06"), 1); /* hold */
    struct buf der = list(
        (struct sim_crl){.revoked = serials, .n_revoked = 2, .entry_extensions = buf_bytes(&more)});
    struct crl *crl;
    assert_ok(crl_parse(buf_bytes(&der), &crl, NULL));
    assert_string_equal(crl_issuer(crl), "ca");
    assert_int_equal(crl_this_update(crl), FROM);
    assert_int_equal(crl_next_update(crl), TO);
    assert_int_equal(crl_entries(crl), 2);
    assert_true(bytes_eq(crl_der(crl), buf_bytes(&der)));
    crl_free(crl);
    buf_free(&der);
    buf_free(&more);
}

/* Longer than two length bytes can say. */
static void a_list_of_many_entries_is_read(void **state)
{
    enum { N = 4000 };
    static uint8_t raw[N][4];
    static struct bytes serials[N];
    struct cert *leaf = certificate("leaf", "ca", -1);
    for (uint32_t i = 0; i < N; i++) {
        raw[i][0] = 1;
        raw[i][2] = (uint8_t)(i >> 8);
        raw[i][3] = (uint8_t)i;
        serials[i] = BYTES_OF(raw[i]);
    }
    serials[N - 1] = cert_serial(leaf);
    struct crl *crl = parsed((struct sim_crl){.revoked = serials, .n_revoked = N});
    assert_true(crl_der(crl).n > 65536);
    assert_int_equal(crl_entries(crl), N);
    assert_err(crl_check_cert(crl, leaf, NULL), E_CERT_REVOKED);
    crl_free(crl);
    cert_free(leaf);
}

static void pem_gives_one_list_after_another(void **state)
{
    struct buf der = list((struct sim_crl){0}), text = BUF_INIT(4096), back = BUF_INIT(4096);
    assert_ok(pem_write("X509 CRL", buf_bytes(&der), &text));
    assert_ok(pem_write("X509 CRL", buf_bytes(&der), &text));
    struct bytes in = buf_bytes(&text);
    for (int i = 0; i < 2; i++) {
        buf_clear(&back);
        assert_ok(crl_next_pem(&in, &back));
        assert_true(bytes_eq(buf_bytes(&back), buf_bytes(&der)));
    }
    assert_err(crl_next_pem(&in, &back), E_NOT_FOUND);
    buf_free(&der);
    buf_free(&text);
    buf_free(&back);
}

/* --- against OpenSSL's parser, on every list there is --- */

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    assert_int_equal(ASN1_TIME_to_tm(t, &tm), 1);
    return timegm(&tm);
}

static void assert_as_openssl(const struct crl *crl)
{
    const unsigned char *at = crl_der(crl).p;
    X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)crl_der(crl).n);
    char name[256];
    assert_non_null(x);
    assert_int_equal(crl_this_update(crl), seconds_of(X509_CRL_get0_lastUpdate(x)));
    assert_int_equal(crl_next_update(crl), seconds_of(X509_CRL_get0_nextUpdate(x)));
    X509_NAME_get_text_by_NID(X509_CRL_get_issuer(x), NID_commonName, name, sizeof name);
    assert_string_equal(crl_issuer(crl), name);
    STACK_OF(X509_REVOKED) *revoked = X509_CRL_get_REVOKED(x);
    assert_int_equal(crl_entries(crl), revoked ? sk_X509_REVOKED_num(revoked) : 0);
    X509_CRL_free(x);
}

static bool names_a_list(const char *path)
{
    return strstr(path, ".der") &&
           (strstr(path, "crl_") || strstr(path, "_crl.") || strstr(path, "Crl."));
}

static void real_lists_are_read_as_openssl_reads_them(void **state)
{
    require_vectors();
    struct table t = table_open("MANIFEST.tsv");
    unsigned n = 0;
    while (table_next(&t)) {
        const char *path = cell(&t, "path");
        struct crl *crl;
        if (!names_a_list(path))
            continue;
        struct buf der = read_vector(path);
        enum err e = crl_parse(buf_bytes(&der), &crl, NULL);
        if ((e == OK) == (strstr(path, "trunc") != NULL))
            fail_msg("%s: %s", path, err_code(e));
        if (e == OK) {
            assert_as_openssl(crl);
            crl_free(crl);
        }
        buf_free(&der);
        n++;
    }
    buf_free(&t.text);
    assert_true(n >= 40);
}

static struct cert *read_cert(const char *path)
{
    struct cert_pool pool = {.n = 0};
    struct buf file = read_vector(path);
    assert_ok(cert_pool_add(&pool, buf_bytes(&file)));
    assert_int_equal(pool.n, 1);
    buf_free(&file);
    return pool.c[0];
}

static struct crl *read_list(const char *path)
{
    struct buf file = read_vector(path);
    struct crl *crl;
    assert_ok(crl_parse(buf_bytes(&file), &crl, NULL));
    buf_free(&file);
    return crl;
}

static void real_lists_verify_under_their_issuer_alone(void **state)
{
    require_vectors();
    static const char *const issuers[] = {
        "anchors/amd_ark_milan.der",         "anchors/amd_ark_genoa.der",
        "anchors/amd_ark_turin.der",         "anchors/intel_sgx_root_ca.der",
        "anchors/intel_pck_platform_ca.pem", "anchors/intel_pck_processor_ca.pem",
    };
    static const char *const lists[] = {
        "anchors/amd_crl_milan.der",
        "anchors/amd_crl_genoa.der",
        "anchors/amd_crl_turin.der",
        "tdx/collateral/2026-03/root_ca_crl.der",
        "tdx/collateral/2026-03/pck_crl_platform.der",
        "tdx/collateral/2025-06a/pck_crl_processor.der",
    };
    for (size_t i = 0; i < 6; i++) {
        struct crl *crl = read_list(lists[i]);
        for (size_t j = 0; j < 6; j++) {
            struct cert *issuer = read_cert(issuers[j]);
            if ((crl_check_issued(crl, issuer, NULL) == OK) != (i == j))
                fail_msg("%s, %s", lists[i], issuers[j]);
            cert_free(issuer);
        }
        crl_free(crl);
    }
}

/* AMD's list of Genoa revokes one early ASK, not the one in use. */
static void amds_genoa_list_revokes_one_old_ask(void **state)
{
    require_vectors();
    struct crl *crl = read_list("anchors/amd_crl_genoa.der");
    struct cert *ask = read_cert("anchors/amd_ask_genoa.der");
    assert_int_equal(crl_entries(crl), 1);
    assert_ok(crl_check_cert(crl, ask, NULL));
    crl_free(crl);
    cert_free(ask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_one_list_is_refused),
        cmocka_unit_test(a_list_beyond_the_limit_is_refused),
        cmocka_unit_test(critical_repeated_and_narrowing_extensions_are_refused),
        cmocka_unit_test(wrong_entries_are_refused),
        cmocka_unit_test(a_flipped_byte_breaks_parsing_or_the_signature),
        cmocka_unit_test(only_the_issuer_signs_its_list),
        cmocka_unit_test(a_ca_that_may_not_sign_lists_is_refused),
        cmocka_unit_test(dates_include_both_ends),
        cmocka_unit_test(a_listed_certificate_is_revoked_and_no_other),
        cmocka_unit_test(other_pem_is_refused),
        cmocka_unit_test(a_list_says_what_was_written),
        cmocka_unit_test(a_list_of_many_entries_is_read),
        cmocka_unit_test(pem_gives_one_list_after_another),
        cmocka_unit_test(real_lists_are_read_as_openssl_reads_them),
        cmocka_unit_test(real_lists_verify_under_their_issuer_alone),
        cmocka_unit_test(amds_genoa_list_revokes_one_old_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
