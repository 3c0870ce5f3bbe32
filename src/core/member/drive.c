/*
 * What the state says is ours to do. Each function looks at the state and posts
 * what is missing; called again and again, it posts nothing twice that is still
 * under way, and after a restart it simply finds what is still owed.
 *
 * Whatever uses a share needs a fresh lease: a guardian that was cut off acts on
 * no old decision (consensus.md, "Freshness").
 */
#include "core/member/member_int.h"
#include "base/log.h"

/* An entry that was posted is given this long to be decided before it is posted again. */
#define REPOST_MS 1500

static bool may_post(const struct guardian *m, enum command type)
{
    return m->now.mono_ms >= m->submitted_ms[type] + REPOST_MS || !m->submitted_ms[type];
}

/* --- ceremonies --- */

static bool is_recipient(const struct rec_session *o, uint32_t gid, bool *confirmed)
{
    for (uint32_t i = 0; i < o->n_recipients; i++)
        if (o->recipients[i].gid == gid) {
            *confirmed = o->recipients[i].confirmed;
            return true;
        }
    return false;
}

static void session_keygen(struct guardian *m, const struct rec_session *o)
{
    struct session_secret *s = &m->secrets.session;
    if (s->live && hash32_eq(s->sid, o->sid_r))
        return;
    wipe(s, sizeof *s);
    s->live = true;
    s->sid = o->sid_r;
    receive_keygen(m->config.rng, &s->x, s->x_public);
}

static void post_rkey(struct guardian *m, const struct rec_session *o)
{
    uint64_t token;
    session_keygen(m, o);
    member_store_secrets(m, &token);
    member_post_after(m, token, CMD_RKEY, BYTES_OF(m->secrets.session.x_public));
}

static enum err deal_half(struct guardian *m, const struct rec_session *o, enum group group,
                          struct writer *w)
{
    struct recipient to[THRESHOLD_MAX];
    struct deal_terms terms = state_deal_terms(o, group, m->gid, to);
    SCALAR_AUTO secret;
    if (o->kind == SESSION_DKG)
        scalar_random(m->config.rng, &secret);
    else
        secret = group == GROUP_R ? m->secrets.share.r : m->secrets.share.e;
    struct buf dealing = BUF_INIT(DEALING_MAX);
    enum err e = m->config.deps.dealing->deal(m->config.rng, &terms, &secret, &dealing);
    if (e == OK)
        wr_var(w, buf_bytes(&dealing));
    buf_free(&dealing);
    return e;
}

/* A dealing is made once per session, however often it is posted. */
static void post_deal(struct guardian *m, const struct rec_session *o)
{
    if (o->kind == SESSION_RESHARE && m->secrets.share.epoch != state_epoch(m->state).epoch)
        return;
    if (!hash32_eq(m->dealt_sid, o->sid_r) || !m->deal_entry.n) {
        buf_clear(&m->deal_entry);
        struct writer w = writer(&m->deal_entry);
        if (deal_half(m, o, GROUP_R, &w) != OK || deal_half(m, o, GROUP_E, &w) != OK ||
            writer_end(&w) != OK) {
            log_error("a dealing could not be made");
            buf_clear(&m->deal_entry);
            return;
        }
        m->dealt_sid = o->sid_r;
    }
    (void)!member_post(m, CMD_DEAL, buf_bytes(&m->deal_entry), NULL);
}

static enum err open_half(struct guardian *m, const struct rec_session *o, enum group group,
                          struct scalar *out)
{
    struct scalar sub[THRESHOLD_MAX];
    enum err e = OK;
    for (uint32_t i = 0; i < o->n_dealers && e == OK; i++) {
        struct rec_dealing d;
        struct recipient to[THRESHOLD_MAX];
        struct key k = key_gid('d', o->dealers[i]);
        struct deal_terms terms = state_deal_terms(o, group, o->dealers[i], to);
        e = dealing_get(state_store(m->state), &k, &d);
        if (e == OK)
            e = m->config.deps.dealing->open(&terms, group == GROUP_R ? d.deal_r : d.deal_e, m->gid,
                                             &m->secrets.session.x, &sub[i]);
    }
    if (e == OK && o->kind == SESSION_DKG)
        dkg_combine_shares(sub, o->n_dealers, out);
    else if (e == OK)
        e = reshare_combine_shares(o->dealers, sub, o->n_dealers, out);
    if (e == OK)
        e = share_check(group, group == GROUP_R ? &o->r : &o->e, m->gid, out);
    wipe(sub, sizeof sub);
    return e;
}

/* Opens the dealings of this session, if not done before. */
static enum err open_shares(struct guardian *m, const struct rec_session *o)
{
    struct session_secret *s = &m->secrets.session;
    if (!s->live || !hash32_eq(s->sid, o->sid_r))
        return E_NOT_FOUND;
    if (s->has_share)
        return OK;
    TRY(open_half(m, o, GROUP_R, &s->r));
    TRY(open_half(m, o, GROUP_E, &s->e));
    s->has_share = true;
    return OK;
}

static enum err write_proofs(struct guardian *m, const struct rec_session *o, struct writer *w)
{
    struct pok pok;
    struct pok_terms terms = {
        .domain = DOMAIN_POK_CONFIRM, .group = GROUP_R, .context = o->sid_r, .gid = m->gid};
    TRY(pok_prove(m->config.rng, &terms, &m->secrets.session.r, &pok));
    pok_write(w, &pok);
    terms.group = GROUP_E;
    terms.context = o->sid_e;
    TRY(pok_prove(m->config.rng, &terms, &m->secrets.session.e, &pok));
    pok_write(w, &pok);
    return writer_end(w);
}

/* The new shares are durable before anybody is told of them (threshold-protocol.md R4). */
static void post_confirm(struct guardian *m, const struct rec_session *o)
{
    uint64_t token;
    struct buf body = BUF_INIT(1024);
    struct writer w = writer(&body);
    enum err e = open_shares(m, o);
    if (e == OK)
        e = write_proofs(m, o, &w);
    if (e == OK) {
        member_store_secrets(m, &token);
        member_post_after(m, token, CMD_CONFIRM, buf_bytes(&body));
    } else {
        log_warn("no new share to confirm: %s", err_text(e));
        m->submitted_ms[CMD_CONFIRM] = m->now.mono_ms;
    }
    buf_free(&body);
}

static void post_step(struct guardian *m, const struct rec_session *o)
{
    struct buf body = BUF_INIT(64);
    struct writer w = writer(&body);
    wr_raw(&w, o->sid_r.b, sizeof o->sid_r.b);
    wr_u8(&w, (uint8_t)o->phase);
    (void)!member_post(m, CMD_STEP, buf_bytes(&body), NULL);
    buf_free(&body);
}

static bool owes_dealing(const struct guardian *m, const struct rec_session *o)
{
    bool unused;
    struct key k = key_gid('d', m->gid);
    if (store_get(state_store(m->state), key_bytes(&k)).p)
        return false;
    return o->kind == SESSION_DKG ? is_recipient(o, m->gid, &unused)
                                  : state_is_holder(m->state, m->gid);
}

static void drive_session(struct guardian *m)
{
    struct rec_session o = state_session(m->state);
    bool confirmed = false;
    if (o.kind == SESSION_NONE || cfg_find(&o.next, m->gid) < 0)
        return;
    bool in = is_recipient(&o, m->gid, &confirmed), votes = member_votes(m);
    if (o.phase == PHASE_RKEY && !in && may_post(m, CMD_RKEY))
        post_rkey(m, &o);
    if (o.phase == PHASE_DEAL && votes && owes_dealing(m, &o) && member_has_lease(m) &&
        may_post(m, CMD_DEAL))
        post_deal(m, &o);
    if (o.phase == PHASE_CONFIRM && in && !confirmed && may_post(m, CMD_CONFIRM))
        post_confirm(m, &o);
    uint64_t deadline = o.deadline_ms;
    bool late =
        deadline ? m->now.unix_ms > deadline + 100 : m->now.mono_ms > m->founded_ms + PHASE_MS;
    if (votes && late && may_post(m, CMD_STEP))
        post_step(m, &o);
}

/* A share of the epoch in force is taken over, everything older is erased. */
static void take_epoch(struct guardian *m)
{
    struct rec_epoch epoch = state_epoch(m->state);
    struct session_secret *s = &m->secrets.session;
    uint64_t token;
    if (epoch.epoch == 0 || m->secrets.share.epoch == epoch.epoch)
        return;
    bool mine = s->live && s->has_share && share_check(GROUP_R, &epoch.r, m->gid, &s->r) == OK &&
                share_check(GROUP_E, &epoch.e, m->gid, &s->e) == OK;
    if (m->secrets.share.epoch) {
        wipe(&m->secrets.share, sizeof m->secrets.share);
        member_store_secrets(m, &token);
    }
    if (!mine)
        return;
    m->secrets.share = (struct share_pair){.epoch = epoch.epoch, .r = s->r, .e = s->e};
    wipe(s, sizeof *s);
    wipe(m->nonces, sizeof m->nonces);
    buf_clear(&m->deal_entry);
    member_store_secrets(m, &token);
    log_info("epoch %llu: this guardian holds a share, %u of %u make the root work",
             (unsigned long long)epoch.epoch, epoch.t, epoch.n_holders);
}

/* Members without a share, also those that lost it, ask for a refresh that gives them one. */
static void drive_refresh(struct guardian *m)
{
    static const uint8_t refresh[] = {0};
    bool has_share =
        state_is_holder(m->state, m->gid) && m->secrets.share.epoch == state_epoch(m->state).epoch;
    if (!member_votes(m) || state_session(m->state).kind != SESSION_NONE ||
        state_cluster(m->state).generation == 0 || has_share || !may_post(m, CMD_OPEN))
        return;
    (void)!member_post(m, CMD_OPEN, BYTES_OF(refresh), NULL);
}

/* --- signing --- */

static struct nonce_slot *nonce_slot(struct guardian *m, const struct rec_signop *op, bool make)
{
    struct nonce_slot *free_slot = NULL;
    for (unsigned i = 0; i < NONCES_MAX; i++) {
        struct nonce_slot *n = &m->nonces[i];
        if (n->live && n->number == op->number && n->attempt == op->attempt)
            return n;
        if (!n->live && !free_slot)
            free_slot = n;
    }
    if (!make || !free_slot)
        return NULL;
    *free_slot = (struct nonce_slot){.live = true, .number = op->number, .attempt = op->attempt};
    return free_slot;
}

static void write_op(struct writer *w, const struct rec_signop *op)
{
    wr_u64(w, op->number);
    wr_u32(w, op->attempt);
}

/* Round one: a nonce for this attempt, in memory only, and its commitment once. */
static void sign_commit(struct guardian *m, const struct rec_signop *op)
{
    struct frost_commitment c;
    struct nonce_slot *slot = nonce_slot(m, op, false);
    if (slot && m->now.mono_ms < slot->posted_ms + REPOST_MS)
        return;
    if (!slot) {
        slot = nonce_slot(m, op, true);
        if (!slot || m->config.deps.frost->commit(m->config.rng, m->gid, &m->secrets.share.e,
                                                  &slot->nonce, &c) != OK)
            return;
    }
    struct buf body = BUF_INIT(256);
    struct writer w = writer(&body);
    write_op(&w, op);
    frost_commitment_write(&w, &slot->nonce.mine);
    slot->posted_ms = m->now.mono_ms;
    (void)!member_post(m, CMD_COMMIT, buf_bytes(&body), NULL);
    buf_free(&body);
}

/* Round two: the share is made once; what is posted again is the same bytes. */
static void sign_share(struct guardian *m, const struct rec_signop *op)
{
    struct nonce_slot *slot = nonce_slot(m, op, false);
    if (!slot || m->now.mono_ms < slot->shared_ms + REPOST_MS)
        return;
    struct frost_key key;
    struct buf message = BUF_INIT(64 * 1024), body = BUF_INIT(256);
    enum err e = OK;
    if (!slot->has_share) {
        TRY_OUT(state_signop_key(m->state, op, &key));
        TRY_OUT(state_signop_message(m->state, op, &message));
        TRY_OUT(m->config.deps.frost->sign(&slot->nonce, &key, &m->secrets.share.e, &op->set,
                                           buf_bytes(&message), &slot->share));
        slot->has_share = true;
    }
    struct writer w = writer(&body);
    write_op(&w, op);
    frost_share_write(&w, &slot->share);
    slot->shared_ms = m->now.mono_ms;
    e = member_post(m, CMD_SHARE, buf_bytes(&body), NULL);
out:
    if (e != OK)
        log_debug("no share for operation %llu: %s", (unsigned long long)op->number, err_text(e));
    buf_free(&message);
    buf_free(&body);
}

static void sign_retry(struct guardian *m, const struct rec_signop *op)
{
    struct buf body = BUF_INIT(64);
    struct writer w = writer(&body);
    write_op(&w, op);
    if (may_post(m, CMD_RETRY))
        (void)!member_post(m, CMD_RETRY, buf_bytes(&body), NULL);
    buf_free(&body);
}

static bool contains(const uint32_t *gids, uint32_t n, uint32_t gid)
{
    for (uint32_t i = 0; i < n; i++)
        if (gids[i] == gid)
            return true;
    return false;
}

static void drive_signop(struct guardian *m, const struct rec_signop *op, uint32_t t)
{
    bool in_set = false, shared = false;
    for (uint32_t i = 0; i < op->set.n; i++)
        in_set |= op->set.c[i].gid == m->gid;
    for (uint32_t i = 0; i < op->n_shares; i++)
        shared |= op->shares[i].gid == m->gid;
    if (op->set.n < t && !in_set && !contains(op->excluded, op->n_excluded, m->gid))
        sign_commit(m, op);
    else if (op->set.n == t && in_set && !shared)
        sign_share(m, op);
    if (state_signop_is_late(m->state, op, m->now.unix_ms - 200))
        sign_retry(m, op);
}

/* A walk over the state that keeps its place while entries are posted: trying one changes the map
 * for a moment, and with it the life of every view. */
struct walk {
    struct key prefix, at;
};

static struct walk walk(char table)
{
    return (struct walk){.prefix = key_plain(table)};
}

/* *key stays valid until the next call, *value until something is posted. */
static bool walk_next(const struct guardian *m, struct walk *w, struct bytes *key,
                      struct bytes *value)
{
    struct bytes after = w->at.n ? key_bytes(&w->at) : BYTES_NONE;
    if (!store_next(state_store(m->state), key_bytes(&w->prefix), after, key, value))
        return false;
    memcpy(w->at.b, key->p, key->n);
    w->at.n = key->n;
    *key = key_bytes(&w->at);
    return true;
}

static void drive_signing(struct guardian *m)
{
    struct rec_epoch epoch = state_epoch(m->state);
    if (m->secrets.share.epoch != epoch.epoch || !epoch.epoch || !member_has_lease(m) ||
        !state_is_holder(m->state, m->gid))
        return;
    struct walk w = walk('g');
    struct bytes key, value;
    while (walk_next(m, &w, &key, &value)) {
        struct rec_signop op;
        if (signop_read(value, &op) == OK)
            drive_signop(m, &op, epoch.t);
    }
}

/* Nonces of operations that are over, or of older attempts, are wiped. */
static void drop_nonces(struct guardian *m)
{
    for (unsigned i = 0; i < NONCES_MAX; i++) {
        struct nonce_slot *n = &m->nonces[i];
        struct rec_signop op;
        struct key k = key_number('g', n->number);
        if (n->live &&
            (signop_get(state_store(m->state), &k, &op) != OK || op.attempt != n->attempt))
            wipe(n, sizeof *n);
    }
}

/* --- namespace keys --- */

static struct derive_slot *derive_slot(struct guardian *m, const char *ns, uint32_t version,
                                       bool make)
{
    struct derive_slot *free_slot = NULL;
    for (unsigned i = 0; i < sizeof m->derives / sizeof *m->derives; i++) {
        struct derive_slot *d = &m->derives[i];
        if (d->live && d->version == version && strcmp(d->ns, ns) == 0)
            return d;
        if (!d->live && !free_slot)
            free_slot = d;
    }
    if (!make || !free_slot)
        return NULL;
    *free_slot = (struct derive_slot){.live = true, .version = version};
    snprintf(free_slot->ns, sizeof free_slot->ns, "%s", ns);
    return free_slot;
}

/* Above all that the log knows and all that may be under way. */
static uint64_t next_derive(struct guardian *m)
{
    struct rec_seat seat = {0};
    struct key k = key_gid('s', m->gid);
    if (seat_get(state_store(m->state), &k, &seat) == OK && seat.derives > m->derive_number)
        m->derive_number = seat.derives;
    return ++m->derive_number;
}

static void post_derive(struct guardian *m, const char *ns, uint32_t version)
{
    struct derive_slot *d = derive_slot(m, ns, version, true);
    if (!d || (d->since_ms && m->now.mono_ms < d->since_ms + 2 * REPOST_MS))
        return;
    struct buf label = BUF_INIT(OPRF_LABEL_MAX), body = BUF_INIT(4096);
    struct oprf_request request;
    enum err e;
    TRY_OUT(state_namespace_label(m->state, ns, version, &label));
    TRY_OUT(oprf_request_make(m->config.rng, buf_bytes(&label),
                              state_derive_requester(m->state, m->gid), &d->blind, &request));
    struct writer w = writer(&body);
    wr_u64(&w, next_derive(m));
    wr_text(&w, ns);
    wr_u32(&w, version);
    oprf_request_write(&w, &request);
    TRY_OUT(writer_end(&w));
    d->blinded = request.blinded;
    d->epoch = state_epoch(m->state).epoch;
    d->n = 0;
    d->since_ms = m->now.mono_ms;
    e = member_post(m, CMD_DERIVE, buf_bytes(&body), &d->id);
out:
    if (e != OK)
        wipe(d, sizeof *d);
    buf_free(&label);
    buf_free(&body);
}

/* A request is answered once and the answer repeated: a proof made anew would be another entry. */
static struct eval_slot *eval_slot(struct guardian *m, const struct rec_derive *rec)
{
    uint64_t epoch = state_epoch(m->state).epoch;
    struct eval_slot *oldest = &m->evals[0];
    for (unsigned i = 0; i < sizeof m->evals / sizeof *m->evals; i++) {
        struct eval_slot *s = &m->evals[i];
        if (s->ms && hash32_eq(s->id, rec->id) && s->epoch == epoch)
            return s;
        if (s->ms < oldest->ms)
            oldest = s;
    }
    struct oprf_request request;
    struct reader r = reader(rec->request);
    oprf_request_read(&r, &request);
    struct hash32 context = state_eval_context(epoch, m->gid, rec->id);
    *oldest = (struct eval_slot){.id = rec->id, .epoch = epoch};
    if (reader_end(&r, E_INTERNAL) != OK ||
        oprf_evaluate(m->config.rng, &m->secrets.share.r, m->gid, context, &request.blinded,
                      &oldest->partial) != OK)
        return NULL;
    return oldest;
}

static void post_eval(struct guardian *m, uint32_t requester, const char *ns,
                      const struct rec_derive *rec)
{
    struct eval_slot *slot = eval_slot(m, rec);
    if (!slot || (slot->ms && m->now.mono_ms < slot->ms + REPOST_MS))
        return;
    struct buf body = BUF_INIT(1024);
    struct writer w = writer(&body);
    wr_u32(&w, requester);
    wr_text(&w, ns);
    wr_raw(&w, rec->id.b, sizeof rec->id.b);
    wr_u64(&w, slot->epoch);
    oprf_partial_write(&w, &slot->partial);
    slot->ms = m->now.mono_ms;
    if (writer_end(&w) == OK)
        (void)!member_post(m, CMD_EVAL, buf_bytes(&body), NULL);
    buf_free(&body);
}

/* Partial evaluations we owe to others, and to ourselves. */
static void drive_evals(struct guardian *m)
{
    struct rec_epoch epoch = state_epoch(m->state);
    struct walk w = walk('q');
    struct bytes key, value;
    if (m->secrets.share.epoch != epoch.epoch || !epoch.epoch || !member_has_lease(m))
        return;
    while (walk_next(m, &w, &key, &value)) {
        struct rec_derive rec;
        struct reader r = reader(bytes(key.p + 1, key.n - 1));
        uint32_t requester = rd_u32(&r);
        const char *ns = (const char *)rd_rest(&r).p; /* ends with its zero byte */
        if (derive_read(value, &rec) == OK && !contains(rec.evals, rec.n_evals, m->gid))
            post_eval(m, requester, ns, &rec);
    }
}

static void combine(struct guardian *m, struct derive_slot *d, uint32_t t)
{
    struct oprf_output output;
    struct buf label = BUF_INIT(OPRF_LABEL_MAX);
    uint64_t token;
    struct ns_secret *n = secrets_ns(&m->secrets, d->ns, d->version, true);
    enum err e = state_namespace_label(m->state, d->ns, d->version, &label);
    if (e == OK)
        e = n ? oprf_combine(d->partials, d->n, t, buf_bytes(&label), &d->blind, &output) : E_RATE;
    if (e == OK) {
        _Static_assert(sizeof n->key.b == sizeof output.b, "a namespace key is an OPRF output");
        memcpy(n->key.b, output.b, sizeof n->key.b);
        n->has_key = true;
        member_store_secrets(m, &token);
        log_info("the key of namespace %s, version %u, is here", d->ns, d->version);
    }
    wipe(&output, sizeof output);
    wipe(d, sizeof *d);
    buf_free(&label);
}

/* A decided EVAL: if it answers us, it is one more of the t that make the key. */
static void take_eval(struct guardian *m, const struct entry *entry)
{
    struct reader r = reader(entry->body);
    char ns[NS_NAME_MAX];
    struct hash32 id;
    struct oprf_partial partial;
    uint32_t requester = rd_u32(&r);
    rd_text(&r, ns, sizeof ns);
    rd_copy(&r, id.b, sizeof id.b);
    uint64_t made_in = rd_u64(&r);
    oprf_partial_read(&r, &partial);
    if (reader_end(&r, E_INTERNAL) != OK || requester != m->gid)
        return;
    struct rec_epoch epoch = state_epoch(m->state);
    for (unsigned i = 0; i < sizeof m->derives / sizeof *m->derives; i++) {
        struct derive_slot *d = &m->derives[i];
        struct point member;
        if (!d->live || !hash32_eq(d->id, id) || d->epoch != made_in || d->n == THRESHOLD_MAX)
            continue;
        if (made_in != epoch.epoch ||
            state_share_public(m->state, GROUP_R, partial.gid, &member) != OK ||
            oprf_partial_check(&member, state_eval_context(made_in, partial.gid, id), &d->blinded,
                               &partial) != OK)
            continue;
        d->partials[d->n++] = partial;
        if (d->n == epoch.t)
            combine(m, d, epoch.t);
    }
}

/* --- issuing CAs --- */

static bool issuing_is_asked(const struct guardian *m, const char *ns)
{
    struct key prefix = key_plain('g');
    struct bytes key = BYTES_NONE, value;
    struct rec_signop op;
    while (store_next(state_store(m->state), key_bytes(&prefix), key, &key, &value))
        if (signop_read(value, &op) == OK && op.kind == SIGN_ISSUING && op.gid == m->gid &&
            strcmp(op.ns, ns) == 0)
            return true;
    return false;
}

static bool issuing_is_fresh(const struct guardian *m, const struct ns_secret *n)
{
    struct rec_issuing rec;
    struct key k = key_name_gid('j', n->ns, m->gid);
    struct p256_public certified;
    return n->has_issuing && issuing_get(state_store(m->state), &k, &rec) == OK &&
           p256_spki_read(bytes(rec.spki.b, rec.spki.n), &certified) == OK &&
           memcmp(certified.b, n->issuing_public.b, sizeof certified.b) == 0 &&
           rec.not_after > (int64_t)member_unix_s(m) + ISSUING_LIFETIME_S / 2;
}

static void drive_issuing(struct guardian *m, struct ns_secret *n)
{
    uint64_t token;
    if (issuing_is_fresh(m, n) || issuing_is_asked(m, n->ns) || !may_post(m, CMD_ISSUING))
        return;
    if (!n->has_issuing) {
        if (p256_keygen(m->config.rng, &n->issuing, &n->issuing_public) != OK)
            return;
        n->has_issuing = true;
    }
    struct buf spki = BUF_INIT(256), body = BUF_INIT(1024);
    struct writer w = writer(&body);
    wr_text(&w, n->ns);
    if (p256_spki_write(&n->issuing_public, &spki) == OK) {
        wr_var(&w, buf_bytes(&spki));
        member_store_secrets(m, &token);
        member_post_after(m, token, CMD_ISSUING, buf_bytes(&body));
    }
    buf_free(&spki);
    buf_free(&body);
}

/* Every member has the key of each live version, and an issuing CA, of every sealed namespace. */
static void drive_namespaces(struct guardian *m)
{
    struct walk w = walk('n');
    struct bytes key, value;
    while (walk_next(m, &w, &key, &value)) {
        struct rec_namespace ns;
        if (namespace_read(value, &ns) != OK || ns.mode != NS_SEALED)
            continue;
        for (uint32_t v = 1; v <= ns.version; v++) {
            struct ns_secret *n = secrets_ns(&m->secrets, ns.name, v, false);
            if (!n || !n->has_key)
                post_derive(m, ns.name, v);
        }
        struct ns_secret *newest = secrets_ns(&m->secrets, ns.name, ns.version, true);
        if (newest && ns.ca_der.n)
            drive_issuing(m, newest);
    }
}

/* --- all of it --- */

void drive_entry(struct guardian *m, const struct entry *entry, struct hash32 id)
{
    (void)id;
    if (entry->type == CMD_EVAL)
        take_eval(m, entry);
    if (entry->author == m->gid && entry->type != CMD_DEAL)
        m->submitted_ms[entry->type] = 0; /* decided: the next one of its kind may follow at once */
}

void drive_decided(struct guardian *m)
{
    take_epoch(m);
    drop_nonces(m);
    uint64_t epoch = state_epoch(m->state).epoch;
    for (unsigned i = 0; i < sizeof m->derives / sizeof *m->derives; i++)
        if (m->derives[i].live && m->derives[i].epoch != epoch)
            wipe(&m->derives[i], sizeof m->derives[i]);
}

static void drive_lease(struct guardian *m)
{
    uint64_t until = bft_lease_until(m->bft);
    uint64_t left = until > m->now.mono_ms ? until - m->now.mono_ms : 0;
    uint64_t every = left > m->config.genesis->lease_ms / 2 ? m->config.genesis->lease_ms : 300;
    if (m->last_lease_ms && m->now.mono_ms < m->last_lease_ms + every)
        return;
    uint8_t nonce[32];
    rng_fill(m->config.rng, nonce, sizeof nonce);
    m->last_lease_ms = m->now.mono_ms;
    bft_lease_ask(m->bft, m->now, nonce);
}

void drive(struct guardian *m)
{
    take_epoch(m);
    drive_session(m);
    if (!member_votes(m))
        return;
    drive_lease(m);
    drive_refresh(m);
    drive_signing(m);
    drive_evals(m);
    drive_namespaces(m);
}
