/*
 * The whole node process, with this test in vault's place: its channel is real,
 * and so are its sockets, its disk and its sandbox.
 */
#include "../collateral/service.h"
#include "base/codec/pem.h"
#include "io/ipc/ipc.h"
#include "io/loop/stream.h"
#include "prog/guardiand/node_wire.h"
#include "prog/guardiand/proc_node.h"
#include "test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 30000

struct node_under_test {
    struct config config;
    struct ipc vault;
    pid_t pid;
};

static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void set_address(struct config_address *a)
{
    strcpy(a->host, "127.0.0.1");
    a->port = free_port();
}

static void node_start(struct node_under_test *t)
{
    int ends[2];
    assert_ok(ipc_pair(ends));
    fflush(NULL);
    t->pid = fork();
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        close(ends[0]);
        log_open("node", LOG_LEVEL_ERROR);
        _exit(proc_node_run(&t->config, ends[1]));
    }
    close(ends[1]);
    assert_ok(ipc_open(&t->vault, ends[0]));
}

static void node_prepare(struct node_under_test *t)
{
    *t = (struct node_under_test){0};
    strcpy(t->config.data, "/tmp/node-test-XXXXXX");
    assert_non_null(mkdtemp(t->config.data));
    set_address(&t->config.api);
    set_address(&t->config.peers);
    set_address(&t->config.observability);
}

/* Waits for the next frame and says its type; the body is valid until the next call. */
static struct ipc_frame next_frame(struct node_under_test *t)
{
    struct ipc_frame frame;
    while (!ipc_next_frame(&t->vault, &frame)) {
        struct pollfd p = {.fd = ipc_fd(&t->vault), .events = ipc_events(&t->vault)};
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        assert_ok(ipc_flush(&t->vault));
        if (p.revents & (POLLIN | POLLHUP))
            assert_ok(ipc_pump(&t->vault));
    }
    assert_true(node_frame_allowed(frame.type, FROM_NODE));
    return frame;
}

static struct bytes expect_frame(struct node_under_test *t, enum node_frame type)
{
    struct ipc_frame frame = next_frame(t);
    assert_string_equal(node_frame_name(frame.type), node_frame_name((uint8_t)type));
    return frame.body;
}

static void say(struct node_under_test *t, enum node_frame type, enum err encoded, struct buf *body)
{
    assert_ok(encoded);
    assert_ok(ipc_send(&t->vault, (uint8_t)type, buf_bytes(body)));
    assert_ok(ipc_flush(&t->vault));
    buf_free(body);
}

#define SAY(t, symbol, type, ...)                                    \
    do {                                                             \
        struct wire_##type say_ = __VA_ARGS__;                       \
        struct buf body_ = BUF_INIT(IPC_BODY_MAX);                   \
        say(t, symbol, wire_##type##_encode(&say_, &body_), &body_); \
    } while (0)

static void node_greet(struct node_under_test *t)
{
    node_start(t);
    assert_true(expect_frame(t, WIRE_API_KEY).n > 60);
    expect_frame(t, WIRE_START);
}

static int wait_status(struct node_under_test *t)
{
    int status;
    pid_t pid = t->pid;
    t->pid = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void node_kill(struct node_under_test *t)
{
    kill(t->pid, SIGKILL);
    assert_int_equal(wait_status(t), -SIGKILL);
    ipc_close(&t->vault);
}

static void node_remove(struct node_under_test *t)
{
    if (t->pid)
        node_kill(t);
    ipc_close(&t->vault);
    DIR *folder = opendir(t->config.data);
    assert_non_null(folder);
    for (struct dirent *file; (file = readdir(folder));)
        unlinkat(dirfd(folder), file->d_name, 0); /* "." and ".." refuse */
    closedir(folder);
    assert_int_equal(rmdir(t->config.data), 0);
}

/* --- a plain client, blocking --- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {PATIENCE_MS / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_port = htons(port);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

/* Reads until the text has come, or the end. */
static void expect_text(int fd, const char *text)
{
    static char in[65536];
    size_t n = 0;
    in[0] = 0;
    while (!strstr(in, text) && n < sizeof in - 1) {
        ssize_t got = recv(fd, in + n, sizeof in - 1 - n, 0);
        if (got <= 0)
            fail_msg("expected %s, got %s", text, in);
        n += (size_t)got;
        in[n] = 0;
    }
}

#define ASK(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* --- tests --- */

static void vault_may_not_say_what_is_nodes_to_say(void **state)
{
    struct node_under_test t;
    node_prepare(&t);
    node_greet(&t);
    SAY(&t, WIRE_STORED, stored, {1});
    assert_int_equal(wait_status(&t), 1);
    node_remove(&t);
}

static void a_frame_vault_breaks_ends_node(void **state)
{
    struct node_under_test t;
    node_prepare(&t);
    node_greet(&t);
    assert_ok(ipc_send(&t.vault, WIRE_STORE, bytes_str("x")));
    assert_ok(ipc_flush(&t.vault));
    assert_int_equal(wait_status(&t), 1);
    node_remove(&t);
}

static void node_ends_with_vault(void **state)
{
    struct node_under_test t;
    node_prepare(&t);
    node_greet(&t);
    ipc_close(&t.vault);
    assert_int_equal(wait_status(&t), 1);
    node_remove(&t);
}

static void expect_record(struct node_under_test *t, uint8_t kind, uint64_t number,
                          const char *sealed)
{
    struct wire_record r;
    assert_ok(wire_record_decode(expect_frame(t, WIRE_RECORD), &r));
    assert_int_equal(r.kind, kind);
    assert_int_equal(r.number, number);
    assert_true(bytes_eq(r.sealed, bytes_str(sealed)));
}

static void what_was_acknowledged_is_there_after_a_kill(void **state)
{
    struct node_under_test t;
    struct wire_stored stored;
    node_prepare(&t);
    node_greet(&t);
    SAY(&t, WIRE_STORE, record, {1, 5, 300, bytes_str("block 300")});
    SAY(&t, WIRE_STORE, record, {2, 5, 2, bytes_str("block 2")});
    SAY(&t, WIRE_STORE, record, {3, 2, 0, bytes_str("old")});
    SAY(&t, WIRE_STORE, record, {4, 2, 0, bytes_str("new")});
    for (uint64_t token = 1; token <= 4; token++) {
        assert_ok(wire_stored_decode(expect_frame(&t, WIRE_STORED), &stored));
        assert_int_equal(stored.token, token);
    }
    node_kill(&t);
    node_start(&t);
    expect_record(&t, 2, 0, "new");
    expect_record(&t, 5, 2, "block 2");
    expect_record(&t, 5, 300, "block 300");
    expect_frame(&t, WIRE_API_KEY);
    expect_frame(&t, WIRE_START);
    node_remove(&t);
}

static void node_answers_alone_what_is_its_own(void **state)
{
    struct node_under_test t;
    node_prepare(&t);
    node_greet(&t);
    int fd = connect_to(t.config.observability.port);
    send_text(fd, ASK("/nothing"));
    expect_text(fd, "\"code\":\"NotFound\"");
    send_text(fd, "DELETE /health HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_text(fd, "\r\nAllow: GET\r\n");
    send_text(fd, ASK("/openapi.json"));
    expect_text(fd, "\"openapi\":\"3.1.0\"");
    send_text(fd, ASK("/metrics"));
    expect_text(fd, "\nguardian_http_refused_total 2\n");
    close(fd);
    node_remove(&t);
}

static void vault_answers_the_rest_under_the_same_request_id(void **state)
{
    struct node_under_test t;
    struct wire_request rq;
    char id[64];
    node_prepare(&t);
    node_greet(&t);
    int fd = connect_to(t.config.observability.port);
    send_text(fd, ASK("/peers/by-ip/%3A:1"));
    assert_ok(wire_request_decode(expect_frame(&t, WIRE_REQUEST), &rq));
    assert_string_equal(rq.route, "peers.by_ip");
    assert_int_equal(rq.n_params, 1);
    assert_true(bytes_eq(rq.params[0], bytes_str("::1")));
    assert_int_equal(rq.client.n, 0);
    assert_true(bytes_is_zero(BYTES_OF(rq.exporter)));
    SAY(&t, WIRE_REPLY, reply, {rq.id + 1, 200, "text/plain", bytes_str("for nobody")});
    SAY(&t, WIRE_REPLY, reply, {rq.id, 503, "application/json", bytes_str("{}")});
    snprintf(id, sizeof id, "X-Request-Id: %llx\r\nRetry-After: ", (unsigned long long)rq.id);
    expect_text(fd, id);
    close(fd);
    node_remove(&t);
}

static void a_client_that_vanished_is_forgotten(void **state)
{
    struct node_under_test t;
    struct wire_request rq;
    node_prepare(&t);
    node_greet(&t);
    int gone = connect_to(t.config.observability.port);
    send_text(gone, ASK("/health"));
    assert_ok(wire_request_decode(expect_frame(&t, WIRE_REQUEST), &rq));
    close(gone);
    int fd = connect_to(t.config.observability.port);
    for (int i = 0; i < 1000; i++) { /* until node has seen it */
        static const char none[] = "\nguardian_http_waiting 0\n";
        char in[16384];
        send_text(fd, ASK("/metrics"));
        size_t n = 0;
        do {
            ssize_t got = recv(fd, in + n, sizeof in - 1 - n, 0);
            assert_true(got > 0);
            n += (size_t)got;
            in[n] = 0;
        } while (!strstr(in, "\nguardian_disk_transactions_total "));
        if (strstr(in, none))
            break;
        assert_true(i < 999);
        usleep(1000);
    }
    SAY(&t, WIRE_REPLY, reply, {rq.id, 200, "text/plain", bytes_str("too late")});
    close(fd);
    node_remove(&t);
}

/* --- the API, under TLS --- */

struct client {
    struct stream *stream;
    struct buf in;
    bool opened, closed;
    const char *wanted;
};

static void client_opened(void *ctx, struct stream *s)
{
    ((struct client *)ctx)->opened = true;
}

static void client_data(void *ctx, struct stream *s, struct bytes in)
{
    assert_ok(buf_add(&((struct client *)ctx)->in, in.p, in.n));
}

static void client_closed(void *ctx, enum err why, const char *detail)
{
    struct client *c = ctx;
    c->closed = true;
    c->stream = NULL;
}

static const struct stream_handler client_handler = {client_opened, client_data, NULL,
                                                     client_closed};

static bool is_true(void *flag)
{
    return *(bool *)flag;
}

static bool has_wanted(void *ctx)
{
    const struct client *c = ctx;
    return c->in.n && memmem(c->in.p, c->in.n, c->wanted, strlen(c->wanted));
}

static void client_connect(struct loop *l, struct client *c, uint16_t port, struct tls_context *tls)
{
    struct dial_config dial = {"127.0.0.1", port, tls, {PATIENCE_MS, 1 << 20}};
    *c = (struct client){.in = BUF_INIT(1 << 20)};
    assert_ok(stream_connect(l, &dial, &client_handler, c, &c->stream));
    assert_true(loop_run_until(l, is_true, &c->opened, PATIENCE_MS));
}

static void client_free(struct client *c)
{
    if (c->stream)
        stream_close(c->stream);
    buf_free(&c->in);
}

/* A new chain for the same key: its own certificate, and once more in the issuer's place. */
static void serve_twice_the_same(struct node_under_test *t, const struct stream *s)
{
    struct buf pem = BUF_INIT(8192);
    struct wire_record record;
    struct wire_stored stored;
    for (int i = 0; i < 2; i++)
        assert_ok(pem_write("CERTIFICATE", stream_peer_certificate(s, 0), &pem));
    SAY(t, WIRE_SERVE, blob, {buf_bytes(&pem)});
    record = (struct wire_record){9, 1, 1, bytes_str("x")};
    SAY(t, WIRE_STORE, record, record); /* answered after the chain has changed */
    assert_ok(wire_stored_decode(expect_frame(t, WIRE_STORED), &stored));
    buf_free(&pem);
}

static void the_api_hands_up_certificate_and_exporter_and_changes_its_chain(void **state)
{
    struct node_under_test t;
    struct loop *l;
    struct tls_identity *id;
    struct tls_context *tls;
    struct tls_config config = {.side = TLS_CLIENT, .alpn = "http/1.1"};
    struct client c, later;
    struct wire_request rq;
    uint8_t exporter[BINDING_EXPORTER_SIZE];
    node_prepare(&t);
    node_greet(&t);
    assert_ok(loop_open(&l));
    assert_ok(tls_identity_self_signed("workload", &id));
    assert_ok(tls_context_open(&config, id, &tls));
    client_connect(l, &c, t.config.api.port, tls);
    assert_ok(stream_write(c.stream, bytes_str(ASK("/keys/k8s/a/b?version=2"))));
    assert_ok(wire_request_decode(expect_frame(&t, WIRE_REQUEST), &rq));
    assert_string_equal(rq.route, "keys.release");
    assert_true(bytes_eq(rq.params[1], bytes_str("a/b")));
    assert_true(bytes_eq(rq.query, bytes_str("version=2")));
    assert_true(bytes_eq(rq.client, tls_identity_leaf(id)));
    assert_ok(stream_export(c.stream, BINDING_EXPORTER_LABEL, exporter, sizeof exporter));
    assert_memory_equal(rq.exporter, exporter, sizeof exporter);
    SAY(&t, WIRE_REPLY, reply, {rq.id, 200, "application/json", bytes_str("{\"a\":1}")});
    c.wanted = "{\"a\":1}";
    assert_true(loop_run_until(l, has_wanted, &c, PATIENCE_MS));
    serve_twice_the_same(&t, c.stream);
    client_connect(l, &later, t.config.api.port, tls);
    assert_int_equal(stream_peer_certificates(c.stream), 1);
    assert_int_equal(stream_peer_certificates(later.stream), 2);
    client_free(&later);
    SAY(&t, WIRE_SERVE, blob, {bytes_str("no certificate")});
    assert_int_equal(wait_status(&t), 1); /* vault does not make such */
    client_free(&c);
    loop_close(l);
    tls_context_close(tls);
    tls_identity_free(id);
    node_remove(&t);
}

/* --- links --- */

static void links_carry_frames_between_two_vaults(void **state)
{
    struct node_under_test a, b;
    struct wire_link at_a, at_b;
    struct wire_message m;
    node_prepare(&a);
    node_prepare(&b);
    node_greet(&a);
    node_greet(&b);
    struct wire_peers peers = {.n = 1, .peers = {{"127.0.0.1", b.config.peers.port}}};
    SAY(&a, WIRE_PEERS, peers, peers);
    assert_ok(wire_link_decode(expect_frame(&a, WIRE_LINK_OPEN), &at_a));
    assert_ok(wire_link_decode(expect_frame(&b, WIRE_LINK_OPEN), &at_b));
    assert_true(at_a.dialled && !at_b.dialled);
    assert_memory_equal(at_a.exporter, at_b.exporter, sizeof at_a.exporter);
    SAY(&a, WIRE_TRUST, message, {at_a.link, BYTES_NONE});
    SAY(&b, WIRE_TRUST, message, {at_b.link, BYTES_NONE});
    SAY(&a, WIRE_SEND, message, {at_a.link, bytes_str("hello")});
    assert_ok(wire_message_decode(expect_frame(&b, WIRE_LINK_MESSAGE), &m));
    assert_int_equal(m.link, at_b.link);
    assert_true(bytes_eq(m.data, bytes_str("hello")));
    SAY(&b, WIRE_CLOSE, message, {at_b.link, bytes_str("enough")});
    assert_ok(wire_message_decode(expect_frame(&a, WIRE_LINK_CLOSED), &m));
    assert_int_equal(m.link, at_a.link);
    assert_ok(wire_link_decode(expect_frame(&a, WIRE_LINK_OPEN), &at_a)); /* dialled again */
    peers.n = 0;
    SAY(&a, WIRE_PEERS, peers, peers); /* and no longer */
    expect_frame(&b, WIRE_LINK_OPEN);
    expect_frame(&b, WIRE_LINK_CLOSED);
    node_remove(&a);
    node_remove(&b);
}

/* One answer as the registry gives it, then the end. */
static void answer_as_registry(int listening, uint16_t peer_port)
{
    char request[4096], body[200], answer[500];
    int fd = accept(listening, NULL, NULL);
    assert_true(fd >= 0);
    assert_true(recv(fd, request, sizeof request, 0) > 0);
    assert_memory_equal(request, "GET /nodes?namespace=guardian ", 30);
    snprintf(body, sizeof body,
             "{\"nodes\":[{\"ip_address\":\"127.0.0.1\",\"raft_port\":%u,\"api_port\":1}]}",
             peer_port);
    snprintf(answer, sizeof answer,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s",
             strlen(body), body);
    send_text(fd, answer);
    close(fd);
}

static void addresses_come_from_the_registry_too(void **state)
{
    struct node_under_test a, b;
    struct wire_link link;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(free_port())};
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 5), 0);
    node_prepare(&a);
    node_prepare(&b);
    snprintf(a.config.registry_url, sizeof a.config.registry_url, "http://127.0.0.1:%u",
             ntohs(address.sin_port));
    strcpy(a.config.registry_namespace, "guardian");
    node_greet(&b);
    node_greet(&a);
    answer_as_registry(listening, b.config.peers.port);
    assert_ok(wire_link_decode(expect_frame(&a, WIRE_LINK_OPEN), &link));
    assert_true(link.dialled);
    expect_frame(&b, WIRE_LINK_OPEN);
    close(listening);
    node_remove(&a);
    node_remove(&b);
}

static void node_answers_what_is_open_before_it_ends(void **state)
{
    struct node_under_test t;
    struct wire_request rq;
    node_prepare(&t);
    node_greet(&t);
    int fd = connect_to(t.config.observability.port);
    send_text(fd, ASK("/health"));
    assert_ok(wire_request_decode(expect_frame(&t, WIRE_REQUEST), &rq));
    kill(t.pid, SIGTERM);
    usleep(50000); /* the answer finds it draining, most of the time */
    SAY(&t, WIRE_REPLY, reply, {rq.id, 200, "application/json", bytes_str("{\"ok\":1}")});
    expect_text(fd, "{\"ok\":1}");
    close(fd);
    assert_int_equal(wait_status(&t), 0);
    node_remove(&t);
}

static struct wire_fetched fetch(struct node_under_test *t, struct vendor_object object)
{
    struct wire_fetched m;
    SAY(t, WIRE_FETCH, fetch, {7, object});
    assert_ok(wire_fetched_decode(expect_frame(t, WIRE_FETCHED), &m));
    assert_int_equal(m.slot, 7);
    return m;
}

static void an_object_is_fetched_from_its_vendors_service(void **state)
{
    struct node_under_test t;
    struct service service = {.n = 0};
    service_add(&service, (struct service_answer){"/vcek/v1/Milan/crl", SERVICE_OK,
                                                  bytes("\x30\x81\x01\x02\x03", 5)});
    service_add(&service, (struct service_answer){"/vcek/v1/Genoa/crl",
                                                  "HTTP/1.1 429 No\r\nRetry-After: 9\r\n"});
    service_start(&service);
    node_prepare(&t);
    strcpy(t.config.collateral.kds_url, service.server.url);
    node_greet(&t);
    struct vendor_object list = {.kind = OBJECT_SNP_CRL, .product = SNP_MILAN};
    struct wire_fetched m = fetch(&t, list);
    assert_int_equal(m.e, OK);
    assert_int_equal(m.body.n, 5);
    list.product = SNP_GENOA;
    m = fetch(&t, list);
    assert_int_equal(m.e, E_RATE);
    assert_int_equal(m.retry_after_s, 9);
    assert_int_equal(m.body.n, 0);
    list.product = SNP_TURIN;
    m = fetch(&t, list);
    assert_int_equal(m.e, E_NOT_FOUND);
    assert_true(m.why.n > 20);
    node_remove(&t);
    service_stop(&service);
}

static void put_file(const char *folder, const char *name, const char *text)
{
    char path[CONFIG_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void a_folder_is_told_when_it_changes(void **state)
{
    struct node_under_test t;
    static struct wire_folder m;
    char folder[] = "/tmp/node-folder-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    node_prepare(&t);
    strcpy(t.config.collateral.directory, folder);
    put_file(folder, "a", "one");
    node_greet(&t);
    assert_ok(wire_folder_decode(expect_frame(&t, WIRE_FOLDER), &m));
    assert_int_equal(m.n, 1);
    assert_true(bytes_eq(m.files[0], bytes_str("one")));
    put_file(folder, "0", "zero");
    assert_ok(wire_folder_decode(expect_frame(&t, WIRE_FOLDER), &m));
    assert_int_equal(m.n, 2);
    assert_true(bytes_eq(m.files[0], bytes_str("zero")));
    node_remove(&t);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vault_may_not_say_what_is_nodes_to_say),
        cmocka_unit_test(a_frame_vault_breaks_ends_node),
        cmocka_unit_test(node_ends_with_vault),
        cmocka_unit_test(what_was_acknowledged_is_there_after_a_kill),
        cmocka_unit_test(node_answers_alone_what_is_its_own),
        cmocka_unit_test(vault_answers_the_rest_under_the_same_request_id),
        cmocka_unit_test(a_client_that_vanished_is_forgotten),
        cmocka_unit_test(links_carry_frames_between_two_vaults),
        cmocka_unit_test(addresses_come_from_the_registry_too),
        cmocka_unit_test(an_object_is_fetched_from_its_vendors_service),
        cmocka_unit_test(a_folder_is_told_when_it_changes),
        cmocka_unit_test(node_answers_what_is_open_before_it_ends),
        /* Last: this process uses libuv from here on, and forks no more. */
        cmocka_unit_test(the_api_hands_up_certificate_and_exporter_and_changes_its_chain),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
