/* "host:port" and "[v6]:port", as seats and configuration write them. */
#ifndef CORE_STATE_ADDRESS_H
#define CORE_STATE_ADDRESS_H

#include "core/state/records.h"

/* Splits; host is a name or an address without brackets, port is 1 to 65535. E_VALUE. */
enum err address_split(const char *text, char host[static ADDRESS_MAX], uint16_t *port);
/* The reverse, with brackets where needed. out holds ADDRESS_MAX + 8. */
void address_join(const char *host, uint16_t port, char out[static ADDRESS_MAX + 8]);

#endif
