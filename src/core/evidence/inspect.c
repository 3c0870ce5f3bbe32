#include "core/evidence/inspect.h"

#include "base/bug.h"
#include "core/evidence/snp_report.h"

#include <stdio.h>

struct inspection {
    const struct object_inspection *in;
    struct collateral came; /* body and chain */
    struct object_facts *out;
};

/* --- certificates that came, or were known before --- */

/* The nth of both; NULL behind the last. */
static struct cert *nth_cert(const struct inspection *x, size_t n)
{
    const struct collateral *known = x->in->known;
    if (n < x->came.certs.n)
        return x->came.certs.c[n];
    n -= x->came.certs.n;
    return known && n < known->certs.n ? known->certs.c[n] : NULL;
}

static const struct trust_root *root_of(const struct inspection *x, const struct cert *c)
{
    enum platform platform = x->in->object->kind >= OBJECT_SNP_CHAIN ? PLATFORM_SNP : PLATFORM_TDX;
    const struct trust_root *root = evidence_trust_find(x->in->trust, platform, cert_spki_hash(c));
    bool other =
        root && root->product != SNP_PRODUCT_UNKNOWN && root->product != x->in->object->product;
    return other ? NULL : root;
}

/* It is a trusted root, or issued by one, and valid now. */
static bool is_vouched_for(const struct inspection *x, const struct cert *c)
{
    if (cert_check_dates(c, x->in->unix_time, NULL) != OK)
        return false;
    if (root_of(x, c))
        return true;
    for (size_t i = 0; nth_cert(x, i); i++) {
        const struct cert *issuer = nth_cert(x, i);
        if (root_of(x, issuer) && cert_check_dates(issuer, x->in->unix_time, NULL) == OK &&
            cert_check_issued(c, issuer, 0, NULL) == OK)
            return true;
    }
    return false;
}

/* --- revocation lists --- */

static void expected_issuer(const struct vendor_object *o, char out[static CERT_NAME_MAX])
{
    if (o->kind == OBJECT_PCK_CRL)
        snprintf(out, CERT_NAME_MAX, "Intel SGX PCK %s CA",
                 o->ca == PCK_CA_PLATFORM ? "Platform" : "Processor");
    else if (o->kind == OBJECT_SGX_ROOT_CRL)
        snprintf(out, CERT_NAME_MAX, "Intel SGX Root CA");
    else
        snprintf(out, CERT_NAME_MAX, "ARK-%s", snp_product_name(o->product));
}

static enum err check_signer(const struct inspection *x, const struct crl *crl, struct problem *p)
{
    bool found = false;
    for (size_t i = 0; nth_cert(x, i); i++) {
        const struct cert *c = nth_cert(x, i);
        if (strcmp(cert_subject(c), crl_issuer(crl)) != 0 || !is_vouched_for(x, c))
            continue;
        found = true;
        if (crl_check_issued(crl, c, p) == OK)
            return OK;
    }
    if (found)
        return E_CHAIN;
    return problem(p, E_COLL_MISSING, "no trusted certificate of \"%s\" is there", crl_issuer(crl));
}

static enum err inspect_list(struct inspection *x, struct problem *p)
{
    char issuer[CERT_NAME_MAX];
    if (x->came.n_crls != 1)
        return problem(p, E_FORMAT, "this is not one revocation list");
    const struct crl *crl = x->came.crls[0];
    expected_issuer(x->in->object, issuer);
    if (strcmp(crl_issuer(crl), issuer) != 0)
        return problem(p, E_VALUE, "the list is of \"%s\", not of \"%s\"", crl_issuer(crl), issuer);
    TRY(check_signer(x, crl, p));
    *x->out = (struct object_facts){crl_this_update(crl), crl_next_update(crl)};
    return crl_check_dates(crl, x->in->unix_time, p);
}

/* --- Intel's documents --- */

static bool has_signed(const struct cert *c, const struct tcb_document *d)
{
    struct ecdsa_point point;
    struct ecdsa_key *key = NULL;
    bool yes = cert_ec_point(c, CURVE_P256, &point) == OK &&
               ecdsa_key_new(CURVE_P256, point.xy, &key) == OK &&
               ecdsa_key_verify(key, BYTES_OF(d->digest.b), d->signature) == OK;
    ecdsa_key_free(key);
    return yes;
}

static enum err inspect_document(struct inspection *x, const struct tcb_document *d,
                                 struct problem *p)
{
    bool found = false, is_signed = false;
    for (size_t i = 0; nth_cert(x, i) && !is_signed; i++) {
        const struct cert *c = nth_cert(x, i);
        if (strcmp(cert_subject(c), CN_TCB_SIGNING) != 0 || !is_vouched_for(x, c))
            continue;
        found = true;
        is_signed = has_signed(c, d);
    }
    if (!is_signed)
        return found ? problem(p, E_SIGNATURE, "it is not signed by \"%s\"", CN_TCB_SIGNING)
                     : problem(p, E_COLL_MISSING, "no trusted certificate of \"%s\" is there",
                               CN_TCB_SIGNING);
    TRY(tcb_document_check_dates(d, "it", x->in->unix_time, p));
    *x->out = (struct object_facts){d->issue_date, d->next_update};
    return OK;
}

static enum err inspect_tcb_info(struct inspection *x, struct problem *p)
{
    const struct collateral *came = &x->came;
    if (came->n_tcb_infos != 1)
        return problem(p, E_FORMAT, "this is no TCB info for TDX");
    const struct tcb_info *t = came->tcb_infos[0];
    if (memcmp(t->fmspc, x->in->object->fmspc, sizeof t->fmspc) != 0)
        return problem(p, E_VALUE, "the TCB info is of another FMSPC");
    return inspect_document(x, &t->document, p);
}

static enum err inspect_identity(struct inspection *x, struct problem *p)
{
    if (x->came.n_qe_identities != 1)
        return problem(p, E_FORMAT, "this is no identity of the TD quoting enclave");
    return inspect_document(x, &x->came.qe_identities[0]->document, p);
}

/* --- AMD's certificates --- */

/* The ARK, and the authority of this kind of key below it. */
static enum err inspect_chain(struct inspection *x, struct problem *p)
{
    const struct vendor_object *o = x->in->object;
    char name[CERT_NAME_MAX];
    bool has_root = false, has_authority = false;
    snprintf(name, sizeof name, "SEV-%s%s", o->key == SNP_KEY_VLEK ? "VLEK-" : "",
             snp_product_name(o->product));
    for (size_t i = 0; i < x->came.certs.n; i++) {
        const struct cert *c = x->came.certs.c[i];
        TRY(cert_check_dates(c, x->in->unix_time, p));
        if (!is_vouched_for(x, c))
            return problem(p, E_CHAIN, "\"%s\" is not vouched for by a trusted root of %s",
                           cert_subject(c), snp_product_name(o->product));
        has_root |= root_of(x, c) != NULL;
        has_authority |= strcmp(cert_subject(c), name) == 0;
    }
    if (!has_root || !has_authority)
        return problem(p, E_VALUE, "the certificates are not those of \"%s\" and its root", name);
    struct chain all;
    chain_intersect_dates(&all, x->came.certs.c, x->came.certs.n);
    *x->out = (struct object_facts){all.not_before, all.not_after};
    return OK;
}

static enum err check_chip(const struct vendor_object *o, const struct vek *vek, struct problem *p)
{
    if (vek->kind != SNP_KEY_VCEK || vek->product != o->product)
        return problem(p, E_VALUE, "this is a %s of %s", snp_key_name(vek->kind),
                       snp_product_name(vek->product));
    if (memcmp(vek->hwid, o->hwid, sizeof o->hwid) != 0)
        return problem(p, E_VALUE, "the VCEK is of another chip");
    return snp_tcb_eq(&vek->tcb, &o->tcb)
               ? OK
               : problem(p, E_VALUE, "the VCEK is of another TCB version of this chip");
}

static enum err inspect_vcek(struct inspection *x, struct problem *p)
{
    struct chain chain;
    struct vek vek;
    struct cert_pool pool = {.n = 0};
    if (x->came.certs.n != 1)
        return problem(p, E_FORMAT, "this is not one certificate");
    TRY(chain_read_vek(x->came.certs.c[0], &vek, p));
    TRY(check_chip(x->in->object, &vek, p));
    for (size_t i = 0; nth_cert(x, i) && pool.n < CERT_POOL_MAX; i++)
        pool.c[pool.n++] = nth_cert(x, i); /* borrowed */
    const struct vek_context context = {
        .pool = &pool, .trust = x->in->trust, .unix_time = x->in->unix_time};
    TRY(chain_verify_vek(x->came.certs.c[0], &context, &chain, p));
    *x->out = (struct object_facts){chain.not_before, chain.not_after};
    return OK;
}

/* --- all kinds --- */

static enum err (*const kinds[OBJECT_KINDS])(struct inspection *x, struct problem *p) = {
    [OBJECT_TDX_TCB_INFO] = inspect_tcb_info,
    [OBJECT_TDX_QE_IDENTITY] = inspect_identity,
    [OBJECT_PCK_CRL] = inspect_list,
    [OBJECT_SGX_ROOT_CRL] = inspect_list,
    [OBJECT_SNP_CHAIN] = inspect_chain,
    [OBJECT_SNP_CRL] = inspect_list,
    [OBJECT_VCEK] = inspect_vcek,
};

enum err object_inspect(const struct object_inspection *in, struct object_facts *out,
                        struct problem *p)
{
    struct inspection x = {.in = in, .out = out};
    GD_BUG_ON(in->object->kind == OBJECT_NONE || in->object->kind >= OBJECT_KINDS);
    enum err e = collateral_add(&x.came, in->body, p);
    if (e == OK && in->chain.n)
        e = collateral_add(&x.came, in->chain, p);
    if (e == E_NOT_FOUND)
        e = problem(p, E_FORMAT, "the answer is no object of a vendor");
    *out = (struct object_facts){0};
    if (e == OK)
        e = kinds[in->object->kind](&x, p);
    collateral_free(&x.came);
    return e;
}
