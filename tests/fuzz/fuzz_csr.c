/* base/crypto/csr.h: what parses lies within its bytes, and its key can be read again. */
#include "base/crypto/csr.h"
#include "fuzz.h"

static bool within(struct bytes part, struct bytes whole)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void check(const struct csr *csr, struct bytes der)
{
    enum csr_key kind;
    struct p256_public p256;
    struct sig_public ed25519;
    FUZZ_REQUIRE(within(csr->spki, der));
    FUZZ_REQUIRE(csr_spki_read(csr->spki, &kind, &p256, &ed25519) == OK && kind == csr->kind);
    FUZZ_REQUIRE(csr->n_dns <= CSR_NAMES_MAX && csr->n_ip <= CSR_NAMES_MAX &&
                 csr->n_uri <= CSR_NAMES_MAX);
    for (size_t i = 0; i < csr->n_dns; i++)
        FUZZ_REQUIRE(within(csr->dns[i], der));
    for (size_t i = 0; i < csr->n_uri; i++)
        FUZZ_REQUIRE(within(csr->uri[i], der));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csr csr;
    struct buf der = BUF_INIT(CSR_MAX);
    if (csr_read(bytes(data, size), &der, &csr) == OK) {
        check(&csr, buf_bytes(&der));
        FUZZ_REQUIRE(csr_parse(bytes(der.p, der.n - 1), &csr) != OK);
    }
    buf_free(&der);
    return 0;
}
