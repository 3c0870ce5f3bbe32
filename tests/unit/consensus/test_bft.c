/* One member of the log under test, the others in the test's hands: each rule by itself. */
#include "../../sim/consensus/bench.h"
#include "ideal_sig.h"
#include "test.h"

static const struct hash32 nil;

/* Seats 0..3 of a cluster of four with one liar; the member under test is seat 3. */
enum { A, B, C, ME };

static struct bench *four(void)
{
    struct bench *t = calloc(1, sizeof *t);
    assert_non_null(t);
    bench_new(t, 4, 1, BFT_STRICT, ME);
    return t;
}

static void drop(struct bench *t)
{
    bench_free(t);
    free(t);
}

static void assert_voted(const struct bench *t, enum vote_type type, uint32_t round,
                         struct hash32 id)
{
    const struct vote *v = bench_vote_of(t, type, round);
    assert_non_null(v);
    assert_memory_equal(v->id.b, id.b, 32);
}

/* Decides the next height with a block of seat A and the votes of A, B and C. */
static void decide_one(struct bench *t, uint64_t nonce)
{
    struct buf block = bench_block(t, A, 0, nonce, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    struct certificate c = bench_certify(t, VOTE_PRECOMMIT, 7, 0, id);
    uint64_t before = t->height;
    assert_ok(bench_give_block(t, A, buf_bytes(&block), &c));
    assert_int_equal(t->height, before + 1);
    buf_free(&block);
}

/* --- messages ----------------------------------------------------------------------- */

static void a_message_that_is_cut_is_malformed(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    struct message m = {.type = WIRE_BLOCK, .height = 1, .block = buf_bytes(&block)};
    m.certificate = bench_certify(t, VOTE_PRECOMMIT, 7, 0, id);
    struct buf out = BUF_INIT(BFT_MAX_MESSAGE);
    struct writer w = writer(&out);
    message_encode(&w, &m);
    for (size_t n = 0; n < out.n; n++)
        assert_err(bft_message(t->b, t->now, bench_gid(t, A), bytes(out.p, n)), E_MALFORMED);
    assert_int_equal(t->height, 0);
    assert_ok(bft_message(t->b, t->now, bench_gid(t, A), buf_bytes(&out)));
    assert_int_equal(t->height, 1);
    buf_free(&out);
    buf_free(&block);
    drop(t);
}

static void a_bad_signature_is_named(void **state)
{
    struct bench *t = four();
    struct message m = {.type = WIRE_VOTE, .has_vote = true};
    m.vote = bench_cast(t, B, VOTE_PREVOTE, 0, nil);
    m.vote.gid = bench_gid(t, C);
    assert_err(bench_give(t, B, &m), E_SIGNATURE);
    drop(t);
}

static void a_block_with_too_few_or_false_votes_is_refused(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    struct certificate few = bench_certify(t, VOTE_PRECOMMIT, 3, 0, id);
    assert_err(bench_give_block(t, A, buf_bytes(&block), &few), E_SIGNATURE);
    struct certificate good = bench_certify(t, VOTE_PRECOMMIT, 7, 0, id);
    struct certificate bad = good;
    bad.vote[2].signature.b[3] ^= 1;
    assert_err(bench_give_block(t, A, buf_bytes(&block), &bad), E_SIGNATURE);
    struct buf other = bench_block(t, A, 0, 2, 0);
    assert_err(bench_give_block(t, A, buf_bytes(&other), &good), E_MALFORMED);
    assert_int_equal(t->height, 0);
    assert_ok(bench_give_block(t, A, buf_bytes(&block), &good));
    assert_int_equal(t->height, 1);
    buf_free(&block);
    buf_free(&other);
    drop(t);
}

/* --- Algorithm 1 ------------------------------------------------------------------------ */

static void a_height_goes_from_proposal_to_decision(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    assert_voted(t, VOTE_PREVOTE, 0, id);
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, 0, id, NULL));
    assert_null(bench_vote_of(t, VOTE_PRECOMMIT, 0));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 0, id, NULL));
    assert_voted(t, VOTE_PRECOMMIT, 0, id);
    struct certificate pol = bench_certify(t, VOTE_PREVOTE, 7, 0, id);
    assert_ok(bench_give_vote(t, A, VOTE_PRECOMMIT, 0, id, &pol));
    assert_int_equal(t->height, 0);
    assert_ok(bench_give_vote(t, B, VOTE_PRECOMMIT, 0, id, &pol));
    assert_int_equal(t->height, 1);
    buf_free(&block);
    drop(t);
}

static void a_proposal_of_another_seat_is_not_voted_for(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, B, 0, 1, 0);
    assert_ok(bench_give_proposal(t, B, 0, buf_bytes(&block), NULL));
    assert_null(bench_last(t, WIRE_VOTE));
    buf_free(&block);
    drop(t);
}

static void a_block_that_does_not_follow_gets_nil(void **state)
{
    for (int wrong = 0; wrong < 4; wrong++) {
        struct bench *t = four();
        struct cfg cfg = t->ledger.cfg;
        struct bft_run run = t->ledger.run;
        struct hash32 root = t->ledger.root;
        if (wrong == 0)
            t->ledger.root.b[0] ^= 1; /* the state root */
        if (wrong == 1)
            t->ledger.cfg.epoch++; /* the cfg */
        struct buf block = bench_block(t, wrong == 2 ? B : A, wrong == 3 ? 1 : 0, 1, 0);
        t->ledger.cfg = cfg;
        t->ledger.run = run;
        t->ledger.root = root;
        assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
        assert_voted(t, VOTE_PREVOTE, 0, nil);
        buf_free(&block);
        drop(t);
    }
}

static void votes_of_f_plus_1_seats_take_a_member_to_their_round(void **state)
{
    struct bench *t = four();
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, 9, nil, NULL));
    struct bft_status s;
    bft_status(t->b, &s);
    assert_int_equal(s.round, 0);
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 5, nil, NULL));
    bft_status(t->b, &s);
    assert_int_equal(s.round, 5);
    assert_true(s.active);
    drop(t);
}

static void a_round_too_far_away_is_not_followed(void **state)
{
    struct bench *t = four();
    uint32_t far = (1 << 20) + 1;
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, far, nil, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, far, nil, NULL));
    struct bft_status s;
    bft_status(t->b, &s);
    assert_int_equal(s.round, 0);
    drop(t);
}

static void a_round_proof_needs_its_votes(void **state)
{
    struct bench *t = four();
    struct message m = {.type = WIRE_ROUND_PROOF, .proof = {.round = 3, .n = 1}};
    m.proof.vote[0] = bench_cast(t, A, VOTE_PREVOTE, 3, nil);
    assert_err(bench_give(t, A, &m), E_MALFORMED);
    m.proof.n = 2;
    m.proof.vote[1] = bench_cast(t, B, VOTE_PREVOTE, 2, nil);
    assert_err(bench_give(t, A, &m), E_MALFORMED);
    m.proof.vote[1] = bench_cast(t, B, VOTE_PRECOMMIT, 4, nil);
    assert_ok(bench_give(t, A, &m));
    struct bft_status s;
    bft_status(t->b, &s);
    assert_int_equal(s.round, 3);
    drop(t);
}

/* F6: a liar that voted nil here is in the certificate all the same. */
static void a_certificate_counts_votes_that_were_different_here(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    assert_ok(bench_give_vote(t, C, VOTE_PREVOTE, 0, nil, NULL));
    struct message m = {.type = WIRE_POL};
    m.certificate = bench_certify(t, VOTE_PREVOTE, 7, 0, id);
    assert_ok(bench_give(t, A, &m));
    assert_voted(t, VOTE_PRECOMMIT, 0, id);
    buf_free(&block);
    drop(t);
}

static void two_votes_of_a_key_are_evidence_once(void **state)
{
    struct bench *t = four();
    struct hash32 a = sha256(bytes_str("a"));
    assert_ok(bench_give_vote(t, C, VOTE_PREVOTE, 0, nil, NULL));
    assert_ok(bench_give_vote(t, C, VOTE_PREVOTE, 0, nil, NULL));
    assert_int_equal(t->evidence, 0);
    assert_ok(bench_give_vote(t, C, VOTE_PREVOTE, 0, a, NULL));
    assert_int_equal(t->evidence, 1);
    assert_ok(bench_give_vote(t, C, VOTE_PREVOTE, 1, nil, NULL));
    assert_ok(bench_give_vote(t, C, VOTE_PREVOTE, 1, a, NULL));
    assert_int_equal(t->evidence, 1);
    drop(t);
}

static void two_proposals_of_a_key_are_evidence(void **state)
{
    struct bench *t = four();
    struct buf one = bench_block(t, A, 0, 1, 0), two = bench_block(t, A, 0, 2, 0);
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&one), NULL));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&two), NULL));
    assert_int_equal(t->evidence, 1);
    assert_voted(t, VOTE_PREVOTE, 0, bench_id(buf_bytes(&one)));
    buf_free(&one);
    buf_free(&two);
    drop(t);
}

static void a_suspended_seat_does_not_count(void **state)
{
    struct bench *t = four();
    t->ledger.cfg.member[A].suspended = true;
    bench_reboot(t, &t->key[ME]);
    struct buf block = bench_block(t, B, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, B, 0, buf_bytes(&block), NULL));
    assert_voted(t, VOTE_PREVOTE, 0, id);
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, 0, id, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 0, id, NULL));
    assert_null(bench_vote_of(t, VOTE_PRECOMMIT, 0));
    assert_ok(bench_give_vote(t, C, VOTE_PREVOTE, 0, id, NULL));
    assert_voted(t, VOTE_PRECOMMIT, 0, id);
    buf_free(&block);
    drop(t);
}

/* --- local checks ------------------------------------------------------------------------- */

static void prevote_for_time(struct bench *t, uint64_t time_ms, bool yes)
{
    struct buf block = bench_block(t, A, 0, 100 + t->height, time_ms);
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    assert_voted(t, VOTE_PREVOTE, 0, yes ? bench_id(buf_bytes(&block)) : nil);
    buf_free(&block);
}

static void a_block_from_another_time_gets_nil(void **state)
{
    static const struct {
        int64_t off;
        bool yes;
    } table[] = {{0, true}, {5000, true}, {-5000, true}, {5001, false}, {-5001, false}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct bench *t = four();
        prevote_for_time(t, t->now.unix_ms + (uint64_t)table[i].off, table[i].yes);
        drop(t);
    }
}

/* H2: after a block from the future, honest members go on from it. */
static void a_parent_ahead_of_the_clock_is_followed_by_one_millisecond(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct bench *t = four();
        uint64_t ahead = t->now.unix_ms + 3600000;
        struct buf block = bench_block(t, A, 0, 1, ahead);
        struct certificate c = bench_certify(t, VOTE_PRECOMMIT, 7, 0, bench_id(buf_bytes(&block)));
        assert_ok(bench_give_block(t, A, buf_bytes(&block), &c));
        buf_free(&block);
        prevote_for_time(t, ahead + 1 + (uint64_t)late, late == 0);
        drop(t);
    }
}

/* H1 */
static void a_proposer_that_passes_over_an_entry_gets_nil_after_a_while(void **state)
{
    for (int early = 0; early < 2; early++) {
        struct bench *t = four();
        struct buf entry = bench_entry(77, 0);
        /* Five seconds ago nobody started the height: the first block is then decided. */
        assert_ok(bench_submit(t, buf_bytes(&entry)));
        assert_int_equal(bench_count(t, WIRE_ENTRY), 1);
        t->now.mono_ms += early ? 900 : 1100;
        struct buf block = bench_block(t, A, 0, 1, 0);
        struct certificate c = bench_certify(t, VOTE_PRECOMMIT, 7, 0, bench_id(buf_bytes(&block)));
        assert_ok(bench_give_block(t, B, buf_bytes(&block), &c));
        buf_free(&block);
        bench_forget(t);
        block = bench_block(t, A, 0, 2, 0);
        assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
        assert_voted(t, VOTE_PREVOTE, 0, early ? bench_id(buf_bytes(&block)) : nil);
        buf_free(&block);
        buf_free(&entry);
        drop(t);
    }
}

/* The second makes the first invalid and the third makes it valid again: left out, it would be one
 * that the block passes over. */
static void a_proposer_leaves_nothing_out_that_is_valid_after_its_block(void **state)
{
    struct bench *t = calloc(1, sizeof *t);
    bench_new(t, 4, 1, BFT_STRICT, A);
    for (uint64_t nonce = 1; nonce <= 4; nonce++) {
        struct buf entry = bench_entry(nonce, 0);
        assert_ok(bench_submit(t, buf_bytes(&entry)));
        buf_free(&entry);
    }
    memcpy(t->between, (uint64_t[]){3, 2, 4}, sizeof t->between);
    struct hash32 id = bench_last(t, WIRE_PROPOSAL)->proposal.id;
    struct bytes raw = bench_last(t, WIRE_PROPOSAL)->block;
    struct certificate c = bench_certify(t, VOTE_PRECOMMIT, 14, 0, id);
    assert_ok(bench_give_block(t, B, raw, &c));
    struct block block;
    assert_ok(block_decode(bench_last(t, WIRE_PROPOSAL)->block, &block));
    static const uint64_t order[] = {2, 4, 3};
    assert_int_equal(block.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct entry e;
        assert_ok(entry_read(block.entry[i], &e));
        assert_int_equal(e.nonce, order[i]);
    }
    block_free(&block);
    drop(t);
}

/* --- durability and restarts ----------------------------------------------------------------- */

static void a_precommit_waits_for_the_disk(void **state)
{
    struct bench *t = four();
    t->slow_disk = true;
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    assert_voted(t, VOTE_PREVOTE, 0, id); /* strict: the key does not outlive a restart */
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, 0, id, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 0, id, NULL));
    assert_null(bench_vote_of(t, VOTE_PRECOMMIT, 0));
    bench_durable(t);
    assert_voted(t, VOTE_PRECOMMIT, 0, id);
    struct bft_shown shown;
    assert_ok(bft_record_shown(bytes(t->record, t->record_n), &shown));
    assert_true(bytes_eq(shown.block, buf_bytes(&block)));
    assert_int_equal(shown.pol.n, 3);
    buf_free(&block);
    drop(t);
}

static void in_sealed_mode_everything_waits(void **state)
{
    struct bench *t = calloc(1, sizeof *t);
    bench_new(t, 2, 0, BFT_SEALED, 0);
    t->slow_disk = true;
    struct buf entry = bench_entry(5, 0);
    assert_ok(bench_submit(t, buf_bytes(&entry)));
    assert_null(bench_last(t, WIRE_PROPOSAL));
    assert_null(bench_last(t, WIRE_VOTE));
    bench_durable(t);
    assert_non_null(bench_last(t, WIRE_PROPOSAL));
    assert_non_null(bench_vote_of(t, VOTE_PREVOTE, 0));
    buf_free(&entry);
    drop(t);
}

static void one_guardian_alone_decides(void **state)
{
    struct bench *t = calloc(1, sizeof *t);
    bench_new(t, 1, 0, BFT_SEALED, 0);
    for (uint64_t i = 1; i <= 10; i++) {
        struct buf entry = bench_entry(i, 0);
        assert_ok(bench_submit(t, buf_bytes(&entry)));
        bench_wait(t, 1);
        assert_int_equal(t->height, i);
        buf_free(&entry);
    }
    drop(t);
}

/* Sealed, two members, seat 0 under test has proposed and prevoted. */
static struct bench *voted_two(struct hash32 *id)
{
    struct bench *t = calloc(1, sizeof *t);
    bench_new(t, 2, 0, BFT_SEALED, 0);
    struct buf entry = bench_entry(5, 0);
    assert_ok(bench_submit(t, buf_bytes(&entry)));
    bench_wait(t, 1);
    const struct vote *v = bench_vote_of(t, VOTE_PREVOTE, 0);
    assert_non_null(v);
    *id = v->id;
    buf_free(&entry);
    bench_reboot(t, &t->key[0]);
    assert_ok(bft_restore(t->b, t->now, bytes(t->record, t->record_n)));
    return t;
}

static void a_sealed_member_asks_before_it_votes_again(void **state)
{
    struct hash32 id;
    struct bench *t = voted_two(&id);
    struct bft_status s;
    bft_status(t->b, &s);
    assert_false(s.voting);
    bft_peer_up(t->b, t->now, bench_gid(t, 1));
    assert_int_equal(bench_count(t, WIRE_OWN_ASK), 1);
    struct message m = {.type = WIRE_OWN_ANSWER};
    assert_ok(bench_give(t, 1, &m));
    bft_status(t->b, &s);
    assert_true(s.voting);
    assert_int_equal(t->stale, 0);
    /* It goes on from its record: the same block, no second one. */
    bench_wait(t, 300);
    const struct message *p = bench_last(t, WIRE_PROPOSAL);
    assert_non_null(p);
    assert_memory_equal(p->proposal.id.b, id.b, 32);
    assert_voted(t, VOTE_PREVOTE, 0, id);
    assert_ok(bench_give_vote(t, 1, VOTE_PREVOTE, 0, id, NULL));
    assert_voted(t, VOTE_PRECOMMIT, 0, id);
    drop(t);
}

static void a_sealed_member_with_an_old_disk_does_not_vote(void **state)
{
    struct hash32 id;
    struct bench *t = voted_two(&id);
    bft_peer_up(t->b, t->now, bench_gid(t, 1));
    struct message m = {.type = WIRE_OWN_ANSWER, .has_vote = true, .cfg = cfg_hash(&t->cfg)};
    m.vote = bench_cast(t, 0, VOTE_PREVOTE, 1, nil);
    assert_ok(bench_give(t, 1, &m));
    assert_int_equal(t->stale, 1);
    bench_wait(t, 5000);
    assert_null(bench_last(t, WIRE_VOTE));
    drop(t);
}

static void a_lie_about_the_own_votes_is_not_believed(void **state)
{
    struct hash32 id;
    struct bench *t = voted_two(&id);
    bft_peer_up(t->b, t->now, bench_gid(t, 1));
    struct message m = {.type = WIRE_OWN_ANSWER, .has_vote = true, .cfg = cfg_hash(&t->cfg)};
    m.vote = bench_cast(t, 1, VOTE_PREVOTE, 1, nil);
    m.vote.gid = bench_gid(t, 0);
    assert_ok(bench_give(t, 1, &m));
    assert_int_equal(t->stale, 0);
    drop(t);
}

static void others_are_told_their_highest_vote(void **state)
{
    struct bench *t = four();
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 0, nil, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PRECOMMIT, 0, nil, NULL));
    struct message m = {.type = WIRE_OWN_ASK};
    assert_ok(bench_give(t, B, &m));
    const struct message *answer = bench_last(t, WIRE_OWN_ANSWER);
    assert_non_null(answer);
    assert_true(answer->has_vote);
    assert_int_equal(answer->vote.type, VOTE_PRECOMMIT);
    assert_int_equal(answer->vote.gid, bench_gid(t, B));
    drop(t);
}

static void a_strict_member_comes_back_with_knowledge_but_without_votes(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, 0, id, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 0, id, NULL));
    bench_reboot(t, NULL);
    assert_ok(bft_restore(t->b, t->now, bytes(t->record, t->record_n)));
    struct certificate pol = bench_certify(t, VOTE_PREVOTE, 7, 0, id);
    assert_ok(bench_give_vote(t, A, VOTE_PRECOMMIT, 0, id, &pol));
    assert_ok(bench_give_vote(t, B, VOTE_PRECOMMIT, 0, id, &pol));
    assert_ok(bench_give_vote(t, C, VOTE_PRECOMMIT, 0, id, &pol));
    assert_int_equal(t->height, 1); /* the block was on its disk */
    assert_null(bench_last(t, WIRE_VOTE));
    buf_free(&block);
    drop(t);
}

static void a_key_that_outlived_a_boot_does_not_vote_in_strict_mode(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, 0, id, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 0, id, NULL));
    bench_reboot(t, &t->key[ME]);
    assert_ok(bft_restore(t->b, t->now, bytes(t->record, t->record_n)));
    assert_int_equal(t->stale, 1);
    bench_wait(t, 5000);
    assert_null(bench_last(t, WIRE_VOTE));
    buf_free(&block);
    drop(t);
}

static void a_record_that_is_cut_is_refused(void **state)
{
    struct hash32 id;
    struct bench *t = voted_two(&id);
    struct bft_shown shown;
    bench_reboot(t, &t->key[0]);
    for (size_t n = 0; n < t->record_n; n++) {
        assert_err(bft_restore(t->b, t->now, bytes(t->record, n)), E_MALFORMED);
        assert_err(bft_record_shown(bytes(t->record, n), &shown), E_MALFORMED);
    }
    drop(t);
}

static void a_rekey_ends_the_old_key_and_begins_the_new(void **state)
{
    struct bench *t = four();
    struct rng_seeded seed;
    struct sig_secret fresh;
    struct sig_public public;
    sig_ideal.keygen(rng_numbered(&seed, 7), &fresh, &public);
    struct entry e = {.type = ENTRY_REKEY,
                      .nonce = 9,
                      .gid = bench_gid(t, ME),
                      .old_key = t->cfg.member[ME].vote_key,
                      .vote_key = public};
    struct buf out = BUF_INIT(1024);
    entry_sign(&out, &e, &sig_ideal, &t->seat_key[ME]);
    struct bytes view = buf_bytes(&out);
    struct buf raw = bench_block(t, A, 0, 1, 0);
    struct block block;
    assert_ok(block_decode(buf_bytes(&raw), &block));
    block.entry[0] = view;
    block.header.entries_root = entries_root(&view, 1);
    struct buf with = BUF_INIT(BFT_MAX_BLOCK);
    struct writer w = writer(&with);
    block_encode(&w, &block);
    struct hash32 id = header_id(&block.header);
    struct certificate c = bench_certify(t, VOTE_PRECOMMIT, 7, 0, id);
    assert_ok(bench_give_block(t, A, buf_bytes(&with), &c));
    assert_int_equal(t->height, 1);
    assert_int_equal(t->ended, 1);
    struct bft_status s;
    bft_status(t->b, &s);
    assert_false(s.voting);
    bft_set_key(t->b, t->now, &fresh);
    bft_status(t->b, &s);
    assert_true(s.voting);
    block_free(&block);
    buf_free(&raw);
    buf_free(&with);
    buf_free(&out);
    drop(t);
}

/* --- RESTART (H5) -------------------------------------------------------------------------------
 */

static void make_order(struct bench *t, uint64_t height, uint32_t round, struct hash32 id,
                       struct sig_secret *fresh)
{
    struct restart_order o = {.height = height, .round = round, .id = id, .n = 1};
    struct rng_seeded seed;
    o.member[0].gid = bench_gid(t, ME);
    sig_ideal.keygen(rng_numbered(&seed, 8), fresh, &o.member[0].vote_key);
    struct buf out = BUF_INIT(sizeof t->order);
    restart_write(&out, &o);
    memcpy(t->order, out.p, out.n);
    t->order_n = out.n;
    buf_free(&out);
}

static void a_restart_adopts_a_block_that_has_only_a_pol(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    struct sig_secret fresh;
    make_order(t, 1, 0, id, &fresh);
    struct certificate c = bench_certify(t, VOTE_PREVOTE, 7, 0, id);
    assert_err(bft_restart(t->b, t->now, &c, buf_bytes(&block)), E_VALUE);
    c.restart = bytes_str("no such order");
    assert_err(bft_restart(t->b, t->now, &c, buf_bytes(&block)), E_NOT_ALLOWED);
    c.restart = bytes(t->order, t->order_n);
    struct certificate few = c;
    few.n = 2;
    assert_err(bft_restart(t->b, t->now, &few, buf_bytes(&block)), E_NO_QUORUM);
    assert_int_equal(t->height, 0);
    assert_ok(bft_restart(t->b, t->now, &c, buf_bytes(&block)));
    assert_int_equal(t->height, 1);
    assert_int_equal(t->ledger.cfg.serial, 1);
    assert_int_equal(t->ended, 1); /* the old key has no say after it */
    bft_set_key(t->b, t->now, &fresh);
    /* The next block carries order and POL as the certificate of this one, under the new cfg. */
    struct buf next = bench_block(t, A, 0, 2, 0);
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&next), NULL));
    assert_voted(t, VOTE_PREVOTE, 0, bench_id(buf_bytes(&next)));
    buf_free(&next);
    buf_free(&block);
    drop(t);
}

static void a_restart_can_be_about_the_block_decided_last(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    struct certificate c = bench_certify(t, VOTE_PRECOMMIT, 7, 0, id);
    assert_ok(bench_give_block(t, A, buf_bytes(&block), &c));
    struct sig_secret fresh;
    make_order(t, 1, 0, id, &fresh);
    c.restart = bytes(t->order, t->order_n);
    assert_ok(bft_restart(t->b, t->now, &c, BYTES_NONE));
    assert_int_equal(t->restarted, 1);
    assert_int_equal(t->ledger.cfg.serial, 1);
    /* Once only. */
    assert_ok(bft_restart(t->b, t->now, &c, BYTES_NONE));
    assert_int_equal(t->restarted, 1);
    /* Someone who has not heard of it is told with the block. */
    struct message m = {.type = WIRE_FETCH, .height = 2};
    struct buf out = BUF_INIT(1024);
    struct writer w = writer(&out);
    message_encode(&w, &m);
    bench_forget(t);
    assert_ok(bft_message(t->b, t->now, bench_gid(t, B), buf_bytes(&out)));
    const struct message *told = bench_last(t, WIRE_BLOCK);
    assert_non_null(told);
    assert_int_equal(told->certificate.height, 1);
    assert_true(bytes_eq(told->certificate.restart, bytes(t->order, t->order_n)));
    buf_free(&out);
    buf_free(&block);
    drop(t);
}

/* --- catching up
 * ------------------------------------------------------------------------------------ */

static void who_is_behind_gets_up_to_four_blocks_at_a_time(void **state)
{
    struct bench *t = four();
    for (uint64_t i = 1; i <= 6; i++)
        decide_one(t, i);
    bench_forget(t);
    struct message m = {.type = WIRE_FETCH, .height = 2};
    assert_ok(bench_give(t, B, &m));
    assert_int_equal(bench_count(t, WIRE_BLOCK), 4);
    m.height = 6;
    assert_ok(bench_give(t, B, &m));
    assert_int_equal(bench_count(t, WIRE_BLOCK), 5);
    drop(t);
}

static void no_peer_gets_more_than_fifty_blocks_a_second(void **state)
{
    struct bench *t = four();
    for (uint64_t i = 1; i <= 4; i++)
        decide_one(t, i);
    bench_forget(t);
    for (int i = 0; i < 30; i++) { /* 30 questions of 4 blocks within 30 x 21 ms */
        struct message m = {.type = WIRE_FETCH, .height = 1};
        t->now.mono_ms += 21;
        assert_ok(bench_give(t, B, &m));
    }
    uint32_t n = bench_count(t, WIRE_BLOCK);
    assert_true(n >= 50 && n <= 50 + 32);
    drop(t);
}

static void a_higher_height_is_asked_for_at_most_every_20_ms(void **state)
{
    struct bench *t = four();
    struct message m = {.type = WIRE_FETCH, .height = 9};
    for (int i = 0; i < 10; i++) {
        assert_ok(bench_give(t, B, &m));
        t->now.mono_ms++;
    }
    assert_int_equal(bench_count(t, WIRE_FETCH), 1);
    bench_wait(t, 15);
    assert_int_equal(bench_count(t, WIRE_FETCH), 2);
    drop(t);
}

static void a_pruned_block_is_answered_with_the_checkpoint(void **state)
{
    struct bench *t = four();
    for (uint64_t i = 1; i <= 3; i++)
        decide_one(t, i);
    t->keep_from = 3;
    struct message m = {.type = WIRE_FETCH, .height = 1};
    assert_ok(bench_give(t, B, &m));
    const struct message *answer = bench_last(t, WIRE_PRUNED);
    assert_non_null(answer);
    assert_int_equal(answer->number, 3);
    m = (struct message){.type = WIRE_PRUNED, .height = 90, .number = 80};
    assert_ok(bench_give(t, B, &m));
    assert_int_equal(t->pruned, 80);
    drop(t);
}

static void a_newcomer_votes_once_it_knows_its_seat(void **state)
{
    struct bench *t = four();
    struct bft_status s;
    bft_set_seat(t->b, t->now, 0);
    bft_status(t->b, &s);
    assert_false(s.voting);
    bft_set_seat(t->b, t->now, bench_gid(t, ME));
    bft_status(t->b, &s);
    assert_true(s.voting);
    drop(t);
}

static void a_member_without_a_key_follows_and_says_nothing(void **state)
{
    struct bench *t = four();
    bench_reboot(t, NULL);
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    bench_wait(t, 3000);
    assert_null(bench_last(t, WIRE_VOTE));
    struct certificate pol = bench_certify(t, VOTE_PREVOTE, 7, 0, id);
    for (uint32_t s = A; s <= C; s++)
        assert_ok(bench_give_vote(t, s, VOTE_PRECOMMIT, 0, id, &pol));
    assert_int_equal(t->height, 1);
    buf_free(&block);
    drop(t);
}

static void installing_a_checkpoint_only_goes_forward(void **state)
{
    struct bench *t = four();
    decide_one(t, 1);
    struct bft_tip tip = {.height = 1};
    assert_err(bft_install(t->b, t->now, &tip), E_STALE);
    tip.height = 5;
    assert_err(bft_install(t->b, t->now, &tip), E_STALE); /* no certificate */
    tip.id = sha256(bytes_str("five"));
    tip.certificate = bench_certify(t, VOTE_PRECOMMIT, 7, 0, tip.id);
    tip.certificate.height = 5;
    assert_ok(bft_install(t->b, t->now, &tip));
    struct bft_status s;
    bft_status(t->b, &s);
    assert_int_equal(s.height, 5);
    drop(t);
}

/* --- idling and re-sending
 * ----------------------------------------------------------------------------- */

static void an_idle_member_asks_one_peer_a_second_and_says_nothing_else(void **state)
{
    struct bench *t = four();
    bench_wait(t, 10000);
    assert_int_equal(t->sents, bench_count(t, WIRE_FETCH));
    assert_in_range(bench_count(t, WIRE_FETCH), 9, 11);
    drop(t);
}

static void an_entry_that_expires_does_not_keep_a_height_awake(void **state)
{
    struct bench *t = four();
    struct buf entry = bench_entry(5, t->now.unix_ms + 2000);
    assert_ok(bench_submit(t, buf_bytes(&entry)));
    bench_wait(t, 1000);
    assert_non_null(bench_vote_of(t, VOTE_PREVOTE, 0));
    bench_wait(t, 9000);
    bench_forget(t);
    bench_wait(t, 10000);
    assert_int_equal(t->sents, bench_count(t, WIRE_FETCH));
    /* The next entry wakes it up. */
    struct buf next = bench_entry(6, 0);
    assert_ok(bench_submit(t, buf_bytes(&next)));
    bench_wait(t, 2500);
    assert_true(bench_count(t, WIRE_VOTE) > 0);
    buf_free(&entry);
    buf_free(&next);
    drop(t);
}

static void what_is_known_is_sent_again_while_nothing_changes(void **state)
{
    struct bench *t = four();
    struct buf block = bench_block(t, A, 0, 1, 0);
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    bench_forget(t);
    bench_wait(t, 199);
    assert_int_equal(bench_count(t, WIRE_VOTE), 0);
    bench_wait(t, 1);
    assert_int_equal(bench_count(t, WIRE_VOTE), 1);
    assert_int_equal(bench_count(t, WIRE_PROPOSAL), 1);
    bench_wait(t, 6200); /* after 400, 800, 1600, 1600, 1600 more */
    assert_int_equal(bench_count(t, WIRE_VOTE), 6);
    buf_free(&block);
    drop(t);
}

static void entries_of_a_peer_have_a_budget_of_their_own(void **state)
{
    struct bench *t = four();
    struct buf big = BUF_INIT(BFT_MAX_ENTRY);
    enum err last = OK;
    uint8_t body[200 << 10] = {0};
    uint32_t sent = 0;
    for (uint64_t i = 1; i <= 20; i++, sent++) {
        struct entry e = {.type = ENTRY_DATA, .nonce = i, .body = BYTES_OF(body)};
        buf_clear(&big);
        entry_write(&big, &e);
        struct message m = {.type = WIRE_ENTRY, .entry = buf_bytes(&big)};
        assert_ok(bench_give(t, B, &m));
    }
    struct bft_status s;
    bft_status(t->b, &s);
    assert_int_equal(s.pending, (2 << 20) / big.n);
    for (uint64_t i = 101; i <= 140 && last == OK; i++) {
        struct entry e = {.type = ENTRY_DATA, .nonce = i, .body = BYTES_OF(body)};
        buf_clear(&big);
        entry_write(&big, &e);
        last = bench_submit(t, buf_bytes(&big));
        bench_forget(t);
    }
    assert_err(last, E_RATE);
    bft_status(t->b, &s);
    assert_int_equal(s.pending, (2 << 20) / big.n + (4 << 20) / big.n);
    buf_free(&big);
    drop(t);
}

/* --- leases (H12)
 * ------------------------------------------------------------------------------------------ */

static struct message answer(struct bench *t, uint32_t seat, const uint8_t *nonce, uint64_t height)
{
    struct message m = {.type = WIRE_LEASE_ANSWER, .number = height, .gid = bench_gid(t, seat)};
    m.cfg = cfg_hash(&t->ledger.cfg);
    memcpy(m.nonce, nonce, 32);
    struct hash64 d = lease_digest(t->cfg.cluster_id, m.cfg, nonce, height);
    m.signature = sig_ideal.sign(&t->key[seat], BYTES_OF(d.b));
    return m;
}

static void a_lease_needs_q_answers_and_lasts_d_from_the_question(void **state)
{
    struct bench *t = four();
    uint8_t nonce[32] = {1}, other[32] = {2};
    assert_int_equal(bft_lease_until(t->b), 0);
    uint64_t start = t->now.mono_ms;
    bft_lease_ask(t->b, t->now, nonce);
    t->now.mono_ms += 50;
    struct message m = answer(t, A, other, 0);
    assert_ok(bench_give(t, A, &m));
    m = answer(t, A, nonce, 0);
    assert_ok(bench_give(t, A, &m));
    assert_ok(bench_give(t, A, &m)); /* the same seat counts once */
    assert_int_equal(bft_lease_until(t->b), 0);
    m = answer(t, B, nonce, 0);
    m.signature.b[0] ^= 1;
    assert_err(bench_give(t, B, &m), E_SIGNATURE);
    assert_int_equal(bft_lease_until(t->b), 0);
    m = answer(t, B, nonce, 0);
    assert_ok(bench_give(t, B, &m));
    assert_int_equal(bft_lease_until(t->b), start + 10000 - 200);
    drop(t);
}

static void a_height_without_proof_is_no_answer(void **state)
{
    struct bench *t = four();
    uint8_t nonce[32] = {1};
    bft_lease_ask(t->b, t->now, nonce);
    struct message m = answer(t, A, nonce, 1);
    assert_ok(bench_give(t, A, &m));
    m = answer(t, B, nonce, 0);
    assert_ok(bench_give(t, B, &m));
    assert_int_equal(bft_lease_until(t->b), 0);
    decide_one(t, 1); /* now height 1 is decided; but A's answer proved nothing */
    assert_int_equal(bft_lease_until(t->b), 0);
    drop(t);
}

static void a_lease_waits_for_the_decision_of_the_answered_height(void **state)
{
    struct bench *t = four();
    uint8_t nonce[32] = {1};
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    bft_lease_ask(t->b, t->now, nonce);
    struct message m = answer(t, A, nonce, 1);
    m.certificate = bench_certify(t, VOTE_PREVOTE, 7, 0, id);
    m.block = buf_bytes(&block);
    assert_ok(bench_give(t, A, &m));
    m = answer(t, B, nonce, 0);
    assert_ok(bench_give(t, B, &m));
    assert_int_equal(bft_lease_until(t->b), 0);
    struct certificate pol = bench_certify(t, VOTE_PREVOTE, 7, 0, id);
    for (uint32_t s = A; s <= C; s++)
        assert_ok(bench_give_vote(t, s, VOTE_PRECOMMIT, 0, id, &pol));
    assert_int_equal(t->height, 1);
    assert_true(bft_lease_until(t->b) > 0);
    buf_free(&block);
    drop(t);
}

static void a_member_answers_with_the_height_it_precommitted(void **state)
{
    struct bench *t = four();
    struct message ask = {.type = WIRE_LEASE_ASK, .nonce = {3}};
    assert_ok(bench_give(t, A, &ask));
    assert_int_equal(bench_last(t, WIRE_LEASE_ANSWER)->number, 0);
    struct buf block = bench_block(t, A, 0, 1, 0);
    struct hash32 id = bench_id(buf_bytes(&block));
    assert_ok(bench_give_proposal(t, A, 0, buf_bytes(&block), NULL));
    assert_ok(bench_give_vote(t, A, VOTE_PREVOTE, 0, id, NULL));
    assert_ok(bench_give_vote(t, B, VOTE_PREVOTE, 0, id, NULL));
    assert_ok(bench_give(t, A, &ask));
    const struct message *a = bench_last(t, WIRE_LEASE_ANSWER);
    assert_int_equal(a->number, 1);
    assert_int_equal(a->certificate.type, VOTE_PREVOTE);
    assert_true(bytes_eq(a->block, buf_bytes(&block)));
    buf_free(&block);
    drop(t);
}

static void lease_questions_have_a_budget(void **state)
{
    struct bench *t = four();
    struct message ask = {.type = WIRE_LEASE_ASK, .nonce = {3}};
    for (int i = 0; i < 80; i++)
        assert_ok(bench_give(t, A, &ask));
    assert_int_equal(bench_count(t, WIRE_LEASE_ANSWER), 50);
    assert_ok(bench_give(t, B, &ask)); /* of its own */
    assert_int_equal(bench_count(t, WIRE_LEASE_ANSWER), 51);
    drop(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_is_cut_is_malformed),
        cmocka_unit_test(a_bad_signature_is_named),
        cmocka_unit_test(a_block_with_too_few_or_false_votes_is_refused),
        cmocka_unit_test(a_height_goes_from_proposal_to_decision),
        cmocka_unit_test(a_proposal_of_another_seat_is_not_voted_for),
        cmocka_unit_test(a_block_that_does_not_follow_gets_nil),
        cmocka_unit_test(votes_of_f_plus_1_seats_take_a_member_to_their_round),
        cmocka_unit_test(a_round_too_far_away_is_not_followed),
        cmocka_unit_test(a_round_proof_needs_its_votes),
        cmocka_unit_test(a_certificate_counts_votes_that_were_different_here),
        cmocka_unit_test(two_votes_of_a_key_are_evidence_once),
        cmocka_unit_test(two_proposals_of_a_key_are_evidence),
        cmocka_unit_test(a_suspended_seat_does_not_count),
        cmocka_unit_test(a_block_from_another_time_gets_nil),
        cmocka_unit_test(a_parent_ahead_of_the_clock_is_followed_by_one_millisecond),
        cmocka_unit_test(a_proposer_that_passes_over_an_entry_gets_nil_after_a_while),
        cmocka_unit_test(a_proposer_leaves_nothing_out_that_is_valid_after_its_block),
        cmocka_unit_test(a_precommit_waits_for_the_disk),
        cmocka_unit_test(in_sealed_mode_everything_waits),
        cmocka_unit_test(one_guardian_alone_decides),
        cmocka_unit_test(a_sealed_member_asks_before_it_votes_again),
        cmocka_unit_test(a_sealed_member_with_an_old_disk_does_not_vote),
        cmocka_unit_test(a_lie_about_the_own_votes_is_not_believed),
        cmocka_unit_test(others_are_told_their_highest_vote),
        cmocka_unit_test(a_strict_member_comes_back_with_knowledge_but_without_votes),
        cmocka_unit_test(a_key_that_outlived_a_boot_does_not_vote_in_strict_mode),
        cmocka_unit_test(a_record_that_is_cut_is_refused),
        cmocka_unit_test(a_rekey_ends_the_old_key_and_begins_the_new),
        cmocka_unit_test(a_restart_adopts_a_block_that_has_only_a_pol),
        cmocka_unit_test(a_restart_can_be_about_the_block_decided_last),
        cmocka_unit_test(who_is_behind_gets_up_to_four_blocks_at_a_time),
        cmocka_unit_test(no_peer_gets_more_than_fifty_blocks_a_second),
        cmocka_unit_test(a_higher_height_is_asked_for_at_most_every_20_ms),
        cmocka_unit_test(a_pruned_block_is_answered_with_the_checkpoint),
        cmocka_unit_test(a_newcomer_votes_once_it_knows_its_seat),
        cmocka_unit_test(a_member_without_a_key_follows_and_says_nothing),
        cmocka_unit_test(installing_a_checkpoint_only_goes_forward),
        cmocka_unit_test(an_idle_member_asks_one_peer_a_second_and_says_nothing_else),
        cmocka_unit_test(an_entry_that_expires_does_not_keep_a_height_awake),
        cmocka_unit_test(what_is_known_is_sent_again_while_nothing_changes),
        cmocka_unit_test(entries_of_a_peer_have_a_budget_of_their_own),
        cmocka_unit_test(a_lease_needs_q_answers_and_lasts_d_from_the_question),
        cmocka_unit_test(a_height_without_proof_is_no_answer),
        cmocka_unit_test(a_lease_waits_for_the_decision_of_the_answered_height),
        cmocka_unit_test(a_member_answers_with_the_height_it_precommitted),
        cmocka_unit_test(lease_questions_have_a_budget),
    };
    return cmocka_run_group_tests_name("bft", tests, NULL, NULL);
}
