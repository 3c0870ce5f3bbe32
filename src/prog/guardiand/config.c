#include "prog/guardiand/config.h"

#include "io/collateral/fetch.h"
#include "io/collateral/plan.h"
#include "prog/guardiand/config_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- values --- */

static enum err set_text(char *out, size_t cap, const char *text, const char *key,
                         struct problem *p)
{
    size_t n = strlen(text);
    if (n == 0 || n >= cap)
        return problem(p, E_VALUE, "%s must have from 1 to %zu characters", key, cap - 1);
    memcpy(out, text, n + 1);
    return OK;
}

static enum err set_path(char out[static CONFIG_PATH_MAX], const char *folder, const char *text,
                         const char *key, struct problem *p)
{
    const char *before = text[0] == '/' ? "" : folder, *slash = text[0] == '/' ? "" : "/";
    if (!text[0])
        return problem(p, E_VALUE, "%s is empty", key);
    int n = snprintf(out, CONFIG_PATH_MAX, "%s%s%s", before, slash, text);
    return n < CONFIG_PATH_MAX ? OK : problem(p, E_VALUE, "%s is too long", key);
}

static enum err set_address(struct config_address *out, const char *text, const char *key,
                            struct problem *p)
{
    if (address_split(text, out->host, &out->port) == OK)
        return OK;
    return problem(p, E_VALUE,
                   "%s must be host:port, with brackets around an IPv6 address, not"
                   " '%.60s'",
                   key, text);
}

static enum err set_seat(const char *text, uint32_t *out, struct problem *p)
{
    char *end;
    errno = 0;
    unsigned long n = text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (n < 1 || n > 65535 || *end)
        return problem(p, E_VALUE, "seat must be a number from 1 to 65535");
    *out = (uint32_t)n;
    return OK;
}

static enum err set_log(const char *text, enum log_level *out, struct problem *p)
{
    for (int i = 0; i < CONFIG_LOG_LEVELS; i++)
        if (strcmp(text, config_log_names[i]) == 0) {
            *out = (enum log_level)i;
            return OK;
        }
    return problem(p, E_VALUE, "log must be debug, info, warn or error");
}

static enum platform platform_of(const char *word)
{
    if (strcmp(word, "tdx") == 0)
        return PLATFORM_TDX;
    return strcmp(word, "snp") == 0 ? PLATFORM_SNP : PLATFORM_NONE;
}

/* --- sections --- */

static enum err set_listen(const struct yaml_listen *in, struct config *out, struct problem *p)
{
    const char *api = in->api ? in->api : "[::]:8443";
    const char *peers = in->peers ? in->peers : "[::]:8444";
    const char *seen = in->observability ? in->observability : "127.0.0.1:8445";
    TRY(set_address(&out->api, api, "listen.api", p));
    TRY(set_address(&out->peers, peers, "listen.peers", p));
    return set_address(&out->observability, seen, "listen.observability", p);
}

static enum err set_version(const struct yaml_simulated *in, struct config_simulated *out,
                            struct problem *p)
{
    uint32_t least = out->platform == PLATFORM_TDX ? 4 : 2;
    if (!in->quote_version)
        return OK;
    out->quote_version = *in->quote_version;
    if (out->quote_version < least || out->quote_version > 5)
        return problem(p, E_VALUE, "simulated.quote_version must be from %u to 5", least);
    return OK;
}

static enum err set_simulated(const struct yaml_simulated *in, const char *folder, struct config *c,
                              struct problem *p)
{
    struct config_simulated *out = &c->simulated;
    out->platform = platform_of(in->platform);
    if (out->platform == PLATFORM_NONE)
        return problem(p, E_VALUE, "simulated.platform must be tdx or snp");
    TRY(set_text(out->software, sizeof out->software, in->software, "simulated.software", p));
    TRY(set_text(out->machine, sizeof out->machine, in->machine, "simulated.machine", p));
    TRY(set_version(in, out, p));
    if (in->seed)
        TRY(set_text(out->seed, sizeof out->seed, in->seed, "simulated.seed", p));
    if (in->key_file)
        return set_path(out->key_file, folder, in->key_file, "simulated.key_file", p);
    return set_path(out->key_file, c->data, "platform.key", "simulated.key_file", p);
}

static enum err set_platform(const struct yaml_root *in, const char *folder, struct config *out,
                             struct problem *p)
{
    out->is_simulated = strcmp(in->platform, "simulated") == 0;
    out->platform = platform_of(in->platform);
    if (!out->is_simulated && out->platform == PLATFORM_NONE)
        return problem(p, E_VALUE, "platform must be simulated, tdx or snp");
    if (out->is_simulated != (in->simulated != NULL))
        return problem(p, E_VALUE,
                       out->is_simulated ? "platform: simulated needs the section 'simulated'"
                                         : "the section 'simulated' needs platform: simulated");
    if (!out->is_simulated)
        return OK;
    TRY(set_simulated(in->simulated, folder, out, p));
    out->platform = out->simulated.platform;
    return OK;
}

static bool is_web(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

static enum err set_url(char *out, size_t cap, const char *url, const char *key, struct problem *p)
{
    TRY(set_text(out, cap, url, key, p));
    return is_web(url) ? OK : problem(p, E_VALUE, "%s must begin with https:// or http://", key);
}

static enum err set_registry(const struct yaml_registry *in, const char *folder, struct config *out,
                             struct problem *p)
{
    const char *ns = in->namespace ? in->namespace : "guardian";
    TRY(set_url(out->registry_url, sizeof out->registry_url, in->url, "registry.url", p));
    TRY(set_text(out->registry_namespace, sizeof out->registry_namespace, ns, "registry.namespace",
                 p));
    return in->ca ? set_path(out->registry_ca, folder, in->ca, "registry.ca", p) : OK;
}

/* This file is printed (-T) and readable by whoever runs the guardian: no place for passwords. */
static enum err set_proxy(const char *url, struct config_collateral *out, struct problem *p)
{
    if (strchr(url, '@'))
        return problem(p, E_VALUE, "collateral.proxy must not hold a user or password");
    return set_url(out->proxy, sizeof out->proxy, url, "collateral.proxy", p);
}

/* A machine that does not exist has no collateral at Intel or AMD; who has a folder may have no way
 * to them. */
static void set_vendors(const struct config *c, struct config_collateral *out)
{
    if (c->is_simulated || (out->directory[0] && !out->pcs_url[0] && !out->kds_url[0]))
        return;
    if (!out->pcs_url[0])
        snprintf(out->pcs_url, sizeof out->pcs_url, "%s", PCS_URL);
    if (!out->kds_url[0])
        snprintf(out->kds_url, sizeof out->kds_url, "%s", KDS_URL);
}

static enum err set_collateral(const struct yaml_collateral *in, const char *folder,
                               struct config *c, struct problem *p)
{
    struct config_collateral *out = &c->collateral;
    const uint32_t most = PLAN_REFRESH_MS / 1000;
    if (in->pcs_url)
        TRY(set_url(out->pcs_url, sizeof out->pcs_url, in->pcs_url, "collateral.pcs_url", p));
    if (in->kds_url)
        TRY(set_url(out->kds_url, sizeof out->kds_url, in->kds_url, "collateral.kds_url", p));
    if (in->proxy)
        TRY(set_proxy(in->proxy, out, p));
    if (in->ca)
        TRY(set_path(out->ca, folder, in->ca, "collateral.ca", p));
    if (in->directory)
        TRY(set_path(out->directory, folder, in->directory, "collateral.directory", p));
    out->refresh_s = in->refresh ? *in->refresh : most;
    if (out->refresh_s < 60 || out->refresh_s > most)
        return problem(p, E_VALUE, "collateral.refresh must be from 60 to %u seconds", most);
    set_vendors(c, out);
    return OK;
}

static enum err set_known(const struct yaml_root *in, struct config *out, struct problem *p)
{
    for (; out->n_known < in->peers_count; out->n_known++)
        TRY(set_address(&out->known[out->n_known], in->peers[out->n_known], "peers", p));
    return OK;
}

static enum err convert(const struct yaml_root *in, const char *folder, struct config *out,
                        struct problem *p)
{
    static const struct yaml_listen defaults;
    static const struct yaml_collateral services;
    TRY(set_path(out->genesis, folder, in->genesis, "genesis", p));
    TRY(set_path(out->data, folder, in->data, "data", p));
    if (in->seat)
        TRY(set_seat(in->seat, &out->seat, p));
    TRY(set_listen(in->listen ? in->listen : &defaults, out, p));
    TRY(set_platform(in, folder, out, p));
    TRY(set_known(in, out, p));
    if (in->registry)
        TRY(set_registry(in->registry, folder, out, p));
    TRY(set_collateral(in->collateral ? in->collateral : &services, folder, out, p));
    return set_log(in->log ? in->log : "info", &out->log, p);
}

enum err config_parse(struct bytes text, const char *folder, struct config *out, struct problem *p)
{
    struct yaml_root *root = NULL;
    *out = (struct config){0};
    if (text.n > CONFIG_FILE_MAX)
        return problem(p, E_TOO_LARGE, "more than %d bytes", CONFIG_FILE_MAX);
    TRY(config_yaml_read(text, &root, p));
    enum err e = convert(root, folder, out, p);
    config_yaml_free(root);
    return e;
}

/* --- the file --- */

static enum err read_file(const char *path, struct buf *out, struct problem *p)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return problem(p, E_IO, "%s: %s", path, strerror(errno));
    uint8_t chunk[4096];
    enum err e = OK;
    for (size_t n; e == OK && (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        e = buf_add(out, chunk, n);
    bool failed = ferror(f);
    fclose(f);
    if (failed)
        return problem(p, E_IO, "%s: cannot be read", path);
    return e == OK ? OK : problem(p, e, "%s: more than %d bytes", path, CONFIG_FILE_MAX);
}

enum err config_load(const char *path, struct config *out, struct problem *p)
{
    char folder[CONFIG_PATH_MAX];
    struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    struct problem inner = {0};
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash - path) : 1;
    if (snprintf(folder, sizeof folder, "%.*s", n, slash ? path : ".") >= CONFIG_PATH_MAX)
        return problem(p, E_VALUE, "the path of the configuration is too long");
    enum err e = read_file(path, &text, p);
    if (e == OK) {
        e = config_parse(buf_bytes(&text), folder, out, &inner);
        if (e != OK)
            e = problem(p, e, "%.100s: %.150s", path, problem_text(&inner));
    }
    buf_free(&text);
    return e;
}
