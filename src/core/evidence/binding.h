/*
 * What a guardian's evidence vouches for: the 64 bytes of REPORTDATA for the
 * three occasions on which guardians show evidence (design.md section 5).
 *
 * All 64 bytes are H(tag; fields...) of base/crypto/hash.h, with a tag per
 * occasion, so evidence made for one occasion is worth nothing on another, and
 * no part of REPORTDATA is left for a host to choose. Peer and API evidence
 * hash the exporter of the TLS connection it is shown on (RFC 8446 section 7.5,
 * both sides ask TLS for BINDING_EXPORTER_LABEL without context), so evidence
 * relayed from another connection doesn't match.
 *
 * Pure: nothing here makes or judges evidence. Workload evidence is bound by
 * its challenge instead, elsewhere.
 */
#ifndef CORE_EVIDENCE_BINDING_H
#define CORE_EVIDENCE_BINDING_H

#include "base/crypto/hash.h"
#include "base/crypto/sig.h"

#define BINDING_EXPORTER_LABEL "EXPORTER-guardian-attestation-v1"
#define BINDING_EXPORTER_SIZE  32
#define BINDING_NONCE_SIZE     32

/* Which end of the TLS connection shows the evidence, so it can't be reflected. */
enum binding_role { BINDING_CLIENT = 1, BINDING_SERVER = 2 };

/* peer/v1: guardian to guardian, each shows its own. */
struct binding_peer {
    uint8_t exporter[BINDING_EXPORTER_SIZE];
    uint8_t client_nonce[BINDING_NONCE_SIZE]; /* of the side that dialled */
    uint8_t server_nonce[BINDING_NONCE_SIZE];
    enum binding_role role; /* of the side that shows the evidence */
    struct hash32 cluster_id;
    struct sig_public seat_key;
    struct sig_public vote_key; /* zero before there is one */
    uint8_t instance_id[32];
};
struct hash64 binding_peer(const struct binding_peer *b);

/* api/v1: a guardian to a client that asks who serves this connection. */
struct binding_api {
    uint8_t exporter[BINDING_EXPORTER_SIZE];
    uint8_t nonce[BINDING_NONCE_SIZE]; /* the client's */
    struct hash32 cluster_id;
    struct hash32 server_spki; /* SHA-256 of the DER SubjectPublicKeyInfo the server presented */
};
struct hash64 binding_api(const struct binding_api *b);

/* advert/v1: an advertisement, judged without a connection to its maker. */
struct binding_advert {
    struct hash32 cluster_id;
    struct sig_public seat_key;
    struct bytes peer_address; /* host:port as advertised */
    struct bytes api_address;
    uint8_t instance_id[32];
    uint64_t timestamp; /* unix seconds, as advertised */
};
struct hash64 binding_advert(const struct binding_advert *b);

#endif
