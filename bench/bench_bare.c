/*
 * What bench/cluster.py holds whole clusters against: one released key's JWE and TLS record, and
 * one block's signatures. `bench_bare BYTES`: the size of an answer as it was seen on the wire.
 */
#include "base/crypto/jwe.h"
#include "base/crypto/sig.h"
#include "bench.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORD_MAX = 16384 };

static void must(enum err e)
{
    if (e != OK)
        abort();
}

static void must_ssl(bool ok)
{
    if (!ok)
        abort();
}

/* --- one JWE of a 32-byte key -------------------------------------------------- */

struct release {
    struct p256_public to;
    struct buf jwk;
};

static void encrypt(void *ctx)
{
    struct release *r = ctx;
    struct buf out = BUF_INIT(1 << 14);
    must(jwe_encrypt(rng_system(), &r->to, buf_bytes(&r->jwk), &out));
    buf_free(&out);
}

static void measure_jwe(void)
{
    struct p256_secret secret;
    struct release r = {.jwk = BUF_INIT(JWK_MAX)};
    static const uint8_t key[32] = {7};
    must(p256_keygen(rng_system(), &secret, &r.to));
    must(jwk_oct_write(BYTES_OF(key), &r.jwk));
    bench_print_alone("jwe", (struct bench_side){encrypt, &r});
    buf_free(&r.jwk);
    p256_secret_wipe(&secret);
}

/* --- one TLS record: a connection in memory, its server writes ------------------- */

struct tls {
    SSL *server, *client;
    uint8_t answer[RECORD_MAX];
    int size;
};

static void write_record(void *ctx)
{
    struct tls *t = ctx;
    must_ssl(SSL_write(t->server, t->answer, t->size) == t->size);
    must_ssl(BIO_reset(SSL_get_wbio(t->server)) == 1);
}

static SSL *side(SSL_CTX *ctx)
{
    SSL *s = SSL_new(ctx);
    must_ssl(s && SSL_set_ciphersuites(s, "TLS_AES_128_GCM_SHA256") == 1);
    SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    return s;
}

/* All that one side has written goes to the other. */
static void carry(SSL *from, SSL *to)
{
    uint8_t wire[RECORD_MAX];
    for (int n; (n = BIO_read(SSL_get_wbio(from), wire, sizeof wire)) > 0;)
        must_ssl(BIO_write(SSL_get_rbio(to), wire, n) == n);
}

/* No certificate has a part in a record, so a shared key does. It wants SHA-256, hence AES-128. */
static unsigned psk_server(SSL *ssl, const char *identity, unsigned char *psk, unsigned max)
{
    memset(psk, 7, 32);
    return max < 32 ? 0 : 32;
}

static unsigned psk_client(SSL *ssl, const char *hint, char *identity, unsigned identity_max,
                           unsigned char *psk, unsigned max)
{
    snprintf(identity, identity_max, "bench");
    return psk_server(ssl, identity, psk, max);
}

static void connect_both(struct tls *t, SSL_CTX *server, SSL_CTX *client)
{
    SSL_CTX_set_psk_server_callback(server, psk_server);
    SSL_CTX_set_psk_client_callback(client, psk_client);
    t->server = side(server);
    t->client = side(client);
    SSL_set_accept_state(t->server);
    SSL_set_connect_state(t->client);
    for (int i = 0; i < 8; i++) {
        SSL_do_handshake(t->client);
        carry(t->client, t->server);
        SSL_do_handshake(t->server);
        carry(t->server, t->client);
    }
    must_ssl(SSL_is_init_finished(t->server) && SSL_is_init_finished(t->client));
}

static void measure_tls(int size)
{
    static struct tls t;
    SSL_CTX *server = SSL_CTX_new(TLS_server_method()), *client = SSL_CTX_new(TLS_client_method());
    must_ssl(server && client);
    t.size = size;
    connect_both(&t, server, client);
    bench_print_alone("tls record", (struct bench_side){write_record, &t});
    SSL_free(t.server);
    SSL_free(t.client);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

/* --- one signature ------------------------------------------------------------------ */

struct signing {
    struct sig_secret secret;
    struct sig_public public;
    struct signature signature;
};

static void sign(void *ctx)
{
    struct signing *s = ctx;
    s->signature = sig_sign(&s->secret, BYTES_OF("a vote"));
}

static void check(void *ctx)
{
    struct signing *s = ctx;
    must(sig_verify(&s->public, BYTES_OF("a vote"), &s->signature));
}

static void measure_signatures(void)
{
    struct signing s;
    sig_keygen(rng_system(), &s.secret, &s.public);
    bench_print_alone("sign", (struct bench_side){sign, &s});
    bench_print_alone("verify", (struct bench_side){check, &s});
    sig_secret_wipe(&s.secret);
}

int main(int argc, char **argv)
{
    int size = argc > 1 ? atoi(argv[1]) : 1024;
    if (size < 1 || size > RECORD_MAX)
        return 2;
    measure_jwe();
    measure_tls(size);
    measure_signatures();
    return 0;
}
