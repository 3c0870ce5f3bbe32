/* Seeds of what the log core reads: messages, records, contradictions and blocks. */
#include "../sim/consensus/bench.h"
#include "base/bug.h"
#include "ideal_sig.h"
#include "seeds.h"

static struct bench t;
static const char *folder;

static void write_message(const char *name, struct message *m)
{
    struct buf b = BUF_INIT(BFT_MAX_MESSAGE);
    struct writer w = writer(&b);
    m->height = t.height + 1;
    message_encode(&w, m);
    GD_BUG_ON(writer_end(&w) != OK);
    seed_write(folder, "log_message", name, buf_bytes(&b));
    buf_free(&b);
}

static struct proposal propose(struct hash32 id, uint32_t valid_round)
{
    const struct cfg *cfg = &t.ledger.cfg;
    struct proposal p = {t.height + 1, 2, id, valid_round, bench_gid(&t, 1), {{0}}};
    struct hash64 h = proposal_digest(cfg->cluster_id, cfg_hash(cfg), &p);
    p.signature = sig_ideal.sign(&t.key[1], BYTES_OF(h.b));
    return p;
}

/* Messages of consensus on this block. */
static void write_votes(struct bytes block)
{
    struct hash32 id = bench_id(block);
    struct certificate pol = bench_certify(&t, VOTE_PREVOTE, 7, 0, id),
                       decided = bench_certify(&t, VOTE_PRECOMMIT, 7, 0, id);
    struct message fresh = {.type = WIRE_PROPOSAL,
                            .proposal = propose(id, BFT_NO_ROUND),
                            .block = block},
                   again = {.type = WIRE_PROPOSAL,
                            .proposal = propose(id, 0),
                            .certificate = pol,
                            .block = block},
                   vote = {.type = WIRE_VOTE,
                           .has_vote = true,
                           .vote = bench_cast(&t, 1, VOTE_PRECOMMIT, 0, id),
                           .certificate = pol},
                   lock = {.type = WIRE_POL, .certificate = pol, .block = block},
                   proof = {.type = WIRE_ROUND_PROOF, .proof = {.round = 1, .n = 2}},
                   final = {.type = WIRE_BLOCK, .certificate = decided, .block = block};
    for (uint32_t i = 0; i < 2; i++)
        proof.proof.vote[i] = bench_cast(&t, i, VOTE_PREVOTE, 1, id);
    write_message("proposal", &fresh);
    write_message("proposal_again", &again);
    write_message("vote", &vote);
    write_message("pol", &lock);
    write_message("round_proof", &proof);
    write_message("block", &final);
}

/* What members ask each other beside the votes. */
static void write_questions(void)
{
    struct buf entry = bench_entry(7, 0);
    struct hash32 id = sha256(buf_bytes(&entry));
    struct message m[] = {
        {.type = WIRE_ENTRY, .entry = buf_bytes(&entry)},
        {.type = WIRE_FETCH},
        {.type = WIRE_PRUNED, .number = 1},
        {.type = WIRE_LEASE_ASK, .nonce = {1}},
        {.type = WIRE_LEASE_ANSWER, .nonce = {1}, .cfg = id, .number = 1, .gid = 20},
        {.type = WIRE_OWN_ASK},
        {.type = WIRE_OWN_ANSWER},
        {.type = WIRE_OWN_ANSWER,
         .cfg = id,
         .has_vote = true,
         .vote = bench_cast(&t, 1, VOTE_PREVOTE, 0, id)},
    };
    static const char *const names[] = {"entry",        "fetch",   "pruned",   "lease_ask",
                                        "lease_answer", "own_ask", "own_none", "own_answer"};
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        write_message(names[i], &m[i]);
    buf_free(&entry);
}

static void write_contradictions(void)
{
    struct hash32 a = sha256(bytes_str("a")), b = sha256(bytes_str("b"));
    struct vote v[2] = {bench_cast(&t, 1, VOTE_PREVOTE, 0, a),
                        bench_cast(&t, 1, VOTE_PREVOTE, 0, b)};
    struct proposal p[2] = {propose(a, 0), propose(a, 1)};
    struct buf votes = BUF_INIT(BFT_MAX_EQUIVOCATION), proposals = BUF_INIT(BFT_MAX_EQUIVOCATION);
    struct writer w = writer(&votes), w2 = writer(&proposals);
    GD_BUG_ON(equivocation_of_votes(&v[0], &v[1], &w) != OK);
    GD_BUG_ON(equivocation_of_proposals(&p[0], &p[1], &w2) != OK);
    seed_write(folder, "log_message", "two_votes", buf_bytes(&votes));
    seed_write(folder, "log_message", "two_proposals", buf_bytes(&proposals));
    buf_free(&votes);
    buf_free(&proposals);
}

/* What a member that saw a lock stores. */
static void write_record(struct bytes block)
{
    struct hash32 id = bench_id(block);
    GD_BUG_ON(bench_give_proposal(&t, 0, 0, block, NULL) != OK);
    for (uint32_t seat = 0; seat < 2; seat++)
        GD_BUG_ON(bench_give_vote(&t, seat, VOTE_PREVOTE, 0, id, NULL) != OK);
    GD_BUG_ON(t.record_n == 0);
    seed_write(folder, "log_message", "record", bytes(t.record, t.record_n));
}

static void decide(struct bytes block)
{
    struct certificate c = bench_certify(&t, VOTE_PRECOMMIT, 7, 0, bench_id(block));
    GD_BUG_ON(bench_give_block(&t, 0, block, &c) != OK || t.height == 0);
}

int main(int argc, char **argv)
{
    folder = seed_folder(argc, argv);
    bench_new(&t, 4, 1, BFT_STRICT, 3);
    struct buf first = bench_block(&t, 0, 0, 1, 0);
    seed_write(folder, "block", "first", buf_bytes(&first));
    write_record(buf_bytes(&first));
    decide(buf_bytes(&first));
    struct buf second = bench_block(&t, 1, 0, 2, 0);
    seed_write(folder, "block", "second", buf_bytes(&second));
    write_votes(buf_bytes(&second));
    write_questions();
    write_contradictions();
    buf_free(&first);
    buf_free(&second);
    bench_free(&t);
    return 0;
}
