#include "prog/guardian/ask.h"
#include "prog/guardian/say.h"
#include "prog/guardian/transport.h"

#include <stdio.h>
#include <time.h>
#include <stdlib.h>

#define ANSWER_MAX      (1 << 20) /* as large as a request may be; lists are paged */
#define PATH_MAX_LENGTH 2048
#define PAGES_MAX       10000 /* against a server that never ends a list */

/* The problem document of a refusal (RFC 9457); the published shape has `error` alone. */
static enum err refusal(int status, struct bytes body, const char *url, struct problem *p)
{
    json_t *v = NULL;
    enum err e = status == 404 ? E_NOT_FOUND : status == 503 ? E_NOT_READY : E_NOT_ALLOWED;
    if (json_parse(body, ANSWER_MAX, &v, NULL) != OK)
        return problem(p, e, "%s answered with status %d", url, status);
    const char *code = json_str(json_member(v, "code"));
    const char *detail = json_str(json_member(v, "detail"));
    if (!detail)
        detail = json_str(json_member(v, "error"));
    if (code)
        e = err_from_code(code);
    e = problem(p, e, "%d: %s", status, detail ? detail : err_text(e));
    json_free(v);
    return e;
}

/* A namespace's certificates are there a moment after it was decided: NotReady is worth a wait. */
#define READY_TRIES   10
#define READY_WAIT_NS 300000000

static bool try_another(enum err e)
{
    return e == E_IO || err_status(e) == 503;
}

static enum err ask_one(const struct ask *a, size_t i, struct buf *out, struct problem *p)
{
    struct transport t = {.url = a->settings->guardians[i].api,
                          .path = a->path,
                          .method = a->method,
                          .body = a->body,
                          .timeout_s = a->timeout_s,
                          .root_file = a->settings->root_file,
                          .cert_file = a->cert_file,
                          .key_file = a->key_file};
    int status = 0;
    if (!t.root_file[0])
        return problem(p, E_UNAUTHENTICATED,
                       "no root certificate to trust: run `guardian attest` first, or say --root");
    TRY(transport(&t, &status, out, p));
    if (status >= 200 && status < 300)
        return OK;
    return refusal(status, buf_bytes(out), t.url, p);
}

static enum err ask_each(const struct ask *a, struct buf *out, size_t *from, struct problem *p)
{
    enum err e = problem(p, E_VALUE, "client.json names no guardian");
    for (size_t i = 0; i < a->settings->n; i++) {
        buf_clear(out);
        e = ask_one(a, i, out, p);
        if (from)
            *from = i;
        if (e == OK || !try_another(e))
            return e;
    }
    return e;
}

enum err ask_text(const struct ask *a, struct buf *out, size_t *from, struct problem *p)
{
    enum err e = ask_each(a, out, from, p);
    for (unsigned i = 0; e == E_NOT_READY && i < READY_TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = READY_WAIT_NS}, NULL);
        e = ask_each(a, out, from, p);
    }
    return e;
}

enum err ask_json(const struct ask *a, json_t **out, size_t *from, struct problem *p)
{
    struct buf text = BUF_INIT(ANSWER_MAX);
    enum err e = ask_text(a, &text, from, p);
    *out = NULL;
    if (e == OK)
        e = json_parse(buf_bytes(&text), ANSWER_MAX, out, p);
    buf_free(&text);
    return e;
}

/* What is open to everybody: over the observability port if it is known, else over the API. */
static enum err observe(const struct settings *s, size_t guardian, const char *path,
                        unsigned timeout_s, int *status, struct buf *out, struct problem *p)
{
    const struct settings_guardian *g = &s->guardians[guardian];
    struct transport t = {.url = g->observability[0] ? g->observability : g->api,
                          .path = path,
                          .method = "GET",
                          .timeout_s = timeout_s,
                          .root_file = s->root_file};
    return transport(&t, status, out, p);
}

enum err ask_health(const struct settings *s, size_t guardian, unsigned timeout_s, json_t **out,
                    struct problem *p)
{
    struct buf text = BUF_INIT(ANSWER_MAX);
    int status = 0;
    *out = NULL;
    enum err e = observe(s, guardian, "/health", timeout_s, &status, &text, p);
    if (e == OK && status != 200)
        e = refusal(status, buf_bytes(&text), s->guardians[guardian].api, p);
    if (e == OK)
        e = json_parse(buf_bytes(&text), ANSWER_MAX, out, p);
    buf_free(&text);
    return e;
}

enum err ask_ready(const struct settings *s, size_t guardian, unsigned timeout_s, struct problem *p)
{
    struct buf text = BUF_INIT(ANSWER_MAX);
    int status = 0;
    enum err e = observe(s, guardian, "/ready", timeout_s, &status, &text, p);
    if (e == OK && status != 200)
        e = problem(p, E_NOT_READY, "%s is not ready", s->guardians[guardian].api);
    buf_free(&text);
    return e;
}

/* "path" or "path?after=last"; the answer, whose items are added to the builder's open array. */
static enum err ask_page(struct ask *a, const char *path, const char *member, struct buf *after,
                         struct json_builder *b, struct problem *p)
{
    struct buf target = BUF_INIT(PATH_MAX_LENGTH);
    json_t *page = NULL;
    enum err e;
    TRY_OUT(buf_add(&target, path, strlen(path)));
    if (after->n) {
        TRY_OUT(buf_add(&target, "?after=", 7));
        TRY_OUT(ask_encode((const char *)after->p, &target));
    }
    TRY_OUT(buf_add(&target, "", 1));
    a->path = (const char *)target.p;
    TRY_OUT(ask_json(a, &page, NULL, p));
    json_t *items = json_member(page, member);
    const char *next = json_str(json_member(page, "next"));
    for (size_t i = 0; i < json_count(items); i++)
        jb_value(b, NULL, json_item(items, i));
    buf_clear(after);
    if (next && json_count(items)) /* an empty page with a next one would never end */
        TRY_OUT(buf_add(after, next, strlen(next) + 1));
out:
    json_free(page);
    buf_free(&target);
    return e;
}

enum err ask_list(struct ask *a, const char *path, const char *member, json_t **out,
                  struct problem *p)
{
    struct buf after = BUF_INIT(PATH_MAX_LENGTH);
    struct json_builder b = json_build();
    enum err e = OK;
    jb_array(&b, member);
    for (size_t pages = 0; e == OK && (pages == 0 || after.n); pages++)
        e = pages < PAGES_MAX ? ask_page(a, path, member, &after, &b, p)
                              : problem(p, E_TOO_LARGE, "the list has no end");
    jb_close(&b);
    enum err built = jb_end(&b, out);
    if (e != OK && built == OK) {
        json_free(*out);
        *out = NULL;
    }
    buf_free(&after);
    return e ? e : built;
}

enum exit_code ask_and_print(const struct call *call, const char *path, const char *member,
                             void (*print)(const json_t *list))
{
    struct problem p = {0};
    struct settings s;
    json_t *v = NULL;
    enum exit_code code = EXIT_DONE;
    enum err e;
    struct ask a = {
        .settings = &s, .timeout_s = (unsigned)call_count(call, "timeout"), .method = "GET"};
    TRY_OUT(settings_load(call, &s, &p));
    TRY_OUT(ask_list(&a, path, member, &v, &p));
    if (call_flag(call, "json"))
        code = say_json(v);
    else
        print(json_member(v, member));
out:
    json_free(v);
    return e == OK ? code : say_failed(call, e, &p);
}

enum err ask_encode(const char *text, struct buf *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~/";
    for (; *text; text++) {
        char escaped[4];
        if (strchr(plain, *text))
            TRY(buf_add(out, text, 1));
        else
            TRY(buf_add(out, escaped,
                        (size_t)snprintf(escaped, sizeof escaped, "%%%02X", (unsigned char)*text)));
    }
    return OK;
}
