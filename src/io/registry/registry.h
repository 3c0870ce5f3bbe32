/*
 * Where guardians might be found: addresses to dial, nothing more. A registry
 * can hide guardians or name strangers; whoever is dialled must attest.
 *
 *     GET {url}/nodes?namespace={ns}
 *     200 {"nodes": [{"ip_address": "192.0.2.4", "raft_port": 8444, "api_port": 8443}]}
 *
 * the published shape. Strict, and bounded: an answer that is wrong in one entry
 * is refused whole.
 */
#ifndef IO_REGISTRY_REGISTRY_H
#define IO_REGISTRY_REGISTRY_H

#include "base/bytes.h"

/* Four times the largest cluster: stale entries of machines that are gone. */
#define REGISTRY_NODES_MAX  64
#define REGISTRY_ANSWER_MAX (64 << 10)

struct registry_node {
    char host[46]; /* a numeric IPv4 or IPv6 address, without brackets */
    uint16_t raft_port, api_port;
};

struct registry_list {
    size_t n;
    struct registry_node nodes[REGISTRY_NODES_MAX];
};

/* Reads an answer's body. E_MALFORMED, E_VALUE, E_TOO_LARGE; then the list is empty. */
enum err registry_parse(struct bytes text, struct registry_list *out, struct problem *p);

struct registry_source {
    const char *url;       /* without a path, or with one that /nodes is added to */
    const char *namespace; /* letters, digits, '-', '_' and '.' */
    const char *ca_file;   /* NULL: the system's authorities */
    uint32_t timeout_ms;   /* 0: 10 s */
};

/*
 * Asks the registry. Blocks. E_IO: unreachable or not 200; E_CHAIN: its certificate;
 * otherwise as registry_parse().
 */
enum err registry_fetch(const struct registry_source *s, struct registry_list *out,
                        struct problem *p);

#endif
