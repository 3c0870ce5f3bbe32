/*
 * Dealers that cheat with consistent hashes. To make such dealings one needs
 * the dealer's own steps, so this file is compiled together with them.
 */
#include "core/threshold/dealing_ve.c"
#include "test.h"

static struct rng_seeded seeded;

struct scene {
    struct deal_terms terms;
    struct recipient to[3];
    struct secret32 x[3];
    struct dealer dealer;
    struct commitment c;
    struct pok pok;
    struct round rounds[ROUNDS];
    struct hash32 stmt;
    struct buf dealing;
};

/* All honest steps up to the challenge. */
static struct rng prepare(struct scene *s, uint64_t seed)
{
    struct rng rng = rng_numbered(&seeded, seed);
    struct scalar secret;
    memset(s, 0, sizeof *s);
    s->terms = (struct deal_terms){GROUP_R, {{1}}, 7, 2, s->to, 3};
    s->dealing = BUF_INIT(DEALING_MAX);
    for (uint32_t j = 0; j < 3; j++) {
        s->to[j].gid = j + 1;
        receive_keygen(rng, &s->x[j], s->to[j].x);
    }
    scalar_random(rng, &secret);
    draw_polynomial(rng, &s->terms, &secret, &s->dealer);
    draw_seeds(rng, &s->terms, &s->dealer);
    assert_ok(commitment_of(GROUP_R, s->dealer.f, 2, &s->c));
    s->stmt = statement(&s->terms, &s->c);
    struct pok_terms know = knowledge(&s->terms, s->stmt);
    assert_ok(pok_prove(rng, &know, &secret, &s->pok));
    for (unsigned r = 0; r < ROUNDS; r++)
        assert_ok(round_of(&s->terms, r, &s->dealer.seeds[r], &s->rounds[r]));
    return rng;
}

/* The challenge over what the rounds say now, and the dealing with it. */
static struct challenge finish(struct scene *s)
{
    struct thash h;
    challenge_begin(&h, &s->terms, s->stmt);
    for (unsigned r = 0; r < ROUNDS; r++)
        challenge_add(&h, &s->terms, &s->rounds[r]);
    struct challenge c = challenge_end(&h);
    buf_clear(&s->dealing);
    struct writer w = writer(&s->dealing);
    assert_ok(write_dealing(&w, &s->terms, &s->dealer, &s->c, &s->pok, s->rounds, &c));
    return c;
}

static enum err check(struct scene *s)
{
    struct commitment c;
    return dealing_ve.check(&s->terms, buf_bytes(&s->dealing), NULL, &c);
}

/* Adds one to a ciphertext. */
static void spoil(struct round *round, size_t j)
{
    struct scalar one;
    scalar_from_u32(&one, 1);
    scalar_add(&round->ct[j], &round->ct[j], &one);
}

static void honest_steps_make_a_valid_dealing(void **state)
{
    static struct scene s;
    prepare(&s, 1);
    finish(&s);
    assert_ok(check(&s));
    buf_free(&s.dealing);
}

static void a_wrong_ciphertext_to_one_recipient_is_found(void **state)
{
    static struct scene s;
    prepare(&s, 2);
    for (unsigned r = 0; r < ROUNDS; r++)
        spoil(&s.rounds[r], 1);
    finish(&s);
    assert_err(check(&s), E_SIGNATURE);
    buf_free(&s.dealing);
}

static void wrong_ciphertexts_to_all_are_found(void **state)
{
    static struct scene s;
    prepare(&s, 3);
    for (unsigned r = 0; r < ROUNDS; r++)
        for (size_t j = 0; j < 3; j++)
            spoil(&s.rounds[r], j);
    finish(&s);
    assert_err(check(&s), E_SIGNATURE);
    buf_free(&s.dealing);
}

/* The ephemeral key of a round of an honest dealer, with ciphertexts of one's own. */
static void a_copied_ephemeral_key_is_found(void **state)
{
    static struct scene honest, thief;
    prepare(&honest, 4);
    prepare(&thief, 5);
    for (unsigned r = 0; r < ROUNDS; r++)
        thief.rounds[r].ephemeral = honest.rounds[r].ephemeral;
    finish(&thief);
    assert_err(check(&thief), E_SIGNATURE);
    buf_free(&thief.dealing);
}

/* Sub-shares of another polynomial than the committed one. */
static void another_polynomial_than_the_committed_one_is_found(void **state)
{
    static struct scene s;
    prepare(&s, 6);
    struct scalar one;
    scalar_from_u32(&one, 1);
    scalar_add(&s.dealer.f[1], &s.dealer.f[1], &one);
    finish(&s);
    assert_err(check(&s), E_SIGNATURE);
    buf_free(&s.dealing);
}

/* Commitments of a secret the dealer does not know, so that it could cancel out the others'. */
static void a_commitment_without_knowledge_is_found(void **state)
{
    static struct scene s;
    struct rng rng = prepare(&s, 7);
    struct scalar unknown;
    scalar_random(rng, &unknown);
    assert_ok(point_base(GROUP_R, &s.c.c[0], &unknown));
    s.stmt = statement(&s.terms, &s.c);
    finish(&s);
    assert_err(check(&s), E_SIGNATURE);
    buf_free(&s.dealing);
}

/* One spoiled round is unseen if it happens to be masked; then the others still open. */
static void a_lucky_cheat_harms_nobody(void **state)
{
    static struct scene s;
    unsigned seen = 0, unseen = 0;
    for (uint64_t seed = 100; seed < 108; seed++) {
        prepare(&s, seed);
        struct challenge before = finish(&s);
        unsigned r = 0;
        while (!is_masked(&before, r))
            r++;
        spoil(&s.rounds[r], 0);
        struct challenge after = finish(&s);
        if (!is_masked(&after, r)) {
            assert_err(check(&s), E_SIGNATURE);
            seen++;
        } else {
            struct scalar share;
            assert_ok(check(&s));
            assert_ok(dealing_ve.open(&s.terms, buf_bytes(&s.dealing), 1, &s.x[0], &share));
            assert_ok(share_check(GROUP_R, &s.c, 1, &share));
            unseen++;
        }
        buf_free(&s.dealing);
    }
    assert_true(seen > 0 && unseen > 0);
}

/* An ephemeral key of small order in a masked round would make the pad public. */
static void ephemeral_keys_of_small_order_are_never_opened(void **state)
{
    static struct scene s;
    struct scalar share;
    prepare(&s, 8);
    for (unsigned r = 0; r < ROUNDS; r++)
        memset(&s.rounds[r].ephemeral, 0, sizeof s.rounds[r].ephemeral);
    finish(&s);
    assert_err(check(&s), E_SIGNATURE);
    assert_err(dealing_ve.open(&s.terms, buf_bytes(&s.dealing), 1, &s.x[0], &share), E_VALUE);
    buf_free(&s.dealing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_steps_make_a_valid_dealing),
        cmocka_unit_test(a_wrong_ciphertext_to_one_recipient_is_found),
        cmocka_unit_test(wrong_ciphertexts_to_all_are_found),
        cmocka_unit_test(a_copied_ephemeral_key_is_found),
        cmocka_unit_test(another_polynomial_than_the_committed_one_is_found),
        cmocka_unit_test(a_commitment_without_knowledge_is_found),
        cmocka_unit_test(a_lucky_cheat_harms_nobody),
        cmocka_unit_test(ephemeral_keys_of_small_order_are_never_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
