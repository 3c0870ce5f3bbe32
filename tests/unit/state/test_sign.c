/* ISSUING, COMMIT, SHARE, RETRY, DERIVE and EVAL: what holders of shares post. */
#include "base/crypto/p256.h"
#include "founded.h"
#include "ideal_sig.h"
#include "test.h"

static struct founded f;

/* The operations after a founding: the root's certificate is the first. */
#define OP_ROOT 1
#define OP_NONE 99

static void do_body(enum command type, uint32_t gid, struct buf b)
{
    founded_do(&f, type, gid, buf_bytes(&b));
    buf_free(&b);
}

static enum err try_body(enum command type, uint32_t gid, struct buf b)
{
    enum err e = founded_try(&f, type, gid, buf_bytes(&b));
    buf_free(&b);
    return e;
}

static void a_commitment_is_one_for_each_holder_that_is_needed(void **state)
{
    founded_new_rooted(&f, 3);
    struct buf good = founded_commit(&f, OP_ROOT, 1, 1, 1);
    founded_cuts(&f, CMD_COMMIT, 1, buf_bytes(&good));
    founded_strangers(&f, CMD_COMMIT, 1, buf_bytes(&good));
    assert_err(try_body(CMD_COMMIT, 1, founded_commit(&f, OP_NONE, 1, 1, 1)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 2, 1, 1)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 1, 1, 2)), E_NOT_ALLOWED);
    founded_do(&f, CMD_COMMIT, 1, buf_bytes(&good));
    assert_err(founded_try(&f, CMD_COMMIT, 1, buf_bytes(&good)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 1, 1, 1)), E_NOT_ALLOWED);
    do_body(CMD_COMMIT, 2, founded_commit(&f, OP_ROOT, 1, 2, 2));
    assert_err(try_body(CMD_COMMIT, 3, founded_commit(&f, OP_ROOT, 1, 3, 3)), E_NOT_ALLOWED);
    buf_free(&good);
    founded_free(&f);
}

static void shares_complete_a_signature_and_a_false_one_is_blamed(void **state)
{
    founded_new_rooted(&f, 3);
    do_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 1, 1, 1));
    struct frost_share none = {.gid = 1};
    struct buf early = founded_op_body(OP_ROOT, 1);
    struct writer w = writer(&early);
    frost_share_write(&w, &none);
    assert_err(founded_try(&f, CMD_SHARE, 1, buf_bytes(&early)), E_NOT_ALLOWED);
    do_body(CMD_COMMIT, 2, founded_commit(&f, OP_ROOT, 1, 2, 2));
    struct buf share = founded_share(&f, OP_ROOT, 1);
    founded_cuts(&f, CMD_SHARE, 1, buf_bytes(&share));
    founded_strangers(&f, CMD_SHARE, 1, buf_bytes(&share));
    assert_err(founded_try(&f, CMD_SHARE, 2, buf_bytes(&share)), E_NOT_ALLOWED);
    assert_err(founded_try(&f, CMD_SHARE, 3, buf_bytes(&share)), E_NOT_ALLOWED);
    founded_do(&f, CMD_SHARE, 1, buf_bytes(&share));
    assert_err(founded_try(&f, CMD_SHARE, 1, buf_bytes(&share)), E_NOT_ALLOWED);
    struct buf wrong = founded_share(&f, OP_ROOT, 2);
    wrong.p[wrong.n - 32] ^= 1; /* the lowest bit of z */
    founded_do_blamed(&f, CMD_SHARE, 2, buf_bytes(&wrong), BLAME_SHARE);
    struct rec_signop op = founded_op(&f, OP_ROOT);
    assert_int_equal(op.attempt, 2);
    assert_int_equal(op.set.n, 0);
    assert_int_equal(op.n_shares, 0);
    assert_int_equal(op.n_excluded, 1);
    assert_int_equal(op.excluded[0], 2);
    assert_err(founded_try(&f, CMD_SHARE, 1, buf_bytes(&share)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_COMMIT, 2, founded_commit(&f, OP_ROOT, 2, 2, 2)), E_NOT_ALLOWED);
    do_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 2, 1, 1));
    do_body(CMD_COMMIT, 3, founded_commit(&f, OP_ROOT, 2, 3, 3));
    do_body(CMD_SHARE, 3, founded_share(&f, OP_ROOT, 3));
    do_body(CMD_SHARE, 1, founded_share(&f, OP_ROOT, 1));
    assert_true(founded_op_is_done(&f, OP_ROOT));
    struct key root = key_plain('r');
    assert_true(store_get(state_store(f.s), key_bytes(&root)).n > 0);
    buf_free(&early);
    buf_free(&share);
    buf_free(&wrong);
    founded_free(&f);
}

static void a_silent_signer_is_left_out_after_its_time(void **state)
{
    founded_new_rooted(&f, 3);
    struct buf retry = founded_op_body(OP_ROOT, 1);
    assert_err(founded_try(&f, CMD_RETRY, 3, buf_bytes(&retry)), E_NOT_READY);
    do_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 1, 1, 1));
    f.ms += 10 * SIGN_WAIT_MS; /* the set is not complete: nobody is late */
    assert_err(founded_try(&f, CMD_RETRY, 3, buf_bytes(&retry)), E_NOT_READY);
    do_body(CMD_COMMIT, 2, founded_commit(&f, OP_ROOT, 1, 2, 2));
    do_body(CMD_SHARE, 1, founded_share(&f, OP_ROOT, 1));
    f.ms = founded_op(&f, OP_ROOT).since_ms + SIGN_WAIT_MS - 1;
    assert_err(founded_try(&f, CMD_RETRY, 3, buf_bytes(&retry)), E_NOT_READY);
    f.ms++;
    founded_cuts(&f, CMD_RETRY, 3, buf_bytes(&retry));
    founded_strangers(&f, CMD_RETRY, 3, buf_bytes(&retry));
    founded_do(&f, CMD_RETRY, 3, buf_bytes(&retry));
    assert_err(founded_try(&f, CMD_RETRY, 3, buf_bytes(&retry)), E_NOT_ALLOWED);
    assert_int_equal(founded_op(&f, OP_ROOT).n_excluded, 1);
    assert_int_equal(founded_op(&f, OP_ROOT).excluded[0], 2);
    buf_free(&retry);
    founded_free(&f);
}

/* Of three one lied and is left out, and another is silent: too few are left to wait for. */
static void signers_that_were_left_out_come_back_when_too_few_commit(void **state)
{
    founded_new_rooted(&f, 3);
    do_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 1, 1, 1));
    do_body(CMD_COMMIT, 2, founded_commit(&f, OP_ROOT, 1, 2, 2));
    do_body(CMD_SHARE, 1, founded_share(&f, OP_ROOT, 1));
    f.ms = founded_op(&f, OP_ROOT).since_ms + SIGN_WAIT_MS;
    do_body(CMD_RETRY, 3, founded_op_body(OP_ROOT, 1));
    do_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 2, 1, 1));
    assert_err(try_body(CMD_COMMIT, 2, founded_commit(&f, OP_ROOT, 2, 2, 2)), E_NOT_ALLOWED);
    f.ms = founded_op(&f, OP_ROOT).since_ms + SIGN_WAIT_MS - 1;
    assert_err(try_body(CMD_RETRY, 1, founded_op_body(OP_ROOT, 2)), E_NOT_READY);
    f.ms++;
    do_body(CMD_RETRY, 1, founded_op_body(OP_ROOT, 2));
    assert_int_equal(founded_op(&f, OP_ROOT).n_excluded, 0);
    founded_sign(&f, OP_ROOT, 1);
    founded_free(&f);
}

/* What a member saw in a block that was never decided must not change what it accepts later:
 * another member that did not see that block would judge differently. */
static void a_share_of_an_undecided_block_is_judged_afresh(void **state)
{
    founded_new_rooted(&f, 3);
    do_body(CMD_COMMIT, 1, founded_commit(&f, OP_ROOT, 1, 1, 1));
    struct buf other = founded_commit(&f, OP_ROOT, 1, 2, 2), commit;
    commit = founded_commit(&f, OP_ROOT, 1, 3, 3);
    /* Guardian 1 has a share ready for the set {1, 2}. */
    struct founded twin = f;
    assert_ok(state_new(&twin.s, f.g, f.cluster_id,
                        (struct state_deps){&sig_ideal, NULL, &frost_ed25519}));
    struct buf snapshot = BUF_INIT(8u << 20);
    assert_ok(state_save(f.s, &snapshot));
    assert_ok(state_load(twin.s, buf_bytes(&snapshot), NULL));
    assert_true(hash32_eq(state_root(f.s), state_root(twin.s)));
    struct state *real = f.s;
    f.s = twin.s;
    founded_do(&f, CMD_COMMIT, 2, buf_bytes(&other));
    struct buf share = founded_share(&f, OP_ROOT, 1);
    f.s = real;
    f.height--;
    f.ms -= 10;
    struct buf entries[2] = {founded_entry(&f, CMD_COMMIT, 2, buf_bytes(&other)),
                             founded_entry(&f, CMD_SHARE, 1, buf_bytes(&share))};
    struct bytes list[2] = {buf_bytes(&entries[0]), buf_bytes(&entries[1])};
    bool ok[2];
    state_judge(f.s, (struct block_time){f.height, f.ms}, list, 2, ok);
    assert_true(ok[0] && ok[1]);
    founded_do(&f, CMD_COMMIT, 3, buf_bytes(&commit));
    founded_do_blamed(&f, CMD_SHARE, 1, buf_bytes(&share), BLAME_SHARE);
    assert_int_equal(founded_op(&f, OP_ROOT).attempt, 2);
    state_free(twin.s);
    buf_free(&snapshot);
    buf_free(&entries[0]);
    buf_free(&entries[1]);
    buf_free(&share);
    buf_free(&other);
    buf_free(&commit);
    founded_free(&f);
}

/* --- issuing CAs ------------------------------------------------------------------------ */

static struct buf issuing_body(const char *ns, struct bytes spki)
{
    struct buf b = BUF_INIT(512);
    struct writer w = writer(&b);
    wr_text(&w, ns);
    wr_var(&w, spki);
    assert_ok(writer_end(&w));
    return b;
}

static struct buf make_spki(void)
{
    struct p256_secret secret;
    struct p256_public public;
    struct buf b = BUF_INIT(SPKI_MAX);
    assert_ok(p256_keygen(founded_rng(&f), &secret, &public));
    assert_ok(p256_spki_write(&public, &b));
    return b;
}

static void an_issuing_ca_is_for_a_p256_key_in_a_sealed_namespace(void **state)
{
    founded_new_rooted(&f, 3);
    struct buf spki = make_spki(), good = issuing_body(NS_GUARDIAN, buf_bytes(&spki));
    founded_cuts(&f, CMD_ISSUING, 1, buf_bytes(&good));
    founded_strangers(&f, CMD_ISSUING, 1, buf_bytes(&good));
    assert_err(try_body(CMD_ISSUING, 1, issuing_body("none", buf_bytes(&spki))), E_VALUE);
    founded_change(&f, "{\"type\":\"namespace.create\",\"namespace\":\"open\","
                       "\"mode\":\"threshold\",\"dns\":[],\"ip\":[]}");
    assert_err(try_body(CMD_ISSUING, 1, issuing_body("open", buf_bytes(&spki))), E_VALUE);
    spki.p[spki.n - 1] ^= 1; /* not on the curve */
    assert_err(try_body(CMD_ISSUING, 1, issuing_body(NS_GUARDIAN, buf_bytes(&spki))), E_VALUE);
    uint64_t number = state_cluster(f.s).next_op;
    founded_do(&f, CMD_ISSUING, 1, buf_bytes(&good));
    founded_sign(&f, number, 2);
    assert_err(founded_try(&f, CMD_ISSUING, 1, buf_bytes(&good)), E_NOT_ALLOWED); /* young */
    assert_ok(founded_try(&f, CMD_ISSUING, 2, buf_bytes(&good)));
    f.ms += ISSUING_LIFETIME_S / 2 * 1000;
    assert_ok(founded_try(&f, CMD_ISSUING, 1, buf_bytes(&good)));
    buf_free(&good);
    buf_free(&spki);
    founded_free(&f);
}

/* --- namespace keys --------------------------------------------------------------------- */

static struct scalar blind;

static uint64_t derives;

static struct buf derive_body(const char *ns, const char *label_ns, uint32_t version,
                              uint32_t requester, struct oprf_request *request)
{
    struct buf label = BUF_INIT(OPRF_LABEL_MAX), b = BUF_INIT(4096);
    struct writer w = writer(&b);
    assert_ok(state_namespace_label(f.s, label_ns, 1, &label));
    assert_ok(oprf_request_make(founded_rng(&f), buf_bytes(&label),
                                state_derive_requester(f.s, requester), &blind, request));
    wr_u64(&w, ++derives);
    wr_text(&w, ns);
    wr_u32(&w, version);
    oprf_request_write(&w, request);
    buf_free(&label);
    return b;
}

static void a_request_names_its_label_and_its_requester(void **state)
{
    struct oprf_request q;
    founded_new_rooted(&f, 3);
    founded_change(&f, "{\"type\":\"namespace.create\",\"namespace\":\"blue\","
                       "\"mode\":\"sealed\",\"dns\":[],\"ip\":[]}");
    founded_change(&f, "{\"type\":\"namespace.create\",\"namespace\":\"open\","
                       "\"mode\":\"threshold\",\"dns\":[],\"ip\":[]}");
    struct buf good = derive_body("blue", "blue", 1, 1, &q);
    founded_cuts(&f, CMD_DERIVE, 1, buf_bytes(&good));
    founded_strangers(&f, CMD_DERIVE, 1, buf_bytes(&good));
    assert_err(try_body(CMD_DERIVE, 1, derive_body("blue", "open", 1, 1, &q)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_DERIVE, 1, derive_body("blue", "blue", 1, 2, &q)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_DERIVE, 1, derive_body("blue", "blue", 0, 1, &q)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_DERIVE, 1, derive_body("blue", "blue", 2, 1, &q)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_DERIVE, 1, derive_body("none", "none", 1, 1, &q)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_DERIVE, 1, derive_body("open", "open", 1, 1, &q)), E_NOT_ALLOWED);
    good.p[good.n - 32] ^= 1; /* the proof that the requester knows the blind */
    assert_err(founded_try(&f, CMD_DERIVE, 1, buf_bytes(&good)), E_SIGNATURE);
    buf_free(&good);
    founded_free(&f);
}

static struct buf eval_body(uint32_t gid, const char *ns, struct hash32 id, uint64_t epoch,
                            const struct oprf_request *q)
{
    struct buf b = BUF_INIT(1024);
    struct writer w = writer(&b);
    struct oprf_partial partial;
    assert_ok(oprf_evaluate(founded_rng(&f), &f.share_r[gid - 1], gid,
                            state_eval_context(epoch, gid, id), &q->blinded, &partial));
    wr_u32(&w, 1);
    wr_text(&w, ns);
    wr_raw(&w, id.b, sizeof id.b);
    wr_u64(&w, epoch);
    oprf_partial_write(&w, &partial);
    return b;
}

static void a_partial_answers_an_open_request_and_a_false_one_is_blamed(void **state)
{
    struct oprf_request q;
    founded_new_rooted(&f, 3);
    struct buf ask = derive_body(NS_GUARDIAN, NS_GUARDIAN, 1, 1, &q);
    struct buf entry = founded_entry(&f, CMD_DERIVE, 1, buf_bytes(&ask));
    struct hash32 id = entry_id(buf_bytes(&entry)), other = id;
    other.b[0] ^= 1;
    assert_err(try_body(CMD_EVAL, 2, eval_body(2, NS_GUARDIAN, id, 1, &q)), E_NOT_ALLOWED);
    founded_do(&f, CMD_DERIVE, 1, buf_bytes(&ask));
    assert_err(founded_try(&f, CMD_DERIVE, 1, buf_bytes(&ask)), E_NOT_ALLOWED); /* a replay */
    struct buf good = eval_body(2, NS_GUARDIAN, id, 1, &q);
    /* Cut anywhere it is no entry; whole with a false proof it is one, and evidence. */
    founded_cuts(&f, CMD_EVAL, 2, buf_bytes(&good));
    founded_strangers(&f, CMD_EVAL, 2, buf_bytes(&good));
    assert_err(founded_try(&f, CMD_EVAL, 3, buf_bytes(&good)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_EVAL, 2, eval_body(2, NS_GUARDIAN, other, 1, &q)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_EVAL, 2, eval_body(2, NS_GUARDIAN, id, 2, &q)), E_NOT_ALLOWED);
    assert_err(try_body(CMD_EVAL, 2, eval_body(2, "blue", id, 1, &q)), E_NOT_ALLOWED);
    struct buf wrong = eval_body(3, NS_GUARDIAN, id, 1, &q);
    wrong.p[wrong.n - 32] ^= 1;
    founded_do_blamed(&f, CMD_EVAL, 3, buf_bytes(&wrong), BLAME_EVAL);
    founded_do(&f, CMD_EVAL, 2, buf_bytes(&good));
    assert_err(founded_try(&f, CMD_EVAL, 2, buf_bytes(&good)), E_NOT_ALLOWED);
    do_body(CMD_EVAL, 1, eval_body(1, NS_GUARDIAN, id, 1, &q));
    /* t = 2 partials are there: the request is answered. */
    assert_err(try_body(CMD_EVAL, 3, eval_body(3, NS_GUARDIAN, id, 1, &q)), E_NOT_ALLOWED);
    buf_free(&ask);
    buf_free(&entry);
    buf_free(&good);
    buf_free(&wrong);
    founded_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commitment_is_one_for_each_holder_that_is_needed),
        cmocka_unit_test(shares_complete_a_signature_and_a_false_one_is_blamed),
        cmocka_unit_test(a_silent_signer_is_left_out_after_its_time),
        cmocka_unit_test(signers_that_were_left_out_come_back_when_too_few_commit),
        cmocka_unit_test(a_share_of_an_undecided_block_is_judged_afresh),
        cmocka_unit_test(an_issuing_ca_is_for_a_p256_key_in_a_sealed_namespace),
        cmocka_unit_test(a_request_names_its_label_and_its_requester),
        cmocka_unit_test(a_partial_answers_an_open_request_and_a_false_one_is_blamed),
    };
    return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
