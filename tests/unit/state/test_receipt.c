/* Receipts: a whole one is valid, and each part of it is needed. */
#include "core/state/receipt.h"
#include "founded.h"
#include "test.h"

#define ENTRIES 3
#define MEMBERS 4 /* f = 1, q = 3 */

static struct founded f;

/* A receipt taken apart, so that a test can change a part; the views borrow from `block`. */
struct parts {
    struct buf block;
    struct bytes entry;
    struct path path;
    struct header header;
    struct certificate cert;
    struct cfg cfg;
    uint64_t first_height;
    struct signature membership;
};
static struct parts whole;

/* Entries 0 to ENTRIES - 1 are of guardians 1 and so on. */
static struct buf make_block(uint64_t height)
{
    struct buf entries[ENTRIES];
    struct bytes views[ENTRIES];
    for (uint32_t i = 0; i < ENTRIES; i++) {
        entries[i] = founded_entry(&f, CMD_TICK, i + 1, BYTES_NONE);
        views[i] = buf_bytes(&entries[i]);
    }
    struct buf block = founded_block(&f, height, views, ENTRIES);
    for (uint32_t i = 0; i < ENTRIES; i++)
        buf_free(&entries[i]);
    return block;
}

static struct buf compose(const struct parts *p)
{
    struct buf b = BUF_INIT(RECEIPT_MAX), cert = founded_certificate_bytes(&p->cert);
    struct writer w = writer(&b);
    wr_u8(&w, 1);
    wr_var(&w, p->entry);
    path_encode(&w, &p->path);
    header_encode(&w, &p->header);
    wr_var(&w, buf_bytes(&cert));
    cfg_encode(&w, &p->cfg);
    wr_u64(&w, p->first_height);
    wr_raw(&w, p->membership.b, sizeof p->membership.b);
    assert_ok(writer_end(&w));
    buf_free(&cert);
    return b;
}

static struct sig_public root_key(void)
{
    struct rec_cluster c = state_cluster(f.s);
    struct sig_public root;
    memcpy(root.b, c.a.b, sizeof root.b);
    return root;
}

static enum err make_of(struct bytes block, uint64_t index, struct buf *out)
{
    struct buf cert = founded_certificate_bytes(&whole.cert);
    enum err e = receipt_make(f.s, block, buf_bytes(&cert), index, out);
    buf_free(&cert);
    return e;
}

static enum err make(uint64_t index, struct buf *out)
{
    return make_of(buf_bytes(&whole.block), index, out);
}

/* Founded, members signed, and a certified block whose entry 1 the parts are about. */
static int begin(void **state)
{
    struct block block;
    struct rec_membership m;
    founded_new_signed(&f, MEMBERS);
    founded_sign(&f, founded_op_of(&f, SIGN_CFG), 1);
    whole.block = make_block(f.height);
    assert_ok(block_decode(buf_bytes(&whole.block), &block));
    assert_ok(state_past_cfg(f.s, f.height, &whole.cfg));
    struct key k = key_hash('m', cfg_hash(&whole.cfg));
    assert_ok(membership_get(state_store(f.s), &k, &m));
    whole.entry = block.entry[1];
    entries_path(block.entry, block.n, 1, &whole.path);
    whole.header = block.header;
    whole.first_height = m.first_height;
    whole.membership = m.signature;
    founded_certify(&f, &whole.cfg, VOTE_PRECOMMIT, f.height, header_id(&whole.header),
                    &whole.cert);
    block_free(&block);
    return 0;
}

static int end(void **state)
{
    buf_free(&whole.block);
    founded_free(&f);
    return 0;
}

static void assert_refused(struct bytes in, enum err expected, const char *why)
{
    struct sig_public root = root_key();
    struct receipt out;
    struct problem p = {0};
    enum err e = receipt_verify(in, &root, 1, &out, &p);
    if (e != expected || !strstr(p.detail, why))
        fail_msg("expected '%s' (%s), got '%s' (%s)", why, err_code(expected), p.detail,
                 err_code(e));
}

static void assert_parts_refused(const struct parts *p, const char *why)
{
    struct buf b = compose(p);
    assert_refused(buf_bytes(&b), E_SIGNATURE, why);
    buf_free(&b);
}

#define NOT_IN_BLOCK  "the entry is not in the block"
#define NOT_CERTIFIED "the block is not certified by its members"
#define NOT_MEMBERS   "the members are not those the root key signed"

static void a_receipt_of_each_entry_is_valid(void **state)
{
    struct sig_public root = root_key();
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct buf b = BUF_INIT(RECEIPT_MAX);
        struct receipt r;
        struct problem p = {0};
        assert_ok(make(i, &b));
        if (receipt_verify(buf_bytes(&b), &root, 1, &r, &p) != OK)
            fail_msg("%s", p.detail);
        assert_int_equal(r.height, f.height);
        assert_int_equal(r.time_ms, f.ms);
        assert_int_equal(r.index, i);
        assert_int_equal(r.entry.type, CMD_TICK);
        assert_int_equal(r.entry.author, i + 1);
        assert_true(hash32_eq(r.cluster_id, f.cluster_id));
        assert_int_equal(r.signers, 3);
        buf_free(&b);
    }
    struct buf made = BUF_INIT(RECEIPT_MAX), composed = compose(&whole);
    assert_ok(make(1, &made));
    assert_true(bytes_eq(buf_bytes(&made), buf_bytes(&composed)));
    buf_free(&made);
    buf_free(&composed);
}

static void a_receipt_is_made_of_what_there_is(void **state)
{
    struct buf b = BUF_INIT(RECEIPT_MAX), small = BUF_INIT(64);
    assert_err(make(ENTRIES, &b), E_NOT_FOUND);
    assert_err(make(UINT64_MAX, &b), E_NOT_FOUND);
    assert_err(make(1, &small), E_TOO_LARGE);
    /* The founders decided the blocks up to the root; the root key never signed them. */
    struct buf early = make_block(2);
    assert_err(make_of(buf_bytes(&early), 1, &b), E_NOT_READY);
    assert_err(make_of(bytes(early.p, early.n - 1), 1, &b), E_MALFORMED);
    assert_int_equal(b.n, 0);
    buf_free(&early);
    buf_free(&small);
    buf_free(&b);
}

static void cut_or_continued_it_is_no_receipt(void **state)
{
    struct buf b = compose(&whole);
    assert_ok(buf_add(&b, "", 1));
    for (size_t n = 0; n <= b.n; n++)
        if (n != b.n - 1)
            assert_refused(bytes(b.p, n), E_MALFORMED, "this is not a receipt");
    buf_free(&b);
}

static void each_bit_of_it_counts(void **state)
{
    struct sig_public root = root_key();
    struct buf b = compose(&whole);
    for (size_t bit = 0; bit < 8 * b.n; bit++) {
        struct receipt out;
        struct problem p = {0};
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum err e = receipt_verify(buf_bytes(&b), &root, 1, &out, &p);
        if (e != E_MALFORMED && e != E_SIGNATURE)
            fail_msg("%s with bit %zu of %zu bytes changed", err_code(e), bit, b.n);
        assert_true(p.detail[0]);
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_free(&b);
}

static void another_root_vouches_for_nothing(void **state)
{
    struct buf b = compose(&whole);
    struct sig_public root = root_key(), other;
    struct sig_secret secret;
    struct receipt out;
    sig_keygen(founded_rng(&f), &secret, &other);
    assert_err(receipt_verify(buf_bytes(&b), &other, 1, &out, NULL), E_SIGNATURE);
    assert_err(receipt_verify(buf_bytes(&b), &root, 2, &out, NULL), E_SIGNATURE);
    memset(other.b, 0, sizeof other.b); /* no point of the group */
    assert_err(receipt_verify(buf_bytes(&b), &other, 1, &out, NULL), E_SIGNATURE);
    assert_ok(receipt_verify(buf_bytes(&b), &root, 1, &out, NULL));
    buf_free(&b);
}

static void the_path_is_that_of_the_entry(void **state)
{
    struct block block;
    struct parts p = whole;
    assert_ok(block_decode(buf_bytes(&whole.block), &block));
    p.entry = block.entry[0];
    assert_parts_refused(&p, NOT_IN_BLOCK);
    p = whole;
    entries_path(block.entry, block.n, 0, &p.path);
    assert_parts_refused(&p, NOT_IN_BLOCK);
    p = whole;
    p.path.index = 0;
    assert_parts_refused(&p, NOT_IN_BLOCK);
    p = whole;
    p.path.n--;
    assert_parts_refused(&p, NOT_IN_BLOCK);
    p = whole;
    p.header.entries_root = entries_root(block.entry, 1);
    assert_parts_refused(&p, NOT_IN_BLOCK);
    block_free(&block);
}

static void each_field_of_the_header_is_certified(void **state)
{
    struct parts p[8];
    for (size_t i = 0; i < 8; i++)
        p[i] = whole;
    p[0].header.round++;
    p[1].header.proposer++;
    p[2].header.time_ms++;
    p[3].header.parent.b[0] ^= 1;
    p[4].header.state_root.b[0] ^= 1;
    p[5].header.last.b[0] ^= 1;
    p[6].header.last_round++;
    p[7].header.height++;
    for (size_t i = 0; i < 8; i++)
        assert_parts_refused(&p[i], NOT_CERTIFIED);
}

static void the_certificate_is_of_a_quorum_for_this_block(void **state)
{
    struct hash32 id = header_id(&whole.header), other = {{9}};
    struct parts p = whole;
    p.cert.n--;
    assert_parts_refused(&p, NOT_CERTIFIED);
    p = whole;
    p.cert.vote[1] = p.cert.vote[0];
    p.cert.vote[1].gid = 2; /* one vote twice */
    assert_parts_refused(&p, NOT_CERTIFIED);
    p = whole;
    p.cert.vote[2].gid = 9;
    assert_parts_refused(&p, NOT_CERTIFIED);
    /* Genuine votes for something else: a lock, another block, another height or round. */
    p = whole;
    founded_certify(&f, &p.cfg, VOTE_PREVOTE, f.height, id, &p.cert);
    assert_parts_refused(&p, NOT_CERTIFIED);
    founded_certify(&f, &p.cfg, VOTE_PRECOMMIT, f.height, other, &p.cert);
    assert_parts_refused(&p, NOT_CERTIFIED);
    founded_certify(&f, &p.cfg, VOTE_PRECOMMIT, f.height + 1, id, &p.cert);
    assert_parts_refused(&p, NOT_CERTIFIED);
    founded_certify(&f, &p.cfg, VOTE_PRECOMMIT, f.height, id, &p.cert);
    p.cert.round++;
    assert_parts_refused(&p, NOT_CERTIFIED);
}

static void the_members_are_those_the_root_signed(void **state)
{
    /* Strangers that found members of their own, and certify the block as those. */
    struct founded strangers = f;
    struct parts p = whole;
    for (uint32_t i = 0; i < p.cfg.n; i++)
        sig_keygen(founded_rng(&f), &strangers.vote[i], &p.cfg.member[i].vote_key);
    founded_certify(&strangers, &p.cfg, VOTE_PRECOMMIT, f.height, header_id(&p.header), &p.cert);
    assert_parts_refused(&p, NOT_MEMBERS);
    p.header.cfg = cfg_hash(&p.cfg);
    founded_certify(&strangers, &p.cfg, VOTE_PRECOMMIT, f.height, header_id(&p.header), &p.cert);
    assert_parts_refused(&p, NOT_MEMBERS);
    p.cfg = whole.cfg;
    assert_parts_refused(&p, NOT_CERTIFIED);
    /* The founders' cfg differs from that of the rooted cluster in its epoch alone. */
    p = whole;
    assert_ok(state_past_cfg(f.s, 1, &p.cfg));
    p.header.cfg = cfg_hash(&p.cfg);
    founded_certify(&f, &p.cfg, VOTE_PRECOMMIT, f.height, header_id(&p.header), &p.cert);
    assert_parts_refused(&p, NOT_MEMBERS);
    /* Certified by the right members, but as a block of others. */
    p.cfg = whole.cfg;
    founded_certify(&f, &p.cfg, VOTE_PRECOMMIT, f.height, header_id(&p.header), &p.cert);
    assert_parts_refused(&p, NOT_MEMBERS);
}

static void members_vouch_for_their_own_time(void **state)
{
    struct parts p = whole;
    p.first_height--;
    assert_parts_refused(&p, NOT_MEMBERS);
    p = whole;
    p.header.height = p.first_height - 1;
    founded_certify(&f, &p.cfg, VOTE_PRECOMMIT, p.header.height, header_id(&p.header), &p.cert);
    assert_parts_refused(&p, NOT_MEMBERS);
    p.header.height++;
    founded_certify(&f, &p.cfg, VOTE_PRECOMMIT, p.header.height, header_id(&p.header), &p.cert);
    struct buf b = compose(&p);
    struct sig_public root = root_key();
    struct receipt out;
    assert_ok(receipt_verify(buf_bytes(&b), &root, 1, &out, NULL));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_of_each_entry_is_valid),
        cmocka_unit_test(a_receipt_is_made_of_what_there_is),
        cmocka_unit_test(cut_or_continued_it_is_no_receipt),
        cmocka_unit_test(each_bit_of_it_counts),
        cmocka_unit_test(another_root_vouches_for_nothing),
        cmocka_unit_test(the_path_is_that_of_the_entry),
        cmocka_unit_test(each_field_of_the_header_is_certified),
        cmocka_unit_test(the_certificate_is_of_a_quorum_for_this_block),
        cmocka_unit_test(the_members_are_those_the_root_signed),
        cmocka_unit_test(members_vouch_for_their_own_time),
    };
    return cmocka_run_group_tests_name("receipt", tests, begin, end);
}
