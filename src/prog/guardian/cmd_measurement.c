#include "base/codec/hex.h"
#include "core/policy/policy.h"
#include "prog/guardian/changes.h"
#include "prog/guardian/propose.h"
#include "prog/guardian/say.h"
#include "prog/guardian/simulate.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static enum err read_record(const char *path, json_t **out, struct problem *p)
{
    struct buf text = BUF_INIT(FILE_MAX);
    enum err e = file_read(path, &text, p);
    if (e == OK)
        e = json_parse(buf_bytes(&text), FILE_MAX, out, p);
    buf_free(&text);
    return e;
}

enum exit_code cmd_measurement_add(const struct call *call)
{
    const char *path = call_text(call, "record"), *software = call_text(call, "sim-measurement");
    struct problem p = {0};
    json_t *record = NULL, *change = NULL;
    if (!path == !software)
        return say_unusable(call, &(struct problem){E_VALUE, "say either --record FILE or "
                                                             "--sim-measurement TEXT"});
    enum err e = path ? read_record(path, &record, &p)
                      : simulate_record(call_text(call, "sim-platform"), software, &record);
    if (e != OK)
        return say_unusable(call, p.err ? &p : &(struct problem){.err = e});
    e = change_measurement_add(call_text(call, "namespace"), record, &change);
    json_free(record);
    return e == OK ? propose(call, change) : say_failed(call, e, &p);
}

enum exit_code cmd_measurement_revoke(const struct call *call)
{
    char hash[128];
    json_t *change = NULL;
    snprintf(hash, sizeof hash, "%s", call_text(call, "hash"));
    for (char *c = hash; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    enum err e = change_measurement_revoke(call_text(call, "namespace"), hash, &change);
    return e == OK ? propose(call, change) : say_failed(call, e, &(struct problem){0});
}

/* --- show --- */

static enum exit_code show_json(const struct policy_record *r)
{
    struct json_builder b = json_build();
    struct hash32 hash = policy_measurement_hash(r);
    json_t *record = NULL;
    enum err made = policy_json(r, &record);
    jb_hex(&b, "measurement_hash", BYTES_OF(hash.b));
    jb_value(&b, "record", made == OK ? record : NULL);
    json_free(record);
    return say_built(&b);
}

static enum exit_code show_text(const struct policy_record *r)
{
    struct buf text = BUF_INIT(2 * POLICY_JSON_MAX);
    enum err e = policy_print(r, &text);
    if (e == OK)
        fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
    return e == OK ? EXIT_DONE : EXIT_REFUSED;
}

enum exit_code cmd_measurement_show(const struct call *call)
{
    struct policy_record *r = calloc(1, sizeof *r); /* too large for the stack with all its lists */
    struct buf text = BUF_INIT(POLICY_JSON_MAX);
    struct problem p = {0};
    enum err e = r ? file_read(call_text(call, "record"), &text, &p) : E_NOMEM;
    if (e == OK)
        e = policy_parse(buf_bytes(&text), r, &p);
    enum exit_code code;
    if (e != OK)
        code = say_unusable(call, p.err ? &p : &(struct problem){.err = e});
    else
        code = call_flag(call, "json") ? show_json(r) : show_text(r);
    buf_free(&text);
    free(r);
    return code;
}

/* --- list --- */

static void print_measurements(const json_t *list)
{
    static const int widths[] = {66, 9, 0};
    say_row(widths, 3, (const char *const[]){"measurement hash", "platform", "revoked"});
    for (size_t i = 0; i < json_count(list); i++) {
        const json_t *m = json_item(list, i);
        uint64_t at;
        char revoked[32] = "no";
        if (json_to_uint(json_member(m, "revoked_at"), &at)) {
            struct tm when;
            time_t t = (time_t)at;
            strftime(revoked, sizeof revoked, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &when));
        }
        say_row(widths, 3,
                (const char *const[]){json_str(json_member(m, "measurement_hash")),
                                      json_str(json_member(m, "platform")), revoked});
    }
}

enum exit_code cmd_measurement_list(const struct call *call)
{
    char path[128];
    snprintf(path, sizeof path, "/measurements/%s", call_text(call, "namespace"));
    return ask_and_print(call, path, "measurements", print_measurements);
}
