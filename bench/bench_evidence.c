/*
 * Evidence against the signature checks it cannot do without. Warm is the usual
 * case: the machine's certificates and AMD's revocation list were judged before,
 * its evidence is new.
 */
#include "bench.h"
#include "core/evidence/evidence.h"
#include "core/evidence/sim/vendor.h"

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
    add_revocation_list(&o.collateral);
    o.options = (struct evidence_options){.no_collateral = claims->platform == PLATFORM_TDX,
                                          .collateral = &o.collateral,
                                          .cache = warm ? evidence_cache_new(16) : NULL};
    bench_print(
        name,
        bench_compare((struct bench_side){verify, &o}, (struct bench_side){check_signatures, &b}),
        warm ? "<= 1.11" : NULL);
    evidence_cache_free(o.options.cache);
    collateral_free(&o.collateral);
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
    measure("SNP report, cold (1 P-384 signature; 4 RSA)", &snp, CURVE_P384, false, 1);
    return 0;
}
