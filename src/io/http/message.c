#include "io/http/target.h"

#include "base/bug.h"

#include <http_parser.h>

#include <stdlib.h>
#include <strings.h>

#define LINE_MAX_BYTES (HTTP_TARGET_MAX + 32)
/* Chunk sizes and extensions may cost as much as the body, and a little for small ones. */
#define CHUNK_ROOM 4096

struct http_message {
    struct http_head head;
    struct problem problem;
    http_parser parser;
    bool head_done, allowed, complete;
    struct buf raw; /* the head section, in the end cut into strings */
    struct buf body;
    size_t wire;      /* bytes of the body as they came, framing included */
    char *url, *name; /* into raw, while parsing */
    size_t url_n, name_n;
    char decoded[HTTP_TARGET_MAX + 1];
};

const char *http_header(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_headers; i++)
        if (strcmp(h->headers[i].name, name) == 0)
            return h->headers[i].value;
    return NULL;
}

const char *http_param(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_params; i++)
        if (strcmp(h->params[i].name, name) == 0)
            return h->params[i].value;
    return NULL;
}

/* --- what http_parser tells --- */

static int on_url(http_parser *parser, const char *at, size_t n)
{
    struct http_message *m = parser->data;
    m->url = (char *)at;
    m->url_n = n;
    return 0;
}

static int on_field(http_parser *parser, const char *at, size_t n)
{
    struct http_message *m = parser->data;
    if (m->head_done)
        return -1; /* a trailer */
    m->name = (char *)at;
    m->name_n = n;
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t n)
{
    struct http_message *m = parser->data;
    struct http_head *h = &m->head;
    if (m->head_done || h->n_headers == HTTP_HEADERS_MAX)
        return -1;
    char *value = (char *)at;
    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        n--;
    for (size_t i = 0; i < m->name_n; i++)
        if (m->name[i] >= 'A' && m->name[i] <= 'Z')
            m->name[i] |= 0x20;
    /* The parser has passed the ':' and reads the CR after the value as it calls: both may go. An
     * empty value is different, there `at` is the next line. */
    m->name[m->name_n] = 0;
    if (n > 0)
        value[n] = 0;
    h->headers[h->n_headers++] = (struct http_pair){m->name, n ? value : ""};
    return 0;
}

static int on_head(http_parser *parser)
{
    struct http_message *m = parser->data;
    m->head_done = true;
    parser->upgrade = 0; /* RFC 9110, 7.8: a server may ignore Upgrade, and we do */
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t n)
{
    struct http_message *m = parser->data;
    return buf_add(&m->body, at, n) == OK ? 0 : -1;
}

static int on_complete(http_parser *parser)
{
    struct http_message *m = parser->data;
    m->complete = true;
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/* --- the head --- */

static enum http_step bad(struct http_message *m, enum err e, const char *text)
{
    m->problem.err = problem(&m->problem, e, "%s", text);
    return HTTP_STEP_BAD;
}

static bool is_token(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

/* One byte of the head after `previous`: no controls, and CR and LF only together. */
static bool may_follow(uint8_t previous, uint8_t c)
{
    if (previous == '\r')
        return c == '\n';
    return c == '\r' || c == '\t' || (c >= 0x20 && c <= 0x7e);
}

/* Moves bytes up to the empty line from *in to raw, judging each as it comes. */
static enum http_step collect(struct http_message *m, struct bytes *in)
{
    size_t taken = 0;
    bool ended = false;
    uint8_t last = m->raw.n ? m->raw.p[m->raw.n - 1] : 0;
    while (taken < in->n && !ended) {
        uint8_t c = in->p[taken++];
        if (!may_follow(last, c))
            return bad(m, E_MALFORMED, "the request is not HTTP/1.1 in plain ASCII with CRLF");
        if (buf_add(&m->raw, &c, 1) != OK)
            return bad(m, E_TOO_LARGE, "the request line and headers are over 16 KiB");
        last = c;
        if (m->raw.n == 2 && c == '\n')
            buf_clear(&m->raw); /* RFC 9112, 2.2: an empty line before a request is skipped */
        ended = m->raw.n >= 4 && memcmp(m->raw.p + m->raw.n - 4, "\r\n\r\n", 4) == 0;
    }
    *in = bytes(in->p + taken, in->n - taken);
    return ended ? HTTP_STEP_HEAD : HTTP_STEP_MORE;
}

/* method SP target SP "HTTP/1." digit: http_parser would take more spaces. */
static bool is_request_line(const char *line, size_t n)
{
    const char *first = memchr(line, ' ', n);
    size_t left = first ? n - (size_t)(first + 1 - line) : 0;
    const char *second = first ? memchr(first + 1, ' ', left) : NULL;
    return second && first > line && second > first + 1 &&
           (size_t)(second - line) + strlen(" HTTP/1.1") == n &&
           (memcmp(second, " HTTP/1.1", 9) == 0 || memcmp(second, " HTTP/1.0", 9) == 0);
}

static bool is_header_line(const char *line, size_t n)
{
    size_t name = 0;
    while (name < n && is_token((uint8_t)line[name]))
        name++;
    return name > 0 && name < n && line[name] == ':';
}

static enum http_step check_lines(struct http_message *m)
{
    const char *line = (const char *)m->raw.p, *end = line + m->raw.n - 2;
    size_t count = 0;
    while (line < end) {
        size_t n = (size_t)((const char *)memchr(line, '\r', (size_t)(end + 1 - line)) - line);
        if (count == 0 && n > LINE_MAX_BYTES)
            return bad(m, E_TOO_LARGE, "the request line is too long");
        if (count == 0 ? !is_request_line(line, n) : !is_header_line(line, n))
            return bad(m, E_MALFORMED,
                       count ? "a header line is malformed" : "the request line is malformed");
        if (count++ > HTTP_HEADERS_MAX)
            return bad(m, E_TOO_LARGE, "there are too many headers");
        line += n + 2;
    }
    return HTTP_STEP_HEAD;
}

/* Headers that mean one thing only: two of them are two readings. */
static const char *const singletons[] = {
    "authorization", "content-encoding",  "content-length", "content-type", "expect",
    "host",          "transfer-encoding",
};

static bool is_repeated(const struct http_head *h, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < h->n_headers; i++)
        count += strcmp(h->headers[i].name, name) == 0;
    return count > 1;
}

static enum http_step check_headers(struct http_message *m)
{
    const struct http_head *h = &m->head;
    for (size_t i = 0; i < sizeof singletons / sizeof *singletons; i++)
        if (is_repeated(h, singletons[i]))
            return bad(m, E_MALFORMED, "a header that may come once comes twice");
    const char *coding = http_header(h, "transfer-encoding");
    const char *content = http_header(h, "content-encoding");
    const char *expect = http_header(h, "expect");
    if (m->parser.http_minor == 1 && !http_header(h, "host"))
        return bad(m, E_MALFORMED, "the Host header is missing");
    if (coding && (strcasecmp(coding, "chunked") != 0 || http_header(h, "content-length")))
        return bad(m, E_MALFORMED, "the body must have a length or be chunked, and not both");
    if (content && strcasecmp(content, "identity") != 0)
        return bad(m, E_MEDIA_TYPE, "content codings are not taken");
    if (expect && strcasecmp(expect, "100-continue") != 0)
        return bad(m, E_MALFORMED, "the only expectation met is 100-continue");
    return HTTP_STEP_HEAD;
}

static enum http_step finish_head(struct http_message *m)
{
    struct http_head *h = &m->head;
    h->method = http_method_str((enum http_method)m->parser.method);
    m->url[m->url_n] = 0;
    h->target = m->url;
    h->keep_alive = m->parser.http_minor == 1 && http_should_keep_alive(&m->parser);
    h->has_body = !m->complete;
    h->expects_continue =
        h->has_body && m->parser.http_minor == 1 && http_header(h, "expect") != NULL;
    if (m->parser.method == HTTP_CONNECT)
        return bad(m, E_METHOD, "this is no proxy");
    m->problem.err = http_target_parse(h->target, m->decoded, h, &m->problem);
    return m->problem.err == OK ? check_headers(m) : HTTP_STEP_BAD;
}

static enum http_step parse_head(struct http_message *m)
{
    enum http_step step = check_lines(m);
    if (step != HTTP_STEP_HEAD)
        return step;
    size_t done = http_parser_execute(&m->parser, &settings, (const char *)m->raw.p, m->raw.n);
    enum http_errno e = HTTP_PARSER_ERRNO(&m->parser);
    if (e == HPE_PAUSED)
        http_parser_pause(&m->parser, 0); /* complete already: there is no body */
    else if (e != HPE_OK)
        return bad(m, E_MALFORMED, http_errno_description(e));
    if (!m->head_done || done != m->raw.n || !m->url)
        return bad(m, E_MALFORMED, "the request is malformed");
    return finish_head(m);
}

/* --- the body --- */

static enum http_step feed_body(struct http_message *m, struct bytes *in)
{
    if (in->n == 0)
        return HTTP_STEP_MORE;
    size_t done = http_parser_execute(&m->parser, &settings, (const char *)in->p, in->n);
    enum http_errno e = HTTP_PARSER_ERRNO(&m->parser);
    *in = bytes(in->p + done, in->n - done);
    m->wire += done;
    if (m->complete)
        return HTTP_STEP_DONE;
    if (e == HPE_CB_body || m->wire > 2 * m->body.max + CHUNK_ROOM)
        return bad(m, E_TOO_LARGE, "the body is larger than this request may have");
    if (e != HPE_OK)
        return bad(m, E_MALFORMED, "the body's chunks are malformed");
    return HTTP_STEP_MORE;
}

/* --- the door --- */

struct http_message *http_message_new(void)
{
    struct http_message *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->raw = BUF_INIT(HTTP_HEAD_MAX);
    m->body = BUF_INIT(0);
    http_parser_init(&m->parser, HTTP_REQUEST);
    m->parser.data = m;
    return m;
}

void http_message_free(struct http_message *m)
{
    if (!m)
        return;
    buf_free(&m->raw);
    buf_free(&m->body);
    free(m);
}

enum http_step http_message_feed(struct http_message *m, struct bytes *in)
{
    if (!m->head_done) {
        enum http_step step = collect(m, in);
        return step == HTTP_STEP_HEAD ? parse_head(m) : step;
    }
    GD_BUG_ON(!m->allowed);
    return m->complete ? HTTP_STEP_DONE : feed_body(m, in);
}

enum err http_message_allow(struct http_message *m, size_t limit)
{
    m->allowed = true;
    m->body.max = limit;
    bool counted = !m->complete && !(m->parser.flags & F_CHUNKED);
    return counted && m->parser.content_length > limit ? E_TOO_LARGE : OK;
}

const struct http_head *http_message_head(const struct http_message *m)
{
    return &m->head;
}

struct bytes http_message_body(const struct http_message *m)
{
    return buf_bytes(&m->body);
}

const struct problem *http_message_problem(const struct http_message *m)
{
    return &m->problem;
}
