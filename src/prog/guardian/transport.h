/*
 * One HTTP exchange of the command line: HTTP/1.1 over TLS 1.3, or plain for the
 * read-only observability port. No redirects, no proxies, no cookies.
 */
#ifndef PROG_GUARDIAN_TRANSPORT_H
#define PROG_GUARDIAN_TRANSPORT_H

#include "base/bytes.h"
#include "base/crypto/hash.h"

/* Exchanges with one guardian that share a connection. */
struct transport_session;
enum err transport_open(struct transport_session **out);
/* session may be NULL. */
void transport_close(struct transport_session *session);

/* What evidence for this very connection must bind (core/evidence/binding.h). */
struct transport_binding {
    uint8_t exporter[32]; /* label BINDING_EXPORTER_LABEL, no context */
    struct hash32 server_spki;
};

struct transport {
    struct transport_session *session; /* NULL: a connection of its own */
    const char *url, *path, *method;   /* url without a path */
    struct bytes body;                 /* JSON, or none */
    unsigned timeout_s;
    const char *root_file;            /* certificates to trust, for https */
    const char *cert_file, *key_file; /* NULL: no client certificate */
    /*
     * Takes any server certificate: for `attest`, which judges the server by its
     * evidence instead and fills this to compare.
     */
    struct transport_binding *binding;
};

/*
 * Appends the answer's body, of whatever status. E_IO if the other side can't be
 * reached or answers badly, E_CHAIN if its certificate isn't trusted, E_TOO_LARGE
 * beyond body->max.
 */
enum err transport(const struct transport *t, int *status, struct buf *body, struct problem *p);

#endif
