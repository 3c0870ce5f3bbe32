#include "base/codec/pem.h"

#include "base/codec/b64.h"
#include "base/secret.h"

#include <ctype.h>

#define LINE 64

static const char dashes[] = "-----";
static const char begin[] = "-----BEGIN ";
static const char end[] = "-----END ";

static enum err add_text(struct buf *out, const char *text)
{
    return buf_add(out, text, strlen(text));
}

static enum err add_boundary(struct buf *out, const char *kind, const char *label)
{
    TRY(add_text(out, kind));
    TRY(add_text(out, label));
    TRY(add_text(out, dashes));
    return buf_add(out, "\n", 1);
}

static enum err add_lines(struct buf *out, struct bytes text)
{
    for (size_t at = 0; at < text.n; at += LINE) {
        size_t n = text.n - at < LINE ? text.n - at : LINE;
        TRY(buf_add(out, text.p + at, n));
        TRY(buf_add(out, "\n", 1));
    }
    return OK;
}

enum err pem_write(const char *label, struct bytes der, struct buf *out)
{
    size_t before = out->n;
    struct buf text = BUF_INIT(out->max);
    enum err e;
    TRY_OUT(b64_encode(B64_STANDARD, der, &text));
    TRY_OUT(add_boundary(out, begin, label));
    TRY_OUT(add_lines(out, buf_bytes(&text)));
    TRY_OUT(add_boundary(out, end, label));
out:
    buf_free(&text); /* it may be a private key's */
    if (e != OK) {
        wipe(out->p + before, out->n - before);
        out->n = before;
    }
    return e;
}

static struct bytes skip_space(struct bytes text)
{
    while (text.n && isspace(text.p[0]))
        text.p++, text.n--;
    return text;
}

/* Takes one line off the front, without its line break. */
static struct bytes next_line(struct bytes *text)
{
    const uint8_t *lf = memchr(text->p, '\n', text->n);
    size_t n = lf ? (size_t)(lf - text->p) : text->n, taken = n + (lf != NULL);
    struct bytes line = {text->p, n};
    if (n && lf && line.p[n - 1] == '\r')
        line.n--;
    *text = bytes(text->p + taken, text->n - taken);
    return line;
}

static bool is_boundary(struct bytes line, const char *kind, const char *label)
{
    size_t k = strlen(kind), l = strlen(label), d = sizeof dashes - 1;
    return line.n == k + l + d && memcmp(line.p, kind, k) == 0 &&
           memcmp(line.p + k, label, l) == 0 && memcmp(line.p + k + l, dashes, d) == 0;
}

/* All lines but the last are full (RFC 7468, figure 3). */
static enum err collect(struct bytes *text, const char *label, struct buf *body)
{
    bool was_short = false;
    while (text->n) {
        struct bytes line = next_line(text);
        if (is_boundary(line, end, label))
            return OK;
        if (was_short || line.n == 0 || line.n > LINE)
            return E_MALFORMED;
        was_short = line.n < LINE;
        TRY(buf_add(body, line.p, line.n));
    }
    return E_MALFORMED;
}

enum err pem_next(const char *label, struct bytes *text, struct buf *out)
{
    struct bytes rest = skip_space(*text);
    if (rest.n == 0 || !is_boundary(next_line(&rest), begin, label))
        return E_MALFORMED;
    struct buf body = BUF_INIT(rest.n);
    enum err e = collect(&rest, label, &body);
    if (e == OK)
        e = b64_decode(B64_STANDARD, buf_bytes(&body), out);
    if (e == OK)
        *text = skip_space(rest);
    buf_free(&body);
    return e;
}

enum err pem_read(const char *label, struct bytes text, struct buf *out)
{
    size_t before = out->n;
    TRY(pem_next(label, &text, out));
    if (text.n == 0)
        return OK;
    wipe(out->p + before, out->n - before);
    out->n = before;
    return E_MALFORMED;
}

bool pem_looks_like(struct bytes text)
{
    text = skip_space(text);
    return text.n >= sizeof begin - 1 && memcmp(text.p, begin, sizeof begin - 1) == 0;
}
