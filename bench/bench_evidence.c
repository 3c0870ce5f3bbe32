/*
 * Evidence against the signature checks it cannot do without. Warm is the usual
 * case: the machine's certificates and the vendor's collateral were judged before,
 * its evidence is new.
 */
#include "bench.h"
#include "core/evidence/evidence.h"
#include "core/evidence/sim/intel.h"
#include "core/evidence/sim/vendor.h"

#include <stdlib.h>

enum { PIECES = 64 };
static const int64_t NOW = 1750000000;

static void must(enum err e)
{
    if (e != OK)
        abort();
}

/* Many pieces of evidence, each with its own REPORTDATA, of one machine or each of another. */
struct ours {
    struct buf evidence[PIECES];
    size_t next;
    struct collateral collateral;
    struct evidence_options options;
};

static void verify(void *ctx)
{
    struct ours *o = ctx;
    const struct evidence_trust trust = evidence_trust_vendors(true);
    struct evidence e;
    struct claims claims;
    must(evidence_parse(buf_bytes(&o->evidence[o->next++ % PIECES]), &e, NULL));
    must(evidence_verify(&e, &trust, &o->options, NOW, &claims, NULL));
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

/* The root's list, revoking nothing in use. */
static void add_revocation_list(struct collateral *out)
{
    const struct sim_key ark = sim_rsa_key(SIM_RSA_ARK);
    const struct bytes revoked = bytes_str("\x01");
    struct buf der = BUF_INIT(CRL_SIZE_MAX);
    must(sim_crl_write(&(struct sim_crl){.issued_by = "ARK-Milan",
                                         .issuer = &ark,
                                         .this_update = NOW - 86400,
                                         .next_update = NOW + 86400,
                                         .revoked = &revoked,
                                         .n_revoked = 1},
                       &der));
    must(collateral_add(out, buf_bytes(&der), NULL));
    buf_free(&der);
}

/* All that Intel publishes about the machine. */
static void add_documents(const struct claims *claims, struct collateral *out)
{
    struct sim_intel intel = sim_intel(claims, NOW);
    for (unsigned part = 0; part < SIM_INTEL_PARTS; part++) {
        struct buf file = BUF_INIT(CRL_SIZE_MAX);
        must(sim_intel_write(&intel, part, &file));
        must(collateral_add(out, buf_bytes(&file), NULL));
        buf_free(&file);
    }
}

static struct ours make_ours(enum platform platform, bool of_many)
{
    struct ours o = {0};
    for (uint8_t i = 0; i < PIECES; i++) {
        const struct claims claims = sim_claims(platform, of_many ? i : 1);
        uint8_t report_data[64] = {i};
        struct sim_machine machine;
        must(sim_machine_init(&machine, &claims, NULL));
        o.evidence[i] = BUF_INIT(EVIDENCE_MAX);
        must(sim_machine_evidence(&machine, report_data, &o.evidence[i]));
        sim_machine_free(&machine);
    }
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

struct figure {
    const char *name;
    enum platform platform;
    bool collateral;
    enum { COLD, WARM, FURTHER } cache; /* further: machines are new, their collateral is not */
    enum curve curve;
    unsigned checks; /* of so many signatures: bare */
};

static void measure(const struct figure *f)
{
    const struct claims claims = sim_claims(f->platform, 1);
    struct ours o = make_ours(f->platform, f->cache == FURTHER);
    struct bare b = make_bare(f->curve, f->checks);
    if (f->platform == PLATFORM_TDX)
        add_documents(&claims, &o.collateral);
    else
        add_revocation_list(&o.collateral);
    o.options = (struct evidence_options){.no_collateral = !f->collateral,
                                          .collateral = &o.collateral,
                                          .cache = f->cache ? evidence_cache_new(1) : NULL};
    bench_print(
        f->name,
        bench_compare((struct bench_side){verify, &o}, (struct bench_side){check_signatures, &b}),
        f->cache == WARM ? "<= 1.11" : NULL);
    evidence_cache_free(o.options.cache);
    collateral_free(&o.collateral);
    ecdsa_key_free(b.key);
    for (size_t i = 0; i < PIECES; i++)
        buf_free(&o.evidence[i]);
}

int main(void)
{
    static const struct figure figures[] = {
        {"TDX quote, warm (1 P-256 signature)", PLATFORM_TDX, true, WARM, CURVE_P256, 1},
        {"TDX quote of a further machine (4 P-256)", PLATFORM_TDX, true, FURTHER, CURVE_P256, 4},
        {"TDX quote, cold (9 P-256 signatures)", PLATFORM_TDX, true, COLD, CURVE_P256, 9},
        {"TDX quote, chain alone, cold (4 P-256)", PLATFORM_TDX, false, COLD, CURVE_P256, 4},
        {"SNP report, warm (1 P-384 signature)", PLATFORM_SNP, true, WARM, CURVE_P384, 1},
        {"SNP report, cold (1 P-384 signature; 4 RSA)", PLATFORM_SNP, true, COLD, CURVE_P384, 1},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        measure(&figures[i]);
    return 0;
}
