#include "prog/guardian/settings.h"
#include "base/codec/json.h"

#include <stdio.h>

static enum err read_guardian(const json_t *v, struct settings *s, struct problem *p)
{
    struct settings_guardian *g = &s->guardians[s->n++];
    const struct json_field fields[] = {
        {.name = "api", .kind = JF_COPY, .to = g->api, .max = sizeof g->api},
        {.name = "observability",
         .kind = JF_COPY,
         .to = g->observability,
         .max = sizeof g->observability,
         .flags = JF_OPTIONAL},
    };
    return json_fields(v, "guardians", JSON_FIELDS(fields), p);
}

static enum err read_json(const json_t *v, struct settings *s, struct problem *p)
{
    json_t *guardians = NULL;
    const struct json_field fields[] = {
        {.name = "cluster_id",
         .kind = JF_HEX,
         .to = s->cluster_id.b,
         .max = 32,
         .flags = JF_OPTIONAL},
        {.name = "root_id", .kind = JF_HEX, .to = s->root_id.b, .max = 32, .flags = JF_OPTIONAL},
        {.name = "simulation", .kind = JF_BOOL, .to = &s->simulation},
        {.name = "guardians", .kind = JF_ARRAY, .to = &guardians, .max = SETTINGS_GUARDIANS_MAX},
    };
    TRY(json_fields(v, "client.json", JSON_FIELDS(fields), p));
    for (size_t i = 0; i < json_count(guardians); i++)
        TRY(read_guardian(json_item(guardians, i), s, p));
    return OK;
}

enum err settings_read(const char *dir, struct settings *s, struct problem *p)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT(FILE_MAX);
    json_t *v = NULL;
    enum err e;
    *s = (struct settings){0};
    TRY_OUT(path_join(path, dir, "client.json", p));
    TRY_OUT(file_read(path, &text, p));
    TRY_OUT(json_parse(buf_bytes(&text), FILE_MAX, &v, p));
    TRY_OUT(read_json(v, s, p));
    TRY_OUT(path_join(s->root_file, dir, "root.pem", p));
    if (!file_exists(s->root_file))
        s->root_file[0] = 0;
out:
    json_free(v);
    buf_free(&text);
    return e;
}

enum err settings_write(const char *dir, const struct settings *s, struct problem *p)
{
    char path[FILE_PATH_MAX];
    struct buf text = BUF_INIT(FILE_MAX);
    struct json_builder b = json_build();
    json_t *v = NULL;
    enum err e;
    if (!hash32_is_zero(s->cluster_id))
        jb_hex(&b, "cluster_id", BYTES_OF(s->cluster_id.b));
    if (!hash32_is_zero(s->root_id))
        jb_hex(&b, "root_id", BYTES_OF(s->root_id.b));
    jb_bool(&b, "simulation", s->simulation);
    jb_array(&b, "guardians");
    for (size_t i = 0; i < s->n; i++) {
        jb_object(&b, NULL);
        jb_text(&b, "api", s->guardians[i].api);
        if (s->guardians[i].observability[0])
            jb_text(&b, "observability", s->guardians[i].observability);
        jb_close(&b);
    }
    jb_close(&b);
    TRY_OUT(jb_end(&b, &v));
    TRY_OUT(json_pretty(v, &text));
    TRY_OUT(path_join(path, dir, "client.json", p));
    TRY_OUT(file_write(path, buf_bytes(&text), FILE_PUBLIC, p));
out:
    json_free(v);
    buf_free(&text);
    return e;
}

static enum err copy_path(char out[static FILE_PATH_MAX], const char *path, struct problem *p)
{
    if (snprintf(out, FILE_PATH_MAX, "%s", path) >= FILE_PATH_MAX)
        return problem(p, E_TOO_LARGE, "the path %.80s... is too long", path);
    return OK;
}

static enum err one_guardian(struct settings *s, const char *url, struct problem *p)
{
    if (strlen(url) >= SETTINGS_URL_MAX)
        return problem(p, E_VALUE, "the URL is too long");
    s->n = 1;
    s->guardians[0] = (struct settings_guardian){0};
    snprintf(s->guardians[0].api, SETTINGS_URL_MAX, "%s", url);
    return OK;
}

enum err settings_override(const struct call *call, struct settings *s, struct problem *p)
{
    const char *url = call_text(call, "url"), *root = call_text(call, "root");
    if (url)
        TRY(one_guardian(s, url, p));
    return root ? copy_path(s->root_file, root, p) : OK;
}

enum err settings_load(const struct call *call, struct settings *s, struct problem *p)
{
    const char *dir = call_text(call, "dir");
    *s = (struct settings){0};
    if (!dir && !call_has(call, "url"))
        return problem(p, E_VALUE, "which cluster? Say --dir DIR or --url URL");
    if (dir)
        TRY(settings_read(dir, s, p));
    return settings_override(call, s, p);
}
