#include "prog/guardiand/config.h"

#include "base/codec/json.h"
#include "base/writer.h"
#include "prog/guardiand/config_yaml.h"

#include <stdio.h>

static void put(struct writer *w, const char *text)
{
    wr_raw(w, text, strlen(text));
}

/* Quoted as JSON, which is YAML, whatever is in it. */
static void put_quoted(struct writer *w, const char *text)
{
    struct buf list = BUF_INIT(8 * CONFIG_PATH_MAX);
    struct json_builder b = json_build_array();
    jb_text(&b, NULL, text);
    enum err e = jb_write(&b, &list);
    if (e == OK)
        wr_raw(w, list.p + 1, list.n - 2); /* without the brackets */
    else if (w->err == OK)
        w->err = e;
    buf_free(&list);
}

static void put_line(struct writer *w, const char *key, const char *value)
{
    put(w, key);
    put(w, ": ");
    put_quoted(w, value);
    put(w, "\n");
}

static void put_number(struct writer *w, const char *key, uint32_t value)
{
    char line[64];
    snprintf(line, sizeof line, "%s: %u\n", key, value);
    put(w, line);
}

static void put_address(struct writer *w, const char *key, const struct config_address *a)
{
    char text[ADDRESS_MAX + 8];
    address_join(a->host, a->port, text);
    put_line(w, key, text);
}

static const char *word_of(enum platform platform)
{
    return platform == PLATFORM_SNP ? "snp" : "tdx";
}

static void put_simulated(struct writer *w, const struct config_simulated *s)
{
    put(w, "simulated:\n");
    put_line(w, "  platform", word_of(s->platform));
    put_line(w, "  software", s->software);
    put_line(w, "  machine", s->machine);
    if (s->quote_version)
        put_number(w, "  quote_version", s->quote_version);
    put_line(w, "  key_file", s->key_file);
    if (s->seed[0])
        put_line(w, "  seed", s->seed);
}

static void put_registry(struct writer *w, const struct config *c)
{
    put(w, "registry:\n");
    put_line(w, "  url", c->registry_url);
    put_line(w, "  namespace", c->registry_namespace);
    if (c->registry_ca[0])
        put_line(w, "  ca", c->registry_ca);
}

static void put_collateral(struct writer *w, const struct config_collateral *c)
{
    const struct {
        const char *key, *value;
    } texts[] = {{"  pcs_url", c->pcs_url},
                 {"  kds_url", c->kds_url},
                 {"  proxy", c->proxy},
                 {"  ca", c->ca},
                 {"  directory", c->directory}};
    put(w, "collateral:\n");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].value[0])
            put_line(w, texts[i].key, texts[i].value);
    put_number(w, "  refresh", c->refresh_s);
}

enum err config_print(const struct config *c, struct buf *out)
{
    struct writer w = writer(out);
    put_line(&w, "genesis", c->genesis);
    put_line(&w, "data", c->data);
    if (c->seat)
        put_number(&w, "seat", c->seat);
    put(&w, "listen:\n");
    put_address(&w, "  api", &c->api);
    put_address(&w, "  peers", &c->peers);
    put_address(&w, "  observability", &c->observability);
    put_line(&w, "platform", c->is_simulated ? "simulated" : word_of(c->platform));
    if (c->is_simulated)
        put_simulated(&w, &c->simulated);
    put(&w, c->n_known ? "peers:\n" : "peers: []\n");
    for (size_t i = 0; i < c->n_known; i++) {
        char text[ADDRESS_MAX + 8];
        address_join(c->known[i].host, c->known[i].port, text);
        put(&w, "  - ");
        put_quoted(&w, text);
        put(&w, "\n");
    }
    if (c->registry_url[0])
        put_registry(&w, c);
    put_collateral(&w, &c->collateral);
    put_line(&w, "log", config_log_names[c->log]);
    return writer_end(&w);
}
