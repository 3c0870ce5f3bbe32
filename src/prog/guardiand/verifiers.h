/*
 * Vault's side of the verifiers: a few disposable processes that judge hostile
 * evidence, one question at a time each.
 *
 * The first process starts them and passes their sockets over the control
 * channel (SOCK_SEQPACKET, one byte: the slot; SCM_RIGHTS: the socket). A
 * verifier that ends, breaks the format, answers another question, claims what the
 * evidence does not say where vault can see it (core/evidence/peek.h), or takes
 * longer than VERIFIERS_PATIENCE_MS has met evidence that is not worth a second
 * try: its question is answered with E_FORMAT, its socket is closed, and the
 * first process, which is told the slot, kills it and passes a new one.
 *
 * Questions wait in a queue; without room they are refused by the caller. What
 * verifiers shall judge with (collateral) is given to each of them before its next
 * question, and to a new one from the beginning.
 */
#ifndef PROG_GUARDIAND_VERIFIERS_H
#define PROG_GUARDIAND_VERIFIERS_H

#include "core/evidence/peek.h"
#include "io/vault/wire.h"

#define VERIFIERS 2
/* Judging takes milliseconds. */
#define VERIFIERS_PATIENCE_MS 3000
/* With evidence of at most 512 KiB; what waits longer than a client does is of no use. */
#define VERIFIERS_QUEUE 64

/* Evidence to judge, or an object that came to inspect. */
struct verifiers_question {
    uint64_t id;
    bool is_object;
    struct vendor_object object;
    struct evidence_peek seen; /* of evidence */
    struct buf body, chain;    /* chain: of an object */
};

struct verifier {
    struct ipc channel;
    bool has_question, is_object;
    uint64_t id, asked_ms;
    struct evidence_peek seen; /* of the evidence it has */
    uint64_t given;            /* the change of struct verifiers that it knows of */
};

/* What a slot holds, and since which change. */
struct verifiers_held {
    struct buf body, chain;
    uint64_t change;
};

struct verifiers {
    int control;
    struct ipc_loop *loop;
    struct verifier at[VERIFIERS];
    struct verifiers_question queue[VERIFIERS_QUEUE]; /* a ring */
    size_t first, n;
    struct verifiers_held held[WIRE_SLOTS];
    uint64_t change;
    /* May call verifiers_ask() and verifiers_inspect(). */
    void (*judged)(void *ctx, const struct wire_judged *answer);
    void (*inspected)(void *ctx, const struct wire_inspected *answer);
    void *ctx;
};

/* The fields control, loop, judged, inspected and ctx are set by the caller, all others are zero.
 */
void verifiers_open(struct verifiers *v);
void verifiers_close(struct verifiers *v);
/* E_RATE: the queue is full; E_NOMEM. The evidence is copied. */
enum err verifiers_ask(struct verifiers *v, uint64_t id, struct bytes evidence);
/* The same for an object that came; ids are apart from those of evidence. */
enum err verifiers_inspect(struct verifiers *v, uint64_t id, const struct vendor_object *object,
                           struct bytes body, struct bytes chain);
/* Judge with this, in the place of what the slot held; copied. E_TOO_LARGE, E_NOMEM: then the
 * slot holds what it held. */
enum err verifiers_hold(struct verifiers *v, uint32_t slot, struct bytes body, struct bytes chain);
/* At least every 50 ms: takes new verifiers, gives questions out, loses patience.
 * E_IO: the first process is gone. */
enum err verifiers_turn(struct verifiers *v, struct now now);

/* For the first process: passes `fd` as the verifier of the slot; E_IO. */
enum err verifiers_pass(int control, uint8_t slot, int fd);

#endif
