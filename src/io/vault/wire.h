/*
 * What the processes of one guardian say to each other over io/ipc: one struct
 * per message, one table of types, directions and sizes (messages.def), one
 * encoder and one strict decoder. Vault is one end of every channel.
 *
 *     struct wire m = {.type = WIRE_STORED, .stored = {.token = 7}};
 *     TRY(wire_send(&channel, WIRE_NODE, &m));
 *
 *     struct wire m;
 *     TRY(wire_decode(WIRE_NODE, WIRE_VAULT, frame.type, frame.body, &m));
 *     switch (m.type) ...
 *
 * Views in a decoded message borrow from the frame. A message that breaks the
 * format or that its sender may not send is E_MALFORMED; the receiver then
 * closes the channel. Nothing of a message is judged beyond its form.
 *
 * The conversations:
 *   start      vault asks READY_TO_LOAD{kind, from} for each kind in rising order; node answers
 *              with LOAD for each stored record of the kind numbered `from` or above, in rising
 *              order, up to about WIRE_LOAD_BATCH bytes, then LOADED{more}. While `more` is set,
 *              vault asks again behind the last number. Node may open links and send requests at
 *              any time; vault answers once it has started.
 *   storing    STORE is durable before STORED{token}, and in the order it came. The newest record
 *              of a (kind, number) replaces the older. A node that cannot store ends.
 *   links      node numbers them, never twice (LINK_OPEN), and carries messages; after
 *              LINK_CLOSED or CLOSE the number is dead, and what still comes for it is dropped.
 *              PEERS is the whole list of seats to hold links to, this guardian's own included.
 *   API        one REPLY for each REQUEST, in any order, for as long as vault runs. SERVE replaces
 *              the certificate chain (PEM, leaf first) of the key that API_KEY named.
 *   machine    one answer each, in order for PLATFORM and DERIVE. A quote that could not be made
 *              has no evidence.
 *   evidence   a verifier answers one JUDGE after the other. JUDGED with e == OK has claims.
 */
#ifndef IO_VAULT_WIRE_H
#define IO_VAULT_WIRE_H

#include "core/member/member.h"
#include "io/ipc/ipc.h"

#define WIRE_WHY_MAX     256
#define WIRE_SPKI_MAX    1024
#define WIRE_CHAIN_MAX   (64u << 10)
#define WIRE_CONTEXT_MAX 128
#define WIRE_ROUTE_MAX   64
#define WIRE_TYPE_MAX    128
#define WIRE_PARAM_MAX   1024
#define WIRE_QUERY_MAX   (8u << 10)
#define WIRE_CLIENT_MAX  (16u << 10)
#define WIRE_BODY_MAX    (1u << 20)
/* EVIDENCE_MAX of core/evidence/evidence.h. */
#define WIRE_EVIDENCE_MAX (512u << 10)
/* A sealed record in its frame. */
#define WIRE_SEALED_MAX (IPC_BODY_MAX - 64)
#define WIRE_REPLY_MAX  (IPC_BODY_MAX - 256)
/* After this much a batch of LOAD ends, so that it always fits the channel's queue. */
#define WIRE_LOAD_BATCH (8u << 20)

enum wire_end { WIRE_NODE = 1, WIRE_VAULT, WIRE_ATTEST, WIRE_VERIFY };

enum wire_type {
    WIRE_NOTHING = 0,
#define WIRE(symbol, name, from, to, max) WIRE_##symbol,
#include "io/vault/messages.def"
#undef WIRE
    WIRE_TYPES
};

struct wire_link_open {
    uint32_t link;
    uint8_t exporter[BINDING_EXPORTER_SIZE];
    bool is_client; /* this side dialled */
};
struct wire_link_message { /* SEND, too */
    uint32_t link;
    struct bytes message; /* 1 to MEMBER_MESSAGE_MAX bytes */
};
struct wire_link_closed {
    uint32_t link;
};
struct wire_close {
    uint32_t link;
    char why[WIRE_WHY_MAX];
};
struct wire_peer {
    uint32_t gid;
    char host[ADDRESS_MAX];
    uint16_t peer_port, api_port;
};
struct wire_peers {
    uint32_t n;
    struct wire_peer peer[BFT_MAX_MEMBERS];
};
struct wire_ready_to_load {
    enum member_record kind;
    uint64_t from;
};
struct wire_load {
    enum member_record kind;
    uint64_t number;
    struct bytes sealed;
};
struct wire_loaded {
    bool more;
};
struct wire_store {
    uint64_t token;
    enum member_record kind;
    uint64_t number;
    struct bytes sealed;
};
struct wire_stored {
    uint64_t token;
};
struct wire_request {
    uint64_t id;
    char route[WIRE_ROUTE_MAX];
    struct bytes param[3];
    struct bytes query, body;
    struct bytes client;       /* DER; empty: none */
    struct bytes exporter;     /* BINDING_EXPORTER_SIZE bytes, or empty without TLS */
    struct hash32 server_spki; /* zero without TLS */
};
struct wire_reply {
    uint64_t request;
    uint16_t status; /* 200 to 599 */
    char type[WIRE_TYPE_MAX];
    struct bytes body;
};
struct wire_api_key {
    struct bytes spki; /* DER */
};
struct wire_serve {
    struct bytes chain_pem;
};
struct wire_platform {
    uint8_t nothing;
};
struct wire_platform_is {
    enum platform platform;
    struct platform_id id;
};
struct wire_derive {
    struct bytes context; /* 1 to WIRE_CONTEXT_MAX bytes */
};
struct wire_derived {
    struct secret32 key;
};
struct wire_quote {
    uint64_t id;
    struct quote_request request;
};
struct wire_quoted {
    uint64_t id;
    struct bytes evidence; /* empty: none could be made */
};
struct wire_judge {
    uint64_t id;
    uint64_t unix_s;
    struct bytes evidence;
};
struct wire_judged {
    uint64_t id;
    enum err e;
    struct problem problem; /* when e is not OK */
    struct claims claims;   /* when e is OK */
};

/* One message; the member that `type` names holds it. */
struct wire {
    enum wire_type type;
    union {
        struct wire_link_open link_open;
        struct wire_link_message link_message, send;
        struct wire_link_closed link_closed;
        struct wire_close close;
        struct wire_peers peers;
        struct wire_ready_to_load ready_to_load;
        struct wire_load load;
        struct wire_loaded loaded;
        struct wire_store store;
        struct wire_stored stored;
        struct wire_request request;
        struct wire_reply reply;
        struct wire_api_key api_key;
        struct wire_serve serve;
        struct wire_platform platform;
        struct wire_platform_is platform_is;
        struct wire_derive derive;
        struct wire_derived derived;
        struct wire_quote quote;
        struct wire_quoted quoted;
        struct wire_judge judge;
        struct wire_judged judged;
    };
};

/* "LINK_OPEN"; "?" for a type that does not exist. */
const char *wire_name(enum wire_type type);
/* The message's body, appended. E_NOT_ALLOWED: `from` may not send it; E_TOO_LARGE; E_VALUE: a
 * field that the decoder would refuse; E_NOMEM. */
enum err wire_encode(enum wire_end from, const struct wire *m, struct buf *out);
/* A frame that came from `from` and went to `to`. E_MALFORMED. */
enum err wire_decode(enum wire_end from, enum wire_end to, uint8_t type, struct bytes body,
                     struct wire *out);
/* Encodes and queues; the errors of wire_encode() and ipc_send(). */
enum err wire_send(struct ipc *c, enum wire_end from, const struct wire *m);

#endif
