#include "base/crypto/csr.h"
#include "base/codec/der.h"
#include "base/codec/pem.h"
#include "test.h"

/* Made with `openssl req`: P-256 with names of every kind and a key usage; Ed25519 without. */
static const char p256_pem[] = "-----BEGIN CERTIFICATE REQUEST-----\n"
                               "MIIBczCCARgCAQAwEjEQMA4GA1UEAwwHcHJpY2luZzBZMBMGByqGSM49AgEGCCqG\n"
                               "SM49AwEHA0IABCgAT5yiRkYl+WdUtilU1Lfh7TWHVCiM12N/DcxUiItzrwaH6E3R\n"
                               "VXGhly+LiXB3uwZKXVCKETBBZPiUSxLiOAmggaMwgaAGCSqGSIb3DQEJDjGBkjCB\n"
                               "jzB9BgNVHREEdjB0ghtwcmljaW5nLnN0YWdpbmcuZXhhbXBsZS5vcmeHBAoBAgOH\n"
                               "ECABDbgAAAAAAAAAAAAAAAGGMHNwaWZmZTovL2s4cy1zdGFnaW5nLnByb2QuZXhh\n"
                               "bXBsZS5vcmcvaW5zdGFuY2UveIELYUBiLmV4YW1wbGUwDgYDVR0PAQH/BAQDAgeA\n"
                               "MAoGCCqGSM49BAMCA0kAMEYCIQCWIl++PXL8xtaGoxQoZIE88lKr2pBasKikRNWe\n"
                               "3YvZgwIhAMlLTCFqnNJH777t/UO1kf7+yHy2OoxFECwTiaOyn3fU\n"
                               "-----END CERTIFICATE REQUEST-----\n";
static const char ed25519_pem[] =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MH8wMwIBADAAMCowBQYDK2VwAyEAc+YMcbhjpxpdxjFuibM7JNISqn+aObBt6vhl\n"
    "Ur3CFyCgADAFBgMrZXADQQDCHhdrhi5r3o9+JA5GxdnafYztGoVW0KINrHc1Tvjx\n"
    "VG4CEGjtw5Lqf1BwujYnN0cnQZ6ZSpKrnbcq5RgrIhYG\n"
    "-----END CERTIFICATE REQUEST-----\n";

static struct csr csr;

static struct buf der_of(const char *pem)
{
    struct buf der = BUF_INIT(CSR_MAX);
    assert_ok(pem_read("CERTIFICATE REQUEST", bytes_str(pem), &der));
    return der;
}

static void requests_of_openssl_are_read(void **state)
{
    struct buf der = BUF_INIT(CSR_MAX), other = BUF_INIT(CSR_MAX);
    assert_ok(csr_read(bytes_str(p256_pem), &der, &csr));
    assert_int_equal(csr.kind, CSR_P256);
    assert_int_equal(csr.spki.n, P256_SPKI_LEN);
    assert_true(p256_spki_is_valid(csr.spki));
    assert_int_equal(csr.n_dns, 1);
    assert_true(bytes_eq(csr.dns[0], bytes_str("pricing.staging.example.org")));
    assert_int_equal(csr.n_ip, 2);
    assert_int_equal(csr.ip[0].n, 4);
    assert_memory_equal(csr.ip[0].b, "\x0a\1\2\3", 4);
    assert_int_equal(csr.ip[1].n, 16);
    assert_int_equal(csr.n_uri, 1);
    assert_true(
        bytes_eq(csr.uri[0], bytes_str("spiffe://k8s-staging.prod.example.org/instance/x")));
    assert_ok(csr_read(buf_bytes(&der), &other, &csr)); /* DER is taken too */
    buf_clear(&der);
    assert_ok(csr_read(bytes_str(ed25519_pem), &der, &csr));
    assert_int_equal(csr.kind, CSR_ED25519);
    assert_int_equal(csr.spki.n, 44);
    assert_memory_equal(csr.ed25519.b, csr.spki.p + 12, 32);
    assert_int_equal(csr.n_dns + csr.n_ip + csr.n_uri, 0);
    buf_free(&der);
    buf_free(&other);
}

static void every_changed_bit_and_truncation_is_refused(void **state)
{
    static const char *const pems[] = {p256_pem, ed25519_pem};
    for (size_t i = 0; i < 2; i++) {
        struct buf der = der_of(pems[i]);
        for (size_t bit = 0; bit < der.n * 8; bit++) {
            der.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(csr_parse(buf_bytes(&der), &csr), OK);
            der.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t n = 0; n < der.n; n++)
            assert_err(csr_parse(bytes(der.p, n), &csr), E_MALFORMED);
        assert_ok(buf_add(&der, "", 1));
        assert_err(csr_parse(buf_bytes(&der), &csr), E_MALFORMED);
        buf_free(&der);
    }
}

static void a_signature_of_another_key_is_named(void **state)
{
    struct buf der = der_of(ed25519_pem);
    der.p[der.n - 40] ^= 1;
    assert_err(csr_parse(buf_bytes(&der), &csr), E_SIGNATURE);
    buf_free(&der);
}

/* --- well-signed requests of other forms --- */

/* What differs from a good request. */
struct form {
    uint64_t version;
    struct bytes attributes; /* content of [0] */
    bool no_attributes, more, no_spki, alg_parameters, unused_bits;
};

static enum err parse_form(const struct form *f)
{
    struct rng_seeded seeded;
    struct p256_secret key;
    struct p256_public public;
    struct buf info = BUF_INIT(CSR_MAX), sig = BUF_INIT(80), out = BUF_INIT(2 * CSR_MAX);
    assert_ok(p256_keygen(rng_numbered(&seeded, 1), &key, &public));
    struct writer w = writer(&info);
    size_t at = der_open(&w, DER_SEQUENCE);
    der_uint(&w, f->version);
    der_element(&w, DER_SEQUENCE, BYTES_NONE);
    if (f->no_spki)
        der_element(&w, DER_SEQUENCE, bytes_str("\x30\x01\x05"));
    else
        assert_ok(p256_spki_write(&public, &info));
    if (!f->no_attributes)
        der_element(&w, DER_CONTEXT | 0, f->attributes);
    if (f->more)
        der_uint(&w, 0);
    der_close(&w, at);
    assert_ok(p256_sign(rng_numbered(&seeded, 2), &key, buf_bytes(&info), &sig));
    w = writer(&out);
    at = der_open(&w, DER_SEQUENCE);
    wr_raw(&w, info.p, info.n);
    size_t alg = der_open(&w, DER_SEQUENCE);
    der_oid(&w, "\x2a\x86\x48\xce\x3d\x04\x03\x02");
    if (f->alg_parameters)
        der_element(&w, 0x05, BYTES_NONE);
    der_close(&w, alg);
    der_bits(&w, buf_bytes(&sig));
    der_close(&w, at);
    assert_ok(writer_end(&w));
    if (f->unused_bits)
        out.p[out.n - sig.n - 1] = 1;
    enum err e = csr_parse(buf_bytes(&out), &csr);
    buf_free(&info);
    buf_free(&sig);
    buf_free(&out);
    return e;
}

static void other_forms_are_refused_however_well_signed(void **state)
{
    assert_ok(parse_form(&(struct form){0}));
    assert_err(parse_form(&(struct form){.version = 1}), E_MALFORMED);
    assert_err(parse_form(&(struct form){.no_attributes = true}), E_MALFORMED);
    assert_err(parse_form(&(struct form){.more = true}), E_MALFORMED);
    assert_err(parse_form(&(struct form){.no_spki = true}), E_MALFORMED);
    assert_err(parse_form(&(struct form){.alg_parameters = true}), E_MALFORMED);
    assert_err(parse_form(&(struct form){.unused_bits = true}), E_MALFORMED);
}

#define EXT_REQ "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define SAN     "\x06\x03\x55\x1d\x11"

#define ATTRIBUTES(literal)                                              \
    {                                                                    \
        .attributes = {(const uint8_t *)(literal), sizeof(literal) - 1 } \
    }

static void attributes_of_another_form_are_refused(void **state)
{
    static const struct form bad[] = {
        ATTRIBUTES("\x05\x00"),                                    /* no sequence */
        ATTRIBUTES("\x30\x0b" EXT_REQ),                            /* no values */
        ATTRIBUTES("\x30\x0d" EXT_REQ "\x31\x00"),                 /* an empty set */
        ATTRIBUTES("\x30\x0f" EXT_REQ "\x30\x02\x30\x00"),         /* no set */
        ATTRIBUTES("\x30\x11" EXT_REQ "\x31\x04\x30\x00\x30\x00"), /* two values */
        ATTRIBUTES("\x30\x0f" EXT_REQ "\x31\x02\x30\x00"           /* twice */
                   "\x30\x0f" EXT_REQ "\x31\x02\x30\x00"),
        ATTRIBUTES("\x30\x11" EXT_REQ "\x31\x04\x30\x02\x30\x00"), /* extension without OID */
        ATTRIBUTES("\x30\x1a" EXT_REQ "\x31\x0d\x30\x0b\x30\x09" SAN
                   "\x04\x02\x30\x00"), /* no name */
        ATTRIBUTES("\x30\x1c" EXT_REQ "\x31\x0f\x30\x0d\x30\x0b" SAN "\x01\x01\x00\x04\x01\x30"),
        ATTRIBUTES("\x30\x1d" EXT_REQ "\x31\x10\x30\x0e\x30\x0c" SAN "\x04\x05\x30\x03\x82\x01 "),
        ATTRIBUTES("\x30\x1c" EXT_REQ "\x31\x0f\x30\x0d\x30\x0b" SAN "\x04\x04\x30\x02\x82\x00"),
        ATTRIBUTES("\x30\x1e" EXT_REQ "\x31\x11\x30\x0f\x30\x0d" SAN
                   "\x04\x06\x30\x04\x87\x02\1\2"),
        ATTRIBUTES("\x30\x28" EXT_REQ "\x31\x1b\x30\x19\x30\x0c" SAN "\x04\x05\x30\x03\x82\x01x"
                   "\x30\x09" SAN "\x04\x02\x30\x00"),
    };
    static const struct form good[] = {
        ATTRIBUTES("\x30\x0f" EXT_REQ "\x31\x02\x30\x00"),
        ATTRIBUTES("\x30\x1d" EXT_REQ "\x31\x10\x30\x0e\x30\x0c" SAN "\x04\x05\x30\x03\x82\x01x"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse_form(&bad[i]) != E_MALFORMED)
            fail_msg("form %zu", i);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(parse_form(&good[i]));
    assert_int_equal(csr.n_dns, 1);
}

static void names_and_bytes_have_limits(void **state)
{
    static const uint8_t large[2 * CSR_MAX + 1] = {0x30};
    struct rng_seeded seeded;
    struct p256_secret key;
    struct p256_public public;
    struct bytes dns[CSR_NAMES_MAX + 1];
    struct buf out = BUF_INIT(CSR_MAX), again = BUF_INIT(CSR_MAX);
    assert_ok(p256_keygen(rng_numbered(&seeded, 1), &key, &public));
    for (size_t i = 0; i <= CSR_NAMES_MAX; i++)
        dns[i] = bytes_str("a.example.org");
    assert_ok(csr_write_p256(rng_numbered(&seeded, 1), &key, dns, CSR_NAMES_MAX, &out));
    assert_ok(csr_parse(buf_bytes(&out), &csr));
    assert_int_equal(csr.n_dns, CSR_NAMES_MAX);
    assert_ok(csr_write_p256(rng_numbered(&seeded, 1), &key, dns, CSR_NAMES_MAX + 1, &again));
    assert_err(csr_parse(buf_bytes(&again), &csr), E_TOO_LARGE);
    assert_err(csr_parse(bytes(large, CSR_MAX + 1), &csr), E_TOO_LARGE);
    buf_clear(&out);
    assert_err(csr_read(BYTES_OF(large), &out, &csr), E_TOO_LARGE);
    buf_free(&out);
    buf_free(&again);
}

static void our_own_request_is_read_back(void **state)
{
    struct rng_seeded seeded;
    struct p256_secret key;
    struct p256_public public;
    struct bytes dns[] = {bytes_str("a.example.org"), bytes_str("b.example.org")};
    struct buf out = BUF_INIT(CSR_MAX);
    assert_ok(p256_keygen(rng_numbered(&seeded, 1), &key, &public));
    for (size_t n = 0; n <= 2; n++) {
        buf_clear(&out);
        assert_ok(csr_write_p256(rng_numbered(&seeded, 1), &key, dns, n, &out));
        assert_ok(csr_parse(buf_bytes(&out), &csr));
        assert_memory_equal(csr.p256.b, public.b, sizeof public.b);
        assert_int_equal(csr.n_dns, n);
        for (size_t i = 0; i < n; i++)
            assert_true(bytes_eq(csr.dns[i], dns[i]));
    }
    buf_free(&out);
}

static void keys_of_other_kinds_are_refused(void **state)
{
    static const char p384_spki[] = "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    enum csr_key kind;
    struct p256_public p256;
    struct sig_public ed25519;
    uint8_t x25519[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00};
    assert_err(csr_spki_read(BYTES_OF(p384_spki), &kind, &p256, &ed25519), E_VALUE);
    assert_err(csr_spki_read(BYTES_OF(x25519), &kind, &p256, &ed25519), E_VALUE);
    assert_err(csr_spki_read(BYTES_NONE, &kind, &p256, &ed25519), E_VALUE);
    x25519[8] = 0x70;
    assert_ok(csr_spki_read(BYTES_OF(x25519), &kind, &p256, &ed25519));
    assert_int_equal(kind, CSR_ED25519);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_openssl_are_read),
        cmocka_unit_test(every_changed_bit_and_truncation_is_refused),
        cmocka_unit_test(a_signature_of_another_key_is_named),
        cmocka_unit_test(other_forms_are_refused_however_well_signed),
        cmocka_unit_test(attributes_of_another_form_are_refused),
        cmocka_unit_test(names_and_bytes_have_limits),
        cmocka_unit_test(our_own_request_is_read_back),
        cmocka_unit_test(keys_of_other_kinds_are_refused),
    };
    return cmocka_run_group_tests_name("csr", tests, NULL, NULL);
}
