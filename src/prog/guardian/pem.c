#include "prog/guardian/pem.h"
#include "base/codec/b64.h"
#include "base/secret.h"
#include "base/writer.h"

#include <stdio.h>

#define LINE      64
#define LABEL_MAX 80

static struct bytes boundary(const char *kind, const char *label, char out[static LABEL_MAX])
{
    snprintf(out, LABEL_MAX, "-----%s %.40s-----\n", kind, label);
    return bytes_str(out);
}

enum err pem_write(const char *label, struct bytes der, struct buf *out)
{
    char line[LABEL_MAX];
    struct buf text = BUF_INIT(2 * der.n + 8);
    struct writer w = writer(out);
    TRY(b64_encode(B64_STANDARD, der, &text));
    struct bytes begin = boundary("BEGIN", label, line);
    wr_raw(&w, begin.p, begin.n);
    for (size_t at = 0; at < text.n; at += LINE) {
        wr_raw(&w, text.p + at, text.n - at < LINE ? text.n - at : LINE);
        wr_raw(&w, "\n", 1);
    }
    struct bytes end = boundary("END", label, line);
    wr_raw(&w, end.p, end.n);
    buf_free(&text);
    return writer_end(&w);
}

static bool starts_with(struct bytes text, struct bytes with)
{
    return text.n >= with.n && memcmp(text.p, with.p, with.n) == 0;
}

/* Lines of base64 up to `end`, without their line breaks. */
static enum err join_lines(struct bytes *text, struct bytes end, struct buf *out)
{
    while (!starts_with(*text, end)) {
        const uint8_t *stop = text->n ? memchr(text->p, '\n', text->n) : NULL;
        if (!stop || stop == text->p || stop - text->p > LINE)
            return E_MALFORMED;
        TRY(buf_add(out, text->p, (size_t)(stop - text->p)));
        size_t used = (size_t)(stop - text->p) + 1;
        *text = bytes(text->p + used, text->n - used);
    }
    return text->n == end.n ? OK : E_MALFORMED;
}

enum err pem_read(const char *label, struct bytes text, struct buf *out)
{
    char first[LABEL_MAX], last[LABEL_MAX];
    struct bytes begin = boundary("BEGIN", label, first), end = boundary("END", label, last);
    struct buf joined = BUF_INIT(text.n + 1);
    if (!starts_with(text, begin))
        return E_MALFORMED;
    text = bytes(text.p + begin.n, text.n - begin.n);
    enum err e = join_lines(&text, end, &joined);
    if (e == OK)
        e = b64_decode(B64_STANDARD, buf_bytes(&joined), out);
    buf_free(&joined);
    return e;
}
