/*
 * Which route a request is for, from the table in routes.def. Pure: nothing of
 * a request is understood here beyond its shape; what a parameter means is
 * judged in vault.
 */
#ifndef IO_API_ROUTE_H
#define IO_API_ROUTE_H

#include "base/bytes.h"

#define API_BODY_MAX     (1u << 20)
#define API_PROPOSAL_MAX (64u << 10) /* a change and the signatures of all administrators */
#define API_PARAM_MAX    255
#define API_PARAMS_MAX   3
#define API_NAME_DEPTH   8
#define API_ALLOW_SIZE   32

enum api_listener { API_LISTENER_API = 1, API_LISTENER_OBSERVE = 2 };

enum api_budget {
    API_BUDGET_NONE,   /* the caller has shown a certificate */
    API_BUDGET_READ,   /* costs a lookup */
    API_BUDGET_SIGNED, /* costs checking a few signatures */
    API_BUDGET_VERIFY, /* costs judging or making evidence */
    API_BUDGETS
};

struct api_route {
    const char *name; /* stable: vault's table of handlers uses it */
    const char *method, *path;
    unsigned listeners;
    bool certificate;
    size_t body_max; /* 0: takes none; else JSON */
    enum api_budget budget;
    const char *query;
    const char *takes, *gives, *text;
};
extern const struct api_route api_routes[];
extern const size_t api_routes_n;

struct api_param {
    const char *name;
    size_t max;
    const char *type, *pattern, *text;
};
/* NULL if there is none of that name. */
const struct api_param *api_param(const char *name);

struct api_request {
    enum api_listener listener;
    const char *method;
    const char *const *segments; /* decoded */
    size_t n_segments;
    const char *const *query;  /* the names, decoded */
    const size_t *query_sizes; /* of the values */
    size_t n_query;
    const char *content_type; /* NULL: none */
    bool has_certificate;
};

struct api_match {
    const struct api_route *route;
    /* Path parameters in order; the segments of a {name...} joined by "/". */
    char params[API_PARAMS_MAX][API_PARAM_MAX + 1];
    size_t n_params;
};

/*
 * E_NOT_FOUND: no such path here; E_METHOD: the path has other methods, listed in
 * `allow`; E_UNAUTHENTICATED: it needs a client certificate; E_MALFORMED: an
 * unknown query parameter; E_VALUE: a parameter is too long or too deep;
 * E_MEDIA_TYPE: the body must be application/json. A HEAD request matches what
 * is read by GET without a certificate.
 */
enum err api_match(const struct api_request *rq, struct api_match *out,
                   char allow[static API_ALLOW_SIZE], struct problem *p);

#endif
