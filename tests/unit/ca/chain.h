/* A small hierarchy with fixed keys, for the tests of this folder. */
#ifndef TEST_CHAIN_H
#define TEST_CHAIN_H

#include "base/crypto/p256.h"
#include "base/crypto/sig.h"
#include "core/ca/ca.h"

/* The time certificates are made at; 1790000000 unless a test changes it. */
extern int64_t chain_now;

struct chain_ca {
    struct sig_secret secret;
    struct sig_public public;
};
struct chain_issuing {
    struct p256_secret secret;
    struct p256_public public;
};

/* Keys follow from the number. */
struct chain_ca chain_ca(uint64_t number);
struct chain_issuing chain_issuing(uint64_t number);

struct ca_common chain_common(uint8_t entry, int64_t lifetime);
struct ca_root chain_root_of(const struct chain_ca *root);
struct ca_namespace chain_namespace_of(const char *ns, const struct chain_ca *key,
                                       const struct chain_ca *root);
struct ca_issuing chain_issuing_of(const char *ns, const struct chain_issuing *key,
                                   const struct chain_ca *ns_key);
/* In a sealed namespace; the SPKI is written to `spki`. */
struct ca_leaf chain_leaf_of(const char *ns, const struct chain_issuing *key,
                             const struct chain_issuing *issuer, struct buf *spki);

/* The certificate or list of these bytes. */
struct buf chain_sign_ed25519(const struct chain_ca *ca, struct bytes tbs);
struct buf chain_sign_p256(const struct chain_issuing *ca, struct bytes tbs);

#endif
