#include "base/crypto/start.h"

#include <sodium.h>

enum err crypto_start(void)
{
    return sodium_init() < 0 ? E_INTERNAL : OK;
}
