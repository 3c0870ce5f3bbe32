/*
 * X.509 certificates (RFC 5280) of hardware vendors: parsing, and the steps of
 * a chain check as separate functions, so that each vendor's rules stand where
 * that vendor is verified. Not for TLS, which brings its own.
 *
 * Parsing is strict: version 3 in DER, nothing after the certificate, no extension
 * twice, no critical extension that nobody here understands. It is our own, as
 * OpenSSL 3.0 takes 200 us to parse a certificate (it looks up a decoder for the
 * key each time), most of what verifying evidence for the first time would cost.
 */
#ifndef BASE_CRYPTO_CERT_H
#define BASE_CRYPTO_CERT_H

#include "base/crypto/ecdsa.h"
#include "base/crypto/hash.h"

/* A vendor's certificate is below 2 KiB; 8 KiB bounds the work a hostile one can cause. */
#define CERT_SIZE_MAX 8192
#define CERT_NAME_MAX 128

struct cert;

/* The signature algorithms vendors use; everything else is CERT_SIG_OTHER. */
enum cert_sig { CERT_SIG_OTHER, CERT_SIG_ECDSA_SHA256, CERT_SIG_ECDSA_SHA384, CERT_SIG_PSS_SHA384 };

/* E_CHAIN with the reason; *out is freed with cert_free(). */
enum err cert_parse(struct bytes der, struct cert **out, struct problem *p);
/* c may be NULL. */
void cert_free(struct cert *c);

/* The last common name of subject and issuer, terminated; "" if there is none. */
const char *cert_subject(const struct cert *c);
const char *cert_issuer(const struct cert *c);
/* Validity in unix seconds, both ends included. */
int64_t cert_not_before(const struct cert *c);
int64_t cert_not_after(const struct cert *c);
/* basicConstraints says CA, and keyUsage, if there is one, allows to sign certificates. */
bool cert_is_ca(const struct cert *c);
enum cert_sig cert_sig(const struct cert *c);
/* The whole certificate; borrows from c. */
struct bytes cert_der(const struct cert *c);
/* The content bytes of the serial number, in the shortest form; borrows from c. */
struct bytes cert_serial(const struct cert *c);
/* SHA-256 of the DER SubjectPublicKeyInfo. */
struct hash32 cert_spki_hash(const struct cert *c);
/* The public key if it is an uncompressed point of `curve`; E_CHAIN otherwise. */
enum err cert_ec_point(const struct cert *c, enum curve curve, struct ecdsa_point *out);
/* The value of an extension by the content bytes of its OID, borrowed from c; E_NOT_FOUND. */
enum err cert_extension(const struct cert *c, struct bytes oid, struct bytes *value);
/* The OID from a literal: "\x55\x1d\x13" is 2.5.29.19. */
#define CERT_OID(literal) bytes((literal), sizeof(literal) - 1)

/*
 * c names `issuer` as its issuer, `issuer` may issue it (CA, path length for
 * `below` CAs between it and the leaf), and its key verifies c's signature.
 * Otherwise E_CHAIN. Says nothing about dates or trust.
 */
enum err cert_check_issued(const struct cert *c, const struct cert *issuer, unsigned below,
                           struct problem *p);
/* E_CHAIN if `unix_time` is outside the validity period. */
enum err cert_check_dates(const struct cert *c, int64_t unix_time, struct problem *p);

/*
 * Takes the next PEM certificate (RFC 7468, strict form: lines end in LF or
 * CRLF) off the front of *text and appends its DER to `der`. E_NOT_FOUND when
 * only white space is left, E_MALFORMED for anything else.
 */
enum err cert_next_pem(struct bytes *text, struct buf *der);

#endif
