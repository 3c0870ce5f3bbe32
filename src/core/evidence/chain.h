/*
 * The vendors' certificate chains, from the key that signs evidence up to a
 * pinned root, and what the leaf certificate says about the machine.
 *
 * TDX: PCK certificate <- PCK Platform or Processor CA <- SGX Root CA (Intel,
 * "SGX PCK Certificate and CRL Profile Specification"). SNP: VCEK or VLEK <-
 * SEV CA (ASK or ASVK) <- ARK (AMD, "VCEK Certificate and KDS Interface
 * Specification", 57230).
 *
 * Signatures, names, CA flags, path lengths, algorithms, dates and the vendors'
 * extensions are judged here, AMD's revocation too; Intel's and TCB levels are not.
 */
#ifndef CORE_EVIDENCE_CHAIN_H
#define CORE_EVIDENCE_CHAIN_H

#include "core/evidence/revocation.h"
#include "core/evidence/trust.h"

/* What a PCK certificate says about its platform (SGX extension 1.2.840.113741.1.13.1). */
struct pck {
    uint8_t ppid[16], cpu_svn[16], pce_id[2], fmspc[6];
    uint16_t pce_svn;
    bool has_platform_instance;
    uint8_t platform_instance_id[16];
};

/* What a VCEK or VLEK certificate says (extensions below 1.3.6.1.4.1.3704.1). */
struct vek {
    enum snp_key kind;
    enum snp_product product;
    struct snp_tcb tcb;
    uint8_t hwid[64]; /* VCEK: the chip id; Turin has 8 bytes of it */
    size_t hwid_size; /* VLEK: 0 */
};

/* A verified chain. */
struct chain {
    enum platform platform;
    struct hash32 root;
    bool simulated;
    int64_t not_before, not_after; /* when all of its certificates are valid */
    enum curve curve;
    struct ecdsa_point key;       /* of the leaf */
    struct revocation revocation; /* SNP */
    union {
        struct pck pck;
        struct vek vek;
    };
};

/*
 * Verifies the certification data of a quote: three certificates, as PEM from
 * the leaf up, or as DER in either direction. E_CHAIN.
 */
enum err chain_verify_pck(struct bytes certification_data, const struct evidence_trust *trust,
                          int64_t unix_time, struct chain *out, struct problem *p);

#define PCK_CERTS 3
/*
 * Takes certification data apart, leaf first, without trust in it. The certificates are the
 * caller's to free, after a failure those that are not NULL (start with NULLs). E_FORMAT, E_CHAIN.
 */
enum err chain_parse_pck(struct bytes certification_data, struct cert *out[static PCK_CERTS],
                         struct problem *p);

/* What the chain's leaf says, without trust in it: for display. E_CHAIN. */
enum err chain_read_pck(struct bytes certification_data, struct pck *out);

#define CERT_POOL_MAX 128

/* Certificates from which a chain is put together. Owns them. */
struct cert_pool {
    struct cert *c[CERT_POOL_MAX];
    size_t n;
};
/* Adds every certificate in `in` (one in DER, or PEM); what is none is passed over. E_NOMEM. */
enum err cert_pool_add(struct cert_pool *pool, struct bytes in);
void cert_pool_clear(struct cert_pool *pool);

/* What a VCEK's or VLEK's chain is made of and judged by. */
struct vek_context {
    const struct cert_pool *pool;
    const struct evidence_trust *trust;
    struct revocation_lists lists; /* not demanded of a simulated chain */
    int64_t unix_time;
};
/*
 * Verifies that this VCEK or VLEK chains to a trusted ARK through certificates of the pool, and
 * that the ARK has revoked none of them (its list covers the ASK or ASVK and itself: AMD revokes no
 * VCEK). E_COLL_MISSING if an issuer is not in the pool, E_CHAIN, and what revocation_check() says.
 */
enum err chain_verify_vek(const struct cert *vek, const struct vek_context *context,
                          struct chain *out, struct problem *p);
/* Whether the chain's revocation needs no new judgement. */
bool chain_vek_unrevoked(const struct chain *c, struct revocation_lists lists, int64_t unix_time);
/* Reads what the certificate says, without trust in it. E_CHAIN if it is no VCEK or VLEK. */
enum err chain_read_vek(const struct cert *c, struct vek *out, struct problem *p);

/* Sets the validity of the chain to what is common to its n certificates. */
void chain_intersect_dates(struct chain *out, struct cert *const c[], size_t n);
/* E_CHAIN if the time is outside the chain's validity. */
enum err chain_check_dates(const struct chain *c, int64_t unix_time, struct problem *p);

#endif
