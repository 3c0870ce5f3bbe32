/*
 * Certification requests (PKCS#10, RFC 2986), read strictly.
 *
 * A request tells us one thing that counts: a public key whose holder signed
 * it. The names in it are wishes; the caller decides by the namespace's rules.
 * Keys: P-256 (ecdsa-with-SHA256) and Ed25519 (RFC 8410), nothing else.
 *
 * It does not look at the subject name, and ignores attributes other than one
 * extensionRequest, and requested extensions other than subjectAltName.
 */
#ifndef BASE_CRYPTO_CSR_H
#define BASE_CRYPTO_CSR_H

#include "base/bytes.h"
#include "base/crypto/p256.h"
#include "base/crypto/sig.h"

/* A request with 32 long names has 9 KiB; nothing real is longer. */
#define CSR_MAX       16384
#define CSR_NAMES_MAX 32

enum csr_key { CSR_P256, CSR_ED25519 };

struct csr_ip {
    uint8_t n; /* 4 or 16 */
    uint8_t b[16];
};

/* Views are into `der`, which must outlive this. */
struct csr {
    enum csr_key kind;
    struct p256_public p256;   /* CSR_P256 */
    struct sig_public ed25519; /* CSR_ED25519 */
    struct bytes spki;         /* the whole SubjectPublicKeyInfo */
    struct bytes dns[CSR_NAMES_MAX];
    size_t n_dns;
    struct csr_ip ip[CSR_NAMES_MAX];
    size_t n_ip;
    struct bytes uri[CSR_NAMES_MAX];
    size_t n_uri;
};

/* Parses DER and checks the request's own signature. E_MALFORMED, E_TOO_LARGE, E_SIGNATURE. */
enum err csr_parse(struct bytes der, struct csr *out);
/*
 * The same for PEM or DER, whichever `text` is: the DER goes to `der`, which the views of
 * out then borrow.
 */
enum err csr_read(struct bytes text, struct buf *der, struct csr *out);

/*
 * A key of one of the two kinds from its SubjectPublicKeyInfo; E_VALUE for any other kind
 * or form. `p256` or `ed25519` is filled, as *kind says.
 */
enum err csr_spki_read(struct bytes spki, enum csr_key *kind, struct p256_public *p256,
                       struct sig_public *ed25519);

/*
 * Makes a request for a P-256 key: empty subject, SAN with these DNS names (may be none).
 * For clients and tests.
 */
enum err csr_write_p256(struct rng rng, const struct p256_secret *key, const struct bytes *dns,
                        size_t n_dns, struct buf *out);

#endif
