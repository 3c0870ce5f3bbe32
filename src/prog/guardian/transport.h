/*
 * One HTTP exchange of the command line with a guardian: over TLS 1.3, or plain
 * for the read-only observability port (io/client/client.h).
 */
#ifndef PROG_GUARDIAN_TRANSPORT_H
#define PROG_GUARDIAN_TRANSPORT_H

#include "io/client/client.h"

struct transport {
    struct client_session *session;   /* NULL: a connection of its own */
    const char *url, *path, *method;  /* url without a path */
    struct bytes body;                /* JSON, or none */
    unsigned timeout_s;               /* not 0 */
    const char *root_file;            /* certificates to trust, for https */
    const char *cert_file, *key_file; /* NULL: no client certificate */
    /* Takes any server certificate: for `attest`, which judges the server by its evidence. */
    struct client_channel *channel;
};

/*
 * Appends the answer's body, of whatever status. E_IO if the other side can't be
 * reached or answers badly, E_CHAIN if its certificate isn't trusted, E_TOO_LARGE
 * beyond body->max.
 */
enum err transport(const struct transport *t, int *status, struct buf *body, struct problem *p);

#endif
