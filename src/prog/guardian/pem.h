/* PEM (RFC 7468): one block with one label, nothing else in the text. */
#ifndef PROG_GUARDIAN_PEM_H
#define PROG_GUARDIAN_PEM_H

#include "base/bytes.h"

/* Appends the block with lines of 64 characters. */
enum err pem_write(const char *label, struct bytes der, struct buf *out);
/* Appends the bytes of the only block; E_MALFORMED for anything pem_write() would not write. */
enum err pem_read(const char *label, struct bytes text, struct buf *out);

#endif
