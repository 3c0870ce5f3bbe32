/*
 * TLS 1.3 identities and contexts, for streams (io/loop/stream.h).
 *
 * This layer proves only that the other side holds the private key of the
 * certificate it shows. Whether that certificate means anything (a CA of ours,
 * an attested key) is judged by vault, from the DER chain and the exporter that
 * a stream hands up. So no chain is built and no date looked at here.
 *
 * Fixed for all of Guardian: TLS 1.3 only; X25519 and P-256; signatures
 * ecdsa_secp256r1_sha256 and ed25519; no renegotiation, no compression, no
 * early data, no post-handshake authentication. Session tickets and the session
 * cache are off: a resumed connection would not show its certificate again, so
 * a revoked one would live on for as long as the ticket, and the ticket key is
 * a secret that opens past connections.
 */
#ifndef IO_LOOP_TLS_H
#define IO_LOOP_TLS_H

#include "base/bytes.h"

/* A private key (P-256 or Ed25519) with its certificate chain, leaf first. */
struct tls_identity;
struct tls_context;

#define TLS_CHAIN_MAX 4 /* certificates a peer may show: leaf, issuing, namespace, root */
#define TLS_CHAIN_BYTES_MAX                                              \
    16384 /* in the handshake; four certificates of ours are below 4 KiB \
           */

/*
 * A fresh key with a self-signed certificate (CN and DNS name `name`), valid
 * from a day ago without end (RFC 5280, 4.1.2.5): nobody judges it by date.
 */
enum err tls_identity_self_signed(const char *name, struct tls_identity **out);
/*
 * The same private key under another chain, leaf first. E_MALFORMED if a
 * certificate does not parse, E_CHAIN if the leaf is not for this key.
 */
enum err tls_identity_with_chain(const struct tls_identity *id, const struct bytes *chain, size_t n,
                                 struct tls_identity **out);
/* The same with the chain as PEM certificates. */
enum err tls_identity_with_pem(const struct tls_identity *id, struct bytes chain,
                               struct tls_identity **out);
/* Key and chain from PEM texts, for the command line's client certificates. */
enum err tls_identity_from_pem(struct bytes key, struct bytes chain, struct tls_identity **out);
/* DER SubjectPublicKeyInfo, and the leaf certificate's DER; borrowed from id. */
struct bytes tls_identity_spki(const struct tls_identity *id);
struct bytes tls_identity_leaf(const struct tls_identity *id);
void tls_identity_free(struct tls_identity *id);

enum tls_side { TLS_SERVER, TLS_CLIENT };

struct tls_config {
    enum tls_side side;
    /* Server: ask for the client's certificate, and whether to go on without one. A client always
     * gets the server's. */
    bool ask_certificate, require_certificate;
    /* One ALPN protocol (RFC 7301), or NULL. A server refuses clients that offer only others, and
     * accepts those that offer none. */
    const char *alpn;
};

/* id may be NULL for a client without a certificate. The context keeps what it needs of id. */
enum err tls_context_open(const struct tls_config *config, const struct tls_identity *id,
                          struct tls_context **out);
/* For handshakes that begin from now on; connections that exist are not touched. */
enum err tls_context_set_certificate(struct tls_context *c, const struct tls_identity *id);
/* Only after the last listener and stream that use it are closed. c may be NULL. */
void tls_context_close(struct tls_context *c);

#endif
