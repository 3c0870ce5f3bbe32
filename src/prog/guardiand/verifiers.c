#include "prog/guardiand/verifiers.h"

#include "base/log.h"
#include "io/vault/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct problem unusable = {
    E_FORMAT, "the evidence could not be judged: its verifier ended or did not answer"};

static struct verifier *verifier_of(struct verifiers *v, const struct ipc *c)
{
    for (size_t i = 0; i < VERIFIERS; i++)
        if (&v->at[i].channel == c)
            return &v->at[i];
    return NULL;
}

/* --- an answer, or none ------------------------------------------------------------------------
 */

/* The slot stays empty until a new verifier is passed. */
static void give_up(struct verifiers *v, struct verifier *x, bool is_alive, const char *why)
{
    uint8_t slot = (uint8_t)(x - v->at);
    bool had = x->has_question;
    uint64_t id = x->id;
    log_warn("verifier %u is given up: %s", slot, why);
    ipc_loop_remove(v->loop, &x->channel);
    ipc_close(&x->channel);
    x->has_question = false;
    /* Only of one that lives: the slot of one that ended may have its successor already. */
    if (is_alive && send(v->control, &slot, 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
        log_debug("verifier %u: %s", slot, strerror(errno));
    if (had)
        v->judged(v->ctx, id, E_FORMAT, NULL, &unusable);
}

static void on_frame(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    struct verifiers *v = ctx;
    struct verifier *x = verifier_of(v, c);
    struct wire m;
    enum err e = wire_decode(WIRE_VERIFY, WIRE_VAULT, frame->type, frame->body, &m);
    if (e != OK || !x->has_question || m.judged.id != x->id) {
        give_up(v, x, true, "it gave an answer to no question");
        return;
    }
    x->has_question = false;
    v->judged(v->ctx, x->id, m.judged.e, m.judged.e == OK ? &m.judged.claims : NULL,
              m.judged.e == OK ? NULL : &m.judged.problem);
}

static void on_closed(void *ctx, struct ipc *c, enum err e)
{
    struct verifiers *v = ctx;
    give_up(v, verifier_of(v, c), e == E_MALFORMED, "it ended");
}

/* --- new verifiers -----------------------------------------------------------------------------
 */

union control {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

enum err verifiers_pass(int control, uint8_t slot, int fd)
{
    union control c = {0};
    struct iovec data = {&slot, 1};
    struct msghdr m = {.msg_iov = &data,
                       .msg_iovlen = 1,
                       .msg_control = c.space,
                       .msg_controllen = sizeof c.space};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    *h = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(h), &fd, sizeof fd);
    return sendmsg(control, &m, MSG_NOSIGNAL) == 1 ? OK : E_IO;
}

/* One message; *fd is -1 if it had no descriptor. False: there is none now. */
static enum err receive(int control, bool *came, uint8_t *slot, int *fd)
{
    union control c = {0};
    struct iovec data = {slot, 1};
    struct msghdr m = {.msg_iov = &data,
                       .msg_iovlen = 1,
                       .msg_control = c.space,
                       .msg_controllen = sizeof c.space};
    ssize_t n = recvmsg(control, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *came = n == 1;
    *fd = -1;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? OK : E_IO;
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(h), sizeof *fd);
    return n == 1 ? OK : E_IO;
}

static void install(struct verifiers *v, uint8_t slot, int fd)
{
    struct verifier *x = &v->at[slot];
    if (ipc_is_open(&x->channel)) /* it ended so fast that its end was not read yet */
        give_up(v, x, false, "it was replaced");
    if (ipc_open(&x->channel, fd) != OK)
        return;
    ipc_loop_add(v->loop, &x->channel, (struct ipc_handler){on_frame, on_closed, v});
}

static enum err take_new(struct verifiers *v)
{
    for (;;) {
        uint8_t slot = 0;
        bool came;
        int fd;
        TRY(receive(v->control, &came, &slot, &fd));
        if (!came)
            return OK;
        if (fd >= 0 && slot < VERIFIERS)
            install(v, slot, fd);
        else if (fd >= 0)
            close(fd);
    }
}

/* --- questions ---------------------------------------------------------------------------------
 */

static void give_out(struct verifiers *v, struct verifier *x, struct now now)
{
    struct verifiers_question *q = &v->queue[v->first];
    struct wire m = {WIRE_JUDGE, .judge = {q->id, now.unix_ms / 1000, buf_bytes(&q->evidence)}};
    x->has_question = true;
    x->id = q->id;
    x->asked_ms = now.mono_ms;
    enum err e = wire_send(&x->channel, WIRE_VAULT, &m);
    buf_free(&q->evidence);
    v->first = (v->first + 1) % VERIFIERS_QUEUE;
    v->n--;
    if (e != OK)
        give_up(v, x, true, err_text(e));
}

enum err verifiers_ask(struct verifiers *v, uint64_t id, struct bytes evidence)
{
    if (v->n == VERIFIERS_QUEUE)
        return E_RATE;
    if (evidence.n > EVIDENCE_MAX)
        return E_TOO_LARGE;
    struct verifiers_question *q = &v->queue[(v->first + v->n) % VERIFIERS_QUEUE];
    *q = (struct verifiers_question){id, BUF_INIT(EVIDENCE_MAX)};
    TRY(buf_add(&q->evidence, evidence.p, evidence.n));
    v->n++;
    return OK;
}

enum err verifiers_turn(struct verifiers *v, struct now now)
{
    TRY(take_new(v));
    for (size_t i = 0; i < VERIFIERS; i++) {
        struct verifier *x = &v->at[i];
        if (!ipc_is_open(&x->channel))
            continue;
        if (x->has_question && now.mono_ms > x->asked_ms + VERIFIERS_PATIENCE_MS)
            give_up(v, x, true, "it takes too long");
        else if (!x->has_question && v->n)
            give_out(v, x, now);
    }
    return OK;
}

void verifiers_open(struct verifiers *v)
{
    for (size_t i = 0; i < VERIFIERS; i++)
        v->at[i].channel.fd = -1;
}

void verifiers_close(struct verifiers *v)
{
    for (size_t i = 0; i < VERIFIERS; i++)
        ipc_close(&v->at[i].channel);
    for (size_t i = 0; i < VERIFIERS_QUEUE; i++)
        buf_free(&v->queue[i].evidence);
    close(v->control);
}
