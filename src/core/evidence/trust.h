/*
 * Whom evidence is believed: the vendors' root keys, pinned by the SHA-256 of
 * their DER SubjectPublicKeyInfo (the certificate around a key may be renewed,
 * the key is what is trusted).
 */
#ifndef CORE_EVIDENCE_TRUST_H
#define CORE_EVIDENCE_TRUST_H

#include "core/evidence/claims.h"

struct trust_root {
    const char *name;
    enum platform platform;
    enum snp_product product; /* SNP: the one product it may vouch for; unknown: any */
    bool simulated;
    struct hash32 spki;
};

struct evidence_trust {
    const struct trust_root *roots;
    size_t n_roots;
    bool simulated; /* roots marked as simulated count too */
};

/*
 * Intel's SGX Root CA and AMD's root keys of Milan, Genoa and Turin; with
 * `simulated`, also the development vendor (core/evidence/sim), whose private
 * keys are public. Only a genesis with `simulation: true` may ask for that.
 */
struct evidence_trust evidence_trust_vendors(bool simulated);

/* The accepted root with this key, or NULL. */
const struct trust_root *evidence_trust_find(const struct evidence_trust *trust,
                                             enum platform platform, struct hash32 spki);

#endif
