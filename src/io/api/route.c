#include "io/api/route.h"

#include <stdio.h>
#include <strings.h>

#define API          API_LISTENER_API
#define OBSERVE      API_LISTENER_OBSERVE
#define BOTH         (API | OBSERVE)
#define CERT         true
#define OPEN         false
#define BODY_MAX     API_BODY_MAX
#define PROPOSAL_MAX API_PROPOSAL_MAX

const struct api_route api_routes[] = {
#define ROUTE(name, method, path, listeners, certificate, body, budget, query, takes, gives, text) \
    {name,  #method, path,  listeners, certificate, body, API_BUDGET_##budget,                     \
     query, takes,   gives, text},
#include "io/api/routes.def"
#undef ROUTE
};
const size_t api_routes_n = sizeof api_routes / sizeof *api_routes;

static const struct api_param params[] = {
#define PARAM(name, max, type, pattern, text) {name, max, type, pattern, text},
#include "io/api/params.def"
#undef PARAM
};

const struct api_param *api_param(const char *name)
{
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        if (strcmp(params[i].name, name) == 0)
            return &params[i];
    return NULL;
}

/* One element of a path pattern: literal text, or a parameter with what follows it. */
struct element {
    const char *text;
    size_t n;
    bool is_param, many;
    char name[16];
    const char *suffix;
    size_t suffix_n;
};

static struct element element_at(const char *text)
{
    struct element e = {.text = text, .n = strcspn(text, "/")};
    if (text[0] != '{')
        return e;
    size_t name_n = strcspn(text, "}.");
    const char *end = strchr(text, '}');
    e.is_param = true;
    e.many = text[name_n] == '.';
    memcpy(e.name, text + 1, name_n - 1);
    e.suffix = end + 1;
    e.suffix_n = (size_t)(text + e.n - e.suffix);
    return e;
}

static size_t count_elements(const char *path)
{
    size_t n = 0;
    for (; *path; path++)
        n += *path == '/';
    return n;
}

/* Appends a segment to a parameter; one that is too long is cut and reported. */
static enum err add_segment(char out[static API_PARAM_MAX + 1], size_t max, const char *segment,
                            size_t n)
{
    size_t have = strlen(out);
    if (have + (have > 0) + n > max)
        return E_VALUE;
    if (have > 0)
        out[have++] = '/';
    memcpy(out + have, segment, n);
    out[have + n] = 0;
    return OK;
}

struct walk {
    const char *const *segments;
    size_t left;
    struct api_match *out;
    enum err e; /* of a parameter, if the path matches */
};

/* Takes `n` segments for a parameter; false if its suffix is missing or nothing is left of it. */
static bool take_param(struct walk *w, const struct element *e, size_t n)
{
    const struct api_param *param = api_param(e->name);
    char *value = w->out->params[w->out->n_params++];
    value[0] = 0;
    if (n > API_NAME_DEPTH)
        w->e = E_VALUE;
    for (size_t i = 0; i < n; i++) {
        const char *segment = w->segments[i];
        size_t length = strlen(segment);
        if (length <= e->suffix_n ||
            memcmp(segment + length - e->suffix_n, e->suffix, e->suffix_n) != 0)
            return false;
        if (w->e == OK)
            w->e = add_segment(value, param->max, segment, length - e->suffix_n);
    }
    return true;
}

static bool path_matches(const char *path, const struct api_request *rq, struct api_match *out,
                         enum err *e)
{
    size_t elements = count_elements(path);
    struct walk w = {rq->segments, rq->n_segments, out, OK};
    out->n_params = 0;
    while (*path) {
        struct element element = element_at(path + 1);
        path += 1 + element.n;
        elements--;
        if (w.left < elements + 1 || (!element.many && elements == 0 && w.left > 1))
            return false;
        size_t n = element.many ? w.left - elements : 1;
        if (element.is_param ? !take_param(&w, &element, n)
                             : strlen(w.segments[0]) != element.n ||
                                   memcmp(w.segments[0], element.text, element.n) != 0)
            return false;
        w.segments += n;
        w.left -= n;
    }
    *e = w.e;
    return w.left == 0;
}

static bool method_matches(const struct api_route *route, const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        return strcmp(route->method, "GET") == 0 && !route->certificate;
    return strcmp(route->method, method) == 0;
}

static void add_allowed(char allow[static API_ALLOW_SIZE], const char *method)
{
    size_t n = strlen(allow);
    if (!strstr(allow, method))
        snprintf(allow + n, API_ALLOW_SIZE - n, "%s%s", n ? ", " : "", method);
}

static bool lists(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == n && memcmp(list, name, n) == 0)
            return true;
    return false;
}

static enum err check_query(const struct api_request *rq, const struct api_route *route,
                            struct problem *p)
{
    for (size_t i = 0; i < rq->n_query; i++) {
        if (!lists(route->query, rq->query[i]))
            return problem(p, E_MALFORMED, "unknown query parameter: %.40s", rq->query[i]);
        if (rq->query_sizes[i] > api_param(rq->query[i])->max)
            return problem(p, E_VALUE, "the query parameter %s is too long", rq->query[i]);
    }
    return OK;
}

/* RFC 8259 has no charset; what curl and browsers add to it is ignored. */
static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;
    return type && strncasecmp(type, json, n) == 0 &&
           (type[n] == 0 || type[n] == ';' || type[n] == ' ');
}

static enum err check_route(const struct api_request *rq, const struct api_route *route,
                            enum err shape, struct problem *p)
{
    if (shape != OK)
        return problem(p, shape, "a part of the path is too long or too deep");
    if (route->certificate && !rq->has_certificate)
        return problem(p, E_UNAUTHENTICATED, "this needs a client certificate");
    TRY(check_query(rq, route, p));
    if (route->body_max > 0 && !is_json(rq->content_type))
        return problem(p, E_MEDIA_TYPE, "%s", err_text(E_MEDIA_TYPE));
    return OK;
}

enum err api_match(const struct api_request *rq, struct api_match *out,
                   char allow[static API_ALLOW_SIZE], struct problem *p)
{
    memset(allow, 0, API_ALLOW_SIZE);
    for (size_t i = 0; i < api_routes_n; i++) {
        const struct api_route *route = &api_routes[i];
        enum err shape;
        *out = (struct api_match){.route = route};
        if (!(route->listeners & rq->listener) || !path_matches(route->path, rq, out, &shape))
            continue;
        if (method_matches(route, rq->method))
            return check_route(rq, route, shape, p);
        add_allowed(allow, route->method);
    }
    *out = (struct api_match){0};
    if (allow[0])
        return problem(p, E_METHOD, "only %s here", allow);
    return problem(p, E_NOT_FOUND, "there is nothing at this path");
}
