/*
 * The HTTP contract, as far as vault answers it: one table of routes, each with
 * its handler and what must hold before it runs. A route that is not in the
 * table does not exist here, whatever node sends.
 */
#include "core/member/member_int.h"
#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/codec/pem.h"
#include "base/crypto/jwe.h"
#include "base/log.h"

#include <stdlib.h>

#define ANSWER_MAX (4u << 20)
#define PAGE_MAX   500

void api_problem(struct guardian *m, uint64_t request, enum err e, const struct problem *p)
{
    const char *detail = p && p->detail[0] ? p->detail : err_text(e);
    char id[24];
    snprintf(id, sizeof id, "%llx", (unsigned long long)request);
    struct json_builder b = json_build();
    jb_text(&b, "type", "about:blank");
    jb_text(&b, "title", err_text(e));
    jb_uint(&b, "status", (uint64_t)err_status(e));
    jb_text(&b, "detail", detail);
    jb_text(&b, "code", err_code(e));
    jb_text(&b, "error", detail);
    jb_text(&b, "request_id", id);
    struct buf body = BUF_INIT(64 * 1024);
    if (jb_write(&b, &body) == OK)
        m->config.out.reply(m->config.out.ctx, request, err_status(e), "application/problem+json",
                            buf_bytes(&body));
    buf_free(&body);
}

void api_json(struct guardian *m, uint64_t request, int status, struct json_builder *b)
{
    struct buf body = BUF_INIT(ANSWER_MAX);
    enum err e = jb_write(b, &body);
    if (e == OK)
        m->config.out.reply(m->config.out.ctx, request, status, "application/json",
                            buf_bytes(&body));
    else
        api_problem(m, request, e, NULL);
    buf_free(&body);
}

static void answer_bytes(struct guardian *m, uint64_t request, const char *type, struct bytes body)
{
    m->config.out.reply(m->config.out.ctx, request, 200, type, body);
}

/* --- parameters --- */

/* A path parameter as text; E_NOT_FOUND if it is too long to name anything. */
static enum err param_text(struct bytes param, char *out, size_t cap)
{
    if (param.n == 0 || param.n >= cap || memchr(param.p, 0, param.n))
        return E_NOT_FOUND;
    memcpy(out, param.p, param.n);
    out[param.n] = 0;
    return OK;
}

/* The value of a query parameter, or empty. Names and values of ours need no decoding. */
static struct bytes query_value(struct bytes query, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < query.n;) {
        const uint8_t *end = memchr(query.p + i, '&', query.n - i);
        size_t length = end ? (size_t)(end - query.p) - i : query.n - i;
        if (length > n && memcmp(query.p + i, name, n) == 0 && query.p[i + n] == '=')
            return bytes(query.p + i + n + 1, length - n - 1);
        i += length + 1;
    }
    return BYTES_NONE;
}

static enum err query_number(struct bytes query, const char *name, uint64_t absent, uint64_t *out)
{
    struct bytes v = query_value(query, name);
    *out = absent;
    if (!v.n)
        return OK;
    uint64_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9' || i > 15)
            return E_VALUE;
        n = n * 10 + (uint64_t)(v.p[i] - '0');
    }
    *out = n;
    return OK;
}

static enum err load_namespace(struct guardian *m, struct bytes param,
                               char name[static NS_NAME_MAX], struct rec_namespace *out)
{
    if (!keys_namespace_valid(param) || param_text(param, name, NS_NAME_MAX) != OK)
        return E_NOT_FOUND;
    struct key k = key_name('n', name);
    return namespace_get(state_store(m->state), &k, out);
}

/* --- certificates --- */

static enum err answer_pem(struct guardian *m, uint64_t request, struct bytes der)
{
    if (!der.n)
        return E_NOT_READY;
    struct buf pem = BUF_INIT(ANSWER_MAX);
    enum err e = pem_write("CERTIFICATE", der, &pem);
    if (e == OK)
        answer_bytes(m, request, "application/x-pem-file", buf_bytes(&pem));
    buf_free(&pem);
    return e;
}

static enum err get_root(struct guardian *m, uint64_t request, const struct member_request *r,
                         struct problem *p)
{
    (void)r;
    (void)p;
    struct key k = key_plain('r');
    return answer_pem(m, request, store_get(state_store(m->state), key_bytes(&k)));
}

static enum err get_ca(struct guardian *m, uint64_t request, const struct member_request *r,
                       struct problem *p)
{
    char name[NS_NAME_MAX];
    struct rec_namespace ns;
    (void)p;
    TRY(load_namespace(m, r->param[0], name, &ns));
    return answer_pem(m, request, ns.ca_der);
}

/* Our own issuing CA's list, made on demand; it revokes nothing (api.md: /ca/{ns}/crl.pem). */
static enum err issuing_crl(struct guardian *m, const char *name, uint32_t version, struct buf *pem)
{
    struct ns_secret *n = secrets_ns(&m->secrets, name, version, false);
    struct key j = key_name_gid('j', name, m->gid);
    if (!n || !n->has_issuing || !store_get(state_store(m->state), key_bytes(&j)).p)
        return OK;
    struct ca_crl crl = {.issuer = CA_PROFILE_ISSUING,
                         .trust_domain = m->config.genesis->trust_domain,
                         .simulation = m->config.genesis->simulation,
                         .ns = name,
                         .gid = m->gid,
                         .p256_key = n->issuing_public,
                         .number = member_unix_s(m),
                         .this_update = member_unix_s(m) - BACKDATE_S,
                         .next_update = member_unix_s(m) + ISSUING_LIFETIME_S};
    struct buf tbs = BUF_INIT(CA_CRL_MAX), sig = BUF_INIT(P256_SIG_MAX), der = BUF_INIT(CA_CRL_MAX);
    enum err e = ca_crl_tbs(&crl, &tbs);
    if (e == OK)
        e = p256_sign(m->config.rng, &n->issuing, buf_bytes(&tbs), &sig);
    if (e == OK)
        e = ca_assemble(buf_bytes(&tbs), CA_ECDSA_P256, buf_bytes(&sig), &der);
    if (e == OK)
        e = pem_write("X509 CRL", buf_bytes(&der), pem);
    buf_free(&tbs);
    buf_free(&sig);
    buf_free(&der);
    return e;
}

static enum err get_crl(struct guardian *m, uint64_t request, const struct member_request *r,
                        struct problem *p)
{
    char name[NS_NAME_MAX];
    struct rec_namespace ns;
    (void)p;
    TRY(load_namespace(m, r->param[0], name, &ns));
    struct key root_list = key_plain('l');
    struct bytes root_crl = store_get(state_store(m->state), key_bytes(&root_list));
    if (!ns.crl_der.n || !root_crl.n)
        return E_NOT_READY;
    struct buf pem = BUF_INIT(ANSWER_MAX);
    enum err e = pem_write("X509 CRL", root_crl, &pem);
    if (e == OK)
        e = pem_write("X509 CRL", ns.crl_der, &pem);
    if (e == OK)
        e = issuing_crl(m, name, ns.version, &pem);
    if (e == OK)
        answer_bytes(m, request, "application/x-pem-file", buf_bytes(&pem));
    buf_free(&pem);
    return e;
}

/* --- keys --- */

/* The instance whose identity key stands in the client's certificate, judged by the state of now:
 * registered, not expired, measurement not revoked. The TLS layer proved possession. */
static enum err find_client(struct guardian *m, const struct member_request *r, const char *ns,
                            struct rec_instance *out, struct problem *p)
{
    struct ca_leaf_view leaf;
    struct rec_measurement measurement;
    struct hash32 id, which;
    if (!r->client.n)
        return problem(p, E_UNAUTHENTICATED, "a client certificate of %s is needed", ns);
    if (ca_leaf_read(m->config.genesis->trust_domain, r->client, &leaf) != OK)
        return problem(p, E_UNAUTHENTICATED, "the client certificate is none of ours");
    if (strcmp(leaf.ns, ns) != 0)
        return problem(p, E_NOT_ALLOWED, "the client certificate is of namespace %s", leaf.ns);
    if (hex_decode(leaf.instance, id.b, sizeof id.b) != OK)
        return problem(p, E_NOT_ALLOWED, "the client certificate names no instance");
    struct key k = key_name_hash('i', ns, id);
    if (instance_get(state_store(m->state), &k, out) != OK ||
        !bytes_eq(bytes(out->identity.b, out->identity.n), bytes(leaf.spki, leaf.spki_n)))
        return problem(p, E_UNAUTHENTICATED, "the client certificate is none of ours");
    int64_t now = (int64_t)member_unix_s(m);
    if (leaf.not_after < now || out->not_after < now)
        return problem(p, E_CERT_EXPIRED, "the client certificate has expired");
    if (out->suspended)
        return problem(p, E_NOT_ALLOWED, "the instance is suspended");
    enum err e = state_measurement(m->state, ns, out->measurement_hash, out->measurement_hash,
                                   &measurement, &which);
    return e == OK ? OK : problem(p, e, "%s", err_text(e));
}

static enum err encrypt_key(struct guardian *m, const struct rec_instance *i,
                            const struct secret32 *key, struct buf *jwe)
{
    struct p256_public to;
    struct buf jwk = BUF_INIT(JWK_MAX);
    enum err e = p256_spki_read(bytes(i->wrap.b, i->wrap.n), &to);
    if (e == OK)
        e = jwk_oct_write(BYTES_OF(key->b), &jwk);
    if (e == OK)
        e = jwe_encrypt(m->config.rng, &to, buf_bytes(&jwk), jwe);
    buf_free(&jwk);
    return e;
}

static enum err get_key(struct guardian *m, uint64_t request, const struct member_request *r,
                        struct problem *p)
{
    char ns[NS_NAME_MAX], name[KEY_NAME_MAX + 1];
    struct rec_namespace rec;
    struct rec_instance client;
    uint64_t version;
    SECRET_AUTO key;
    TRY(load_namespace(m, r->param[0], ns, &rec));
    TRY(find_client(m, r, ns, &client, p));
    if (!keys_name_valid(r->param[1]) || param_text(r->param[1], name, sizeof name) != OK)
        return problem(p, E_VALUE, "this is not a key name");
    if (query_number(r->query, "version", 1, &version) != OK || version != 1)
        return problem(p, E_NOT_FOUND, "the key has version 1 alone");
    struct bytes purpose = query_value(r->query, "purpose");
    if (!purpose.n)
        purpose = bytes_str(KEY_PURPOSE_DEFAULT);
    if (!keys_purpose_valid(purpose))
        return problem(p, E_VALUE, "this is not a purpose");
    if (rec.mode != NS_SEALED)
        return problem(p, E_USE, "in a threshold namespace no guardian holds a key");
    struct ns_secret *n = secrets_ns(&m->secrets, ns, rec.version, false);
    if (!n || !n->has_key)
        return E_NOT_READY;
    struct buf jwe = BUF_INIT(64 * 1024);
    enum err e = keys_leaf(&n->key, r->param[1], purpose, KEY_OCT, (uint32_t)version, &key);
    if (e == OK)
        e = encrypt_key(m, &client, &key, &jwe);
    /* The last thing before a release (consensus.md, "Freshness"). */
    if (e == OK && !member_has_lease(m))
        e = E_STALE;
    if (e == OK) {
        struct json_builder b = json_build();
        jb_text(&b, "name", name);
        jb_uint(&b, "version", version);
        jb_text(&b, "algorithm", key_algorithm_name(KEY_OCT));
        jb_textn(&b, "jwe", buf_bytes(&jwe));
        api_json(m, request, 200, &b);
    }
    buf_free(&jwe);
    return e;
}

/* --- lists --- */

static void put_names(struct json_builder *b, struct bytes encoded)
{
    struct ca_names names;
    struct reader r = reader(encoded);
    ca_names_read(&r, &names);
    jb_array(b, "dns");
    for (size_t i = 0; i < names.n_dns; i++)
        jb_textn(b, NULL, names.dns[i]);
    jb_close(b);
    jb_array(b, "ip");
    for (size_t i = 0; i < names.n_ip; i++) {
        char text[CA_IP_TEXT];
        ca_ip_text(&names.ip[i], text);
        jb_text(b, NULL, text);
    }
    jb_close(b);
}

static void put_namespace(struct json_builder *b, const struct rec_namespace *ns)
{
    jb_text(b, "namespace", ns->name);
    jb_text(b, "mode", ns->mode == NS_SEALED ? "sealed" : "threshold");
    put_names(b, ns->names);
    jb_uint(b, "version", ns->version);
}

static enum err list_namespaces(struct guardian *m, uint64_t request,
                                const struct member_request *r, struct problem *p)
{
    (void)r;
    (void)p;
    struct json_builder b = json_build();
    struct key prefix = key_plain('n');
    struct bytes key = BYTES_NONE, value;
    jb_array(&b, "namespaces");
    for (unsigned i = 0;
         i < PAGE_MAX && store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value);
         i++) {
        struct rec_namespace ns;
        if (namespace_read(value, &ns) != OK || strcmp(ns.name, NS_GUARDIAN) == 0)
            continue;
        jb_object(&b, NULL);
        put_namespace(&b, &ns);
        jb_close(&b);
    }
    jb_close(&b);
    api_json(m, request, 200, &b);
    return OK;
}

static enum err get_namespace(struct guardian *m, uint64_t request, const struct member_request *r,
                              struct problem *p)
{
    char name[NS_NAME_MAX];
    struct rec_namespace ns;
    (void)p;
    TRY(load_namespace(m, r->param[0], name, &ns));
    struct json_builder b = json_build();
    put_namespace(&b, &ns);
    api_json(m, request, 200, &b);
    return OK;
}

static enum err put_measurement(struct json_builder *b, const char *name, const char *ns,
                                const struct rec_measurement *rec)
{
    struct policy_record record;
    json_t *json, *data;
    TRY(policy_decode(rec->policy, &record));
    TRY(policy_json(&record, &json));
    data = json_share(json_member(json, "data"));
    struct hash32 hash = policy_measurement_hash(&record);
    if (name)
        jb_object(b, NULL);
    jb_text(b, "namespace", ns);
    jb_hex(b, "measurement_hash", BYTES_OF(hash.b));
    jb_text(b, "platform", platform_name(record.platform));
    jb_value(b, "data", data);
    if (rec->revoked_at)
        jb_uint(b, "revoked_at", (uint64_t)rec->revoked_at);
    else
        jb_null(b, "revoked_at");
    if (name)
        jb_close(b);
    json_free(data);
    json_free(json);
    return OK;
}

static enum err get_measurement(struct guardian *m, uint64_t request,
                                const struct member_request *r, struct problem *p)
{
    char ns[NS_NAME_MAX] = "", hex[65];
    struct rec_namespace rec;
    struct hash32 hash = {0};
    struct rec_measurement measurement;
    enum err e = load_namespace(m, r->param[0], ns, &rec);
    if (e == OK)
        e = param_text(r->param[1], hex, sizeof hex);
    if (e == OK)
        e = hex_decode(hex, hash.b, sizeof hash.b);
    struct key k = key_name_hash('w', ns, hash);
    if (e != OK || measurement_get(state_store(m->state), &k, &measurement) != OK)
        return problem(p, E_NOT_FOUND, "Measurement not found");
    struct json_builder b = json_build();
    e = put_measurement(&b, NULL, ns, &measurement);
    if (e == OK)
        api_json(m, request, 200, &b);
    return e;
}

static enum err list_measurements(struct guardian *m, uint64_t request,
                                  const struct member_request *r, struct problem *p)
{
    char ns[NS_NAME_MAX];
    struct rec_namespace rec;
    (void)p;
    TRY(load_namespace(m, r->param[0], ns, &rec));
    struct json_builder b = json_build();
    struct key prefix = key_name('w', ns);
    struct bytes key = BYTES_NONE, value;
    jb_array(&b, "measurements");
    for (unsigned i = 0;
         i < PAGE_MAX && store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value);
         i++) {
        struct rec_measurement measurement;
        if (measurement_read(value, &measurement) == OK)
            (void)!put_measurement(&b, "", ns, &measurement);
    }
    jb_close(&b);
    api_json(m, request, 200, &b);
    return OK;
}

static const char *seat_status(const struct guardian *m, uint32_t gid)
{
    struct rec_session session = state_session(m->state);
    int at = cfg_find(state_cfg(m->state), gid);
    if (at >= 0)
        return state_cfg(m->state)->member[at].suspended ? "suspended" : "member";
    return session.kind != SESSION_NONE && cfg_find(&session.next, gid) >= 0 ? "joining" : "open";
}

static void put_seat(struct guardian *m, struct json_builder *b, const struct rec_seat *s)
{
    char peer[ADDRESS_MAX + 8], api[ADDRESS_MAX + 8];
    address_join(s->host, s->peer_port, peer);
    address_join(s->host, s->api_port, api);
    jb_object(b, NULL);
    jb_uint(b, "gid", s->gid);
    jb_text(b, "operator", s->operator_name);
    jb_text(b, "vendor", s->vendor);
    jb_hex(b, "platform_id", bytes(s->platform_id.b, s->platform_id.n));
    jb_object(b, "addresses");
    jb_text(b, "peer", peer);
    jb_text(b, "api", api);
    jb_close(b);
    jb_text(b, "status", seat_status(m, s->gid));
    jb_close(b);
}

static enum err list_seats(struct guardian *m, uint64_t request, const struct member_request *r,
                           struct problem *p)
{
    (void)r;
    (void)p;
    struct json_builder b = json_build();
    struct key prefix = key_plain('s');
    struct bytes key = BYTES_NONE, value;
    jb_array(&b, "seats");
    while (store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value)) {
        struct rec_seat seat;
        if (seat_read(value, &seat) == OK)
            put_seat(m, &b, &seat);
    }
    jb_close(&b);
    api_json(m, request, 200, &b);
    return OK;
}

static enum err list_nodes(struct guardian *m, uint64_t request, const struct member_request *r,
                           struct problem *p)
{
    (void)p;
    struct json_builder b = json_build();
    struct key prefix = key_plain('s');
    struct bytes key = BYTES_NONE, value, ns = query_value(r->query, "namespace");
    bool ours = !ns.n || keys_namespace_reserved(ns);
    jb_array(&b, "nodes");
    while (ours && store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value)) {
        struct rec_seat seat;
        if (seat_read(value, &seat) != OK)
            continue;
        jb_object(&b, NULL);
        jb_text(&b, "ip_address", seat.host);
        jb_uint(&b, "raft_port", seat.peer_port);
        jb_uint(&b, "api_port", seat.api_port);
        jb_close(&b);
    }
    jb_close(&b);
    api_json(m, request, 200, &b);
    return OK;
}

/* --- administration --- */

#define TEXT_MAX (64 * 1024)

/* {change, expires, nonce} of a request, with our root_id, in the form that was signed. */
static enum err signed_text(struct guardian *m, json_t *change, uint64_t expires,
                            const uint8_t nonce[static 16], struct buf *out)
{
    struct rec_cluster c = state_cluster(m->state);
    struct json_builder b = json_build();
    json_t *tree;
    jb_value(&b, "change", change);
    jb_uint(&b, "expires", expires);
    jb_hex(&b, "nonce", bytes(nonce, 16));
    jb_hex(&b, "root_id", BYTES_OF(c.root_id.b));
    TRY(jb_end(&b, &tree));
    enum err e = json_canonical(tree, out);
    json_free(tree);
    return e;
}

static enum err write_signatures(json_t *list, struct writer *w, struct problem *p)
{
    wr_u32(w, (uint32_t)json_count(list));
    for (size_t i = 0; i < json_count(list); i++) {
        uint8_t admin[16];
        struct buf sig = BUF_INIT(96);
        const struct json_field fields[] = {
            {"admin", JF_HEX, admin, sizeof admin, JF_REQUIRED, NULL, 0},
            {"signature", JF_B64, &sig, 0, JF_REQUIRED, NULL, 0},
        };
        enum err e = json_fields(json_item(list, i), "signatures[]", JSON_FIELDS(fields), p);
        if (e == OK && sig.n != 64)
            e = problem(p, E_VALUE, "signatures[%zu].signature has not 64 bytes", i);
        if (e == OK) {
            wr_raw(w, admin, sizeof admin);
            wr_raw(w, sig.p, sig.n);
        }
        buf_free(&sig);
        TRY(e);
    }
    return writer_end(w);
}

/* Posts the ADMIN entry; the answer comes when it is decided. */
static enum err post_admin(struct guardian *m, uint64_t request, struct bytes text, json_t *list,
                           struct problem *p)
{
    struct buf body = BUF_INIT(ENTRY_BODY_MAX), entry = BUF_INIT(ENTRY_MAX);
    struct writer w = writer(&body);
    struct block_time at = {state_cluster(m->state).height + 1, m->now.unix_ms};
    struct job *j = NULL;
    enum err e = OK;
    wr_var(&w, text);
    TRY_OUT(write_signatures(list, &w, p));
    TRY_OUT(entry_make(m->config.deps.sig, NULL, m->config.cluster_id, CMD_ADMIN, 0,
                       buf_bytes(&body), &entry));
    TRY_OUT(state_check(m->state, at, buf_bytes(&entry), p));
    j = job_new(m, JOB_ENTRY, 8000);
    if (!j) {
        e = E_RATE;
        goto out;
    }
    j->request = request;
    j->entry = entry_id(buf_bytes(&entry));
    j->subject.challenge = sha256(text); /* names the proposal in the answer */
    j->is_submitted = true;
    e = member_submit(m, buf_bytes(&entry));
    if (e != OK)
        job_end(m, j);
out:
    buf_free(&body);
    buf_free(&entry);
    return e;
}

static enum err add_proposal(struct guardian *m, uint64_t request, const struct member_request *r,
                             struct problem *p)
{
    json_t *body = NULL, *change, *signatures;
    uint64_t expires;
    uint8_t nonce[16];
    struct buf text = BUF_INIT(TEXT_MAX);
    enum err e;
    TRY_OUT(json_parse(r->body, 1u << 20, &body, p));
    const struct json_field fields[] = {
        {"change", JF_OBJECT, &change, 0, JF_REQUIRED, NULL, 0},
        {"expires", JF_UINT, &expires, 1ULL << 53, JF_REQUIRED, NULL, 1},
        {"nonce", JF_HEX, nonce, sizeof nonce, JF_REQUIRED, NULL, 0},
        {"signatures", JF_ARRAY, &signatures, GENESIS_ADMINS, JF_REQUIRED, NULL, 0},
    };
    TRY_OUT(json_fields(body, "request", JSON_FIELDS(fields), p));
    TRY_OUT(signed_text(m, change, expires, nonce, &text));
    e = post_admin(m, request, buf_bytes(&text), signatures, p);
out:
    json_free(body);
    buf_free(&text);
    return e;
}

static enum err load_proposal(struct guardian *m, struct bytes param, struct rec_proposal *out)
{
    char hex[65];
    struct hash32 id;
    TRY(param_text(param, hex, sizeof hex));
    if (hex_decode(hex, id.b, sizeof id.b) != OK)
        return E_NOT_FOUND;
    struct key k = key_hash('p', id);
    return proposal_get(state_store(m->state), &k, out);
}

static enum err approve_proposal(struct guardian *m, uint64_t request,
                                 const struct member_request *r, struct problem *p)
{
    json_t *body = NULL, *signatures;
    struct rec_proposal rec;
    struct buf text = BUF_INIT(TEXT_MAX);
    enum err e;
    TRY_OUT(load_proposal(m, r->param[0], &rec));
    TRY_OUT(buf_add(&text, rec.text.p, rec.text.n));
    TRY_OUT(json_parse(r->body, 1u << 20, &body, p));
    const struct json_field fields[] = {
        {"signatures", JF_ARRAY, &signatures, GENESIS_ADMINS, JF_REQUIRED, NULL, 0}};
    TRY_OUT(json_fields(body, "request", JSON_FIELDS(fields), p));
    e = post_admin(m, request, buf_bytes(&text), signatures, p);
out:
    json_free(body);
    buf_free(&text);
    return e;
}

static void put_proposal(struct guardian *m, struct json_builder *b, const struct rec_proposal *rec)
{
    json_t *tree = NULL;
    uint64_t expires = 0;
    if (json_parse(rec->text, TEXT_MAX, &tree, NULL) != OK)
        return;
    bool late = rec->expires < (int64_t)member_unix_s(m);
    json_to_uint(json_member(tree, "expires"), &expires);
    jb_hex(b, "proposal_id", BYTES_OF(rec->id.b));
    jb_value(b, "change", json_member(tree, "change"));
    jb_uint(b, "expires", expires);
    jb_text(b, "nonce", json_str(json_member(tree, "nonce")));
    jb_text(b, "status", rec->done ? "applied" : late ? "expired" : "open");
    jb_uint(b, "have", rec->n_signed);
    jb_uint(b, "need", m->config.genesis->admin_quorum);
    jb_array(b, "admins");
    for (uint32_t i = 0; i < rec->n_signed; i++)
        jb_hex(b, NULL, BYTES_OF(m->config.genesis->admins[rec->signed_by[i]].id));
    jb_close(b);
    json_free(tree);
}

static enum err get_proposal(struct guardian *m, uint64_t request, const struct member_request *r,
                             struct problem *p)
{
    struct rec_proposal rec;
    (void)p;
    TRY(load_proposal(m, r->param[0], &rec));
    struct json_builder b = json_build();
    put_proposal(m, &b, &rec);
    api_json(m, request, 200, &b);
    return OK;
}

static enum err list_proposals(struct guardian *m, uint64_t request, const struct member_request *r,
                               struct problem *p)
{
    (void)r;
    (void)p;
    struct json_builder b = json_build();
    struct key prefix = key_plain('p');
    struct bytes key = BYTES_NONE, value;
    jb_array(&b, "proposals");
    for (unsigned i = 0;
         i < PAGE_MAX && store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value);
         i++) {
        struct rec_proposal rec;
        if (proposal_read(value, &rec) != OK)
            continue;
        jb_object(&b, NULL);
        put_proposal(m, &b, &rec);
        jb_close(&b);
    }
    jb_close(&b);
    api_json(m, request, 200, &b);
    return OK;
}

/* An ADMIN entry that a request waits for was decided. */
void api_decided(struct guardian *m, struct job *j, uint64_t height, uint32_t index)
{
    struct rec_proposal rec = {0};
    struct key k = key_hash('p', j->subject.challenge);
    (void)index;
    enum err e = proposal_get(state_store(m->state), &k, &rec);
    if (e != OK) {
        api_problem(m, j->request, e, NULL);
    } else {
        struct json_builder b = json_build();
        jb_hex(&b, "proposal_id", BYTES_OF(rec.id.b));
        jb_uint(&b, "have", rec.n_signed);
        jb_uint(&b, "need", m->config.genesis->admin_quorum);
        jb_uint(&b, "height", height);
        api_json(m, j->request, 200, &b);
    }
    job_end(m, j);
}

/* --- attestation of this guardian --- */

static enum err attest(struct guardian *m, uint64_t request, const struct member_request *r,
                       struct problem *p)
{
    char hex[2 * BINDING_NONCE_SIZE + 1];
    struct quote_request q = {.kind = QUOTE_API};
    if (param_text(r->param[0], hex, sizeof hex) != OK ||
        hex_decode(hex, q.api.nonce, sizeof q.api.nonce) != OK)
        return problem(p, E_VALUE, "the nonce is not 32 bytes in hex");
    if (r->exporter.n != sizeof q.api.exporter)
        return E_INTERNAL;
    memcpy(q.api.exporter, r->exporter.p, sizeof q.api.exporter);
    q.api.cluster_id = m->config.cluster_id;
    q.api.server_spki = r->server_spki;
    struct job *j = job_new(m, JOB_API_QUOTE, 5000);
    if (!j)
        return E_RATE;
    j->request = request;
    m->config.out.quote(m->config.out.ctx, j->id, &q);
    return OK;
}

void api_quoted(struct guardian *m, struct job *j, struct bytes evidence)
{
    if (!evidence.n) {
        api_problem(m, j->request, E_NOT_READY, NULL);
        return;
    }
    struct json_builder b = json_build();
    jb_b64(&b, "evidence", evidence);
    jb_hex(&b, "cluster_id", BYTES_OF(m->config.cluster_id.b));
    jb_uint(&b, "timestamp", member_unix_s(m));
    api_json(m, j->request, 200, &b);
}

/* --- receipts --- */

static enum err parse_number(struct bytes text, uint64_t *out)
{
    uint64_t n = 0;
    if (text.n == 0 || text.n > 15)
        return E_NOT_FOUND;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return E_NOT_FOUND;
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = n;
    return OK;
}

static enum err get_receipt(struct guardian *m, uint64_t request, const struct member_request *r,
                            struct problem *p)
{
    uint64_t height, index;
    (void)p;
    TRY(parse_number(r->param[0], &height));
    TRY(parse_number(r->param[1], &index));
    struct buf receipt = BUF_INIT(RECEIPT_MAX);
    enum err e = member_receipt(m, height, index, &receipt);
    if (e == OK) {
        struct json_builder b = json_build();
        jb_uint(&b, "height", height);
        jb_uint(&b, "index", index);
        jb_b64(&b, "receipt", buf_bytes(&receipt));
        api_json(m, request, 200, &b);
    }
    buf_free(&receipt);
    return e;
}

/* --- status --- */

/* The published names of what a guardian is (design.md section 5). */
static const char *health_status(const struct guardian *m, const struct bft_status *s)
{
    if (!m->is_founded || state_cluster(m->state).generation == 0)
        return "BOOTSTRAPPING";
    if (!member_votes(m))
        return "LEARNER";
    if (s->active && s->round > 0)
        return "CANDIDATE";
    return s->proposer == m->gid && member_has_lease(m) ? "LEADER" : "FOLLOWER";
}

/* A client that trusts the root alone can use the API, so it must have its certificate. */
static bool serves(const struct guardian *m)
{
    struct key root = key_plain('r');
    return member_votes(m) && member_has_lease(m) && (m->is_served || !m->api_key.n) &&
           store_get(state_store(m->state), key_bytes(&root)).p;
}

static void put_cluster(struct guardian *m, struct json_builder *b)
{
    struct rec_cluster c = state_cluster(m->state);
    struct rec_epoch e = state_epoch(m->state);
    struct member_status s;
    struct key root = key_plain('r');
    member_status(m, m->now, &s);
    jb_hex(b, "cluster_id", BYTES_OF(m->config.cluster_id.b));
    if (c.generation)
        jb_hex(b, "root_id", BYTES_OF(c.root_id.b));
    else
        jb_null(b, "root_id");
    jb_bool(b, "root_certificate", store_get(state_store(m->state), key_bytes(&root)).p != NULL);
    jb_uint(b, "epoch", e.epoch);
    jb_uint(b, "threshold", e.t);
    jb_uint(b, "f", m->is_founded ? state_cfg(m->state)->f : 0);
    jb_uint(b, "height", c.height);
    jb_uint(b, "lease_ms", s.lease_ms);
    jb_bool(b, "share", s.holds_share);
    jb_bool(b, "ready", serves(m));
    jb_text(b, "durability", "none"); /* no sealer outlives all hosts, no custodians: issue 4 */
    jb_bool(b, "simulation", m->config.genesis->simulation);
    jb_text(b, "version", GUARDIAN_VERSION);
}

/* How many other guardians are attested, over however many links. */
static uint32_t trusted_peers(const struct guardian *m)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++) {
        bool counts = m->links[i].step == LINK_ATTESTED;
        for (unsigned before = 0; before < i && counts; before++)
            counts = m->links[before].step != LINK_ATTESTED ||
                     m->links[before].subject.gid != m->links[i].subject.gid;
        n += counts;
    }
    return n;
}

static enum err health(struct guardian *m, uint64_t request, const struct member_request *r,
                       struct problem *p)
{
    struct bft_status s = {0};
    (void)r;
    (void)p;
    if (m->bft)
        bft_status(m->bft, &s);
    struct json_builder b = json_build();
    jb_uint(&b, "node_id", m->gid);
    jb_text(&b, "status", health_status(m, &s));
    jb_uint(&b, "term", s.rounds);
    jb_uint(&b, "cluster_size", m->is_founded ? state_cfg(m->state)->n : 0);
    jb_uint(&b, "trusted_peers", trusted_peers(m));
    put_cluster(m, &b);
    api_json(m, request, 200, &b);
    return OK;
}

static enum err ready(struct guardian *m, uint64_t request, const struct member_request *r,
                      struct problem *p)
{
    (void)r;
    const struct problem *own = &m->own_refusal;
    if (m->is_founded && own->err != OK)
        return problem(p, err_status(own->err) == 503 ? own->err : E_NOT_READY,
                       "its own evidence: %.60s: %.150s", err_code(own->err), problem_text(own));
    if (!serves(m))
        return E_NOT_READY;
    struct json_builder b = json_build();
    jb_bool(&b, "ready", true);
    api_json(m, request, 200, &b);
    return OK;
}

/* --- the table --- */

static enum err register_workload(struct guardian *m, uint64_t request,
                                  const struct member_request *r, struct problem *p)
{
    (void)p;
    workload_register(m, request, r);
    return OK;
}

static enum err verify_workload(struct guardian *m, uint64_t request,
                                const struct member_request *r, struct problem *p)
{
    (void)p;
    workload_verify(m, request, r);
    return OK;
}

/* What must hold before a handler runs. */
enum need {
    NEED_NOTHING,
    NEED_CLUSTER, /* a root exists */
    NEED_VOTE,    /* and this guardian is a member in force ... */
    NEED_LEASE,   /* ... with a view that is not stale */
};

static const struct {
    const char *route;
    enum need need;
    enum err (*handle)(struct guardian *m, uint64_t request, const struct member_request *r,
                       struct problem *p);
} routes[] = {
    {"status.health", NEED_NOTHING, health},
    {"status.ready", NEED_NOTHING, ready},
    {"peers.list", NEED_NOTHING, peers_answer},
    {"peers.trusted", NEED_NOTHING, peers_answer},
    {"peers.revoked", NEED_NOTHING, peers_answer},
    {"peers.stats", NEED_NOTHING, peers_answer},
    {"guardian.attest", NEED_NOTHING, attest},
    {"ca.root", NEED_CLUSTER, get_root},
    {"ca.namespace", NEED_CLUSTER, get_ca},
    {"ca.crl", NEED_CLUSTER, get_crl},
    {"namespaces.list", NEED_CLUSTER, list_namespaces},
    {"namespaces.get", NEED_CLUSTER, get_namespace},
    {"measurements.get", NEED_LEASE, get_measurement},
    {"measurements.list", NEED_LEASE, list_measurements},
    {"seats.list", NEED_CLUSTER, list_seats},
    {"nodes.list", NEED_CLUSTER, list_nodes},
    {"proposals.list", NEED_CLUSTER, list_proposals},
    {"proposals.get", NEED_CLUSTER, get_proposal},
    {"proposals.add", NEED_VOTE, add_proposal},
    {"proposals.approve", NEED_VOTE, approve_proposal},
    {"receipts.get", NEED_CLUSTER, get_receipt},
    {"attestation.register", NEED_LEASE, register_workload},
    {"attestation.verify", NEED_LEASE, verify_workload},
    {"keys.release", NEED_LEASE, get_key},
};

static enum err check_need(const struct guardian *m, enum need need)
{
    if (need == NEED_NOTHING)
        return OK;
    if (!m->is_founded || state_cluster(m->state).generation == 0)
        return m->is_founded ? E_NOT_READY : E_NOT_MEMBER;
    if (need >= NEED_VOTE && !member_votes(m))
        return E_NOT_MEMBER;
    if (need < NEED_LEASE)
        return OK;
    /* Nothing can seal or escrow the shares yet: a production cluster would lose them all with its
     * power, so it refuses to serve (design.md section 2, promise 5). */
    if (!m->config.genesis->simulation)
        return E_NOT_DURABLE;
    return member_has_lease(m) ? OK : E_STALE;
}

void api_request(struct guardian *m, uint64_t request, const struct member_request *r)
{
    struct problem p = {0};
    enum err e = E_NOT_FOUND;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (strcmp(routes[i].route, r->route) == 0) {
            e = check_need(m, routes[i].need);
            if (e == OK)
                e = routes[i].handle(m, request, r, &p);
            break;
        }
    if (e != OK)
        api_problem(m, request, e, &p);
}

/* --- the certificate of the API itself --- */

/* The names this guardian's seat is reached by. */
static void seat_names(const struct rec_seat *seat, struct ca_names *names)
{
    if (ca_names_add_ip(names, seat->host) != OK)
        (void)!ca_names_add_dns(names, bytes_str(seat->host));
    (void)!ca_names_add_dns(names, bytes_str("localhost"));
}

static enum err make_api_chain(struct guardian *m, const struct rec_seat *seat, struct buf *pem)
{
    struct ca_names names = {0};
    seat_names(seat, &names);
    struct thash h;
    thash_init(&h, "guardian/v1/api-certificate");
    thash_u32(&h, m->gid);
    thash_u64(&h, member_unix_s(m));
    thash_add(&h, bytes(m->api_key.b, m->api_key.n));
    struct ca_leaf leaf = {.ns = NS_GUARDIAN,
                           .subject_gid = m->gid,
                           .names = &names,
                           .spki = bytes(m->api_key.b, m->api_key.n)};
    leaf.common = (struct ca_common){.trust_domain = m->config.genesis->trust_domain,
                                     .simulation = m->config.genesis->simulation,
                                     .entry = thash_final32(&h),
                                     .not_before = member_unix_s(m) - BACKDATE_S,
                                     .not_after = member_unix_s(m) + ISSUING_LIFETIME_S / 2};
    TRY(workload_sign_leaf(m, &leaf, pem));
    return workload_chain(m, NS_GUARDIAN, pem);
}

/* Once our issuing CA for the guardians' namespace is certified, the API is served under it; again
 * when half of the certificate's life is over. */
void api_serve(struct guardian *m)
{
    struct rec_seat seat;
    struct rec_issuing issuing;
    struct key k = key_gid('s', m->gid), j = key_name_gid('j', NS_GUARDIAN, m->gid);
    if (!m->api_key.n || (m->served_until && member_unix_s(m) < m->served_until) ||
        issuing_get(state_store(m->state), &j, &issuing) != OK ||
        seat_get(state_store(m->state), &k, &seat) != OK)
        return;
    struct buf pem = BUF_INIT(ANSWER_MAX);
    enum err e = make_api_chain(m, &seat, &pem);
    if (e == OK) {
        m->config.out.serve(m->config.out.ctx, buf_bytes(&pem));
        m->is_served = true;
        m->served_until = member_unix_s(m) + ISSUING_LIFETIME_S / 4;
    } else {
        m->served_until = member_unix_s(m) + 5; /* try again */
        log_warn("no certificate for the API: %s", err_text(e));
    }
    buf_free(&pem);
}
