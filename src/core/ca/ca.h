/*
 * Certificates and revocation lists of Guardian (design.md section 7; RFC 5280;
 * SPIFFE X509-SVID).
 *
 * Every function here turns typed values into the bytes that are signed (a
 * TBSCertificate or TBSCertList) and nothing else: no key, no clock, no
 * randomness. The same values give the same bytes on every guardian and in every
 * release, so that each signer rebuilds what it signs and nobody sends TBS
 * bytes. The caller signs, and ca_assemble() puts the three parts together.
 *
 *     root (Ed25519) -> namespace CA (Ed25519) -> issuing CA (P-256, 24 h) -> leaf      sealed
 *     root (Ed25519) -> namespace CA (Ed25519) -> leaf                                  threshold
 *
 * Names: O = trust domain, OU = namespace, CN = what it is; a simulated cluster
 * has " (simulation)" in the CN of every CA, so it is in the issuer of every
 * leaf. Leaves have an empty subject and a critical SAN. Key identifiers are
 * the leftmost 160 bits of SHA-256 over the key's BIT STRING (RFC 7093, 2(1)).
 * Serial numbers are 20 bytes of H("guardian/v1/serial"; entry, profile) with
 * the first two bits set to 01: positive, never zero, never shortened by DER
 * (RFC 5280, 4.1.2.2).
 *
 * OpenSSL holds a namespace to all three kinds of names; GnuTLS 3.7 to DNS names and
 * addresses, it does not look at URIs.
 * Leaves are of instances, spiffe://<ns>.<td>/instance/<id>, or of guardians' own API,
 * spiffe://guardian.<td>/guardian/<gid>.
 *
 * It does not check that a lifetime lies in that of the issuer, that a key
 * belongs to anybody, or that names are within the namespace's: see
 * ca_names_within() for the last.
 */
#ifndef CORE_CA_CA_H
#define CORE_CA_CA_H

#include "base/bytes.h"
#include "base/crypto/hash.h"
#include "base/crypto/p256.h"
#include "base/crypto/sig.h"
#include "base/reader.h"
#include "base/writer.h"

/* Upper bound of organizationName (RFC 5280, appendix A.1). */
#define CA_TRUST_DOMAIN_MAX 64
#define CA_NAMES_MAX        32
/* Names at their limits stay below these. */
#define CA_TBS_MAX  16384
#define CA_CERT_MAX (CA_TBS_MAX + 512)
#define CA_CRL_MAX  (4 << 20)
/* The longest subject of a leaf: an instance id is 64 hex digits. */
#define CA_INSTANCE_MAX 128
#define CA_SPKI_MAX     128
/* With terminators: "<ns>.<trust domain>", and that between scheme and path. */
#define CA_HOST_MAX   (64 + CA_TRUST_DOMAIN_MAX + 1)
#define CA_SPIFFE_MAX (CA_HOST_MAX + CA_INSTANCE_MAX + 32)

enum ca_alg { CA_ED25519, CA_ECDSA_P256 };

/* --- names --- */

/* An IP network, or one address (prefix 32 or 128). Host bits are zero. */
struct ca_ip {
    uint8_t family; /* 4 or 6 */
    uint8_t prefix;
    uint8_t b[16];
};

/*
 * What a leaf carries, or what a namespace permits: DNS names with all below them, and
 * networks. Both lists empty permit nothing; `any` permits everything (the guardians' own
 * namespace, whose seats have names of many owners) and is for namespaces alone.
 * DNS names are views of lower-case ASCII without a final dot.
 */
struct ca_names {
    bool any;
    struct bytes dns[CA_NAMES_MAX];
    size_t n_dns;
    struct ca_ip ip[CA_NAMES_MAX];
    size_t n_ip;
};

/* Lower case letters, digits, '-' in dot-separated labels of 1 to 63, at most CA_TRUST_DOMAIN_MAX.
 */
bool ca_trust_domain_valid(struct bytes name);
/* The same with at most 253 bytes, no wildcard. */
bool ca_dns_valid(struct bytes name);
/* "192.0.2.1", "2001:db8::1" -> prefix 32, 128; E_VALUE. */
enum err ca_ip_parse(const char *text, struct ca_ip *out);
/* "10.0.0.0/8": a prefix is needed and host bits must be zero; E_VALUE. */
enum err ca_net_parse(const char *text, struct ca_ip *out);
/*
 * Whether a certificate with these names passes the constraints that ca_namespace_tbs()
 * writes for `allowed`: each DNS name is one of allowed->dns or below it, each address in
 * one of allowed->ip.
 */
bool ca_names_within(const struct ca_names *names, const struct ca_names *allowed);
/* Each adds one to the list; E_VALUE if it is not valid or the list is full. The view is kept. */
enum err ca_names_add_dns(struct ca_names *names, struct bytes dns);
enum err ca_names_add_ip(struct ca_names *names, const char *address);
enum err ca_names_add_net(struct ca_names *names, const char *cidr);
/* For the log; DNS names read are views of the reader's input. Bad on what cannot be written. */
void ca_names_write(struct writer *w, const struct ca_names *names);
void ca_names_read(struct reader *r, struct ca_names *names);
/* "10.0.0.0/8", or the address alone when all of it counts. */
#define CA_IP_TEXT 56
void ca_ip_text(const struct ca_ip *ip, char out[static CA_IP_TEXT]);

/* --- certificates --- */

/*
 * What all certificates of a cluster share. `entry` is the hash of the committed entry (or,
 * for what a guardian signs by itself, of its request) that the certificate comes from; one
 * entry gives at most one certificate of each profile.
 */
struct ca_common {
    const char *trust_domain;
    bool simulation;
    struct hash32 entry;
    int64_t not_before, not_after; /* unix seconds, both included; from 1970 to 9999 */
};

struct ca_root {
    struct ca_common common;
    struct sig_public key;
};

struct ca_namespace {
    struct ca_common common;
    const char *ns; /* a DNS label */
    struct sig_public key, root;
    bool threshold;        /* pathlen 0 instead of 1 */
    struct ca_names names; /* what its leaves may carry */
};

struct ca_issuing {
    struct ca_common common;
    const char *ns;
    uint32_t gid;
    struct p256_public key;
    struct sig_public ns_key;
};

struct ca_leaf {
    struct ca_common common;
    const char *ns;
    const char *instance;         /* 1 to CA_INSTANCE_MAX of [A-Za-z0-9._-]; NULL: a guardian's */
    uint32_t subject_gid;         /* ... and then whose */
    struct bytes spki;            /* DER, P-256 or Ed25519, as csr_parse() gives it */
    const struct ca_names *names; /* NULL: none */
    /* The issuer: in sealed namespaces a guardian's issuing CA, else the namespace CA. */
    bool threshold;
    uint32_t gid;              /* sealed */
    struct p256_public issuer; /* sealed */
    struct sig_public ns_key;  /* threshold */
};

/*
 * Each appends the DER TBSCertificate to out. E_VALUE for a name, time or key that the
 * profile forbids; out is then unchanged.
 */
enum err ca_root_tbs(const struct ca_root *in, struct buf *out);
enum err ca_namespace_tbs(const struct ca_namespace *in, struct buf *out);
enum err ca_issuing_tbs(const struct ca_issuing *in, struct buf *out);
enum err ca_leaf_tbs(const struct ca_leaf *in, struct buf *out);

/* The serial number a certificate of this profile gets, for revocation. */
enum ca_profile { CA_PROFILE_ROOT, CA_PROFILE_NAMESPACE, CA_PROFILE_ISSUING, CA_PROFILE_LEAF };
struct ca_serial {
    uint8_t b[20];
};
struct ca_serial ca_serial(struct hash32 entry, enum ca_profile profile);

/* The signature algorithm of what this CA signs. */
enum ca_alg ca_profile_alg(enum ca_profile signer);

/* "spiffe://<ns>.<trust domain>/instance/<id>", appended without a terminator. E_VALUE. */
enum err ca_spiffe_id(const char *trust_domain, const char *ns, const char *instance,
                      struct buf *out);

/* --- revocation lists --- */

struct ca_revoked {
    struct ca_serial serial;
    int64_t at;     /* unix seconds */
    uint8_t reason; /* CRLReason; 0 (unspecified) is not written */
};

struct ca_crl {
    enum ca_profile issuer; /* CA_PROFILE_ROOT, _NAMESPACE or _ISSUING */
    const char *trust_domain;
    bool simulation;
    const char *ns;              /* unless the root's */
    uint32_t gid;                /* an issuing CA's */
    struct sig_public key;       /* the root's or namespace CA's own key */
    struct p256_public p256_key; /* an issuing CA's own key */
    uint64_t number;             /* grows with every list of this CA */
    int64_t this_update, next_update;
    const struct ca_revoked *revoked; /* in strictly ascending order of serials; may be empty */
    size_t n_revoked;
};

/* Appends the DER TBSCertList. E_VALUE as above. */
enum err ca_crl_tbs(const struct ca_crl *in, struct buf *out);

/* --- assembly --- */

/*
 * Appends SEQUENCE{tbs, algorithm, signature}: a Certificate or CertificateList. An Ed25519
 * signature has 64 bytes, an ECDSA one is DER (p256_sign()); otherwise E_VALUE. It is not verified.
 */
enum err ca_assemble(struct bytes tbs, enum ca_alg alg, struct bytes signature, struct buf *out);

/* --- reading what we made --- */

/* What a leaf says. */
struct ca_leaf_view {
    char ns[64];
    char instance[CA_INSTANCE_MAX + 1]; /* empty: a guardian's */
    uint32_t gid;                       /* ... and then whose */
    struct ca_serial serial;
    uint8_t spki[CA_SPKI_MAX];
    size_t spki_n;
    int64_t not_before, not_after;
};
/*
 * Reads a leaf that somebody showed and verifies nothing. E_MALFORMED if it is not of the
 * form ca_leaf_tbs() writes or of another trust domain.
 */
enum err ca_leaf_read(const char *trust_domain, struct bytes der, struct ca_leaf_view *out);
/*
 * The first certificate is signed by the key in the second, and so on; the last by
 * `root_key`. All are valid at this time. E_MALFORMED, E_SIGNATURE, E_CERT_EXPIRED. Names, CA
 * flags and constraints are not looked at: this is for chains whose certificates we made and
 * whose places we know.
 */
enum err ca_chain_verify(const struct bytes *certs, size_t n, const struct sig_public *root_key,
                         int64_t unix_time);

#endif
