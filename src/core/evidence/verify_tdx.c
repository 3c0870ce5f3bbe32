#include "core/evidence/verify.h"

#include "core/evidence/tdx_tcb.h"

/* --- the PCK key vouches for the QE, the QE for the attestation key --- */

/* What the PCK key vouches for, in one piece, to be compared with what it vouched for before. */
static size_t join_qe(const struct tdx_quote *q, uint8_t out[VERIFIED_QE_MAX])
{
    const struct bytes parts[] = {q->qe_report, q->qe_signature, q->attestation_key, q->qe_auth};
    size_t n = 0;
    for (size_t i = 0; i < 4; i++) {
        if (parts[i].n > VERIFIED_QE_MAX - n)
            return 0; /* too long to keep */
        if (parts[i].n)
            memcpy(out + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return n;
}

static enum err check_qe(const struct tdx_quote *q, const struct ecdsa_key *pck, struct problem *p)
{
    struct hash32 digest = sha256(q->qe_report);
    TRY(tdx_quote_check_binding(q, p));
    if (ecdsa_key_verify(pck, BYTES_OF(digest.b), q->qe_signature.p) != OK)
        return problem(p, E_SIGNATURE, "the QE report is not signed by the PCK key");
    return OK;
}

/* Leaves the attestation key ready in *chain. */
static enum err trust_attestation_key(const struct tdx_quote *q, struct verified *chain,
                                      struct problem *p)
{
    uint8_t qe[VERIFIED_QE_MAX];
    size_t n = join_qe(q, qe);
    if (n && n == chain->qe_size && memcmp(qe, chain->qe, n) == 0)
        return OK;
    struct ecdsa_key *key;
    TRY(check_qe(q, chain->key, p));
    if (ecdsa_key_new(CURVE_P256, q->attestation_key.p, &key) != OK)
        return problem(p, E_SIGNATURE, "the attestation key is no point of P-256");
    ecdsa_key_free(chain->attestation_key);
    chain->attestation_key = key;
    memcpy(chain->qe, qe, n);
    chain->qe_size = n;
    return OK;
}

static enum err check_quote(const struct tdx_quote *q, struct verified *chain, struct problem *p)
{
    TRY(trust_attestation_key(q, chain, p));
    struct hash32 digest = sha256(q->signed_part);
    if (ecdsa_key_verify(chain->attestation_key, BYTES_OF(digest.b), q->signature.p) != OK)
        return problem(p, E_SIGNATURE, "the quote is not signed by its attestation key");
    return OK;
}

/* --- the chain --- */

static enum err verify_chain(const struct verify_context *v, struct verified *out,
                             struct problem *p)
{
    TRY(chain_verify_pck(v->evidence->tdx.chain, v->trust, v->unix_time, &out->chain, p));
    if (ecdsa_key_new(CURVE_P256, out->chain.key.xy, &out->key) != OK)
        return problem(p, E_CHAIN, "the PCK certificate's key is no point of P-256");
    return OK;
}

static void fill_claims(const struct evidence *e, const struct chain *c, struct claims *out)
{
    *out = e->claims;
    out->simulated = c->simulated;
    out->not_after = (uint64_t)c->not_after + 1;
    pck_fill_claims(&c->pck, &out->tdx);
}

/* --- the platform, by Intel's collateral --- */

/* The simulated vendor publishes nothing: documents that a test or an exercise gives count. */
static bool is_judged(const struct verify_context *v, const struct claims *c)
{
    const struct collateral *given = v->options->collateral;
    if (v->options->no_collateral)
        return false;
    return !c->simulated || (given && given->n_tcb_infos + given->n_qe_identities > 0);
}

static enum err judge_platform(const struct verify_context *v, struct verified *chain,
                               struct claims *out, struct problem *p)
{
    static const struct collateral none;
    const struct collateral *given = v->options->collateral ? v->options->collateral : &none;
    const struct tdx_quote *quote = &v->evidence->tdx;
    const struct tdx_basis_question q = {given,
                                         quote->chain,
                                         &chain->chain.pck,
                                         !v->options->no_crl,
                                         v->unix_time,
                                         evidence_cache_facts(v->options->cache)};
    const struct tdx_basis *basis = &chain->basis;
    if (!tdx_basis_holds(basis, &q))
        TRY(tdx_basis_find(&q, &chain->basis, p));
    if ((uint64_t)basis->until < out->not_after)
        out->not_after = (uint64_t)basis->until + 1;
    return tdx_tcb_judge(given->tcb_infos[basis->tcb_info], given->qe_identities[basis->identity],
                         quote->qe_report, out, p);
}

/* --- the event log --- */

static enum err take_events(struct bytes log, struct tdx_claims *out)
{
    struct eventlog l;
    struct event e;
    bool more = true;
    TRY(eventlog_open(log, EVENTLOG_CC, EVENTLOG_SHA384, &l, NULL));
    for (;;) {
        struct claims_event found = {0};
        TRY(eventlog_next(&l, &e, &more, NULL));
        if (!more)
            return OK;
        if (!e.measured)
            continue;
        found.rtmr = (uint8_t)e.reg;
        memcpy(found.digest, e.digest.p, sizeof found.digest);
        TRY(claims_add_event(out, &found));
    }
}

/* A log beside the quote is optional, a log of something else never honest. */
static enum err judge_event_log(const struct evidence *e, struct tdx_claims *out, struct problem *p)
{
    if (e->event_log.n == 0)
        return OK;
    TRY(eventlog_match_rtmrs(e->event_log, e->claims.tdx.rtmr, p));
    out->has_events = take_events(e->event_log, out) == OK;
    if (!out->has_events) {
        memset(out->events, 0, sizeof out->events);
        out->n_events = 0;
    }
    return OK;
}

enum err verify_tdx(const struct verify_context *v, struct claims *out, struct problem *p)
{
    struct verified local = {0};
    enum err e = OK;
    struct verified *chain = verify_cached(v, v->evidence->tdx.chain);
    if (!chain) {
        TRY_OUT(verify_chain(v, &local, p));
        chain = verify_keep(v, v->evidence->tdx.chain, &local);
    }
    TRY_OUT(check_quote(&v->evidence->tdx, chain, p));
    fill_claims(v->evidence, &chain->chain, out);
    TRY_OUT(judge_event_log(v->evidence, &out->tdx, p));
    if (is_judged(v, out))
        e = judge_platform(v, chain, out, p);
out:
    verified_clear(&local);
    return e;
}
