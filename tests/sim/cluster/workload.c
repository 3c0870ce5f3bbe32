#include "workload.h"
#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/codec/pem.h"
#include "base/crypto/csr.h"
#include "base/crypto/jwe.h"
#include "core/evidence/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

static void need(enum err e)
{
    if (e != OK)
        abort();
}

void workload_init(struct workload *c, struct world *w, const char *ns, enum platform platform,
                   uint64_t machine)
{
    *c = (struct workload){.platform = platform, .machine = machine};
    snprintf(c->ns, sizeof c->ns, "%s", ns);
    c->csr = BUF_INIT(CSR_MAX);
    c->certificate = BUF_INIT(65536);
    need(p256_keygen(world_rng(w), &c->key, &c->public));
    need(csr_write_p256(world_rng(w), &c->key, NULL, 0, &c->csr));
}

void workload_free(struct workload *c)
{
    buf_free(&c->csr);
    buf_free(&c->certificate);
}

struct hash32 workload_measurement(const struct workload *c)
{
    struct claims claims = sim_claims(c->platform, c->machine);
    claims_hash_measurements(&claims);
    return claims.measurement_hash;
}

static struct buf spki_of(const struct workload *c)
{
    struct buf b = BUF_INIT(256);
    need(p256_spki_write(&c->public, &b));
    return b;
}

/* {"evidence": ...} with this first half of REPORTDATA, not yet closed. */
static char *begin_body(const struct workload *c, const uint8_t challenge[static 32])
{
    uint8_t report_data[64];
    struct buf spki = spki_of(c);
    struct hash32 id = sha256(buf_bytes(&spki));
    memcpy(report_data, challenge, 32);
    memcpy(report_data + 32, id.b, 32);
    struct buf evidence = world_evidence(c->platform, c->machine, report_data);
    char *b64 = b64_string(B64_STANDARD, buf_bytes(&evidence)), *body = malloc(65536);
    if (!body || !b64)
        abort();
    snprintf(body, 65536, "{\"evidence\":\"%s\"", b64);
    free(b64);
    buf_free(&evidence);
    buf_free(&spki);
    return body;
}

int workload_begin(struct workload *c, struct world *w, uint32_t node,
                   struct workload_challenge *out)
{
    static const uint8_t zero[32];
    char *body = begin_body(c, zero);
    strcat(body, "}");
    struct member_request r = {
        .route = "attestation.register", .param = {bytes_str(c->ns)}, .body = bytes_str(body)};
    const struct world_answer *a = world_request(w, node, &r);
    free(body);
    if (a->status != 200)
        return a->status;
    const char *hex = json_str(json_member(a->json, "challenge"));
    const char *text = json_str(json_member(a->json, "challenge_token"));
    need(hex && text ? hex_decode(hex, out->challenge, 32) : E_FORMAT);
    snprintf(out->token, sizeof out->token, "%s", text);
    return 200;
}

static void take_certificate(struct workload *c, const struct world_answer *a)
{
    const char *pem = json_str(json_member(a->json, "certificate"));
    buf_clear(&c->certificate);
    if (!pem)
        abort();
    struct bytes text = bytes_str(pem);
    need(pem_read("CERTIFICATE", text, &c->certificate));
}

int workload_finish(struct workload *c, struct world *w, uint32_t node,
                    const struct workload_challenge *challenge)
{
    struct buf spki = spki_of(c), pem = BUF_INIT(65536);
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, BYTES_OF(challenge->challenge));
    sha256_add(&h, buf_bytes(&spki));
    struct hash32 answer = sha256_final(&h);
    char *body = begin_body(c, answer.b), *end = body + strlen(body);
    need(pem_write("CERTIFICATE REQUEST", buf_bytes(&c->csr), &pem));
    end += sprintf(end, ",\"challenge_token\":\"%s\",\"csr\":\"", challenge->token);
    for (size_t i = 0; i < pem.n; i++) {
        if (pem.p[i] == '\n')
            *end++ = '\\';
        *end++ = pem.p[i] == '\n' ? 'n' : (char)pem.p[i];
    }
    strcpy(end, "\"}");
    struct member_request r = {
        .route = "attestation.verify", .param = {bytes_str(c->ns)}, .body = bytes_str(body)};
    const struct world_answer *a = world_request(w, node, &r);
    if (a->status == 200)
        take_certificate(c, a);
    int status = a->status;
    free(body);
    buf_free(&spki);
    buf_free(&pem);
    return status;
}

int workload_attest(struct workload *c, struct world *w, uint32_t first, uint32_t second)
{
    struct workload_challenge challenge;
    int status = workload_begin(c, w, first, &challenge);
    return status == 200 ? workload_finish(c, w, second, &challenge) : status;
}

int workload_key(struct workload *c, struct world *w, uint32_t node)
{
    struct member_request r = {.route = "keys.release",
                               .param = {bytes_str(c->ns), bytes_str("disk")},
                               .client = buf_bytes(&c->certificate)};
    const struct world_answer *a = world_request(w, node, &r);
    if (a->status != 200)
        return a->status;
    const char *jwe = json_str(json_member(a->json, "jwe"));
    struct buf plain = BUF_INIT(4096), key = BUF_INIT(256);
    if (!jwe || jwe_decrypt(&c->key, bytes_str(jwe), &plain) != OK ||
        jwk_oct_read(buf_bytes(&plain), &key) != OK || key.n == 0 || key.n > sizeof c->released)
        world_die(w, "a released key cannot be opened by its instance");
    if (!c->has_released && !world_is_liar(w, node)) {
        memcpy(c->released, key.p, key.n);
        c->released_n = key.n;
        c->has_released = true;
    } else if (!world_is_liar(w, node) &&
               (key.n != c->released_n || memcmp(key.p, c->released, key.n) != 0)) {
        world_die(w, "two guardians release different keys of one name");
    }
    buf_free(&plain);
    buf_free(&key);
    return 200;
}
