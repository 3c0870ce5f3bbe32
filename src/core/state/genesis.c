#include "core/state/genesis.h"

#include "base/codec/hex.h"
#include "base/codec/json.h"
#include "core/policy/policy.h"
#include "core/state/address.h"

#include <stdlib.h>

/* Any longer and "<namespace>.<trust domain>" would be no DNS name (RFC 1035 2.3.4). */
#define TRUST_DOMAIN_MAX 127
/* A lease shorter than a round trip between continents is never fresh; a longer one no promise. */
#define LEASE_MIN_MS     1000
#define LEASE_MAX_MS     600000
#define LEASE_DEFAULT_MS 10000

/* The parsed document while its parts are read. */
struct source {
    json_t *admins, *measurements, *seats;
    struct problem *p;
};

/* --- names --- */

static bool is_label(const char *text, size_t n)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    bool chars = n > 0 && n <= 63;
    for (size_t i = 0; i < n && chars; i++)
        chars = text[i] && strchr(allowed, text[i]);
    return chars && text[0] != '-' && text[n - 1] != '-';
}

/* Lower-case DNS labels (RFC 1123): it becomes part of URIs and of name constraints. */
static bool is_domain(const char *text)
{
    for (;;) {
        size_t n = strcspn(text, ".");
        if (!is_label(text, n))
            return false;
        if (!text[n])
            return true;
        text += n + 1;
    }
}

static bool is_printable(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            return false;
    return text[0] != 0;
}

/* --- administrators --- */

static enum err read_admin(const json_t *v, const char *where, struct genesis *g,
                           struct genesis_admin *out, struct problem *p)
{
    const struct json_field fields[] = {
        {"name", JF_COPY, out->name, .max = sizeof out->name},
        {"key", JF_HEX, out->key.b, .max = sizeof out->key.b},
    };
    TRY(json_fields(v, where, JSON_FIELDS(fields), p));
    if (!is_printable(out->name))
        return problem(p, E_VALUE, "%s.name must be printable ASCII", where);
    if (bytes_is_zero(BYTES_OF(out->key.b)))
        return problem(p, E_VALUE, "%s.key is no key", where);
    struct hash32 h = sha256(BYTES_OF(out->key.b));
    memcpy(out->id, h.b, sizeof out->id);
    for (const struct genesis_admin *a = g->admins; a < out; a++)
        if (sig_public_eq(a->key, out->key) || strcmp(a->name, out->name) == 0)
            return problem(p, E_VALUE, "%s: this key or name occurs twice", where);
    return OK;
}

static enum err read_admins(const struct source *in, struct genesis *g, uint64_t quorum)
{
    size_t n = json_count(in->admins);
    if (n == 0)
        return problem(in->p, E_VALUE, "genesis.admins is empty");
    for (; g->n_admins < n; g->n_admins++) {
        char where[40];
        snprintf(where, sizeof where, "genesis.admins[%u]", g->n_admins);
        TRY(read_admin(json_item(in->admins, g->n_admins), where, g, &g->admins[g->n_admins],
                       in->p));
    }
    if (quorum < 1 || quorum > n)
        return problem(in->p, E_VALUE, "genesis.admin_quorum must be from 1 to %zu", n);
    g->admin_quorum = (uint32_t)quorum;
    return OK;
}

/* --- measurements of guardians --- */

/*
 * Both carry the cluster id, which is the hash of this very file: a record cannot
 * name it, and every guardian compares it.
 */
static bool names_cluster(const struct policy_record *r)
{
    return r->platform == PLATFORM_TDX ? r->tdx.has_mr_config_id : r->snp.has_host_data;
}

static enum err keep_text(const json_t *v, char **out)
{
    struct buf text = BUF_INIT(POLICY_JSON_MAX);
    enum err e = json_canonical(v, &text);
    if (e == OK)
        e = buf_add(&text, "", 1);
    if (e == OK)
        *out = (char *)bytes_dup(buf_bytes(&text));
    buf_free(&text);
    return e != OK ? e : *out ? OK : E_NOMEM;
}

static enum err read_measurement(const json_t *v, struct hash32 *hash, char **out, uint32_t i,
                                 struct problem *p)
{
    struct policy_record *record = malloc(sizeof *record);
    struct problem inner = {0};
    if (!record)
        return E_NOMEM;
    enum err e = policy_read(v, record, &inner);
    if (e != OK)
        e = problem(p, e, "genesis.measurements[%u]: %.200s", i, problem_text(&inner));
    else if (names_cluster(record))
        e = problem(p, E_VALUE,
                    "genesis.measurements[%u] must leave out host_data and mr_config_id: they"
                    " carry the cluster id",
                    i);
    if (e == OK) {
        *hash = policy_measurement_hash(record);
        e = keep_text(v, out);
    }
    free(record);
    return e;
}

static enum err read_measurements(const struct source *in, struct genesis *g)
{
    struct hash32 hashes[GENESIS_MEASUREMENTS];
    size_t n = json_count(in->measurements);
    if (n == 0)
        return problem(in->p, E_VALUE,
                       "genesis.measurements is empty: no guardian could prove"
                       " what it runs");
    for (uint32_t i = 0; i < n; i++) {
        TRY(read_measurement(json_item(in->measurements, i), &hashes[i], &g->measurements[i], i,
                             in->p));
        g->n_measurements = i + 1;
        for (uint32_t k = 0; k < i; k++)
            if (hash32_eq(hashes[k], hashes[i]))
                return problem(in->p, E_VALUE, "genesis.measurements[%u] occurs twice", i);
    }
    return OK;
}

/* --- seats --- */

/* TDX: the PPID of the PCK certificate; SNP: CHIP_ID. */
static enum err read_platform_id(const char *hex, struct rec_seat *seat, const char *where,
                                 struct problem *p)
{
    struct platform_id *id = &seat->platform_id;
    bool intel = strcmp(seat->vendor, "intel") == 0;
    if (!intel && strcmp(seat->vendor, "amd") != 0)
        return problem(p, E_VALUE, "%s.vendor must be \"intel\" or \"amd\"", where);
    id->n = intel ? 16 : 64;
    if (hex_decode(hex, id->b, id->n) != OK)
        return problem(p, E_VALUE, "%s.platform_id must have %zu hexadecimal digits (%s)", where,
                       2 * id->n, intel ? "PPID" : "CHIP_ID");
    if (bytes_is_zero(bytes(id->b, id->n)))
        return problem(p, E_VALUE, "%s.platform_id is zero: a masked id pins nothing", where);
    return OK;
}

static enum err read_addresses(const json_t *v, const char *where, struct rec_seat *seat,
                               struct problem *p)
{
    const char *peer, *api;
    char inner[56], host[ADDRESS_MAX];
    snprintf(inner, sizeof inner, "%s.addresses", where);
    const struct json_field fields[] = {
        {"peer", JF_TEXT, &peer, .max = ADDRESS_MAX - 1},
        {"api", JF_TEXT, &api, .max = ADDRESS_MAX - 1},
    };
    TRY(json_fields(v, inner, JSON_FIELDS(fields), p));
    if (address_split(peer, seat->host, &seat->peer_port) != OK)
        return problem(p, E_VALUE, "%s.peer must be host:port", inner);
    if (address_split(api, host, &seat->api_port) != OK)
        return problem(p, E_VALUE, "%s.api must be host:port", inner);
    if (strcmp(host, seat->host) != 0)
        return problem(p, E_VALUE, "%s must name one host", inner);
    return OK;
}

static enum err read_seat(const json_t *v, const char *where, struct rec_seat *seat,
                          struct problem *p)
{
    uint64_t gid;
    const char *platform_id;
    json_t *addresses;
    const struct json_field fields[] = {
        {"gid", JF_UINT, &gid, .min = 1, .max = 65535},
        {"operator", JF_COPY, seat->operator_name, .max = sizeof seat->operator_name},
        {"vendor", JF_COPY, seat->vendor, .max = sizeof seat->vendor},
        {"platform_id", JF_TEXT, &platform_id, .max = 2 * PLATFORM_ID_MAX},
        {"addresses", JF_OBJECT, &addresses, .max = 0},
    };
    TRY(json_fields(v, where, JSON_FIELDS(fields), p));
    seat->gid = (uint32_t)gid;
    if (!is_printable(seat->operator_name))
        return problem(p, E_VALUE, "%s.operator must be printable ASCII", where);
    TRY(read_platform_id(platform_id, seat, where, p));
    return read_addresses(addresses, where, seat, p);
}

static enum err compare_seats(const struct rec_seat *a, const struct rec_seat *b, const char *where,
                              struct problem *p)
{
    if (a->gid == b->gid)
        return problem(p, E_VALUE, "%s.gid occurs twice", where);
    if (bytes_eq(bytes(a->platform_id.b, a->platform_id.n),
                 bytes(b->platform_id.b, b->platform_id.n)))
        return problem(p, E_VALUE, "%s.platform_id occurs twice: one machine, one seat", where);
    if (strcmp(a->host, b->host) == 0 &&
        (a->peer_port == b->peer_port || a->api_port == b->api_port))
        return problem(p, E_VALUE, "%s.addresses occur twice", where);
    return OK;
}

static int by_gid(const void *a, const void *b)
{
    uint32_t x = ((const struct rec_seat *)a)->gid, y = ((const struct rec_seat *)b)->gid;
    return (x > y) - (x < y);
}

static enum err read_seats(const struct source *in, struct genesis *g)
{
    size_t n = json_count(in->seats);
    if (n == 0)
        return problem(in->p, E_VALUE, "genesis.seats is empty");
    for (; g->n_seats < n; g->n_seats++) {
        char where[40];
        struct rec_seat *seat = &g->seats[g->n_seats];
        snprintf(where, sizeof where, "genesis.seats[%u]", g->n_seats);
        TRY(read_seat(json_item(in->seats, g->n_seats), where, seat, in->p));
        for (const struct rec_seat *other = g->seats; other < seat; other++)
            TRY(compare_seats(other, seat, where, in->p));
    }
    qsort(g->seats, n, sizeof *g->seats, by_gid);
    return OK;
}

/* --- the whole --- */

static enum err read_mode(const char *mode, struct genesis *g, struct problem *p)
{
    if (!mode)
        g->mode = g->n_seats >= 3 ? BFT_STRICT : BFT_SEALED;
    else if (strcmp(mode, "strict") == 0)
        g->mode = BFT_STRICT;
    else if (strcmp(mode, "sealed") == 0)
        g->mode = BFT_SEALED;
    else
        return problem(p, E_VALUE, "genesis.mode must be \"strict\" or \"sealed\"");
    return OK;
}

static enum err read_parts(const json_t *root, struct genesis *g, struct problem *p)
{
    struct source in = {.p = p};
    const char *mode = NULL;
    uint64_t f = 0, lease = LEASE_DEFAULT_MS, quorum;
    const struct json_field fields[] = {
        {"trust_domain", JF_COPY, g->trust_domain, .max = TRUST_DOMAIN_MAX + 1},
        {"simulation", JF_BOOL, &g->simulation, .max = 0},
        {"mode", JF_TEXT, &mode, .flags = JF_OPTIONAL},
        {"f", JF_UINT, &f, .max = BFT_MAX_MEMBERS, .flags = JF_OPTIONAL, .present = &g->has_f},
        {"lease_ms", JF_UINT, &lease, .min = LEASE_MIN_MS, .max = LEASE_MAX_MS,
         .flags = JF_OPTIONAL},
        {"admins", JF_ARRAY, &in.admins, .max = GENESIS_ADMINS},
        {"admin_quorum", JF_UINT, &quorum, .max = 0},
        {"measurements", JF_ARRAY, &in.measurements, .max = GENESIS_MEASUREMENTS},
        {"seats", JF_ARRAY, &in.seats, .max = BFT_MAX_MEMBERS},
    };
    TRY(json_fields(root, "genesis", JSON_FIELDS(fields), p));
    if (!is_domain(g->trust_domain))
        return problem(p, E_VALUE, "genesis.trust_domain must be a DNS name in lower case");
    g->f = (uint32_t)f;
    g->lease_ms = (uint32_t)lease;
    TRY(read_admins(&in, g, quorum));
    TRY(read_measurements(&in, g));
    TRY(read_seats(&in, g));
    TRY(read_mode(mode, g, p));
    if (g->n_seats < 3 * g->f + 1)
        return problem(p, E_VALUE, "genesis.f is %u, which needs %u seats, and there are %u", g->f,
                       3 * g->f + 1, g->n_seats);
    return OK;
}

enum err genesis_parse(struct bytes file, struct genesis *out, struct problem *p)
{
    *out = (struct genesis){0};
    json_t *root;
    TRY(json_parse(file, GENESIS_MAX, &root, p));
    enum err e = read_parts(root, out, p);
    json_free(root);
    if (e != OK)
        genesis_free(out);
    return e;
}

void genesis_free(struct genesis *g)
{
    for (uint32_t i = 0; i < GENESIS_MEASUREMENTS; i++)
        free(g->measurements[i]);
    *g = (struct genesis){0};
}

uint32_t genesis_t(uint32_t n)
{
    return n / 2 + 1;
}

uint32_t genesis_f(const struct genesis *g, uint32_t n)
{
    return g->has_f ? g->f : (n - 1) / 3;
}
