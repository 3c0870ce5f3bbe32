/*
 * Certificates: the bytes that are signed, as pure functions of typed inputs.
 *
 * Every guardian rebuilds them and nobody sends them, so the same inputs give
 * the same bytes everywhere. The profiles are those of design.md section 7 in
 * the terms of RFC 5280: root -> namespace CA -> issuing CA -> leaf, the last
 * step of each being a SPIFFE ID below spiffe://<namespace>.<trust domain>/.
 *
 * This folder does not know who signs, keeps no keys and judges no requests.
 * Serial numbers follow from `cause`, the entry that asked; of a simulation
 * every name says so.
 */
#ifndef CORE_CA_CA_H
#define CORE_CA_CA_H

#include "base/bytes.h"
#include "base/crypto/p256.h"
#include "base/crypto/sig.h"
#include "base/reader.h"
#include "base/writer.h"

#define CA_NAMES_MAX 32
#define CA_DNS_MAX   128

/* Of a namespace: the DNS names (with all below them) and networks it may certify. Of a leaf: its
 * own names and host addresses (all-ones masks). */
struct ca_names {
    bool is_any; /* no constraint at all; then the lists are empty */
    uint32_t n_dns, n_ip;
    char dns[CA_NAMES_MAX][CA_DNS_MAX];
    struct {
        uint8_t n; /* 4 or 16 */
        uint8_t address[16], mask[16];
    } ip[CA_NAMES_MAX];
};
/* Sets is_any: the guardians' own namespace. */
void ca_names_any(struct ca_names *n);
/* A DNS name in lower case; E_VALUE if it is none, or the list is full. */
enum err ca_names_add_dns(struct ca_names *n, const char *name);
/* "10.0.0.0/8", "2001:db8::/32", or an address alone; host bits must be zero. E_VALUE. */
enum err ca_names_add_ip(struct ca_names *n, const char *cidr);
/* The text of network i, as ca_names_add_ip() takes it. */
void ca_names_ip_text(const struct ca_names *n, uint32_t i, char out[static 64]);
void ca_names_write(struct writer *w, const struct ca_names *n);
void ca_names_read(struct reader *r, struct ca_names *n);

struct ca_validity {
    int64_t not_before, not_after; /* unix seconds, both included */
};
struct ca_domain {
    const char *trust_domain;
    bool simulation;
};

/* Each appends a DER TBSCertificate. */
enum err ca_root_tbs(const struct ca_domain *d, const struct sig_public *root, struct ca_validity v,
                     struct hash32 cause, struct buf *out);
enum err ca_namespace_tbs(const struct ca_domain *d, const char *ns, bool is_threshold,
                          const struct ca_names *names, const struct sig_public *root,
                          const struct sig_public *ns_key, struct ca_validity v,
                          struct hash32 cause, struct buf *out);
enum err ca_issuing_tbs(const struct ca_domain *d, const char *ns, uint32_t gid, struct bytes spki,
                        const struct sig_public *ns_key, struct ca_validity v, struct hash32 cause,
                        struct buf *out);

struct ca_leaf {
    const char *ns;
    bool is_guardian;             /* path guardian/<gid>, else instance/<hex id> */
    uint32_t gid;                 /* of the guardian that is named */
    struct hash32 instance;       /* of the instance that is named */
    struct bytes spki;            /* P-256 or Ed25519 */
    const struct ca_names *names; /* further names; NULL: none */
    struct ca_validity v;
    struct hash32 cause;
};
/* Issued by the issuing CA of guardian issuer_gid in leaf->ns. */
enum err ca_leaf_tbs(const struct ca_domain *d, const struct ca_leaf *leaf, uint32_t issuer_gid,
                     struct bytes issuer_spki, struct buf *out);

/* Each appends a DER TBSCertList that revokes nothing; v is this update and next update. */
enum err ca_crl_root_tbs(const struct ca_domain *d, const struct sig_public *root,
                         struct ca_validity v, uint64_t number, struct buf *out);
enum err ca_crl_namespace_tbs(const struct ca_domain *d, const char *ns,
                              const struct sig_public *ns_key, struct ca_validity v,
                              uint64_t number, struct buf *out);
enum err ca_crl_issuing_tbs(const struct ca_domain *d, const char *ns, uint32_t gid,
                            struct bytes issuer_spki, struct ca_validity v, uint64_t number,
                            struct buf *out);

/* SEQUENCE {tbs, algorithm, signature} of what was signed under Ed25519 ... */
enum err ca_assemble_ed25519(struct bytes tbs, const struct signature *s, struct buf *out);
/* ... and, signing it here, under ECDSA with SHA-256. */
enum err ca_assemble_p256(struct bytes tbs, const struct p256_secret *issuer, struct rng rng,
                          struct buf *out);

/* What a leaf of ours says. */
struct ca_leaf_view {
    char ns[64];
    bool is_guardian;
    uint32_t gid;
    struct hash32 instance;
    uint8_t spki[128];
    size_t spki_n;
    int64_t not_before, not_after;
};
/* Reads a leaf that somebody showed, and verifies nothing. E_MALFORMED if it is not of our form or
 * of another trust domain. */
enum err ca_leaf_read(const struct ca_domain *d, struct bytes der, struct ca_leaf_view *out);
/* The leaf is signed by `issuing`, that by `ns_ca`, that by `root`, all are valid at this time:
 * E_CHAIN, E_SIGNATURE, E_CERT_EXPIRED. Names are not looked at: we made the chain. */
enum err ca_leaf_verify(struct bytes leaf, struct bytes issuing, struct bytes ns_ca,
                        struct bytes root, int64_t unix_time);

#endif
