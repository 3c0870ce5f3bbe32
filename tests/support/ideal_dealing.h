/*
 * A dealing scheme for simulations only: real Feldman commitments, but the
 * polynomial travels in the clear. check() is as strict as that of dealing_ve
 * (a lying dealer is caught at the same place), open() needs no key, and both
 * cost a few scalar multiplications. There is no secrecy: never in src/.
 */
#ifndef SUPPORT_IDEAL_DEALING_H
#define SUPPORT_IDEAL_DEALING_H

#include "core/threshold/dealing.h"

extern const struct dealing_scheme dealing_ideal;
/* How often check() ran. */
extern unsigned dealing_ideal_checks;

#endif
