/* TLS as the files of this folder see it; nobody else includes it. */
#ifndef IO_LOOP_TLS_INT_H
#define IO_LOOP_TLS_INT_H

#include "io/loop/tls.h"

#include <openssl/ssl.h>

/* A connection's state over two memory BIOs, not yet handshaken. E_NOMEM. */
enum err tls_context_connection(struct tls_context *c, SSL **out);

struct tls_identity {
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
    struct buf leaf, spki;
};

#endif
