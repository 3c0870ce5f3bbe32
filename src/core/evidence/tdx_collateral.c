#include "core/evidence/tdx_collateral.h"

#include "base/codec/hex.h"
#include "core/evidence/revocation.h"

/* Intel renews it every few years; each costs one check of a signature. */
#define SIGNERS_MAX 8

enum { PCK, PCK_CA, ROOT }; /* of the chain */

/* A certificate that signs documents now. */
struct signer {
    const struct cert *cert;
    struct ecdsa_key *key;
    int64_t from, until;
};

struct search {
    const struct tdx_basis_question *q;
    struct cert *chain[PCK_CERTS];
    struct revocation_lists lists;
    struct signer signers[SIGNERS_MAX];
    size_t n_signers;
    struct tdx_basis found;
};

static void narrow(struct search *s, int64_t from, int64_t until)
{
    if (from > s->found.from)
        s->found.from = from;
    if (until < s->found.until)
        s->found.until = until;
}

/* --- revocation --- */

static enum err check_revoked(struct search *s, const struct cert *issuer, struct cert *c,
                              struct revocation *out, struct problem *p)
{
    return revocation_check(&s->lists, issuer, &c, 1, s->q->unix_time, out, p);
}

static enum err check_chain(struct search *s, struct problem *p)
{
    struct revocation r;
    TRY(check_revoked(s, s->chain[ROOT], s->chain[PCK_CA], &r, p));
    narrow(s, r.from, r.until);
    TRY(check_revoked(s, s->chain[PCK_CA], s->chain[PCK], &r, p));
    narrow(s, r.from, r.until);
    return OK;
}

/* --- who signs documents --- */

static enum err check_issued(const struct search *s, const struct cert *c, struct problem *p)
{
    const struct cert *root = s->chain[ROOT];
    struct hash32 issued = fact_of("certificate", sha256(cert_der(root)), sha256(cert_der(c)));
    if (facts_know(s->q->facts, &issued))
        return OK;
    TRY(cert_check_issued(c, root, 0, p));
    facts_learn(s->q->facts, &issued);
    return OK;
}

static enum err check_signer(struct search *s, struct cert *c, struct signer *out,
                             struct problem *p)
{
    struct revocation r;
    struct ecdsa_point point;
    if (cert_is_ca(c) || cert_sig(c) != CERT_SIG_ECDSA_SHA256 ||
        cert_ec_point(c, CURVE_P256, &point) != OK)
        return problem(p, E_CHAIN, "\"%s\" is no certificate that signs documents",
                       cert_subject(c));
    TRY(check_issued(s, c, p));
    if (cert_check_dates(c, s->q->unix_time, p) != OK) {
        if (p)
            p->err = E_COLL_EXPIRED;
        return E_COLL_EXPIRED;
    }
    TRY(check_revoked(s, s->chain[ROOT], c, &r, p));
    *out = (struct signer){c, NULL, cert_not_before(c), cert_not_after(c)};
    if (r.from > out->from)
        out->from = r.from;
    if (r.until < out->until)
        out->until = r.until;
    return ecdsa_key_new(CURVE_P256, point.xy, &out->key) == OK
               ? OK
               : problem(p, E_CHAIN, "the key of \"%s\" is no point of P-256", cert_subject(c));
}

/* All that may sign; if there is none, the problem of the last one. */
static enum err find_signers(struct search *s, struct problem *p)
{
    const struct cert_pool *certs = &s->q->collateral->certs;
    enum err e = problem(p, E_COLL_MISSING, "the certificate \"%s\" is missing", CN_TCB_SIGNING);
    for (size_t i = 0; i < certs->n && s->n_signers < SIGNERS_MAX; i++) {
        if (strcmp(cert_subject(certs->c[i]), CN_TCB_SIGNING) != 0)
            continue;
        enum err found = check_signer(s, certs->c[i], &s->signers[s->n_signers], p);
        if (found == OK)
            s->n_signers++;
        else
            e = found;
    }
    return s->n_signers ? OK : e;
}

/* --- documents --- */

static bool has_signed(const struct search *s, const struct signer *by,
                       const struct tcb_document *d)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, BYTES_OF(d->digest.b));
    sha256_add(&h, BYTES_OF(d->signature));
    struct hash32 signed_by = fact_of("document", cert_spki_hash(by->cert), sha256_final(&h));
    if (facts_know(s->q->facts, &signed_by))
        return true;
    if (ecdsa_key_verify(by->key, BYTES_OF(d->digest.b), d->signature) != OK)
        return false;
    facts_learn(s->q->facts, &signed_by);
    return true;
}

static const struct signer *signer_of(const struct search *s, const struct tcb_document *d)
{
    for (size_t i = 0; i < s->n_signers; i++)
        if (has_signed(s, &s->signers[i], d))
            return &s->signers[i];
    return NULL;
}

/* A document for this platform, by its place in the collateral. */
struct candidates {
    const char *what;
    const struct tcb_document *document[COLLATERAL_TCB_INFOS_MAX]; /* NULL: of another platform */
    size_t n;
};
_Static_assert(COLLATERAL_QE_IDENTITIES_MAX <= COLLATERAL_TCB_INFOS_MAX);

static enum err check_document(const struct search *s, const char *what,
                               const struct tcb_document *d, const struct signer **signer,
                               struct problem *p)
{
    *signer = signer_of(s, d);
    if (!*signer)
        return problem(p, E_SIGNATURE, "%s is not signed by the certificate \"%s\"", what,
                       CN_TCB_SIGNING);
    return tcb_document_check_dates(d, what, s->q->unix_time, p);
}

static bool is_newer(const struct tcb_document *a, const struct tcb_document *b)
{
    return a->issue_date != b->issue_date ? a->issue_date > b->issue_date
                                          : a->evaluation > b->evaluation;
}

/* The newest that is signed and current; else the problem of one that is signed, if there is one.
 */
static enum err find_document(struct search *s, const struct candidates *c, size_t *out,
                              struct problem *p)
{
    struct problem why = {.err = E_COLL_MISSING};
    const struct tcb_document *best = NULL;
    const struct signer *by = NULL;
    for (size_t i = 0; i < c->n; i++) {
        const struct tcb_document *d = c->document[i];
        const struct signer *signer;
        struct problem wrong = {0};
        if (!d)
            continue;
        if (check_document(s, c->what, d, &signer, &wrong) != OK) {
            if (why.err != E_COLL_EXPIRED)
                why = wrong;
        } else if (!best || is_newer(d, best)) {
            best = d;
            by = signer;
            *out = i;
        }
    }
    if (!best)
        return problem(p, why.err, "%s", why.detail);
    narrow(s, best->issue_date, best->next_update);
    narrow(s, by->from, by->until);
    return OK;
}

static enum err find_tcb_info(struct search *s, struct problem *p)
{
    const struct collateral *c = s->q->collateral;
    const struct pck *pck = s->q->pck;
    struct candidates all = {.what = "the TCB info", .n = c->n_tcb_infos};
    bool any = false;
    for (size_t i = 0; i < all.n; i++) {
        const struct tcb_info *t = c->tcb_infos[i];
        if (memcmp(t->fmspc, pck->fmspc, 6) == 0 && memcmp(t->pce_id, pck->pce_id, 2) == 0)
            all.document[i] = &t->document;
        any |= all.document[i] != NULL;
    }
    if (any)
        return find_document(s, &all, &s->found.tcb_info, p);
    char fmspc[13], pce[5];
    hex_encode(BYTES_OF(pck->fmspc), fmspc);
    hex_encode(BYTES_OF(pck->pce_id), pce);
    return problem(p, E_COLL_MISSING, "the TCB info of FMSPC %s and PCE %s is missing", fmspc, pce);
}

static enum err find_identity(struct search *s, struct problem *p)
{
    const struct collateral *c = s->q->collateral;
    struct candidates all = {.what = "the QE identity", .n = c->n_qe_identities};
    if (all.n == 0)
        return problem(p, E_COLL_MISSING, "the identity of the TD quoting enclave is missing");
    for (size_t i = 0; i < all.n; i++)
        all.document[i] = &c->qe_identities[i]->document;
    return find_document(s, &all, &s->found.identity, p);
}

/* --- all of it --- */

enum err tdx_basis_find(const struct tdx_basis_question *q, struct tdx_basis *out,
                        struct problem *p)
{
    struct search s = {.q = q,
                       .lists = {.lists = q->collateral->crls,
                                 .n = q->collateral->n_crls,
                                 .id = q->collateral->id,
                                 .demanded = q->crl_demanded,
                                 .facts = q->facts},
                       .found = {.collateral = q->collateral->id,
                                 .crl_demanded = q->crl_demanded,
                                 .from = INT64_MIN,
                                 .until = INT64_MAX}};
    enum err e;
    TRY_OUT(chain_parse_pck(q->pck_chain, s.chain, p));
    TRY_OUT(check_chain(&s, p));
    TRY_OUT(find_signers(&s, p));
    TRY_OUT(find_tcb_info(&s, p));
    TRY_OUT(find_identity(&s, p));
    *out = s.found;
out:
    for (size_t i = 0; i < s.n_signers; i++)
        ecdsa_key_free(s.signers[i].key);
    for (size_t i = 0; i < PCK_CERTS; i++)
        cert_free(s.chain[i]);
    return e;
}

bool tdx_basis_holds(const struct tdx_basis *b, const struct tdx_basis_question *q)
{
    return b->until != 0 && hash32_eq(b->collateral, q->collateral->id) &&
           b->crl_demanded == q->crl_demanded && q->unix_time >= b->from &&
           q->unix_time <= b->until;
}
