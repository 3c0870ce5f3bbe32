#include "io/platform/tsm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Another writer would have to hit the same microseconds each time. */
#define ATTEMPTS 8
#define TEXT_MAX 64

/* --- attributes --- */

static enum err failed(int error, const char *attribute, struct problem *p)
{
    enum err e = error == ENOENT || error == ENXIO || error == ENOTTY || error == ENODEV
                     ? E_NOT_FOUND
                 : error == EACCES || error == EPERM ? E_NOT_ALLOWED
                                                     : E_IO;
    return problem(p, e, "configfs-tsm: %s: %s", attribute, strerror(error));
}

/* A line of text without its end; *there is false if the kernel does not have the attribute. */
static enum err read_text(struct tsm *t, const char *attribute, char out[static TEXT_MAX],
                          bool *there, struct problem *p)
{
    struct buf text = BUF_INIT(TEXT_MAX - 1);
    int error = t->files.read(t->files.ctx, attribute, &text);
    *there = error == 0;
    if (error == 0 && text.n) {
        size_t n = text.p[text.n - 1] == '\n' ? text.n - 1 : text.n;
        memcpy(out, text.p, n);
        out[n] = 0;
    } else {
        out[0] = 0;
    }
    buf_free(&text);
    return error == 0 || error == ENOENT ? OK : failed(error, attribute, p);
}

static enum err read_generation(struct tsm *t, uint64_t *out, struct problem *p)
{
    char text[TEXT_MAX], *end;
    bool there;
    TRY(read_text(t, "generation", text, &there, p));
    *out = strtoull(text, &end, 10);
    if (!there || !text[0] || *end)
        return problem(p, E_IO, "configfs-tsm: generation is no number");
    return OK;
}

static enum err write_attribute(struct tsm *t, const char *attribute, struct bytes in,
                                struct problem *p)
{
    int error = t->files.write(t->files.ctx, attribute, in);
    return error == 0 ? OK : failed(error, attribute, p);
}

/* --- the provider --- */

static enum err read_provider(struct tsm *t, struct problem *p)
{
    char text[TEXT_MAX];
    bool there;
    TRY(read_text(t, "provider", text, &there, p));
    if (!there)
        return problem(p, E_NOT_FOUND, "configfs-tsm: no provider");
    if (strcmp(text, "tdx_guest") == 0)
        t->platform = PLATFORM_TDX;
    else if (strcmp(text, "sev_guest") == 0)
        t->platform = PLATFORM_SNP;
    else
        return problem(p, E_NOT_ALLOWED, "configfs-tsm: the provider %s is not supported", text);
    return OK;
}

/* Below an SVSM the guest is not at VMPL 0, and what it asks for by default is refused. */
static enum err take_privilege_level(struct tsm *t, struct problem *p)
{
    char floor[TEXT_MAX];
    bool there;
    TRY(read_text(t, "privlevel_floor", floor, &there, p));
    return there ? write_attribute(t, "privlevel", bytes_str(floor), p) : OK;
}

enum err tsm_open(struct tsm_files files, const char *entry, struct tsm *out, struct problem *p)
{
    *out = (struct tsm){.files = files};
    int error = files.make(files.ctx, entry);
    enum err e = error == 0 ? read_provider(out, p) : failed(error, "report", p);
    if (e == OK && out->platform == PLATFORM_SNP)
        e = take_privilege_level(out, p);
    if (e != OK)
        tsm_close(out);
    return e;
}

void tsm_close(struct tsm *t)
{
    if (t->files.remove)
        t->files.remove(t->files.ctx);
    *t = (struct tsm){0};
}

/* --- reports --- */

static enum err read_blob(struct tsm *t, const char *attribute, struct buf *out, struct problem *p)
{
    int error = t->files.read(t->files.ctx, attribute, out);
    return error == 0 ? OK : failed(error, attribute, p);
}

/* A host that has no certificates to give leaves it empty, older kernels leave it out. */
static enum err read_certificates(struct tsm *t, struct buf *out, struct problem *p)
{
    int error = t->files.read(t->files.ctx, "auxblob", out);
    return error == 0 || error == ENOENT ? OK : failed(error, "auxblob", p);
}

static enum err ask(struct tsm *t, const uint8_t report_data[static 64], struct buf *out,
                    bool *raced, struct problem *p)
{
    uint64_t before, after;
    TRY(read_generation(t, &before, p));
    TRY(write_attribute(t, "inblob", bytes(report_data, 64), p));
    TRY(read_blob(t, "outblob", out, p));
    if (t->platform == PLATFORM_SNP)
        TRY(read_certificates(t, out, p));
    TRY(read_generation(t, &after, p));
    *raced = after != before + 1;
    return OK;
}

enum err tsm_report(struct tsm *t, const uint8_t report_data[static 64], struct buf *out,
                    struct problem *p)
{
    struct buf answer = BUF_INIT(2 * TSM_BLOB_MAX);
    bool raced = true;
    enum err e = OK;
    for (int i = 0; e == OK && raced && i < ATTEMPTS; i++) {
        buf_clear(&answer);
        e = ask(t, report_data, &answer, &raced, p);
    }
    if (e == OK && raced)
        e = problem(p, E_IO, "configfs-tsm: another process keeps writing to this entry");
    if (e == OK && answer.n == 0)
        e = problem(p, E_IO, "configfs-tsm: outblob is empty");
    if (e == OK)
        e = buf_add(out, answer.p, answer.n);
    buf_free(&answer);
    return e;
}
