#include "base/codec/hex.h"
#include "prog/guardian/changes.h"
#include "prog/guardian/propose.h"
#include "prog/guardian/say.h"

#include <stdio.h>

/* ---- list and show ---- */

static void count_text(const json_t *proposal, char *out, size_t cap)
{
    uint64_t have = 0, need = 0;
    bool known = json_to_uint(json_member(proposal, "have"), &have) &&
                 json_to_uint(json_member(proposal, "need"), &need);
    if (known)
        snprintf(out, cap, "%llu of %llu", (unsigned long long)have, (unsigned long long)need);
    else
        snprintf(out, cap, "?");
}

static void print_proposals(const json_t *list)
{
    static const int widths[] = {66, 9, 8, 0};
    say_row(widths, 4, (const char *const[]){"proposal", "status", "signed", "change"});
    for (size_t i = 0; i < json_count(list); i++) {
        const json_t *v = json_item(list, i);
        char title[128], count[64];
        change_title(json_member(v, "change"), title, sizeof title);
        count_text(v, count, sizeof count);
        say_row(widths, 4,
                (const char *const[]){json_str(json_member(v, "proposal_id")),
                                      json_str(json_member(v, "status")), count, title});
    }
}

enum exit_code cmd_proposal_list(const struct call *call)
{
    return ask_and_print(call, "/proposals", "proposals", print_proposals);
}

static void print_change(const json_t *change)
{
    struct buf text = BUF_INIT(DRAFT_TEXT_MAX);
    if (json_pretty(change, &text) == OK)
        fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
}

static void print_proposal(const json_t *v)
{
    char count[64];
    count_text(v, count, sizeof count);
    say_field("proposal", "%s", json_str(json_member(v, "proposal_id")));
    const char *status = json_str(json_member(v, "status"));
    say_field("status", "%s", status ? status : "?");
    say_field("signatures", "%s", count);
    const json_t *admins = json_member(v, "admins");
    for (size_t i = 0; i < json_count(admins); i++)
        say_field(i ? "" : "signed by", "%s",
                  json_str(json_item(admins, i)) ? json_str(json_item(admins, i)) : "?");
    print_change(json_member(v, "change"));
}

static enum err fetch(const struct call *call, const struct settings *s, json_t **out,
                      struct problem *p)
{
    char path[128];
    if (strlen(call_text(call, "id")) != 64)
        return problem(p, E_VALUE, "a proposal id has 64 hex digits");
    snprintf(path, sizeof path, "/proposals/%s", call_text(call, "id"));
    struct ask a = {.settings = s,
                    .timeout_s = (unsigned)call_count(call, "timeout"),
                    .method = "GET",
                    .path = path};
    return ask_json(&a, out, NULL, p);
}

enum exit_code cmd_proposal_show(const struct call *call)
{
    struct problem p = {0};
    struct settings s;
    json_t *v = NULL;
    enum exit_code code = EXIT_DONE;
    enum err e;
    TRY_OUT(settings_load(call, &s, &p));
    TRY_OUT(fetch(call, &s, &v, &p));
    if (call_flag(call, "json"))
        code = say_json(v);
    else
        print_proposal(v);
out:
    json_free(v);
    return e == OK ? code : say_failed(call, e, &p);
}

/* ---- draft, create ---- */

static enum err read_file(const char *path, json_t **out, struct problem *p)
{
    struct buf text = BUF_INIT(FILE_MAX);
    enum err e = file_read(path, &text, p);
    if (e == OK)
        e = json_parse(buf_bytes(&text), FILE_MAX, out, p);
    buf_free(&text);
    return e;
}

enum exit_code cmd_proposal_draft(const struct call *call)
{
    struct problem p = {0};
    struct settings s;
    struct draft d = {0};
    json_t *change = NULL, *v = NULL;
    enum err e;
    TRY_OUT(read_file(call_text(call, "change"), &change, &p));
    TRY_OUT(change_check(change, &p));
    TRY_OUT(settings_load(call, &s, &p));
    TRY_OUT(propose_find_root(call, &s, &p));
    draft_make(change, s.root_id, propose_now() + call_count(call, "expires"), rng_system(), &d);
    TRY_OUT(draft_json(&d, &v));
out:
    json_free(change);
    draft_free(&d);
    enum exit_code code = e == OK ? say_json(v) : say_failed(call, e, &p);
    json_free(v);
    return code;
}

enum exit_code cmd_proposal_create(const struct call *call)
{
    struct problem p = {0};
    struct draft d = {0};
    json_t *v = NULL;
    enum err e = read_file(call_text(call, "file"), &v, &p);
    if (e != OK)
        return say_unusable(call, &p);
    if (json_member(v, "type"))
        return propose(call, v);
    e = draft_parse(v, &d, &p);
    json_free(v);
    if (e != OK)
        return say_failed(call, e, &p);
    enum exit_code code = propose_draft(call, &d);
    draft_free(&d);
    return code;
}

/* ---- approve ---- */

/*
 * What is signed is what the id stands for: the draft is built again from what the
 * guardian shows and our own root, and must hash to the id that was asked for.
 */
static enum err rebuild(const struct call *call, const struct settings *s, const json_t *v,
                        struct draft *d, struct problem *p)
{
    const char *nonce = json_str(json_member(v, "nonce"));
    struct hash32 id, asked;
    *d = (struct draft){.root_id = s->root_id};
    if (!json_to_uint(json_member(v, "expires"), &d->expires) || !nonce ||
        hex_decode(nonce, d->nonce, sizeof d->nonce) != OK)
        return problem(p, E_MALFORMED, "the guardian's answer is no proposal");
    json_t *change = json_member(v, "change");
    TRY(change_check(change, p));
    d->change = json_share(change);
    TRY(draft_id(d, &id));
    TRY(hex_decode(call_text(call, "id"), asked.b, sizeof asked.b));
    if (!hash32_eq(id, asked))
        return problem(p, E_SIGNATURE, "what the guardian shows is not what this id stands for");
    return OK;
}

static enum err post_approval(const struct call *call, const struct settings *s,
                              const struct draft *d, struct proposal_answer *answer,
                              struct problem *p)
{
    char path[128];
    struct buf body = BUF_INIT(DRAFT_TEXT_MAX);
    json_t *v = NULL;
    snprintf(path, sizeof path, "/proposals/%s/approve", call_text(call, "id"));
    enum err e = draft_approval(d, &body);
    struct ask a = {.settings = s,
                    .timeout_s = (unsigned)call_count(call, "timeout"),
                    .method = "POST",
                    .path = path,
                    .body = buf_bytes(&body)};
    if (e == OK)
        e = ask_json(&a, &v, NULL, p);
    if (e == OK)
        e = propose_read_answer(v, answer, p);
    json_free(v);
    buf_free(&body);
    return e;
}

enum exit_code cmd_proposal_approve(const struct call *call)
{
    struct problem p = {0};
    struct settings s;
    struct draft d = {0};
    struct proposal_answer answer = {0};
    json_t *v = NULL;
    enum err e;
    TRY_OUT(settings_load(call, &s, &p));
    TRY_OUT(propose_find_root(call, &s, &p));
    TRY_OUT(fetch(call, &s, &v, &p));
    TRY_OUT(rebuild(call, &s, v, &d, &p));
    if (!call_flag(call, "json"))
        print_change(d.change);
    TRY_OUT(propose_sign(call, &d, &p));
    TRY_OUT(post_approval(call, &s, &d, &answer, &p));
out:
    json_free(v);
    draft_free(&d);
    return e == OK ? propose_say(call, &answer) : say_failed(call, e, &p);
}
