/*
 * FROST for simulations only: nonces, commitments and the single use of a nonce
 * are real, but a share is a hash that whoever knows the signer's public share
 * can compute, and the signature a hash of key and message. check_share() is as
 * strict as that of frost_ed25519 (another share, set, key or message is found)
 * and costs no multiplication. There is no secrecy: never in src/.
 */
#ifndef SUPPORT_IDEAL_FROST_H
#define SUPPORT_IDEAL_FROST_H

#include "core/threshold/frost.h"

extern const struct frost_scheme frost_ideal;

#endif
