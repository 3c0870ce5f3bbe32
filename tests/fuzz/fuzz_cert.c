/* base/crypto/cert.h: certificates in DER and PEM; what is accepted is kept byte for byte. */
#include "base/crypto/cert.h"
#include "fuzz.h"

static void check(struct bytes der)
{
    struct cert *c, *again;
    struct ecdsa_point point;
    if (cert_parse(der, &c, NULL) != OK)
        return;
    FUZZ_REQUIRE(bytes_eq(cert_der(c), der));
    FUZZ_REQUIRE(cert_parse(cert_der(c), &again, NULL) == OK);
    FUZZ_REQUIRE(hash32_eq(cert_spki_hash(c), cert_spki_hash(again)));
    FUZZ_REQUIRE(cert_not_before(c) == cert_not_before(again));
    FUZZ_REQUIRE(strlen(cert_subject(c)) < CERT_NAME_MAX);
    (void)!cert_ec_point(c, CURVE_P256, &point);
    (void)!cert_ec_point(c, CURVE_P384, &point);
    if (cert_check_issued(c, again, 0, NULL) == OK)
        FUZZ_REQUIRE(cert_is_ca(c) && cert_sig(c) != CERT_SIG_OTHER);
    cert_free(c);
    cert_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes(data, size);
    struct buf der = BUF_INIT(2 * CERT_SIZE_MAX);
    check(text);
    for (int i = 0; i < 4 && cert_next_pem(&text, &der) == OK; i++) {
        check(buf_bytes(&der));
        buf_clear(&der);
    }
    buf_free(&der);
    return 0;
}
