#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/crypto/csr.h"
#include "core/evidence/evidence.h"
#include "core/evidence/sim/sim.h"
#include "prog/guardian/ask.h"
#include "base/codec/pem.h"
#include "prog/guardian/say.h"
#include "core/evidence/sim/software.h"
#include "prog/guardian/simulate.h"
#include "prog/guardian/workload.h"

#include <stdio.h>

#define BODY_MAX (1 << 20) /* the limit of a request */

/* One registration from the command line to the files. */
struct registration {
    const struct call *call;
    const char *ns, *out;
    struct settings settings;
    struct claims claims;
    struct workload_key key;
    uint8_t challenge[32];
    char token[512]; /* base64url of height, nonce, instance id and measurement hash */
    json_t *answer;  /* of verify */
};

/* ---- evidence ---- */

static enum err make_evidence(const struct registration *r, const struct report_data *data,
                              struct buf *out, struct problem *p)
{
    struct sim_machine machine;
    TRY(sim_machine_init(&machine, &r->claims, p));
    enum err e = sim_machine_evidence(&machine, data->b, out);
    sim_machine_free(&machine);
    return e;
}

static enum err add_evidence(const struct registration *r, const struct report_data *data,
                             struct json_builder *b, struct problem *p)
{
    struct buf evidence = BUF_INIT(EVIDENCE_MAX);
    enum err e = make_evidence(r, data, &evidence, p);
    if (e == OK)
        jb_b64(b, "evidence", buf_bytes(&evidence));
    buf_free(&evidence);
    return e;
}

/* Without a name the machine is a new one each time, as a new VM is. */
static void choose_machine(struct registration *r)
{
    char fresh[33];
    uint8_t random[16];
    const char *machine = call_text(r->call, "sim-instance");
    rng_fill(rng_system(), random, sizeof random);
    hex_encode(BYTES_OF(random), fresh);
    r->claims =
        sim_software_claims(simulate_platform(call_text(r->call, "sim-platform")),
                            call_text(r->call, "sim-measurement"), machine ? machine : fresh);
}

/* ---- the two phases ---- */

static enum err post(const struct registration *r, const char *phase, struct json_builder *b,
                     json_t **out, struct problem *p)
{
    char path[128];
    struct buf body = BUF_INIT(BODY_MAX);
    snprintf(path, sizeof path, "/attestation/%s/%s", r->ns, phase);
    enum err e = jb_write(b, &body);
    struct ask a = {.settings = &r->settings,
                    .timeout_s = (unsigned)call_count(r->call, "timeout"),
                    .method = "POST",
                    .path = path,
                    .body = buf_bytes(&body)};
    if (e == OK)
        e = ask_json(&a, out, NULL, p);
    buf_free(&body);
    return e;
}

/* What was built so far for a request that can't be made. */
static void drop(struct json_builder *b)
{
    json_t *v;
    if (jb_end(b, &v) == OK)
        json_free(v);
}

static enum err phase1(struct registration *r, struct problem *p)
{
    struct report_data data = workload_phase1(r->claims.platform, BYTES_OF(r->key.spki));
    struct json_builder b = json_build();
    json_t *answer = NULL;
    enum err e = add_evidence(r, &data, &b, p);
    if (e != OK)
        drop(&b);
    if (e == OK)
        e = post(r, "register", &b, &answer, p);
    if (e != OK)
        return e;
    const char *challenge = json_str(json_member(answer, "challenge"));
    const char *token = json_str(json_member(answer, "challenge_token"));
    if (!challenge || hex_decode(challenge, r->challenge, 32) != OK || !token ||
        strlen(token) >= sizeof r->token)
        e = problem(p, E_MALFORMED, "the guardian's answer is no challenge");
    else
        snprintf(r->token, sizeof r->token, "%s", token);
    json_free(answer);
    return e;
}

static enum err add_csr(const struct registration *r, struct json_builder *b)
{
    struct buf der = BUF_INIT(CSR_MAX), text = BUF_INIT(2 * CSR_MAX);
    enum err e = csr_write_p256(rng_system(), &r->key.secret, NULL, 0, &der);
    if (e == OK)
        e = pem_write("CERTIFICATE REQUEST", buf_bytes(&der), &text);
    if (e == OK)
        jb_textn(b, "csr", buf_bytes(&text));
    buf_free(&der);
    buf_free(&text);
    return e;
}

static enum err phase2(struct registration *r, struct problem *p)
{
    struct report_data data =
        workload_phase2(r->claims.platform, r->challenge, BYTES_OF(r->key.spki), BYTES_NONE);
    struct json_builder b = json_build();
    enum err e = add_evidence(r, &data, &b, p);
    if (e == OK)
        e = add_csr(r, &b);
    jb_text(&b, "challenge_token", r->token);
    if (e != OK)
        drop(&b);
    if (e == OK)
        e = post(r, "verify", &b, &r->answer, p);
    TRY(e);
    if (!json_str(json_member(r->answer, "certificate")) ||
        !json_str(json_member(r->answer, "chain")))
        return problem(p, E_MALFORMED, "the guardian's answer has no certificate");
    return OK;
}

/* ---- the files ---- */

static enum err put(const struct registration *r, const char *name, struct bytes content,
                    struct problem *p)
{
    char path[FILE_PATH_MAX];
    TRY(path_join(path, r->out, name, p));
    return file_write(path, content, FILE_PUBLIC, p);
}

static enum err put_root(const struct registration *r, struct problem *p)
{
    struct buf root = BUF_INIT(FILE_MAX);
    enum err e = file_read(r->settings.root_file, &root, p);
    if (e == OK)
        e = put(r, "root.pem", buf_bytes(&root), p);
    buf_free(&root);
    return e;
}

/* cert.pem and chain.pem for openssl verify, identity.pem with both for TLS clients. */
static enum err put_certificates(const struct registration *r, struct problem *p)
{
    struct buf both = BUF_INIT(FILE_MAX);
    struct bytes cert = bytes_str(json_str(json_member(r->answer, "certificate")));
    struct bytes chain = bytes_str(json_str(json_member(r->answer, "chain")));
    enum err e;
    TRY_OUT(put(r, "cert.pem", cert, p));
    TRY_OUT(put(r, "chain.pem", chain, p));
    TRY_OUT(buf_add(&both, cert.p, cert.n));
    TRY_OUT(buf_add(&both, chain.p, chain.n));
    TRY_OUT(put(r, "identity.pem", buf_bytes(&both), p));
out:
    buf_free(&both);
    return e;
}

/*
 * The proof that the cluster decided to issue this certificate. Right after a change
 * of members there is none yet; the certificate is good without it.
 */
static enum err put_receipt(const struct registration *r, struct problem *p)
{
    json_t *receipt = json_member(r->answer, "receipt");
    struct json_builder b = json_build();
    struct buf text = BUF_INIT(FILE_MAX);
    if (json_str(receipt))
        jb_value(&b, "receipt", receipt);
    enum err e = jb_write(&b, &text);
    if (e == OK && json_str(receipt))
        e = put(r, "receipt.json", buf_bytes(&text), p);
    else
        say_step(r->call, "there is no receipt yet");
    buf_free(&text);
    return e;
}

static void build_state(const struct registration *r, struct json_builder *b)
{
    static const char *const kept[] = {"instance_id", "measurement_hash", "tcb_status",
                                       "expires_at"};
    jb_text(b, "namespace", r->ns);
    jb_text(b, "platform", platform_name(r->claims.platform));
    jb_bool(b, "simulated", true);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (json_member(r->answer, kept[i]))
            jb_value(b, kept[i], json_member(r->answer, kept[i]));
}

static enum err put_state(const struct registration *r, struct problem *p)
{
    struct json_builder b = json_build();
    struct buf text = BUF_INIT(FILE_MAX);
    build_state(r, &b);
    enum err e = jb_write(&b, &text);
    if (e == OK)
        e = put(r, "state.json", buf_bytes(&text), p);
    buf_free(&text);
    return e;
}

static enum err put_all(const struct registration *r, struct problem *p)
{
    TRY(put_root(r, p));
    TRY(put_certificates(r, p));
    TRY(put_receipt(r, p));
    TRY(put_state(r, p));
    return settings_write(r->out, &r->settings, p);
}

static enum exit_code say_registered(const struct registration *r)
{
    if (call_flag(r->call, "json")) {
        struct json_builder b = json_build();
        build_state(r, &b);
        jb_text(&b, "out", r->out);
        return say_built(&b);
    }
    const char *id = json_str(json_member(r->answer, "instance_id"));
    const char *hash = json_str(json_member(r->answer, "measurement_hash"));
    say_field("namespace", "%s", r->ns);
    say_field("instance", "%s", id ? id : "?");
    say_field("measurement", "%s", hash ? hash : "?");
    say_field("files", "%s/{cert,chain,root,identity}.pem, state.json", r->out);
    say_field("private key", "(hidden, in %s/key.pem)", r->out);
    return EXIT_DONE;
}

enum exit_code cmd_workload_register(const struct call *call)
{
    struct problem p = {0};
    struct registration r = {
        .call = call, .ns = call_text(call, "namespace"), .out = call_text(call, "out")};
    char key_path[FILE_PATH_MAX];
    enum err e;
    TRY_OUT(settings_load(call, &r.settings, &p));
    if (!r.settings.simulation) {
        e = problem(&p, E_NOT_ALLOWED, "only a simulated cluster takes simulated evidence");
        goto out;
    }
    TRY_OUT(folder_make(r.out, &p));
    TRY_OUT(path_join(key_path, r.out, "key.pem", &p));
    TRY_OUT(workload_key_file(key_path, &r.key, &p));
    choose_machine(&r);
    TRY_OUT(phase1(&r, &p));
    TRY_OUT(phase2(&r, &p));
    TRY_OUT(put_all(&r, &p));
out:
    workload_key_wipe(&r.key);
    enum exit_code code = e == OK ? say_registered(&r) : say_failed(call, e, &p);
    json_free(r.answer);
    return code;
}
