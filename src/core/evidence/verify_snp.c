#include "core/evidence/verify.h"

/* --- does this certificate belong to this report? --- */

/* AMD 57230: the certificate's hwID is the chip id; on Turin its first 8 bytes, the rest is 0. */
static bool same_chip(const struct vek *vek, const uint8_t chip_id[static 64])
{
    size_t n = vek->hwid_size;
    return memcmp(vek->hwid, chip_id, n) == 0 && bytes_is_zero(bytes(chip_id + n, 64 - n)) &&
           !bytes_is_zero(bytes(chip_id, n));
}

/* Version 2 carries no CPUID, and is not made by Turin, whose TCB reads differently. */
static bool same_product(const struct vek *vek, const struct snp_claims *s)
{
    return s->has_cpuid ? vek->product == s->product : vek->product != SNP_TURIN;
}

static enum err check_belongs(const struct vek *vek, const struct snp_claims *s, struct problem *p)
{
    const struct snp_tcb *a = &vek->tcb, *b = &s->reported_tcb;
    if (vek->kind != s->signing_key)
        return problem(p, E_CHAIN, "the report is signed by a %s, the certificate is of a %s",
                       snp_key_name(s->signing_key), snp_key_name(vek->kind));
    if (!same_product(vek, s))
        return problem(p, E_CHAIN, "the certificate is for %s, the report's CPU is another product",
                       snp_product_name(vek->product));
    if (vek->kind == SNP_KEY_VCEK && !same_chip(vek, s->chip_id))
        return problem(p, E_CHAIN, "the VCEK certificate is of another chip");
    if (!snp_tcb_eq(a, b))
        return problem(p, E_CHAIN,
                       "the certificate is for TCB %u.%u.%u.%u.%u, the report says %u.%u.%u.%u.%u "
                       "(fmc.bootloader.tee.snp.microcode)",
                       a->fmc, a->bootloader, a->tee, a->snp, a->microcode, b->fmc, b->bootloader,
                       b->tee, b->snp, b->microcode);
    return OK;
}

static enum err check_report(const struct evidence *e, const struct verified *chain,
                             struct problem *p)
{
    uint8_t digest[48];
    sha384(e->snp.signed_part, digest);
    if (ecdsa_key_verify(chain->key, BYTES_OF(digest), e->snp.rs) != OK)
        return problem(p, E_SIGNATURE, "the report is not signed by the certified %s",
                       snp_key_name(chain->chain.vek.kind));
    return OK;
}

/* The lists there are; --no-collateral looks at none. */
static struct revocation_lists lists_of(const struct verify_context *v)
{
    const struct evidence_options *o = v->options;
    if (o->no_collateral)
        return (struct revocation_lists){0};
    if (!o->collateral)
        return (struct revocation_lists){.demanded = !o->no_crl};
    return (struct revocation_lists){.lists = o->collateral->crls,
                                     .n = o->collateral->n_crls,
                                     .id = o->collateral->id,
                                     .demanded = !o->no_crl,
                                     .facts = evidence_cache_facts(o->cache)};
}

/*
 * AMD publishes no TCB levels and no statuses. A report is UpToDate if AMD's current list revokes
 * nothing it rests on; which levels are recent enough, minimum_tcb of a policy says. The status of
 * a simulated platform follows from its level (sim.h).
 */
static void fill_claims(const struct evidence *e, const struct chain *c, struct claims *out)
{
    *out = e->claims;
    out->simulated = c->simulated;
    out->snp.product = c->vek.product;
    bool current = c->revocation.current && !c->simulated;
    out->tcb_status = current ? TCB_UP_TO_DATE : TCB_UNKNOWN;
    int64_t last = c->not_after < c->revocation.until ? c->not_after : c->revocation.until;
    out->not_after = (uint64_t)last + 1;
}

/* --- verified before --- */

/* E_NOT_FOUND if this certificate is of no chain that was verified before and fits. */
static enum err try_cached(const struct verify_context *v, struct bytes vek, struct claims *out,
                           struct problem *p)
{
    struct verified *chain = verify_cached(v, vek);
    if (!chain || check_belongs(&chain->chain.vek, &v->evidence->claims.snp, NULL) != OK ||
        !chain_vek_unrevoked(&chain->chain, lists_of(v), v->unix_time))
        return E_NOT_FOUND;
    TRY(check_report(v->evidence, chain, p));
    fill_claims(v->evidence, &chain->chain, out);
    return OK;
}

/* The same for all certificates given, the evidence's own first. */
static enum err try_cache(const struct verify_context *v, struct claims *out, struct problem *p)
{
    const struct collateral *given = v->options->collateral;
    enum err e = E_NOT_FOUND;
    for (size_t i = 0; e == E_NOT_FOUND && i < v->evidence->n_certs; i++)
        e = try_cached(v, v->evidence->certs[i], out, p);
    for (size_t i = 0; e == E_NOT_FOUND && given && i < given->certs.n; i++)
        e = try_cached(v, cert_der(given->certs.c[i]), out, p);
    return e;
}

/* --- not yet --- */

/*
 * Of several certificates, the problem worth telling is that of the one that
 * got furthest, so each step has a rank.
 */
enum rank { RANK_NONE, RANK_READ, RANK_BELONGS, RANK_CHAIN, RANK_SIGNATURE };

struct attempt {
    const struct verify_context *v;
    const struct cert_pool *pool;
    enum rank rank;
    enum err err;
    struct problem problem;
    unsigned chains; /* chains verified so far */
};

/* Renewed certificates of one chip and TCB are few; each costs up to 16 tries of a chain. */
#define CHAINS_MAX 4

static enum err try_vek(struct attempt *a, const struct cert *c, struct claims *out,
                        enum rank *rank, struct problem *p)
{
    const struct evidence *e = a->v->evidence;
    struct verified local = {0};
    struct vek vek;
    enum err result;
    *rank = RANK_READ;
    TRY(chain_read_vek(c, &vek, p));
    *rank = RANK_BELONGS;
    TRY(check_belongs(&vek, &e->claims.snp, p));
    *rank = RANK_CHAIN;
    if (a->chains++ == CHAINS_MAX)
        return problem(p, E_CHAIN, "too many certificates could have signed the report");
    const struct vek_context context = {a->pool, a->v->trust, lists_of(a->v), a->v->unix_time};
    TRY(chain_verify_vek(c, &context, &local.chain, p));
    if (ecdsa_key_new(CURVE_P384, local.chain.key.xy, &local.key) != OK)
        return problem(p, E_CHAIN, "the certificate's key is no point of P-384");
    *rank = RANK_SIGNATURE;
    result = check_report(e, &local, p);
    if (result == OK)
        fill_claims(e, &local.chain, out);
    if (result == OK)
        (void)verify_keep(a->v, cert_der(c), &local);
    verified_clear(&local);
    return result;
}

static bool maybe_vek(const struct cert *c)
{
    return cert_ec_point(c, CURVE_P384, &(struct ecdsa_point){0}) == OK && !cert_is_ca(c);
}

static enum err try_pool(struct attempt *a, struct claims *out)
{
    for (size_t i = 0; i < a->pool->n; i++) {
        struct problem p = {0};
        enum rank rank;
        if (!maybe_vek(a->pool->c[i]))
            continue;
        enum err e = try_vek(a, a->pool->c[i], out, &rank, &p);
        if (e == OK)
            return OK;
        if (rank > a->rank) {
            a->rank = rank;
            a->err = e;
            a->problem = p;
        }
    }
    return a->err;
}

static enum err fill_pool(const struct verify_context *v, struct cert_pool *pool)
{
    const struct collateral *given = v->options->collateral;
    for (size_t i = 0; i < v->evidence->n_certs; i++)
        TRY(cert_pool_add(pool, v->evidence->certs[i]));
    for (size_t i = 0; given && i < given->certs.n; i++)
        TRY(cert_pool_add(pool, cert_der(given->certs.c[i])));
    return OK;
}

static enum err verify_afresh(const struct verify_context *v, struct claims *out, struct problem *p)
{
    struct cert_pool pool = {.n = 0};
    struct attempt a = {.v = v, .pool = &pool, .err = E_COLL_MISSING};
    enum err e;
    (void)problem(&a.problem, E_COLL_MISSING, "the %s certificate of the report is missing",
                  snp_key_name(v->evidence->claims.snp.signing_key));
    TRY_OUT(fill_pool(v, &pool));
    e = try_pool(&a, out);
    if (e != OK && p)
        *p = a.problem;
out:
    cert_pool_clear(&pool);
    return e;
}

enum err verify_snp(const struct verify_context *v, struct claims *out, struct problem *p)
{
    const struct evidence *e = v->evidence;
    if (e->claims.snp.signing_key == SNP_KEY_NONE)
        return problem(p, E_SIGNATURE, "the report is not signed");
    enum err result = try_cache(v, out, p);
    return result == E_NOT_FOUND ? verify_afresh(v, out, p) : result;
}
