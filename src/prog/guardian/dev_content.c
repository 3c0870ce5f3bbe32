/* What dev.h describes, as values and texts. */
#include "base/codec/hex.h"
#include "base/codec/json.h"
#include "prog/guardian/dev.h"
#include "core/evidence/sim/software.h"
#include "prog/guardian/simulate.h"

#include <stdio.h>

uint16_t dev_port(const struct dev *d, size_t i, enum dev_port which)
{
    return (uint16_t)(d->base_port + 10 * i + which);
}

static void machine_name(size_t i, char *out, size_t cap)
{
    snprintf(out, cap, "development guardian %zu", i);
}

struct claims dev_claims(const struct dev *d, size_t i)
{
    char machine[64];
    machine_name(i, machine, sizeof machine);
    return sim_software_claims(d->platforms[i], DEV_SOFTWARE, machine);
}

struct dev_seat dev_seat(const struct dev *d, size_t i)
{
    struct dev_seat s = {.gid = i + 1};
    struct claims c = dev_claims(d, i);
    snprintf(s.operator, sizeof s.operator, "operator-%zu", i);
    snprintf(s.vendor, sizeof s.vendor, "%s", d->platforms[i] == PLATFORM_SNP ? "amd" : "intel");
    hex_encode(claims_platform_id(&c), s.platform_id);
    snprintf(s.peer, sizeof s.peer, "127.0.0.1:%u", dev_port(d, i, DEV_PEERS));
    snprintf(s.api, sizeof s.api, "127.0.0.1:%u", dev_port(d, i, DEV_API));
    return s;
}

static void build_seats(struct json_builder *b, const struct dev *d)
{
    jb_array(b, "seats");
    for (size_t i = 0; i < d->founders; i++) {
        struct dev_seat s = dev_seat(d, i);
        jb_object(b, NULL);
        jb_uint(b, "gid", s.gid);
        jb_text(b, "operator", s.operator);
        jb_text(b, "vendor", s.vendor);
        jb_text(b, "platform_id", s.platform_id);
        jb_object(b, "addresses");
        jb_text(b, "peer", s.peer);
        jb_text(b, "api", s.api);
        jb_close(b);
        jb_close(b);
    }
    jb_close(b);
}

/* Both platforms, whatever the founders simulate: a guardian added later may simulate the other. */
static enum err build_measurements(struct json_builder *b)
{
    static const char *const words[] = {"tdx", "snp"};
    jb_array(b, "measurements");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        json_t *record;
        TRY(simulate_record(words[i], DEV_SOFTWARE, &record));
        jb_value(b, NULL, record);
        json_free(record);
    }
    jb_close(b);
    return OK;
}

enum err dev_genesis(const struct dev *d, const struct sig_public admins[static DEV_ADMINS],
                     struct buf *out)
{
    struct json_builder b = json_build();
    json_t *v;
    jb_text(&b, "trust_domain", DEV_TRUST_DOMAIN);
    jb_bool(&b, "simulation", true);
    if (d->has_f)
        jb_uint(&b, "f", d->f);
    jb_array(&b, "admins");
    for (size_t i = 0; i < DEV_ADMINS; i++) {
        char name[16];
        snprintf(name, sizeof name, "admin%zu", i + 1);
        jb_object(&b, NULL);
        jb_text(&b, "name", name);
        jb_hex(&b, "key", BYTES_OF(admins[i].b));
        jb_close(&b);
    }
    jb_close(&b);
    jb_uint(&b, "admin_quorum", DEV_QUORUM);
    enum err e = build_measurements(&b);
    build_seats(&b, d);
    enum err built = jb_end(&b, &v);
    if (e == OK)
        e = built;
    if (e == OK)
        e = json_pretty(v, out);
    if (built == OK)
        json_free(v);
    return e;
}

/* JSON text is YAML text too, so paths need no quoting rules of their own. */
static enum err quoted(const char *dir, const char *name, char *out, size_t cap)
{
    struct buf text = BUF_INIT(cap - 1);
    char path[FILE_PATH_MAX];
    struct json_builder b = json_build_array();
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return E_TOO_LARGE;
    jb_text(&b, NULL, path);
    enum err e = jb_write(&b, &text);
    if (e == OK) {
        memcpy(out, text.p + 1, text.n - 2); /* without the brackets */
        out[text.n - 2] = 0;
    }
    buf_free(&text);
    return e;
}

enum err dev_config(const struct dev *d, size_t i, struct buf *out)
{
    char text[4 * FILE_PATH_MAX], genesis[FILE_PATH_MAX], data[FILE_PATH_MAX], name[64],
        machine[64];
    snprintf(name, sizeof name, "guardian-%zu/data", i);
    machine_name(i, machine, sizeof machine);
    TRY(quoted(d->dir, "genesis.json", genesis, sizeof genesis));
    TRY(quoted(d->dir, name, data, sizeof data));
    int n = snprintf(text, sizeof text,
                     "genesis: %s\n"
                     "data: %s\n"
                     "listen:\n"
                     "  api: 127.0.0.1:%u\n"
                     "  peers: 127.0.0.1:%u\n"
                     "  observability: 127.0.0.1:%u\n"
                     "platform: simulated\n"
                     "simulated:\n"
                     "  platform: %s\n"
                     "  software: %s\n"
                     "  machine: %s\n",
                     genesis, data, dev_port(d, i, DEV_API), dev_port(d, i, DEV_PEERS),
                     dev_port(d, i, DEV_OBSERVABILITY),
                     d->platforms[i] == PLATFORM_SNP ? "snp" : "tdx", DEV_SOFTWARE, machine);
    return n < (int)sizeof text ? buf_add(out, text, (size_t)n) : E_TOO_LARGE;
}
