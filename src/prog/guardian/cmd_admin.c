/* Administrators' keys and offline signatures. */
#include "base/codec/hex.h"
#include "prog/guardian/changes.h"
#include "prog/guardian/draft.h"
#include "prog/guardian/files.h"
#include "prog/guardian/say.h"

#include <stdio.h>

enum exit_code cmd_admin_keygen(const struct call *call)
{
    struct problem p = {0};
    struct admin_key key;
    admin_key_make(rng_system(), &key);
    enum err e = admin_key_save(call_text(call, "file"), &key, &p);
    wipe(&key.secret, sizeof key.secret);
    if (e != OK)
        return say_refused(call, &p);
    if (call_flag(call, "json")) {
        struct json_builder b = json_build();
        jb_hex(&b, "admin", BYTES_OF(key.id.b));
        jb_hex(&b, "public_key", BYTES_OF(key.public.b));
        return say_built(&b);
    }
    char hex[65];
    hex_encode(BYTES_OF(key.id.b), hex);
    say_field("admin", "%s", hex);
    hex_encode(BYTES_OF(key.public.b), hex);
    say_field("public key", "%s", hex);
    say_field("private key", "(hidden, in %s)", call_text(call, "file"));
    return EXIT_DONE;
}

static enum err load_draft(const char *path, struct draft *d, struct problem *p)
{
    struct buf text = BUF_INIT(FILE_MAX);
    json_t *v = NULL;
    enum err e = file_read(path, &text, p);
    if (e == OK)
        e = json_parse(buf_bytes(&text), FILE_MAX, &v, p);
    if (e == OK)
        e = draft_parse(v, d, p);
    json_free(v);
    buf_free(&text);
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

enum exit_code cmd_admin_sign(const struct call *call)
{
    struct problem p = {0};
    struct draft d = {0};
    json_t *v = NULL;
    char title[128];
    enum err e = load_draft(call_text(call, "draft"), &d, &p);
    if (e != OK)
        return say_unusable(call, &p);
    change_title(d.change, title, sizeof title);
    say_step(call, "signing: %s", title);
    for (size_t i = 0; e == OK && i < call_times(call, "admin-key"); i++)
        e = sign_with(call_nth(call, "admin-key", i), &d, &p);
    if (e == OK)
        e = draft_json(&d, &v);
    enum exit_code code = EXIT_REFUSED;
    if (e == OK)
        code = say_json(v);
    else
        code = say_failed(call, e, &p);
    json_free(v);
    draft_free(&d);
    return code;
}
