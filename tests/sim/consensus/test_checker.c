/*
 * A checker that finds nothing proves nothing: with one liar too many, and
 * with planted bugs, it must find violations.
 */
#include "world.h"
#include "core/consensus/inside.h"
#include "test.h"

enum { MOST_SEEDS = 600 };

struct trial {
    uint32_t n, f, liars; /* 0: as the seed has it */
    unsigned mutants;
    bool naive_restart;
};

/* Plays seeds until one violates something; 0 if none does. */
static uint64_t first_violation(const struct trial *trial, char *what, size_t cap)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    uint64_t found = 0;
    for (uint64_t seed = 1; seed <= MOST_SEEDS && !found; seed++) {
        struct options o = options_of(seed, trial->n, trial->f);
        o.mutants = trial->mutants;
        if (trial->liars > 0) {
            o.liars = trial->liars;
            o.crashes = o.changes = false;
        }
        o.leases = true;
        o.safety_only = !trial->naive_restart;
        if (trial->naive_restart)
            o.mode = BFT_STRICT;
        o.naive_restart = o.power_loss = trial->naive_restart;
        world_init(w, seed, &o);
        if (!world_play(w)) {
            found = seed;
            snprintf(what, cap, "%s", w->violation);
        }
        world_free(w);
    }
    free(w);
    return found;
}

static void must_find(const char *name, struct trial trial)
{
    char what[256] = "";
    uint64_t seed = first_violation(&trial, what, sizeof what);
    print_message("%s, n=%u f=%u: seed %llu, %s\n", name, trial.n, trial.f,
                  (unsigned long long)seed, what);
    assert_true(seed > 0);
}

/* Two quorums share 2q-N members: f+1, or f+2 where q was rounded up. Safety ends when all of them
   lie. With fewer than two honest members there is nobody left to disagree. */
static void one_liar_too_many_is_found_in_every_configuration(void **state)
{
    for (uint32_t n = 3; n <= 7; n++)
        for (uint32_t f = 0; 3 * f + 1 <= n; f++)
            must_find("too many liars", (struct trial){n, f, 2 * cfg_quorum(n, f) - n, 0, false});
}

static void a_member_without_lock_check_is_found(void **state)
{
    must_find("no lock check", (struct trial){4, 1, 0, MUTANT_NO_LOCK, false});
}

static void a_quorum_one_short_is_found(void **state)
{
    must_find("quorum one short", (struct trial){3, 0, 0, MUTANT_SHORT_QUORUM, false});
    must_find("quorum one short", (struct trial){4, 1, 0, MUTANT_SHORT_QUORUM, false});
}

static void messages_that_do_not_wait_for_the_disk_are_found(void **state)
{
    must_find("not durable", (struct trial){3, 0, 0, MUTANT_NOT_DURABLE, false});
}

static void leases_that_ignore_the_answered_heights_are_found(void **state)
{
    must_find("lease without heights", (struct trial){4, 1, 0, MUTANT_LEASE_HEIGHT, false});
}

/* H5: the naive rule loses a decided block. */
static void a_restart_that_ignores_pols_is_found(void **state)
{
    must_find("RESTART without POLs", (struct trial){3, 0, 0, 0, true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_liar_too_many_is_found_in_every_configuration),
        cmocka_unit_test(a_member_without_lock_check_is_found),
        cmocka_unit_test(a_quorum_one_short_is_found),
        cmocka_unit_test(messages_that_do_not_wait_for_the_disk_are_found),
        cmocka_unit_test(leases_that_ignore_the_answered_heights_are_found),
        cmocka_unit_test(a_restart_that_ignores_pols_is_found),
    };
    return cmocka_run_group_tests_name("the checker", tests, NULL, NULL);
}
