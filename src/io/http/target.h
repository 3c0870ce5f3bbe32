/* The target of a request, "/a/b%2Dc?x=1", into decoded segments and parameters. */
#ifndef IO_HTTP_TARGET_H
#define IO_HTTP_TARGET_H

#include "io/http/message.h"

/*
 * Writes the decoded strings to `room` and the views to h. Refuses other forms
 * than a path (RFC 9112, 3.2.1), characters outside of RFC 3986's pchar and
 * query, "%" without two digits, decoded "/", controls and bytes above 0x7e,
 * empty and dot segments, parameters without a name, and a name given twice.
 */
enum err http_target_parse(const char *target, char room[static HTTP_TARGET_MAX + 1],
                           struct http_head *h, struct problem *p);

#endif
