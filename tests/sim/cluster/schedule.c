#include "schedule.h"
#include "workload.h"
#include "base/codec/hex.h"

#include <stdio.h>
#include <stdlib.h>

/* After the last fault everything works again within this time. */
#define RECOVERY_MS 90000
/* After so many faults they become rare: what a stage needs must fit between two of them. */
#define MANY_FAULTS 120

enum stage { FORM, JOIN, NAMESPACE, MEASUREMENT, REGISTER, KEYS, REVOKE, DONE, STAGES };
static const char *const stage_names[] = {"formation",   "join",         "namespace",
                                          "measurement", "registration", "key release",
                                          "revocation",  "done"};

struct schedule {
    struct world *w;
    struct world_options o;
    uint32_t machines; /* that may be started: without the twin */
    bool has_copy[WORLD_MAX];
    bool is_raging, can_crash, can_part, can_break;
    enum stage from, until; /* the stages in which it rages */
    uint32_t until_after;   /* ms more, in the last of them */
    uint32_t faults;        /* so far */
    uint32_t pace;          /* ms between two faults, at most */
    uint32_t cut_off;       /* a node's number, 0: none */
    bool is_joined;         /* the spare's seat was asked for */
    struct workload workload;
    char *record;
};

static uint64_t pick(struct schedule *s, uint64_t below)
{
    return rng_below(world_rng(s->w), below);
}

/* --- faults --- */

static struct member_status status_of(struct schedule *s, uint32_t node)
{
    struct member_status out = {0};
    if (world_is_up(s->w, node))
        member_status(world_member(s->w, node), (struct now){world_now_ms(s->w), 0}, &out);
    return out;
}

static bool votes(struct schedule *s, uint32_t node)
{
    return world_is_up(s->w, node) && status_of(s, node).phase == MEMBER_ACTIVE;
}

static bool is_founded(struct schedule *s, uint32_t node)
{
    return world_is_up(s->w, node) ? status_of(s, node).phase >= MEMBER_WAIT_FOR_CLUSTER
                                   : world_disk_has(s->w, node, RECORD_MANIFEST);
}

/* The quorum and the number of members, as whoever is furthest knows it. */
static uint32_t quorum(struct schedule *s)
{
    uint64_t best = 0;
    uint32_t q = s->o.n;
    for (uint32_t i = 0; i < s->machines; i++) {
        struct member_status m = status_of(s, i);
        if (!world_is_up(s->w, i) || m.phase < MEMBER_WAIT_FOR_CLUSTER || m.height < best)
            continue;
        best = m.height;
        q = state_cfg(member_state(world_member(s->w, i)))->q;
    }
    return q;
}

/*
 * In strict mode a crash takes a vote key away, and when fewer than q are left only
 * administrators help (RESTART, not part of this simulation): such crashes are not
 * made. Before anybody can have decided a block all is allowed.
 */
static bool may_crash(struct schedule *s, uint32_t node)
{
    uint32_t founded = 0, others = 0, signing = 0, q = quorum(s);
    if (s->o.n < 3)
        return true;
    /* A liar may lose its key over its lies: f of them and one that is down need six members. */
    for (uint32_t i = 0; i < s->machines; i++) {
        founded += is_founded(s, i);
        signing += status_of(s, i).phase == MEMBER_CHECK_READINESS;
        others += i != node && votes(s, i) && !world_is_liar(s->w, i);
    }
    bool lies = s->o.has_liar || s->o.has_twin;
    return others >= q || (lies ? founded + signing == 0 : founded < q);
}

static void crash(struct schedule *s, uint32_t i)
{
    world_say(s->w, "node %u crashes", i + 1);
    world_crash(s->w, i);
    world_counts(s->w)->crashes++;
}

static void start(struct schedule *s, uint32_t i)
{
    /* An old disk makes a guardian of sealed mode a liar (consensus.md, Restart). */
    if (s->o.n >= 3 && s->has_copy[i] && pick(s, 4) == 0) {
        world_say(s->w, "node %u gets an old disk", i + 1);
        world_restore_disk(s->w, i);
        world_counts(s->w)->rollbacks++;
    }
    world_start(s->w, i);
    struct member_status m = status_of(s, i);
    world_say(s->w, "node %u starts at height %llu", i + 1, (unsigned long long)m.height);
}

static void fault_crash(struct schedule *s)
{
    uint32_t i = (uint32_t)pick(s, s->machines);
    if (!s->can_crash)
        return;
    if (!world_is_up(s->w, i)) {
        if (i < s->o.n || s->is_joined)
            start(s, i);
    } else if (may_crash(s, i)) {
        crash(s, i);
    }
}

static void fault_copy(struct schedule *s)
{
    uint32_t i = (uint32_t)pick(s, s->machines);
    /* A disk without a seat key is another machine's. */
    if (!world_disk_has(s->w, i, RECORD_SECRETS))
        return;
    world_copy_disk(s->w, i);
    s->has_copy[i] = true;
}

static void part(struct schedule *s, unsigned groups)
{
    uint8_t group[WORLD_MAX] = {0};
    for (uint32_t i = 0; i < WORLD_MAX; i++)
        group[i] = groups > 1 ? (uint8_t)pick(s, groups) : 0;
    world_partition(s->w, group);
    if (groups > 1) {
        world_counts(s->w)->partitions++;
        char text[WORLD_MAX + 1] = {0};
        for (uint32_t i = 0; i < s->machines + s->o.has_twin; i++)
            text[i] = (char)('a' + group[i]);
        world_say(s->w, "the network parts: %s", text);
    } else {
        world_say(s->w, "the network is whole");
    }
}

static void fault_weather(struct schedule *s)
{
    static const unsigned delays[] = {1, 5, 20, 100, 400};
    unsigned breaks = s->can_break ? (unsigned)pick(s, 3) * (unsigned)pick(s, 15) : 0;
    unsigned delay = delays[pick(s, 5)], disk = 1 + (unsigned)pick(s, 60);
    world_say(s->w, "weather: %u of 1000 break, delays to %u ms, disk to %u ms", breaks, delay,
              disk);
    world_weather(s->w, breaks, delay, disk);
}

static void rage(struct world *w, void *ctx)
{
    struct schedule *s = ctx;
    (void)w;
    if (!s->is_raging)
        return;
    switch (pick(s, 8)) {
    case 0:
    case 1:
    case 2:
        fault_crash(s);
        break;
    case 3:
        fault_copy(s);
        break;
    case 4:
        if (s->can_part)
            part(s, 2 + (unsigned)pick(s, 2));
        break;
    case 5:
        part(s, 1);
        break;
    default:
        fault_weather(s);
        break;
    }
    if (++s->faults > MANY_FAULTS)
        s->pace = 5000;
    world_hook_in(s->w,
                  1 + (s->faults > MANY_FAULTS || pick(s, 2) ? pick(s, s->pace) : pick(s, 60)));
}

static void begin_rage(struct schedule *s)
{
    s->is_raging = true;
    world_say(s->w, "--- faults begin (%s)", stage_names[s->from]);
    world_hook_in(s->w, 1 + pick(s, 300));
}

/* --- quiet --- */

static bool is_whole(struct world *w, uint32_t node)
{
    struct member_status s;
    struct key root = {.b = "r", .n = 1};
    struct guardian *m = world_member(w, node);
    if (!m)
        return false;
    member_status(m, (struct now){world_now_ms(w), 0}, &s);
    return s.phase == MEMBER_ACTIVE && s.lease_ms && s.holds_share &&
           store_get(state_store(member_state(m)), key_bytes(&root)).p;
}

static struct schedule *current; /* for conditions of world_until() */

/* Every member serves, and knows all that any of them decided: one that lied, too, now that it does
 * no longer; not one whose copy is still about. */
static bool all_live(struct world *w)
{
    for (uint32_t i = 0; i < current->machines; i++)
        if (!(world_is_liar(w, i) && current->o.has_twin) &&
            (i < current->o.n || current->is_joined) &&
            (!is_whole(w, i) || status_of(current, i).height < world_counts(w)->blocks))
            return false;
    return true;
}

static void tell_state(struct schedule *s)
{
    for (uint32_t i = 0; i < s->machines; i++) {
        struct member_status m = status_of(s, i);
        fprintf(
            stderr, "node %u%s: %s gid %u phase %d height %llu epoch %llu lease %llu ms share %d\n",
            i + 1, world_is_liar(s->w, i) ? " (liar)" : "", world_is_up(s->w, i) ? "up" : "down",
            m.gid, (int)m.phase, (unsigned long long)m.height, (unsigned long long)m.epoch,
            (unsigned long long)m.lease_ms, m.holds_share);
    }
}

static void must(struct schedule *s, bool ok, const char *what)
{
    if (ok)
        return;
    tell_state(s);
    world_die(s->w, what);
}

static void quiet(struct schedule *s)
{
    if (s->is_raging)
        world_say(s->w, "--- faults end");
    s->is_raging = false;
    s->from = STAGES;
    world_honest(s->w);
    if (s->o.has_twin && world_is_up(s->w, s->machines))
        world_crash(s->w, s->machines);
    part(s, 1);
    world_weather(s->w, 0, 5, 3);
    for (uint32_t i = 0; i < s->machines; i++)
        if (!world_is_up(s->w, i) && (i < s->o.n || s->is_joined))
            start(s, i);
    must(s, world_until(s->w, RECOVERY_MS, all_live),
         "after the last fault not everything is live again in time");
}

/* --- the life --- */

static uint32_t some_node(struct schedule *s)
{
    for (unsigned tries = 0; tries < 64; tries++) {
        uint32_t i = (uint32_t)pick(s, s->machines);
        if (world_is_up(s->w, i) && !world_is_liar(s->w, i) && status_of(s, i).gid)
            return i;
    }
    return WORLD_MAX;
}

static int change(struct schedule *s, const char *text)
{
    uint32_t i = some_node(s);
    if (i == WORLD_MAX || !status_of(s, i).height)
        return 0;
    int status = world_change(s->w, i, text)->status;
    world_say(s->w, "%.60s... at node %u: %d", text, i + 1, status);
    return status;
}

static bool try_form(struct schedule *s)
{
    uint32_t i = some_node(s);
    return i != WORLD_MAX && is_whole(s->w, i);
}

static bool try_join(struct schedule *s)
{
    char text[1024];
    if (!s->o.spare)
        return true;
    if (!s->is_joined) {
        char *id = world_platform_id(s->o.n);
        snprintf(
            text, sizeof text,
            "{\"type\":\"seat.add\",\"seat\":{\"gid\":%u,\"operator\":\"o\",\"vendor\":\"sim\","
            "\"platform_id\":\"%s\",\"addresses\":{\"peer\":\"10.0.0.9:8444\",\"api\":"
            "\"10.0.0.9:8443\"}}}",
            s->o.n + 1, id);
        int status = change(s, text);
        s->is_joined = status == 200 || status == 422;
        if (s->is_joined && !world_is_up(s->w, s->o.n))
            start(s, s->o.n);
        free(id);
    }
    return s->is_joined && is_whole(s->w, s->o.n);
}

static bool try_namespace(struct schedule *s)
{
    int status = change(s, "{\"type\":\"namespace.create\",\"namespace\":\"blue\",\"mode\":"
                           "\"sealed\",\"dns\":[],\"ip\":[]}");
    return status == 200 || status == 422;
}

static bool try_measurement(struct schedule *s)
{
    char text[20000];
    snprintf(text, sizeof text,
             "{\"type\":\"measurement.add\",\"namespace\":\"blue\",\"record\":%s}", s->record);
    return change(s, text) == 200;
}

static bool try_register(struct schedule *s)
{
    uint32_t a = some_node(s), b = some_node(s);
    if (a == WORLD_MAX || b == WORLD_MAX)
        return false;
    int status = workload_attest(&s->workload, s->w, a, b);
    world_say(s->w, "a workload registers at node %u, proves itself at node %u: %d", a + 1, b + 1,
              status);
    return status == 200;
}

static bool try_keys(struct schedule *s)
{
    unsigned got = 0;
    for (uint32_t i = 0; i < s->machines; i++) {
        if (!world_is_up(s->w, i))
            continue;
        int status = workload_key(&s->workload, s->w, i);
        world_say(s->w, "a key at node %u: %d", i + 1, status);
        got += status == 200;
    }
    return got >= 2 || (got == 1 && s->o.n == 1);
}

/* One member is cut off while the others decide; the world sees how long it still serves. */
static void cut_off(struct schedule *s)
{
    uint8_t group[WORLD_MAX] = {0};
    uint32_t i = (uint32_t)pick(s, s->machines);
    if (s->is_raging || s->o.n < 3 || pick(s, 2))
        return;
    group[i] = 1;
    world_partition(s->w, group);
    world_counts(s->w)->partitions++;
    world_say(s->w, "node %u is cut off", i + 1);
    s->cut_off = i + 1;
}

static void ask_cut_off(struct schedule *s)
{
    for (unsigned k = 0; s->cut_off && k < 40; k++) {
        if (world_is_up(s->w, s->cut_off - 1))
            world_say(s->w, "a revoked one asks node %u, cut off: %d", s->cut_off,
                      workload_key(&s->workload, s->w, s->cut_off - 1));
        world_run(s->w, 150 + pick(s, 300));
    }
    if (s->cut_off)
        part(s, 1);
    s->cut_off = 0;
}

static bool try_revoke(struct schedule *s)
{
    char text[512], hex[65];
    struct hash32 h = workload_measurement(&s->workload);
    hex_encode(BYTES_OF(h.b), hex);
    world_will_revoke(s->w, "blue", h);
    snprintf(text, sizeof text,
             "{\"type\":\"measurement.revoke\",\"namespace\":\"blue\",\"measurement_hash\":\"%s\"}",
             hex);
    cut_off(s);
    int status = change(s, text);
    ask_cut_off(s);
    for (unsigned round = 0; round < 6; round++) { /* the world sees who still serves */
        uint32_t i = (uint32_t)pick(s, s->machines);
        if (world_is_up(s->w, i))
            world_say(s->w, "a revoked one asks node %u: %d", i + 1,
                      workload_key(&s->workload, s->w, i));
        if (round % 2)
            (void)try_register(s);
        world_run(s->w, 500 + pick(s, 4000));
    }
    return status == 200 || status == 422;
}

static bool (*const tries[])(struct schedule *s) = {
    try_form, try_join, try_namespace, try_measurement, try_register, try_keys, try_revoke};

/* What a client was told has happened is so at every member. */
static void check_kept(struct schedule *s, enum stage reached)
{
    struct hash32 h = workload_measurement(&s->workload), id = {0};
    memcpy(id.b, s->workload.instance_id, sizeof id.b);
    for (uint32_t i = 0; i < s->machines; i++) {
        if (world_is_liar(s->w, i) || !world_is_up(s->w, i))
            continue;
        const struct store *store = state_store(member_state(world_member(s->w, i)));
        struct key seat = key_gid('s', s->o.n + 1), ns = key_name('n', "blue"),
                   m = key_name_hash('w', "blue", h), inst = key_name('i', "blue");
        struct bytes key, value;
        struct rec_measurement rec;
        bool kept =
            (!s->is_joined || store_get(store, key_bytes(&seat)).p) &&
            (reached < NAMESPACE || store_get(store, key_bytes(&ns)).p) &&
            (reached < MEASUREMENT || store_get(store, key_bytes(&m)).p) &&
            (reached < REGISTER || store_next(store, key_bytes(&inst), BYTES_NONE, &key, &value)) &&
            (reached < REVOKE || (measurement_get(store, &m, &rec) == OK && rec.revoked_at));
        must(s, kept, "something acknowledged is missing");
    }
}

static void live(struct schedule *s)
{
    for (uint32_t i = 0; i < s->o.n; i++)
        world_start(s->w, i);
    if (s->o.has_twin)
        world_start(s->w, s->machines);
    for (enum stage at = FORM; at < DONE; at++) {
        world_say(s->w, "--- %s", stage_names[at]);
        if (at == s->from)
            begin_rage(s);
        unsigned patience = 3 + (unsigned)pick(s, 12);
        bool done = false;
        uint64_t begun = world_now_ms(s->w);
        do {
            world_run(s->w, s->is_raging ? pick(s, 2000) : 200);
            done = tries[at](s);
            if (!done && s->is_raging && patience-- == 0)
                quiet(s);
            if (!s->is_raging && world_now_ms(s->w) > begun + 3 * RECOVERY_MS)
                must(s, done, stage_names[at]);
        } while (!done);
        if (at == s->until && s->is_raging) {
            world_run(s->w, s->until_after);
            quiet(s);
            check_kept(s, at);
        }
    }
    quiet(s);
    check_kept(s, REVOKE);
    for (uint32_t i = 0; i < s->machines; i++)
        must(s, !world_is_up(s->w, i) || workload_key(&s->workload, s->w, i) != 200,
             "a revoked instance gets a key");
}

/* --- choice --- */

static void choose(struct schedule *s, uint64_t seed)
{
    static const uint32_t sizes[] = {3, 3, 3, 4, 4, 6, 2, 5};
    struct rng_seeded seeded;
    struct rng r = rng_numbered(&seeded, seed * 2 + 1);
    s->o.n = sizes[rng_below(r, 8)];
    s->o.f = -1;
    s->o.spare = s->o.n < 5 && rng_below(r, 2);
    s->o.seed = seed;
    s->o.liar = (uint32_t)rng_below(r, s->o.n);
    if (s->o.n >= 4) {
        uint64_t kind = rng_below(r, 4);
        s->o.has_liar = kind == 1;
        s->o.has_twin = kind == 2;
    }
    uint64_t a = rng_below(r, DONE), b = rng_below(r, DONE);
    s->from = (enum stage)(a < b ? a : b);
    s->until = (enum stage)(a < b ? b : a);
    s->until_after = (uint32_t)rng_below(r, 4000);
    static const uint32_t paces[] = {80, 400, 1500, 5000};
    s->pace = paces[rng_below(r, 4)];
    uint64_t kinds = rng_below(r, 8);
    s->can_crash = kinds != 0 && kinds != 1;
    s->can_part = kinds != 0 && kinds != 2;
    s->can_break = kinds != 3;
    /* So little that those who were away need a checkpoint. */
    if (rng_below(r, 3) == 0) {
        s->o.checkpoint_every = 4 + (uint32_t)rng_below(r, 12);
        s->o.blocks_bytes = 4096 << rng_below(r, 3);
    }
}

static void add_counts(struct schedule_totals *t, struct world *w)
{
    const struct world_counts *c = world_counts(w);
    t->schedules++;
    t->steps += world_steps(w);
    t->counts.blocks += c->blocks;
    t->counts.breaks += c->breaks;
    t->counts.crashes += c->crashes;
    t->counts.rollbacks += c->rollbacks;
    t->counts.partitions += c->partitions;
    t->counts.lies += c->lies;
    t->counts.checkpoints += c->checkpoints;
}

void schedule_run(uint64_t seed, bool real_crypto, bool verbose, struct schedule_totals *totals)
{
    struct schedule s = {0};
    choose(&s, seed);
    s.o.real_crypto = real_crypto;
    s.o.verbose = verbose;
    s.machines = s.o.n + s.o.spare;
    current = &s;
    if (world_new(&s.o, &s.w) != OK)
        abort();
    enum platform platform = pick(&s, 2) ? PLATFORM_TDX : PLATFORM_SNP;
    workload_init(&s.workload, s.w, "blue", platform, 77);
    s.record = world_record(platform, 77);
    world_say(s.w, "seed %llu: %u guardians, %u to join, %s", (unsigned long long)seed, s.o.n,
              s.o.spare,
              s.o.has_liar   ? "one lies"
              : s.o.has_twin ? "one has a copy"
                             : "all honest");
    world_hook(s.w, rage, &s);
    live(&s);
    add_counts(totals, s.w);
    free(s.record);
    workload_free(&s.workload);
    world_free(s.w);
}

void schedule_too_many_liars(uint64_t seed, bool verbose)
{
    struct schedule s = {.o = {.n = 3, .f = 0, .has_twin = true, .liar = 1, .seed = seed}};
    static const uint8_t apart[WORLD_MAX] = {0, 0, 1, 1};
    s.o.verbose = verbose;
    s.machines = 3;
    s.from = STAGES;
    current = &s;
    if (world_new(&s.o, &s.w) != OK)
        abort();
    for (uint32_t i = 0; i < 4; i++)
        world_start(s.w, i);
    must(&s, world_until(s.w, RECOVERY_MS, all_live), "the cluster does not form");
    world_partition(s.w, apart);
    world_run(s.w, 5000);
    (void)world_change(s.w, 0,
                       "{\"type\":\"namespace.create\",\"namespace\":\"blue\",\"mode\":"
                       "\"sealed\",\"dns\":[],\"ip\":[]}");
    (void)world_change(s.w, 2,
                       "{\"type\":\"namespace.create\",\"namespace\":\"green\",\"mode\":"
                       "\"sealed\",\"dns\":[],\"ip\":[]}");
    world_run(s.w, 20000);
    world_free(s.w);
}
