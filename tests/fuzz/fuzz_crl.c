/* base/crypto/crl.h: revocation lists in DER and PEM; what is accepted is kept byte for byte. */
#include "base/crypto/crl.h"
#include "fuzz.h"

static void check(struct bytes der)
{
    struct crl *crl, *again;
    if (crl_parse(der, &crl, NULL) != OK)
        return;
    FUZZ_REQUIRE(bytes_eq(crl_der(crl), der));
    FUZZ_REQUIRE(crl_parse(crl_der(crl), &again, NULL) == OK);
    FUZZ_REQUIRE(crl_entries(crl) == crl_entries(again));
    FUZZ_REQUIRE(crl_entries(crl) < der.n / 18 + 1); /* no entry is shorter */
    FUZZ_REQUIRE(strlen(crl_issuer(crl)) < CERT_NAME_MAX);
    FUZZ_REQUIRE(crl_check_dates(crl, crl_this_update(crl) - 1, NULL) == E_COLL_EXPIRED);
    crl_free(crl);
    crl_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = bytes(data, size);
    struct buf der = BUF_INIT(2 * CRL_SIZE_MAX);
    check(text);
    for (int i = 0; i < 4 && crl_next_pem(&text, &der) == OK; i++) {
        check(buf_bytes(&der));
        buf_clear(&der);
    }
    buf_free(&der);
    return 0;
}
