#include "prog/guardian/propose.h"
#include "base/codec/hex.h"
#include "prog/guardian/changes.h"
#include "prog/guardian/say.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

uint64_t propose_now(void)
{
    return (uint64_t)time(NULL);
}

static enum err take_root(const json_t *health, struct settings *s, struct problem *p)
{
    const char *root = json_str(json_member(health, "root_id"));
    if (!root || hex_decode(root, s->root_id.b, 32) != OK || hash32_is_zero(s->root_id))
        return problem(p, E_NOT_READY, "the guardian does not know a root yet");
    return OK;
}

enum err propose_find_root(const struct call *call, struct settings *s, struct problem *p)
{
    if (!hash32_is_zero(s->root_id))
        return OK;
    struct ask a = {.settings = s,
                    .timeout_s = (unsigned)call_count(call, "timeout"),
                    .method = "GET",
                    .path = "/health"};
    json_t *v = NULL;
    TRY(ask_json(&a, &v, NULL, p));
    enum err e = take_root(v, s, p);
    json_free(v);
    return e;
}

static enum err sign_with(const char *path, struct draft *d, struct problem *p)
{
    struct admin_key key;
    enum err e = admin_key_load(path, &key, p);
    if (e == OK)
        e = draft_sign(d, &key);
    admin_key_wipe(&key);
    return e;
}

static bool is_admin_key(const char *name)
{
    size_t n = strlen(name);
    return strncmp(name, "admin", 5) == 0 && n > 9 && strcmp(name + n - 4, ".key") == 0;
}

enum err propose_sign_folder(const char *dir, struct draft *d, struct problem *p)
{
    char path[FILE_PATH_MAX];
    size_t found = 0;
    enum err e = OK;
    DIR *folder = opendir(dir);
    if (!folder)
        return problem(p, E_NOT_FOUND, "cannot open the folder %.80s", dir);
    for (struct dirent *entry; e == OK && (entry = readdir(folder));) {
        if (!is_admin_key(entry->d_name))
            continue;
        e = path_join(path, dir, entry->d_name, p);
        if (e == OK)
            e = sign_with(path, d, p);
        found++;
    }
    closedir(folder);
    if (e == OK && found == 0)
        e = problem(p, E_NOT_FOUND, "there is no admin*.key in %.80s; say --admin-key FILE", dir);
    return e;
}

enum err propose_sign(const struct call *call, struct draft *d, struct problem *p)
{
    const char *dir = call_text(call, "dir");
    size_t n = call_times(call, "admin-key");
    for (size_t i = 0; i < n; i++)
        TRY(sign_with(call_nth(call, "admin-key", i), d, p));
    if (n)
        return OK;
    if (!dir)
        return problem(p, E_NOT_FOUND, "no key to sign with: say --admin-key FILE");
    return propose_sign_folder(dir, d, p);
}

enum err propose_read_answer(const json_t *v, struct proposal_answer *out, struct problem *p)
{
    const char *id = json_str(json_member(v, "proposal_id"));
    uint8_t raw[32];
    if (!id || hex_decode(id, raw, sizeof raw) != OK ||
        !json_to_uint(json_member(v, "have"), &out->have) ||
        !json_to_uint(json_member(v, "need"), &out->need))
        return problem(p, E_MALFORMED, "the guardian's answer is no proposal");
    hex_encode(BYTES_OF(raw), out->id);
    return OK;
}

enum err propose_post(const struct call *call, const struct settings *s, const struct draft *d,
                      struct proposal_answer *out, struct problem *p)
{
    struct buf body = BUF_INIT(DRAFT_TEXT_MAX);
    struct hash32 id;
    char id_hex[65];
    json_t *v = NULL;
    enum err e;
    TRY_OUT(draft_request(d, &body));
    struct ask a = {.settings = s,
                    .timeout_s = (unsigned)call_count(call, "timeout"),
                    .method = "POST",
                    .path = "/proposals",
                    .body = buf_bytes(&body)};
    TRY_OUT(ask_json(&a, &v, NULL, p));
    TRY_OUT(propose_read_answer(v, out, p));
    TRY_OUT(draft_id(d, &id));
    hex_encode(BYTES_OF(id.b), id_hex);
    if (strcmp(id_hex, out->id) != 0)
        e = problem(p, E_INTERNAL, "the guardian took another change than the one signed");
out:
    json_free(v);
    buf_free(&body);
    return e;
}

enum exit_code propose_say(const struct call *call, const struct proposal_answer *a)
{
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_text(&b, "proposal_id", a->id);
        jb_uint(&b, "have", a->have);
        jb_uint(&b, "need", a->need);
        jb_bool(&b, "decided", a->have >= a->need);
        return say_built(&b);
    }
    say_field("proposal", "%s", a->id);
    say_field("signatures", "%llu of %llu", (unsigned long long)a->have,
              (unsigned long long)a->need);
    say_field("state", "%s", a->have >= a->need ? "decided" : "waits for more signatures");
    return EXIT_DONE;
}

enum exit_code propose(const struct call *call, json_t *change)
{
    struct problem p = {0};
    struct settings s;
    struct draft d = {0};
    struct proposal_answer answer = {0};
    enum err e;
    TRY_OUT(change_check(change, &p));
    TRY_OUT(settings_load(call, &s, &p));
    TRY_OUT(propose_find_root(call, &s, &p));
    draft_make(change, s.root_id, propose_now() + call_count(call, "expires"), rng_system(), &d);
    TRY_OUT(propose_sign(call, &d, &p));
    TRY_OUT(propose_post(call, &s, &d, &answer, &p));
out:
    json_free(change);
    draft_free(&d);
    return e == OK ? propose_say(call, &answer) : say_failed(call, e, &p);
}

enum exit_code propose_draft(const struct call *call, struct draft *d)
{
    struct problem p = {0};
    struct settings s;
    struct proposal_answer answer = {0};
    enum err e;
    TRY_OUT(settings_load(call, &s, &p));
    if (d->n == 0 || call_has(call, "admin-key"))
        TRY_OUT(propose_sign(call, d, &p));
    TRY_OUT(propose_post(call, &s, d, &answer, &p));
out:
    return e == OK ? propose_say(call, &answer) : say_failed(call, e, &p);
}
