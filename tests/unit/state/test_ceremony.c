/* OPEN, RKEY, DEAL, CONFIRM and STEP: each rule of a ceremony broken, then kept. */
#include "founded.h"
#include "ideal_dealing.h"
#include "ideal_sig.h"
#include "test.h"

static struct founded f;

static struct bytes no_body(void)
{
    return bytes("", 0);
}

static void a_receive_key_is_one_sound_and_a_members(void **state)
{
    founded_new(&f, 4);
    struct buf b = founded_rkey(&f, 1), other = founded_rkey(&f, 1);
    uint8_t zero[32] = {0}, one[32] = {1};
    founded_cuts(&f, CMD_RKEY, 1, buf_bytes(&b));
    founded_strangers(&f, CMD_RKEY, 1, buf_bytes(&b));
    assert_err(founded_try(&f, CMD_RKEY, 1, BYTES_OF(zero)), E_VALUE);
    assert_err(founded_try(&f, CMD_RKEY, 1, BYTES_OF(one)), E_VALUE);
    founded_do(&f, CMD_RKEY, 1, buf_bytes(&b));
    assert_err(founded_try(&f, CMD_RKEY, 1, buf_bytes(&other)), E_NOT_ALLOWED);
    assert_int_equal(state_session(f.s).n_recipients, 1);
    uint8_t early[8] = {0}; /* two dealings of no bytes */
    assert_err(founded_try(&f, CMD_DEAL, 1, BYTES_OF(early)), E_NOT_ALLOWED);
    buf_free(&b);
    buf_free(&other);
    founded_free(&f);
}

static void post_rkeys(uint32_t n)
{
    for (uint32_t gid = 1; gid <= n; gid++) {
        struct buf b = founded_rkey(&f, gid);
        founded_do(&f, CMD_RKEY, gid, buf_bytes(&b));
        buf_free(&b);
    }
}

static void a_dealing_is_checked_and_a_bad_one_is_blamed(void **state)
{
    founded_new(&f, 3);
    post_rkeys(3);
    struct buf good = founded_deal(&f, 1), late = founded_rkey(&f, 1);
    assert_err(founded_try(&f, CMD_RKEY, 1, buf_bytes(&late)), E_NOT_ALLOWED);
    founded_strangers(&f, CMD_DEAL, 1, buf_bytes(&good));
    /* The lengths of both halves are the entry's form; what stands in them is the dealer's word. */
    for (size_t n = 0; n < good.n; n++)
        assert_err(founded_try(&f, CMD_DEAL, 1, bytes(good.p, n)), E_MALFORMED);
    founded_do(&f, CMD_DEAL, 1, buf_bytes(&good));
    struct buf again = founded_deal(&f, 1);
    assert_err(founded_try(&f, CMD_DEAL, 1, buf_bytes(&again)), E_NOT_ALLOWED);
    /* Another dealer's dealing is no dealing of guardian 2. */
    founded_do_blamed(&f, CMD_DEAL, 2, buf_bytes(&again), BLAME_DEAL);
    assert_int_equal(state_session(f.s).n_dealers, 1);
    struct buf second = founded_deal(&f, 2);
    assert_err(founded_try(&f, CMD_DEAL, 2, buf_bytes(&second)), E_NOT_ALLOWED);
    buf_free(&second);
    buf_free(&again);
    buf_free(&late);
    buf_free(&good);
    founded_free(&f);
}

/* The check of a dealing is the dearest of all, and a pending entry is judged again and again. */
static void a_dealing_is_checked_once_be_it_good_or_bad(void **state)
{
    founded_new(&f, 3);
    post_rkeys(3);
    struct buf good = founded_deal(&f, 1), bad = founded_deal(&f, 2);
    bad.p[bad.n - 1] ^= 1; /* in its second half */
    dealing_ideal_checks = 0;
    for (unsigned i = 0; i < 3; i++)
        assert_ok(founded_try(&f, CMD_DEAL, 1, buf_bytes(&good)));
    assert_int_equal(dealing_ideal_checks, 2);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(founded_try(&f, CMD_DEAL, 2, buf_bytes(&bad)));
    assert_int_equal(dealing_ideal_checks, 4);
    founded_do(&f, CMD_DEAL, 1, buf_bytes(&good));
    founded_do_blamed(&f, CMD_DEAL, 2, buf_bytes(&bad), BLAME_DEAL);
    assert_int_equal(dealing_ideal_checks, 4);
    assert_int_equal(state_session(f.s).n_dealers, 1);
    buf_free(&good);
    buf_free(&bad);
    founded_free(&f);
}

static void a_phase_ends_early_only_after_its_deadline(void **state)
{
    founded_new(&f, 3);
    struct buf step = founded_step(&f);
    founded_cuts(&f, CMD_STEP, 1, buf_bytes(&step));
    founded_strangers(&f, CMD_STEP, 1, buf_bytes(&step));
    founded_do(&f, CMD_STEP, 1, buf_bytes(&step)); /* the clock of the founding starts */
    assert_err(founded_try(&f, CMD_STEP, 1, buf_bytes(&step)), E_NOT_READY);
    post_rkeys(2);
    f.ms = state_session(f.s).deadline_ms - 1;
    assert_err(founded_try(&f, CMD_STEP, 1, buf_bytes(&step)), E_NOT_READY);
    f.ms++;
    step.p[32] = PHASE_DEAL;
    assert_err(founded_try(&f, CMD_STEP, 1, buf_bytes(&step)), E_NOT_ALLOWED);
    step.p[32] = PHASE_RKEY;
    step.p[0] ^= 1;
    assert_err(founded_try(&f, CMD_STEP, 1, buf_bytes(&step)), E_NOT_ALLOWED);
    step.p[0] ^= 1;
    founded_do(&f, CMD_STEP, 1, buf_bytes(&step));
    assert_int_equal(state_session(f.s).phase, PHASE_DEAL);
    assert_int_equal(state_session(f.s).n_recipients, 2);
    /* Guardian 3 posted no key: it has nothing to deal. */
    struct buf deal = founded_deal(&f, 3);
    assert_err(founded_try(&f, CMD_DEAL, 3, buf_bytes(&deal)), E_NOT_ALLOWED);
    /* Without enough dealers the founding begins again under another name. */
    struct hash32 sid = state_session(f.s).sid_r;
    struct buf end = founded_step(&f);
    f.ms = state_session(f.s).deadline_ms;
    founded_do(&f, CMD_STEP, 2, buf_bytes(&end));
    assert_int_equal(state_session(f.s).attempt, 2);
    assert_int_equal(state_session(f.s).phase, PHASE_RKEY);
    assert_false(hash32_eq(state_session(f.s).sid_r, sid));
    founded_ceremony(&f, 3);
    buf_free(&end);
    buf_free(&deal);
    buf_free(&step);
    founded_free(&f);
}

static void a_confirmation_proves_the_share(void **state)
{
    founded_new(&f, 3);
    post_rkeys(3);
    for (uint32_t gid = 1; gid <= 3; gid++) {
        struct buf d = founded_deal(&f, gid);
        founded_do(&f, CMD_DEAL, gid, buf_bytes(&d));
        buf_free(&d);
    }
    founded_open(&f);
    struct buf good = founded_confirm(&f, 1), foreign = founded_confirm(&f, 2);
    founded_cuts(&f, CMD_CONFIRM, 1, buf_bytes(&good));
    founded_strangers(&f, CMD_CONFIRM, 1, buf_bytes(&good));
    assert_err(founded_try(&f, CMD_CONFIRM, 1, buf_bytes(&foreign)), E_SIGNATURE);
    for (size_t i = 0; i < good.n; i += 32) { /* each scalar of both proofs */
        good.p[i] ^= 1;
        assert_err(founded_try(&f, CMD_CONFIRM, 1, buf_bytes(&good)), E_SIGNATURE);
        good.p[i] ^= 1;
    }
    founded_do(&f, CMD_CONFIRM, 1, buf_bytes(&good));
    assert_err(founded_try(&f, CMD_CONFIRM, 1, buf_bytes(&good)), E_NOT_ALLOWED);
    assert_int_equal(state_cluster(f.s).generation, 0);
    buf_free(&good);
    buf_free(&foreign);
    founded_free(&f);
}

static void a_refresh_is_for_who_lost_its_share(void **state)
{
    founded_new(&f, 3);
    uint8_t refresh[] = {0}, join[] = {1}, bad[] = {2};
    assert_err(founded_try(&f, CMD_OPEN, 1, BYTES_OF(refresh)), E_NOT_READY);
    founded_ceremony(&f, 3);
    assert_err(founded_try(&f, CMD_OPEN, 1, no_body()), E_MALFORMED);
    assert_err(founded_try(&f, CMD_OPEN, 1, BYTES_OF(join)), E_MALFORMED);
    assert_err(founded_try(&f, CMD_OPEN, 1, BYTES_OF(bad)), E_MALFORMED);
    uint64_t opened = f.ms;
    founded_do(&f, CMD_OPEN, 1, BYTES_OF(refresh));
    uint64_t epoch = state_epoch(f.s).epoch;
    founded_ceremony(&f, 3);
    assert_int_equal(state_epoch(f.s).epoch, epoch + 1);
    f.ms = opened + REFRESH_PAUSE_MS - 1;
    assert_err(founded_try(&f, CMD_OPEN, 2, BYTES_OF(refresh)), E_NOT_READY);
    f.ms++;
    founded_do(&f, CMD_OPEN, 2, BYTES_OF(refresh));
    founded_free(&f);
}

/* --- joins ---------------------------------------------------------------------------- */

static struct buf join_body(const struct peer_subject *who, const struct verdict *v, uint32_t n)
{
    struct buf b = BUF_INIT(8192);
    struct writer w = writer(&b);
    wr_bool(&w, true);
    peer_subject_write(&w, who);
    founded_verdicts_write(&w, v, n);
    assert_ok(writer_end(&w));
    return b;
}

static enum err try_join(const struct peer_subject *who, const struct verdict *v, uint32_t n)
{
    struct buf b = join_body(who, v, n);
    enum err e = founded_try(&f, CMD_OPEN, 1, buf_bytes(&b));
    buf_free(&b);
    return e;
}

/* With the verdicts that the changed subject would have. */
static enum err try_subject(struct peer_subject who)
{
    struct verdict v[BFT_MAX_MEMBERS];
    founded_verdicts(&f, peer_subject_hash(&who), f.n, v);
    return try_join(&who, v, f.n);
}

static void add_seat(uint32_t gid)
{
    char change[1024], *id = world_platform_id(gid - 1);
    snprintf(change, sizeof change,
             "{\"type\":\"seat.add\",\"seat\":{\"gid\":%u,\"operator\":\"o\",\"vendor\":\"sim\","
             "\"platform_id\":\"%s\",\"addresses\":{\"peer\":\"10.0.0.%u:8444\","
             "\"api\":\"10.0.0.%u:8443\"}}}",
             gid, id, gid, gid);
    founded_change(&f, change);
    free(id);
}

static void a_newcomer_takes_a_free_seat_of_its_machine(void **state)
{
    founded_new_rooted(&f, 3);
    assert_err(try_subject(founded_subject(&f, 4)), E_NOT_ALLOWED); /* no such seat */
    add_seat(4);
    struct peer_subject who = founded_subject(&f, 1);
    assert_err(try_subject(who), E_NOT_ALLOWED); /* taken */
    who = founded_subject(&f, 4);
    who.platform_id = founded_machine(7);
    assert_err(try_subject(who), E_CHIP);
    who = founded_subject(&f, 4);
    who.measurement_hash.b[0] ^= 1;
    assert_err(try_subject(who), E_MEAS_NOT_FOUND);
    who = founded_subject(&f, 4);
    assert_ok(try_subject(who));
    founded_free(&f);
}

static void a_join_rests_on_verdicts_of_q_members(void **state)
{
    founded_new_rooted(&f, 3);
    add_seat(4);
    struct peer_subject who = founded_subject(&f, 4), other = founded_subject(&f, 1);
    struct hash32 subject = peer_subject_hash(&who);
    struct verdict v[BFT_MAX_MEMBERS];
    uint32_t q = state_cfg(f.s)->q;
    founded_verdicts(&f, subject, 4, v);
    assert_err(try_join(&who, v, q - 1), E_NO_QUORUM);
    assert_err(try_join(&who, v + 2, 2), E_NOT_ALLOWED); /* guardian 4 is no member */
    struct verdict twice[] = {v[0], v[0]}, reversed[] = {v[1], v[0]};
    assert_err(try_join(&who, twice, 2), E_MALFORMED);
    assert_err(try_join(&who, reversed, 2), E_MALFORMED);
    founded_verdicts(&f, peer_subject_hash(&other), 3, v);
    assert_err(try_join(&who, v, 3), E_SIGNATURE);
    founded_verdicts(&f, subject, 3, v);
    v[2].signature.b[0] ^= 1; /* one too many, but it should have been left out */
    assert_err(try_join(&who, v, 3), E_SIGNATURE);
    founded_verdicts(&f, subject, 3, v);
    v[1].not_after++; /* what is signed is not what is said */
    assert_err(try_join(&who, v, 3), E_SIGNATURE);
    founded_verdicts(&f, subject, 3, v);
    v[0].not_after = (int64_t)(f.ms / 1000) - 1;
    verdict_sign(&v[0], &sig_ideal, &f.vote[0], f.cluster_id, subject);
    assert_err(try_join(&who, v, 3), E_COLL_EXPIRED);
    founded_verdicts(&f, subject, 3, v);
    struct buf b = join_body(&who, v, 3);
    founded_cuts(&f, CMD_OPEN, 1, buf_bytes(&b));
    founded_strangers(&f, CMD_OPEN, 1, buf_bytes(&b));
    founded_do(&f, CMD_OPEN, 1, buf_bytes(&b));
    assert_err(founded_try(&f, CMD_OPEN, 2, buf_bytes(&b)), E_NOT_READY);
    assert_int_equal(state_session(f.s).next.n, 4);
    buf_free(&b);
    founded_free(&f);
}

static void begin_join_to(uint32_t n)
{
    founded_new_rooted(&f, n);
    add_seat(n + 1);
    struct peer_subject who = founded_subject(&f, n + 1);
    struct verdict v[BFT_MAX_MEMBERS];
    founded_verdicts(&f, peer_subject_hash(&who), n, v);
    struct buf b = join_body(&who, v, n);
    founded_do(&f, CMD_OPEN, 1, buf_bytes(&b));
    buf_free(&b);
}

static void begin_join(void)
{
    begin_join_to(3);
}

static void a_join_gives_new_shares_of_the_same_keys(void **state)
{
    begin_join();
    struct rec_cluster before = state_cluster(f.s);
    for (uint32_t gid = 1; gid <= 4; gid++) {
        struct buf b = founded_rkey(&f, gid);
        founded_do(&f, CMD_RKEY, gid, buf_bytes(&b));
        buf_free(&b);
    }
    f.share_r[3] = f.share_r[0];
    f.share_e[3] = f.share_e[0];
    struct buf newcomer = founded_deal(&f, 4);
    assert_err(founded_try(&f, CMD_DEAL, 4, buf_bytes(&newcomer)), E_NOT_ALLOWED);
    buf_free(&newcomer);
    /* A holder that deals another secret than its share is found out. */
    struct scalar share = f.share_r[2];
    scalar_random(founded_rng(&f), &f.share_r[2]);
    struct buf wrong = founded_deal(&f, 3);
    f.share_r[2] = share;
    founded_do_blamed(&f, CMD_DEAL, 3, buf_bytes(&wrong), BLAME_DEAL);
    buf_free(&wrong);
    for (uint32_t gid = 1; gid <= 2; gid++) {
        struct buf b = founded_deal(&f, gid);
        founded_do(&f, CMD_DEAL, gid, buf_bytes(&b));
        buf_free(&b);
    }
    founded_open(&f);
    for (uint32_t gid = 1; gid <= 4; gid++) {
        struct buf b = founded_confirm(&f, gid);
        founded_do(&f, CMD_CONFIRM, gid, buf_bytes(&b));
        buf_free(&b);
    }
    struct rec_cluster after = state_cluster(f.s);
    assert_true(point_eq(&before.k, &after.k) && point_eq(&before.a, &after.a));
    assert_int_equal(state_epoch(f.s).epoch, 2);
    assert_int_equal(state_cfg(f.s)->n, 4);
    assert_true(state_is_member(f.s, 4) && state_is_holder(f.s, 4));
    founded_free(&f);
}

static void a_join_without_its_newcomer_is_void(void **state)
{
    begin_join();
    struct hash32 members = cfg_hash(state_cfg(f.s));
    post_rkeys(3);
    struct buf step = founded_step(&f);
    f.ms = state_session(f.s).deadline_ms;
    founded_do(&f, CMD_STEP, 1, buf_bytes(&step));
    assert_int_equal(state_session(f.s).kind, SESSION_NONE);
    assert_int_equal(state_epoch(f.s).epoch, 1);
    assert_true(hash32_eq(cfg_hash(state_cfg(f.s)), members));
    buf_free(&step);
    founded_free(&f);
}

/* Of five, all but the fourth have confirmed: as many as must. */
static struct buf all_but_one_confirm(void)
{
    begin_join_to(4);
    post_rkeys(5);
    for (uint32_t gid = 1; gid <= 4 && state_session(f.s).phase == PHASE_DEAL; gid++) {
        struct buf b = founded_deal(&f, gid);
        founded_do(&f, CMD_DEAL, gid, buf_bytes(&b));
        buf_free(&b);
    }
    founded_open(&f);
    static const uint32_t order[] = {5, 1, 2, 3};
    for (unsigned i = 0; i < 4; i++) {
        struct buf b = founded_confirm(&f, order[i]);
        struct buf entry = founded_entry(&f, CMD_CONFIRM, order[i], buf_bytes(&b));
        assert_int_equal(state_lets_in(f.s, f.ms, buf_bytes(&entry)), order[i] != 5);
        founded_do(&f, CMD_CONFIRM, order[i], buf_bytes(&b));
        buf_free(&entry);
        buf_free(&b);
    }
    return founded_step(&f);
}

static void a_join_that_waits_for_too_long_is_void(void **state)
{
    for (int late = 0; late < 2; late++) {
        struct buf step = all_but_one_confirm();
        struct buf entry = founded_entry(&f, CMD_STEP, 1, buf_bytes(&step));
        f.ms = state_session(f.s).deadline_ms + JOIN_VOID_MS - 1 + (uint64_t)late;
        assert_int_equal(state_lets_in(f.s, f.ms, buf_bytes(&entry)), !late);
        founded_do(&f, CMD_STEP, 1, buf_bytes(&step));
        assert_int_equal(state_session(f.s).kind, SESSION_NONE);
        assert_int_equal(state_cfg(f.s)->n, late ? 4 : 5);
        buf_free(&entry);
        buf_free(&step);
        founded_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receive_key_is_one_sound_and_a_members),
        cmocka_unit_test(a_dealing_is_checked_and_a_bad_one_is_blamed),
        cmocka_unit_test(a_dealing_is_checked_once_be_it_good_or_bad),
        cmocka_unit_test(a_phase_ends_early_only_after_its_deadline),
        cmocka_unit_test(a_confirmation_proves_the_share),
        cmocka_unit_test(a_refresh_is_for_who_lost_its_share),
        cmocka_unit_test(a_newcomer_takes_a_free_seat_of_its_machine),
        cmocka_unit_test(a_join_rests_on_verdicts_of_q_members),
        cmocka_unit_test(a_join_gives_new_shares_of_the_same_keys),
        cmocka_unit_test(a_join_without_its_newcomer_is_void),
        cmocka_unit_test(a_join_that_waits_for_too_long_is_void),
    };
    return cmocka_run_group_tests_name("ceremony", tests, NULL, NULL);
}
