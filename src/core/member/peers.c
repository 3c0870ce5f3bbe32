/*
 * What this guardian knows of the others: whom it trusts and since when, and who
 * lost that, when and why (api.md "Observability"). Trust is what attestation
 * gave; whether a link is up at this moment is another question.
 *
 * When collateral changes, what was judged before is judged again: a link's
 * evidence is kept for that, and a link whose peer does not stand any more ends.
 */
#include "core/member/member_int.h"

/* Judgements under way at once: verifiers have others to judge, too. */
#define AGAIN_MAX 4
#define AGAIN_MS  10000

/* --- notes --- */

static struct peer_note *note_of(struct guardian *m, uint32_t gid)
{
    for (unsigned i = 0; i < PEER_NOTES_MAX; i++)
        if (m->notes[i].gid == gid)
            return &m->notes[i];
    return NULL;
}

/* Seats that were given up make room for new ones, the longest unseen first. */
static struct peer_note *new_note(struct guardian *m)
{
    struct peer_note *oldest = &m->notes[0];
    for (unsigned i = 0; i < PEER_NOTES_MAX && oldest->gid; i++)
        if (m->notes[i].gid == 0 || m->notes[i].last_seen < oldest->last_seen)
            oldest = &m->notes[i];
    return oldest;
}

void peers_attested(struct guardian *m, uint32_t gid, const struct sig_public *seat_key,
                    const struct claims *claims)
{
    struct peer_note *n = note_of(m, gid);
    if (!n) {
        n = new_note(m);
        *n = (struct peer_note){.gid = gid, .first_seen = member_unix_s(m)};
    }
    n->seat_key = *seat_key;
    n->claims = *claims;
    n->last_seen = n->last_attestation = member_unix_s(m);
    n->revoked_at = 0;
    n->why = (struct problem){0};
}

void peers_refused(struct guardian *m, uint32_t gid, const struct problem *why)
{
    struct peer_note *n = note_of(m, gid);
    if (!n)
        return;
    n->last_seen = member_unix_s(m);
    n->why = *why;
    if (!n->revoked_at)
        n->revoked_at = member_unix_s(m);
}

/* --- judging again --- */

static unsigned jobs_again(const struct guardian *m, uint32_t link)
{
    unsigned n = 0;
    for (unsigned i = 0; i < JOBS_MAX; i++)
        n += m->jobs[i].kind == JOB_LINK_AGAIN && (link == 0 || m->jobs[i].link == link);
    return n;
}

static void judge_again(struct guardian *m, struct link *l)
{
    struct job *j = job_new(m, JOB_LINK_AGAIN, AGAIN_MS);
    if (!j)
        return;
    j->link = l->id;
    j->collateral = m->collateral;
    m->config.out.judge(m->config.out.ctx, j->id, buf_bytes(&l->shown));
}

void peers_tick(struct guardian *m)
{
    for (unsigned i = 0; i < MEMBER_LINKS_MAX; i++) {
        struct link *l = &m->links[i];
        if (l->step == LINK_ATTESTED && l->collateral != m->collateral &&
            jobs_again(m, l->id) == 0 && jobs_again(m, 0) < AGAIN_MAX)
            judge_again(m, l);
    }
    if (m->is_founded)
        found_judge_myself(m);
}

/* --- answers --- */

static void put_tdx(struct json_builder *b, const struct tdx_claims *c)
{
    static const char *const rtmr[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    jb_object(b, "tdx_info");
    for (unsigned i = 0; i < 4; i++)
        jb_hex(b, rtmr[i], BYTES_OF(c->rtmr[i]));
    jb_hex(b, "mr_td", BYTES_OF(c->mrtd));
    jb_hex(b, "mr_seam", BYTES_OF(c->mr_seam));
    jb_hex(b, "mrsigner_seam", BYTES_OF(c->mrsigner_seam));
    jb_hex(b, "tcb_svn", BYTES_OF(c->tee_tcb_svn));
    jb_hex(b, "td_attributes", BYTES_OF(c->td_attributes));
    jb_hex(b, "xfam", BYTES_OF(c->xfam));
    jb_hex(b, "vendor_id", BYTES_OF(c->vendor_id));
    jb_uint(b, "quote_version", c->quote_version);
    jb_close(b);
}

static void put_snp(struct json_builder *b, const struct snp_claims *c)
{
    jb_object(b, "sev_snp_info");
    jb_hex(b, "measurement", BYTES_OF(c->measurement));
    jb_hex(b, "host_data", BYTES_OF(c->host_data));
    jb_hex(b, "report_id", BYTES_OF(c->report_id));
    jb_text(b, "product", snp_product_name(c->product));
    jb_uint(b, "guest_svn", c->guest_svn);
    jb_uint(b, "vmpl", c->vmpl);
    jb_uint(b, "bootloader_svn", c->reported_tcb.bootloader);
    jb_uint(b, "tee_svn", c->reported_tcb.tee);
    jb_uint(b, "snp_svn", c->reported_tcb.snp);
    jb_uint(b, "microcode_svn", c->reported_tcb.microcode);
    jb_uint(b, "report_version", c->version);
    jb_close(b);
}

static void put_address(struct guardian *m, const struct peer_note *n, struct json_builder *b)
{
    struct rec_seat seat;
    if (!member_seat_of_platform(m, claims_platform_id(&n->claims), &seat) || !seat.host[0])
        return;
    jb_text(b, "ip_address", seat.host);
    jb_uint(b, "raft_port", seat.peer_port);
    jb_uint(b, "api_port", seat.api_port);
}

static void put_trust(const struct peer_note *n, struct json_builder *b)
{
    char reason[sizeof n->why.detail + 64];
    jb_bool(b, "is_trusted", n->revoked_at == 0);
    if (n->revoked_at == 0) {
        jb_null(b, "revoked_at");
        return;
    }
    snprintf(reason, sizeof reason, "%s: %s", err_code(n->why.err), problem_text(&n->why));
    jb_uint(b, "revoked_at", n->revoked_at);
    jb_text(b, "revocation_reason", reason);
}

static void put_peer(struct guardian *m, const struct peer_note *n, struct json_builder *b)
{
    jb_object(b, NULL);
    jb_hex(b, "measurement_id", BYTES_OF(n->claims.measurement_hash_bare.b));
    jb_hex(b, "platform_id", claims_platform_id(&n->claims));
    put_address(m, n, b);
    if (n->claims.platform == PLATFORM_TDX)
        put_tdx(b, &n->claims.tdx);
    else
        put_snp(b, &n->claims.snp);
    jb_uint(b, "first_seen", n->first_seen);
    jb_uint(b, "last_seen", n->last_seen);
    jb_uint(b, "last_attestation", n->last_attestation);
    jb_text(b, "discovery_source", "DirectConnection");
    put_trust(n, b);
    jb_close(b);
}

static void put_stats(struct guardian *m, struct json_builder *b)
{
    uint64_t total = 0, revoked = 0;
    for (unsigned i = 0; i < PEER_NOTES_MAX; i++) {
        total += m->notes[i].gid != 0;
        revoked += m->notes[i].gid != 0 && m->notes[i].revoked_at != 0;
    }
    jb_object(b, "peers");
    jb_uint(b, "total", total);
    jb_uint(b, "trusted", total - revoked);
    jb_uint(b, "revoked", revoked);
    jb_close(b);
}

static void put_list(struct guardian *m, bool with_trusted, bool with_revoked,
                     struct json_builder *b)
{
    jb_array(b, "peers");
    for (unsigned i = 0; i < PEER_NOTES_MAX; i++) {
        const struct peer_note *n = &m->notes[i];
        if (n->gid && (n->revoked_at ? with_revoked : with_trusted))
            put_peer(m, n, b);
    }
    jb_close(b);
}

enum err peers_answer(struct guardian *m, uint64_t request, const struct member_request *r,
                      struct problem *p)
{
    (void)p;
    struct json_builder b = json_build();
    if (strcmp(r->route, "peers.stats") == 0)
        put_stats(m, &b);
    else
        put_list(m, strcmp(r->route, "peers.revoked") != 0, strcmp(r->route, "peers.trusted") != 0,
                 &b);
    api_json(m, request, 200, &b);
    return OK;
}
