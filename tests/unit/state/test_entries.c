/* ADMIN, ISSUE, REKEY, TICK and FAULT: each rule broken, then kept. */
#include "core/policy/policy.h"
#include "founded.h"
#include "ideal_sig.h"
#include "test.h"

static struct founded f;

#define CREATE(name, mode)                                                       \
    "{\"type\":\"namespace.create\",\"namespace\":\"" name "\",\"mode\":\"" mode \
    "\",\"dns\":[],\"ip\":[]}"

static enum err try_text(const char *text, uint32_t first, uint32_t n)
{
    struct buf b = founded_admin(&f, text, first, n);
    enum err e = founded_try(&f, CMD_ADMIN, 0, buf_bytes(&b));
    buf_free(&b);
    return e;
}

static enum err try_change(const char *change)
{
    char *text = founded_text(&f, change);
    enum err e = try_text(text, 0, 2);
    free(text);
    return e;
}

static void do_text(const char *text, uint32_t first, uint32_t n)
{
    struct buf b = founded_admin(&f, text, first, n);
    founded_do(&f, CMD_ADMIN, 0, buf_bytes(&b));
    buf_free(&b);
}

/* The text with one part of it replaced by as many characters. */
static char *replaced(const char *text, const char *what, const char *by)
{
    char *copy = strdup(text), *at = strstr(copy, what);
    assert_non_null(at);
    memcpy(at, by, strlen(by));
    return copy;
}

static enum err try_replaced(const char *text, const char *what, const char *by)
{
    char *copy = replaced(text, what, by);
    enum err e = try_text(copy, 0, 2);
    free(copy);
    return e;
}

static void a_change_is_one_canonical_text_of_this_cluster(void **state)
{
    founded_new(&f, 3);
    assert_err(try_change(CREATE("blue", "sealed")), E_NOT_READY); /* no root yet */
    founded_ceremony(&f, 3);
    char *text = founded_text(&f, CREATE("blue", "sealed")), *root = strstr(text, "root_id\":\"");
    char changed[12] = "root_id\":\"0";
    changed[10] = root[10] == '0' ? '1' : '0';
    char first[12] = {0};
    memcpy(first, root, 11);
    assert_err(try_replaced(text, first, changed), E_VALUE);
    /* The same meaning, another text. */
    char spaced[4096];
    snprintf(spaced, sizeof spaced, "%s ", text);
    assert_err(try_text(spaced, 0, 2), E_MALFORMED);
    assert_err(try_replaced(text, "\"expires\"", "\"expirez\""), E_MALFORMED);
    assert_err(try_replaced(text, "{\"change\"", "[\"change\""), E_MALFORMED);
    struct buf b = founded_admin(&f, text, 0, 2);
    founded_cuts(&f, CMD_ADMIN, 0, buf_bytes(&b));
    uint64_t now = f.ms;
    f.ms += 3601 * 1000;
    assert_err(founded_try(&f, CMD_ADMIN, 0, buf_bytes(&b)), E_VALUE); /* expired */
    f.ms = now - 367ULL * 86400 * 1000;
    assert_err(founded_try(&f, CMD_ADMIN, 0, buf_bytes(&b)), E_VALUE); /* too far ahead */
    f.ms = now;
    founded_do(&f, CMD_ADMIN, 0, buf_bytes(&b));
    assert_err(founded_try(&f, CMD_ADMIN, 0, buf_bytes(&b)), E_VALUE); /* in force */
    buf_free(&b);
    free(text);
    founded_free(&f);
}

static void a_change_needs_a_quorum_of_administrators(void **state)
{
    founded_new_rooted(&f, 3);
    struct key k = key_name('n', "blue");
    char *text = founded_text(&f, CREATE("blue", "sealed"));
    assert_err(try_text(text, 0, 0), E_VALUE);
    struct buf b = founded_admin(&f, text, 0, 1);
    b.p[b.n - 1] ^= 1;
    assert_err(founded_try(&f, CMD_ADMIN, 0, buf_bytes(&b)), E_SIGNATURE);
    b.p[b.n - 1] ^= 1;
    b.p[b.n - 64 - 16] ^= 1; /* the administrator's id */
    assert_err(founded_try(&f, CMD_ADMIN, 0, buf_bytes(&b)), E_NOT_ALLOWED);
    b.p[b.n - 64 - 16] ^= 1;
    founded_do(&f, CMD_ADMIN, 0, buf_bytes(&b));
    assert_null(store_get(state_store(f.s), key_bytes(&k)).p);
    assert_err(founded_try(&f, CMD_ADMIN, 0, buf_bytes(&b)), E_VALUE); /* nobody new */
    do_text(text, 1, 1);
    assert_non_null(store_get(state_store(f.s), key_bytes(&k)).p);
    assert_err(try_text(text, 2, 1), E_VALUE);
    buf_free(&b);
    free(text);
    founded_free(&f);
}

/* Two signatures of one administrator are one. */
static void one_administrator_counts_once(void **state)
{
    founded_new_rooted(&f, 3);
    struct key k = key_name('n', "blue");
    char *text = founded_text(&f, CREATE("blue", "sealed"));
    struct buf b = founded_admin(&f, text, 0, 1);
    size_t one = b.n - 80;
    uint8_t pair[80];
    memcpy(pair, b.p + one, sizeof pair);
    assert_ok(buf_add(&b, pair, sizeof pair));
    b.p[one - 1] = 2;
    founded_do(&f, CMD_ADMIN, 0, buf_bytes(&b));
    assert_null(store_get(state_store(f.s), key_bytes(&k)).p);
    buf_free(&b);
    free(text);
    founded_free(&f);
}

static void a_nonce_serves_one_change(void **state)
{
    founded_new_rooted(&f, 3);
    char *text = founded_text(&f, CREATE("blue", "sealed"));
    char *other = replaced(text, "blue", "pink");
    assert_ok(try_text(other, 0, 2));
    do_text(text, 0, 2);
    assert_err(try_text(other, 0, 2), E_VALUE);
    free(other);
    free(text);
    founded_free(&f);
}

static void a_change_that_cannot_be_executed_is_refused(void **state)
{
    founded_new_rooted(&f, 3);
    assert_err(try_change("{\"type\":\"nothing\"}"), E_VALUE);
    assert_err(try_change("{\"kind\":\"namespace.create\"}"), E_MALFORMED);
    assert_err(try_change(CREATE("Blue", "sealed")), E_VALUE);
    assert_err(try_change(CREATE("root", "sealed")), E_VALUE);
    assert_err(try_change(CREATE("guardian", "sealed")), E_VALUE);
    assert_err(try_change(CREATE("blue", "open")), E_VALUE);
    assert_err(try_change("{\"type\":\"namespace.create\",\"namespace\":\"blue\",\"mode\":"
                          "\"sealed\",\"dns\":[\"a b\"],\"ip\":[]}"),
               E_VALUE);
    assert_err(try_change("{\"type\":\"namespace.create\",\"namespace\":\"blue\",\"mode\":"
                          "\"sealed\",\"dns\":[7],\"ip\":[]}"),
               E_MALFORMED);
    assert_err(try_change("{\"type\":\"namespace.create\",\"namespace\":\"blue\",\"mode\":"
                          "\"sealed\",\"dns\":[],\"ip\":[\"10.0.0.0\"]}"),
               E_VALUE);
    founded_change(&f, CREATE("blue", "sealed"));
    assert_err(try_change(CREATE("blue", "threshold")), E_VALUE);
    founded_free(&f);
}

/* --- measurements and seats ----------------------------------------------------------------- */

static char *measurement_add(const char *ns, uint64_t machine)
{
    static char change[8192];
    char *record = world_record(PLATFORM_TDX, machine);
    snprintf(change, sizeof change,
             "{\"type\":\"measurement.add\",\"namespace\":\"%s\",\"record\":%s}", ns, record);
    free(record);
    return change;
}

static char *measurement_revoke(const char *ns)
{
    static char change[512];
    char hex[65];
    struct hash32 h = founded_measurement(&f, PLATFORM_TDX);
    hex_encode(BYTES_OF(h.b), hex);
    snprintf(change, sizeof change,
             "{\"type\":\"measurement.revoke\",\"namespace\":\"%s\",\"measurement_hash\":\"%s\"}",
             ns, hex);
    return change;
}

static void what_is_revoked_stays_revoked(void **state)
{
    struct rec_measurement m;
    struct hash32 which, h;
    founded_new_rooted(&f, 3);
    h = founded_measurement(&f, PLATFORM_TDX);
    assert_err(try_change(measurement_add("blue", 1)), E_NOT_FOUND);
    founded_change(&f, CREATE("blue", "sealed"));
    assert_err(try_change(measurement_revoke("blue")), E_NOT_FOUND);
    assert_err(try_change("{\"type\":\"measurement.add\",\"namespace\":\"blue\",\"record\":{}}"),
               E_MALFORMED);
    founded_change(&f, measurement_add("blue", 1));
    assert_ok(state_measurement(f.s, "blue", h, h, &m, &which));
    founded_change(&f, measurement_revoke("blue"));
    assert_int_equal(state_cluster(f.s).policy_height, f.height - 1);
    assert_err(state_measurement(f.s, "blue", h, h, &m, &which), E_MEAS_REVOKED);
    struct hash32 other = {{1}}; /* also when it is only one of the two */
    assert_err(state_measurement(f.s, "blue", other, h, &m, &which), E_MEAS_REVOKED);
    assert_err(state_measurement(f.s, "blue", other, other, &m, &which), E_MEAS_NOT_FOUND);
    assert_err(try_change(measurement_revoke("blue")), E_VALUE);
    assert_err(try_change(measurement_add("blue", 1)), E_VALUE);
    assert_ok(state_measurement(f.s, NS_GUARDIAN, h, h, &m, &which));
    founded_free(&f);
}

static const char *seat_add(unsigned gid, const char *platform_id, const char *api)
{
    static char change[1024];
    snprintf(change, sizeof change,
             "{\"type\":\"seat.add\",\"seat\":{\"gid\":%u,\"operator\":\"o\",\"vendor\":\"sim\","
             "\"platform_id\":\"%s\",\"addresses\":{\"peer\":\"10.0.0.9:8444\",\"api\":\"%s\"}}}",
             gid, platform_id, api);
    return change;
}

static void a_seat_is_new_and_of_a_new_machine(void **state)
{
    founded_new_rooted(&f, 3);
    char *taken = world_platform_id(0), *fresh = world_platform_id(3);
    char zeros[33] = "00000000000000000000000000000000";
    assert_err(try_change(seat_add(3, fresh, "10.0.0.9:8443")), E_VALUE);
    assert_err(try_change(seat_add(4, taken, "10.0.0.9:8443")), E_VALUE);
    assert_err(try_change(seat_add(4, zeros, "10.0.0.9:8443")), E_VALUE);
    assert_err(try_change(seat_add(4, "abcd", "10.0.0.9:8443")), E_VALUE);
    assert_err(try_change(seat_add(4, fresh, "10.0.0.8:8443")), E_VALUE);
    assert_err(try_change(seat_add(4, fresh, "10.0.0.9")), E_VALUE);
    founded_change(&f, seat_add(4, fresh, "10.0.0.9:8443"));
    assert_err(try_change(seat_add(4, fresh, "10.0.0.9:8443")), E_VALUE);
    assert_err(try_change(seat_add(5, fresh, "10.0.0.9:8443")), E_VALUE);
    free(taken);
    free(fresh);
    founded_free(&f);
}

/* --- ISSUE ------------------------------------------------------------------------------- */

static struct workload_subject workload(uint8_t challenge)
{
    struct workload_subject w = {.ns = "blue", .platform = PLATFORM_TDX, .challenge_height = 1};
    w.instance_id.b[0] = 9;
    w.measurement_hash = founded_measurement(&f, PLATFORM_TDX);
    w.identity = (struct spki){.b = {1}, .n = 91};
    w.wrap = (struct spki){.b = {2}, .n = 91};
    w.challenge.b[0] = challenge;
    w.challenge_until = (int64_t)(f.ms / 1000) + 60;
    return w;
}

static struct buf issue_body(const struct workload_subject *w, const struct verdict *v, uint32_t n)
{
    struct buf b = BUF_INIT(8192);
    struct writer out = writer(&b);
    workload_subject_write(&out, w);
    founded_verdicts_write(&out, v, n);
    assert_ok(writer_end(&out));
    return b;
}

static enum err try_issue(struct workload_subject w)
{
    struct verdict v[BFT_MAX_MEMBERS];
    founded_verdicts(&f, workload_subject_hash(&w), f.n, v);
    struct buf b = issue_body(&w, v, f.n);
    enum err e = founded_try(&f, CMD_ISSUE, 0, buf_bytes(&b));
    buf_free(&b);
    return e;
}

static void do_issue(struct workload_subject w)
{
    struct verdict v[BFT_MAX_MEMBERS];
    founded_verdicts(&f, workload_subject_hash(&w), f.n, v);
    struct buf b = issue_body(&w, v, f.n);
    founded_do(&f, CMD_ISSUE, 0, buf_bytes(&b));
    buf_free(&b);
}

static void begin_blue(void)
{
    founded_new_rooted(&f, 3);
    founded_change(&f, CREATE("blue", "sealed"));
    founded_change(&f, measurement_add("blue", 1));
}

static void an_identity_rests_on_whitelist_and_challenge(void **state)
{
    begin_blue();
    struct workload_subject w = workload(1);
    snprintf(w.ns, sizeof w.ns, NS_GUARDIAN);
    assert_err(try_issue(w), E_NOT_FOUND);
    w = workload(1);
    snprintf(w.ns, sizeof w.ns, "pink");
    assert_err(try_issue(w), E_NOT_FOUND);
    w = workload(1);
    w.measurement_hash = founded_measurement(&f, PLATFORM_SNP);
    assert_err(try_issue(w), E_MEAS_NOT_FOUND);
    w = workload(1);
    w.challenge_until = (int64_t)(f.ms / 1000) - 1;
    assert_err(try_issue(w), E_NONCE);
    do_issue(workload(1));
    assert_err(try_issue(workload(1)), E_NONCE); /* used */
    assert_ok(try_issue(workload(2)));
    founded_change(&f, measurement_revoke("blue"));
    assert_err(try_issue(workload(2)), E_MEAS_REVOKED);
    founded_free(&f);
}

static void an_identity_rests_on_verdicts(void **state)
{
    begin_blue();
    struct workload_subject w = workload(1), other = workload(2);
    struct hash32 subject = workload_subject_hash(&w);
    struct verdict v[BFT_MAX_MEMBERS];
    founded_verdicts(&f, subject, 3, v);
    struct buf few = issue_body(&w, v, 1), good = issue_body(&w, v, 3),
               foreign = issue_body(&other, v, 3);
    assert_err(founded_try(&f, CMD_ISSUE, 0, buf_bytes(&few)), E_NO_QUORUM);
    assert_err(founded_try(&f, CMD_ISSUE, 0, buf_bytes(&foreign)), E_SIGNATURE);
    founded_cuts(&f, CMD_ISSUE, 0, buf_bytes(&good));
    v[2].tcb_status = TCB_OUT_OF_DATE;
    verdict_sign(&v[2], &sig_ideal, &f.vote[2], f.cluster_id, subject);
    struct buf old = issue_body(&w, v, 3);
    assert_err(founded_try(&f, CMD_ISSUE, 0, buf_bytes(&old)), E_TCB_STATUS);
    /* The identity does not outlive the shortest of its verdicts. */
    founded_verdicts(&f, subject, 3, v);
    v[1].not_after = (int64_t)(f.ms / 1000) + 77;
    verdict_sign(&v[1], &sig_ideal, &f.vote[1], f.cluster_id, subject);
    struct buf brief = issue_body(&w, v, 3);
    int64_t now = (int64_t)(f.ms / 1000);
    founded_do(&f, CMD_ISSUE, 0, buf_bytes(&brief));
    struct key k = key_name_hash('i', "blue", w.instance_id);
    struct rec_instance i;
    assert_ok(instance_get(state_store(f.s), &k, &i));
    assert_int_equal(i.issued, now);
    assert_int_equal(i.not_after, now + 77);
    buf_free(&few);
    buf_free(&good);
    buf_free(&foreign);
    buf_free(&old);
    buf_free(&brief);
    founded_free(&f);
}

static void an_instance_id_stays_with_its_instance(void **state)
{
    begin_blue();
    do_issue(workload(1));
    char *record = world_record(PLATFORM_SNP, 1), change[4096];
    snprintf(change, sizeof change,
             "{\"type\":\"measurement.add\",\"namespace\":\"blue\",\"record\":%s}", record);
    founded_change(&f, change);
    free(record);
    struct workload_subject w = workload(2);
    w.platform = PLATFORM_SNP;
    w.measurement_hash = founded_measurement(&f, PLATFORM_SNP);
    w.chip = founded_machine(2);
    assert_err(try_issue(w), E_ID_CONFLICT);
    w.instance_id.b[0] = 8;
    do_issue(w);
    w.challenge.b[0] = 3;
    assert_ok(try_issue(w));
    w.chip.b[0] ^= 1;
    assert_err(try_issue(w), E_ID_CONFLICT);
    founded_free(&f);
}

/* --- REKEY, TICK, FAULT ---------------------------------------------------------------------- */

static struct buf rekey_body(struct sig_public old, struct peer_subject who)
{
    struct verdict v[BFT_MAX_MEMBERS];
    struct buf b = BUF_INIT(8192);
    struct writer w = writer(&b);
    founded_verdicts(&f, peer_subject_hash(&who), 2, v); /* guardian 3 asks, 1 and 2 say */
    wr_raw(&w, old.b, sizeof old.b);
    peer_subject_write(&w, &who);
    founded_verdicts_write(&w, v, 2);
    assert_ok(writer_end(&w));
    return b;
}

static enum err try_rekey(struct sig_public old, struct peer_subject who)
{
    struct buf b = rekey_body(old, who);
    enum err e = founded_try(&f, CMD_REKEY, 3, buf_bytes(&b));
    buf_free(&b);
    return e;
}

/* Guardian 3 with a fresh vote key. */
static struct peer_subject booted(void)
{
    struct sig_secret secret;
    struct peer_subject who = founded_subject(&f, 3);
    sig_ideal.keygen(founded_rng(&f), &secret, &who.vote_key);
    return who;
}

static void a_new_vote_key_replaces_the_one_in_force(void **state)
{
    founded_new_rooted(&f, 3);
    struct sig_public old = sig_public_of(&f.vote[2]);
    struct peer_subject who = booted();
    struct buf b = rekey_body(old, who);
    founded_cuts(&f, CMD_REKEY, 3, buf_bytes(&b));
    founded_strangers(&f, CMD_REKEY, 3, buf_bytes(&b));
    assert_err(try_rekey(sig_public_of(&f.vote[1]), who), E_NOT_ALLOWED);
    who.vote_key = old;
    assert_err(try_rekey(old, who), E_NOT_ALLOWED);
    who = booted();
    who.seat_key = sig_public_of(&f.seat[1]);
    assert_err(try_rekey(old, who), E_NOT_ALLOWED);
    who = booted();
    who.gid = 2;
    assert_err(try_rekey(old, who), E_NOT_ALLOWED);
    who = booted();
    who.platform_id = founded_machine(6);
    assert_err(try_rekey(old, who), E_CHIP);
    who = booted();
    who.measurement_hash.b[0] ^= 1;
    assert_err(try_rekey(old, who), E_MEAS_NOT_FOUND);
    founded_do(&f, CMD_REKEY, 3, buf_bytes(&b));
    assert_err(founded_try(&f, CMD_REKEY, 3, buf_bytes(&b)), E_NOT_ALLOWED);
    /* The old key speaks no more. */
    f.ms += TICK_MS;
    assert_err(founded_try(&f, CMD_TICK, 3, bytes("", 0)), E_SIGNATURE);
    buf_free(&b);
    founded_free(&f);
}

static void a_seat_may_not_change_its_key_too_often(void **state)
{
    founded_new_rooted(&f, 3);
    struct sig_public old = sig_public_of(&f.vote[2]);
    for (unsigned i = 0; i < 10; i++) {
        struct peer_subject who = booted();
        struct buf b = rekey_body(old, who);
        founded_do(&f, CMD_REKEY, 3, buf_bytes(&b));
        buf_free(&b);
        old = who.vote_key;
    }
    assert_err(try_rekey(old, booted()), E_RATE);
    f.ms += 10 * 60 * 1000;
    assert_ok(try_rekey(old, booted()));
    founded_free(&f);
}

static void a_tick_waits_for_its_time(void **state)
{
    founded_new_rooted(&f, 3);
    assert_err(founded_try(&f, CMD_TICK, 1, bytes("", 0)), E_NOT_ALLOWED);
    f.ms = state_cluster(f.s).time_ms + TICK_MS / 2 - 1;
    assert_err(founded_try(&f, CMD_TICK, 1, bytes("", 0)), E_NOT_ALLOWED);
    f.ms++;
    assert_err(founded_try(&f, CMD_TICK, 1, bytes("x", 1)), E_MALFORMED);
    founded_strangers(&f, CMD_TICK, 1, bytes("", 0));
    founded_do(&f, CMD_TICK, 1, bytes("", 0));
    assert_err(founded_try(&f, CMD_TICK, 1, bytes("", 0)), E_NOT_ALLOWED);
    founded_free(&f);
}

static struct buf fault_body(uint64_t height, uint32_t gid, const struct sig_secret *key,
                             uint8_t id)
{
    struct buf b = BUF_INIT(BFT_MAX_EQUIVOCATION);
    struct writer w = writer(&b);
    struct vote v[2];
    struct cfg members;
    assert_ok(state_past_cfg(f.s, height, &members));
    struct hash32 cfg = cfg_hash(&members);
    for (unsigned i = 0; i < 2; i++) {
        v[i] = (struct vote){.type = VOTE_PREVOTE, .height = height, .gid = gid};
        v[i].id.b[0] = (uint8_t)(id + i);
        struct hash64 h = vote_digest(f.cluster_id, cfg, v[i].type, height, 0, v[i].id);
        v[i].signature = sig_ideal.sign(key, BYTES_OF(h.b));
    }
    assert_ok(equivocation_of_votes(&v[0], &v[1], &w));
    return b;
}

static void a_fault_is_noted_once_for_each_key(void **state)
{
    founded_new(&f, 3);
    struct buf good = fault_body(1, 2, &f.vote[1], 1), again = fault_body(1, 2, &f.vote[1], 3),
               forged = fault_body(1, 3, &f.vote[1], 1), nobody = fault_body(1, 7, &f.vote[1], 1);
    founded_cuts(&f, CMD_FAULT, 0, buf_bytes(&good));
    assert_err(founded_try(&f, CMD_FAULT, 0, buf_bytes(&forged)), E_SIGNATURE);
    assert_err(founded_try(&f, CMD_FAULT, 0, buf_bytes(&nobody)), E_NOT_MEMBER);
    founded_do(&f, CMD_FAULT, 0, buf_bytes(&good));
    assert_err(founded_try(&f, CMD_FAULT, 0, buf_bytes(&good)), E_NOT_ALLOWED);
    assert_err(founded_try(&f, CMD_FAULT, 0, buf_bytes(&again)), E_NOT_ALLOWED);
    buf_free(&good);
    buf_free(&again);
    buf_free(&forged);
    buf_free(&nobody);
    founded_free(&f);
}

static void expect_fault(struct buf body, enum err expected)
{
    assert_err(founded_try(&f, CMD_FAULT, 0, buf_bytes(&body)), expected);
    buf_free(&body);
}

static void do_fault(struct buf body)
{
    founded_do(&f, CMD_FAULT, 0, buf_bytes(&body));
    buf_free(&body);
}

static unsigned faults_of(uint32_t gid)
{
    struct key prefix = key_gid('b', gid);
    struct bytes key = BYTES_NONE, value;
    unsigned n = 0;
    while (store_next(state_store(f.s), key_bytes(&prefix), key, &key, &value))
        n++;
    return n;
}

/* consensus.md H6, H11: the old key counts up to the height of its REKEY, the new one from the next
 * on, and each is judged by the members of the height it lied at. */
static void a_replaced_key_answers_for_its_own_time(void **state)
{
    founded_new_rooted(&f, 3);
    struct sig_secret old = f.vote[2], new;
    struct peer_subject who = founded_subject(&f, 3);
    sig_ideal.keygen(founded_rng(&f), &new, &who.vote_key);
    struct buf b = rekey_body(sig_public_of(&old), who);
    uint64_t last = f.height; /* of the old key */
    expect_fault(fault_body(last + 1, 3, &old, 1), E_NOT_READY);
    founded_do(&f, CMD_REKEY, 3, buf_bytes(&b));
    buf_free(&b);
    struct hash32 members = cfg_hash(state_cfg(f.s));

    expect_fault(fault_body(last + 1, 3, &old, 1), E_SIGNATURE);
    expect_fault(fault_body(last, 3, &new, 1), E_SIGNATURE);
    expect_fault(fault_body(last + 2, 3, &new, 1), E_NOT_READY);
    do_fault(fault_body(last, 3, &old, 1));
    assert_int_equal(faults_of(3), 1);
    expect_fault(fault_body(last - 1, 3, &old, 1), E_NOT_ALLOWED); /* once for each key */
    do_fault(fault_body(last + 1, 3, &new, 1));
    assert_int_equal(faults_of(3), 2);
    expect_fault(fault_body(last + 2, 3, &new, 1), E_NOT_ALLOWED);

    /* It is on record, and changes nobody's vote. */
    assert_true(hash32_eq(members, cfg_hash(state_cfg(f.s))));
    assert_true(state_is_member(f.s, 3));
    founded_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_one_canonical_text_of_this_cluster),
        cmocka_unit_test(a_change_needs_a_quorum_of_administrators),
        cmocka_unit_test(one_administrator_counts_once),
        cmocka_unit_test(a_nonce_serves_one_change),
        cmocka_unit_test(a_change_that_cannot_be_executed_is_refused),
        cmocka_unit_test(what_is_revoked_stays_revoked),
        cmocka_unit_test(a_seat_is_new_and_of_a_new_machine),
        cmocka_unit_test(an_identity_rests_on_whitelist_and_challenge),
        cmocka_unit_test(an_identity_rests_on_verdicts),
        cmocka_unit_test(an_instance_id_stays_with_its_instance),
        cmocka_unit_test(a_new_vote_key_replaces_the_one_in_force),
        cmocka_unit_test(a_seat_may_not_change_its_key_too_often),
        cmocka_unit_test(a_tick_waits_for_its_time),
        cmocka_unit_test(a_fault_is_noted_once_for_each_key),
        cmocka_unit_test(a_replaced_key_answers_for_its_own_time),
    };
    return cmocka_run_group_tests_name("entries", tests, NULL, NULL);
}
