/*
 * One guardian: everything it decides, and nothing it touches.
 *
 * A member joins the log (core/consensus), the state (core/state) and the
 * secrets of one seat, and acts on what the log decided: it attests peers,
 * founds or joins a cluster, deals, signs, derives, judges workloads and
 * answers requests. It is pure: time, randomness, bytes and verdicts on
 * evidence come in, bytes and wishes go out, so a cluster of members runs in
 * one process under a simulated world, and the vault process runs the same code.
 *
 * The host (vault, or a simulation) promises: calls come from one thread, time
 * does not run backwards (mono_ms), what was stored comes back unchanged or not
 * at all, records become durable in the order of store(). It is not trusted with
 * more: everything from the network is checked here, stored records are sealed.
 *
 * From a callback of struct member_out nothing of the member may be called.
 */
#ifndef CORE_MEMBER_MEMBER_H
#define CORE_MEMBER_MEMBER_H

#include "base/now.h"
#include "core/evidence/binding.h"
#include "core/evidence/claims.h"
#include "core/state/state.h"

/* A frame between guardians: the largest message of the log and its head. */
#define MEMBER_MESSAGE_MAX (2u << 20)
/* A guardian's evidence, three times what attest makes: on a link that is not attested yet, frames
 * have 256 KiB. */
#define MEMBER_EVIDENCE_MAX (192u << 10)
#define MEMBER_LINKS_MAX    64

/* What is stored, by kind and number. The newest of a (kind, number) replaces the older, and a
 * checkpoint those with smaller numbers. */
enum member_record {
    RECORD_MANIFEST = 1,
    RECORD_SECRETS,    /* seat key, shares, namespace keys, issuing keys */
    RECORD_CONSENSUS,  /* the log core's own */
    RECORD_CHECKPOINT, /* a snapshot of the state; number = height */
    RECORD_FOUNDING,   /* a block up to the birth of the root; as RECORD_BLOCK */
    RECORD_BLOCK,      /* a decided block and its certificate; number = height */
    RECORD_COLLATERAL, /* the host's: an object of a vendor, by its place */
};

/* What the host asks the attest process to quote. */
enum quote_kind { QUOTE_PEER = 1, QUOTE_API };
struct quote_request {
    enum quote_kind kind;
    union {
        struct binding_peer peer;
        struct binding_api api;
    };
};

/* An HTTP request that reached the vault. Views live during the call. */
struct member_request {
    const char *route;     /* the route's name in io/api/routes.def: "keys.release" */
    struct bytes param[3]; /* path parameters in order */
    struct bytes query;    /* without "?" */
    struct bytes body;
    struct bytes client;       /* DER of the client's certificate; empty: none */
    struct bytes exporter;     /* BINDING_EXPORTER_SIZE bytes of this TLS connection */
    struct hash32 server_spki; /* SHA-256 of the SPKI that this connection's server showed */
};

struct member_out {
    void *ctx;
    void (*send)(void *ctx, uint32_t link, struct bytes message);
    void (*close)(void *ctx, uint32_t link, const char *why);
    /* This link's peer is attested: from now on it may send what MEMBER_MESSAGE_MAX allows. */
    void (*trust)(void *ctx, uint32_t link);
    /* Store, durably, then call member_stored(token). Tokens rise by one. */
    void (*store)(void *ctx, uint64_t token, enum member_record kind, uint64_t number,
                  struct bytes sealed);
    /* Make evidence, then call member_quoted(id). */
    void (*quote)(void *ctx, uint64_t id, const struct quote_request *request);
    /* Judge evidence (authenticity alone), then call member_judged(id). */
    void (*judge)(void *ctx, uint64_t id, struct bytes evidence);
    void (*reply)(void *ctx, uint64_t request, int status, const char *type, struct bytes body);
    /* The certificate chain (PEM) under which the API should be served from now on. */
    void (*serve)(void *ctx, struct bytes chain_pem);
    /* Hold links to these seats: called whenever the list changes. */
    void (*peers)(void *ctx, const struct rec_seat *seats, size_t n);
    /* What member_keep() was given in an earlier life; from member_load(). */
    void (*kept)(void *ctx, uint64_t number, struct bytes plain);
};

struct member_config {
    const struct genesis *genesis; /* borrowed */
    struct hash32 cluster_id;
    struct state_deps deps;
    struct rng rng;
    struct secret32 sealing_key;
    struct platform_id platform_id; /* of this machine: finds its seat */
    struct member_out out;
    uint32_t checkpoint_every; /* blocks; 0: the usual number */
    size_t blocks_bytes;       /* of decided blocks kept in memory; 0: the usual number */
};

struct guardian;

enum err member_new(const struct member_config *config, struct guardian **out);
/* Wipes all secrets. */
void member_free(struct guardian *m);

/* What was stored, before member_start(): E_SIGNATURE for a record that is not ours, which then
 * counts as missing. In rising order of kind and number; of the blocks, those from the checkpoint's
 * height on will do. */
enum err member_load(struct guardian *m, enum member_record kind, uint64_t number,
                     struct bytes sealed);
void member_start(struct guardian *m, struct now now);
/* Stores what the host wants to keep, sealed as all else is, as RECORD_COLLATERAL. */
void member_keep(struct guardian *m, struct now now, uint64_t number, struct bytes plain);

/* exporter: BINDING_EXPORTER_SIZE bytes; is_client: this side dialled. */
void member_link_open(struct guardian *m, struct now now, uint32_t link, struct bytes exporter,
                      bool is_client);
void member_link_message(struct guardian *m, struct now now, uint32_t link, struct bytes message);
void member_link_closed(struct guardian *m, struct now now, uint32_t link);
void member_stored(struct guardian *m, struct now now, uint64_t token);
/* evidence is empty when none could be made. */
void member_quoted(struct guardian *m, struct now now, uint64_t id, struct bytes evidence);
/* claims count only if e is OK. */
void member_judged(struct guardian *m, struct now now, uint64_t id, enum err e,
                   const struct claims *claims, const struct problem *problem);
/* What evidence is judged with is no longer the same: the evidence of attested peers and our own is
 * judged again, and whoever does not stand any more is trusted no longer. */
void member_collateral_changed(struct guardian *m, struct now now);
void member_request(struct guardian *m, struct now now, uint64_t request,
                    const struct member_request *r);
/* The key under which node serves the API: its SPKI, to be certified. */
void member_api_key(struct guardian *m, struct now now, struct bytes spki);
/* At least every 100 ms while member_wake() is not UINT64_MAX, and at that time. */
void member_tick(struct guardian *m, struct now now);

/* For simulations and status: nothing secret. */
enum member_phase {
    MEMBER_WAIT_FOR_QUORUM,  /* links to too few founders */
    MEMBER_CHECK_READINESS,  /* all attested, the manifest goes round */
    MEMBER_WAIT_FOR_CLUSTER, /* a cluster exists; following it, not (yet) voting */
    MEMBER_ACTIVE
};
struct member_status {
    enum member_phase phase;
    uint32_t gid;
    uint64_t height, epoch;
    uint64_t lease_ms; /* left; 0: none */
    bool holds_share;
    uint64_t checkpoints; /* taken over from others */
};
void member_status(const struct guardian *m, struct now now, struct member_status *out);
const struct state *member_state(const struct guardian *m);

#endif
