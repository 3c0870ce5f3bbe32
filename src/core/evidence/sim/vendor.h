/* The simulated vendor's keys and certificates. Internal to core/evidence/sim. */
#ifndef CORE_EVIDENCE_SIM_VENDOR_H
#define CORE_EVIDENCE_SIM_VENDOR_H

#include "base/codec/der.h"
#include "base/crypto/rsa.h"
#include "core/evidence/sim/sim.h"

/* A key pair of the vendor: RSA if `rsa` is set, else on the secret's curve. */
struct sim_key {
    struct ecdsa_secret secret;
    struct ecdsa_point public;
    const struct rsa_primes *rsa;
};
/*
 * A key derived from SIM_VENDOR_SEED and a name. `of` tells apart keys of one name: machine ids,
 * TCB levels.
 */
struct sim_key sim_key(enum curve curve, const char *name, struct bytes of);

/* The AMD-like authorities sign with RSA-PSS and SHA-384, as AMD's do. */
enum sim_rsa { SIM_RSA_ARK, SIM_RSA_ASK, SIM_RSA_ASVK, SIM_RSA_KEYS };
extern const struct rsa_primes sim_rsa_primes[SIM_RSA_KEYS];
static inline struct sim_key sim_rsa_key(enum sim_rsa which)
{
    return (struct sim_key){.rsa = &sim_rsa_primes[which]};
}

/* Deterministic: the nonce follows from key and digest. */
enum err sim_sign(const struct ecdsa_secret *secret, struct bytes digest, struct ecdsa_rs *out);

/* What a certificate says; signed by `issuer`. */
struct sim_cert {
    const char *subject, *issued_by; /* common names */
    const struct sim_key *key;       /* certified */
    const struct sim_key *issuer;
    int pathlen;                   /* -1: not a CA */
    struct bytes extensions;       /* further ones, as DER elements */
    int64_t not_before, not_after; /* unix seconds; both 0: from 2020 to 2049 */
};
/* Its serial number follows from the certified key and the name; positive. */
#define SIM_SERIAL_SIZE 16
void sim_serial(const char *subject, const struct sim_key *key,
                uint8_t out[static SIM_SERIAL_SIZE]);
/* Appends the certificate in DER. */
enum err sim_cert_write(const struct sim_cert *c, struct buf *out);

/* What a revocation list says; signed by `issuer`. */
struct sim_crl {
    const char *issued_by; /* common name */
    const struct sim_key *issuer;
    int64_t this_update, next_update;
    const struct bytes *revoked; /* serial numbers as cert_serial() gives them */
    size_t n_revoked;
    struct bytes entry_extensions; /* of every entry, as one DER element; or none */
    struct bytes extensions;       /* further ones, as DER elements */
};
/* Appends the list in DER. */
enum err sim_crl_write(const struct sim_crl *crl, struct buf *out);
/* The SubjectPublicKeyInfo of a key. */
void sim_spki_write(struct writer *w, const struct sim_key *key);

/* The two platforms, behind sim.h. */
enum err sim_tdx_init(struct sim_machine *m);
enum err sim_tdx_evidence(const struct sim_machine *m, const uint8_t report_data[static 64],
                          struct buf *out);
enum err sim_snp_init(struct sim_machine *m);
enum err sim_snp_evidence(const struct sim_machine *m, const uint8_t report_data[static 64],
                          struct buf *out);

#endif
