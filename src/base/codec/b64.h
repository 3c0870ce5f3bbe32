/* Base64 (RFC 4648): standard with padding, or URL-safe without. No line breaks, no leniency. */
#ifndef BASE_CODEC_B64_H
#define BASE_CODEC_B64_H

#include "base/bytes.h"
#include "base/secret.h"

enum b64 { B64_STANDARD, B64_URL };

/* Appends the text, unterminated. */
enum err b64_encode(enum b64 variant, struct bytes in, struct buf *out);
/* A terminated string on the heap; NULL when out of memory. Wipe it if it held a secret. */
char *b64_string(enum b64 variant, struct bytes in);
/* Appends the bytes; E_MALFORMED, and out is unchanged. */
enum err b64_decode(enum b64 variant, struct bytes text, struct buf *out);

#endif
