/* Entries, manifests, verdicts, addresses and records: no part of one is one, and all come back. */
#include "core/state/address.h"
#include "founded.h"
#include "ideal_sig.h"
#include "test.h"

static void text_that_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {"",      ":",    "a",        "a:",       "a:0",   "a:65536",
                                      "a:1x",  ":80",  "::1:80",   "[::1]",    "[]:80", "[::1:80",
                                      "a b:1", "a:-1", "a:000001", "[::1]x:80"};
    char host[ADDRESS_MAX], back[ADDRESS_MAX + 8];
    uint16_t port;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (address_split(bad[i], host, &port) != E_VALUE)
            fail_msg("'%s' was taken", bad[i]);
    static const char *const good[] = {"a:1", "10.0.0.1:65535", "[::1]:443", "a.example:8443"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(address_split(good[i], host, &port));
        address_join(host, port, back);
        assert_string_equal(back, good[i]);
    }
}

static void an_entry_means_nothing_elsewhere(void **state)
{
    struct rng_seeded seed;
    struct sig_secret secret;
    struct sig_public public;
    struct hash32 cluster = {{1}}, other = {{2}};
    struct buf b = BUF_INIT(ENTRY_MAX);
    struct entry e;
    sig_ideal.keygen(rng_numbered(&seed, 1), &secret, &public);
    assert_ok(entry_make(&sig_ideal, &secret, cluster, CMD_TICK, 3, bytes_str("body"), &b));
    for (size_t n = 0; n < b.n; n++)
        assert_err(entry_decode(bytes(b.p, n), &e), E_MALFORMED);
    b.p[0] = CMD_LIMIT;
    assert_err(entry_decode(buf_bytes(&b), &e), E_MALFORMED);
    b.p[0] = CMD_ADMIN; /* carries no signature */
    assert_err(entry_decode(buf_bytes(&b), &e), E_MALFORMED);
    b.p[0] = CMD_TICK;
    assert_ok(entry_decode(buf_bytes(&b), &e));
    assert_err(entry_verify(&sig_ideal, &public, other, &e), E_SIGNATURE);
    assert_ok(entry_verify(&sig_ideal, &public, cluster, &e));
    e.author++;
    assert_err(entry_verify(&sig_ideal, &public, cluster, &e), E_SIGNATURE);
    e.author--;
    e.type = CMD_STEP;
    assert_err(entry_verify(&sig_ideal, &public, cluster, &e), E_SIGNATURE);
    e.type = CMD_TICK;
    e.body.n--;
    assert_err(entry_verify(&sig_ideal, &public, cluster, &e), E_SIGNATURE);
    assert_ok(buf_add(&b, "", 1));
    assert_err(entry_decode(buf_bytes(&b), &e), E_MALFORMED);
    buf_free(&b);
}

/* Of a suspended or foreign signer, or in another order, a verdict counts nothing. */
static void verdicts_count_once_and_of_members_alone(void **state)
{
    struct founded f;
    struct verdict v[BFT_MAX_MEMBERS];
    struct hash32 subject = {{7}};
    founded_new(&f, 4);
    struct cfg cfg = *state_cfg(f.s);
    int64_t now = (int64_t)(f.ms / 1000);
    founded_verdicts(&f, subject, 4, v);
    assert_ok(verdicts_check(v, cfg.q, &cfg, &sig_ideal, subject, now));
    assert_err(verdicts_check(v, cfg.q - 1, &cfg, &sig_ideal, subject, now), E_NO_QUORUM);
    assert_err(verdicts_check(v, cfg.q, &cfg, &sig_ideal, subject, now + 3601), E_COLL_EXPIRED);
    cfg.member[1].suspended = true;
    assert_err(verdicts_check(v, 4, &cfg, &sig_ideal, subject, now), E_NOT_ALLOWED);
    cfg.member[1].suspended = false;
    v[3].signer = 9;
    assert_err(verdicts_check(v, 4, &cfg, &sig_ideal, subject, now), E_NOT_ALLOWED);
    v[1].signer = 1;
    assert_err(verdicts_check(v, 4, &cfg, &sig_ideal, subject, now), E_MALFORMED);
    founded_free(&f);
}

static void a_manifest_is_signed_by_all_founders_in_order(void **state)
{
    struct founded f;
    struct manifest m = {.n = 3}, back;
    struct buf b = BUF_INIT(MANIFEST_MAX);
    struct writer w = writer(&b);
    founded_new(&f, 3);
    m.cluster_id = f.cluster_id;
    for (uint32_t i = 0; i < 3; i++)
        m.founders[i] = founded_subject(&f, i + 1);
    struct hash64 h = manifest_hash(&m);
    for (uint32_t i = 0; i < 3; i++) {
        m.signatures[i] = sig_ideal.sign(&f.vote[i], BYTES_OF(h.b));
        m.has_signature[i] = i < 2;
    }
    assert_err(manifest_check(&m, &sig_ideal, f.cluster_id), E_SIGNATURE);
    m.has_signature[2] = true;
    assert_ok(manifest_check(&m, &sig_ideal, f.cluster_id));
    assert_err(manifest_check(&m, &sig_ideal, (struct hash32){{1}}), E_MALFORMED);
    manifest_write(&w, &m);
    for (size_t n = 0; n < b.n; n++)
        assert_err(manifest_decode(bytes(b.p, n), &back), E_MALFORMED);
    assert_ok(manifest_decode(buf_bytes(&b), &back));
    assert_ok(manifest_check(&back, &sig_ideal, f.cluster_id));
    back.founders[1].vote_key = back.founders[2].vote_key;
    assert_err(manifest_check(&back, &sig_ideal, f.cluster_id), E_SIGNATURE);
    m.founders[1] = m.founders[0]; /* one founder twice, signed anew */
    h = manifest_hash(&m);
    m.signatures[0] = m.signatures[1] = sig_ideal.sign(&f.vote[0], BYTES_OF(h.b));
    assert_err(manifest_check(&m, &sig_ideal, f.cluster_id), E_MALFORMED);
    struct state *s; /* a founder on another machine than its seat's */
    m.founders[1] = founded_subject(&f, 2);
    m.founders[1].platform_id = founded_machine(5);
    assert_ok(state_new(&s, f.g, f.cluster_id, (struct state_deps){&sig_ideal, NULL}));
    assert_err(state_found(s, &m), E_NOT_ALLOWED);
    state_free(s);
    buf_free(&b);
    founded_free(&f);
}

/* Every record that a founded cluster has: cut anywhere it is none; put back it is the same. */
#define RECORDS(letter, name)                                                         \
    do {                                                                              \
        struct key prefix = key_plain(letter);                                        \
        struct bytes key = BYTES_NONE, value;                                         \
        struct rec_##name rec;                                                        \
        unsigned seen = 0;                                                            \
        while (store_next(state_store(f.s), key_bytes(&prefix), key, &key, &value)) { \
            struct key k = {.n = key.n};                                              \
            memcpy(k.b, key.p, key.n);                                                \
            for (size_t n = 0; n < value.n; n++)                                      \
                assert_err(name##_read(bytes(value.p, n), &rec), E_INTERNAL);         \
            assert_ok(name##_read(value, &rec));                                      \
            assert_ok(name##_put(copy, &k, &rec));                                    \
            assert_true(bytes_eq(store_get(copy, key_bytes(&k)), value));             \
            seen++;                                                                   \
        }                                                                             \
        assert_true(seen > 0);                                                        \
    } while (0)

static void records_come_back_as_they_were(void **state)
{
    struct founded f;
    struct store *copy;
    founded_new_rooted(&f, 3);
    assert_ok(store_new(&copy));
    RECORDS('c', cluster);
    RECORDS('e', epoch);
    RECORDS('s', seat);
    RECORDS('g', signop);
    RECORDS('n', namespace);
    RECORDS('w', measurement);
    RECORDS('d', dealing);
    store_free(copy);
    founded_free(&f);
    founded_new(&f, 3);
    assert_ok(store_new(&copy));
    RECORDS('o', session);
    store_free(copy);
    founded_free(&f);
}

static void a_snapshot_is_loaded_whole_or_not(void **state)
{
    struct founded f;
    struct buf b = BUF_INIT(8u << 20);
    founded_new_rooted(&f, 3);
    assert_ok(state_save(f.s, &b));
    struct hash32 root = state_root(f.s);
    for (size_t n = 0; n < b.n; n += 1 + n / 16) {
        assert_err(state_load(f.s, bytes(b.p, n), NULL), E_MALFORMED);
        assert_true(hash32_eq(state_root(f.s), root));
    }
    struct hash32 other = root;
    other.b[31] ^= 1;
    assert_err(state_load(f.s, buf_bytes(&b), &other), E_SIGNATURE);
    assert_ok(state_load(f.s, buf_bytes(&b), &root));
    assert_true(hash32_eq(state_root(f.s), root));
    buf_free(&b);
    founded_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_no_address_is_refused),
        cmocka_unit_test(an_entry_means_nothing_elsewhere),
        cmocka_unit_test(verdicts_count_once_and_of_members_alone),
        cmocka_unit_test(a_manifest_is_signed_by_all_founders_in_order),
        cmocka_unit_test(records_come_back_as_they_were),
        cmocka_unit_test(a_snapshot_is_loaded_whole_or_not),
    };
    return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
