/* A certificate taken apart. Internal to base/crypto/cert*.c. */
#ifndef BASE_CRYPTO_CERT_PARSE_H
#define BASE_CRYPTO_CERT_PARSE_H

#include "base/crypto/cert.h"

/* Vendors use up to 12. */
#define CERT_EXTENSIONS_MAX 24

struct cert_extension {
    struct bytes oid, value;
};

/* Views borrow from `der`. */
struct cert {
    struct buf der;
    struct bytes tbs; /* with its tag: what is signed */
    struct bytes issuer_name, subject_name, spki, signature;
    char subject[CERT_NAME_MAX], issuer[CERT_NAME_MAX];
    int64_t not_before, not_after;
    enum cert_sig sig;
    bool ca, has_pathlen, has_usage, may_sign;
    uint64_t pathlen;
    struct cert_extension extensions[CERT_EXTENSIONS_MAX];
    size_t n_extensions;
};

#endif
