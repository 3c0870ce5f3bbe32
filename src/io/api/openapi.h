/* The OpenAPI 3.1 document, from the same tables as the router. */
#ifndef IO_API_OPENAPI_H
#define IO_API_OPENAPI_H

#include "base/bytes.h"

/* It has about 25 KiB. */
#define API_OPENAPI_MAX (256u << 10)

/* Appends the document: the same bytes for the same tables and version. */
enum err api_openapi_write(struct buf *out);

#endif
