#include "world.h"
#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/log.h"
#include "core/evidence/sim/sim.h"
#include "ideal_dealing.h"
#include "ideal_frost.h"
#include "ideal_sig.h"
#include "liar.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define EPOCH_MS   1900000000000ULL /* the simulated wall clock at start */
#define TICK_EVERY 20

struct stored {
    enum member_record kind;
    uint64_t number;
    struct bytes value; /* owned */
};
struct disk {
    size_t n, cap;
    struct stored *record;
};

enum event_kind {
    EV_MESSAGE,
    EV_STORED,
    EV_QUOTED,
    EV_JUDGED,
    EV_CONNECT,
    EV_CLOSED,
    EV_TICK,
    EV_HOOK
};
struct event {
    uint64_t at, order;
    enum event_kind kind;
    uint32_t node, life, link, peer;
    uint64_t id;
    enum member_record record_kind;
    struct bytes data; /* owned */
};

struct connection {
    uint32_t id; /* the same on both sides */
    uint32_t a, b;
    uint64_t last_ab, last_ba; /* arrival of the newest message, so that order is kept */
};

struct node {
    struct world *world;
    uint32_t index, life;
    struct guardian *member;
    enum platform platform;
    struct disk disk, copy;
    struct rng_seeded rng;
    uint8_t group;
    bool wants[WORLD_MAX]; /* whom its member wants links to, by gid - 1 */
    uint32_t base;         /* whose seat it sits in: itself, or the one it is a copy of */
    bool is_liar;
    uint64_t height;      /* the highest seen; on a start what its disk holds */
    uint64_t disk_height; /* of the newest durable block */
    uint64_t copy_height;
    uint64_t last_store;  /* when the newest write is done: writes end in order */
    uint64_t checkpoints; /* taken over in this life */
};

/* What no two honest members may see differently. */
struct height_facts {
    bool known;
    struct hash32 head, root;
};

struct world {
    struct world_options options;
    struct genesis genesis;
    struct hash32 cluster_id;
    struct node nodes[WORLD_MAX];
    uint32_t n;
    uint64_t ms, order, steps;
    struct event *heap;
    size_t heap_n, heap_cap;
    struct connection *connections;
    size_t n_connections;
    uint32_t next_link;
    struct rng_seeded rng;
    unsigned break_permille, delay_ms, disk_ms;
    struct sig_secret admin[3];
    uint64_t next_request;
    struct world_answer answer;
    uint64_t waiting_for;
    struct height_facts *facts; /* by height: what the first honest member decided */
    size_t n_facts;
    bool has_root;
    struct rec_cluster root; /* generation, root_id, K and A of the first to have them */
    bool has_revoked;
    char revoked_ns[NS_NAME_MAX];
    struct hash32 revoked;
    uint64_t revoked_ms; /* when the first honest member knew it to be final; 0: not yet */
    void (*hook)(struct world *w, void *ctx);
    void *hook_ctx;
    struct liar *liar;
    struct world_counts counts;
};

void world_say(struct world *w, const char *format, ...)
{
    if (!w->options.verbose)
        return;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%8llu ms  ", (unsigned long long)w->ms);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void world_die(struct world *w, const char *what)
{
    fprintf(stderr, "VIOLATION at %llu ms, seed %llu: %s\n", (unsigned long long)w->ms,
            (unsigned long long)w->options.seed, what);
    exit(WORLD_VIOLATION);
}

/* --- events -------------------------------------------------------------------------------------
 */

static bool earlier(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct world *w, struct event e)
{
    e.order = w->order++;
    if (w->heap_n == w->heap_cap) {
        w->heap_cap = w->heap_cap ? 2 * w->heap_cap : 1024;
        w->heap = realloc(w->heap, w->heap_cap * sizeof *w->heap);
        if (!w->heap)
            abort();
    }
    size_t i = w->heap_n++;
    for (; i > 0 && earlier(&e, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = e;
}

static struct event pop(struct world *w)
{
    struct event top = w->heap[0], last = w->heap[--w->heap_n];
    size_t i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= w->heap_n)
            break;
        if (c + 1 < w->heap_n && earlier(&w->heap[c + 1], &w->heap[c]))
            c++;
        if (!earlier(&w->heap[c], &last))
            break;
        w->heap[i] = w->heap[c];
        i = c;
    }
    w->heap[i] = last;
    return top;
}

static struct bytes own(struct bytes b)
{
    return bytes(bytes_dup(b), b.n);
}

/* --- the platform --- */

static struct claims machine_claims(enum platform platform, uint64_t n)
{
    struct claims c = sim_claims(platform, n);
    c.simulated = true;
    c.tcb_status = TCB_UP_TO_DATE;
    return c;
}

/* Stands for a quote: who says it, and what it binds. Nobody in the simulation forges it. */
static struct buf fake_evidence(enum platform platform, uint64_t n, bool guardian,
                                const uint8_t report_data[static 64])
{
    struct buf b = BUF_INIT(256);
    struct writer w = writer(&b);
    wr_u8(&w, (uint8_t)platform);
    wr_u64(&w, n);
    wr_bool(&w, guardian);
    wr_raw(&w, report_data, 64);
    return b;
}

struct buf world_evidence(enum platform platform, uint64_t machine,
                          const uint8_t report_data[static 64])
{
    return fake_evidence(platform, machine, false, report_data);
}

static enum err judge(const struct world *w, struct bytes evidence, struct claims *out)
{
    struct reader r = reader(evidence);
    enum platform platform = (enum platform)rd_u8(&r);
    uint64_t n = rd_u64(&r);
    bool guardian = rd_bool(&r);
    uint8_t report_data[64];
    rd_copy(&r, report_data, sizeof report_data);
    if (reader_end(&r, E_FORMAT) != OK || (platform != PLATFORM_TDX && platform != PLATFORM_SNP))
        return E_FORMAT;
    *out = machine_claims(platform, n);
    memcpy(out->report_data, report_data, sizeof report_data);
    if (guardian && platform == PLATFORM_TDX) {
        memset(out->tdx.mr_config_id, 0, 48);
        memcpy(out->tdx.mr_config_id, w->cluster_id.b, 32);
    } else if (guardian) {
        memcpy(out->snp.host_data, w->cluster_id.b, 32);
    }
    claims_hash_measurements(out);
    return OK;
}

static void hex_field(struct json_builder *b, const char *name, const void *p, size_t n)
{
    jb_hex(b, name, bytes(p, n));
}

char *world_record(enum platform platform, uint64_t machine)
{
    struct claims c = machine_claims(platform, machine);
    struct json_builder b = json_build();
    struct buf text = BUF_INIT(16384);
    jb_text(&b, "platform", platform_name(platform));
    jb_object(&b, "data");
    if (platform == PLATFORM_TDX) {
        hex_field(&b, "mrtd", c.tdx.mrtd, 48);
        hex_field(&b, "rtmr0", c.tdx.rtmr[0], 48);
        hex_field(&b, "rtmr1", c.tdx.rtmr[1], 48);
        hex_field(&b, "rtmr2", c.tdx.rtmr[2], 48);
        hex_field(&b, "rtmr3", c.tdx.rtmr[3], 48);
    } else {
        hex_field(&b, "measurement", c.snp.measurement, 48);
    }
    jb_bool(&b, "debug_allowed", false);
    jb_close(&b);
    if (jb_write(&b, &text) != OK || buf_add(&text, "", 1) != OK)
        abort();
    return (char *)text.p;
}

static struct platform_id platform_id_of(enum platform platform, uint64_t n)
{
    struct claims c = machine_claims(platform, n);
    struct bytes id = claims_platform_id(&c);
    struct platform_id out = {.n = id.n};
    memcpy(out.b, id.p, id.n);
    return out;
}

static enum platform platform_of(uint32_t node)
{
    return node % 3 == 1 ? PLATFORM_SNP : PLATFORM_TDX;
}

char *world_platform_id(uint32_t node)
{
    struct platform_id id = platform_id_of(platform_of(node), node + 1);
    char *hex = malloc(2 * id.n + 1);
    hex_encode(bytes(id.b, id.n), hex);
    return hex;
}

/* --- connections --- */

static struct connection *find_connection(struct world *w, uint32_t id)
{
    for (size_t i = 0; i < w->n_connections; i++)
        if (w->connections[i].id == id)
            return &w->connections[i];
    return NULL;
}

static bool reaches(const struct world *w, uint32_t a, uint32_t b)
{
    return w->nodes[a].member && w->nodes[b].member && w->nodes[a].group == w->nodes[b].group &&
           w->nodes[a].base != w->nodes[b].base;
}

static void break_connection(struct world *w, uint32_t id)
{
    struct connection *c = find_connection(w, id);
    if (!c)
        return;
    uint32_t ends[2] = {c->a, c->b};
    *c = w->connections[--w->n_connections];
    for (unsigned i = 0; i < 2; i++)
        push(w, (struct event){.at = w->ms + 1,
                               .kind = EV_CLOSED,
                               .node = ends[i],
                               .life = w->nodes[ends[i]].life,
                               .link = id});
}

static void connect_pair(struct world *w, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < w->n_connections; i++)
        if ((w->connections[i].a == a && w->connections[i].b == b) ||
            (w->connections[i].a == b && w->connections[i].b == a))
            return;
    if (!reaches(w, a, b))
        return;
    w->connections = realloc(w->connections, (w->n_connections + 1) * sizeof *w->connections);
    if (!w->connections)
        abort();
    uint32_t id = ++w->next_link;
    w->connections[w->n_connections++] = (struct connection){.id = id, .a = a, .b = b};
    uint8_t exporter[BINDING_EXPORTER_SIZE];
    rng_fill(world_rng(w), exporter, sizeof exporter);
    struct now now = {w->ms, EPOCH_MS + w->ms};
    member_link_open(w->nodes[a].member, now, id, BYTES_OF(exporter), true);
    member_link_open(w->nodes[b].member, now, id, BYTES_OF(exporter), false);
}

void world_carry(struct world *w, uint32_t from, uint32_t link, struct bytes message)
{
    struct connection *c = find_connection(w, link);
    if (!c)
        return;
    bool ab = c->a == from;
    uint32_t to = ab ? c->b : c->a;
    if (!reaches(w, c->a, c->b) || rng_below(world_rng(w), 1000) < w->break_permille) {
        w->counts.breaks++;
        break_connection(w, link);
        return;
    }
    uint64_t *last = ab ? &c->last_ab : &c->last_ba;
    uint64_t at = w->ms + 1 + rng_below(world_rng(w), w->delay_ms + 1);
    *last = at > *last ? at : *last;
    push(w, (struct event){.at = *last,
                           .kind = EV_MESSAGE,
                           .node = to,
                           .life = w->nodes[to].life,
                           .link = link,
                           .data = own(message)});
}

uint32_t world_other_end(struct world *w, uint32_t node, uint32_t link)
{
    struct connection *c = find_connection(w, link);
    return !c ? WORLD_MAX : c->a == node ? c->b : c->a;
}

static void out_send(void *ctx, uint32_t link, struct bytes message)
{
    struct node *n = ctx;
    if (n->is_liar && n->world->liar)
        liar_send(n->world->liar, n->index, link, message);
    else
        world_carry(n->world, n->index, link, message);
}

static void out_close(void *ctx, uint32_t link, const char *why)
{
    struct node *n = ctx;
    (void)why;
    break_connection(n->world, link);
}

static void out_trust(void *ctx, uint32_t link)
{
    (void)ctx;
    (void)link;
}

static void out_store(void *ctx, uint64_t token, enum member_record kind, uint64_t number,
                      struct bytes sealed)
{
    struct node *n = ctx;
    struct world *w = n->world;
    uint64_t done = w->ms + 1 + rng_below(world_rng(w), w->disk_ms);
    n->last_store = done > n->last_store ? done : n->last_store;
    push(n->world, (struct event){.at = n->last_store,
                                  .kind = EV_STORED,
                                  .node = n->index,
                                  .life = n->life,
                                  .id = token,
                                  .peer = (uint32_t)number,
                                  .record_kind = kind,
                                  .data = own(sealed)});
}

static void out_quote(void *ctx, uint64_t id, const struct quote_request *q)
{
    struct node *n = ctx;
    struct hash64 rd = q->kind == QUOTE_PEER ? binding_peer(&q->peer) : binding_api(&q->api);
    struct buf b = fake_evidence(n->platform, n->base + 1, true, rd.b);
    push(n->world, (struct event){.at = n->world->ms + 2,
                                  .kind = EV_QUOTED,
                                  .node = n->index,
                                  .life = n->life,
                                  .id = id,
                                  .data = buf_bytes(&b)});
}

static void out_judge(void *ctx, uint64_t id, struct bytes evidence)
{
    struct node *n = ctx;
    push(n->world, (struct event){.at = n->world->ms + 2,
                                  .kind = EV_JUDGED,
                                  .node = n->index,
                                  .life = n->life,
                                  .id = id,
                                  .data = own(evidence)});
}

static void out_reply(void *ctx, uint64_t request, int status, const char *type, struct bytes body)
{
    struct node *n = ctx;
    struct world *w = n->world;
    (void)type;
    if (request != w->waiting_for)
        return;
    w->waiting_for = 0;
    w->answer.status = status;
    if (buf_add(&w->answer.body, body.p, body.n) != OK)
        abort();
    if (json_parse(body, 4u << 20, &w->answer.json, NULL) != OK)
        w->answer.json = NULL;
}

static void out_serve(void *ctx, struct bytes chain)
{
    (void)ctx;
    (void)chain;
}

static void out_peers(void *ctx, const struct rec_seat *seats, size_t n)
{
    struct node *node = ctx;
    memset(node->wants, 0, sizeof node->wants);
    for (size_t i = 0; i < n; i++)
        if (seats[i].gid >= 1 && seats[i].gid <= WORLD_MAX)
            node->wants[seats[i].gid - 1] = true;
}

/* --- the disk
 * ------------------------------------------------------------------------------------------------
 */

static void disk_put(struct disk *d, enum member_record kind, uint64_t number, struct bytes value)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->record[i].kind == kind && d->record[i].number == number) {
            free((void *)d->record[i].value.p);
            d->record[i].value = value;
            return;
        }
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 64;
        d->record = realloc(d->record, d->cap * sizeof *d->record);
        if (!d->record)
            abort();
    }
    d->record[d->n++] = (struct stored){kind, number, value};
}

static void disk_remove_below(struct disk *d, enum member_record kind, uint64_t number)
{
    for (size_t i = d->n; i-- > 0;)
        if (d->record[i].kind == kind && d->record[i].number < number) {
            free((void *)d->record[i].value.p);
            d->record[i] = d->record[--d->n];
        }
}

static void disk_free(struct disk *d)
{
    for (size_t i = 0; i < d->n; i++)
        free((void *)d->record[i].value.p);
    free(d->record);
    *d = (struct disk){0};
}

static void disk_copy(struct disk *to, const struct disk *from)
{
    disk_free(to);
    for (size_t i = 0; i < from->n; i++)
        disk_put(to, from->record[i].kind, from->record[i].number, own(from->record[i].value));
}

void world_copy_disk(struct world *w, uint32_t node)
{
    disk_copy(&w->nodes[node].copy, &w->nodes[node].disk);
    w->nodes[node].copy_height = w->nodes[node].disk_height;
}

void world_restore_disk(struct world *w, uint32_t node)
{
    disk_copy(&w->nodes[node].disk, &w->nodes[node].copy);
    w->nodes[node].disk_height = w->nodes[node].copy_height;
}

static void write_done(struct node *n, const struct event *e)
{
    if (e->data.n == 0)
        return;
    if (e->record_kind == RECORD_CHECKPOINT)
        disk_remove_below(&n->disk, e->record_kind, e->peer);
    disk_put(&n->disk, e->record_kind, e->peer, own(e->data));
    if (e->record_kind >= RECORD_CHECKPOINT && e->record_kind <= RECORD_BLOCK &&
        e->peer > n->disk_height)
        n->disk_height = e->peer;
}

bool world_disk_has(const struct world *w, uint32_t node, enum member_record kind)
{
    const struct disk *d = &w->nodes[node].disk;
    for (size_t i = 0; i < d->n; i++)
        if (d->record[i].kind == kind && d->record[i].value.n)
            return true;
    return false;
}

static int by_kind_and_number(const void *a, const void *b)
{
    const struct stored *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* --- nodes
 * -----------------------------------------------------------------------------------------------------
 */

static const struct state_deps deps_real = {&sig_ed25519, &dealing_ve, &frost_ed25519},
                               deps_ideal = {&sig_ideal, &dealing_ideal, &frost_ideal};

void world_start(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];
    struct now now = {w->ms, EPOCH_MS + w->ms};
    struct member_config config = {.genesis = &w->genesis,
                                   .cluster_id = w->cluster_id,
                                   .deps = w->options.real_crypto ? deps_real : deps_ideal,
                                   .platform_id = platform_id_of(n->platform, n->base + 1),
                                   .out = {n, out_send, out_close, out_trust, out_store, out_quote,
                                           out_judge, out_reply, out_serve, out_peers},
                                   .checkpoint_every = w->options.checkpoint_every,
                                   .blocks_bytes = w->options.blocks_bytes};
    n->life++;
    n->checkpoints = 0;
    config.rng = rng_numbered(&n->rng, w->options.seed * 10000 + n->base * 1000 + n->life);
    memset(config.sealing_key.b, (int)(n->base + 1), sizeof config.sealing_key.b);
    if (member_new(&config, &n->member) != OK)
        abort();
    if (n->disk.n)
        qsort(n->disk.record, n->disk.n, sizeof *n->disk.record, by_kind_and_number);
    for (size_t k = 0; k < n->disk.n; k++) {
        enum err e = member_load(n->member, n->disk.record[k].kind, n->disk.record[k].number,
                                 n->disk.record[k].value);
        if (e != OK)
            log_warn("node %u: record %d %llu not loaded: %s", i, (int)n->disk.record[k].kind,
                     (unsigned long long)n->disk.record[k].number, err_code(e));
    }
    n->height = n->disk_height;
    n->last_store = w->ms;
    member_start(n->member, now);
    push(w, (struct event){.at = w->ms + TICK_EVERY, .kind = EV_TICK, .node = i, .life = n->life});
}

/* Of the writes under way, the first few reached the disk and the rest did not. */
static void lose_writes(struct world *w, struct node *n)
{
    for (uint64_t keep = rng_below(world_rng(w), 4); keep > 0; keep--) {
        struct event *first = NULL;
        for (size_t i = 0; i < w->heap_n; i++) {
            struct event *e = &w->heap[i];
            if (e->kind == EV_STORED && e->node == n->index && e->life == n->life && e->data.p &&
                (!first || earlier(e, first)))
                first = e;
        }
        if (!first)
            return;
        write_done(n, first);
        free((void *)first->data.p);
        first->data = BYTES_NONE;
    }
}

void world_crash(struct world *w, uint32_t i)
{
    struct node *n = &w->nodes[i];
    lose_writes(w, n);
    member_free(n->member);
    n->member = NULL;
    n->life++;
    for (size_t k = w->n_connections; k-- > 0;)
        if (w->connections[k].a == i || w->connections[k].b == i)
            break_connection(w, w->connections[k].id);
}

bool world_is_up(const struct world *w, uint32_t node)
{
    return w->nodes[node].member != NULL;
}

struct guardian *world_member(struct world *w, uint32_t node)
{
    return w->nodes[node].member;
}

void world_partition(struct world *w, const uint8_t *group)
{
    for (uint32_t i = 0; i < w->n; i++)
        w->nodes[i].group = group[i];
    for (size_t k = w->n_connections; k-- > 0;)
        if (!reaches(w, w->connections[k].a, w->connections[k].b))
            break_connection(w, w->connections[k].id);
}

void world_weather(struct world *w, unsigned break_permille, unsigned delay_ms, unsigned disk_ms)
{
    w->break_permille = break_permille;
    w->delay_ms = delay_ms;
    w->disk_ms = disk_ms;
}

void world_honest(struct world *w)
{
    liar_free(w->liar);
    w->liar = NULL;
}

bool world_is_liar(const struct world *w, uint32_t node)
{
    return w->nodes[node].is_liar;
}

struct world_counts *world_counts(struct world *w)
{
    return &w->counts;
}

/* --- checks
 * -------------------------------------------------------------------------------------------------------
 */

static struct height_facts *facts_at(struct world *w, uint64_t height)
{
    if (height >= w->n_facts) {
        size_t n = height + 256;
        w->facts = realloc(w->facts, n * sizeof *w->facts);
        if (!w->facts)
            abort();
        memset(w->facts + w->n_facts, 0, (n - w->n_facts) * sizeof *w->facts);
        w->n_facts = n;
    }
    return &w->facts[height];
}

/* One genesis, one root, and it stays. */
static void check_root(struct world *w, const struct rec_cluster *c)
{
    if (c->generation == 0)
        return;
    if (!w->has_root) {
        w->has_root = true;
        w->root = *c;
    }
    if (!hash32_eq(c->root_id, w->root.root_id) || memcmp(&c->k, &w->root.k, sizeof c->k) != 0 ||
        memcmp(&c->a, &w->root.a, sizeof c->a) != 0)
        world_die(w, "one genesis has two roots");
}

static void watch_revocation(struct world *w, const struct guardian *m)
{
    struct key k = key_name_hash('w', w->revoked_ns, w->revoked);
    struct rec_measurement rec;
    if (w->has_revoked && !w->revoked_ms &&
        measurement_get(state_store(member_state(m)), &k, &rec) == OK && rec.revoked_at)
        w->revoked_ms = w->ms;
}

/* Agreement: what one member decided at a height, all decided, and the states are equal. */
static void check_member(struct world *w, struct node *n)
{
    struct rec_cluster c = state_cluster(member_state(n->member));
    if (c.height < n->height)
        world_die(w, "a member's height went back");
    if (c.height == n->height || n->is_liar)
        return;
    struct member_status status;
    member_status(n->member, (struct now){w->ms, EPOCH_MS + w->ms}, &status);
    w->counts.checkpoints += status.checkpoints - n->checkpoints;
    n->checkpoints = status.checkpoints;
    n->height = c.height;
    struct height_facts *known = facts_at(w, c.height);
    struct hash32 root = state_root((struct state *)member_state(n->member));
    if (!known->known)
        *known = (struct height_facts){true, c.head, root};
    if (!hash32_eq(known->head, c.head))
        world_die(w, "two members decided different blocks at one height");
    if (!hash32_eq(known->root, root))
        world_die(w, "two members have different states at one height");
    if (c.height > w->counts.blocks)
        w->counts.blocks = c.height;
    check_root(w, &c);
    watch_revocation(w, n->member);
}

/* --- time
 * --------------------------------------------------------------------------------------------------------------
 */

static void tick(struct world *w, struct node *n)
{
    struct now now = {w->ms, EPOCH_MS + w->ms};
    member_tick(n->member, now);
    for (uint32_t j = 0; j < w->n; j++)
        if (n->wants[w->nodes[j].base] && rng_below(world_rng(w), 4) == 0)
            connect_pair(w, n->index, j);
    push(w, (struct event){
                .at = w->ms + TICK_EVERY, .kind = EV_TICK, .node = n->index, .life = n->life});
}

static void step(struct world *w)
{
    struct event e = pop(w);
    w->ms = e.at;
    w->steps++;
    struct node *n = &w->nodes[e.node];
    struct now now = {w->ms, EPOCH_MS + w->ms};
    if (e.kind == EV_HOOK) {
        w->hook(w, w->hook_ctx);
        return;
    }
    if (n->member && e.life == n->life) {
        struct claims claims;
        struct problem p = {0};
        enum err verdict;
        switch (e.kind) {
        case EV_MESSAGE:
            if (find_connection(w, e.link))
                member_link_message(n->member, now, e.link, e.data);
            break;
        case EV_STORED:
            write_done(n, &e);
            member_stored(n->member, now, e.id);
            break;
        case EV_QUOTED:
            member_quoted(n->member, now, e.id, e.data);
            break;
        case EV_JUDGED:
            verdict = judge(w, e.data, &claims);
            member_judged(n->member, now, e.id, verdict, &claims, &p);
            break;
        case EV_CLOSED:
            member_link_closed(n->member, now, e.link);
            break;
        case EV_TICK:
            tick(w, n);
            break;
        case EV_CONNECT:
        case EV_HOOK:
            break;
        }
        if (n->member)
            check_member(w, n);
    }
    free((void *)e.data.p);
}

void world_run(struct world *w, uint64_t ms)
{
    uint64_t end = w->ms + ms;
    while (w->heap_n && w->heap[0].at <= end)
        step(w);
    w->ms = end;
}

bool world_until(struct world *w, uint64_t ms, bool (*holds)(struct world *w))
{
    uint64_t end = w->ms + ms;
    while (w->heap_n && w->heap[0].at <= end) {
        if (holds(w))
            return true;
        uint64_t next = w->ms + TICK_EVERY;
        while (w->heap_n && w->heap[0].at <= next)
            step(w);
        w->ms = next;
    }
    return holds(w);
}

void world_hook(struct world *w, void (*hook)(struct world *w, void *ctx), void *ctx)
{
    w->hook = hook;
    w->hook_ctx = ctx;
}

void world_hook_in(struct world *w, uint64_t ms)
{
    push(w, (struct event){.at = w->ms + ms, .kind = EV_HOOK});
}

/* --- requests
 * ---------------------------------------------------------------------------------------------------------------
 */

const struct world_answer *world_request(struct world *w, uint32_t node,
                                         const struct member_request *request)
{
    struct now now = {w->ms, EPOCH_MS + w->ms};
    buf_free(&w->answer.body);
    json_free(w->answer.json);
    w->answer = (struct world_answer){.body = BUF_INIT(8u << 20)};
    if (!w->nodes[node].member)
        return &w->answer;
    w->waiting_for = ++w->next_request;
    bool releases = strcmp(request->route, "keys.release") == 0;
    member_request(w->nodes[node].member, now, w->waiting_for, request);
    struct member_status status;
    member_status(w->nodes[node].member, now, &status);
    if (releases && w->answer.status == 200 && !status.lease_ms && !w->nodes[node].is_liar)
        world_die(w, "a key was released without a lease");
    uint64_t asked = w->ms;
    for (unsigned i = 0; i < 500 && w->waiting_for; i++)
        world_run(w, 20);
    w->waiting_for = 0;
    bool judges = releases || strcmp(request->route, "attestation.register") == 0;
    if (judges && w->answer.status == 200 && w->revoked_ms && !w->nodes[node].is_liar &&
        asked > w->revoked_ms + w->genesis.lease_ms)
        world_die(w, "a revoked measurement is served later than D");
    return &w->answer;
}

void world_will_revoke(struct world *w, const char *ns, struct hash32 measurement)
{
    snprintf(w->revoked_ns, sizeof w->revoked_ns, "%s", ns);
    w->revoked = measurement;
    w->has_revoked = true;
}

uint64_t world_revoked_ms(const struct world *w)
{
    return w->revoked_ms;
}

const struct world_answer *world_change(struct world *w, uint32_t node, const char *change)
{
    char text[32768], nonce[33], root[65], body[40000];
    uint8_t random[16];
    json_t *tree;
    struct buf canonical = BUF_INIT(65536);
    rng_fill(world_rng(w), random, sizeof random);
    hex_encode(BYTES_OF(random), nonce);
    struct rec_cluster c = state_cluster(member_state(w->nodes[node].member));
    hex_encode(BYTES_OF(c.root_id.b), root);
    unsigned long long expires = (EPOCH_MS + w->ms) / 1000 + 3600;
    snprintf(text, sizeof text,
             "{\"change\":%s,\"expires\":%llu,\"nonce\":\"%s\",\"root_id\":\"%s\"}", change,
             expires, nonce, root);
    if (json_parse(bytes_str(text), sizeof text, &tree, NULL) != OK ||
        json_canonical(tree, &canonical) != OK)
        abort();
    json_free(tree);
    const struct sig_scheme *scheme = w->options.real_crypto ? &sig_ed25519 : &sig_ideal;
    int n = snprintf(body, sizeof body,
                     "{\"change\":%s,\"expires\":%llu,\"nonce\":\"%s\",\"signatures\":[", change,
                     expires, nonce);
    for (unsigned i = 0; i < 2; i++) {
        char id[33];
        struct signature sig = scheme->sign(&w->admin[i], buf_bytes(&canonical));
        char *b64 = b64_string(B64_STANDARD, BYTES_OF(sig.b));
        hex_encode(BYTES_OF(w->genesis.admins[i].id), id);
        n += snprintf(body + n, sizeof body - (size_t)n,
                      "%s{\"admin\":\"%s\",\"signature\":\"%s\"}", i ? "," : "", id, b64);
        free(b64);
    }
    snprintf(body + n, sizeof body - (size_t)n, "]}");
    buf_free(&canonical);
    struct member_request r = {.route = "proposals.add", .body = bytes_str(body)};
    return world_request(w, node, &r);
}

/* --- beginning
 * ------------------------------------------------------------------------------------------------------------------
 */

static void make_genesis(struct world *w)
{
    struct genesis *g = &w->genesis;
    const struct sig_scheme *scheme = w->options.real_crypto ? &sig_ed25519 : &sig_ideal;
    snprintf(g->trust_domain, sizeof g->trust_domain, "sim.example");
    g->simulation = true;
    g->has_f = w->options.f >= 0;
    g->f = g->has_f ? (uint32_t)w->options.f : 0;
    g->mode = w->options.sealed_mode || w->options.n < 3 ? BFT_SEALED : BFT_STRICT;
    g->lease_ms = 10000;
    g->n_admins = 3;
    g->admin_quorum = 2;
    for (unsigned i = 0; i < 3; i++) {
        scheme->keygen(world_rng(w), &w->admin[i], &g->admins[i].key);
        struct hash32 h = sha256(BYTES_OF(g->admins[i].key.b));
        memcpy(g->admins[i].id, h.b, 16);
        snprintf(g->admins[i].name, sizeof g->admins[i].name, "admin%u", i + 1);
    }
    g->n_measurements = 2;
    g->measurements[0] = world_record(PLATFORM_TDX, 1);
    g->measurements[1] = world_record(PLATFORM_SNP, 1);
    g->n_seats = w->options.n;
    for (uint32_t i = 0; i < g->n_seats; i++) {
        struct rec_seat *s = &g->seats[i];
        s->gid = i + 1;
        s->platform_id = platform_id_of(platform_of(i), i + 1);
        snprintf(s->operator_name, sizeof s->operator_name, "operator%u", i + 1);
        snprintf(s->vendor, sizeof s->vendor, "sim");
        snprintf(s->host, sizeof s->host, "10.0.0.%u", i + 1);
        s->peer_port = 8444;
        s->api_port = 8443;
    }
    uint8_t seed[8];
    memcpy(seed, &w->options.seed, sizeof seed);
    w->cluster_id = sha256(BYTES_OF(seed));
}

enum err world_new(const struct world_options *options, struct world **out)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return E_NOMEM;
    log_open("sim", options->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    w->options = *options;
    w->ms = 1000;
    w->delay_ms = 5;
    w->answer.body = BUF_INIT(8u << 20);
    (void)rng_numbered(&w->rng, options->seed);
    w->n = options->n + options->spare + (options->has_twin ? 1 : 0);
    w->disk_ms = 3;
    make_genesis(w);
    for (uint32_t i = 0; i < w->n; i++) {
        w->nodes[i].world = w;
        w->nodes[i].index = i;
        w->nodes[i].base = i;
    }
    if (options->has_twin) {
        w->nodes[w->n - 1].base = options->liar;
        w->nodes[w->n - 1].is_liar = w->nodes[options->liar].is_liar = true;
    }
    if (options->has_liar) {
        w->nodes[options->liar].is_liar = true;
        w->liar = liar_new(w);
    }
    for (uint32_t i = 0; i < w->n; i++)
        w->nodes[i].platform = platform_of(w->nodes[i].base);
    *out = w;
    return OK;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->n; i++) {
        member_free(w->nodes[i].member);
        disk_free(&w->nodes[i].disk);
        disk_free(&w->nodes[i].copy);
    }
    while (w->heap_n)
        free((void *)w->heap[--w->heap_n].data.p);
    for (uint32_t i = 0; i < w->genesis.n_measurements; i++)
        free(w->genesis.measurements[i]);
    free(w->heap);
    free(w->connections);
    free(w->facts);
    liar_free(w->liar);
    buf_free(&w->answer.body);
    json_free(w->answer.json);
    free(w);
}

const struct sig_scheme *world_scheme(const struct world *w)
{
    return w->options.real_crypto ? &sig_ed25519 : &sig_ideal;
}

struct hash32 world_cluster_id(const struct world *w)
{
    return w->cluster_id;
}

uint64_t world_unix_ms(const struct world *w)
{
    return EPOCH_MS + w->ms;
}

uint64_t world_steps(const struct world *w)
{
    return w->steps;
}

struct rng world_rng(struct world *w)
{
    return rng_of(&w->rng);
}

uint64_t world_now_ms(const struct world *w)
{
    return w->ms;
}
