/*
 * PEM (RFC 7468, strict form): base64 in lines of 64 between BEGIN and END.
 * Text outside of the block, headers and other line lengths are refused; CRLF
 * and a missing last line break are not.
 */
#ifndef BASE_CODEC_PEM_H
#define BASE_CODEC_PEM_H

#include "base/bytes.h"

/* Appends the block with its last line break. */
enum err pem_write(const char *label, struct bytes der, struct buf *out);
/*
 * Reads the first block of *text, which must have this label, appends its bytes to out and
 * moves *text behind it. White space around blocks is skipped. E_MALFORMED; out and *text are
 * then unchanged.
 */
enum err pem_next(const char *label, struct bytes *text, struct buf *out);
/* The same where there must be exactly one block. */
enum err pem_read(const char *label, struct bytes text, struct buf *out);
/* Whether the text begins like PEM ("-----BEGIN "), white space aside. */
bool pem_looks_like(struct bytes text);

#endif
