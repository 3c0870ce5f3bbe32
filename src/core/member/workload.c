/*
 * Workloads: challenge, judgement, verdicts of q guardians, ISSUE, certificate
 * (design.md section 8, api.md "Workload registration and certificates").
 *
 * Each guardian that gives a verdict runs check() on the same question: the
 * one that was asked by the workload, and those it asks in turn.
 */
#include "core/member/member_int.h"
#include "base/codec/b64.h"
#include "base/codec/json.h"
#include "base/codec/pem.h"
#include "base/crypto/csr.h"
#include "base/crypto/jwe.h"
#include "base/log.h"
#include "base/codec/hex.h"
#include "core/evidence/evidence.h"

#include <stdlib.h>

#define TOKEN_SIZE (8 + 16 + 32 + 32)
#define JOB_MS     8000

/* --- challenges --- */

/* The header a challenge was made from: its id and time. E_NOT_FOUND if it is not (any longer)
 * here. */
static enum err header_at(const struct guardian *m, uint64_t height, struct hash32 *id,
                          uint64_t *time_ms)
{
    const struct kept_block *k = member_block(m, height);
    if (!k)
        return E_NOT_FOUND;
    struct block block;
    TRY(block_decode(k->block, &block));
    *id = header_id(&block.header);
    *time_ms = block.header.time_ms;
    block_free(&block);
    return OK;
}

static enum err make_challenge(const struct guardian *m, const char *ns, const struct token *t,
                               struct hash32 *challenge, int64_t *until)
{
    struct hash32 id;
    uint64_t time_ms;
    TRY(header_at(m, t->height, &id, &time_ms));
    uint8_t height[8];
    bytes_be64(t->height, height);
    struct sha256 h;
    sha256_init(&h);
    sha256_add_var(&h, bytes_str("challenge"));
    sha256_add_var(&h, BYTES_OF(id.b));
    sha256_add_var(&h, BYTES_OF(height));
    sha256_add_var(&h, BYTES_OF(t->nonce));
    sha256_add_var(&h, bytes_str(ns));
    sha256_add_var(&h, BYTES_OF(t->instance.b));
    sha256_add_var(&h, BYTES_OF(t->measurement.b));
    *challenge = sha256_final(&h);
    *until = (int64_t)(time_ms / 1000) + CHALLENGE_S;
    return OK;
}

static void token_write(struct writer *w, const struct token *t)
{
    wr_u64(w, t->height);
    wr_raw(w, t->nonce, sizeof t->nonce);
    wr_raw(w, t->instance.b, sizeof t->instance.b);
    wr_raw(w, t->measurement.b, sizeof t->measurement.b);
}

static void token_read(struct reader *r, struct token *t)
{
    t->height = rd_u64(r);
    rd_copy(r, t->nonce, sizeof t->nonce);
    rd_copy(r, t->instance.b, sizeof t->instance.b);
    rd_copy(r, t->measurement.b, sizeof t->measurement.b);
}

static enum err token_parse(const char *text, struct token *t, struct problem *p)
{
    struct buf b = BUF_INIT(TOKEN_SIZE + 8);
    enum err e = b64_decode(B64_URL, bytes_str(text), &b);
    struct reader r = reader(buf_bytes(&b));
    token_read(&r, t);
    if (e != OK || reader_end(&r, E_VALUE) != OK)
        e = problem(p, E_VALUE, "challenge_token is none of ours");
    buf_free(&b);
    return e;
}

/* --- the judgement --- */

static bool head_is_fresh(const struct guardian *m)
{
    struct rec_cluster c = state_cluster(m->state);
    return m->now.unix_ms < c.time_ms + TICK_MS;
}

static void want_fresh_head(struct guardian *m)
{
    if (head_is_fresh(m) ||
        (m->submitted_ms[CMD_TICK] && m->now.mono_ms < m->submitted_ms[CMD_TICK] + 1000))
        return;
    (void)!member_post(m, CMD_TICK, bytes("", 0), NULL);
}

/* Namespace, whitelist, policy and incumbent: what both phases check of authentic claims. */
static enum err check_policy(struct guardian *m, const char *ns, const struct claims *c,
                             struct hash32 *which, struct problem *p)
{
    struct key k = key_name('n', ns);
    struct rec_namespace rec;
    struct rec_measurement measurement;
    struct policy_record record;
    if (namespace_get(state_store(m->state), &k, &rec) != OK || strcmp(ns, NS_GUARDIAN) == 0)
        return problem(p, E_NOT_FOUND, "there is no namespace %s", ns);
    if (c->simulated && !m->config.genesis->simulation)
        return problem(p, E_CHAIN, "simulated evidence in a cluster that is none");
    if (c->platform == PLATFORM_TDX && hash32_is_zero(claims_instance_id(c)))
        return problem(p, E_ID_REQUIRED, "REPORTDATA[32:64] must hold an instance id");
    enum err e = state_measurement(m->state, ns, c->measurement_hash, c->measurement_hash_bare,
                                   &measurement, which);
    if (e != OK)
        return problem(p, e, "%s", err_text(e));
    TRY(policy_decode(measurement.policy, &record));
    return policy_match(&record, c, p);
}

static enum err check_incumbent(struct guardian *m, const char *ns, const struct claims *c,
                                struct hash32 which, struct problem *p)
{
    struct rec_instance i;
    struct key k = key_name_hash('i', ns, claims_instance_id(c));
    if (instance_get(state_store(m->state), &k, &i) != OK)
        return OK;
    struct bytes chip = claims_platform_id(c);
    if (i.platform != c->platform || !hash32_eq(i.measurement_hash, which) ||
        (c->platform == PLATFORM_SNP && !bytes_eq(bytes(i.chip.b, i.chip.n), chip)))
        return problem(p, E_ID_CONFLICT, "another instance has this id; it is not harmed");
    return OK;
}

/* REPORTDATA[0:32] that answers the challenge and binds the keys (api.md). */
static struct hash32 answer_to(struct hash32 challenge, const struct job *j)
{
    struct sha256 h;
    if (!j->wants_certificate)
        return challenge;
    sha256_init(&h);
    sha256_add(&h, BYTES_OF(challenge.b));
    sha256_add(&h, bytes(j->subject.identity.b, j->subject.identity.n));
    if (j->has_wrap)
        sha256_add(&h, bytes(j->subject.wrap.b, j->subject.wrap.n));
    return sha256_final(&h);
}

/* Phase 2, on authentic claims: fills the rest of the subject. */
static enum err check_answer(struct guardian *m, struct job *j, const struct claims *c,
                             struct problem *p)
{
    struct hash32 which;
    struct workload_subject *s = &j->subject;
    TRY(check_policy(m, s->ns, c, &which, p));
    struct hash32 instance = claims_instance_id(c);
    if (!hash32_eq(instance, j->token.instance))
        return problem(p, E_NONCE, "the challenge was for another instance");
    if (!hash32_eq(c->measurement_hash, j->token.measurement))
        return problem(p, E_MEAS_MISMATCH, "the measurement changed since phase 1");
    enum err e = make_challenge(m, s->ns, &j->token, &s->challenge, &s->challenge_until);
    if (e != OK || s->challenge_until < (int64_t)member_unix_s(m))
        return problem(p, E_NONCE, "the challenge has expired");
    struct hash32 want = answer_to(s->challenge, j);
    if (memcmp(c->report_data, want.b, sizeof want.b) != 0)
        return problem(p, E_NONCE, "REPORTDATA does not answer the challenge for these keys");
    if (j->wants_certificate && c->platform == PLATFORM_TDX &&
        !hash32_eq(instance, sha256(bytes(s->identity.b, s->identity.n))))
        return problem(p, E_VALUE, "the instance id is not the SHA-256 of the CSR's key");
    TRY(check_incumbent(m, s->ns, c, which, p));
    struct bytes chip = claims_platform_id(c);
    s->instance_id = instance;
    s->platform = c->platform;
    s->measurement_hash = which;
    s->challenge_height = j->token.height;
    s->chip.n = 0;
    if (c->platform == PLATFORM_SNP) {
        memcpy(s->chip.b, chip.p, chip.n);
        s->chip.n = chip.n;
    }
    j->tcb_status = c->tcb_status;
    return OK;
}

static struct verdict make_verdict(struct guardian *m, const struct job *j)
{
    struct verdict v = {.signer = m->gid,
                        .evidence = sha256(buf_bytes(&j->evidence)),
                        .not_after = (int64_t)member_unix_s(m) + LEAF_LIFETIME_S,
                        .tcb_status = j->tcb_status};
    verdict_sign(&v, m->config.deps.sig, &m->secrets.vote, m->config.cluster_id,
                 workload_subject_hash(&j->subject));
    return v;
}

/* --- phase 1 --- */

/* The body's evidence, out of base64, into the job. */
static enum err take_evidence(struct job *j, const char *text, struct problem *p)
{
    if (b64_decode(B64_STANDARD, bytes_str(text), &j->evidence) != OK)
        return problem(p, E_FORMAT, "evidence is not base64");
    if (j->evidence.n == 0 || j->evidence.n > EVIDENCE_MAX)
        return problem(p, E_FORMAT, "evidence has %zu bytes", j->evidence.n);
    return OK;
}

static enum err take_namespace(struct guardian *m, struct bytes name, struct job *j,
                               struct problem *p)
{
    struct rec_namespace rec;
    if (!keys_namespace_valid(name))
        return problem(p, E_NOT_FOUND, "there is no such namespace");
    memcpy(j->subject.ns, name.p, name.n);
    struct key k = key_name('n', j->subject.ns);
    if (namespace_get(state_store(m->state), &k, &rec) != OK || keys_namespace_reserved(name))
        return problem(p, E_NOT_FOUND, "there is no namespace %s", j->subject.ns);
    return OK;
}

static enum err serves_workloads(const struct guardian *m)
{
    if (!member_votes(m))
        return E_NOT_MEMBER;
    if (state_cluster(m->state).generation == 0)
        return E_NOT_READY;
    return member_has_lease(m) ? OK : E_STALE;
}

void workload_register(struct guardian *m, uint64_t request, const struct member_request *r)
{
    struct problem p = {0};
    const char *text = NULL;
    json_t *body = NULL;
    struct job *j = job_new(m, JOB_REGISTER, JOB_MS);
    enum err e = j ? serves_workloads(m) : E_RATE;
    if (e != OK)
        goto out;
    TRY_OUT(json_parse(r->body, 1u << 20, &body, &p));
    const struct json_field fields[] = {{"evidence", JF_TEXT, &text, 0, JF_REQUIRED, NULL, 0}};
    TRY_OUT(json_fields(body, "request", JSON_FIELDS(fields), &p));
    TRY_OUT(take_namespace(m, r->param[0], j, &p));
    TRY_OUT(take_evidence(j, text, &p));
    want_fresh_head(m);
    j->request = request;
    m->config.out.judge(m->config.out.ctx, j->id, buf_bytes(&j->evidence));
out:
    json_free(body);
    if (e != OK) {
        if (j)
            job_end(m, j);
        api_problem(m, request, e, &p);
    }
}

static void answer_register(struct guardian *m, struct job *j)
{
    struct hash32 challenge;
    int64_t until = 0;
    struct token t = {.height = state_cluster(m->state).height,
                      .instance = j->token.instance,
                      .measurement = j->token.measurement};
    rng_fill(m->config.rng, t.nonce, sizeof t.nonce);
    enum err e = make_challenge(m, j->subject.ns, &t, &challenge, &until);
    if (e != OK) {
        api_problem(m, j->request, E_NOT_READY, NULL);
        job_end(m, j);
        return;
    }
    m->pending[m->next_pending++ % (sizeof m->pending / sizeof *m->pending)] = t;
    struct buf raw = BUF_INIT(TOKEN_SIZE);
    struct writer w = writer(&raw);
    token_write(&w, &t);
    char *token = b64_string(B64_URL, buf_bytes(&raw));
    struct json_builder b = json_build();
    jb_hex(&b, "challenge", BYTES_OF(challenge.b));
    jb_uint(&b, "expires_at", (uint64_t)until);
    jb_hex(&b, "instance_id", BYTES_OF(t.instance.b));
    jb_text(&b, "challenge_token", token ? token : "");
    api_json(m, j->request, 200, &b);
    free(token);
    buf_free(&raw);
    job_end(m, j);
}

static void registered(struct guardian *m, struct job *j, const struct claims *c, struct problem *p)
{
    static const uint8_t zero[32];
    struct hash32 which;
    enum err e = check_policy(m, j->subject.ns, c, &which, p);
    if (e == OK && memcmp(c->report_data, zero, sizeof zero) != 0)
        e = problem(p, E_NONCE, "REPORTDATA[0:32] must be zero in phase 1");
    if (e == OK)
        e = check_incumbent(m, j->subject.ns, c, which, p);
    if (e != OK) {
        api_problem(m, j->request, e, p);
        job_end(m, j);
        return;
    }
    j->token.instance = claims_instance_id(c);
    j->token.measurement = c->measurement_hash;
    j->is_judged = true;
    want_fresh_head(m);
    if (head_is_fresh(m))
        answer_register(m, j);
}

/* --- phase 2 --- */

static void set_spki(struct spki *to, struct bytes from)
{
    memcpy(to->b, from.p, from.n);
    to->n = from.n;
}

static enum err take_wrap_key(json_t *jwk, struct job *j, struct problem *p)
{
    struct p256_public key;
    struct buf text = BUF_INIT(64 * 1024), spki = BUF_INIT(256);
    enum err e = json_text(jwk, &text);
    if (e == OK && jwk_p256_read(buf_bytes(&text), &key) != OK)
        e = problem(p, E_VALUE, "wrap_key is not a public P-256 JWK");
    if (e == OK)
        e = p256_spki_write(&key, &spki);
    if (e == OK)
        set_spki(&j->subject.wrap, buf_bytes(&spki));
    j->has_wrap = e == OK;
    buf_free(&text);
    buf_free(&spki);
    return e;
}

static enum err take_keys(const char *csr_text, json_t *wrap, struct job *j, struct problem *p)
{
    struct csr csr;
    struct buf der = BUF_INIT(CSR_MAX);
    enum err e = csr_read(bytes_str(csr_text), &der, &csr);
    if (e != OK) {
        e = problem(p, e == E_SIGNATURE ? E_SIGNATURE : E_VALUE,
                    "csr is not a request with a P-256 or Ed25519 key that signed it");
    } else {
        set_spki(&j->subject.identity, csr.spki);
        if (wrap)
            e = take_wrap_key(wrap, j, p);
        else if (csr.kind == CSR_P256)
            j->subject.wrap = j->subject.identity;
        else
            e = problem(p, E_VALUE, "with an Ed25519 CSR a wrap_key is needed");
    }
    buf_free(&der);
    return e;
}

/* The token that was sent, or what register remembers; the instance is not known yet. */
static enum err take_token(const char *text, struct job *j, struct problem *p)
{
    if (!text)
        return OK;
    j->has_token = true;
    return token_parse(text, &j->token, p);
}

/* Everything that issuing needs is here. */
static enum err can_issue(struct guardian *m, const char *ns)
{
    struct rec_namespace rec;
    struct key k = key_name('n', ns), i = key_name_gid('j', ns, m->gid);
    TRY(namespace_get(state_store(m->state), &k, &rec));
    struct ns_secret *n = secrets_ns(&m->secrets, ns, rec.version, false);
    bool certified = store_get(state_store(m->state), key_bytes(&i)).p != NULL;
    return n && n->has_issuing && certified && rec.ca_der.n ? OK : E_NOT_READY;
}

void workload_verify(struct guardian *m, uint64_t request, const struct member_request *r)
{
    struct problem p = {0};
    const char *evidence = NULL, *csr = NULL, *token = NULL;
    json_t *body = NULL, *wrap = NULL;
    struct job *j = job_new(m, JOB_VERIFY, JOB_MS);
    enum err e = j ? serves_workloads(m) : E_RATE;
    if (e != OK)
        goto out;
    TRY_OUT(json_parse(r->body, 1u << 20, &body, &p));
    const struct json_field fields[] = {
        {"evidence", JF_TEXT, &evidence, 0, JF_REQUIRED, NULL, 0},
        {"csr", JF_TEXT, &csr, CSR_MAX, JF_OPTIONAL, NULL, 0},
        {"wrap_key", JF_OBJECT, &wrap, 0, JF_OPTIONAL, NULL, 0},
        {"challenge_token", JF_TEXT, &token, 256, JF_OPTIONAL, NULL, 0},
    };
    TRY_OUT(json_fields(body, "request", JSON_FIELDS(fields), &p));
    TRY_OUT(take_namespace(m, r->param[0], j, &p));
    TRY_OUT(take_evidence(j, evidence, &p));
    j->wants_certificate = csr != NULL;
    if (!csr && wrap)
        TRY_OUT(problem(&p, E_VALUE, "wrap_key goes with a csr"));
    if (csr) {
        TRY_OUT(can_issue(m, j->subject.ns));
        TRY_OUT(take_keys(csr, wrap, j, &p));
    }
    TRY_OUT(take_token(token, j, &p));
    j->request = request;
    m->config.out.judge(m->config.out.ctx, j->id, buf_bytes(&j->evidence));
out:
    json_free(body);
    if (e != OK) {
        if (j)
            job_end(m, j);
        api_problem(m, request, e, &p);
    }
}

static enum err find_pending(struct guardian *m, struct hash32 instance, struct job *j,
                             struct problem *p)
{
    size_t n = sizeof m->pending / sizeof *m->pending;
    for (size_t i = 1; i <= n && i <= m->next_pending; i++) {
        const struct token *t = &m->pending[(m->next_pending - i) % n];
        if (hash32_eq(t->instance, instance)) {
            j->token = *t;
            return OK;
        }
    }
    return problem(p, E_NO_CHALLENGE, "register first, at this guardian, or send challenge_token");
}

/* Left out while the membership certificate of new members is being signed: it is at /receipts a
 * moment later. */
static void put_receipt(struct guardian *m, const struct job *j, struct json_builder *b)
{
    struct buf receipt = BUF_INIT(RECEIPT_MAX);
    if (member_receipt(m, j->height, j->index, &receipt) == OK)
        jb_b64(b, "receipt", buf_bytes(&receipt));
    buf_free(&receipt);
}

static void answer_verified(struct guardian *m, struct job *j, const char *certificate,
                            const char *chain, int64_t expires_at)
{
    struct json_builder b = json_build();
    jb_bool(&b, "verified", true);
    jb_hex(&b, "instance_id", BYTES_OF(j->token.instance.b));
    jb_hex(&b, "measurement_hash", BYTES_OF(j->token.measurement.b));
    jb_text(&b, "tcb_status", tcb_status_name(j->tcb_status));
    if (certificate) {
        jb_text(&b, "certificate", certificate);
        jb_text(&b, "chain", chain);
        jb_uint(&b, "expires_at", (uint64_t)expires_at);
        put_receipt(m, j, &b);
    }
    api_json(m, j->request, 200, &b);
    job_end(m, j);
}

static void add_verdict(struct job *j, const struct verdict *v)
{
    uint32_t at = 0;
    while (at < j->n_verdicts && j->verdicts[at].signer < v->signer)
        at++;
    if (j->n_verdicts == BFT_MAX_MEMBERS ||
        (at < j->n_verdicts && j->verdicts[at].signer == v->signer))
        return;
    memmove(&j->verdicts[at + 1], &j->verdicts[at], (j->n_verdicts - at) * sizeof *v);
    j->verdicts[at] = *v;
    j->n_verdicts++;
}

static void submit_if_enough(struct guardian *m, struct job *j)
{
    if (j->is_submitted || j->n_verdicts < state_cfg(m->state)->q)
        return;
    struct buf body = BUF_INIT(ENTRY_BODY_MAX);
    struct writer w = writer(&body);
    workload_subject_write(&w, &j->subject);
    wr_u32(&w, j->n_verdicts);
    for (uint32_t i = 0; i < j->n_verdicts; i++)
        verdict_write(&w, &j->verdicts[i]);
    enum err e = writer_end(&w);
    if (e == OK)
        e = member_post(m, CMD_ISSUE, buf_bytes(&body), &j->entry);
    buf_free(&body);
    j->is_submitted = e == OK;
    if (e != OK) {
        api_problem(m, j->request, e, NULL);
        job_end(m, j);
    }
}

static void ask_others(struct guardian *m, struct job *j)
{
    struct buf b = BUF_INIT(EVIDENCE_MAX + 4096);
    struct writer w = writer(&b);
    wr_u8(&w, MSG_JUDGE_ASK);
    wr_u64(&w, j->id);
    wr_text(&w, j->subject.ns);
    token_write(&w, &j->token);
    wr_var(&w, bytes(j->subject.identity.b, j->subject.identity.n));
    wr_var(&w, bytes(j->subject.wrap.b, j->subject.wrap.n));
    wr_bool(&w, j->has_wrap);
    wr_var(&w, buf_bytes(&j->evidence));
    for (uint32_t i = 0; writer_end(&w) == OK && i < state_cfg(m->state)->n; i++) {
        struct link *l = link_of_gid(m, state_cfg(m->state)->member[i].gid);
        if (l)
            link_send(m, l, buf_bytes(&b));
    }
    buf_free(&b);
}

static void verified(struct guardian *m, struct job *j, const struct claims *c, struct problem *p)
{
    enum err e = OK;
    if (!j->has_token)
        e = find_pending(m, claims_instance_id(c), j, p);
    if (e == OK)
        e = check_answer(m, j, c, p);
    if (e != OK) {
        api_problem(m, j->request, e, p);
        job_end(m, j);
        return;
    }
    if (!j->wants_certificate) {
        answer_verified(m, j, NULL, NULL, 0);
        return;
    }
    struct verdict v = make_verdict(m, j);
    add_verdict(j, &v);
    ask_others(m, j);
    submit_if_enough(m, j);
}

/* --- between guardians --- */

void workload_asked(struct guardian *m, struct link *l, struct reader *r)
{
    struct job *j =
        member_votes(m) && member_has_lease(m) ? job_new(m, JOB_PEER_JUDGE, JOB_MS) : NULL;
    if (!j)
        return; /* it asks others, too */
    j->link = l->id;
    j->wants_certificate = j->has_token = true;
    j->remote = rd_u64(r);
    rd_text(r, j->subject.ns, sizeof j->subject.ns);
    token_read(r, &j->token);
    struct bytes identity = rd_var(r, SPKI_MAX), wrap = rd_var(r, SPKI_MAX);
    j->has_wrap = rd_bool(r);
    struct bytes evidence = rd_var(r, EVIDENCE_MAX);
    enum csr_key kind;
    struct p256_public p256;
    struct sig_public ed25519;
    if (reader_end(r, E_MALFORMED) != OK || csr_spki_read(identity, &kind, &p256, &ed25519) != OK ||
        p256_spki_read(wrap, &p256) != OK || buf_add(&j->evidence, evidence.p, evidence.n) != OK) {
        job_end(m, j);
        return;
    }
    set_spki(&j->subject.identity, identity);
    set_spki(&j->subject.wrap, wrap);
    m->config.out.judge(m->config.out.ctx, j->id, buf_bytes(&j->evidence));
}

static void answer_peer(struct guardian *m, struct job *j, enum err e)
{
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++) {
        struct link *l = &m->links[i];
        if (l->step != LINK_ATTESTED || l->id != j->link)
            continue;
        struct verdict v = {0};
        if (e == OK)
            v = make_verdict(m, j);
        struct buf b = BUF_INIT(1024);
        struct writer w = writer(&b);
        wr_u8(&w, MSG_JUDGE);
        wr_u64(&w, j->remote);
        wr_text(&w, err_code(e));
        if (e == OK)
            verdict_write(&w, &v);
        link_send(m, l, buf_bytes(&b));
        buf_free(&b);
    }
    job_end(m, j);
}

void workload_verdict(struct guardian *m, struct link *l, struct reader *r)
{
    struct verdict v;
    char code[64];
    struct job *j = job_find(m, rd_u64(r));
    rd_text(r, code, sizeof code);
    if (!j || j->kind != JOB_VERIFY || r->bad)
        return;
    if (err_from_code(code) != OK) {
        log_info("guardian %u refuses a workload of %s: %s", l->subject.gid, j->subject.ns, code);
        return;
    }
    verdict_read(r, &v);
    if (reader_end(r, E_MALFORMED) != OK || v.signer != l->subject.gid ||
        verdict_verify(&v, m->config.deps.sig, &l->vote_key, m->config.cluster_id,
                       workload_subject_hash(&j->subject)) != OK)
        return;
    add_verdict(j, &v);
    submit_if_enough(m, j);
}

void workload_judged(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                     const struct problem *problem_in)
{
    struct problem p = problem_in ? *problem_in : (struct problem){0};
    if (j->kind == JOB_PEER_JUDGE) {
        answer_peer(m, j, e == OK ? check_answer(m, j, claims, &p) : e);
    } else if (e != OK) {
        api_problem(m, j->request, e, &p);
        job_end(m, j);
    } else if (j->kind == JOB_REGISTER) {
        registered(m, j, claims, &p);
    } else if (j->kind == JOB_VERIFY) {
        verified(m, j, claims, &p);
    }
}

/* Registrations that wait for a fresh header. */
void workload_tick(struct guardian *m)
{
    for (unsigned i = 0; i < JOBS_MAX; i++) {
        struct job *j = &m->jobs[i];
        if (j->kind != JOB_REGISTER || !j->is_judged)
            continue;
        want_fresh_head(m);
        if (head_is_fresh(m))
            answer_register(m, j);
    }
}

/* --- certificates --- */

enum err workload_sign_leaf(struct guardian *m, struct ca_leaf *leaf, struct buf *pem)
{
    struct rec_namespace ns;
    struct key k = key_name('n', leaf->ns);
    TRY(namespace_get(state_store(m->state), &k, &ns));
    struct ns_secret *n = secrets_ns(&m->secrets, leaf->ns, ns.version, false);
    if (!n || !n->has_issuing)
        return E_NOT_READY;
    leaf->gid = m->gid;
    leaf->issuer = n->issuing_public;
    struct buf tbs = BUF_INIT(CA_TBS_MAX), sig = BUF_INIT(P256_SIG_MAX),
               der = BUF_INIT(CA_CERT_MAX);
    enum err e;
    TRY_OUT(ca_leaf_tbs(leaf, &tbs));
    TRY_OUT(p256_sign(m->config.rng, &n->issuing, buf_bytes(&tbs), &sig));
    TRY_OUT(ca_assemble(buf_bytes(&tbs), CA_ECDSA_P256, buf_bytes(&sig), &der));
    e = pem_write("CERTIFICATE", buf_bytes(&der), pem);
out:
    buf_free(&tbs);
    buf_free(&sig);
    buf_free(&der);
    return e;
}

enum err workload_chain(struct guardian *m, const char *name, struct buf *pem)
{
    struct rec_namespace ns;
    struct rec_issuing issuing;
    struct key k = key_name('n', name), j = key_name_gid('j', name, m->gid);
    TRY(issuing_get(state_store(m->state), &j, &issuing));
    TRY(pem_write("CERTIFICATE", issuing.der, pem));
    TRY(namespace_get(state_store(m->state), &k, &ns));
    return pem_write("CERTIFICATE", ns.ca_der, pem);
}

/* The certificate is a function of the decided entry and of our issuing key. */
void workload_decided(struct guardian *m, struct job *j, uint64_t height, uint32_t index)
{
    struct rec_instance i;
    struct key k = key_name_hash('i', j->subject.ns, j->subject.instance_id);
    struct buf cert = BUF_INIT(4 * CA_CERT_MAX), chain = BUF_INIT(4 * CA_CERT_MAX);
    char id[65];
    hex_encode(BYTES_OF(j->subject.instance_id.b), id);
    struct ca_leaf leaf = {.ns = j->subject.ns, .instance = id};
    enum err e;
    j->height = height;
    j->index = index;
    TRY_OUT(instance_get(state_store(m->state), &k, &i));
    leaf.common = (struct ca_common){.trust_domain = m->config.genesis->trust_domain,
                                     .simulation = m->config.genesis->simulation,
                                     .entry = j->entry,
                                     .not_before = (uint64_t)(i.issued - BACKDATE_S),
                                     .not_after = (uint64_t)i.not_after};
    leaf.spki = bytes(i.identity.b, i.identity.n);
    TRY_OUT(workload_sign_leaf(m, &leaf, &cert));
    TRY_OUT(workload_chain(m, j->subject.ns, &chain));
    TRY_OUT(buf_add(&cert, "", 1));
    TRY_OUT(buf_add(&chain, "", 1));
    answer_verified(m, j, (const char *)cert.p, (const char *)chain.p, i.not_after);
out:
    if (e != OK) {
        api_problem(m, j->request, e, NULL);
        job_end(m, j);
    }
    buf_free(&cert);
    buf_free(&chain);
}
