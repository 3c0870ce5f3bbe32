/*
 * An ideal signature scheme for simulations: a keyed hash that anybody who
 * knows the public key could make. Honest code and simulated liars use it only
 * through the secret key, so within a simulation it is unforgeable, and it is
 * some hundred times faster than Ed25519. Never in a shipped program.
 */
#ifndef SUPPORT_IDEAL_SIG_H
#define SUPPORT_IDEAL_SIG_H

#include "base/crypto/sig.h"

extern const struct sig_scheme sig_ideal;

#endif
