/* What every program does before its first use of base/crypto. */
#ifndef BASE_CRYPTO_START_H
#define BASE_CRYPTO_START_H

#include "base/err.h"

/* Lets libsodium choose its implementations for this CPU. E_INTERNAL: the program must stop. */
enum err crypto_start(void);

#endif
