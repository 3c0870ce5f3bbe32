#include "base/ct.h"
#include "ct.h"

#include "core/threshold/dealing.h"
#include "core/threshold/frost.h"
#include "core/threshold/oprf.h"

#define MUST(expression) ct_must((expression) == OK, #expression)

static struct scalar secret_scalar(void)
{
    struct scalar s;
    scalar_random(ct_rng(), &s);
    return s;
}

static struct point public_of(enum group g, const struct scalar *s)
{
    struct point p;
    MUST(point_base(g, &p, s));
    ct_public(&p, sizeof p);
    return p;
}

static void scalars(void)
{
    struct scalar a = secret_scalar(), b = secret_scalar(), out;
    scalar_add(&out, &a, &b);
    scalar_sub(&out, &out, &b);
    scalar_mul(&out, &out, &b);
    MUST(scalar_invert(&out, &out));
    ct_must(scalar_is_canonical(&out), "canonical");
    ct_must(!scalar_is_zero(&out), "not zero");
    ct_must(!scalar_eq(&out, &a), "not equal");
}

static void agreement(void)
{
    struct secret32 a, b, shared;
    struct x25519_public pa, pb;
    x25519_keygen(ct_rng(), &a, &pa);
    x25519_keygen(ct_rng(), &b, &pb);
    MUST(x25519(&a, &pb, &shared));
}

static void points(enum group g)
{
    struct scalar s = secret_scalar();
    struct point base = public_of(g, &s), out;
    MUST(point_mul(g, &out, &s, &base));
}
static void points_r(void)
{
    points(GROUP_R);
}
static void points_e(void)
{
    points(GROUP_E);
}

static void shares(void)
{
    const uint32_t gids[] = {1, 2, 3};
    struct scalar f[3] = {secret_scalar(), secret_scalar(), secret_scalar()}, sub[3], out;
    struct commitment c;
    MUST(commitment_of(GROUP_E, f, 3, &c));
    for (uint32_t j = 0; j < 3; j++)
        polynomial_eval(f, 3, gids[j], &sub[j]);
    MUST(share_check(GROUP_E, &c, 2, &sub[1]));
    MUST(reshare_combine_shares(gids, sub, 3, &out));
    dkg_combine_shares(sub, 3, &out);
}

static void knowledge(void)
{
    for (int g = GROUP_R; g <= GROUP_E; g++) {
        const struct pok_terms terms = {DOMAIN_POK_CONFIRM, (enum group)g, {{1}}, 3, NULL};
        struct scalar s = secret_scalar();
        struct point image = public_of(g, &s);
        struct pok pok;
        MUST(pok_prove(ct_rng(), &terms, &s, &pok));
        MUST(pok_check(&terms, &image, &pok));
    }
}

static void dealing(enum group g)
{
    struct recipient to[2];
    struct secret32 x[2];
    struct scalar secret = secret_scalar(), share;
    struct commitment c;
    struct buf out = BUF_INIT(DEALING_MAX);
    const struct deal_terms terms = {g, {{1}}, 9, 2, to, 2};
    for (uint32_t j = 0; j < 2; j++) {
        to[j].gid = j + 1;
        receive_keygen(ct_rng(), &x[j], to[j].x);
    }
    MUST(dealing_ve.deal(ct_rng(), &terms, &secret, &out));
    MUST(dealing_ve.check(&terms, buf_bytes(&out), NULL, &c));
    MUST(dealing_ve.open(&terms, buf_bytes(&out), 2, &x[1], &share));
    buf_free(&out);
}
static void dealing_r(void)
{
    dealing(GROUP_R);
}
static void dealing_e(void)
{
    dealing(GROUP_E);
}

static void oprf(void)
{
    const uint32_t gids[] = {1, 2};
    const struct hash32 requester = {{1}}, context = {{2}};
    struct scalar f[2] = {secret_scalar(), secret_scalar()}, share, blind;
    struct oprf_request request;
    struct oprf_partial partials[2];
    struct oprf_output out;
    MUST(oprf_request_make(ct_rng(), bytes_str("label"), requester, &blind, &request));
    /* The nonce is drawn from the same generator and published. */
    ct_public(&request.nonce, sizeof request.nonce);
    MUST(oprf_request_check(&request));
    for (uint32_t i = 0; i < 2; i++) {
        polynomial_eval(f, 2, gids[i], &share);
        struct point image = public_of(GROUP_R, &share);
        MUST(oprf_evaluate(ct_rng(), &share, gids[i], context, &request.blinded, &partials[i]));
        MUST(oprf_partial_check(&image, context, &request.blinded, &partials[i]));
    }
    MUST(oprf_combine(partials, 2, 2, bytes_str("label"), &blind, &out));
    oprf_kcv(&out);
}

static void rfc9497(void)
{
    uint8_t seed[32];
    struct scalar key;
    struct point public, blinded, evaluated;
    struct rfc9497_proof proof;
    rng_fill(ct_rng(), seed, sizeof seed);
    MUST(rfc9497_derive_key(RFC9497_VOPRF, seed, bytes_str("info"), &key, &public));
    struct scalar blind = secret_scalar();
    MUST(rfc9497_blind(RFC9497_VOPRF, bytes_str("input"), &blind, &blinded));
    MUST(point_mul(GROUP_R, &evaluated, &key, &blinded));
    ct_public(&evaluated, sizeof evaluated);
    MUST(rfc9497_prove(ct_rng(), &key, &public, &blinded, &evaluated, 1, &proof));
    MUST(rfc9497_verify(&public, &blinded, &evaluated, 1, &proof));
}

static void frost_with(const struct scalar *tweak)
{
    struct scalar f[2] = {secret_scalar(), secret_scalar()}, share[2];
    struct point a = public_of(GROUP_E, &f[0]);
    struct frost_key key;
    struct frost_nonce nonce[2];
    struct frost_list list = {.n = 2};
    struct frost_share z[2];
    struct signature signature;
    MUST(frost_key_init(&a, 2, tweak, &key));
    for (uint32_t i = 0; i < 2; i++) {
        polynomial_eval(f, 2, i + 1, &share[i]);
        MUST(frost_commit(ct_rng(), i + 1, &share[i], &nonce[i], &list.c[i]));
    }
    for (uint32_t i = 0; i < 2; i++)
        MUST(frost_sign(&nonce[i], &key, &share[i], &list, bytes_str("m"), &z[i]));
    MUST(frost_aggregate(&key, &list, bytes_str("m"), z, 2, &signature));
}
static void frost(void)
{
    frost_with(NULL);
}
static void frost_derived(void)
{
    const struct scalar tweak = {{1, 2, 3}};
    frost_with(&tweak);
}

int main(void)
{
    static const struct ct_case cases[] = {
        {"scalars", scalars},
        {"key agreement", agreement},
        {"points of ristretto255", points_r},
        {"points of Ed25519", points_e},
        {"shares and combining", shares},
        {"proofs of knowledge", knowledge},
        {"dealing, checking, opening (ristretto255)", dealing_r},
        {"dealing, checking, opening (Ed25519)", dealing_e},
        {"request, evaluation, combination", oprf},
        {"key derivation and proof of RFC 9497", rfc9497},
        {"FROST", frost},
        {"FROST under a derived key", frost_derived},
    };
    return ct_main(cases, sizeof cases / sizeof cases[0]);
}
