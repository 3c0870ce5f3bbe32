/*
 * Evidence against the signature checks it cannot do without. Warm is the usual
 * case: the machine's certificates were verified before, its evidence is new.
 */
#include "bench.h"
#include "core/evidence/evidence.h"
#include "core/evidence/sim/sim.h"

#include <stdlib.h>

enum { PIECES = 64 };
static const int64_t NOW = 1750000000;

static void must(enum err e)
{
    if (e != OK)
        abort();
}

/* Many pieces of one machine's evidence, each with its own REPORTDATA, verified in turn. */
struct ours {
    struct buf evidence[PIECES];
    size_t next;
    struct evidence_cache *cache;
};

static void verify(void *ctx)
{
    struct ours *o = ctx;
    const struct evidence_trust trust = evidence_trust_vendors(true);
    const struct evidence_options options = {.no_collateral = true, .cache = o->cache};
    struct evidence e;
    struct claims claims;
    must(evidence_parse(buf_bytes(&o->evidence[o->next++ % PIECES]), &e, NULL));
    must(evidence_verify(&e, &trust, &options, NOW, &claims, NULL));
    evidence_free(&e);
}

/* So many signatures under prepared keys. */
struct bare {
    unsigned checks;
    struct ecdsa_key *key;
    uint8_t digest[48];
    size_t digest_size;
    struct ecdsa_rs rs;
};

static void check_signatures(void *ctx)
{
    struct bare *b = ctx;
    for (unsigned i = 0; i < b->checks; i++)
        must(ecdsa_key_verify(b->key, bytes(b->digest, b->digest_size), b->rs.rs));
}

static struct ours make_ours(const struct claims *claims)
{
    struct ours o = {0};
    struct sim_machine machine;
    must(sim_machine_init(&machine, claims, NULL));
    for (uint8_t i = 0; i < PIECES; i++) {
        uint8_t report_data[64] = {i};
        o.evidence[i] = BUF_INIT(EVIDENCE_MAX);
        must(sim_machine_evidence(&machine, report_data, &o.evidence[i]));
    }
    sim_machine_free(&machine);
    return o;
}

static struct bare make_bare(enum curve curve, unsigned checks)
{
    struct bare b = {.checks = checks, .digest = {1}, .digest_size = curve_size(curve)};
    struct ecdsa_secret secret;
    struct ecdsa_point public;
    ecdsa_secret_new(curve, rng_system(), &secret, &public);
    must(ecdsa_key_new(curve, public.xy, &b.key));
    must(ecdsa_secret_sign(&secret, rng_system(), bytes(b.digest, b.digest_size), &b.rs));
    return b;
}

static void measure(const char *name, const struct claims *claims, enum curve curve, bool warm,
                    unsigned checks)
{
    struct ours o = make_ours(claims);
    struct bare b = make_bare(curve, checks);
    o.cache = warm ? evidence_cache_new(16) : NULL;
    bench_print(
        name,
        bench_compare((struct bench_side){verify, &o}, (struct bench_side){check_signatures, &b}),
        warm ? "<= 1.11" : NULL);
    evidence_cache_free(o.cache);
    ecdsa_key_free(b.key);
    for (size_t i = 0; i < PIECES; i++)
        buf_free(&o.evidence[i]);
}

int main(void)
{
    const struct claims tdx = sim_claims(PLATFORM_TDX, 1), snp = sim_claims(PLATFORM_SNP, 1);
    measure("TDX quote, warm (1 P-256 signature)", &tdx, CURVE_P256, true, 1);
    measure("TDX quote, cold (4 P-256 signatures)", &tdx, CURVE_P256, false, 4);
    measure("SNP report, warm (1 P-384 signature)", &snp, CURVE_P384, true, 1);
    measure("SNP report, cold (3 P-384 signatures)", &snp, CURVE_P384, false, 3);
    return 0;
}
