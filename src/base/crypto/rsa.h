/*
 * RSASSA-PSS (RFC 8017) with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes: what AMD's
 * certificate authorities sign with. Signing is for the simulated vendor, whose keys are public;
 * verification is cert.h's. Public exponent 65537. Numbers are big-endian.
 */
#ifndef BASE_CRYPTO_RSA_H
#define BASE_CRYPTO_RSA_H

#include "base/bytes.h"
#include "base/rng.h"

#define RSA_SIZE     256
#define RSA_EXPONENT 65537

struct rsa_primes {
    uint8_t p[RSA_SIZE / 2], q[RSA_SIZE / 2];
};

struct rsa_signature {
    uint8_t s[RSA_SIZE];
};

void rsa_modulus(const struct rsa_primes *key, uint8_t n[static RSA_SIZE]);
/* The salt comes from rng. E_VALUE if these are no primes of a key. */
enum err rsa_pss_sign(const struct rsa_primes *key, struct rng rng, struct bytes message,
                      struct rsa_signature *out);

#endif
