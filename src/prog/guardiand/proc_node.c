#include "prog/guardiand/proc_node.h"

#include "base/log.h"
#include "io/sandbox/sandbox.h"
#include "prog/guardiand/node_int.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

/* For open requests after SIGTERM; a vault that answers does so in less. */
#define DRAIN_MS 5000

void node_fail(struct node *n, const char *format, ...)
{
    char text[300];
    va_list args;
    if (n->exit_code != 0)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_error("%s", text);
    n->exit_code = 1;
    loop_stop(n->loop);
}

/* --- the channel to vault --- */

static void watch_vault(struct node *n)
{
    short events = ipc_events(&n->vault);
    if (ipc_is_open(&n->vault))
        watch_want(n->vault_watch, events & POLLIN, events & POLLOUT);
}

static void lose_vault(struct node *n)
{
    watch_close(n->vault_watch);
    n->vault_watch = NULL;
    if (!n->stopping)
        node_fail(n, "vault is gone");
    loop_stop(n->loop);
}

static void flush_vault(struct node *n)
{
    if (ipc_flush(&n->vault) == OK)
        watch_vault(n);
    else
        lose_vault(n);
}

enum err node_say(struct node *n, enum node_frame type, enum err encoded, struct buf *body)
{
    enum err e = encoded;
    if (e == OK)
        e = ipc_send(&n->vault, (uint8_t)type, buf_bytes(body));
    buf_free(body);
    if (e == OK && n->vault_watch)
        flush_vault(n);
    return e;
}

void node_must_say(struct node *n, enum node_frame type, enum err encoded, struct buf *body)
{
    enum err e = node_say(n, type, encoded, body);
    if (e != OK)
        node_fail(n, "%s cannot be told to vault: %s", node_frame_name((uint8_t)type), err_text(e));
}

/* Everything vault may ask of node: one line each, and nothing else. */
static const struct {
    enum node_frame type;
    enum err (*handle)(struct node *n, struct bytes frame);
} requests[] = {
    {WIRE_SEND, node_links_send},   {WIRE_CLOSE, node_links_shut},
    {WIRE_TRUST, node_links_trust}, {WIRE_STORE, node_store_keep},
    {WIRE_REPLY, node_http_reply},  {WIRE_SERVE, node_http_serve},
    {WIRE_PEERS, node_links_peers}, {WIRE_FETCH, node_collateral_fetch},
};

static void dispatch(struct node *n, const struct ipc_frame *frame)
{
    enum err e = E_NOT_ALLOWED;
    if (node_frame_allowed(frame->type, FROM_VAULT))
        for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
            if (requests[i].type == (enum node_frame)frame->type)
                e = requests[i].handle(n, frame->body);
    if (e != OK)
        node_fail(n, "vault said %s (%u): %s", node_frame_name(frame->type), frame->type,
                  err_text(e));
}

static void vault_ready(void *ctx, bool readable, bool writable)
{
    struct node *n = ctx;
    struct ipc_frame frame;
    enum err e = readable ? ipc_pump(&n->vault) : OK;
    while (n->exit_code == 0 && ipc_next_frame(&n->vault, &frame))
        dispatch(n, &frame);
    if (e == OK && ipc_is_open(&n->vault))
        flush_vault(n);
    else if (n->vault_watch)
        lose_vault(n);
}

/* --- the end --- */

static void drained(void *ctx)
{
    struct node *n = ctx;
    if (--n->draining == 0)
        loop_stop(n->loop);
}

static void drained_too_late(void *ctx)
{
    loop_stop(((struct node *)ctx)->loop);
}

static void stop(void *ctx, int signal)
{
    struct node *n = ctx;
    if (n->stopping)
        return;
    log_info("signal=%d, requests=%zu are answered, then it ends", signal, n->n_waiting);
    n->stopping = true;
    n->draining = 2;
    node_http_drain(n, drained);
    timer_start(n->drain_timer, DRAIN_MS);
}

/* --- the beginning --- */

static enum err open_all(struct node *n, int vault_fd)
{
    TRY(ipc_open(&n->vault, vault_fd));
    TRY(loop_open(&n->loop));
    TRY(node_store_open(n));
    TRY(node_http_open(n));
    TRY(node_links_open(n));
    TRY(node_registry_open(n));
    TRY(node_collateral_open(n));
    TRY(timer_open(n->loop, drained_too_late, n, &n->drain_timer));
    TRY(signal_open(n->loop, SIGTERM, stop, n, &n->terminate));
    return signal_open(n->loop, SIGINT, stop, n, &n->interrupt);
}

static enum err introduce(struct node *n)
{
    struct wire_blob key = {tls_identity_spki(n->api_id)}, nothing = {BYTES_NONE};
    struct buf body = BUF_INIT(4096);
    node_store_tell(n);
    node_must_say(n, WIRE_API_KEY, wire_blob_encode(&key, &body), &body);
    node_must_say(n, WIRE_START, wire_blob_encode(&nothing, &body), &body);
    if (n->exit_code != 0)
        return E_IO;
    n->vault_poll = fcntl(ipc_fd(&n->vault), F_DUPFD_CLOEXEC, 0);
    if (n->vault_poll < 0)
        return E_IO;
    TRY(watch_open(n->loop, n->vault_poll, vault_ready, n, &n->vault_watch));
    flush_vault(n);
    return OK;
}

static void close_all(struct node *n)
{
    if (!n->loop)
        return;
    n->stopping = true;
    node_http_close(n);
    node_links_close(n);
    node_registry_close(n);
    node_collateral_close(n);
    node_store_close(n);
    watch_close(n->vault_watch);
    timer_close(n->drain_timer);
    signal_close(n->terminate);
    signal_close(n->interrupt);
    loop_close(n->loop);
    node_registry_free(n);
    node_collateral_free(n);
    if (n->vault_poll >= 0)
        close(n->vault_poll);
    ipc_close(&n->vault);
}

static enum err confine(int vault_fd)
{
    struct sandbox_options options = {.keep = &vault_fd, .n_keep = 1};
    struct sandbox_report report;
    struct problem p = {0};
    enum err e = sandbox_enter(SANDBOX_NODE, &options, &report, &p);
    if (e != OK)
        log_error("sandbox: %s", problem_text(&p));
    return e;
}

int proc_node_run(const struct config *config, int vault_fd)
{
    struct node *n = calloc(1, sizeof *n);
    signal(SIGPIPE, SIG_IGN);
    if (!n || confine(vault_fd) != OK) {
        free(n);
        return 1;
    }
    n->config = config;
    n->rng = rng_system();
    n->vault_poll = -1;
    enum err e = open_all(n, vault_fd);
    if (e == OK)
        e = introduce(n);
    if (e == OK) {
        log_info("node serves api=%u peers=%u observability=%u", http_server_port(n->api),
                 peers_port(n->peers), http_server_port(n->observe));
        loop_run(n->loop);
    }
    int code = e != OK ? 1 : n->exit_code;
    close_all(n);
    free(n);
    return code;
}
