/* Members that come back with a new vote key, members that were caught lying, and time. */
#include "core/state/state_int.h"

/* A seat may change its vote key this often in this long (consensus.md, Restart). */
#define REKEYS_MAX       10
#define REKEYS_WINDOW_MS (10 * 60 * 1000)

static enum err count_rekey(struct apply *a, struct rec_seat *seat)
{
    if (a->at.time_ms >= seat->rekeys_since_ms + REKEYS_WINDOW_MS) {
        seat->rekeys = 0;
        seat->rekeys_since_ms = a->at.time_ms;
    }
    if (++seat->rekeys > REKEYS_MAX)
        return problem(a->p, E_RATE, "seat %u changed its vote key too often", seat->gid);
    return OK;
}

/* Body: the key it replaces, the member as it is now, and the verdicts of q others on that. */
enum err apply_rekey(struct apply *a)
{
    struct state *s = a->s;
    struct reader r = reader(a->entry.body);
    struct sig_public old;
    struct peer_subject who;
    struct verdict v[BFT_MAX_MEMBERS];
    rd_copy(&r, old.b, sizeof old.b);
    peer_subject_read(&r, &who);
    size_t n = verdicts_read(&r, v);
    TRY(reader_end(&r, E_MALFORMED));
    struct cfg next;
    TRY(state_next_cfg(s, &next));
    int at = cfg_find(&next, a->entry.author);
    if (at < 0 || who.gid != a->entry.author || !sig_public_eq(next.member[at].vote_key, old) ||
        !sig_public_eq(next.member[at].seat_key, who.seat_key) || sig_public_eq(old, who.vote_key))
        return problem(a->p, E_NOT_ALLOWED, "seat %u does not hold that key", a->entry.author);
    struct key k = key_gid('s', who.gid);
    struct rec_seat seat;
    TRY(seat_get(s->store, &k, &seat));
    if (!bytes_eq(bytes(seat.platform_id.b, seat.platform_id.n),
                  bytes(who.platform_id.b, who.platform_id.n)))
        return problem(a->p, E_CHIP, "seat %u is for another machine", who.gid);
    struct rec_measurement m;
    struct hash32 which;
    TRY(state_measurement(s, NS_GUARDIAN, who.measurement_hash, who.measurement_hash, &m, &which));
    TRY(verdicts_check(v, n, &s->cfg, s->deps.sig, peer_subject_hash(&who), apply_unix(a)));
    TRY(count_rekey(a, &seat));
    TRY(seat_put(s->store, &k, &seat));
    next.member[at].vote_key = who.vote_key;
    return state_put_cfg(a, &next);
}

/* Body: the log core's evidence that one key signed two things no honest member signs. It is judged
 * under the cfg of its height (consensus.md, H11), so a key that was replaced since still answers
 * for its time, and for no other. */
enum err apply_fault(struct apply *a)
{
    struct equivocation liar;
    TRY(equivocation_peek(a->entry.body, &liar));
    if (liar.height > a->at.height)
        return problem(a->p, E_NOT_READY, "the members of height %llu are not known yet",
                       (unsigned long long)liar.height);
    struct cfg cfg;
    TRY(state_past_cfg(a->s, liar.height, &cfg));
    struct hash32 proof = proof_name(a->id, cfg_hash(&cfg));
    if (!proof_known(a->s, proof)) {
        TRY(equivocation_check(a->s->deps.sig, &cfg, a->entry.body, &liar));
        proof_remember(a->s, proof);
    }
    int at = cfg_find(&cfg, liar.gid);
    if (at < 0)
        return E_NOT_ALLOWED;
    /* At most one per seat and key: the record is named by both. */
    struct key k = key_gid('b', liar.gid);
    memcpy(k.b + k.n, cfg.member[at].vote_key.b, 8);
    k.n += 8;
    if (store_get(a->s->store, key_bytes(&k)).p)
        return E_NOT_ALLOWED;
    struct rec_blame b = {
        .gid = liar.gid, .kind = BLAME_EQUIVOCATION, .height = liar.height, .entry = a->id};
    return blame_put(a->s->store, &k, &b);
}

/* Body: none. A block with nothing else to say but its time, for fresh challenges. */
enum err apply_tick(struct apply *a)
{
    if (a->entry.body.n != 0)
        return E_MALFORMED;
    if (a->at.time_ms < state_cluster(a->s).time_ms + TICK_MS / 2)
        return problem(a->p, E_NOT_ALLOWED, "the last block is young enough");
    return OK;
}
