#include "io/api/openapi.h"

#include "base/writer.h"
#include "io/api/route.h"

#include <stdio.h>

static const struct schema {
    const char *name, *text;
} schemas[] = {
#define SCHEMA(name, text) {name, text},
#include "io/api/schemas.def"
#undef SCHEMA
};

/* The tables write ' for ": no text of theirs has either otherwise. */
static void put(struct writer *w, const char *text)
{
    for (; *text; text++)
        wr_u8(w, *text == '\'' ? '"' : (uint8_t)*text);
}

/* A string as JSON: patterns have backslashes, texts have apostrophes. */
static void put_string(struct writer *w, const char *text, size_t n)
{
    wr_u8(w, '"');
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"' || text[i] == '\\')
            wr_u8(w, '\\');
        wr_u8(w, (uint8_t)text[i]);
    }
    wr_u8(w, '"');
}

static void put_text(struct writer *w, const char *text)
{
    put_string(w, text, strlen(text));
}

static void put_param(struct writer *w, const char *name, const char *place, bool first)
{
    const struct api_param *p = api_param(name);
    char longest[48];
    bool is_text = strcmp(p->type, "string") == 0;
    put(w, first ? "\n{'name':" : ",\n{'name':");
    put_text(w, name);
    put(w, ",'in':");
    put_text(w, place);
    put(w, strcmp(place, "path") == 0 ? ",'required':true,'description':" : ",'description':");
    put_text(w, p->text);
    put(w, ",'schema':{'type':");
    put_text(w, p->type);
    snprintf(longest, sizeof longest, ",'maxLength':%zu", p->max);
    put(w, is_text ? longest : ",'minimum':0");
    if (p->pattern) {
        put(w, ",'pattern':");
        put_text(w, p->pattern);
    }
    put(w, "}}");
}

/* The name at `at`, ended by one of `ends`; returns what follows it. */
static const char *cut(const char *at, const char *ends, char out[static 32])
{
    size_t n = strcspn(at, ends);
    snprintf(out, 32, "%.*s", (int)n, at);
    return at + n;
}

static void put_params(struct writer *w, const struct api_route *route)
{
    char name[32];
    bool first = true;
    put(w, "'parameters':[");
    for (const char *at = route->path; (at = strchr(at, '{')); first = false) {
        at = cut(at + 1, "}.", name);
        put_param(w, name, "path", first);
    }
    for (const char *at = route->query; *at; at += *at == ',', first = false) {
        at = cut(at, ",", name);
        put_param(w, name, "query", first);
    }
    put(w, "],");
}

static void put_content(struct writer *w, const char *what)
{
    bool is_media = strchr(what, '/') != NULL;
    put(w, "'content':{");
    put_text(w, is_media ? what : "application/json");
    put(w, ":{'schema':");
    if (is_media) {
        put(w, "{}");
    } else {
        put(w, "{'$ref':'#/components/schemas/");
        put(w, what);
        put(w, "'}");
    }
    put(w, "}}");
}

static void put_operation(struct writer *w, const struct api_route *route)
{
    put_text(w, strcmp(route->method, "POST") == 0 ? "post" : "get");
    put(w, ":{'operationId':");
    put_text(w, route->name);
    put(w, ",'summary':");
    put_text(w, route->text);
    put(w, ",'servers':[");
    put(w, route->listeners & API_LISTENER_API
               ? "{'url':'https://{host}:8443','variables':{'host':{"
                 "'default':'localhost'}}}"
               : "");
    put(w, route->listeners == (API_LISTENER_API | API_LISTENER_OBSERVE) ? "," : "");
    put(w, route->listeners & API_LISTENER_OBSERVE ? "{'url':'http://{host}:8445','variables':{"
                                                     "'host':{'default':'localhost'}}}"
                                                   : "");
    put(w, "],\n");
    put(w, route->certificate ? "'security':[{'clientCertificate':[]}]," : "'security':[],");
    put_params(w, route);
    if (route->takes) {
        put(w, "\n'requestBody':{'required':true,");
        put_content(w, route->takes);
        put(w, "},");
    }
    put(w, "\n'responses':{'200':{'description':'done',");
    put_content(w, route->gives);
    put(w, "},'default':{'$ref':'#/components/responses/Problem'}}}");
}

/* The key of a path: "{name...}" is written "{name}". */
static void put_path(struct writer *w, const char *path)
{
    wr_u8(w, '"');
    for (; *path; path++)
        if (strncmp(path, "...", 3) == 0)
            path += 2;
        else
            wr_u8(w, (uint8_t)*path);
    wr_u8(w, '"');
}

static bool is_first_of_path(size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(api_routes[j].path, api_routes[i].path) == 0)
            return false;
    return true;
}

static void put_paths(struct writer *w)
{
    put(w, "'paths':{");
    for (size_t i = 0; i < api_routes_n; i++) {
        if (!is_first_of_path(i))
            continue;
        put(w, i ? ",\n\n" : "\n\n");
        put_path(w, api_routes[i].path);
        put(w, ":{");
        bool first = true;
        for (size_t j = i; j < api_routes_n; j++) {
            if (strcmp(api_routes[j].path, api_routes[i].path) != 0)
                continue;
            put(w, first ? "" : ",\n");
            put_operation(w, &api_routes[j]);
            first = false;
        }
        put(w, "}");
    }
    put(w, "},\n\n");
}

static void put_components(struct writer *w)
{
    put(w, "'components':{\n'securitySchemes':{'clientCertificate':{'type':'mutualTLS',"
           "'description':'a leaf of the namespace'}},\n"
           "'responses':{'Problem':{'description':'refused, as RFC 9457 problem details',"
           "'content':{'application/problem+json':{'schema':{'$ref':"
           "'#/components/schemas/Problem'}}}}},\n'schemas':{");
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        put(w, i ? ",\n" : "\n");
        put_text(w, schemas[i].name);
        put(w, ":");
        put(w, schemas[i].text);
    }
    put(w, "}}}\n");
}

enum err api_openapi_write(struct buf *out)
{
    struct writer w = writer(out);
    put(&w, "{'openapi':'3.1.0','info':{'title':'Guardian','version':");
    put_text(&w, GUARDIAN_VERSION);
    put(&w, ",'license':{'name':'Apache-2.0','identifier':'Apache-2.0'}},\n");
    put_paths(&w);
    put_components(&w);
    return writer_end(&w);
}
