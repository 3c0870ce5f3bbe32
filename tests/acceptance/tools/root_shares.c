/*
 * root_shares GENESIS KEY_FILE PLATFORM MACHINE < LINES
 *
 * The shares of both root keys, computed from the log and the seeds of the vaults:
 * replays the log of a development cluster up to the end of its DKG, finds the
 * receive keys of the recipients in their vaults' randomness and opens the
 * dealings with them. The log is that of one guardian's disk, unsealed with its
 * machine's key; its record of secrets is not needed. LINES are, in this order,
 *
 *   seed GID HEX              the key of a vault's generator (base/rng.h), for each seat
 *   record KIND NUMBER HEX    manifest and blocks, as they are stored
 *
 * Prints "NAME HEX" lines: "share r GID", "share e GID" and "receive GID" for each
 * guardian; "root r", "root e": the keys that t shares make, which nobody holds; and
 * "public e", the public key of the last.
 */
#include "base/codec/hex.h"
#include "core/evidence/sim/software.h"
#include "core/member/member.h"
#include "io/platform/attest.h"

#include <stdio.h>
#include <stdlib.h>

#define SOFTWARE  "guardian"          /* what `guardian dev up` runs */
#define SEALING   "guardian/v1/vault" /* what vault asks its platform's key for */
#define DRAWS_MAX 20000               /* of a vault, until it has drawn its receive key */

struct replay {
    struct genesis genesis;
    struct rng_seeded vault[BFT_MAX_MEMBERS + 1]; /* by gid */
    struct guardian *member;                      /* loaded, never started */
};

static void print(const char *name, uint32_t gid, const uint8_t value[static 32])
{
    char hex[65];
    hex_encode(bytes(value, 32), hex);
    if (gid)
        printf("%s %u %s\n", name, gid, hex);
    else
        printf("%s %s\n", name, hex);
}

/* --- the shares --- */

static enum err find_receive_key(struct rng_seeded vault, const uint8_t public[static 32],
                                 struct secret32 *out)
{
    for (vault.counter = 0; vault.counter < DRAWS_MAX;) { /* each draw adds one */
        rng_fill(rng_of(&vault), out->b, sizeof out->b);
        struct x25519_public its = x25519_public_of(out);
        if (memcmp(its.b, public, sizeof its.b) == 0)
            return OK;
    }
    return E_NOT_FOUND;
}

static enum err open_share(const struct state *s, const struct rec_session *o, enum group group,
                           uint32_t gid, const struct secret32 *x, struct scalar *out)
{
    struct scalar sub[THRESHOLD_MAX];
    for (uint32_t i = 0; i < o->n_dealers; i++) {
        struct recipient to[THRESHOLD_MAX];
        struct rec_dealing d;
        struct key k = key_gid('d', o->dealers[i]);
        struct deal_terms terms = state_deal_terms(o, group, o->dealers[i], to);
        TRY(dealing_get(state_store(s), &k, &d));
        TRY(dealing_ve.open(&terms, group == GROUP_R ? d.deal_r : d.deal_e, gid, x, &sub[i]));
    }
    dkg_combine_shares(sub, o->n_dealers, out);
    return share_check(group, group == GROUP_R ? &o->r : &o->e, gid, out);
}

/* The key itself, from the first t shares, and whether it is that of the public key. */
static enum err join(enum group group, const struct rec_session *o, const struct scalar *share,
                     struct scalar *out)
{
    uint32_t gids[THRESHOLD_MAX];
    struct point public;
    for (uint32_t i = 0; i < o->next.t; i++)
        gids[i] = o->recipients[i].gid;
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < o->next.t; i++) {
        struct scalar part;
        TRY(lagrange_at_zero(gids, o->next.t, i, &part));
        scalar_mul(&part, &part, &share[i]);
        scalar_add(out, out, &part);
    }
    TRY(point_base(group, &public, out));
    return point_eq(&public, group == GROUP_R ? &o->r.c[0] : &o->e.c[0]) ? OK : E_VALUE;
}

static enum err tell_shares(const struct replay *p, const struct rec_session *o)
{
    struct scalar r[THRESHOLD_MAX], e[THRESHOLD_MAX], root;
    for (uint32_t i = 0; i < o->n_recipients; i++) {
        struct secret32 x;
        uint32_t gid = o->recipients[i].gid;
        TRY(find_receive_key(p->vault[gid], o->recipients[i].x, &x));
        TRY(open_share(member_state(p->member), o, GROUP_R, gid, &x, &r[i]));
        TRY(open_share(member_state(p->member), o, GROUP_E, gid, &x, &e[i]));
        print("receive", gid, x.b);
        print("share r", gid, r[i].b);
        print("share e", gid, e[i].b);
    }
    TRY(join(GROUP_R, o, r, &root));
    print("root r", 0, root.b);
    TRY(join(GROUP_E, o, e, &root));
    print("root e", 0, root.b);
    print("public e", 0, o->e.c[0].b);
    return OK;
}

/* --- the log --- */

static enum err read_genesis(const char *path, struct genesis *out, struct hash32 *cluster_id)
{
    static uint8_t text[GENESIS_MAX];
    struct problem problem;
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(text, 1, sizeof text, f) : 0;
    if (f)
        fclose(f);
    *cluster_id = genesis_cluster_id(bytes(text, n));
    return genesis_parse(bytes(text, n), out, &problem);
}

static enum err unsealing_key(struct hash32 cluster_id, char *const *machine, struct secret32 *out)
{
    enum platform platform = strcmp(machine[1], "snp") == 0 ? PLATFORM_SNP : PLATFORM_TDX;
    struct attest_simulated s = {.claims = sim_software_claims(platform, SOFTWARE, machine[2]),
                                 .cluster_id = cluster_id,
                                 .key_file = machine[0],
                                 .rng = rng_system()};
    struct attest *a;
    struct problem problem;
    TRY(attest_open_simulated(&s, &a, &problem));
    enum err e = attest_sealing_key(a, bytes_str(SEALING), out);
    attest_close(a);
    return e;
}

/* GENESIS KEY_FILE PLATFORM MACHINE */
static enum err begin(struct replay *p, char *const *arguments)
{
    struct member_config config = {.genesis = &p->genesis,
                                   .deps = {&sig_ed25519, &dealing_ve, &frost_ed25519}};
    TRY(read_genesis(arguments[0], &p->genesis, &config.cluster_id));
    TRY(unsealing_key(config.cluster_id, arguments + 1, &config.sealing_key));
    return member_new(&config, &p->member);
}

static enum err load(struct replay *p, unsigned kind, uint64_t number, const char *hex)
{
    static uint8_t sealed[1 << 20];
    size_t n = strlen(hex) / 2;
    if (n > sizeof sealed || (kind != RECORD_MANIFEST && kind != RECORD_FOUNDING))
        return E_MALFORMED;
    TRY(hex_decode(hex, sealed, n));
    return member_load(p->member, (enum member_record)kind, number, bytes(sealed, n));
}

/* *done when the last dealing has just been decided: the session knows it, and nothing is erased.
 */
static enum err read_line(struct replay *p, const char *line, bool *done)
{
    unsigned gid, kind;
    unsigned long long number;
    char hex[65];
    int at = 0;
    if (sscanf(line, "seed %u %64s", &gid, hex) == 2 && gid <= BFT_MAX_MEMBERS)
        return hex_decode(hex, p->vault[gid].key, sizeof p->vault[gid].key);
    if (sscanf(line, "record %u %llu %n", &kind, &number, &at) != 2 || !at)
        return E_MALFORMED;
    TRY(load(p, kind, number, line + at));
    struct rec_session o = state_session(member_state(p->member));
    *done = o.kind == SESSION_DKG && o.phase == PHASE_CONFIRM;
    return *done ? tell_shares(p, &o) : OK;
}

int main(int argc, char **argv)
{
    static struct replay p;
    char *line = NULL;
    size_t cap = 0;
    bool done = false;
    enum err e = argc == 5 ? begin(&p, argv + 1) : E_VALUE;
    while (e == OK && !done && getline(&line, &cap, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        e = read_line(&p, line, &done);
    }
    free(line);
    member_free(p.member);
    genesis_free(&p.genesis);
    if (e == OK && !done)
        e = E_NOT_FOUND;
    if (e != OK)
        fprintf(stderr, "root_shares: %s\n", err_text(e));
    return e == OK ? 0 : 1;
}
