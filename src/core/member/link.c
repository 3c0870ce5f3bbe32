/*
 * Links: mutual attestation on a connection (design.md section 5).
 *
 *   both      HELLO {cluster, seat key, vote key, instance id, nonce, has a cluster?}
 *   both      EVIDENCE {signatures by both keys, evidence whose REPORTDATA binds this
 *             connection, both nonces, the role, the cluster and the keys}
 *   both      READY {the gid that I know you by}
 *
 * Until both said READY nothing else is heard. A connection that was attested
 * speaks for exactly the keys of its HELLO.
 */
#include "core/member/member_int.h"
#include "base/log.h"

#define PROTOCOL_VERSION 1

void link_send(struct guardian *m, struct link *l, struct bytes message)
{
    m->config.out.send(m->config.out.ctx, l->id, message);
}

static struct link *find_link(struct guardian *m, uint32_t id)
{
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++)
        if (m->links[i].step != LINK_FREE && m->links[i].id == id)
            return &m->links[i];
    return NULL;
}

struct link *link_of_gid(struct guardian *m, uint32_t gid)
{
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++)
        if (m->links[i].step == LINK_ATTESTED && m->links[i].is_ready &&
            m->links[i].subject.gid == gid)
            return &m->links[i];
    return NULL;
}

/* Members ask each other for leases twice in a lease's time; whoever follows asks for blocks. */
bool link_answers(const struct guardian *m, uint32_t gid, const struct sig_public *vote_key)
{
    uint64_t lately = m->config.genesis->lease_ms / 2 + 2000;
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++) {
        const struct link *l = &m->links[i];
        if (l->step == LINK_ATTESTED && l->is_ready && l->subject.gid == gid &&
            sig_public_eq(l->vote_key, *vote_key) && m->now.mono_ms <= l->heard_ms + lately)
            return true;
    }
    return false;
}

static void forget_link(struct guardian *m, struct link *l)
{
    uint32_t gid = l->step == LINK_ATTESTED && l->is_ready ? l->subject.gid : 0;
    buf_free(&l->shown);
    *l = (struct link){.step = LINK_FREE};
    if (gid && m->bft && !link_of_gid(m, gid))
        bft_peer_down(m->bft, m->now, gid);
}

void link_drop(struct guardian *m, struct link *l, const char *why)
{
    uint32_t id = l->id;
    log_info("link %u closed: %s", id, why);
    forget_link(m, l);
    m->config.out.close(m->config.out.ctx, id, why);
}

static void send_hello(struct guardian *m, struct link *l)
{
    struct buf b = BUF_INIT(512);
    struct writer w = writer(&b);
    struct sig_public seat = sig_public_of(&m->secrets.seat),
                      vote = sig_public_of(&m->secrets.vote);
    wr_u8(&w, MSG_HELLO);
    wr_u8(&w, PROTOCOL_VERSION);
    wr_raw(&w, m->config.cluster_id.b, 32);
    wr_raw(&w, seat.b, sizeof seat.b);
    wr_raw(&w, vote.b, sizeof vote.b);
    wr_raw(&w, m->secrets.instance_id, sizeof m->secrets.instance_id);
    wr_raw(&w, l->my_nonce, sizeof l->my_nonce);
    wr_bool(&w, m->is_founded);
    link_send(m, l, buf_bytes(&b));
    buf_free(&b);
}

void member_link_open(struct guardian *m, struct now now, uint32_t id, struct bytes exporter,
                      bool is_client)
{
    m->now = now;
    struct link *l = NULL;
    for (unsigned i = 0; i < MEMBER_LINKS_MAX && !l; i++)
        if (m->links[i].step == LINK_FREE)
            l = &m->links[i];
    if (!l || exporter.n != BINDING_EXPORTER_SIZE) {
        m->config.out.close(m->config.out.ctx, id, "too many links");
        return;
    }
    *l = (struct link){
        .id = id, .step = LINK_HELLO, .is_client = is_client, .opened_ms = now.mono_ms};
    memcpy(l->exporter, exporter.p, sizeof l->exporter);
    rng_fill(m->config.rng, l->my_nonce, sizeof l->my_nonce);
    send_hello(m, l);
}

void member_link_closed(struct guardian *m, struct now now, uint32_t id)
{
    m->now = now;
    struct link *l = find_link(m, id);
    if (l)
        forget_link(m, l);
}

/* What REPORTDATA must hold on this link, of our evidence or of the other side's. */
static struct binding_peer binding(const struct guardian *m, const struct link *l, bool mine)
{
    struct binding_peer b = {.cluster_id = m->config.cluster_id};
    memcpy(b.exporter, l->exporter, sizeof b.exporter);
    memcpy(b.client_nonce, l->is_client ? l->my_nonce : l->its_nonce, sizeof b.client_nonce);
    memcpy(b.server_nonce, l->is_client ? l->its_nonce : l->my_nonce, sizeof b.server_nonce);
    b.role = l->is_client == mine ? BINDING_CLIENT : BINDING_SERVER;
    b.seat_key = mine ? sig_public_of(&m->secrets.seat) : l->seat_key;
    b.vote_key = mine ? sig_public_of(&m->secrets.vote) : l->vote_key;
    memcpy(b.instance_id, mine ? m->secrets.instance_id : l->instance_id, sizeof b.instance_id);
    return b;
}

static enum err on_hello(struct guardian *m, struct link *l, struct reader *r)
{
    struct hash32 cluster_id;
    rd_require(r, !l->has_hello && rd_u8(r) == PROTOCOL_VERSION);
    rd_copy(r, cluster_id.b, sizeof cluster_id.b);
    rd_copy(r, l->seat_key.b, sizeof l->seat_key.b);
    rd_copy(r, l->vote_key.b, sizeof l->vote_key.b);
    rd_copy(r, l->instance_id, sizeof l->instance_id);
    rd_copy(r, l->its_nonce, sizeof l->its_nonce);
    l->has_cluster = rd_bool(r);
    TRY(reader_end(r, E_MALFORMED));
    if (!hash32_eq(cluster_id, m->config.cluster_id))
        return E_NOT_ALLOWED;
    l->has_hello = true;
    l->step = LINK_EVIDENCE;
    struct job *j = job_new(m, JOB_LINK_QUOTE, 10000);
    if (!j)
        return E_RATE;
    j->link = l->id;
    struct quote_request q = {.kind = QUOTE_PEER, .peer = binding(m, l, true)};
    m->config.out.quote(m->config.out.ctx, j->id, &q);
    return OK;
}

void link_quoted(struct guardian *m, struct job *j, struct bytes evidence)
{
    struct link *l = find_link(m, j->link);
    if (!l)
        return;
    if (!evidence.n) {
        link_drop(m, l, "no evidence could be made");
        return;
    }
    struct binding_peer bound = binding(m, l, true);
    struct hash64 h = binding_peer(&bound);
    struct signature by_seat = m->config.deps.sig->sign(&m->secrets.seat, BYTES_OF(h.b));
    struct signature by_vote = m->config.deps.sig->sign(&m->secrets.vote, BYTES_OF(h.b));
    struct buf b = BUF_INIT(MEMBER_EVIDENCE_MAX + 1024);
    struct writer w = writer(&b);
    wr_u8(&w, MSG_EVIDENCE);
    wr_raw(&w, by_seat.b, sizeof by_seat.b);
    wr_raw(&w, by_vote.b, sizeof by_vote.b);
    wr_var(&w, evidence);
    if (writer_end(&w) == OK)
        link_send(m, l, buf_bytes(&b));
    buf_free(&b);
}

static enum err on_evidence(struct guardian *m, struct link *l, struct reader *r)
{
    struct signature by_seat, by_vote;
    rd_copy(r, by_seat.b, sizeof by_seat.b);
    rd_copy(r, by_vote.b, sizeof by_vote.b);
    struct bytes evidence = rd_var(r, MEMBER_EVIDENCE_MAX);
    TRY(reader_end(r, E_MALFORMED));
    if (l->step != LINK_EVIDENCE || l->has_evidence)
        return E_MALFORMED; /* one judgement for a link */
    struct binding_peer bound = binding(m, l, false);
    struct hash64 h = binding_peer(&bound);
    TRY(m->config.deps.sig->verify(&l->seat_key, BYTES_OF(h.b), &by_seat));
    TRY(m->config.deps.sig->verify(&l->vote_key, BYTES_OF(h.b), &by_vote));
    struct job *j = job_new(m, JOB_LINK_JUDGE, 10000);
    if (!j)
        return E_RATE;
    j->link = l->id;
    l->has_evidence = true;
    l->evidence = sha256(evidence);
    l->shown = BUF_INIT(MEMBER_EVIDENCE_MAX);
    TRY(buf_add(&l->shown, evidence.p, evidence.n));
    l->collateral = m->collateral;
    m->config.out.judge(m->config.out.ctx, j->id, evidence);
    return OK;
}

/* The guest was started for this cluster: what its launch configuration says (design.md 3). */
static enum err check_launch(const struct guardian *m, const struct claims *c, struct problem *p)
{
    static const uint8_t zero[16];
    const uint8_t *id = m->config.cluster_id.b;
    if (c->platform == PLATFORM_SNP && memcmp(c->snp.host_data, id, 32) != 0)
        return problem(p, E_HOST_DATA, "HOST_DATA is not the cluster's id");
    if (c->platform == PLATFORM_TDX && (memcmp(c->tdx.mr_config_id, id, 32) != 0 ||
                                        memcmp(c->tdx.mr_config_id + 32, zero, 16) != 0))
        return problem(p, E_HOST_DATA, "MRCONFIGID is not the cluster's id");
    return OK;
}

/* HOST_DATA is the cluster's id and stands in no guardian's record. */
static struct hash32 software_hash(const struct claims *c)
{
    return c->platform == PLATFORM_SNP ? c->measurement_hash_bare : c->measurement_hash;
}

static enum err whitelisted(struct guardian *m, const struct claims *c, struct problem *p)
{
    struct policy_record record;
    struct hash32 hash = software_hash(c);
    if (m->is_founded) {
        struct rec_measurement rec;
        struct hash32 which;
        enum err e = state_measurement(m->state, NS_GUARDIAN, hash, hash, &rec, &which);
        if (e != OK)
            return problem(p, e, "%s", err_text(e));
        TRY(policy_decode(rec.policy, &record));
        return policy_match(&record, c, p);
    }
    const struct genesis *g = m->config.genesis;
    for (uint32_t i = 0; i < g->n_measurements; i++) {
        TRY(policy_parse(bytes_str(g->measurements[i]), &record, p));
        if (hash32_eq(policy_measurement_hash(&record), hash))
            return policy_match(&record, c, p);
    }
    return problem(p, E_MEAS_NOT_FOUND, "the guardian policy does not name this software");
}

void peer_subject_fill(struct peer_subject *s, const struct claims *c)
{
    struct bytes id = claims_platform_id(c);
    s->platform = c->platform;
    s->platform_id.n = id.n;
    memcpy(s->platform_id.b, id.p, id.n);
    s->measurement_hash = software_hash(c);
}

enum err link_judge_guardian(struct guardian *m, const struct claims *c, struct peer_subject *out,
                             struct problem *p)
{
    if (c->simulated && !m->config.genesis->simulation)
        return problem(p, E_CHAIN, "simulated evidence in a cluster that is none");
    TRY(whitelisted(m, c, p));
    TRY(check_launch(m, c, p));
    struct bytes platform_id = claims_platform_id(c);
    struct rec_seat seat;
    if (!member_seat_of_platform(m, platform_id, &seat))
        return problem(p, E_CHIP, "no seat is for this machine");
    if (seat.is_pinned && !sig_public_eq(seat.seat_key, out->seat_key))
        return problem(p, E_NOT_ALLOWED, "seat %u is held by another key", seat.gid);
    out->gid = seat.gid;
    peer_subject_fill(out, c);
    return OK;
}

/* Both sides accept each other. A newcomer learns its number from those who read the log. */
static enum err become_ready(struct guardian *m, struct link *l)
{
    if (m->gid == 0)
        member_take_seat(m, l->ready_gid);
    if (l->ready_gid != m->gid) {
        l->is_ready = false;
        return E_NOT_ALLOWED;
    }
    found_link_ready(m, l);
    return OK;
}

/* The verdict on what a link showed; fills subject if it is OK. */
static enum err judge_link(struct guardian *m, const struct link *l, const struct claims *claims,
                           struct peer_subject *subject, struct problem *p)
{
    struct binding_peer bound = binding(m, l, false);
    struct hash64 h = binding_peer(&bound);
    *subject = (struct peer_subject){.seat_key = l->seat_key, .vote_key = l->vote_key};
    if (memcmp(claims->report_data, h.b, sizeof h.b) != 0)
        return problem(p, E_NONCE, "the evidence is not for this connection");
    TRY(link_judge_guardian(m, claims, subject, p));
    return subject->gid != m->gid ? OK : problem(p, E_NOT_ALLOWED, "this is our own seat");
}

/* The seat whose key signed for this link; 0 if none is known by it. */
static uint32_t gid_of_seat_key(const struct guardian *m, const struct link *l)
{
    const struct peer_subject *s = &l->subject;
    if (l->step == LINK_ATTESTED)
        return s->gid;
    for (unsigned i = 0; i < PEER_NOTES_MAX; i++)
        if (m->notes[i].gid && sig_public_eq(m->notes[i].seat_key, l->seat_key))
            return m->notes[i].gid;
    return 0;
}

static void refuse(struct guardian *m, struct link *l, enum err e, struct problem *p)
{
    uint32_t gid = gid_of_seat_key(m, l);
    p->err = e;
    log_warn("a peer was refused: seat=%u %s: %s", gid, err_code(e), problem_text(p));
    if (gid)
        peers_refused(m, gid, p);
    link_drop(m, l, "refused");
}

void link_judged(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                 const struct problem *problem_in)
{
    struct link *l = find_link(m, j->link);
    struct problem p = {0};
    if (problem_in)
        p = *problem_in;
    if (!l || l->step != LINK_EVIDENCE)
        return;
    if (e == OK)
        e = judge_link(m, l, claims, &l->subject, &p);
    if (e != OK) {
        refuse(m, l, e, &p);
        return;
    }
    l->step = LINK_ATTESTED;
    m->config.out.trust(m->config.out.ctx, l->id);
    l->tcb_status = claims->tcb_status;
    peers_attested(m, l->subject.gid, &l->seat_key, claims);
    struct buf b = BUF_INIT(16);
    struct writer w = writer(&b);
    wr_u8(&w, MSG_READY);
    wr_u32(&w, l->subject.gid);
    link_send(m, l, buf_bytes(&b));
    buf_free(&b);
    if (l->is_ready && become_ready(m, l) != OK)
        link_drop(m, l, "it knows us by another number");
}

void link_judged_again(struct guardian *m, struct job *j, enum err e, const struct claims *claims,
                       const struct problem *problem_in)
{
    struct link *l = find_link(m, j->link);
    struct problem p = {0};
    struct peer_subject subject;
    if (problem_in)
        p = *problem_in;
    if (!l || l->step != LINK_ATTESTED)
        return;
    if (e == OK)
        e = judge_link(m, l, claims, &subject, &p);
    if (e != OK) {
        refuse(m, l, e, &p);
        return;
    }
    l->collateral = j->collateral;
    l->tcb_status = claims->tcb_status;
    peers_attested(m, l->subject.gid, &l->seat_key, claims);
}

static enum err on_ready(struct guardian *m, struct link *l, struct reader *r)
{
    uint32_t gid = rd_u32(r);
    TRY(reader_end(r, E_MALFORMED));
    if (gid == 0 || (m->gid != 0 && gid != m->gid))
        return E_NOT_ALLOWED;
    l->ready_gid = gid;
    l->is_ready = true;
    return l->step == LINK_ATTESTED ? become_ready(m, l) : OK;
}

void member_link_message(struct guardian *m, struct now now, uint32_t id, struct bytes message)
{
    m->now = now;
    struct link *l = find_link(m, id);
    if (!l)
        return;
    l->heard_ms = now.mono_ms;
    struct reader r = reader(message);
    uint8_t type = rd_u8(&r);
    enum err e = E_MALFORMED;
    if (type == MSG_HELLO)
        e = on_hello(m, l, &r);
    else if (type == MSG_EVIDENCE)
        e = on_evidence(m, l, &r);
    else if (type == MSG_READY && l->has_hello)
        e = on_ready(m, l, &r);
    else if (l->step == LINK_ATTESTED && l->is_ready) {
        e = OK;
        if (type != MSG_LOG)
            found_message(m, l, type, &r);
        else if (m->bft)
            e = bft_message(m->bft, now, l->subject.gid, rd_rest(&r));
    } else if (l->step == LINK_ATTESTED || l->step == LINK_EVIDENCE) {
        e = OK; /* sent before it knew that we are not ready: sent again later */
    }
    if (e != OK) {
        log_warn("link %u sent a bad message of type %u: %s", id, type, err_code(e));
        l = find_link(m, id);
        if (l)
            link_drop(m, l, "bad message");
    }
}
