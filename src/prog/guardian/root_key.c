#include "prog/guardian/root_key.h"
#include "base/codec/der.h"
#include "base/codec/pem.h"
#include "core/ca/ca.h"

/* TBSCertificate (RFC 5280 section 4.1) up to subjectPublicKeyInfo's content. */
static enum err find_spki(struct bytes der, struct bytes *spki)
{
    static const uint8_t before[] = {DER_CONTEXT,  DER_INTEGER,  DER_SEQUENCE,
                                     DER_SEQUENCE, DER_SEQUENCE, DER_SEQUENCE};
    struct bytes cert, tbs, skipped;
    TRY(der_expect(&der, DER_SEQUENCE, &cert));
    TRY(der_expect(&cert, DER_SEQUENCE, &tbs));
    for (size_t i = 0; i < sizeof before; i++)
        TRY(der_expect(&tbs, before[i], &skipped));
    return der_expect(&tbs, DER_SEQUENCE, spki);
}

/* RFC 8410 section 4: algorithm 1.3.101.112 without parameters, the key as it is. */
static enum err take_key(struct bytes spki, struct sig_public *out)
{
    static const uint8_t algorithm[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    struct bytes named, key;
    TRY(der_expect(&spki, DER_SEQUENCE, &named));
    TRY(der_expect(&spki, DER_BIT_STRING, &key));
    if (!bytes_eq(named, BYTES_OF(algorithm)) || key.n != 33 || key.p[0] != 0 || spki.n)
        return E_MALFORMED;
    memcpy(out->b, key.p + 1, sizeof out->b);
    return OK;
}

enum err root_key_read(struct bytes pem, int64_t unix_time, struct sig_public *out)
{
    struct buf der = BUF_INIT(CA_CERT_MAX);
    struct bytes spki, cert;
    enum err e;
    TRY_OUT(pem_read("CERTIFICATE", pem, &der));
    cert = buf_bytes(&der);
    TRY_OUT(find_spki(cert, &spki));
    TRY_OUT(take_key(spki, out));
    TRY_OUT(ca_chain_verify(&cert, 1, out, unix_time));
out:
    buf_free(&der);
    return e;
}
