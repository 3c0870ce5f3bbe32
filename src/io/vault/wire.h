/*
 * What vault says to the processes that serve it alone, over io/ipc: one struct
 * per message, one table of types, directions and sizes (messages.def), one
 * encoder and one strict decoder. What vault and node say to each other is
 * prog/guardiand/node_wire.h.
 *
 *     struct wire m = {.type = WIRE_PLATFORM};
 *     TRY(wire_send(&channel, WIRE_VAULT, &m));
 *
 *     struct wire m;
 *     TRY(wire_decode(WIRE_ATTEST, WIRE_VAULT, frame.type, frame.body, &m));
 *     switch (m.type) ...
 *
 * Views in a decoded message borrow from the frame. A message that breaks the
 * format or that its sender may not send is E_MALFORMED; the receiver then
 * closes the channel. Nothing of a message is judged beyond its form.
 *
 * attest gives one answer to each question, in order. It is asked for typed
 * fields, never for bytes to put into REPORTDATA. A quote that could not be made
 * has no evidence. A verifier answers one JUDGE or INSPECT after the other; JUDGED
 * with e == OK has claims. What it is told to HOLD it judges with from then on.
 */
#ifndef IO_VAULT_WIRE_H
#define IO_VAULT_WIRE_H

#include "core/evidence/evidence.h"
#include "core/evidence/inspect.h"
#include "core/member/member.h"
#include "io/ipc/ipc.h"

#define WIRE_CONTEXT_MAX 128
/* COLLATERAL_OBJECT_MAX and COLLATERAL_CHAIN_MAX of io/collateral/fetch.h. */
#define WIRE_OBJECT_MAX (2u << 20)
#define WIRE_CHAIN_MAX  (16u << 10)
/* Places for collateral: of the plan, then of the folder. */
#define WIRE_SLOTS 512

enum wire_end { WIRE_VAULT = 1, WIRE_ATTEST, WIRE_VERIFY };

enum wire_type {
    WIRE_NOTHING = 0,
#define WIRE(symbol, name, from, to, max) WIRE_##symbol,
#include "io/vault/messages.def"
#undef WIRE
    WIRE_TYPES
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
    /*
     * What it was, or would have been, judged with; none if its signatures don't hold.
     * Of strangers (certificates are missing for judging them) anybody may have written them.
     */
    uint32_t n_objects;
    struct vendor_object objects[OBJECTS_OF_CLAIMS_MAX];
    bool is_stranger;
};
struct wire_hold {
    uint32_t slot;      /* below WIRE_SLOTS */
    struct bytes body;  /* in the place of what was there; empty: nothing */
    struct bytes chain; /* further certificates, or empty */
};
struct wire_inspect {
    uint64_t id;
    uint64_t unix_s;
    struct vendor_object object; /* what was asked for; bytes below: what came */
    struct bytes body, chain;
};
struct wire_inspected {
    uint64_t id;
    enum err e;
    struct problem problem;    /* when e is not OK */
    struct object_facts facts; /* when e is OK */
};

/* One message; the member that `type` names holds it. */
struct wire {
    enum wire_type type;
    union {
        struct wire_platform platform;
        struct wire_platform_is platform_is;
        struct wire_derive derive;
        struct wire_derived derived;
        struct wire_quote quote;
        struct wire_quoted quoted;
        struct wire_judge judge;
        struct wire_judged judged;
        struct wire_hold hold;
        struct wire_inspect inspect;
        struct wire_inspected inspected;
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
