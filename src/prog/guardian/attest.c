#include "prog/guardian/attest.h"
#include "base/codec/hex.h"
#include "base/codec/json.h"
#include "core/evidence/binding.h"
#include "core/policy/policy.h"
#include "core/state/genesis.h"
#include "base/codec/pem.h"

#include <stdio.h>
#include <time.h>

void attested_free(struct attested *a)
{
    buf_free(&a->root_pem);
}

/* ---- judging ---- */

/* Design.md section 3: what the host passed at launch names the cluster. */
static enum err check_cluster(const struct claims *c, const struct hash32 *cluster_id,
                              struct problem *p)
{
    uint8_t config[48] = {0};
    memcpy(config, cluster_id->b, sizeof cluster_id->b);
    bool same = c->platform == PLATFORM_SNP
                    ? memcmp(c->snp.host_data, cluster_id->b, 32) == 0
                    : memcmp(c->tdx.mr_config_id, config, sizeof config) == 0;
    return same ? OK
                : problem(p, E_HOST_DATA,
                          "this machine was not launched for the cluster of this "
                          "genesis file");
}

/* One fitting record is enough; if none fits, the reason of the last of its platform is told. */
static enum err check_measurements(const struct genesis *g, const struct claims *c,
                                   struct problem *p)
{
    enum err e = problem(p, E_MEAS_MISMATCH, "the genesis file allows no %s guardians",
                         platform_name(c->platform));
    for (uint32_t i = 0; i < g->n_measurements; i++) {
        struct policy_record r;
        TRY(policy_parse(bytes_str(g->measurements[i]), &r, p));
        if (r.platform != c->platform)
            continue;
        e = policy_match(&r, c, p);
        if (e == OK)
            return OK;
    }
    return e;
}

static enum err check_binding(const struct claims *c, const struct hash32 *cluster_id,
                              const uint8_t nonce[static 32], const struct client_channel *channel,
                              struct problem *p)
{
    struct binding_api b = {.cluster_id = *cluster_id, .server_spki = channel->server_spki};
    memcpy(b.exporter, channel->exporter, sizeof b.exporter);
    memcpy(b.nonce, nonce, sizeof b.nonce);
    struct hash64 expected = binding_api(&b);
    if (memcmp(expected.b, c->report_data, sizeof expected.b) != 0)
        return problem(p, E_NONCE,
                       "the evidence is not for this connection, nonce, key and cluster");
    return OK;
}

enum err attest_judge(struct bytes genesis, struct bytes evidence_base64,
                      const uint8_t nonce[static 32], const struct client_channel *channel,
                      uint64_t unix_time, struct attested *out, struct problem *p)
{
    struct genesis g;
    TRY(genesis_parse(genesis, &g, p));
    enum err e;
    out->cluster_id = genesis_cluster_id(genesis);
    out->simulation = g.simulation;
    TRY_OUT(attest_verify(evidence_base64, g.simulation, unix_time, &out->claims, p));
    TRY_OUT(check_binding(&out->claims, &out->cluster_id, nonce, channel, p));
    TRY_OUT(check_cluster(&out->claims, &out->cluster_id, p));
    TRY_OUT(check_measurements(&g, &out->claims, p));
out:
    genesis_free(&g);
    return e;
}

/* ---- asking ---- */

/* A GET on the connection that is being attested; *channel says which one it went over. */
static enum err get(struct client_session *session, const char *url, const char *path,
                    unsigned timeout_s, struct client_channel *channel, struct buf *out,
                    struct problem *p)
{
    *channel = (struct client_channel){.label = BINDING_EXPORTER_LABEL};
    struct transport t = {.session = session,
                          .url = url,
                          .path = path,
                          .method = "GET",
                          .timeout_s = timeout_s,
                          .channel = channel};
    int status = 0;
    TRY(transport(&t, &status, out, p));
    if (status != 200)
        return problem(p, status == 503 ? E_NOT_READY : E_NOT_FOUND,
                       "%.100s%.60s answered with status %d", url, path, status);
    return OK;
}

static enum err get_again(struct client_session *session, const char *url, const char *path,
                          unsigned timeout_s, const struct client_channel *attested,
                          struct buf *out, struct problem *p)
{
    struct client_channel now;
    TRY(get(session, url, path, timeout_s, &now, out, p));
    if (memcmp(now.exporter, attested->exporter, sizeof now.exporter) != 0)
        return problem(p, E_IO, "%.100s closed the attested connection", url);
    return OK;
}

static enum err read_root_id(struct bytes health, struct attested *out, struct problem *p)
{
    json_t *v = NULL;
    TRY(json_parse(health, FILE_MAX, &v, p));
    const char *root = json_str(json_member(v, "root_id"));
    enum err e = OK;
    if (!root || hex_decode(root, out->root_id.b, 32) != OK)
        e = problem(p, E_NOT_READY, "the guardian has no root yet");
    json_free(v);
    return e;
}

static enum err read_evidence(struct bytes answer, struct buf *out, struct problem *p)
{
    json_t *v = NULL;
    TRY(json_parse(answer, FILE_MAX, &v, p));
    const char *evidence = json_str(json_member(v, "evidence"));
    enum err e = evidence ? buf_add(out, evidence, strlen(evidence))
                          : problem(p, E_MALFORMED, "the guardian's answer has no evidence");
    json_free(v);
    return e;
}

struct asking {
    struct client_session *session;
    struct buf genesis, answer, evidence, health;
    struct client_channel channel;
};

static enum err ask_all(struct asking *a, const char *url, unsigned timeout_s,
                        const char *genesis_file, struct attested *out, struct problem *p)
{
    uint8_t nonce[32];
    char path[128], hex[65];
    struct buf *root = &out->root_pem;
    struct buf certificate = BUF_INIT(ATTEST_ROOT_MAX);
    rng_fill(rng_system(), nonce, sizeof nonce);
    hex_encode(BYTES_OF(nonce), hex);
    snprintf(path, sizeof path, "/guardian_node/attestation/%s", hex);
    TRY(client_session_open(&a->session));
    TRY(file_read(genesis_file, &a->genesis, p));
    TRY(get(a->session, url, path, timeout_s, &a->channel, &a->answer, p));
    TRY(read_evidence(buf_bytes(&a->answer), &a->evidence, p));
    TRY(attest_judge(buf_bytes(&a->genesis), buf_bytes(&a->evidence), nonce, &a->channel,
                     (uint64_t)time(NULL), out, p));
    TRY(get_again(a->session, url, "/ca/root.pem", timeout_s, &a->channel, root, p));
    TRY(get_again(a->session, url, "/health", timeout_s, &a->channel, &a->health, p));
    enum err e = pem_read("CERTIFICATE", buf_bytes(root), &certificate);
    buf_free(&certificate);
    if (e != OK)
        return problem(p, e, "/ca/root.pem is no certificate");
    return read_root_id(buf_bytes(&a->health), out, p);
}

enum err attest(const char *url, unsigned timeout_s, const char *genesis_file, struct attested *out,
                struct problem *p)
{
    struct asking a = {.genesis = BUF_INIT(GENESIS_MAX),
                       .answer = BUF_INIT(FILE_MAX),
                       .evidence = BUF_INIT(FILE_MAX),
                       .health = BUF_INIT(FILE_MAX)};
    *out = (struct attested){.root_pem = BUF_INIT(ATTEST_ROOT_MAX)};
    enum err e = ask_all(&a, url, timeout_s, genesis_file, out, p);
    client_session_close(a.session);
    buf_free(&a.genesis);
    buf_free(&a.answer);
    buf_free(&a.evidence);
    buf_free(&a.health);
    return e;
}

/* ---- keeping ---- */

enum err attest_pin(const char *root_file, const struct attested *a, struct problem *p)
{
    struct buf old = BUF_INIT(ATTEST_ROOT_MAX);
    enum err e = OK;
    if (!file_exists(root_file))
        e = file_write(root_file, buf_bytes(&a->root_pem), FILE_PUBLIC, p);
    else if (file_read(root_file, &old, p) != OK ||
             !bytes_eq(buf_bytes(&old), buf_bytes(&a->root_pem)))
        e = problem(p, E_NOT_ALLOWED, "%s holds another root certificate: not replaced", root_file);
    buf_free(&old);
    return e;
}

enum err attest_folder(const char *dir, const char *url, unsigned timeout_s, struct settings *s,
                       struct problem *p)
{
    char genesis[FILE_PATH_MAX], root[FILE_PATH_MAX];
    struct attested a = {0};
    enum err e;
    TRY_OUT(path_join(genesis, dir, "genesis.json", p));
    TRY_OUT(path_join(root, dir, "root.pem", p));
    TRY_OUT(attest(url, timeout_s, genesis, &a, p));
    TRY_OUT(attest_pin(root, &a, p));
    s->cluster_id = a.cluster_id;
    s->root_id = a.root_id;
    s->simulation = a.simulation;
    TRY_OUT(settings_write(dir, s, p));
    memcpy(s->root_file, root, sizeof root);
out:
    attested_free(&a);
    return e;
}
