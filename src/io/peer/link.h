/*
 * Peer links: framed messages between guardians over mutual TLS 1.3 with
 * self-signed certificates. TLS only makes a private channel with somebody; who
 * that is, vault finds out inside it by evidence over the channel's exporter.
 * Links carry frames and know nothing of what is in them.
 *
 * Until peers_trust() a link has `attest_ms` and small frames; then it is
 * closed. Every connection is a link with a number of its own, used again only
 * after four billion others.
 *
 * Sending never blocks and never fails for want of room: a queue holds
 * `queue_bytes` and drops its oldest frames beyond that, since consensus repeats
 * what is still needed and the newest message says more than the oldest. Frames
 * of one link arrive in order. A link on which something was on its way for
 * `stall_ms` without a moment when all of it had left is closed.
 *
 * Targets are addresses that are kept connected: dialled again after each loss,
 * with delays that double up to backoff_max_ms, are cut by up to half at random
 * (so that guardians restarted together spread), and start over once a link was
 * trusted. Frames sent to a target wait until its link is trusted; without this
 * the votes of the first round after a reconnect would be lost. A target at which
 * this very guardian answers (a registry names all) is left alone from then on,
 * and its owner hears of no link.
 *
 * The rule of io/loop holds: no callback from inside a call, none after a close.
 */
#ifndef IO_PEER_LINK_H
#define IO_PEER_LINK_H

#include "base/rng.h"
#include "core/evidence/binding.h"
#include "io/loop/stream.h"
#include "io/peer/frame.h"

/* A block with its certificates has less than 2 MiB; the rest is room for a piece of a snapshot. */
#define PEER_FRAME_MAX (8u << 20)
/* Attestation: evidence with its certificates is below 32 KiB, an event log below 128 KiB. */
#define PEER_FRAME_MAX_UNTRUSTED (256u << 10)

enum peer_role { PEER_DIALLED, PEER_ACCEPTED };

struct peers;

struct peers_config {
    const char *address;
    uint16_t port;
    uint32_t handshake_ms, attest_ms, stall_ms;
    uint32_t backoff_min_ms, backoff_max_ms;
    size_t queue_bytes;                  /* per link and per target; at least one frame */
    uint32_t max_links, max_per_address; /* accepted ones */
    uint32_t max_half_open;              /* per address */
};
extern const struct peers_config peers_defaults;

struct peer_opened {
    uint32_t link;
    enum peer_role role;
    uint32_t target;                         /* dialled: whose link it is; else 0 */
    uint8_t exporter[BINDING_EXPORTER_SIZE]; /* under BINDING_EXPORTER_LABEL */
    struct bytes certificate;                /* the peer's, DER; valid during the call */
    const char *address;
};

struct peers_handler {
    void (*opened)(void *ctx, const struct peer_opened *opened);
    /* The view is valid during the call. */
    void (*frame)(void *ctx, uint32_t link, struct bytes frame);
    /* Of links that were opened and not closed by the owner. */
    void (*closed)(void *ctx, uint32_t link, const char *why);
};

/* id is not kept. */
enum err peers_open(struct loop *l, const struct peers_config *config,
                    const struct tls_identity *id, struct rng rng,
                    const struct peers_handler *handler, void *ctx, struct peers **out);
uint16_t peers_port(const struct peers *p);

/* Connects to the address and stays connected. The target's number, 0 when out of memory. */
uint32_t peers_dial(struct peers *p, const char *host, uint16_t port);
/* Gives a target up, with its link if there is one: closed() is called for it before this returns.
 * An unknown one is none. */
void peers_give_up(struct peers *p, uint32_t target);

/* E_NOT_FOUND if there is no such link or target (any more), E_TOO_LARGE, E_MALFORMED if empty. */
enum err peers_send(struct peers *p, uint32_t link, struct bytes frame);
enum err peers_send_to(struct peers *p, uint32_t target, struct bytes frame);
/* The owner is satisfied: no deadline any more, full frames, and what waited for the target goes.
 */
void peers_trust(struct peers *p, uint32_t link);
/* Sends what is queued and closes in order; no callback follows. An unknown link is none. */
void peers_close_link(struct peers *p, uint32_t link);
/* Frames dropped for want of room since the start: a number for the metrics. */
uint64_t peers_dropped(const struct peers *p);
/* Closes everything at once. Not from inside a callback. p may be NULL. */
void peers_close(struct peers *p);

#endif
