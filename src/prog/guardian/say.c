#include "prog/guardian/say.h"

#include <stdarg.h>
#include <stdio.h>

#define SAY_MAX (4 << 20) /* no answer of a guardian is larger than 1 MiB */

static enum exit_code say_failure(const struct call *call, const struct problem *p,
                                  enum exit_code code)
{
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_text(&b, "code", err_code(p->err));
        jb_uint(&b, "status", (uint64_t)err_status(p->err));
        jb_text(&b, "detail", problem_text(p));
        say_built(&b);
    } else {
        fflush(stdout);
        fprintf(stderr, "guardian: %s (%s)\n", problem_text(p), err_code(p->err));
    }
    return code;
}

enum exit_code say_refused(const struct call *call, const struct problem *p)
{
    return say_failure(call, p, EXIT_REFUSED);
}

enum exit_code say_unusable(const struct call *call, const struct problem *p)
{
    return say_failure(call, p, EXIT_USAGE);
}

enum exit_code say_failed(const struct call *call, enum err e, struct problem *p)
{
    if (p->err == OK)
        *p = (struct problem){.err = e};
    return say_refused(call, p);
}

enum exit_code say_json(const json_t *v)
{
    struct buf text = BUF_INIT(SAY_MAX);
    enum exit_code code = EXIT_REFUSED;
    if (json_text(v, &text) == OK && fwrite(text.p, 1, text.n, stdout) == text.n) {
        fputc('\n', stdout);
        code = EXIT_DONE;
    }
    buf_free(&text);
    return code;
}

enum exit_code say_built(struct json_builder *b)
{
    json_t *v;
    if (jb_end(b, &v) != OK) {
        fputs("guardian: the answer cannot be written as JSON\n", stderr);
        return EXIT_REFUSED;
    }
    enum exit_code code = say_json(v);
    json_free(v);
    return code;
}

/* Text of a server must not be able to move the cursor or colour the screen. */
static void print_plain(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

void say_field(const char *name, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    printf("%-18s", name);
    print_plain(stdout, text);
    fputc('\n', stdout);
}

void say_row(const int *widths, size_t n, const char *const *cells)
{
    for (size_t i = 0; i < n; i++) {
        const char *cell = cells[i] ? cells[i] : "-";
        print_plain(stdout, cell);
        int pad = i + 1 < n ? widths[i] - (int)strlen(cell) : 0;
        printf("%*s", pad > 0 ? pad : i + 1 < n, "");
    }
    fputc('\n', stdout);
}

void say_step(const struct call *call, const char *format, ...)
{
    if (call_flag(call, "json"))
        return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}
