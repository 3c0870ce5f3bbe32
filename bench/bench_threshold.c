/*
 * Threshold operations of 3-of-5 against the group operations they cannot do
 * without, called on libsodium directly.
 */
#include "bench.h"
#include "core/threshold/dealing.h"
#include "core/threshold/frost.h"
#include "core/threshold/oprf.h"

#include <stdlib.h>

enum { N = 5, T = 3, ROUNDS = 128 };

static void must(enum err e)
{
    if (e != OK)
        abort();
}

/* --- bare operations: so many of each ------------------------------------- */

struct bare {
    unsigned base_r, mul_r, base_e, mul_e, x25519;
    bool verify;
};

static struct {
    struct scalar s;
    struct point r, e;
    struct sig_public public;
    struct signature signature;
} given;

static void bare(void *ctx)
{
    const struct bare *b = ctx;
    uint8_t out[32];
    for (unsigned i = 0; i < b->base_r; i++)
        must(crypto_scalarmult_ristretto255_base(out, given.s.b) ? E_INTERNAL : OK);
    for (unsigned i = 0; i < b->mul_r; i++)
        must(crypto_scalarmult_ristretto255(out, given.s.b, given.r.b) ? E_INTERNAL : OK);
    for (unsigned i = 0; i < b->base_e; i++)
        must(crypto_scalarmult_ed25519_base_noclamp(out, given.s.b) ? E_INTERNAL : OK);
    for (unsigned i = 0; i < b->mul_e; i++)
        must(crypto_scalarmult_ed25519_noclamp(out, given.s.b, given.e.b) ? E_INTERNAL : OK);
    for (unsigned i = 0; i < b->x25519; i++)
        must(crypto_scalarmult_curve25519_base(out, given.s.b) ? E_INTERNAL : OK);
    if (b->verify)
        must(sig_verify(&given.public, BYTES_OF("message"), &given.signature));
}

static void make_given(void)
{
    struct sig_secret secret;
    scalar_random(rng_system(), &given.s);
    must(point_base(GROUP_R, &given.r, &given.s));
    must(point_base(GROUP_E, &given.e, &given.s));
    sig_keygen(rng_system(), &secret, &given.public);
    given.signature = sig_sign(&secret, BYTES_OF("message"));
}

static void measure(const char *name, void (*run)(void *ctx), void *ctx, struct bare cost)
{
    bench_print(
        name, bench_compare((struct bench_side){run, ctx}, (struct bench_side){bare, &cost}), NULL);
}

/* --- dealing ----------------------------------------------------------------- */

struct deal {
    struct recipient to[N];
    struct secret32 x[N];
    struct deal_terms terms;
    struct scalar secret;
    struct buf dealing;
};

static void deal(void *ctx)
{
    struct deal *d = ctx;
    buf_clear(&d->dealing);
    must(dealing_ve.deal(rng_system(), &d->terms, &d->secret, &d->dealing));
}

static void deal_check(void *ctx)
{
    struct deal *d = ctx;
    struct commitment c;
    must(dealing_ve.check(&d->terms, buf_bytes(&d->dealing), NULL, &c));
}

static void deal_open(void *ctx)
{
    struct deal *d = ctx;
    struct scalar share;
    must(dealing_ve.open(&d->terms, buf_bytes(&d->dealing), d->to[0].gid, &d->x[0], &share));
}

static void dealings(void)
{
    static struct deal d;
    d = (struct deal){.dealing = BUF_INIT(DEALING_MAX)};
    for (uint32_t i = 0; i < N; i++) {
        d.to[i].gid = i + 1;
        receive_keygen(rng_system(), &d.x[i], d.to[i].x);
    }
    d.terms = (struct deal_terms){GROUP_R, {{1}}, 1, T, d.to, N};
    scalar_random(rng_system(), &d.secret);
    deal(&d);
    measure("dealing 3-of-5, make", deal, &d,
            (struct bare){.base_r = ROUNDS * T, .x25519 = ROUNDS * (N + 1)});
    measure("dealing 3-of-5, check", deal_check, &d,
            (struct bare){.base_r = ROUNDS * T, .x25519 = ROUNDS / 2 * (N + 1)});
    measure("dealing 3-of-5, open", deal_open, &d, (struct bare){.base_r = 1, .x25519 = 1});
    buf_free(&d.dealing);
}

/* --- shares of one secret, by hand: f of degree T-1 -------------------------- */

struct shares {
    struct scalar secret, of[N];
    struct point public[N], whole;
};

static struct shares share(enum group g)
{
    struct shares s;
    struct scalar f[T];
    for (int m = 0; m < T; m++)
        scalar_random(rng_system(), &f[m]);
    s.secret = f[0];
    must(point_base(g, &s.whole, &f[0]));
    for (uint32_t i = 0; i < N; i++) {
        struct scalar x;
        scalar_from_u32(&x, i + 1);
        s.of[i] = f[T - 1];
        for (int m = T - 2; m >= 0; m--) {
            scalar_mul(&s.of[i], &s.of[i], &x);
            scalar_add(&s.of[i], &s.of[i], &f[m]);
        }
        must(point_base(g, &s.public[i], &s.of[i]));
    }
    return s;
}

/* --- VOPRF ---------------------------------------------------------------------- */

struct oprf {
    struct shares shares;
    struct scalar blind;
    struct oprf_request request;
    struct oprf_partial partial[N];
};
static const struct hash32 context = {{7}};

static void evaluate(void *ctx)
{
    struct oprf *o = ctx;
    must(oprf_evaluate(rng_system(), &o->shares.of[0], 1, context, &o->request.blinded,
                       &o->partial[0]));
}

static void partial_check(void *ctx)
{
    struct oprf *o = ctx;
    must(oprf_partial_check(&o->shares.public[0], context, &o -> request.blinded, &o->partial[0]));
}

static void combine(void *ctx)
{
    struct oprf *o = ctx;
    struct oprf_output out;
    must(oprf_combine(o->partial, T, T, o->request.label, &o->blind, &out));
}

static void request_check(void *ctx)
{
    struct oprf *o = ctx;
    must(oprf_request_check(&o->request));
}

static void oprf(void)
{
    static struct oprf o;
    o.shares = share(GROUP_R);
    must(oprf_request_make(rng_system(), BYTES_OF("label"), context, &o.blind, &o.request));
    for (uint32_t i = 0; i < N; i++)
        must(oprf_evaluate(rng_system(), &o.shares.of[i], i + 1, context, &o.request.blinded,
                           &o.partial[i]));
    measure("VOPRF request, check", request_check, &o, (struct bare){.mul_r = 2});
    measure("VOPRF partial, make", evaluate, &o, (struct bare){.base_r = 2, .mul_r = 2});
    measure("VOPRF partial, check", partial_check, &o, (struct bare){.base_r = 1, .mul_r = 3});
    measure("VOPRF 3 partials, combine", combine, &o, (struct bare){.mul_r = T + 1});
}

/* --- FROST ---------------------------------------------------------------------- */

struct frost {
    struct shares shares;
    struct frost_key key;
    struct frost_nonce nonce[T];
    struct frost_list list;
    struct frost_share z[T];
};
static const char message[] = "message";

static void frost_signs(void *ctx)
{
    struct frost *f = ctx;
    struct frost_nonce again = f->nonce[0]; /* a measurement, not a signature: nothing leaves */
    struct frost_share z;
    must(frost_sign(&again, &f->key, &f->shares.of[0], &f->list, BYTES_OF(message), &z));
}

static void aggregate(void *ctx)
{
    struct frost *f = ctx;
    struct signature signature;
    must(frost_aggregate(&f->key, &f->list, BYTES_OF(message), f->z, T, &signature));
}

static void commit(void *ctx)
{
    struct frost *f = ctx;
    struct frost_nonce nonce;
    struct frost_commitment c;
    must(frost_commit(rng_system(), 1, &f->shares.of[0], &nonce, &c));
}

static void frost(void)
{
    static struct frost f;
    f.shares = share(GROUP_E);
    must(frost_key_init(&f.shares.whole, T, NULL, &f.key));
    f.list.n = T;
    for (uint32_t i = 0; i < T; i++)
        must(frost_commit(rng_system(), i + 1, &f.shares.of[i], &f.nonce[i], &f.list.c[i]));
    for (uint32_t i = 0; i < T; i++) {
        struct frost_nonce once = f.nonce[i];
        must(frost_sign(&once, &f.key, &f.shares.of[i], &f.list, BYTES_OF(message), &f.z[i]));
    }
    measure("FROST commit", commit, &f, (struct bare){.base_e = 2});
    measure("FROST sign, 3 signers", frost_signs, &f, (struct bare){.mul_e = T});
    measure("FROST aggregate, 3 signers", aggregate, &f, (struct bare){.mul_e = T, .verify = true});
}

int main(void)
{
    must(sodium_init() < 0 ? E_INTERNAL : OK);
    make_given();
    dealings();
    oprf();
    frost();
    return 0;
}
