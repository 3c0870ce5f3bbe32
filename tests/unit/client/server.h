/* A server for tests: one exchange per connection, in a child process. */
#ifndef TESTS_CLIENT_SERVER_H
#define TESTS_CLIENT_SERVER_H

#include "base/crypto/hash.h"

#include <sys/types.h>

struct server {
    pid_t pid;
    char url[64];       /* https://localhost:PORT or http:// */
    char cert_file[64]; /* its own certificate, self-signed for "localhost"; empty for http */
    struct hash32 spki, cert;
};

/* Sends `answer`, all of it, to whoever has sent a header; then closes. NULL: never answers. */
void server_start(struct server *s, bool tls, const char *answer);
/* Over TLS, this one at most; answers with the exporter of the connection under this label, in hex,
 * as often as it is asked on it. */
void server_start_exporting(struct server *s, int version, const char *label);
/* Over http: for each connection `respond` is called in the child, with the request's header. */
void server_start_with(struct server *s, void (*respond)(void *ctx, const char *request, int fd),
                       void *ctx);
void server_stop(struct server *s);

#endif
