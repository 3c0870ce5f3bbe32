#include "io/registry/registry.h"

#include "base/codec/json.h"
#include "io/client/client.h"

#include <arpa/inet.h>
#include <stdio.h>

/* Numeric only, so that no resolver is asked about a stranger's text; kept in its short form. */
static enum err read_host(const char *text, struct registry_node *out, const char *where,
                          struct problem *p)
{
    uint8_t raw[16];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, text, raw) != 1 || !inet_ntop(family, raw, out->host, sizeof out->host))
        return problem(p, E_VALUE, "%s.ip_address is no IPv4 or IPv6 address", where);
    if (bytes_is_zero(bytes(raw, family == AF_INET ? 4 : 16)))
        return problem(p, E_VALUE, "%s.ip_address is no address of a host", where);
    return OK;
}

static enum err read_node(const json_t *v, struct registry_node *out, size_t i, struct problem *p)
{
    char where[32];
    const char *host;
    uint64_t raft_port, api_port;
    const struct json_field fields[] = {
        {"ip_address", JF_TEXT, &host, .max = sizeof out->host - 1},
        {"raft_port", JF_UINT, &raft_port, .min = 1, .max = 65535},
        {"api_port", JF_UINT, &api_port, .min = 1, .max = 65535},
    };
    snprintf(where, sizeof where, "nodes[%zu]", i);
    TRY(json_fields(v, where, JSON_FIELDS(fields), p));
    out->raft_port = (uint16_t)raft_port;
    out->api_port = (uint16_t)api_port;
    return read_host(host, out, where, p);
}

static enum err read_list(const json_t *root, struct registry_list *out, struct problem *p)
{
    json_t *nodes;
    const struct json_field fields[] = {
        {"nodes", JF_ARRAY, &nodes, .max = REGISTRY_NODES_MAX},
    };
    TRY(json_fields(root, "answer", JSON_FIELDS(fields), p));
    for (size_t i = 0; i < json_count(nodes); i++)
        TRY(read_node(json_item(nodes, i), &out->nodes[i], i, p));
    out->n = json_count(nodes);
    return OK;
}

enum err registry_parse(struct bytes text, struct registry_list *out, struct problem *p)
{
    json_t *root;
    *out = (struct registry_list){0};
    TRY(json_parse(text, REGISTRY_ANSWER_MAX, &root, p));
    enum err e = read_list(root, out, p);
    json_free(root);
    if (e != OK)
        *out = (struct registry_list){0};
    return e;
}

static enum err make_url(const struct registry_source *s, char *out, size_t cap, struct problem *p)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";
    size_t n = strlen(s->url);
    if (!s->namespace[0] || s->namespace[strspn(s->namespace, allowed)])
        return problem(p, E_VALUE, "the registry's namespace must be letters, digits, - _ .");
    if (n > 0 && s->url[n - 1] == '/')
        n--;
    if (snprintf(out, cap, "%.*s/nodes?namespace=%s", (int)n, s->url, s->namespace) >= (int)cap)
        return problem(p, E_VALUE, "the registry's URL is too long");
    return OK;
}

enum err registry_fetch(const struct registry_source *s, struct registry_list *out,
                        struct problem *p)
{
    char url[1024];
    *out = (struct registry_list){0};
    TRY(make_url(s, url, sizeof url, p));
    struct client_request request = {
        .url = url, .method = "GET", .timeout_ms = s->timeout_ms, .ca_file = s->ca_file};
    struct client_answer answer = client_answer(REGISTRY_ANSWER_MAX);
    enum err e = client_call(&request, &answer, p);
    if (e == OK && answer.status != 200)
        e = problem(p, E_IO, "%.200s answers %d", url, answer.status);
    if (e == OK)
        e = registry_parse(buf_bytes(&answer.body), out, p);
    client_answer_free(&answer);
    return e;
}
