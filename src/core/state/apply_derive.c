/*
 * Namespace keys (threshold-protocol.md 3.3): a member posts a blinded request,
 * the holders post partial evaluations with proofs; the requester combines them
 * where nobody sees it. Blinding makes the partials worthless to all others, so
 * they stand in the log in the open, and a false one is evidence.
 */
#include "core/keys/keys.h"
#include "core/state/state_int.h"

struct key state_derive_key(uint32_t gid, const char *ns)
{
    struct key k = key_gid('q', gid);
    size_t n = strnlen(ns, NS_NAME_MAX - 1) + 1;
    memcpy(k.b + k.n, ns, n - 1);
    k.b[k.n + n - 1] = 0;
    k.n += n;
    return k;
}

enum err state_namespace_label(const struct state *s, const char *ns, uint32_t version,
                               struct buf *out)
{
    return keys_namespace_label(state_cluster(s).root_id, bytes_str(ns), version, out);
}

struct hash32 state_eval_context(uint64_t epoch, uint32_t gid, struct hash32 request_id)
{
    struct thash h;
    thash_init(&h, "guardian/v1/eval");
    thash_u64(&h, epoch);
    thash_u32(&h, gid);
    thash_add(&h, BYTES_OF(request_id.b));
    return thash_final32(&h);
}

struct hash32 state_derive_requester(const struct state *s, uint32_t gid)
{
    struct thash h;
    thash_init(&h, "guardian/v1/requester");
    thash_add(&h, BYTES_OF(s->cluster_id.b));
    thash_u32(&h, gid);
    return thash_final32(&h);
}

static enum err check_request(struct apply *a, const char *ns, uint32_t version,
                              const struct oprf_request *request)
{
    struct buf label = BUF_INIT(OPRF_LABEL_MAX);
    enum err e = state_namespace_label(a->s, ns, version, &label);
    if (e == OK && !bytes_eq(buf_bytes(&label), request->label))
        e = problem(a->p, E_NOT_ALLOWED, "the label is not that of %s", ns);
    buf_free(&label);
    if (e != OK)
        return e;
    if (!hash32_eq(request->requester, state_derive_requester(a->s, a->entry.author)))
        return problem(a->p, E_NOT_ALLOWED, "the request is another guardian's");
    struct hash32 proof = proof_name(a->id, request->nonce);
    if (proof_known(a->s, proof))
        return OK;
    TRY(oprf_request_check(request));
    proof_remember(a->s, proof);
    return OK;
}

/* Decided once: who repeats an old request would undo the answers to the one that is open. */
static enum err count_derive(struct apply *a, uint64_t number)
{
    struct key k = key_gid('s', a->entry.author);
    struct rec_seat seat;
    TRY(seat_get(a->s->store, &k, &seat));
    if (number <= seat.derives)
        return problem(a->p, E_NOT_ALLOWED, "guardian %u has asked this before", a->entry.author);
    seat.derives = number;
    return seat_put(a->s->store, &k, &seat);
}

/* Body: number (above that of the member's last one), namespace, version, request. A newer request
 * of the same member in this namespace replaces the older. */
enum err apply_derive(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    char name[NS_NAME_MAX];
    struct oprf_request request;
    uint64_t number = rd_u64(&r);
    rd_text(&r, name, sizeof name);
    uint32_t version = rd_u32(&r);
    struct reader start = r;
    oprf_request_read(&r, &request);
    TRY(reader_end(&r, E_MALFORMED));
    struct key k = key_name('n', name);
    struct rec_namespace ns;
    if (state_cluster(a->s).generation == 0 || namespace_get(a->s->store, &k, &ns) != OK ||
        ns.mode != NS_SEALED || version == 0 || version > ns.version)
        return problem(a->p, E_NOT_ALLOWED, "no key of %s can be derived by a guardian", name);
    TRY(check_request(a, name, version, &request));
    TRY(count_derive(a, number));
    struct rec_derive d = {.id = a->id,
                           .version = version,
                           .epoch = state_epoch(a->s).epoch,
                           .request = bytes(start.p, rd_left(&start))};
    struct key q = state_derive_key(a->entry.author, name);
    return derive_put(a->s->store, &q, &d);
}

/* Body: requester's gid, namespace, id of the request, epoch, partial. */
enum err apply_eval(struct apply *a)
{
    struct reader r = reader(a->entry.body);
    char name[NS_NAME_MAX];
    struct hash32 id;
    struct oprf_partial partial;
    uint32_t requester = rd_u32(&r);
    rd_text(&r, name, sizeof name);
    rd_copy(&r, id.b, sizeof id.b);
    uint64_t epoch = rd_u64(&r);
    oprf_partial_read(&r, &partial);
    TRY(reader_end(&r, E_MALFORMED));
    struct key q = state_derive_key(requester, name);
    struct rec_derive d;
    struct rec_epoch e = state_epoch(a->s);
    if (derive_get(a->s->store, &q, &d) != OK || !hash32_eq(d.id, id) || epoch != e.epoch ||
        partial.gid != a->entry.author || !state_is_holder(a->s, partial.gid))
        return problem(a->p, E_NOT_ALLOWED, "nobody waits for this partial");
    for (uint32_t i = 0; i < d.n_evals; i++)
        if (d.evals[i] == partial.gid)
            return E_NOT_ALLOWED;
    for (uint32_t i = 0; i < d.n_false; i++)
        if (d.falsely[i] == partial.gid)
            return E_NOT_ALLOWED;
    struct oprf_request request;
    struct reader in = reader(d.request);
    oprf_request_read(&in, &request);
    TRY(reader_end(&in, E_INTERNAL));
    struct hash32 context = state_eval_context(epoch, partial.gid, id);
    struct key epoch_key = key_plain('e'); /* an undecided block may have had another sharing */
    struct hash32 sharing = sha256(store_get(a->s->store, key_bytes(&epoch_key)));
    struct hash32 proof = proof_name(a->id, proof_name(context, sharing));
    if (!proof_known(a->s, proof)) {
        struct point member;
        TRY(state_share_public(a->s, GROUP_R, partial.gid, &member));
        if (proof_known(a->s, proof_false(proof)) ||
            oprf_partial_check(&member, context, &request.blinded, &partial) != OK) {
            proof_remember(a->s, proof_false(proof));
            d.falsely[d.n_false++] = partial.gid;
            TRY(derive_put(a->s->store, &q, &d));
            return blame(a, BLAME_EVAL);
        }
        proof_remember(a->s, proof);
    }
    d.evals[d.n_evals++] = partial.gid;
    if (d.n_evals == e.t)
        return store_del(a->s->store, key_bytes(&q)); /* enough: the requester has what it needs */
    return derive_put(a->s->store, &q, &d);
}
