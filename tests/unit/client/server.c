#include "server.h"
#include "base/codec/hex.h"
#include "test.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(cert, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

static void note_certificate(struct server *s, X509 *cert)
{
    uint8_t *der = NULL, *spki = NULL;
    int n = i2d_X509(cert, &der), m = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    s->cert = sha256(bytes(der, (size_t)n));
    s->spki = sha256(bytes(spki, (size_t)m));
    OPENSSL_free(der);
    OPENSSL_free(spki);
    strcpy(s->cert_file, "/tmp/guardian-cert-XXXXXX");
    FILE *f = fdopen(mkstemp(s->cert_file), "w");
    assert_true(PEM_write_X509(f, cert));
    fclose(f);
}

static SSL_CTX *make_tls(struct server *s)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = make_certificate(key);
    assert_true(SSL_CTX_use_certificate(ctx, cert) && SSL_CTX_use_PrivateKey(ctx, key));
    note_certificate(s, cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    return ctx;
}

static void exchange(int fd, SSL_CTX *ctx, const char *answer)
{
    char in[65536];
    SSL *ssl = ctx ? SSL_new(ctx) : NULL;
    if (ssl && (!SSL_set_fd(ssl, fd) || SSL_accept(ssl) != 1))
        goto out;
    if ((ssl ? SSL_read(ssl, in, sizeof in) : (int)read(fd, in, sizeof in)) <= 0)
        goto out;
    if (!answer)
        sleep(60);
    if (ssl) {
        SSL_write(ssl, answer, (int)strlen(answer));
        SSL_shutdown(ssl);
    } else if (write(fd, answer, strlen(answer)) < 0) {
        goto out;
    }
out:
    SSL_free(ssl);
    close(fd);
}

/* Until the client has had enough. */
static void export_on(int fd, SSL_CTX *ctx, const char *label)
{
    char in[65536], answer[256], hex[65];
    uint8_t exporter[32];
    SSL *ssl = SSL_new(ctx);
    if (!SSL_set_fd(ssl, fd) || SSL_accept(ssl) != 1)
        goto out;
    assert_int_equal(SSL_export_keying_material(ssl, exporter, sizeof exporter, label,
                                                strlen(label), NULL, 0, 0),
                     1);
    hex_encode(BYTES_OF(exporter), hex);
    snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n%s", hex);
    while (SSL_read(ssl, in, sizeof in) > 0)
        SSL_write(ssl, answer, (int)strlen(answer));
out:
    SSL_free(ssl);
    close(fd);
}

static int listen_at(struct server *s, bool tls)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    *s = (struct server){0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    snprintf(s->url, sizeof s->url, "%s://localhost:%u", tls ? "https" : "http",
             ntohs(at.sin_port));
    return fd;
}

/* The process that serves; 0 in it. */
static pid_t part(struct server *s)
{
    fflush(NULL);
    s->pid = fork();
    if (s->pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails in the parent */
    }
    return s->pid;
}

void server_start(struct server *s, bool tls, const char *answer)
{
    int fd = listen_at(s, tls);
    SSL_CTX *ctx = tls ? make_tls(s) : NULL;
    if (part(s) == 0)
        for (;;)
            exchange(accept(fd, NULL, NULL), ctx, answer);
    SSL_CTX_free(ctx);
    close(fd);
}

void server_start_exporting(struct server *s, int version, const char *label)
{
    int fd = listen_at(s, true);
    SSL_CTX *ctx = make_tls(s);
    SSL_CTX_set_max_proto_version(ctx, version);
    if (part(s) == 0)
        for (;;)
            export_on(accept(fd, NULL, NULL), ctx, label);
    SSL_CTX_free(ctx);
    close(fd);
}

void server_start_with(struct server *s, void (*respond)(void *ctx, const char *request, int fd),
                       void *ctx)
{
    static char request[65536];
    int fd = listen_at(s, false);
    bool in_child = part(s) == 0;
    while (in_child) {
        int to = accept(fd, NULL, NULL);
        ssize_t n = read(to, request, sizeof request - 1);
        request[n > 0 ? n : 0] = 0;
        respond(ctx, request, to);
        close(to);
    }
    close(fd);
}

void server_stop(struct server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    if (s->cert_file[0])
        unlink(s->cert_file);
}
