/* How a cluster begins when guardians die on the way: whole members in a simulated world. */
#include "cluster/world.h"
#include "core/member/member_int.h"
#include "test.h"

#define N 3
/* A founding that nobody completes is given up after FOUNDING_MS; then all begins again. */
#define PATIENCE_MS (3 * FOUNDING_MS)

static struct world *w;

static void begin(bool sealed_mode, uint64_t seed)
{
    struct world_options o = {.n = N, .f = -1, .sealed_mode = sealed_mode, .seed = seed};
    assert_ok(world_new(&o, &w));
    for (uint32_t i = 0; i < N; i++)
        world_start(w, i);
}

static bool is_founded(uint32_t node)
{
    return world_is_up(w, node) && world_member(w, node)->is_founded;
}

static uint32_t count_founded(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < N; i++)
        n += is_founded(i);
    return n;
}

static bool all_are_founded(struct world *world)
{
    return count_founded() == N;
}

static uint64_t height(uint32_t node)
{
    return state_cluster(member_state(world_member(w, node))).height;
}

/* Every guardian votes and holds a share of the one root. */
static bool all_serve(struct world *world)
{
    for (uint32_t i = 0; i < N; i++) {
        struct member_status s;
        member_status(world_member(world, i), (struct now){world_now_ms(world), 0}, &s);
        if (s.phase != MEMBER_ACTIVE || !s.holds_share)
            return false;
    }
    return true;
}

static struct hash64 manifest_of(uint32_t node)
{
    return manifest_hash(&world_member(w, node)->manifest);
}

static struct sig_public vote_key(uint32_t node)
{
    return sig_public_of(&world_member(w, node)->secrets.vote);
}

/* The manifest is complete and no block is decided. */
static void run_to_the_window(bool (*is_reached)(struct world *world))
{
    for (unsigned ms = 0; ms < 5000 && !is_reached(w); ms++)
        world_run(w, 1);
    assert_true(is_reached(w));
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(height(i), 0);
}

static void crash_and_start(uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++)
        world_crash(w, i);
    world_run(w, 200);
    for (uint32_t i = first; i <= last; i++)
        world_start(w, i);
}

static void nothing_is_founded_by_fewer_than_all(void **state)
{
    begin(false, 1);
    world_crash(w, 1);
    world_run(w, 2 * PATIENCE_MS);
    assert_int_equal(count_founded(), 0);
    world_start(w, 1);
    assert_true(world_until(w, PATIENCE_MS, all_serve));
    world_free(w);
}

static void a_kill_at_any_moment_before_the_manifest_only_delays(void **state)
{
    unsigned killed = 0;
    for (unsigned ms = 0;; ms += 3) {
        begin(false, 2);
        world_run(w, ms);
        if (count_founded() > 0)
            break;
        crash_and_start(ms % N, ms % N);
        assert_true(world_until(w, PATIENCE_MS, all_serve));
        world_free(w);
        killed++;
    }
    world_free(w);
    assert_true(killed > 10);
}

static void a_list_signed_by_some_binds_nobody_for_long(void **state)
{
    begin(false, 3);
    for (unsigned ms = 0; ms < 5000 && !world_member(w, 0)->is_signing; ms++)
        world_run(w, 1);
    assert_true(world_member(w, 0)->is_signing);
    struct sig_public signer = vote_key(0);
    crash_and_start(2, 2); /* its signature never comes, and its new key is not on the list */
    assert_true(world_until(w, PATIENCE_MS, all_serve));
    assert_false(sig_public_eq(vote_key(0), signer)); /* it signs one manifest */
    world_free(w);
}

static bool one_is_founded(struct world *world)
{
    return count_founded() > 0;
}

/* In strict mode a crash takes the vote key: with two of three gone no block 1 can ever come. */
static void a_founding_whose_keys_are_gone_is_forgotten(bool (*reached)(struct world *world))
{
    for (uint64_t seed = 10; seed < 20; seed++) {
        begin(false, seed);
        run_to_the_window(reached);
        uint32_t survivor = 0;
        while (!is_founded(survivor))
            survivor++;
        struct hash64 dead = manifest_of(survivor);
        struct sig_public signer = vote_key(survivor);
        for (uint32_t i = 0; i < N; i++)
            if (i != survivor)
                world_crash(w, i);
        world_run(w, 200);
        assert_int_equal(height(survivor), 0);
        for (uint32_t i = 0; i < N; i++)
            if (i != survivor)
                world_start(w, i);
        assert_true(world_until(w, PATIENCE_MS, all_serve));
        struct hash64 now = manifest_of(survivor);
        assert_memory_not_equal(now.b, dead.b, sizeof now.b);
        assert_false(sig_public_eq(vote_key(survivor), signer));
        for (uint32_t i = 0; i < N; i++)
            assert_memory_equal(manifest_of(i).b, now.b, sizeof now.b);
        world_free(w);
    }
}

static void a_founding_that_died_when_one_knew_it_is_forgotten(void **state)
{
    a_founding_whose_keys_are_gone_is_forgotten(one_is_founded);
}

static void a_founding_that_died_when_all_knew_it_is_forgotten(void **state)
{
    a_founding_whose_keys_are_gone_is_forgotten(all_are_founded);
}

static void all_gone_before_block_1_begin_again(void **state)
{
    begin(false, 30);
    run_to_the_window(all_are_founded);
    struct hash64 dead = manifest_of(0);
    crash_and_start(0, N - 1);
    assert_true(world_until(w, PATIENCE_MS, all_serve));
    assert_memory_not_equal(manifest_of(0).b, dead.b, sizeof dead.b);
    world_free(w);
}

static void a_founding_that_can_still_decide_is_kept(void **state)
{
    begin(false, 40);
    run_to_the_window(all_are_founded);
    struct hash64 h = manifest_of(0);
    world_partition(w, (const uint8_t[WORLD_MAX]){0, 1, 1});
    crash_and_start(2, 2);
    world_run(w, 5000); /* guardian 2 sees one key gone, and the two others are a quorum */
    assert_int_equal(height(1), 0);
    assert_true(is_founded(1));
    world_partition(w, (const uint8_t[WORLD_MAX]){0});
    assert_true(world_until(w, PATIENCE_MS, all_serve));
    assert_memory_equal(manifest_of(0).b, h.b, sizeof h.b);
    world_free(w);
}

static void a_founding_whose_keys_are_sealed_survives_everybody(void **state)
{
    begin(true, 50);
    run_to_the_window(all_are_founded);
    world_run(w, 4); /* the manifests are on disk; else they were never complete */
    struct hash64 h = manifest_of(0);
    struct sig_public signer = vote_key(0);
    crash_and_start(0, N - 1);
    assert_true(world_until(w, PATIENCE_MS, all_serve));
    assert_memory_equal(manifest_of(0).b, h.b, sizeof h.b);
    assert_true(sig_public_eq(vote_key(0), signer));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_founded_by_fewer_than_all),
        cmocka_unit_test(a_kill_at_any_moment_before_the_manifest_only_delays),
        cmocka_unit_test(a_list_signed_by_some_binds_nobody_for_long),
        cmocka_unit_test(a_founding_that_died_when_one_knew_it_is_forgotten),
        cmocka_unit_test(a_founding_that_died_when_all_knew_it_is_forgotten),
        cmocka_unit_test(all_gone_before_block_1_begin_again),
        cmocka_unit_test(a_founding_that_can_still_decide_is_kept),
        cmocka_unit_test(a_founding_whose_keys_are_sealed_survives_everybody),
    };
    return cmocka_run_group_tests_name("found", tests, NULL, NULL);
}
