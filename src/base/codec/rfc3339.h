/* Points in time as text: RFC 3339 ("2026-01-20T00:00:00Z", also with fraction and offset). */
#ifndef BASE_CODEC_RFC3339_H
#define BASE_CODEC_RFC3339_H

#include "base/err.h"

#include <stdint.h>

/* Unix seconds; a fraction is dropped. E_VALUE. Leap seconds are refused, as unix time has none. */
enum err rfc3339_parse(const char *text, int64_t *out);

#define RFC3339_SIZE 21 /* with the terminator */
/* "2026-01-20T00:00:00Z"; from 1970 to 9999. E_VALUE outside of that. */
enum err rfc3339_write(int64_t unix_seconds, char out[static RFC3339_SIZE]);

#endif
