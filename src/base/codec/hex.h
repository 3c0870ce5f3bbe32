/* Hexadecimal: lower case on output, either case on input. */
#ifndef BASE_CODEC_HEX_H
#define BASE_CODEC_HEX_H

#include "base/bytes.h"

/* Writes 2n characters and a terminator to out. */
void hex_encode(struct bytes in, char *out);
/* Exactly n bytes from exactly 2n characters; E_MALFORMED, and out is zeroed. */
enum err hex_decode(const char *text, void *out, size_t n);

#endif
