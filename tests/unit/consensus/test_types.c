/* Configurations, votes, certificates, blocks, the entries' tree and equivocation: wrong input
 * first.
 */
#include "core/consensus/proposer.h"
#include "core/consensus/types.h"
#include "ideal_sig.h"
#include "test.h"

struct cluster {
    struct cfg cfg;
    struct sig_secret key[BFT_MAX_MEMBERS];
};

static struct cluster make(uint32_t n, uint32_t f)
{
    struct cluster c = {.cfg = {.epoch = 1, .f = f, .n = n, .t = n / 2 + 1}};
    struct rng_seeded seed;
    struct rng rng = rng_numbered(&seed, n * 100 + f);
    c.cfg.q = cfg_quorum(n, f);
    c.cfg.mode = n <= 2 ? BFT_SEALED : BFT_STRICT;
    rng_fill(rng, c.cfg.cluster_id.b, 32);
    for (uint32_t i = 0; i < n; i++) {
        struct sig_secret seat;
        c.cfg.member[i].gid = 3 * i + 1;
        sig_ideal.keygen(rng, &seat, &c.cfg.member[i].seat_key);
        sig_ideal.keygen(rng, &c.key[i], &c.cfg.member[i].vote_key);
    }
    return c;
}

static struct vote cast(const struct cluster *c, uint32_t seat, enum vote_type type, uint64_t h,
                        uint32_t r, struct hash32 id)
{
    struct vote v = {type, h, r, id, c->cfg.member[seat].gid, {{0}}};
    struct hash64 d = vote_digest(c->cfg.cluster_id, cfg_hash(&c->cfg), type, h, r, id);
    v.signature = sig_ideal.sign(&c->key[seat], BYTES_OF(d.b));
    return v;
}

static struct certificate certify(const struct cluster *c, uint32_t votes, struct hash32 id)
{
    struct certificate out = {VOTE_PRECOMMIT, 7, 2, id, 0, {{0}}, {0}};
    for (uint32_t i = 0; i < votes; i++) {
        struct vote v = cast(c, i, VOTE_PRECOMMIT, 7, 2, id);
        out.vote[out.n].gid = v.gid;
        out.vote[out.n++].signature = v.signature;
    }
    return out;
}

static void a_configuration_is_refused_unless_n_is_above_3f(void **state)
{
    for (uint32_t n = 3; n <= BFT_MAX_MEMBERS; n++)
        for (uint32_t f = 0; f < n; f++) {
            struct cluster c = make(n, f);
            assert_err(cfg_check(&c.cfg), n >= 3 * f + 1 ? OK : E_VALUE);
        }
}

static void quorums_are_those_of_the_design(void **state)
{
    static const uint32_t table[][3] = {{1, 0, 1}, {2, 0, 2}, {3, 0, 2}, {4, 1, 3},
                                        {5, 1, 4}, {5, 0, 3}, {7, 2, 5}, {6, 1, 4}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(cfg_quorum(table[i][0], table[i][1]), table[i][2]);
}

static void a_wrong_configuration_is_refused(void **state)
{
    struct cluster c = make(4, 1);
    assert_ok(cfg_check(&c.cfg));
    struct cfg bad = c.cfg;
    bad.q--;
    assert_err(cfg_check(&bad), E_VALUE);
    bad = c.cfg;
    bad.member[2].gid = bad.member[1].gid;
    assert_err(cfg_check(&bad), E_VALUE);
    bad = c.cfg;
    bad.member[0].gid = 0; /* no seat has it */
    assert_err(cfg_check(&bad), E_VALUE);
    bad = c.cfg;
    bad.mode = BFT_SEALED; /* liars need strict restarts */
    assert_err(cfg_check(&bad), E_VALUE);
    bad = c.cfg;
    bad.t = 5;
    assert_err(cfg_check(&bad), E_VALUE);
    bad = make(2, 0).cfg;
    bad.mode = BFT_STRICT; /* nobody could let the other back in */
    assert_err(cfg_check(&bad), E_VALUE);
    bad.n = 0;
    assert_err(cfg_check(&bad), E_VALUE);
    bad = make(BFT_MAX_MEMBERS, 0).cfg;
    bad.n++;
    bad.q = cfg_quorum(bad.n, 0);
    assert_err(cfg_check(&bad), E_VALUE);
}

static void every_field_of_a_configuration_is_in_its_hash(void **state)
{
    struct cluster c = make(4, 1);
    struct buf out = BUF_INIT(BFT_MAX_CFG);
    struct writer w = writer(&out);
    cfg_encode(&w, &c.cfg);
    assert_ok(writer_end(&w));
    struct hash32 hash = cfg_hash(&c.cfg);
    uint32_t decoded = 0;
    for (size_t i = 0; i < out.n; i++) {
        out.p[i] ^= 1;
        struct reader r = reader(buf_bytes(&out));
        struct cfg back;
        cfg_decode(&r, &back);
        if (reader_end(&r, E_MALFORMED) == OK) {
            assert_false(hash32_eq(cfg_hash(&back), hash));
            decoded++;
        }
        out.p[i] ^= 1;
    }
    assert_true(decoded > 200);
    for (size_t n = 0; n < out.n; n++) {
        struct reader r = reader(bytes(out.p, n));
        struct cfg back;
        cfg_decode(&r, &back);
        assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    }
    buf_free(&out);
}

static void a_vote_counts_only_for_what_it_signed(void **state)
{
    struct cluster c = make(4, 1);
    struct hash32 id = sha256(bytes_str("x"));
    struct vote v = cast(&c, 1, VOTE_PREVOTE, 5, 0, id);
    assert_ok(vote_check(&sig_ideal, &c.cfg, &v));
    struct vote bad = v;
    bad.type = VOTE_PRECOMMIT;
    assert_err(vote_check(&sig_ideal, &c.cfg, &bad), E_SIGNATURE);
    bad = v;
    bad.height++;
    assert_err(vote_check(&sig_ideal, &c.cfg, &bad), E_SIGNATURE);
    bad = v;
    bad.round++;
    assert_err(vote_check(&sig_ideal, &c.cfg, &bad), E_SIGNATURE);
    bad = v;
    bad.id.b[31] ^= 1;
    assert_err(vote_check(&sig_ideal, &c.cfg, &bad), E_SIGNATURE);
    bad = v;
    bad.gid = c.cfg.member[2].gid;
    assert_err(vote_check(&sig_ideal, &c.cfg, &bad), E_SIGNATURE);
    bad.gid = 99;
    assert_err(vote_check(&sig_ideal, &c.cfg, &bad), E_NOT_MEMBER);
    struct cfg other = c.cfg;
    other.serial++; /* after a RESTART, votes of before mean nothing */
    assert_err(vote_check(&sig_ideal, &other, &v), E_SIGNATURE);
    other = c.cfg;
    other.member[1].suspended = true;
    assert_err(vote_check(&sig_ideal, &other, &v), E_NOT_MEMBER);
}

static void a_certificate_needs_q_different_seats(void **state)
{
    struct cluster c = make(7, 2);
    struct hash32 id = sha256(bytes_str("x"));
    struct certificate few = certify(&c, 4, id);
    assert_err(certificate_check(&sig_ideal, &c.cfg, &few), E_NO_QUORUM);
    struct certificate good = certify(&c, 5, id);
    assert_ok(certificate_check(&sig_ideal, &c.cfg, &good));
    struct certificate bad = good;
    bad.vote[4] = bad.vote[3];
    assert_err(certificate_check(&sig_ideal, &c.cfg, &bad), E_NO_QUORUM);
    bad = good;
    bad.vote[0] = good.vote[1];
    bad.vote[1] = good.vote[0];
    assert_err(certificate_check(&sig_ideal, &c.cfg, &bad), E_NO_QUORUM);
    bad = good;
    bad.vote[2].signature.b[0] ^= 1;
    assert_err(certificate_check(&sig_ideal, &c.cfg, &bad), E_SIGNATURE);
    bad = good;
    bad.round++;
    assert_err(certificate_check(&sig_ideal, &c.cfg, &bad), E_SIGNATURE);
    struct cfg suspended = c.cfg;
    suspended.member[0].suspended = true;
    assert_err(certificate_check(&sig_ideal, &suspended, &good), E_NOT_MEMBER);
    struct certificate nil = certify(&c, 5, (struct hash32){0});
    assert_err(certificate_check(&sig_ideal, &c.cfg, &nil), E_NO_QUORUM);
}

static void a_certificate_round_trips_and_refuses_every_cut(void **state)
{
    struct cluster c = make(4, 1);
    struct certificate good = certify(&c, 3, sha256(bytes_str("x"))), back;
    good.restart = bytes_str("order");
    struct buf out = BUF_INIT(BFT_MAX_CERTIFICATE);
    struct writer w = writer(&out);
    certificate_encode(&w, &good);
    assert_ok(writer_end(&w));
    for (size_t n = 0; n < out.n; n++) {
        struct reader r = reader(bytes(out.p, n));
        certificate_decode(&r, &back);
        assert_err(reader_end(&r, E_MALFORMED), E_MALFORMED);
    }
    struct reader r = reader(buf_bytes(&out));
    certificate_decode(&r, &back);
    assert_ok(reader_end(&r, E_MALFORMED));
    assert_true(hash32_eq(certificate_hash(&back), certificate_hash(&good)));
    back.restart = bytes_str("ordeR");
    assert_false(hash32_eq(certificate_hash(&back), certificate_hash(&good)));
    buf_free(&out);
}

static struct block example(struct bytes *entry, uint32_t n, const struct certificate *last)
{
    struct block b = {.n = n, .entry = entry, .last = *last};
    b.header = (struct header){.height = last->height + 1,
                               .round = 1,
                               .proposer = 4,
                               .time_ms = 1000,
                               .entries_root = entries_root(entry, n),
                               .last = certificate_hash(last),
                               .last_round = last->round};
    return b;
}

static enum err recode(const struct block *in, struct block *out, struct buf *raw)
{
    struct writer w = writer(raw);
    block_encode(&w, in);
    TRY(writer_end(&w));
    return block_decode(buf_bytes(raw), out);
}

static void a_block_whose_header_does_not_cover_it_is_refused(void **state)
{
    struct cluster c = make(4, 1);
    struct certificate last = certify(&c, 3, sha256(bytes_str("x")));
    struct bytes entry[] = {bytes_str("one"), bytes_str("two"), bytes_str("three")};
    for (int wrong = 0; wrong < 7; wrong++) {
        struct block b = example(entry, 3, &last), back;
        struct buf raw = BUF_INIT(BFT_MAX_BLOCK);
        struct bytes none[] = {bytes_str("one"), BYTES_NONE};
        switch (wrong) {
        case 1:
            b.header.entries_root.b[0] ^= 1;
            break;
        case 2:
            b.header.last.b[0] ^= 1;
            break;
        case 3:
            b.header.last_round++;
            break;
        case 4:
            b.header.height++;
            break;
        case 5:
            b = example(entry, 0, &last); /* empty blocks are not made */
            break;
        case 6:
            b = example(none, 2, &last);
            break;
        }
        assert_err(recode(&b, &back, &raw), wrong ? E_MALFORMED : OK);
        if (!wrong) {
            assert_true(hash32_eq(header_id(&back.header), header_id(&b.header)));
            assert_true(bytes_eq(back.entry[2], entry[2]));
            block_free(&back);
            for (size_t n = 0; n < raw.n; n++)
                assert_err(block_decode(bytes(raw.p, n), &back), E_MALFORMED);
            assert_ok(buf_add(&raw, "", 1));
            assert_err(block_decode(buf_bytes(&raw), &back), E_MALFORMED);
        }
        buf_free(&raw);
    }
}

static void every_field_of_a_header_is_in_its_id(void **state)
{
    struct header h = {.height = 1};
    struct buf out = BUF_INIT(1024);
    struct writer w = writer(&out);
    header_encode(&w, &h);
    struct hash32 id = header_id(&h);
    for (size_t i = 0; i < out.n; i++) {
        out.p[i] ^= 2;
        struct reader r = reader(buf_bytes(&out));
        struct header back;
        header_decode(&r, &back);
        assert_ok(reader_end(&r, E_MALFORMED));
        assert_false(hash32_eq(header_id(&back), id));
        out.p[i] ^= 2;
    }
    buf_free(&out);
}

/* RFC 6962 section 2.1.3's tree of seven leaves has these shapes: d0 needs 3 steps, d6 two. */
static void paths_lead_from_each_entry_to_the_root_and_from_no_other(void **state)
{
    char text[40][8];
    struct bytes entry[40];
    for (uint32_t i = 0; i < 40; i++) {
        snprintf(text[i], sizeof text[i], "e%u", i);
        entry[i] = bytes_str(text[i]);
    }
    for (uint32_t n = 1; n <= 40; n++) {
        struct hash32 root = entries_root(entry, n);
        for (uint32_t i = 0; i < n; i++) {
            struct path p;
            entries_path(entry, n, i, &p);
            assert_ok(path_check(&p, entry[i], root));
            assert_err(path_check(&p, entry[(i + 1) % 40], root), E_VALUE);
            struct path bad = p;
            bad.index = (i + 1) % n;
            assert_err(path_check(&bad, entry[i], root), n == 1 ? OK : E_VALUE);
            bad = p;
            bad.index = n;
            assert_err(path_check(&bad, entry[i], root), E_VALUE);
            bad = p;
            bad.n++;
            assert_err(path_check(&bad, entry[i], root), E_VALUE);
            if (p.n > 0) {
                bad = p;
                bad.step[p.n - 1].b[5] ^= 1;
                assert_err(path_check(&bad, entry[i], root), E_VALUE);
            }
        }
    }
    struct path p;
    entries_path(entry, 7, 0, &p);
    assert_int_equal(p.n, 3);
    entries_path(entry, 7, 6, &p);
    assert_int_equal(p.n, 2);
}

static void the_tree_is_that_of_rfc_6962(void **state)
{
    /* SHA-256("") and SHA-256(00): the empty tree and the tree of one empty leaf. */
    uint8_t want[32];
    assert_ok(
        hex_decode("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", want, 32));
    assert_memory_equal(entries_root(NULL, 0).b, want, 32);
    assert_ok(
        hex_decode("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", want, 32));
    struct bytes empty = BYTES_NONE;
    assert_memory_equal(entries_root(&empty, 1).b, want, 32);
    /* A node is SHA-256(01 || left || right). */
    struct bytes two[] = {bytes_str("a"), bytes_str("b")};
    uint8_t node[65] = {1};
    memcpy(node + 1, entries_root(&two[0], 1).b, 32);
    memcpy(node + 33, entries_root(&two[1], 1).b, 32);
    assert_memory_equal(entries_root(two, 2).b, sha256(BYTES_OF(node)).b, 32);
}

static void equivocation_is_two_statements_that_contradict(void **state)
{
    struct cluster c = make(4, 1);
    struct hash32 a = sha256(bytes_str("a")), b = sha256(bytes_str("b"));
    struct vote one = cast(&c, 1, VOTE_PREVOTE, 5, 0, a), two = cast(&c, 1, VOTE_PREVOTE, 5, 0, b);
    struct vote later = cast(&c, 1, VOTE_PREVOTE, 5, 1, b),
                other = cast(&c, 2, VOTE_PREVOTE, 5, 0, b);
    struct buf out = BUF_INIT(BFT_MAX_EQUIVOCATION);
    struct writer w = writer(&out);
    assert_err(equivocation_of_votes(&one, &one, &w), E_VALUE);
    assert_err(equivocation_of_votes(&one, &later, &w), E_VALUE);
    assert_err(equivocation_of_votes(&one, &other, &w), E_VALUE);
    assert_int_equal(out.n, 0);
    assert_ok(equivocation_of_votes(&one, &two, &w));
    struct equivocation about;
    assert_ok(equivocation_check(&sig_ideal, &c.cfg, buf_bytes(&out), &about));
    assert_int_equal(about.gid, one.gid);
    assert_int_equal(about.height, 5);
    for (size_t i = 0; i < out.n; i++) {
        out.p[i] ^= 1;
        assert_true(equivocation_check(&sig_ideal, &c.cfg, buf_bytes(&out), &about) != OK);
        out.p[i] ^= 1;
    }
    buf_free(&out);
}

static struct header by(uint32_t proposer, uint32_t last_round)
{
    return (struct header){.height = 2, .proposer = proposer, .last_round = last_round};
}

static void a_working_proposer_stays_for_64_blocks(void **state)
{
    struct cluster c = make(4, 1); /* gids 1, 4, 7, 10 */
    struct bft_run run = bft_run_first(&c.cfg);
    for (int i = 0; i < BFT_RUN_BLOCKS; i++) {
        assert_int_equal(bft_proposer(&c.cfg, &run, 0), 1);
        assert_int_equal(bft_proposer(&c.cfg, &run, 1), 4);
        struct header h = by(1, 0);
        run = bft_run_next(run, &h);
    }
    assert_int_equal(bft_proposer(&c.cfg, &run, 0), 4);
    /* The next one is down, the old one proposes in a later round: a new run. */
    struct header h = by(1, 0);
    run = bft_run_next(run, &h);
    assert_int_equal(bft_proposer(&c.cfg, &run, 0), 1);
}

static void a_late_proposer_is_passed_by(void **state)
{
    struct cluster c = make(4, 1);
    struct bft_run run = {.proposer = 7, .blocks = 1};
    for (int i = 0; i < BFT_RUN_LATE; i++) {
        assert_int_equal(bft_proposer(&c.cfg, &run, 0), 7);
        struct header h = by(7, 1);
        run = bft_run_next(run, &h);
    }
    assert_int_equal(bft_proposer(&c.cfg, &run, 0), 10);
    assert_int_equal(bft_proposer(&c.cfg, &run, 1), 1);
}

static void a_seat_that_left_or_is_suspended_is_passed_by(void **state)
{
    struct cluster c = make(4, 1);
    struct bft_run run = {.proposer = 5, .blocks = 3};
    assert_int_equal(bft_proposer(&c.cfg, &run, 0), 7);
    run.proposer = 11;
    assert_int_equal(bft_proposer(&c.cfg, &run, 0), 1);
    c.cfg.member[0].suspended = true;
    assert_int_equal(bft_proposer(&c.cfg, &run, 0), 4);
    assert_int_equal(bft_proposer(&c.cfg, &run, 3), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_is_refused_unless_n_is_above_3f),
        cmocka_unit_test(quorums_are_those_of_the_design),
        cmocka_unit_test(a_wrong_configuration_is_refused),
        cmocka_unit_test(every_field_of_a_configuration_is_in_its_hash),
        cmocka_unit_test(a_vote_counts_only_for_what_it_signed),
        cmocka_unit_test(a_certificate_needs_q_different_seats),
        cmocka_unit_test(a_certificate_round_trips_and_refuses_every_cut),
        cmocka_unit_test(a_block_whose_header_does_not_cover_it_is_refused),
        cmocka_unit_test(every_field_of_a_header_is_in_its_id),
        cmocka_unit_test(paths_lead_from_each_entry_to_the_root_and_from_no_other),
        cmocka_unit_test(the_tree_is_that_of_rfc_6962),
        cmocka_unit_test(equivocation_is_two_statements_that_contradict),
        cmocka_unit_test(a_working_proposer_stays_for_64_blocks),
        cmocka_unit_test(a_late_proposer_is_passed_by),
        cmocka_unit_test(a_seat_that_left_or_is_suspended_is_passed_by),
    };
    return cmocka_run_group_tests_name("consensus types", tests, NULL, NULL);
}
