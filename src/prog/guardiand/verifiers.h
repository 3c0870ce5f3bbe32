/*
 * Vault's side of the verifiers: a few disposable processes that judge hostile
 * evidence, one question at a time each.
 *
 * The first process starts them and passes their sockets over the control
 * channel (SOCK_SEQPACKET, one byte: the slot; SCM_RIGHTS: the socket). A
 * verifier that ends, breaks the format, answers another question or takes
 * longer than VERIFIERS_PATIENCE_MS has met evidence that is not worth a second
 * try: its question is answered with E_FORMAT, its socket is closed, and the
 * first process, which is told the slot, kills it and passes a new one.
 *
 * Questions wait in a queue; without room they are refused by the caller.
 */
#ifndef PROG_GUARDIAND_VERIFIERS_H
#define PROG_GUARDIAND_VERIFIERS_H

#include "core/evidence/claims.h"
#include "io/ipc/ipc.h"

#define VERIFIERS 2
/* Judging takes milliseconds. */
#define VERIFIERS_PATIENCE_MS 3000
/* With evidence of at most 512 KiB; what waits longer than a client does is of no use. */
#define VERIFIERS_QUEUE 64

struct verifiers_question {
    uint64_t id;
    struct buf evidence;
};

struct verifier {
    struct ipc channel;
    bool has_question;
    uint64_t id, asked_ms;
};

struct verifiers {
    int control;
    struct ipc_loop *loop;
    struct verifier at[VERIFIERS];
    struct verifiers_question queue[VERIFIERS_QUEUE]; /* a ring */
    size_t first, n;
    /* claims count only if e is OK. May call verifiers_ask(). */
    void (*judged)(void *ctx, uint64_t id, enum err e, const struct claims *claims,
                   const struct problem *problem);
    void *ctx;
};

/* The fields control, loop, judged and ctx are set by the caller, all others are zero. */
void verifiers_open(struct verifiers *v);
void verifiers_close(struct verifiers *v);
/* E_RATE: the queue is full; E_NOMEM. The evidence is copied. */
enum err verifiers_ask(struct verifiers *v, uint64_t id, struct bytes evidence);
/* At least every 50 ms: takes new verifiers, gives questions out, loses patience.
 * E_IO: the first process is gone. */
enum err verifiers_turn(struct verifiers *v, struct now now);

/* For the first process: passes `fd` as the verifier of the slot; E_IO. */
enum err verifiers_pass(int control, uint8_t slot, int fd);

#endif
