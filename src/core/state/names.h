/* The names a namespace may certify, as its record keeps them. */
#ifndef CORE_STATE_NAMES_H
#define CORE_STATE_NAMES_H

#include "base/reader.h"
#include "base/writer.h"
#include "core/ca/ca.h"

/* u32 count and texts of DNS names, then u32 count and {family, prefix, 16 bytes} of networks. */
void names_write(struct writer *w, const struct ca_names *n);
/* The names borrow from the input. */
void names_read(struct reader *r, struct ca_names *n);

#endif
