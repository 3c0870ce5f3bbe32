/* What the files of this folder share; nobody else includes it. */
#ifndef IO_LOOP_LOOP_INT_H
#define IO_LOOP_LOOP_INT_H

#include "io/loop/loop.h"

#include <uv.h>

/* One read from a socket, and the plaintext of at most one TLS record. */
#define READ_CHUNK   65536
#define RECORD_CHUNK 16384

struct loop {
    uv_loop_t uv;
    bool in_use; /* `wire` between libuv's alloc and read callbacks */
    uint8_t wire[READ_CHUNK];
    uint8_t plain[RECORD_CHUNK];
};

/* E_IO or E_NOMEM for a negative libuv status, OK otherwise. */
enum err uv_err(int status);

#endif
