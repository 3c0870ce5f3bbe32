/* Proofs of checkpoints: a whole one is valid, and each part of it is needed. */
#include "core/state/checkpoint.h"
#include "founded.h"
#include "test.h"

#define MEMBERS 4 /* f = 1, q = 3 */

static struct founded f;
static struct buf proof, state_before;
static struct hash32 root_before;
static uint64_t height_before;

/* A certified block that follows what is decided, and the proof it makes. */
static enum err prove(struct buf *out)
{
    struct cfg cfg;
    struct certificate cert;
    struct block block;
    struct buf entry = founded_entry(&f, CMD_TICK, 1, BYTES_NONE);
    struct bytes view = buf_bytes(&entry);
    struct buf raw = founded_block(&f, f.height, &view, 1);
    assert_ok(block_decode(buf_bytes(&raw), &block));
    assert_ok(state_past_cfg(f.s, f.height, &cfg));
    founded_certify(&f, &cfg, VOTE_PRECOMMIT, f.height, header_id(&block.header), &cert);
    struct buf c = founded_certificate_bytes(&cert);
    enum err e = checkpoint_prove(f.s, buf_bytes(&raw), buf_bytes(&c), out);
    block_free(&block);
    buf_free(&c);
    buf_free(&raw);
    buf_free(&entry);
    return e;
}

static int begin(void **state)
{
    founded_new_signed(&f, MEMBERS);
    proof = BUF_INIT(CHECKPOINT_PROOF_MAX);
    assert_err(prove(&proof), E_NOT_READY); /* nobody has signed the members yet */
    buf_clear(&proof);
    founded_sign(&f, founded_op_of(&f, SIGN_CFG), 1);
    state_before = BUF_INIT(CHECKPOINT_STATE_MAX);
    assert_ok(state_save(f.s, &state_before));
    root_before = state_root(f.s);
    height_before = state_cluster(f.s).height;
    assert_ok(prove(&proof));
    return 0;
}

static int end(void **state)
{
    buf_free(&proof);
    buf_free(&state_before);
    founded_free(&f);
    return 0;
}

static void a_whole_proof_names_the_state(void **state)
{
    struct checkpoint c;
    struct problem p = {0};
    assert_ok(checkpoint_check(f.s, buf_bytes(&proof), &c, &p));
    assert_int_equal(c.height, height_before);
    assert_true(hash32_eq(c.state_root, root_before));
    assert_true(hash32_eq(c.id, state_cluster(f.s).head));
    assert_true(hash32_eq(c.last.id, c.id));
    assert_ok(state_load(f.s, buf_bytes(&state_before), &c.state_root));
}

static void a_proof_that_is_cut_or_longer_is_refused(void **state)
{
    struct checkpoint c;
    struct problem p = {0};
    for (size_t n = 0; n < proof.n; n++)
        assert_err(checkpoint_check(f.s, bytes(proof.p, n), &c, &p), E_MALFORMED);
    assert_ok(buf_add(&proof, "", 1));
    assert_err(checkpoint_check(f.s, buf_bytes(&proof), &c, &p), E_MALFORMED);
    proof.n--;
}

static void no_bit_of_a_proof_may_change(void **state)
{
    struct checkpoint c;
    struct problem p = {0};
    for (size_t i = 0; i < proof.n; i++) {
        proof.p[i] ^= (uint8_t)(1 << i % 8);
        assert_true(checkpoint_check(f.s, buf_bytes(&proof), &c, &p) != OK);
        proof.p[i] ^= (uint8_t)(1 << i % 8);
    }
}

static void who_does_not_know_the_root_cannot_judge(void **state)
{
    struct founded blank;
    struct checkpoint c;
    struct problem p = {0};
    founded_new(&blank, MEMBERS);
    assert_err(checkpoint_check(blank.s, buf_bytes(&proof), &c, &p), E_NOT_READY);
    founded_free(&blank);
}

static void another_root_does_not_vouch_for_it(void **state)
{
    struct founded other;
    struct checkpoint c;
    struct problem p = {0};
    founded_new_rooted(&other, MEMBERS + 1);
    assert_err(checkpoint_check(other.s, buf_bytes(&proof), &c, &p), E_SIGNATURE);
    assert_string_equal(p.detail, "the members are not those the root key signed");
    founded_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_proof_names_the_state),
        cmocka_unit_test(a_proof_that_is_cut_or_longer_is_refused),
        cmocka_unit_test(no_bit_of_a_proof_may_change),
        cmocka_unit_test(who_does_not_know_the_root_cannot_judge),
        cmocka_unit_test(another_root_does_not_vouch_for_it),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, begin, end);
}
