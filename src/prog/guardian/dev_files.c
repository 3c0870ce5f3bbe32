/* What dev.h describes, on disk. */
#include "base/codec/json.h"
#include "prog/guardian/dev.h"
#include "prog/guardian/simulate.h"

#include <stdio.h>

#define CONTENT_MAX (256 << 10)
#define PATIENCE_MS 3000 /* between SIGTERM and SIGKILL */

static enum err path_of(const struct dev *d, char out[static FILE_PATH_MAX], const char *name,
                        struct problem *p)
{
    return path_join(out, d->dir, name, p);
}

static enum err put(const struct dev *d, const char *name, struct bytes content,
                    enum file_kind kind, struct problem *p)
{
    char path[FILE_PATH_MAX];
    TRY(path_of(d, path, name, p));
    return file_write(path, content, kind, p);
}

/* ---- dev.json ---- */

static enum err read_dev(const json_t *v, struct dev *d, struct problem *p)
{
    uint64_t base_port, founders;
    json_t *platforms;
    const struct json_field fields[] = {
        {.name = "base_port", .kind = JF_UINT, .to = &base_port, .min = 1024, .max = 65000},
        {.name = "founders", .kind = JF_UINT, .to = &founders, .min = 1, .max = DEV_GUARDIANS_MAX},
        {.name = "platforms", .kind = JF_ARRAY, .to = &platforms, .max = DEV_GUARDIANS_MAX},
    };
    TRY(json_fields(v, "dev.json", JSON_FIELDS(fields), p));
    d->base_port = (uint16_t)base_port;
    d->founders = (size_t)founders;
    for (d->n = 0; d->n < json_count(platforms); d->n++) {
        const char *word = json_str(json_item(platforms, d->n));
        d->platforms[d->n] = simulate_platform(word ? word : "");
        if (d->platforms[d->n] == PLATFORM_NONE)
            return problem(p, E_VALUE, "dev.json names an unknown platform");
    }
    if (d->founders > d->n)
        return problem(p, E_VALUE, "dev.json has more founders than guardians");
    return OK;
}

enum err dev_load(const char *dir, struct dev *d, struct problem *p)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT(CONTENT_MAX);
    json_t *v = NULL;
    enum err e;
    *d = (struct dev){0};
    if (snprintf(d->dir, sizeof d->dir, "%s", dir) >= (int)sizeof d->dir)
        return problem(p, E_TOO_LARGE, "the path %.80s... is too long", dir);
    TRY_OUT(path_of(d, path, "dev.json", p));
    TRY_OUT(file_read(path, &text, p));
    TRY_OUT(json_parse(buf_bytes(&text), CONTENT_MAX, &v, p));
    TRY_OUT(read_dev(v, d, p));
out:
    json_free(v);
    buf_free(&text);
    return e;
}

enum err dev_save(const struct dev *d, struct problem *p)
{
    struct buf text = BUF_INIT(CONTENT_MAX);
    struct json_builder b = json_build();
    jb_uint(&b, "base_port", d->base_port);
    jb_uint(&b, "founders", d->founders);
    jb_array(&b, "platforms");
    for (size_t i = 0; i < d->n; i++)
        jb_text(&b, NULL, d->platforms[i] == PLATFORM_SNP ? "snp" : "tdx");
    jb_close(&b);
    enum err e = jb_write(&b, &text);
    if (e == OK)
        e = put(d, "dev.json", buf_bytes(&text), FILE_PUBLIC, p);
    buf_free(&text);
    return e;
}

/* ---- one guardian ---- */

void dev_daemon(const struct dev *d, size_t i, struct daemon *out)
{
    snprintf(out->config, sizeof out->config, "%s/guardian-%zu/guardian.yaml", d->dir, i);
    snprintf(out->pid_file, sizeof out->pid_file, "%s/guardian-%zu/pid", d->dir, i);
    snprintf(out->log_file, sizeof out->log_file, "%s/guardian-%zu/log", d->dir, i);
}

/* All are stopped even if one can't be; the first failure counts. */
enum err dev_stop_all(const struct dev *d, struct problem *p)
{
    enum err e = OK;
    for (size_t i = 0; i < d->n; i++) {
        struct daemon daemon;
        dev_daemon(d, i, &daemon);
        enum err one = daemon_stop(&daemon, PATIENCE_MS, p);
        e = e ? e : one;
    }
    return e;
}

enum err dev_write_guardian(const struct dev *d, size_t i, struct problem *p)
{
    char name[64], path[FILE_PATH_MAX];
    struct buf text = BUF_INIT(CONTENT_MAX);
    enum err e;
    snprintf(name, sizeof name, "guardian-%zu", i);
    TRY_OUT(path_of(d, path, name, p));
    TRY_OUT(folder_make(path, p));
    snprintf(name, sizeof name, "guardian-%zu/data", i);
    TRY_OUT(path_of(d, path, name, p));
    TRY_OUT(folder_make(path, p));
    TRY_OUT(dev_config(d, i, &text));
    snprintf(name, sizeof name, "guardian-%zu/guardian.yaml", i);
    TRY_OUT(put(d, name, buf_bytes(&text), FILE_PUBLIC, p));
out:
    buf_free(&text);
    return e;
}

/* ---- the whole folder ---- */

static enum err write_admins(const struct dev *d, struct sig_public out[static DEV_ADMINS],
                             struct problem *p)
{
    for (size_t i = 0; i < DEV_ADMINS; i++) {
        char name[32], path[FILE_PATH_MAX];
        struct admin_key key;
        snprintf(name, sizeof name, "admin%zu.key", i + 1);
        TRY(path_of(d, path, name, p));
        admin_key_make(rng_system(), &key);
        out[i] = key.public;
        enum err e = admin_key_save(path, &key, p);
        admin_key_wipe(&key);
        TRY(e);
    }
    return OK;
}

enum err dev_write_client(const struct dev *d, struct problem *p)
{
    struct settings s;
    if (settings_read(d->dir, &s, NULL) != OK)
        s = (struct settings){0};
    s.simulation = true;
    s.n = d->n;
    for (size_t i = 0; i < d->n; i++) {
        snprintf(s.guardians[i].api, SETTINGS_URL_MAX, "https://127.0.0.1:%u",
                 dev_port(d, i, DEV_API));
        snprintf(s.guardians[i].observability, SETTINGS_URL_MAX, "http://127.0.0.1:%u",
                 dev_port(d, i, DEV_OBSERVABILITY));
    }
    return settings_write(d->dir, &s, p);
}

enum err dev_write_all(const struct dev *d, struct problem *p)
{
    struct sig_public admins[DEV_ADMINS];
    struct buf genesis = BUF_INIT(CONTENT_MAX);
    enum err e;
    TRY_OUT(folder_make(d->dir, p));
    TRY_OUT(write_admins(d, admins, p));
    TRY_OUT(dev_genesis(d, admins, &genesis));
    TRY_OUT(put(d, "genesis.json", buf_bytes(&genesis), FILE_PUBLIC, p));
    for (size_t i = 0; i < d->n; i++)
        TRY_OUT(dev_write_guardian(d, i, p));
    TRY_OUT(dev_write_client(d, p));
    TRY_OUT(dev_save(d, p));
out:
    buf_free(&genesis);
    return e;
}
