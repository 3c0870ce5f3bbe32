/* guardian evidence show|verify: evidence in a file, without a cluster. */
#include "base/codec/hex.h"
#include "core/evidence/claims_json.h"
#include "core/evidence/evidence.h"
#include "core/policy/policy.h"
#include "prog/guardian/command.h"
#include "prog/guardian/evidence_inputs.h"
#include "prog/guardian/files.h"
#include "prog/guardian/say.h"
#include "prog/guardian/show_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --- reading --- */

/* The file stays in *file, from which *e borrows. */
static enum err read_evidence(const char *path, struct buf *file, struct evidence *e,
                              struct problem *p)
{
    *file = BUF_INIT(FILE_MAX);
    memset(e, 0, sizeof *e);
    return file_read(path, file, p);
}

/* --- claims for people: what the JSON says, one value a line --- */

static void value_text(const json_t *v, char *out, size_t cap)
{
    uint64_t number;
    bool flag;
    if (json_str(v))
        snprintf(out, cap, "%s", json_str(v));
    else if (json_to_uint(v, &number))
        snprintf(out, cap, "%llu", (unsigned long long)number);
    else if (json_to_bool(v, &flag))
        snprintf(out, cap, "%s", flag ? "yes" : "no");
    else
        snprintf(out, cap, "-");
}

/* "bootloader 4, tee 0, ..." */
static void object_text(json_t *object, char *out, size_t cap)
{
    void *state = NULL;
    const char *name;
    json_t *v;
    size_t n = 0;
    while (n < cap && json_each(object, &state, &name, &v)) {
        char value[64];
        value_text(v, value, sizeof value);
        n += (size_t)snprintf(out + n, cap - n, "%s%s %s", n ? ", " : "", name, value);
    }
}

static void say_members(json_t *object)
{
    void *state = NULL;
    const char *name;
    json_t *v;
    while (json_each(object, &state, &name, &v)) {
        char text[512], label[64];
        if (json_is_obj(v))
            object_text(v, text, sizeof text);
        else
            value_text(v, text, sizeof text);
        snprintf(label, sizeof label, "%s ", name);
        say_field(label, "%s", text);
    }
}

static enum err say_claims(const struct claims *c)
{
    json_t *v;
    TRY(claims_to_json(c, &v));
    char hash[65];
    hex_encode(BYTES_OF(c->measurement_hash.b), hash);
    say_field("measurement hash", "%s", hash);
    say_members(v);
    json_free(v);
    return OK;
}

/* --- show --- */

static enum exit_code show_json(const struct evidence *e, const struct claims *claims)
{
    struct json_builder b = json_build();
    json_t *v = NULL;
    enum err made = claims_to_json(claims, &v);
    jb_bool(&b, "verified", false);
    jb_text(&b, "platform", platform_name(e->platform));
    jb_hex(&b, "measurement_hash", BYTES_OF(claims->measurement_hash.b));
    jb_uint(&b, "certificates", e->platform == PLATFORM_SNP ? e->n_certs : 3);
    events_add_json(&b, e);
    jb_value(&b, "claims", made == OK ? v : NULL);
    json_free(v);
    return say_built(&b);
}

static enum exit_code show(const struct call *call, const struct evidence *e)
{
    struct claims claims = evidence_claims(e);
    if (call_flag(call, "json"))
        return show_json(e, &claims);
    say_field("platform", "%s", platform_name(e->platform));
    say_field("verified", "no, this is what the evidence claims");
    if (say_claims(&claims) != OK)
        return EXIT_REFUSED;
    events_say(e);
    return EXIT_DONE;
}

enum exit_code cmd_evidence_show(const struct call *call)
{
    struct problem p = {0};
    struct evidence e;
    struct buf file;
    enum exit_code code;
    enum err result = read_evidence(call_text(call, "file"), &file, &e, &p);
    if (result != OK) {
        code = say_unusable(call, &p);
    } else {
        result = evidence_parse_file(buf_bytes(&file), &e, &p);
        code = result == OK ? show(call, &e) : say_failed(call, result, &p);
    }
    evidence_free(&e);
    buf_free(&file);
    return code;
}

/* --- verify --- */

struct request {
    struct buf file;
    struct evidence evidence;
    struct collateral collateral;
    struct problem broken; /* the first file of collateral that is; then the verdict is that */
    struct problem passed; /* the same of files in folders; told where something is missing */
    struct given_roots roots;
    struct evidence_trust trust;
    struct evidence_options options;
    int64_t at;
    uint8_t report_data[64];
    size_t report_data_size; /* 0: not asked for */
    bool no_policy;
    struct policy_record *policy; /* NULL: the default policy */
};

struct verdict {
    enum err err;
    struct problem problem;
    struct claims claims; /* platform NONE unless all signatures hold */
};

static enum err read_time(const struct call *call, int64_t *out, struct problem *p)
{
    if (!call_has(call, "at")) {
        *out = time(NULL);
        return OK;
    }
    if (time_parse(call_text(call, "at"), out) != OK)
        return problem(p, E_VALUE, "--at takes unix seconds or RFC 3339, not \"%s\"",
                       call_text(call, "at"));
    return OK;
}

static enum err read_report_data(const struct call *call, struct request *r, struct problem *p)
{
    const char *hex = call_text(call, "report-data");
    if (!hex)
        return OK;
    r->report_data_size = strlen(hex) / 2;
    if (r->report_data_size > 64 || hex_decode(hex, r->report_data, r->report_data_size) != OK)
        return problem(p, E_VALUE, "--report-data takes up to 64 bytes in hex");
    return OK;
}

static enum err read_collateral(const struct call *call, struct request *r, struct problem *p)
{
    for (size_t i = 0; i < call_times(call, "collateral"); i++) {
        enum err e =
            collateral_read(&r->collateral, call_nth(call, "collateral", i), &r->passed, p);
        if (e != E_FORMAT)
            TRY(e);
        else if (r->broken.err == OK)
            r->broken = *p;
    }
    r->trust = evidence_trust_vendors(false);
    if (call_has(call, "root")) {
        TRY(given_roots_read(&r->roots, &r->collateral, call_text(call, "root"), p));
        r->trust = r->roots.trust;
    }
    return OK;
}

/* A record of the measurement registry: {"platform", "data"}. */
static enum err read_policy(const struct call *call, struct request *r, struct problem *p)
{
    const char *path = call_text(call, "policy");
    struct buf text = BUF_INIT(POLICY_JSON_MAX);
    r->no_policy = call_flag(call, "no-policy");
    if (!path)
        return OK;
    if (r->no_policy)
        return problem(p, E_VALUE, "--policy and --no-policy exclude each other");
    r->policy = calloc(1, sizeof *r->policy);
    if (!r->policy)
        return E_NOMEM;
    enum err e = file_read(path, &text, p);
    if (e == OK)
        e = policy_parse(buf_bytes(&text), r->policy, p);
    buf_free(&text);
    return e;
}

static enum err read_request(const struct call *call, struct request *r, struct problem *p)
{
    TRY(read_time(call, &r->at, p));
    TRY(read_report_data(call, r, p));
    TRY(read_collateral(call, r, p));
    TRY(read_policy(call, r, p));
    TRY(read_evidence(call_text(call, "file"), &r->file, &r->evidence, p));
    r->options = (struct evidence_options){.no_collateral = call_flag(call, "no-collateral"),
                                           .no_crl = call_flag(call, "no-crl"),
                                           .collateral = &r->collateral};
    return OK;
}

static void request_free(struct request *r)
{
    evidence_free(&r->evidence);
    collateral_free(&r->collateral);
    buf_free(&r->file);
    free(r->policy);
}

static enum err check_report_data(const struct request *r, const struct claims *c,
                                  struct problem *p)
{
    if (r->report_data_size && memcmp(r->report_data, c->report_data, r->report_data_size) != 0)
        return problem(p, E_NONCE, "report_data differs from --report-data");
    return OK;
}

/*
 * No debugging; and a platform that is up to date, which --no-collateral leaves
 * open (it asks for the signature chain alone), on SNP also --no-crl.
 */
static enum err check_default_policy(const struct request *r, const struct claims *c,
                                     struct problem *p)
{
    bool open = r->options.no_collateral || r->options.no_crl;
    bool unjudged = open && c->tcb_status == TCB_UNKNOWN;
    char actual[CLAIMS_STATUS_TEXT_MAX];
    if (c->debug)
        return problem(p, E_DEBUG, "the guest can be debugged by its host");
    if (c->tcb_status != TCB_UP_TO_DATE && !unjudged)
        return problem(p, E_TCB_STATUS, "tcb_status: expected UpToDate, is %s",
                       claims_status_text(c, actual));
    return OK;
}

static enum err judge(struct request *r, struct claims *claims, struct problem *p)
{
    TRY(evidence_parse_file(buf_bytes(&r->file), &r->evidence, p));
    if (r->broken.err != OK)
        return problem(p, r->broken.err, "%s", r->broken.detail);
    TRY(evidence_verify(&r->evidence, &r->trust, &r->options, r->at, claims, p));
    TRY(check_report_data(r, claims, p));
    if (r->policy)
        return policy_match(r->policy, claims, p);
    return r->no_policy ? OK : check_default_policy(r, claims, p);
}

/* --- the answer --- */

#define DETAIL_MAX 768 /* two problems and a caveat */

/* What the user must not overlook about a verdict, good or bad. */
static const char *caveat(const struct request *r, const struct claims *c)
{
    if (c->simulated)
        return "; simulated: no real machine stands behind this";
    return r->trust.roots == r->roots.roots ? "; judged under the root given by --root" : "";
}

static void describe(const struct request *r, const struct verdict *v, char *out, size_t cap)
{
    const char *reason = v->err == OK ? "authentic" : problem_text(&v->problem);
    bool hint = v->err == E_COLL_MISSING && r->passed.err != OK;
    snprintf(out, cap, "%s%s%s%s", reason, hint ? "; passed over: " : "",
             hint ? r->passed.detail : "", caveat(r, &v->claims));
}

static enum exit_code answer_json(const struct request *r, const struct verdict *v)
{
    struct json_builder b = json_build();
    json_t *claims = NULL;
    char detail[DETAIL_MAX];
    bool known = v->claims.platform != PLATFORM_NONE;
    enum platform platform = r->evidence.platform;
    enum err made = known ? claims_to_json(&v->claims, &claims) : OK;
    describe(r, v, detail, sizeof detail);
    jb_bool(&b, "valid", v->err == OK);
    if (platform != PLATFORM_NONE)
        jb_text(&b, "platform", platform_name(platform));
    else
        jb_null(&b, "platform");
    if (v->err == OK)
        jb_null(&b, "code");
    else
        jb_text(&b, "code", err_code(v->err));
    jb_text(&b, "detail", detail);
    jb_text(&b, "tcb_status", tcb_status_name(v->claims.tcb_status));
    jb_array(&b, "advisories");
    for (size_t i = 0; i < v->claims.n_advisories; i++)
        jb_text(&b, NULL, v->claims.advisories[i]);
    jb_close(&b);
    if (known) {
        jb_hex(&b, "measurement_hash", BYTES_OF(v->claims.measurement_hash.b));
        jb_value(&b, "claims", made == OK ? claims : NULL);
    } else {
        jb_null(&b, "measurement_hash");
        jb_null(&b, "claims");
    }
    json_free(claims);
    return say_built(&b);
}

static enum exit_code answer_text(const struct request *r, const struct verdict *v)
{
    char detail[DETAIL_MAX];
    describe(r, v, detail, sizeof detail);
    say_field("valid", "%s", v->err == OK ? "yes" : "no");
    if (v->err != OK)
        say_field("code", "%s", err_code(v->err));
    say_field("detail", "%s", detail);
    if (v->claims.platform == PLATFORM_NONE)
        return EXIT_DONE;
    say_field("platform", "%s", platform_name(v->claims.platform));
    say_field("tcb status", "%s", tcb_status_name(v->claims.tcb_status));
    for (size_t i = 0; i < v->claims.n_advisories; i++)
        say_field("advisory", "%s", v->claims.advisories[i]);
    return say_claims(&v->claims) == OK ? EXIT_DONE : EXIT_REFUSED;
}

static enum exit_code verify(const struct call *call, struct request *r)
{
    struct verdict v = {0};
    v.err = judge(r, &v.claims, &v.problem);
    enum exit_code printed = call_flag(call, "json") ? answer_json(r, &v) : answer_text(r, &v);
    return v.err == OK ? printed : EXIT_REFUSED;
}

enum exit_code cmd_evidence_verify(const struct call *call)
{
    struct request *r = calloc(1, sizeof *r); /* too large for the stack with all its views */
    struct problem p = {0};
    if (!r)
        return EXIT_REFUSED;
    enum err e = read_request(call, r, &p);
    enum exit_code code = e == OK ? verify(call, r) : say_unusable(call, &p);
    request_free(r);
    free(r);
    return code;
}
