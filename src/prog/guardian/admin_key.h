/*
 * Administrators' keys: Ed25519, kept as PKCS#8 (RFC 8410 section 7) in PEM, so
 * `openssl genpkey -algorithm ed25519` makes one and `openssl pkeyutl` can sign
 * with it too.
 */
#ifndef PROG_GUARDIAN_ADMIN_KEY_H
#define PROG_GUARDIAN_ADMIN_KEY_H

#include "base/crypto/sig.h"

/* The key id of PROTOCOL/changes.md: the first 16 bytes of SHA-256 over the public key. */
struct admin_id {
    uint8_t b[16];
};
struct admin_id admin_id_of(const struct sig_public *public);

struct admin_key {
    struct sig_secret secret;
    struct sig_public public;
    struct admin_id id;
};
static inline void admin_key_wipe(struct admin_key *key)
{
    wipe(key, sizeof *key);
}

void admin_key_make(struct rng rng, struct admin_key *key);
/* Appends the PEM text; it is secret, so is the buffer. */
enum err admin_key_encode(const struct admin_key *key, struct buf *out);
/* Only this form, nothing before or after it: E_MALFORMED, and key is wiped. */
enum err admin_key_decode(struct bytes pem, struct admin_key *key);

/* The same from and to a file. */
enum err admin_key_load(const char *path, struct admin_key *key, struct problem *p);
enum err admin_key_save(const char *path, const struct admin_key *key, struct problem *p);

#endif
