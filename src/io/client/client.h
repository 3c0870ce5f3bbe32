/*
 * One HTTP exchange with a server: a registry, a vendor's collateral service, or,
 * for the command line, a guardian. HTTP/1.1, https or http, no redirects, cookies or
 * compression, no proxy but the one that is named, and nothing from the environment.
 *
 * Synchronous: a daemon calls it in a worker thread. Any number of threads may.
 * Whom the answer is believed is the caller's business; https says only that the
 * server holds a certificate of a trusted authority, or the pinned key, or, where
 * the caller asks for the channel, that nobody else reads along.
 */
#ifndef IO_CLIENT_CLIENT_H
#define IO_CLIENT_CLIENT_H

#include "base/bytes.h"
#include "base/crypto/hash.h"

/* Exchanges with one server that share a connection, as long as the server keeps it. One thread. */
struct client_session;
enum err client_session_open(struct client_session **out);
/* s may be NULL. */
void client_session_close(struct client_session *s);

/* Which TLS connection an answer came over, to be compared with what evidence says of it. */
struct client_channel {
    const char *label; /* of the exporter (RFC 8446, 7.5), which has no context; the caller's */
    uint8_t exporter[32];
    struct hash32 server_spki; /* SHA-256 of the server's SubjectPublicKeyInfo */
};

struct client_request {
    struct client_session *session; /* NULL: a connection of its own */
    const char *url;
    const char *method; /* GET, POST, DELETE */
    struct bytes body;  /* sent as application/json; none if it is empty */
    const char *accept; /* the Accept header's value; NULL: application/json */
    const char *bearer; /* NULL: no Authorization */
    /*
     * http://[USER:PASSWORD@]HOST:PORT, or https:// to speak TLS with the proxy itself. It
     * resolves the server's name; to an https server it sees ciphertext only, and no bearer.
     * NULL: none.
     */
    const char *proxy;
    uint32_t timeout_ms;   /* for all of it, name resolution included; 0: 10 s */
    const char *ca_file;   /* PEM, instead of the system's authorities; NULL: those */
    const char *cert_file; /* PEM client certificate and key; NULL: none */
    const char *key_file;
    bool tls13; /* nothing older; else TLS 1.2 will do */
    /*
     * SHA-256 of the server's SubjectPublicKeyInfo. It replaces the judgement of
     * names and authorities. NULL: none.
     */
    const struct hash32 *pinned_spki;
    /*
     * Takes any server's certificate, and is filled before the answer is read. E_CHAIN without
     * TLS. NULL: the certificate is judged.
     */
    struct client_channel *channel;
};

struct client_answer {
    int status;
    struct buf body; /* set its max before; appended to */
    struct buf cert; /* the server's certificate, DER; empty for http */
    struct buf head; /* the header's lines; read with client_header() */
    /* What Retry-After asks for, also as a date (RFC 9110, 10.2.3); 0: nothing, or no such form. */
    uint32_t retry_after_s;
};

/* Of a header. The longest known one holds two chains of certificates, 8 KiB. */
#define CLIENT_HEAD_MAX (32 << 10)

/* An answer with room for this much; client_answer_free() at the end. */
struct client_answer client_answer(size_t max);
void client_answer_free(struct client_answer *a);

/*
 * OK with any status. E_VALUE: no URL or proxy that can be asked; E_IO: cannot be reached,
 * too slow, or no HTTP; E_CHAIN: the server is not whom it should be; E_TOO_LARGE, its header
 * included. After an error the answer is empty.
 */
enum err client_call(const struct client_request *r, struct client_answer *out, struct problem *p);

/*
 * The value of a header field of the final answer, without white space around it; names match
 * in any case. Borrowed from *a. E_NOT_FOUND; E_MALFORMED if it is there more than once.
 */
enum err client_header(const struct client_answer *a, const char *name, struct bytes *value);

#endif
