#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/crypto/jwe.h"
#include "prog/guardian/ask.h"
#include "prog/guardian/say.h"
#include "prog/guardian/workload.h"

#include <stdio.h>
#include <stdlib.h>

/* The identity that `workload register` wrote. */
struct identity {
    char key[FILE_PATH_MAX], cert[FILE_PATH_MAX];
    char ns[64];
};

static enum err read_namespace(const char *dir, struct identity *id, struct problem *p)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT(FILE_MAX);
    json_t *v = NULL;
    enum err e;
    TRY_OUT(path_join(path, dir, "state.json", p));
    TRY_OUT(file_read(path, &text, p));
    TRY_OUT(json_parse(buf_bytes(&text), FILE_MAX, &v, p));
    const char *ns = json_str(json_member(v, "namespace"));
    if (!ns || strlen(ns) >= sizeof id->ns)
        e = problem(p, E_MALFORMED, "%s names no namespace", path);
    else
        snprintf(id->ns, sizeof id->ns, "%s", ns);
out:
    json_free(v);
    buf_free(&text);
    return e;
}

/* Without --dir and --url the identity's own settings serve. */
static enum err load(const struct call *call, struct identity *id, struct settings *s,
                     struct problem *p)
{
    const char *dir = call_text(call, "identity");
    TRY(path_join(id->key, dir, "key.pem", p));
    TRY(path_join(id->cert, dir, "identity.pem", p));
    TRY(read_namespace(dir, id, p));
    if (call_has(call, "dir"))
        return settings_load(call, s, p);
    TRY(settings_read(dir, s, p));
    return settings_override(call, s, p);
}

static enum err key_path(const struct call *call, const struct identity *id, struct buf *out)
{
    char text[96];
    snprintf(text, sizeof text, "/keys/%s/", id->ns);
    TRY(buf_add(out, text, strlen(text)));
    TRY(ask_encode(call_text(call, "name"), out));
    const char *separator = "?";
    if (call_has(call, "version")) {
        snprintf(text, sizeof text, "?version=%llu",
                 (unsigned long long)call_count(call, "version"));
        TRY(buf_add(out, text, strlen(text)));
        separator = "&";
    }
    if (call_has(call, "purpose")) {
        snprintf(text, sizeof text, "%spurpose=", separator);
        TRY(buf_add(out, text, strlen(text)));
        TRY(ask_encode(call_text(call, "purpose"), out));
    }
    return buf_add(out, "", 1);
}

static enum err fetch(const struct call *call, const struct settings *s, const struct identity *id,
                      json_t **out, struct problem *p)
{
    struct buf path = BUF_INIT(4096);
    enum err e = key_path(call, id, &path);
    struct ask a = {.settings = s,
                    .timeout_s = (unsigned)call_count(call, "timeout"),
                    .method = "GET",
                    .path = (const char *)path.p,
                    .cert_file = id->cert,
                    .key_file = id->key};
    if (e == OK)
        e = ask_json(&a, out, NULL, p);
    buf_free(&path);
    return e;
}

static enum err unwrap(const struct identity *id, const json_t *answer, struct buf *key,
                       struct problem *p)
{
    struct workload_key own = {0};
    struct buf jwk = BUF_INIT(JWK_MAX);
    const char *jwe = json_str(json_member(answer, "jwe"));
    enum err e;
    if (!jwe)
        return problem(p, E_MALFORMED, "the guardian's answer has no key");
    TRY_OUT(workload_key_load(id->key, &own, p));
    e = jwe_decrypt(&own.secret, bytes_str(jwe), &jwk);
    if (e == OK)
        e = jwk_oct_read(buf_bytes(&jwk), key);
    if (e != OK)
        e = problem(p, e, "the key is not encrypted to this workload");
out:
    workload_key_wipe(&own);
    buf_free(&jwk);
    return e;
}

/* A terminated string on the heap, or NULL if the key is not to be shown. */
static char *shown(const struct call *call, struct bytes key)
{
    const char *form = call_text(call, "show");
    if (!form)
        return NULL;
    if (strcmp(form, "base64") == 0)
        return b64_string(B64_STANDARD, key);
    char *text = malloc(2 * key.n + 1);
    if (text)
        hex_encode(key, text);
    return text;
}

static enum exit_code say_key(const struct call *call, const json_t *answer, struct bytes key)
{
    uint64_t version = 0;
    const char *algorithm = json_str(json_member(answer, "algorithm"));
    bool versioned = json_to_uint(json_member(answer, "version"), &version);
    char *text = shown(call, key);
    enum exit_code code = EXIT_DONE;
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_text(&b, "name", call_text(call, "name"));
        if (versioned)
            jb_uint(&b, "version", version);
        if (algorithm)
            jb_text(&b, "algorithm", algorithm);
        jb_uint(&b, "bytes", key.n);
        if (text)
            jb_text(&b, "key", text);
        code = say_built(&b);
    } else {
        say_field("name", "%s", call_text(call, "name"));
        say_field("version", versioned ? "%llu" : "?", (unsigned long long)version);
        say_field("algorithm", "%s", algorithm ? algorithm : "?");
        say_field("key", "%s",
                  text                    ? text
                  : call_has(call, "out") ? call_text(call, "out")
                                          : "(hidden, see --show and --out)");
    }
    if (text)
        wipe(text, strlen(text));
    free(text);
    return code;
}

enum exit_code cmd_key_get(const struct call *call)
{
    struct problem p = {0};
    struct settings s;
    struct identity id;
    struct buf key = BUF_INIT(JWE_PLAIN_MAX);
    json_t *answer = NULL;
    enum err e;
    TRY_OUT(load(call, &id, &s, &p));
    TRY_OUT(fetch(call, &s, &id, &answer, &p));
    TRY_OUT(unwrap(&id, answer, &key, &p));
    if (call_has(call, "out"))
        TRY_OUT(file_write(call_text(call, "out"), buf_bytes(&key), FILE_SECRET, &p));
out:;
    enum exit_code code =
        e == OK ? say_key(call, answer, buf_bytes(&key)) : say_failed(call, e, &p);
    json_free(answer);
    buf_free(&key);
    return code;
}
