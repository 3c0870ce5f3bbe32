#include "io/http/problem.h"

#include "base/writer.h"

#include <stdio.h>

static void put(struct writer *w, const char *text)
{
    wr_raw(w, text, strlen(text));
}

static void put_string(struct writer *w, const char *text)
{
    wr_u8(w, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            wr_u8(w, '\\');
        wr_u8(w, *text < 0x20 || *text > 0x7e ? '?' : (uint8_t)*text);
    }
    wr_u8(w, '"');
}

static void put_member(struct writer *w, const char *name, const char *value)
{
    put(w, ",\"");
    put(w, name);
    put(w, "\":");
    put_string(w, value);
}

enum err http_problem_write(const struct problem *p, const char *request_id, struct buf *out)
{
    struct writer w = writer(out);
    char status[32];
    snprintf(status, sizeof status, ",\"status\":%d", err_status(p->err));
    put(&w, "{\"type\":\"about:blank\"");
    put_member(&w, "title", err_text(p->err));
    put(&w, status);
    put_member(&w, "detail", problem_text(p));
    put_member(&w, "code", err_code(p->err));
    put_member(&w, "error", problem_text(p));
    put_member(&w, "request_id", request_id);
    put(&w, "}");
    return writer_end(&w);
}
