#include "prog/guardian/admin_key.h"
#include "base/codec/b64.h"
#include "prog/guardian/files.h"

static const char pem_begin[] = "-----BEGIN PRIVATE KEY-----\n";
static const char pem_end[] = "\n-----END PRIVATE KEY-----\n";
#define PEM_BODY 64 /* base64 of 48 bytes */
#define PEM_SIZE (sizeof pem_begin - 1 + PEM_BODY + sizeof pem_end - 1)

/* PrivateKeyInfo version 0, id-Ed25519 (1.3.101.112), OCTET STRING in OCTET STRING, then the seed.
 */
static const uint8_t der_head[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                     0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

struct admin_id admin_id_of(const struct sig_public *public)
{
    struct admin_id id;
    struct hash32 h = sha256(BYTES_OF(public->b));
    memcpy(id.b, h.b, sizeof id.b);
    return id;
}

static void complete(struct admin_key *key, const uint8_t seed[static 32])
{
    sig_from_seed(seed, &key->secret, &key->public);
    key->id = admin_id_of(&key->public);
}

void admin_key_make(struct rng rng, struct admin_key *key)
{
    SECRET_AUTO seed;
    rng_fill(rng, seed.b, sizeof seed.b);
    complete(key, seed.b);
}

enum err admin_key_encode(const struct admin_key *key, struct buf *out)
{
    uint8_t der[48];
    memcpy(der, der_head, sizeof der_head);
    memcpy(der + sizeof der_head, key->secret.b, 32);
    enum err e = buf_add(out, pem_begin, strlen(pem_begin));
    if (e == OK)
        e = b64_encode(B64_STANDARD, BYTES_OF(der), out);
    if (e == OK)
        e = buf_add(out, pem_end, strlen(pem_end));
    wipe(der, sizeof der);
    return e;
}

enum err admin_key_decode(struct bytes pem, struct admin_key *key)
{
    struct buf der = BUF_INIT(PEM_BODY);
    enum err e = E_MALFORMED;
    admin_key_wipe(key);
    if (pem.n != PEM_SIZE || memcmp(pem.p, pem_begin, strlen(pem_begin)) != 0 ||
        memcmp(pem.p + pem.n - strlen(pem_end), pem_end, strlen(pem_end)) != 0)
        goto out;
    TRY_OUT(b64_decode(B64_STANDARD, bytes(pem.p + strlen(pem_begin), PEM_BODY), &der));
    if (der.n != 48 || memcmp(der.p, der_head, sizeof der_head) != 0) {
        e = E_MALFORMED;
        goto out;
    }
    complete(key, der.p + sizeof der_head);
out:
    buf_free(&der);
    return e;
}

enum err admin_key_load(const char *path, struct admin_key *key, struct problem *p)
{
    struct buf pem = BUF_INIT(4096);
    enum err e = file_read_secret(path, &pem, p);
    if (e == OK) {
        e = admin_key_decode(buf_bytes(&pem), key);
        if (e != OK)
            e = problem(p, e, "%s is no Ed25519 private key (PKCS#8, PEM)", path);
    }
    buf_free(&pem);
    return e;
}

enum err admin_key_save(const char *path, const struct admin_key *key, struct problem *p)
{
    struct buf pem = BUF_INIT(PEM_SIZE);
    enum err e = admin_key_encode(key, &pem);
    if (e == OK)
        e = file_write(path, buf_bytes(&pem), FILE_SECRET, p);
    buf_free(&pem);
    return e;
}
