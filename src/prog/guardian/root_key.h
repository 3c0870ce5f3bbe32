/* The Ed25519 key of a root certificate, for what is verified offline against it. */
#ifndef PROG_GUARDIAN_ROOT_KEY_H
#define PROG_GUARDIAN_ROOT_KEY_H

#include "base/crypto/sig.h"

/*
 * From PEM: one certificate, signed by its own Ed25519 key, valid at this time.
 * Whether it is the right root is for whoever pinned it. E_MALFORMED, E_SIGNATURE,
 * E_CERT_EXPIRED.
 */
enum err root_key_read(struct bytes pem, int64_t unix_time, struct sig_public *out);

#endif
