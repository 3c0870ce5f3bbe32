/* Errors as RFC 9457 problem details, with the members of the HTTP contract. */
#ifndef IO_HTTP_PROBLEM_H
#define IO_HTTP_PROBLEM_H

#include "base/bytes.h"

#define HTTP_PROBLEM_TYPE "application/problem+json"

/*
 * Appends {"type","title","status","detail","code","error","request_id"}. The
 * type is "about:blank", programs go by the code; the title is the error's text,
 * the same for each problem of this code (RFC 9457, 3.1.3); detail and error are
 * the problem's own text. Bytes outside of printable ASCII are written as "?":
 * details quote what clients sent.
 */
enum err http_problem_write(const struct problem *p, const char *request_id, struct buf *out);

#endif
