#include "prog/guardiand/verifiers.h"

#include "base/log.h"
#include "io/vault/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNUSABLE "it could not be judged: its verifier ended or did not answer"

static struct verifier *verifier_of(struct verifiers *v, const struct ipc *c)
{
    for (size_t i = 0; i < VERIFIERS; i++)
        if (&v->at[i].channel == c)
            return &v->at[i];
    return NULL;
}

/* --- an answer, or none ------------------------------------------------------------------------
 */

static void answer_for(struct verifiers *v, const struct verifier *x)
{
    const struct wire_judged judged = {.id = x->id, .e = E_FORMAT, .problem = {E_FORMAT, UNUSABLE}};
    const struct wire_inspected inspected = {
        .id = x->id, .e = E_FORMAT, .problem = {E_FORMAT, UNUSABLE}};
    if (x->is_object)
        v->inspected(v->ctx, &inspected);
    else
        v->judged(v->ctx, &judged);
}

/* The slot stays empty until a new verifier is passed. */
static void give_up(struct verifiers *v, struct verifier *x, bool is_alive, const char *why)
{
    uint8_t slot = (uint8_t)(x - v->at);
    bool had = x->has_question;
    log_warn("verifier %u is given up: %s", slot, why);
    ipc_loop_remove(v->loop, &x->channel);
    ipc_close(&x->channel);
    x->has_question = false;
    /* Only of one that lives: the slot of one that ended may have its successor already. */
    if (is_alive && send(v->control, &slot, 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
        log_debug("verifier %u: %s", slot, strerror(errno));
    if (had)
        answer_for(v, x);
}

static uint64_t answered(const struct wire *m)
{
    return m->type == WIRE_INSPECTED ? m->inspected.id : m->judged.id;
}

static void on_frame(void *ctx, struct ipc *c, const struct ipc_frame *frame)
{
    struct verifiers *v = ctx;
    struct verifier *x = verifier_of(v, c);
    struct wire m;
    enum err e = wire_decode(WIRE_VERIFY, WIRE_VAULT, frame->type, frame->body, &m);
    enum wire_type expected = x->is_object ? WIRE_INSPECTED : WIRE_JUDGED;
    if (e != OK || !x->has_question || m.type != expected || answered(&m) != x->id) {
        give_up(v, x, true, "it gave an answer to no question");
        return;
    }
    if (!x->is_object && m.judged.e == OK && !evidence_peek_agrees(&x->seen, &m.judged.claims)) {
        give_up(v, x, true, "its claims are not what the evidence says");
        return;
    }
    x->has_question = false;
    if (x->is_object)
        v->inspected(v->ctx, &m.inspected);
    else
        v->judged(v->ctx, &m.judged);
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
    x->given = 0;
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

static void question_free(struct verifiers_question *q)
{
    buf_free(&q->body);
    buf_free(&q->chain);
}

static struct wire wire_of(const struct verifiers_question *q, struct now now)
{
    uint64_t unix_s = now.unix_ms / 1000;
    struct bytes body = buf_bytes(&q->body);
    if (!q->is_object)
        return (struct wire){WIRE_JUDGE, .judge = {q->id, unix_s, body}};
    return (struct wire){WIRE_INSPECT,
                         .inspect = {q->id, unix_s, q->object, body, buf_bytes(&q->chain)}};
}

/* What changed since it was last given something. */
static enum err give_held(struct verifiers *v, struct verifier *x)
{
    for (uint32_t i = 0; i < WIRE_SLOTS; i++) {
        const struct verifiers_held *h = &v->held[i];
        struct wire m = {WIRE_HOLD, .hold = {i, buf_bytes(&h->body), buf_bytes(&h->chain)}};
        if (h->change > x->given)
            TRY(wire_send(&x->channel, WIRE_VAULT, &m));
    }
    x->given = v->change;
    return OK;
}

static void give_out(struct verifiers *v, struct verifier *x, struct now now)
{
    struct verifiers_question *q = &v->queue[v->first];
    struct wire m = wire_of(q, now);
    x->has_question = true;
    x->is_object = q->is_object;
    x->seen = q->seen;
    x->id = q->id;
    x->asked_ms = now.mono_ms;
    enum err e = give_held(v, x);
    if (e == OK)
        e = wire_send(&x->channel, WIRE_VAULT, &m);
    question_free(q);
    v->first = (v->first + 1) % VERIFIERS_QUEUE;
    v->n--;
    if (e != OK)
        give_up(v, x, true, err_text(e));
}

static enum err enqueue(struct verifiers *v, struct verifiers_question q, struct bytes body,
                        struct bytes chain)
{
    if (v->n == VERIFIERS_QUEUE)
        return E_RATE;
    enum err e = buf_add(&q.body, body.p, body.n);
    if (e == OK)
        e = buf_add(&q.chain, chain.p, chain.n);
    if (e != OK) {
        question_free(&q);
        return e;
    }
    v->queue[(v->first + v->n++) % VERIFIERS_QUEUE] = q;
    return OK;
}

enum err verifiers_ask(struct verifiers *v, uint64_t id, struct bytes evidence)
{
    struct verifiers_question q = {
        .id = id, .seen = evidence_peek(evidence), .body = BUF_INIT(EVIDENCE_MAX)};
    return enqueue(v, q, evidence, BYTES_NONE);
}

enum err verifiers_inspect(struct verifiers *v, uint64_t id, const struct vendor_object *object,
                           struct bytes body, struct bytes chain)
{
    struct verifiers_question q = {.id = id,
                                   .is_object = true,
                                   .object = *object,
                                   .body = BUF_INIT(WIRE_OBJECT_MAX),
                                   .chain = BUF_INIT(WIRE_CHAIN_MAX)};
    return enqueue(v, q, body, chain);
}

enum err verifiers_hold(struct verifiers *v, uint32_t slot, struct bytes body, struct bytes chain)
{
    struct verifiers_held new = {BUF_INIT(WIRE_OBJECT_MAX), BUF_INIT(WIRE_CHAIN_MAX),
                                 v->change + 1};
    enum err e = buf_add(&new.body, body.p, body.n);
    if (e == OK)
        e = buf_add(&new.chain, chain.p, chain.n);
    struct verifiers_held *old = &v->held[slot], unused = e == OK ? *old : new;
    if (e == OK) {
        *old = new;
        v->change++;
    }
    buf_free(&unused.body);
    buf_free(&unused.chain);
    return e;
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
        question_free(&v->queue[i]);
    for (size_t i = 0; i < WIRE_SLOTS; i++) {
        buf_free(&v->held[i].body);
        buf_free(&v->held[i].chain);
    }
    close(v->control);
}
