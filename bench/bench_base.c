/* What the ground floor adds to the primitives below it. */
#include "base/crypto/aead.h"
#include "base/crypto/hash.h"
#include "base/reader.h"
#include "base/writer.h"
#include "bench.h"

#include <sodium.h>
#include <stdlib.h>

enum { RECORD = 4096, FIELDS = 100 };
static uint8_t record[RECORD];
static struct secret32 key;

static void must(enum err e)
{
    if (e != OK)
        abort();
}

static void seal_ours(void *ctx)
{
    struct buf out = BUF_INIT(2 * RECORD);
    must(aead_seal(rng_system(), &key, BYTES_OF("place"), BYTES_OF(record), &out));
    buf_free(&out);
}

static void seal_bare(void *ctx)
{
    uint8_t nonce[24], out[RECORD + 16];
    randombytes_buf(nonce, sizeof nonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, record, RECORD, (const uint8_t *)"place",
                                               5, NULL, nonce, key.b);
}

static void hash_ours(void *ctx)
{
    struct thash h;
    thash_init(&h, "guardian/v1/bench");
    thash_add(&h, BYTES_OF(record));
    record[0] ^= thash_final(&h).b[0];
}

static void hash_bare(void *ctx)
{
    uint8_t out[64];
    crypto_hash_sha512(out, record, RECORD);
    record[0] ^= out[0];
}

/* A message of 100 numbers and texts, written and read. */
static void codec(void *ctx)
{
    struct buf out = BUF_INIT(1 << 16);
    struct writer w = writer(&out);
    for (uint32_t i = 0; i < FIELDS; i++) {
        wr_u32(&w, i);
        wr_var(&w, bytes(record, 32));
    }
    must(writer_end(&w));
    struct reader r = reader(buf_bytes(&out));
    for (uint32_t i = 0; i < FIELDS; i++) {
        record[0] ^= (uint8_t)rd_u32(&r);
        rd_var(&r, 32);
    }
    must(reader_end(&r, E_MALFORMED));
    buf_free(&out);
}

int main(void)
{
    must(sodium_init() < 0 ? E_INTERNAL : OK);
    bench_print(
        "seal a record of 4 KiB",
        bench_compare((struct bench_side){seal_ours, NULL}, (struct bench_side){seal_bare, NULL}),
        NULL);
    bench_print(
        "tagged hash of 4 KiB",
        bench_compare((struct bench_side){hash_ours, NULL}, (struct bench_side){hash_bare, NULL}),
        NULL);
    bench_print_alone("write and read 100 fields", (struct bench_side){codec, NULL});
    return 0;
}
