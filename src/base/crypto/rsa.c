#include "base/crypto/rsa.h"

#include "base/crypto/hash.h"

#include <nettle/bignum.h>
#include <nettle/rsa.h>

#define SALT_SIZE 48

void rsa_modulus(const struct rsa_primes *key, uint8_t n[static RSA_SIZE])
{
    mpz_t p, q;
    nettle_mpz_init_set_str_256_u(p, sizeof key->p, key->p);
    nettle_mpz_init_set_str_256_u(q, sizeof key->q, key->q);
    mpz_mul(p, p, q);
    nettle_mpz_get_str_256(RSA_SIZE, n, p);
    mpz_clear(p);
    mpz_clear(q);
}

/* a = e^-1 mod p-1; false if there is none. */
static bool invert_exponent(mpz_t a, const mpz_t e, const mpz_t p)
{
    mpz_t order;
    mpz_init(order);
    mpz_sub_ui(order, p, 1);
    bool exists = mpz_invert(a, e, order) != 0;
    mpz_clear(order);
    return exists;
}

/* What signing needs besides the primes, with their remainders (RFC 8017, 3.2). */
static bool expand(const struct rsa_primes *key, struct rsa_public_key *public,
                   struct rsa_private_key *private)
{
    nettle_mpz_set_str_256_u(private->p, sizeof key->p, key->p);
    nettle_mpz_set_str_256_u(private->q, sizeof key->q, key->q);
    mpz_mul(public->n, private->p, private->q);
    mpz_set_ui(public->e, RSA_EXPONENT);
    return invert_exponent(private->a, public->e, private->p) &&
           invert_exponent(private->b, public->e, private->q) &&
           mpz_invert(private->c, private->q, private->p) != 0 && rsa_public_key_prepare(public) &&
           rsa_private_key_prepare(private);
}

static void nettle_random(void *ctx, size_t n, uint8_t *out)
{
    rng_fill(*(struct rng *)ctx, out, n);
}

enum err rsa_pss_sign(const struct rsa_primes *key, struct rng rng, struct bytes message,
                      struct rsa_signature *out)
{
    struct rsa_public_key public;
    struct rsa_private_key private;
    uint8_t digest[48], salt[SALT_SIZE];
    mpz_t s;
    rsa_public_key_init(&public);
    rsa_private_key_init(&private);
    mpz_init(s);
    sha384(message, digest);
    rng_fill(rng, salt, sizeof salt);
    bool good = expand(key, &public, &private) &&
                rsa_pss_sha384_sign_digest_tr(&public, &private, &rng, nettle_random, sizeof salt,
                                              salt, digest, s);
    if (good)
        nettle_mpz_get_str_256(RSA_SIZE, out->s, s);
    mpz_clear(s);
    rsa_public_key_clear(&public);
    rsa_private_key_clear(&private);
    return good ? OK : E_VALUE;
}
