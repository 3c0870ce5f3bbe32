#include "io/http/target.h"

struct cursor {
    const char *in;
    char *out;
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986, 3.3 (pchar); a query has "/" and "?" too. */
static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("-._~!$&'()*+,;=:@", c));
}

/* One decoded character of the input, or -1. */
static int next(struct cursor *c)
{
    if (*c->in != '%')
        return *c->in++;
    int high = hex_digit(c->in[1]);
    int low = high < 0 ? -1 : hex_digit(c->in[2]);
    if (low < 0)
        return -1;
    c->in += 3;
    int value = high << 4 | low;
    return value < 0x20 || value > 0x7e || value == '/' ? -1 : value;
}

/* Decodes up to one of the characters in `ends` into a terminated string; NULL if it is malformed.
 */
static const char *take(struct cursor *c, const char *ends, const char *extra)
{
    char *start = c->out;
    while (*c->in && !strchr(ends, *c->in)) {
        if (*c->in != '%' && !is_plain(*c->in) && !strchr(extra, *c->in))
            return NULL;
        int value = next(c);
        if (value < 0)
            return NULL;
        *c->out++ = (char)value;
    }
    *c->out++ = 0;
    return start;
}

static bool is_dots(const char *segment)
{
    return strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0;
}

static enum err parse_path(struct cursor *c, struct http_head *h, struct problem *p)
{
    if (c->in[1] == 0 || c->in[1] == '?') {
        c->in++;
        return OK;
    }
    while (*c->in == '/') {
        c->in++;
        const char *segment = take(c, "/?", "");
        if (!segment || is_dots(segment))
            return problem(p, E_MALFORMED, "the path has a malformed segment");
        if (!segment[0] && *c->in == '/')
            return problem(p, E_MALFORMED, "the path has an empty segment");
        if (h->n_segments == HTTP_SEGMENTS_MAX)
            return problem(p, E_MALFORMED, "the path has over %d segments", HTTP_SEGMENTS_MAX);
        h->segments[h->n_segments++] = segment;
    }
    return OK;
}

static enum err parse_param(struct cursor *c, struct http_head *h, struct problem *p)
{
    const char *name = take(c, "=&", "/?");
    const char *value = "";
    if (name && *c->in == '=') {
        c->in++;
        value = take(c, "&", "/?");
    }
    if (!name || !name[0] || !value)
        return problem(p, E_MALFORMED, "a query parameter is malformed");
    if (http_param(h, name))
        return problem(p, E_MALFORMED, "the query parameter %.40s is given twice", name);
    if (h->n_params == HTTP_PARAMS_MAX)
        return problem(p, E_MALFORMED, "there are over %d query parameters", HTTP_PARAMS_MAX);
    h->params[h->n_params++] = (struct http_pair){name, value};
    return OK;
}

enum err http_target_parse(const char *target, char room[static HTTP_TARGET_MAX + 1],
                           struct http_head *h, struct problem *p)
{
    struct cursor c = {target, room};
    h->n_segments = h->n_params = 0;
    if (target[0] != '/')
        return problem(p, E_MALFORMED, "the request target is not a path");
    /* Every separator gives its place to a NUL, so the room is never longer than the target. */
    if (strlen(target) > HTTP_TARGET_MAX)
        return problem(p, E_TOO_LARGE, "the request target is over %d bytes", HTTP_TARGET_MAX);
    TRY(parse_path(&c, h, p));
    if (*c.in == '?' && c.in[1])
        do {
            c.in++;
            TRY(parse_param(&c, h, p));
        } while (*c.in == '&');
    return *c.in == 0 || (*c.in == '?' && !c.in[1])
               ? OK
               : problem(p, E_MALFORMED, "the request target is malformed");
}
