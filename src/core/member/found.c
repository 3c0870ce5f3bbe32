/*
 * Founding, joining, coming back.
 *
 * Founding: once every founder's link is attested, the lowest gid sends the
 * manifest it would sign; each signs exactly what it has attested itself, and
 * once; whoever holds all signatures stores the manifest, and the log begins.
 *
 * Joining and coming back: a guardian that is not (or no longer) voting asks
 * the members for verdicts on itself; with q of them a booted member posts
 * REKEY, and a newcomer hands them to a member that opens the ceremony.
 */
#include "core/member/member_int.h"
#include "base/log.h"

static void send_typed(struct guardian *m, struct link *l, uint8_t type, const struct buf *body)
{
    struct buf b = BUF_INIT(body->n + 16);
    struct writer w = writer(&b);
    wr_u8(&w, type);
    wr_raw(&w, body->p, body->n);
    if (writer_end(&w) == OK)
        link_send(m, l, buf_bytes(&b));
    buf_free(&b);
}

static void send_to_all(struct guardian *m, uint8_t type, const struct buf *body)
{
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++)
        if (m->links[i].step == LINK_ATTESTED && m->links[i].is_ready)
            send_typed(m, &m->links[i], type, body);
}

static void send_manifest(struct guardian *m, struct link *l)
{
    struct buf b = BUF_INIT(MANIFEST_MAX);
    struct writer w = writer(&b);
    manifest_write(&w, &m->manifest);
    if (l)
        send_typed(m, l, MSG_MANIFEST, &b);
    else
        send_to_all(m, MSG_MANIFEST, &b);
    buf_free(&b);
}

void found_link_ready(struct guardian *m, struct link *l)
{
    log_info("guardian %u is attested: %s", l->subject.gid, platform_name(l->subject.platform));
    if (m->bft)
        bft_peer_up(m->bft, m->now, l->subject.gid);
    if (m->is_founded && !l->has_cluster)
        send_manifest(m, l);
    else if (!m->is_founded)
        found_tick(m);
}

/* --- the manifest --- */

/* The list this guardian would sign: itself, and what each link proved. */
static bool make_list(struct guardian *m, struct manifest *out)
{
    const struct genesis *g = m->config.genesis;
    *out = (struct manifest){.cluster_id = m->config.cluster_id, .n = g->n_seats};
    for (uint32_t i = 0; i < g->n_seats; i++) {
        if (g->seats[i].gid == m->gid) {
            if (!m->is_acceptable)
                return false;
            out->founders[i] = member_own_subject(m);
            continue;
        }
        const struct link *l = link_of_gid(m, g->seats[i].gid);
        if (!l || l->has_cluster)
            return false;
        out->founders[i] = l->subject;
    }
    return true;
}

static void sign_list(struct guardian *m, const struct manifest *list)
{
    m->manifest = *list;
    memset(m->manifest.has_signature, 0, sizeof m->manifest.has_signature);
    struct hash64 h = manifest_hash(list);
    for (uint32_t i = 0; i < list->n; i++)
        if (list->founders[i].gid == m->gid) {
            m->manifest.has_signature[i] = true;
            m->manifest.signatures[i] = m->config.deps.sig->sign(&m->secrets.vote, BYTES_OF(h.b));
        }
    m->is_signing = true;
    m->signing_since_ms = m->now.mono_ms;
}

static void send_signatures(struct guardian *m)
{
    struct buf b = BUF_INIT(MANIFEST_MAX);
    struct writer w = writer(&b);
    manifest_write(&w, &m->manifest);
    send_to_all(m, MSG_MANIFEST_SIGN, &b);
    buf_free(&b);
    m->sent_signatures_ms = m->now.mono_ms;
}

static void begin_cluster(struct guardian *m)
{
    struct buf b = BUF_INIT(MANIFEST_MAX);
    struct writer w = writer(&b);
    uint64_t token;
    enum err e = state_found(m->state, &m->manifest);
    if (e != OK) {
        log_error("the manifest does not fit the genesis: %s", err_text(e));
        m->is_signing = false;
        return;
    }
    manifest_write(&w, &m->manifest);
    member_seal_and_store(m, RECORD_MANIFEST, 0, buf_bytes(&b), &token);
    buf_free(&b);
    m->is_founded = true;
    m->is_signing = false;
    m->founded_ms = m->now.mono_ms;
    e = member_begin_log(m);
    log_info("the manifest is complete: %u founders%s", m->manifest.n,
             e == OK ? "" : ", but the log does not begin");
}

static bool is_complete(const struct manifest *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (!m->has_signature[i])
            return false;
    return m->n > 0;
}

/* Links vouch for the vote key they were attested with: they are made again. */
static void new_vote_key(struct guardian *m, const char *why)
{
    struct sig_public unused;
    uint64_t token;
    log_warn("a new vote key: %s", why);
    m->config.deps.sig->keygen(m->config.rng, &m->secrets.vote, &unused);
    m->secrets.has_vote = true;
    m->n_my_verdicts = 0;
    member_store_secrets(m, &token);
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++)
        if (m->links[i].step != LINK_FREE)
            link_drop(m, &m->links[i], why);
}

/* Gives up a vote key that signed a manifest nobody completed: it signs no other one. */
static void start_over(struct guardian *m)
{
    m->is_signing = false;
    new_vote_key(m, "founding begins again");
}

/* The own platform and measurement: our evidence judged like that of any other. */
void found_judge_myself(struct guardian *m)
{
    bool is_due = !m->has_own || m->own_collateral != m->collateral;
    if (!is_due || (m->asked_own_ms && m->now.mono_ms < m->asked_own_ms + 5000))
        return;
    struct job *j = job_new(m, JOB_OWN_QUOTE, 5000);
    if (!j)
        return;
    m->asked_own_ms = m->now.mono_ms ? m->now.mono_ms : 1;
    struct quote_request q = {.kind = QUOTE_PEER};
    q.peer.cluster_id = m->config.cluster_id;
    q.peer.role = BINDING_CLIENT;
    m->config.out.quote(m->config.out.ctx, j->id, &q);
}

void found_own_quoted(struct guardian *m, struct bytes evidence)
{
    struct job *j = evidence.n ? job_new(m, JOB_OWN_JUDGE, 5000) : NULL;
    if (!j)
        return;
    j->collateral = m->collateral;
    m->config.out.judge(m->config.out.ctx, j->id, evidence);
}

void found_own_judged(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                      const struct problem *problem_in)
{
    struct problem p = problem_in ? *problem_in : (struct problem){0};
    struct peer_subject seated = {.seat_key = sig_public_of(&m->secrets.seat)};
    if (e == OK) {
        peer_subject_fill(&m->own, claims);
        m->has_own = true;
        e = link_judge_guardian(m, claims, &seated, &p);
    }
    m->is_acceptable = e == OK;
    m->own_collateral = j->collateral;
    p.err = e;
    m->own_refusal = e == E_CHIP ? (struct problem){0} : p;
    if (e == E_CHIP) /* its seat may be one that only the log knows */
        log_info("not a founder: %s", problem_text(&p));
    else if (e != OK)
        log_error("this guardian would not be accepted: %s: %s", err_code(e), problem_text(&p));
}

struct peer_subject member_own_subject(struct guardian *m)
{
    struct peer_subject s = m->own;
    s.gid = m->gid;
    s.seat_key = sig_public_of(&m->secrets.seat);
    s.vote_key = sig_public_of(&m->secrets.vote);
    return s;
}

void found_tick(struct guardian *m)
{
    struct manifest list;
    found_judge_myself(m);
    if (!m->gid)
        return;
    if (m->is_signing) {
        if (m->now.mono_ms > m->signing_since_ms + FOUNDING_MS) {
            log_warn("the founding was not completed in time");
            start_over(m);
        } else if (m->now.mono_ms > m->sent_signatures_ms + 500) {
            send_signatures(m);
        }
        return;
    }
    if (m->gid == m->config.genesis->seats[0].gid && make_list(m, &list)) {
        sign_list(m, &list);
        send_signatures(m);
        if (is_complete(&m->manifest))
            begin_cluster(m);
    }
}

/* A founder's signatures on a list; ours joins if the list is what we attested ourselves. */
static void on_manifest_sign(struct guardian *m, struct reader *r)
{
    struct manifest theirs, mine;
    if (m->is_founded || manifest_decode(rd_rest(r), &theirs) != OK)
        return;
    struct hash64 h = manifest_hash(&theirs);
    if (!m->is_signing) {
        if (!make_list(m, &mine) || memcmp(manifest_hash(&mine).b, h.b, sizeof h.b) != 0)
            return;
        sign_list(m, &mine);
    } else if (memcmp(manifest_hash(&m->manifest).b, h.b, sizeof h.b) != 0) {
        return;
    }
    bool news = false;
    for (uint32_t i = 0; i < theirs.n; i++) {
        if (!theirs.has_signature[i] || m->manifest.has_signature[i] ||
            m->config.deps.sig->verify(&m->manifest.founders[i].vote_key, BYTES_OF(h.b),
                                       &theirs.signatures[i]) != OK)
            continue;
        m->manifest.has_signature[i] = news = true;
        m->manifest.signatures[i] = theirs.signatures[i];
    }
    if (news || m->sent_signatures_ms < m->signing_since_ms)
        send_signatures(m);
    if (is_complete(&m->manifest))
        begin_cluster(m);
}

/* A whole manifest, from a peer that holds a cluster: this blank guardian belongs to it. */
static void on_manifest(struct guardian *m, struct reader *r)
{
    struct manifest theirs;
    if (m->is_founded || manifest_decode(rd_rest(r), &theirs) != OK ||
        manifest_check(&theirs, m->config.deps.sig, m->config.cluster_id) != OK)
        return;
    m->manifest = theirs;
    begin_cluster(m);
}

/* --- a founding that came to nothing --- */

/* How many founders no longer have the vote key of the manifest, as far as attested links show. */
static uint32_t lost_keys(struct guardian *m)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < m->manifest.n; i++) {
        const struct peer_subject *f = &m->manifest.founders[i];
        const struct link *l = link_of_gid(m, f->gid);
        struct sig_public mine = sig_public_of(&m->secrets.vote);
        const struct sig_public *now = f->gid == m->gid ? &mine : l ? &l->vote_key : NULL;
        lost += now && !sig_public_eq(*now, f->vote_key);
    }
    return lost;
}

/*
 * A complete manifest without a block 1, and too many of its keys are gone for
 * one ever to be decided: nobody can have acted on it, so it is forgotten, and
 * the founders begin again (design.md section 5).
 */
static void unfound_if_dead(struct guardian *m)
{
    const struct cfg *cfg = state_cfg(m->state);
    struct state *blank;
    uint64_t token;
    if (state_cluster(m->state).height > 0 || lost_keys(m) <= cfg->n - cfg->q)
        return;
    if (state_new(&blank, m->config.genesis, m->config.cluster_id, m->config.deps) != OK)
        return;
    log_warn("the founding died before its first block: %u of %u vote keys are gone", lost_keys(m),
             cfg->n);
    bft_free(m->bft);
    m->bft = NULL;
    state_free(m->state);
    m->state = blank;
    m->is_founded = false;
    member_seal_and_store(m, RECORD_MANIFEST, 0, bytes("", 0), &token); /* an empty one is none */
    member_seal_and_store(m, RECORD_CONSENSUS, 0, bytes("", 0), &token);
    start_over(m);
}

/* --- verdicts on a guardian --- */

static void on_verdict_ask(struct guardian *m, struct link *l)
{
    if (!member_votes(m))
        return;
    struct verdict v = {.signer = m->gid, .evidence = l->evidence, .tcb_status = l->tcb_status};
    v.not_after = (int64_t)member_unix_s(m) + 600;
    verdict_sign(&v, m->config.deps.sig, &m->secrets.vote, m->config.cluster_id,
                 peer_subject_hash(&l->subject));
    struct buf b = BUF_INIT(1024);
    struct writer w = writer(&b);
    peer_subject_write(&w, &l->subject);
    verdict_write(&w, &v);
    send_typed(m, l, MSG_VERDICT, &b);
    buf_free(&b);
}

static void on_verdict(struct guardian *m, struct link *l, struct reader *r)
{
    struct peer_subject s;
    struct verdict v;
    peer_subject_read(r, &s);
    verdict_read(r, &v);
    struct peer_subject me = member_own_subject(m);
    struct hash32 subject = peer_subject_hash(&me);
    /* Verdicts on different facts would spoil each other's list. */
    if (reader_end(r, E_MALFORMED) != OK || v.signer != l->subject.gid || !m->has_own ||
        !hash32_eq(peer_subject_hash(&s), subject) ||
        verdict_verify(&v, m->config.deps.sig, &l->vote_key, m->config.cluster_id, subject) != OK)
        return;
    uint32_t at = 0;
    while (at < m->n_my_verdicts && m->my_verdicts[at].signer < v.signer)
        at++;
    if (at == m->n_my_verdicts || m->my_verdicts[at].signer != v.signer) {
        if (m->n_my_verdicts == BFT_MAX_MEMBERS)
            return;
        memmove(&m->my_verdicts[at + 1], &m->my_verdicts[at], (m->n_my_verdicts - at) * sizeof v);
        m->n_my_verdicts++;
    }
    m->my_verdicts[at] = v;
}

static void write_verdicts(struct writer *w, const struct guardian *m)
{
    wr_u32(w, m->n_my_verdicts);
    for (uint32_t i = 0; i < m->n_my_verdicts; i++)
        verdict_write(w, &m->my_verdicts[i]);
}

/* Only verdicts of present members, by their present keys, count; others would spoil the list. */
static void drop_foreign_verdicts(struct guardian *m)
{
    uint32_t kept = 0;
    const struct cfg *cfg = state_cfg(m->state);
    struct peer_subject me = member_own_subject(m);
    struct hash32 subject = peer_subject_hash(&me);
    for (uint32_t i = 0; i < m->n_my_verdicts; i++) {
        const struct verdict *v = &m->my_verdicts[i];
        int at = cfg_find(cfg, v->signer);
        if (at >= 0 && !cfg->member[at].suspended &&
            v->not_after > (int64_t)member_unix_s(m) + 60 &&
            verdict_verify(v, m->config.deps.sig, &cfg->member[at].vote_key, m->config.cluster_id,
                           subject) == OK)
            m->my_verdicts[kept++] = *v;
    }
    m->n_my_verdicts = kept;
}

static void post_rekey(struct guardian *m, const struct cfg *cfg, int at)
{
    struct buf b = BUF_INIT(ENTRY_BODY_MAX);
    struct writer w = writer(&b);
    struct peer_subject me = member_own_subject(m);
    wr_raw(&w, cfg->member[at].vote_key.b, 32);
    peer_subject_write(&w, &me);
    write_verdicts(&w, m);
    if (writer_end(&w) == OK && member_post(m, CMD_REKEY, buf_bytes(&b), NULL) == OK)
        log_info("asked for a new vote key with %u verdicts", m->n_my_verdicts);
    buf_free(&b);
}

/* The newcomer's verdicts, to one member after the other. */
static void send_join(struct guardian *m)
{
    struct buf b = BUF_INIT(ENTRY_BODY_MAX);
    struct writer w = writer(&b);
    struct peer_subject me = member_own_subject(m);
    wr_bool(&w, true);
    peer_subject_write(&w, &me);
    write_verdicts(&w, m);
    if (writer_end(&w) == OK)
        send_to_all(m, MSG_JOIN, &b);
    buf_free(&b);
}

/* The way back after the own key ended while this guardian ran: another copy took the seat, or a
 * vote was seen that this one did not cast. */
static void replace_ended_key(struct guardian *m)
{
    if (m->secrets.has_vote || m->now.mono_ms < m->key_ended_ms + NEW_KEY_MS)
        return;
    new_vote_key(m, "the last one has ended");
    bft_set_key(m->bft, m->now, &m->secrets.vote);
}

void rejoin_tick(struct guardian *m)
{
    unfound_if_dead(m);
    if (!m->is_founded || member_votes(m))
        return;
    if (m->bft)
        replace_ended_key(m);
    found_judge_myself(m);
    if (!m->has_own || !m->gid || m->now.mono_ms < m->asked_verdicts_ms + 1000)
        return;
    m->asked_verdicts_ms = m->now.mono_ms;
    struct rec_session session = state_session(m->state);
    const struct cfg *cfg = state_cfg(m->state);
    int at = cfg_find(cfg, m->gid);
    if (at >= 0 && cfg->member[at].suspended)
        return;
    struct buf nothing = BUF_INIT(0);
    drop_foreign_verdicts(m);
    if (m->n_my_verdicts < cfg->q)
        send_to_all(m, MSG_VERDICT_ASK, &nothing);
    else if (at >= 0)
        post_rekey(m, cfg, at);
    else if (session.kind == SESSION_NONE && state_cluster(m->state).generation > 0)
        send_join(m);
}

/* The lowest member that votes opens the ceremony; the others try if nothing comes of it. */
static void on_join(struct guardian *m, struct reader *r)
{
    struct bytes body = rd_rest(r);
    if (!member_votes(m) || state_session(m->state).kind != SESSION_NONE ||
        m->now.mono_ms < m->submitted_ms[CMD_OPEN] + 500)
        return;
    (void)!member_post(m, CMD_OPEN, body, NULL);
}

void found_message(struct guardian *m, struct link *l, uint8_t type, struct reader *r)
{
    switch (type) {
    case MSG_MANIFEST_SIGN:
        on_manifest_sign(m, r);
        break;
    case MSG_MANIFEST:
        on_manifest(m, r);
        break;
    case MSG_VERDICT_ASK:
        on_verdict_ask(m, l);
        break;
    case MSG_VERDICT:
        on_verdict(m, l, r);
        break;
    case MSG_JOIN:
        on_join(m, r);
        break;
    case MSG_JUDGE_ASK:
        workload_asked(m, l, r);
        break;
    case MSG_JUDGE:
        workload_verdict(m, l, r);
        break;
    case MSG_CHECKPOINT_ASK:
    case MSG_CHECKPOINT_PART:
        checkpoint_message(m, l, type, r);
        break;
    default:
        link_drop(m, l, "unknown message");
    }
}
