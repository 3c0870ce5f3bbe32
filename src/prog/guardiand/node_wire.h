/*
 * What node and vault say to each other over their channel (io/ipc): the calls
 * and callbacks of core/member/member.h as frames. node owns sockets and disk
 * and carries bytes; vault checks all of them.
 *
 * The table is the right to speak: a type that is not in it, or comes from the
 * side that may not say it, ends the channel. Fields are big-endian, variable
 * ones have a u32 length in front; every decoder takes exactly one body.
 */
#ifndef PROG_GUARDIAND_NODE_WIRE_H
#define PROG_GUARDIAND_NODE_WIRE_H

#include "base/bytes.h"
#include "core/evidence/binding.h"
#include "core/evidence/needs.h"

enum node_side { FROM_NODE = 1, FROM_VAULT };

/* FRAME(symbol, number, who says it, its struct) */
#define NODE_FRAMES(FRAME)                                                           \
    /* Start: what was stored (token 0), in rising order of number, then START. */   \
    FRAME(WIRE_RECORD, 1, FROM_NODE, wire_record)                                    \
    FRAME(WIRE_API_KEY, 2, FROM_NODE, wire_blob) /* DER SPKI that the API shows */   \
    FRAME(WIRE_START, 3, FROM_NODE, wire_blob)   /* empty */                         \
    FRAME(WIRE_LINK_OPEN, 4, FROM_NODE, wire_link)                                   \
    FRAME(WIRE_LINK_MESSAGE, 5, FROM_NODE, wire_message)                             \
    FRAME(WIRE_LINK_CLOSED, 6, FROM_NODE, wire_message) /* data: why, text */        \
    FRAME(WIRE_STORED, 7, FROM_NODE, wire_stored)                                    \
    FRAME(WIRE_REQUEST, 8, FROM_NODE, wire_request)                                  \
    FRAME(WIRE_FETCHED, 9, FROM_NODE, wire_fetched) /* answers one FETCH each */     \
    FRAME(WIRE_FOLDER, 10, FROM_NODE, wire_folder)  /* all of it, when it changed */ \
    FRAME(WIRE_SEND, 33, FROM_VAULT, wire_message)                                   \
    FRAME(WIRE_CLOSE, 34, FROM_VAULT, wire_message) /* data: why, text */            \
    /* The link's peer is attested: no deadline any more, and full frames. */        \
    FRAME(WIRE_TRUST, 35, FROM_VAULT, wire_message) /* data: empty */                \
    FRAME(WIRE_STORE, 36, FROM_VAULT, wire_record)                                   \
    FRAME(WIRE_REPLY, 37, FROM_VAULT, wire_reply)                                    \
    FRAME(WIRE_SERVE, 38, FROM_VAULT, wire_blob)  /* certificate chain, PEM */       \
    FRAME(WIRE_PEERS, 39, FROM_VAULT, wire_peers) /* all that links are wanted to */ \
    FRAME(WIRE_FETCH, 40, FROM_VAULT, wire_fetch) /* an object of a vendor */

enum node_frame {
#define FRAME(symbol, number, from, type) symbol = number,
    NODE_FRAMES(FRAME)
#undef FRAME
};

/* Whether that side may send frames of the type. */
bool node_frame_allowed(uint8_t type, enum node_side from);
/* "WIRE_SEND", or "?". */
const char *node_frame_name(uint8_t type);

#define WIRE_ROUTE_MAX   64
#define WIRE_MEDIA_MAX   64
#define WIRE_PARAMS_MAX  3
#define WIRE_HOST_MAX    256
#define WIRE_PEERS_MAX   128
#define WIRE_DATA_MAX    (15u << 20) /* a record or message, with room for its head in a frame */
#define WIRE_WHY_MAX     200
#define WIRE_PARAM_MAX   255
#define WIRE_QUERY_MAX   4096
#define WIRE_CLIENT_MAX  16384
#define WIRE_SPKI_SHA256 32
#define WIRE_REASON_MAX  256
#define WIRE_FILES_MAX   256 /* DIRECTORY_FILES_MAX of io/collateral/directory.h */

/* Views borrow from the decoded body. */
struct wire_blob {
    struct bytes data;
};
struct wire_record {
    uint64_t token;
    uint8_t kind; /* enum member_record */
    uint64_t number;
    struct bytes sealed;
};
struct wire_stored {
    uint64_t token;
};
struct wire_link {
    uint32_t link;
    bool dialled; /* by this side */
    uint8_t exporter[BINDING_EXPORTER_SIZE];
};
struct wire_message {
    uint32_t link;
    struct bytes data;
};
struct wire_request {
    uint64_t id; /* answered once; in 16 hex digits it is the request id that clients see */
    char route[WIRE_ROUTE_MAX]; /* a name of io/api/routes.def */
    uint32_t n_params;
    struct bytes params[WIRE_PARAMS_MAX];
    struct bytes query; /* raw, without "?" */
    struct bytes body;
    struct bytes client;                     /* DER of the client's leaf certificate, or empty */
    uint8_t exporter[BINDING_EXPORTER_SIZE]; /* zeros without TLS */
    uint8_t server_spki_sha256[WIRE_SPKI_SHA256];
};
struct wire_reply {
    uint64_t id;
    uint16_t status;
    char type[WIRE_MEDIA_MAX];
    struct bytes body;
};
struct wire_fetch {
    uint32_t slot; /* of the plan in vault; comes back with the answer */
    struct vendor_object object;
};
struct wire_fetched {
    uint32_t slot;
    uint8_t e; /* enum err */
    uint32_t retry_after_s;
    struct bytes why; /* text, if e is not OK */
    struct bytes body, chain;
};
struct wire_folder {
    uint32_t n;
    struct bytes files[WIRE_FILES_MAX];
};
struct wire_address {
    char host[WIRE_HOST_MAX];
    uint16_t port;
};
struct wire_peers {
    uint32_t n;
    struct wire_address peers[WIRE_PEERS_MAX];
};

/* Append the body of a frame; E_TOO_LARGE beyond the limits above, E_NOMEM. */
enum err wire_blob_encode(const struct wire_blob *m, struct buf *out);
enum err wire_record_encode(const struct wire_record *m, struct buf *out);
enum err wire_stored_encode(const struct wire_stored *m, struct buf *out);
enum err wire_link_encode(const struct wire_link *m, struct buf *out);
enum err wire_message_encode(const struct wire_message *m, struct buf *out);
enum err wire_request_encode(const struct wire_request *m, struct buf *out);
enum err wire_reply_encode(const struct wire_reply *m, struct buf *out);
enum err wire_peers_encode(const struct wire_peers *m, struct buf *out);
enum err wire_fetch_encode(const struct wire_fetch *m, struct buf *out);
enum err wire_fetched_encode(const struct wire_fetched *m, struct buf *out);
enum err wire_folder_encode(const struct wire_folder *m, struct buf *out);

/* E_MALFORMED, and *out is zeroed. */
enum err wire_blob_decode(struct bytes in, struct wire_blob *out);
enum err wire_record_decode(struct bytes in, struct wire_record *out);
enum err wire_stored_decode(struct bytes in, struct wire_stored *out);
enum err wire_link_decode(struct bytes in, struct wire_link *out);
enum err wire_message_decode(struct bytes in, struct wire_message *out);
enum err wire_request_decode(struct bytes in, struct wire_request *out);
enum err wire_reply_decode(struct bytes in, struct wire_reply *out);
enum err wire_peers_decode(struct bytes in, struct wire_peers *out);
enum err wire_fetch_decode(struct bytes in, struct wire_fetch *out);
enum err wire_fetched_decode(struct bytes in, struct wire_fetched *out);
enum err wire_folder_decode(struct bytes in, struct wire_folder *out);

#endif
