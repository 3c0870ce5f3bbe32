/*
 * ISSUE: q guardians judged a workload's evidence; it becomes, or stays, an
 * instance of its namespace (design.md section 8). The certificate follows from
 * this entry alone; the guardian that was asked signs it with its issuing CA.
 */
#include "core/policy/policy.h"
#include "core/state/state_int.h"

static enum err check_namespace(struct apply *a, const struct workload_subject *w)
{
    struct key k = key_name('n', w->ns);
    struct rec_namespace ns;
    if (strcmp(w->ns, NS_GUARDIAN) == 0 || namespace_get(a->s->store, &k, &ns) != OK)
        return problem(a->p, E_NOT_FOUND, "there is no namespace %s", w->ns);
    if (ns.suspended)
        return problem(a->p, E_NOT_ALLOWED, "namespace %s is suspended", w->ns);
    return OK;
}

static enum err check_policy(struct apply *a, const struct workload_subject *w,
                             const struct verdict *v, size_t n)
{
    struct rec_measurement m;
    struct hash32 which;
    TRY(state_measurement(a->s, w->ns, w->measurement_hash, w->measurement_hash, &m, &which));
    struct policy_record record;
    TRY(policy_decode(m.policy, &record));
    for (size_t i = 0; i < n; i++)
        if (!policy_allows_tcb(&record, v[i].tcb_status))
            return problem(a->p, E_TCB_STATUS, "guardian %u sees the TCB status %s", v[i].signer,
                           tcb_status_name(v[i].tcb_status));
    return OK;
}

/* Single use, within its time. */
static enum err use_challenge(struct apply *a, const struct workload_subject *w)
{
    struct key k = key_hash('h', w->challenge);
    if (w->challenge_until < apply_unix(a))
        return problem(a->p, E_NONCE, "the challenge has expired");
    if (store_get(a->s->store, key_bytes(&k)).p)
        return problem(a->p, E_NONCE, "the challenge was used before");
    struct rec_used used = {.until = w->challenge_until};
    return used_put(a->s->store, &k, &used);
}

/* The newcomer is refused, the incumbent unharmed (api.md). */
static enum err check_incumbent(struct apply *a, const struct rec_instance *i,
                                const struct workload_subject *w)
{
    if (i->platform != w->platform || !hash32_eq(i->measurement_hash, w->measurement_hash) ||
        (w->platform == PLATFORM_SNP &&
         !bytes_eq(bytes(i->chip.b, i->chip.n), bytes(w->chip.b, w->chip.n))))
        return problem(a->p, E_ID_CONFLICT, "another instance has this id");
    if (i->suspended)
        return problem(a->p, E_NOT_ALLOWED, "the instance is suspended");
    return OK;
}

/* Body: subject, verdicts. */
enum err apply_issue(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    struct workload_subject w;
    struct verdict v[BFT_MAX_MEMBERS];
    workload_subject_read(&r, &w);
    size_t n = verdicts_read(&r, v);
    TRY(reader_end(&r, E_MALFORMED));
    TRY(check_namespace(a, &w));
    TRY(check_policy(a, &w, v, n));
    TRY(verdicts_check(v, n, &a->s->cfg, a->s->deps.sig, workload_subject_hash(&w), apply_unix(a)));
    TRY(use_challenge(a, &w));
    struct key k = key_name_hash('i', w.ns, w.instance_id);
    struct rec_instance i;
    if (instance_get(a->s->store, &k, &i) == OK)
        TRY(check_incumbent(a, &i, &w));
    i = (struct rec_instance){.id = w.instance_id,
                              .platform = w.platform,
                              .measurement_hash = w.measurement_hash,
                              .chip = w.chip,
                              .identity = w.identity,
                              .wrap = w.wrap,
                              .serial = a->id,
                              .issued = apply_unix(a)};
    i.not_after = i.issued + LEAF_LIFETIME_S;
    for (size_t j = 0; j < n; j++)
        if (v[j].not_after < i.not_after)
            i.not_after = v[j].not_after;
    return instance_put(a->s->store, &k, &i);
}
