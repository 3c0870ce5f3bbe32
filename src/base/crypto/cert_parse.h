/* A certificate taken apart, and what lists share with it. Internal to base/crypto/cert*.c, crl.c.
 */
#ifndef BASE_CRYPTO_CERT_PARSE_H
#define BASE_CRYPTO_CERT_PARSE_H

#include "base/crypto/cert.h"

/* Vendors use up to 12. */
#define CERT_EXTENSIONS_MAX 24

/* RFC 5280 4.1.2.2 allows 20; Intel's positive ones take 21 with the sign byte. */
#define CERT_SERIAL_MAX 21

struct cert_extension {
    struct bytes oid, value;
};

/* Views borrow from `der`. */
struct cert {
    struct buf der;
    struct bytes tbs;    /* with its tag: what is signed */
    struct bytes serial; /* content of the INTEGER */
    struct bytes issuer_name, subject_name, spki, signature;
    char subject[CERT_NAME_MAX], issuer[CERT_NAME_MAX];
    int64_t not_before, not_after;
    enum cert_sig sig;
    bool ca, has_pathlen, has_usage, may_sign, may_sign_lists;
    uint64_t pathlen;
    struct cert_extension extensions[CERT_EXTENSIONS_MAX];
    size_t n_extensions;
};

/* The three parts of a signed structure (4.1.1); tbs and algorithm with their tags. E_MALFORMED. */
enum err cert_read_signed(struct bytes in, struct bytes *tbs, struct bytes *algorithm,
                          struct bytes *signature);
/* The next element whole, with its tag. */
enum err cert_take_whole(struct bytes *in, uint8_t tag, struct bytes *whole);
/* The content of a serial number. */
enum err cert_take_serial(struct bytes *in, struct bytes *serial);
/* Keeps the last common name of a whole Name. */
enum err cert_read_name(struct bytes whole, char cn[CERT_NAME_MAX]);
/* The algorithm with this whole AlgorithmIdentifier. */
enum cert_sig cert_sig_of(struct bytes der);
/* Whether this is `issuer`'s signature of tbs. */
bool cert_verify_signed(enum cert_sig sig, struct bytes tbs, struct bytes signature,
                        const struct cert *issuer);

#endif
