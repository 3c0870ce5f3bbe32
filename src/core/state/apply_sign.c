/*
 * What FROST signs (threshold-protocol.md 3.4): the root's and the namespaces'
 * CA certificates, issuing CAs, membership certificates, empty CRLs.
 *
 * An operation waits for COMMITs; the first t in log order are its signing set,
 * so no leader chooses it. Then each of the set posts its SHARE; the one that
 * completes them makes the signature, on every guardian alike. A false share is
 * blame and starts the next attempt without its author; a silent signer is left
 * out by RETRY, which also lets all of them in again when too few of the others
 * commit. Everybody rebuilds the signed bytes: nobody sends them.
 */
#include "base/crypto/p256.h"
#include "core/ca/ca.h"
#include "core/state/state_int.h"

static struct key op_key(uint64_t number)
{
    return key_number('g', number);
}

enum err signop_add(struct apply *a, struct rec_signop *op)
{
    struct rec_cluster c = state_cluster(a->s);
    op->number = c.next_op++;
    op->attempt = 1;
    op->since_ms = a->at.time_ms;
    TRY(state_put_cluster(a->s, &c));
    struct key k = op_key(op->number);
    return signop_put(a->s->store, &k, op);
}

static enum err next_attempt(struct apply *a, struct rec_signop *op)
{
    op->attempt++;
    op->since_ms = a->at.time_ms;
    op->set.n = 0;
    op->n_shares = 0;
    struct key k = op_key(op->number);
    return signop_put(a->s->store, &k, op);
}

enum err signops_restart(struct apply *a)
{
    const struct state *s = a->s;
    struct key prefix = key_plain('g'), at = prefix;
    struct bytes key, value;
    while (store_next(s->store, key_bytes(&prefix), key_bytes(&at), &key, &value)) {
        struct rec_signop op;
        TRY(signop_read(value, &op));
        at = op_key(op.number);
        op.n_excluded = 0;
        TRY(next_attempt(a, &op));
    }
    return OK;
}

/* --- what is signed, and under which key --- */

static struct ca_common common_of(const struct state *s, const struct rec_signop *op)
{
    return (struct ca_common){.trust_domain = s->genesis->trust_domain,
                              .simulation = s->genesis->simulation,
                              .entry = op->cause,
                              .not_before = (uint64_t)op->not_before,
                              .not_after = (uint64_t)op->not_after};
}

/* A derived key costs three multiplications, and every look at an operation needs two of them: the
 * last few are remembered by all that they follow from. */
static enum err plain_key(struct state *s, const char *ns, const char *purpose,
                          struct frost_key *key)
{
    struct rec_cluster c = state_cluster(s);
    uint32_t t = state_epoch(s).t;
    struct thash h;
    thash_init(&h, "guardian/v1/signing-key");
    thash_add(&h, BYTES_OF(c.a.b));
    thash_u32(&h, c.generation);
    thash_u32(&h, t);
    thash_add(&h, bytes_str(purpose ? purpose : ""));
    thash_add(&h, bytes_str(purpose ? ns : ""));
    struct hash32 name = thash_final32(&h);
    const struct remembered_key *known = REMEMBERED(s->signing_keys, name);
    if (known) {
        *key = known->key;
        return OK;
    }
    struct scalar tau;
    if (purpose)
        frost_tweak(&c.a, c.generation, ns, purpose, &tau);
    TRY(frost_key_init(&c.a, t, purpose ? &tau : NULL, key));
    s->signing_keys[s->next_signing_key++ % SIGNING_KEYS] = (struct remembered_key){name, *key};
    return OK;
}

enum err state_signop_key(struct state *s, const struct rec_signop *op, struct frost_key *key)
{
    static const char *const purposes[] = {
        [SIGN_ROOT] = NULL,          [SIGN_NS_CA] = NULL,        [SIGN_CRL_ROOT] = NULL,
        [SIGN_ISSUING] = PURPOSE_CA, [SIGN_CRL_NS] = PURPOSE_CA, [SIGN_CFG] = PURPOSE_CFG,
    };
    return plain_key(s, op->ns, purposes[op->kind], key);
}

static enum err namespace_tbs(const struct state *s, const struct rec_signop *op,
                              const struct sig_public *root, const struct sig_public *ns_key,
                              struct buf *out)
{
    struct key k = key_name('n', op->ns);
    struct rec_namespace ns;
    TRY(namespace_get(s->store, &k, &ns));
    struct ca_namespace ca = {.common = common_of(s, op),
                              .ns = op->ns,
                              .key = *ns_key,
                              .root = *root,
                              .threshold = ns.mode == NS_THRESHOLD};
    struct reader r = reader(ns.names);
    ca_names_read(&r, &ca.names);
    TRY(reader_end(&r, E_INTERNAL));
    return ca_namespace_tbs(&ca, out);
}

static enum err crl_tbs(const struct state *s, const struct rec_signop *op,
                        const struct sig_public *key, struct buf *out)
{
    struct ca_crl crl = {.issuer =
                             op->kind == SIGN_CRL_ROOT ? CA_PROFILE_ROOT : CA_PROFILE_NAMESPACE,
                         .trust_domain = s->genesis->trust_domain,
                         .simulation = s->genesis->simulation,
                         .ns = op->ns,
                         .key = *key,
                         .number = op->number,
                         .this_update = (uint64_t)op->not_before,
                         .next_update = (uint64_t)op->not_after};
    return ca_crl_tbs(&crl, out);
}

static enum err issuing_tbs(const struct state *s, const struct rec_signop *op,
                            const struct sig_public *ns_key, struct buf *out)
{
    struct ca_issuing ca = {
        .common = common_of(s, op), .ns = op->ns, .gid = op->gid, .ns_key = *ns_key};
    TRY(p256_spki_read(bytes(op->spki.b, op->spki.n), &ca.key));
    return ca_issuing_tbs(&ca, out);
}

enum err state_signop_message(struct state *s, const struct rec_signop *op, struct buf *out)
{
    struct frost_key root_key, ns_key;
    TRY(plain_key(s, "", NULL, &root_key));
    TRY(plain_key(s, op->ns, PURPOSE_CA, &ns_key));
    struct sig_public root = frost_key_public(&root_key), ns = frost_key_public(&ns_key);
    struct ca_root ca = {.common = common_of(s, op), .key = root};
    switch (op->kind) {
    case SIGN_ROOT:
        return ca_root_tbs(&ca, out);
    case SIGN_NS_CA:
        return namespace_tbs(s, op, &root, &ns, out);
    case SIGN_ISSUING:
        return issuing_tbs(s, op, &ns, out);
    case SIGN_CRL_ROOT:
        return crl_tbs(s, op, &root, out);
    case SIGN_CRL_NS:
        return crl_tbs(s, op, &ns, out);
    case SIGN_CFG: {
        struct hash64 h = membership_hash(s->cluster_id, op->cause, (uint64_t)op->not_before);
        return buf_add(out, h.b, sizeof h.b);
    }
    }
    return E_INTERNAL;
}

struct hash64 membership_hash(struct hash32 cluster_id, struct hash32 cfg_hash,
                              uint64_t first_height)
{
    struct thash h;
    thash_init(&h, "guardian/v1/membership");
    thash_add(&h, BYTES_OF(cluster_id.b));
    thash_add(&h, BYTES_OF(cfg_hash.b));
    thash_u64(&h, first_height);
    return thash_final(&h);
}

/* --- keeping what was signed --- */

/* By cfg, so that receipts of older blocks can be made. */
static enum err keep_membership(struct state *s, const struct rec_signop *op,
                                const struct signature *sig)
{
    struct key k = key_hash('m', op->cause);
    struct rec_membership m = {
        .cfg_hash = op->cause, .first_height = (uint64_t)op->not_before, .signature = *sig};
    return membership_put(s->store, &k, &m);
}

static enum err keep_namespace(struct state *s, const struct rec_signop *op, struct bytes der)
{
    struct key k = key_name('n', op->ns);
    struct rec_namespace ns;
    TRY(namespace_get(s->store, &k, &ns));
    if (op->kind == SIGN_NS_CA)
        ns.ca_der = der;
    else
        ns.crl_der = der;
    return namespace_put(s->store, &k, &ns);
}

static enum err keep_issuing(struct state *s, const struct rec_signop *op, struct bytes der)
{
    struct key k = key_name_gid('j', op->ns, op->gid);
    struct rec_issuing i = {.spki = op->spki, .not_after = op->not_after, .der = der};
    return issuing_put(s->store, &k, &i);
}

static enum err keep(struct state *s, const struct rec_signop *op, struct bytes tbs,
                     const struct signature *sig)
{
    if (op->kind == SIGN_CFG)
        return keep_membership(s, op, sig);
    struct buf der = BUF_INIT(STORE_VALUE_MAX);
    enum err e = ca_assemble(tbs, CA_ED25519, bytes(sig->b, sizeof sig->b), &der);
    struct key root = key_plain('r'), crl = key_plain('l');
    if (e != OK)
        goto out;
    switch (op->kind) {
    case SIGN_ROOT:
        e = store_put(s->store, key_bytes(&root), buf_bytes(&der));
        break;
    case SIGN_CRL_ROOT:
        e = store_put(s->store, key_bytes(&crl), buf_bytes(&der));
        break;
    case SIGN_ISSUING:
        e = keep_issuing(s, op, buf_bytes(&der));
        break;
    default:
        e = keep_namespace(s, op, buf_bytes(&der));
    }
out:
    buf_free(&der);
    return e;
}

/* --- COMMIT, SHARE, RETRY --- */

/* Every body begins with the operation's number and the attempt it is for. */
static enum err read_op(struct apply *a, struct reader *r, struct rec_signop *op)
{
    uint64_t number = rd_u64(r);
    uint32_t attempt = rd_u32(r);
    struct key k = op_key(number);
    if (r->bad)
        return E_MALFORMED;
    if (signop_get(a->s->store, &k, op) != OK || op->attempt != attempt)
        return problem(a->p, E_NOT_ALLOWED, "signing operation %llu has no attempt %u",
                       (unsigned long long)number, attempt);
    return OK;
}

static bool is_excluded(const struct rec_signop *op, uint32_t gid)
{
    for (uint32_t i = 0; i < op->n_excluded; i++)
        if (op->excluded[i] == gid)
            return true;
    return false;
}

/* Leaves a signer out, unless then too few could sign: then all get another chance. */
static void exclude(const struct state *s, struct rec_signop *op, uint32_t gid)
{
    struct rec_epoch e = state_epoch(s);
    if (e.n_holders - op->n_excluded <= e.t)
        op->n_excluded = 0;
    if (e.n_holders > e.t && !is_excluded(op, gid))
        op->excluded[op->n_excluded++] = gid;
}

/* Whether a commitment is well formed depends on nothing else: checked once for an entry. */
static enum err check_commitment(struct apply *a, const struct frost_commitment *c)
{
    struct hash32 proof = proof_name(a->id, (struct hash32){{0}});
    if (proof_known(a->s, proof))
        return OK;
    TRY(a->s->deps.frost->check_commitment(c));
    proof_remember(a->s, proof);
    return OK;
}

/* Body: number, attempt, commitment. */
enum err apply_commit(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    struct rec_signop op;
    struct frost_commitment c;
    TRY(read_op(a, &r, &op));
    frost_commitment_read_unchecked(&r, &c);
    TRY(reader_end(&r, E_MALFORMED));
    TRY(check_commitment(a, &c));
    uint32_t t = state_epoch(a->s).t;
    if (c.gid != a->entry.author || !state_is_holder(a->s, c.gid) || op.set.n >= t ||
        is_excluded(&op, c.gid))
        return problem(a->p, E_NOT_ALLOWED, "guardian %u is not needed for this signature",
                       a->entry.author);
    uint32_t at = op.set.n++;
    for (; at > 0 && op.set.c[at - 1].gid >= c.gid; at--) {
        if (op.set.c[at - 1].gid == c.gid)
            return E_NOT_ALLOWED; /* the first one counts */
        op.set.c[at] = op.set.c[at - 1];
    }
    op.set.c[at] = c;
    if (op.set.n == t)
        op.since_ms = a->at.time_ms;
    struct key k = op_key(op.number);
    return signop_put(a->s->store, &k, &op);
}

/* The name under which this share is remembered: all that it was checked against is in it, as the
 * same entry may stand in an undecided block beside another set. */
static struct hash32 share_name(const struct apply *a, const struct rec_signop *op,
                                const struct frost_key *key, struct bytes message)
{
    struct key epoch = key_plain('e');
    struct thash h;
    thash_init(&h, "guardian/v1/share-context");
    thash_add(&h, BYTES_OF(key->public.b));
    thash_add(&h, message);
    thash_add(&h, store_get(a->s->store, key_bytes(&epoch)));
    for (uint32_t i = 0; i < op->set.n; i++) {
        thash_u32(&h, op->set.c[i].gid);
        thash_add(&h, BYTES_OF(op->set.c[i].hiding.b));
        thash_add(&h, BYTES_OF(op->set.c[i].binding.b));
    }
    return proof_name(a->id, thash_final32(&h));
}

static enum err aggregate(struct apply *a, const struct rec_signop *op, const struct frost_key *key,
                          struct bytes message, struct signature *out)
{
    struct state *s = a->s;
    struct frost_share in_order[THRESHOLD_MAX];
    struct hash32 name = share_name(a, op, key, message);
    const struct remembered_signature *known = REMEMBERED(s->signatures, name);
    if (known) {
        *out = known->signature;
        return OK;
    }
    for (uint32_t i = 0; i < op->set.n; i++)
        for (uint32_t j = 0; j < op->n_shares; j++)
            if (op->shares[j].gid == op->set.c[i].gid)
                in_order[i] = op->shares[j];
    TRY(s->deps.frost->aggregate(key, &op->set, message, in_order, op->set.n, out));
    s->signatures[s->next_signature++ % THRESHOLD_MAX] = (struct remembered_signature){name, *out};
    return OK;
}

static enum err finish(struct apply *a, const struct rec_signop *op, const struct frost_key *key,
                       struct bytes message)
{
    struct signature sig;
    TRY(aggregate(a, op, key, message, &sig));
    struct key k = op_key(op->number);
    TRY(store_del(a->s->store, key_bytes(&k)));
    return keep(a->s, op, message, &sig);
}

static enum err check_share(struct apply *a, const struct rec_signop *op,
                            const struct frost_key *key, struct bytes message,
                            const struct frost_share *share)
{
    struct point member;
    struct hash32 proof = share_name(a, op, key, message);
    if (proof_known(a->s, proof))
        return OK;
    if (proof_known(a->s, proof_false(proof)))
        return E_VALUE;
    TRY(state_share_public(a->s, GROUP_E, share->gid, &member));
    enum err result = a->s->deps.frost->check_share(key, &member, &op->set, message, share);
    proof_remember(a->s, result == OK ? proof : proof_false(proof));
    return result;
}

/* Body: number, attempt, share. */
enum err apply_share(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    struct rec_signop op;
    struct frost_share share;
    TRY(read_op(a, &r, &op));
    frost_share_read(&r, &share);
    TRY(reader_end(&r, E_MALFORMED));
    bool in_set = false, seen = false;
    for (uint32_t i = 0; i < op.set.n; i++)
        in_set |= op.set.c[i].gid == share.gid;
    for (uint32_t i = 0; i < op.n_shares; i++)
        seen |= op.shares[i].gid == share.gid;
    if (share.gid != a->entry.author || op.set.n < state_epoch(a->s).t || !in_set || seen)
        return problem(a->p, E_NOT_ALLOWED, "guardian %u owes no share", a->entry.author);
    struct frost_key key;
    struct buf message = BUF_INIT(STORE_VALUE_MAX);
    enum err e = state_signop_key(a->s, &op, &key);
    if (e == OK)
        e = state_signop_message(a->s, &op, &message);
    if (e != OK)
        goto out;
    if (check_share(a, &op, &key, buf_bytes(&message), &share) != OK) {
        exclude(a->s, &op, share.gid);
        e = next_attempt(a, &op);
        if (e == OK)
            e = blame(a, BLAME_SHARE);
        goto out;
    }
    op.shares[op.n_shares++] = share;
    if (op.n_shares == op.set.n) {
        e = finish(a, &op, &key, buf_bytes(&message));
    } else {
        struct key k = op_key(op.number);
        e = signop_put(a->s->store, &k, &op);
    }
out:
    buf_free(&message);
    return e;
}

bool state_signop_is_late(const struct state *s, const struct rec_signop *op, uint64_t time_ms)
{
    bool is_stuck = op->set.n == state_epoch(s).t || op->n_excluded > 0;
    return is_stuck && time_ms >= op->since_ms + SIGN_WAIT_MS;
}

static void exclude_silent(const struct state *s, struct rec_signop *op)
{
    for (uint32_t i = 0; i < op->set.n; i++) {
        bool answered = false;
        for (uint32_t j = 0; j < op->n_shares; j++)
            answered |= op->shares[j].gid == op->set.c[i].gid;
        if (!answered)
            exclude(s, op, op->set.c[i].gid);
    }
}

/* Body: number, attempt. */
enum err apply_retry(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    struct rec_signop op;
    TRY(read_op(a, &r, &op));
    TRY(reader_end(&r, E_MALFORMED));
    if (!state_signop_is_late(a->s, &op, a->at.time_ms))
        return problem(a->p, E_NOT_READY, "the signers still have time");
    if (op.set.n < state_epoch(a->s).t)
        op.n_excluded = 0;
    else
        exclude_silent(a->s, &op);
    return next_attempt(a, &op);
}

/* --- namespaces and issuing CAs --- */

static enum err add_crl(struct apply *a, enum signop_kind kind, const char *ns)
{
    struct rec_signop op = {.kind = kind, .cause = a->id};
    snprintf(op.ns, sizeof op.ns, "%s", ns);
    op.not_before = apply_unix(a) - BACKDATE_S;
    op.not_after = apply_unix(a) + CRL_LIFETIME_S;
    return signop_add(a, &op);
}

enum err namespace_create(struct apply *a, const char *name, enum ns_mode mode, struct bytes names)
{
    struct key k = key_name('n', name);
    if (store_get(a->s->store, key_bytes(&k)).p)
        return problem(a->p, E_VALUE, "namespace %s exists", name);
    struct rec_namespace ns = {.mode = mode, .version = 1, .cause = a->id, .names = names};
    snprintf(ns.name, sizeof ns.name, "%s", name);
    ns.created = apply_unix(a);
    TRY(namespace_put(a->s->store, &k, &ns));
    struct rec_signop op = {.kind = SIGN_NS_CA, .cause = a->id};
    snprintf(op.ns, sizeof op.ns, "%s", name);
    op.not_before = ns.created - BACKDATE_S;
    op.not_after = ns.created + NS_CA_LIFETIME_S;
    TRY(signop_add(a, &op));
    return add_crl(a, SIGN_CRL_NS, name);
}

enum err root_is_born(struct apply *a)
{
    struct rec_signop op = {.kind = SIGN_ROOT, .cause = state_cluster(a->s).root_id};
    op.not_before = apply_unix(a) - BACKDATE_S;
    op.not_after = apply_unix(a) + ROOT_LIFETIME_S;
    TRY(signop_add(a, &op));
    TRY(add_crl(a, SIGN_CRL_ROOT, ""));
    struct ca_names any = {.any = true}; /* seats have names of many owners */
    struct buf names = BUF_INIT(STORE_VALUE_MAX);
    struct writer w = writer(&names);
    ca_names_write(&w, &any);
    enum err e = writer_end(&w);
    if (e == OK)
        e = namespace_create(a, NS_GUARDIAN, NS_SEALED, buf_bytes(&names));
    buf_free(&names);
    return e;
}

/* Body: namespace, SPKI of the key, which the asking guardian alone has. */
enum err apply_issuing(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    struct rec_signop op = {.kind = SIGN_ISSUING, .gid = a->entry.author, .cause = a->id};
    rd_text(&r, op.ns, sizeof op.ns);
    struct bytes spki = rd_var(&r, sizeof op.spki.b);
    TRY(reader_end(&r, E_MALFORMED));
    struct rec_namespace ns;
    struct p256_public public;
    struct key k = key_name('n', op.ns);
    if (namespace_get(a->s->store, &k, &ns) != OK || ns.suspended || ns.mode != NS_SEALED ||
        p256_spki_read(spki, &public) != OK)
        return problem(a->p, E_VALUE, "no issuing CA can be made for %s", op.ns);
    struct rec_issuing now;
    struct key j = key_name_gid('j', op.ns, op.gid);
    if (issuing_get(a->s->store, &j, &now) == OK && bytes_eq(bytes(now.spki.b, now.spki.n), spki) &&
        now.not_after - apply_unix(a) > ISSUING_LIFETIME_S / 2)
        return problem(a->p, E_NOT_ALLOWED, "this issuing CA is still young");
    memcpy(op.spki.b, spki.p, spki.n);
    op.spki.n = spki.n;
    op.not_before = apply_unix(a) - BACKDATE_S;
    op.not_after = apply_unix(a) + ISSUING_LIFETIME_S;
    return signop_add(a, &op);
}
