/*
 * A vendor's collateral service for tests, in a child process: the paths it is
 * given, each with an answer that may be as bad as one likes. Anything else is 404.
 */
#ifndef TESTS_COLLATERAL_SERVICE_H
#define TESTS_COLLATERAL_SERVICE_H

#include "../client/server.h"
#include "base/bytes.h"

struct service_answer {
    const char *target; /* what stands behind GET, query included */
    const char *head;   /* status line and fields, each with \r\n; the length is added */
    struct bytes body;
    size_t cut;   /* bytes of the body that are promised and never sent */
    bool is_slow; /* the body comes a byte each 50 ms */
};

struct service {
    struct server server;
    struct service_answer answers[16];
    size_t n;
};

#define SERVICE_OK "HTTP/1.1 200 OK\r\n"

/* Answers added before are served; the url is s->server.url. */
void service_add(struct service *s, struct service_answer a);
void service_start(struct service *s);
void service_stop(struct service *s);

#endif
