/*
 * One HTTP/1.1 request out of a stream of bytes (RFC 9112), without sockets and
 * clock, so that it can be fuzzed.
 *
 * Stricter than http_parser, which does the chunked coding and the framing
 * rules: lines end in CRLF, no folded lines, visible ASCII only, the target is a
 * path. What two readers could understand differently is refused.
 *
 * Bodies come with Content-Length or "Transfer-Encoding: chunked", never both;
 * trailers and content codings are refused.
 */
#ifndef IO_HTTP_MESSAGE_H
#define IO_HTTP_MESSAGE_H

#include "base/bytes.h"

#define HTTP_HEAD_MAX     16384 /* request line and headers; ours are below 2 KiB, signed ones 4 */
#define HTTP_TARGET_MAX   4096  /* a name of 255, a nonce and query parameters are below 1 KiB */
#define HTTP_HEADERS_MAX  64    /* browsers send about 20, a proxy adds a few */
#define HTTP_SEGMENTS_MAX 24    /* /keys/{ns}/ and a name 8 deep are 10 */
#define HTTP_PARAMS_MAX   16

struct http_pair {
    const char *name, *value;
};

/* Strings end in NUL, contain no NUL, and live as long as the message. */
struct http_head {
    const char *method;
    const char *target; /* as it came, for signatures over it */
    /* Decoded, without empty, "." or ".." segments and without "/" or controls in them; a path that
     * ends in "/" has an empty last one. "/" alone has none. */
    const char *segments[HTTP_SEGMENTS_MAX];
    size_t n_segments;
    struct http_pair params[HTTP_PARAMS_MAX]; /* decoded; each name once */
    size_t n_params;
    struct http_pair headers[HTTP_HEADERS_MAX]; /* names in lower case */
    size_t n_headers;
    bool keep_alive;
    bool expects_continue;
    bool has_body;
};

/* The first value of a header (name in lower case) or parameter, or NULL. */
const char *http_header(const struct http_head *h, const char *name);
const char *http_param(const struct http_head *h, const char *name);

struct http_message;

enum http_step {
    HTTP_STEP_MORE, /* all of the input is taken, more is needed */
    HTTP_STEP_HEAD, /* the head is there; next comes http_message_allow() */
    HTTP_STEP_DONE, /* the message is complete; the input may go on with the next */
    HTTP_STEP_BAD,  /* see http_message_problem(); nothing after it can be understood */
};

/* NULL when out of memory. */
struct http_message *http_message_new(void);
void http_message_free(struct http_message *m);
/* Takes bytes from the front of *in; never again after HTTP_STEP_DONE or HTTP_STEP_BAD. */
enum http_step http_message_feed(struct http_message *m, struct bytes *in);
/* The body may have up to `limit` bytes; E_TOO_LARGE if its length says it has more. */
enum err http_message_allow(struct http_message *m, size_t limit);
const struct http_head *http_message_head(const struct http_message *m);
struct bytes http_message_body(const struct http_message *m);
const struct problem *http_message_problem(const struct http_message *m);

#endif
