#include "prog/guardian/workload.h"
#include "prog/guardian/files.h"
#include "base/codec/pem.h"

#define KEY_LABEL    "EC PRIVATE KEY" /* RFC 5915 section 4 */
#define KEY_FILE_MAX 4096

static enum err complete(struct workload_key *k)
{
    struct buf spki = BUF_INIT(P256_SPKI_LEN);
    enum err e = p256_spki_write(&k->public, &spki);
    if (e == OK && spki.n != sizeof k->spki)
        e = E_INTERNAL;
    if (e == OK)
        memcpy(k->spki, spki.p, sizeof k->spki);
    buf_free(&spki);
    return e;
}

enum err workload_key_make(struct rng rng, struct workload_key *out)
{
    TRY(p256_keygen(rng, &out->secret, &out->public));
    return complete(out);
}

enum err workload_key_load(const char *path, struct workload_key *out, struct problem *p)
{
    struct buf text = BUF_INIT(KEY_FILE_MAX), der = BUF_INIT(KEY_FILE_MAX);
    enum err e;
    TRY_OUT(file_read_secret(path, &text, p));
    e = pem_read(KEY_LABEL, buf_bytes(&text), &der);
    if (e == OK)
        e = p256_private_read(buf_bytes(&der), &out->secret, &out->public);
    if (e == OK)
        e = complete(out);
    if (e != OK)
        e = problem(p, e, "%s is no P-256 key (ECPrivateKey, PEM)", path);
out:
    buf_free(&der);
    buf_free(&text);
    return e;
}

static enum err save(const char *path, const struct workload_key *k, struct problem *p)
{
    struct buf text = BUF_INIT(KEY_FILE_MAX), der = BUF_INIT(KEY_FILE_MAX);
    enum err e;
    TRY_OUT(p256_private_write(&k->secret, &der));
    TRY_OUT(pem_write(KEY_LABEL, buf_bytes(&der), &text));
    TRY_OUT(file_write(path, buf_bytes(&text), FILE_SECRET, p));
out:
    buf_free(&der);
    buf_free(&text);
    return e;
}

enum err workload_key_file(const char *path, struct workload_key *out, struct problem *p)
{
    if (file_exists(path))
        return workload_key_load(path, out, p);
    TRY(workload_key_make(rng_system(), out));
    return save(path, out, p);
}

static struct report_data with_instance(enum platform platform, struct bytes spki)
{
    struct report_data r = {0};
    if (platform == PLATFORM_TDX) {
        struct hash32 id = sha256(spki);
        memcpy(r.b + 32, id.b, 32);
    }
    return r;
}

struct report_data workload_phase1(enum platform platform, struct bytes spki)
{
    return with_instance(platform, spki);
}

struct report_data workload_phase2(enum platform platform, const uint8_t challenge[static 32],
                                   struct bytes spki, struct bytes wrap_spki)
{
    struct report_data r = with_instance(platform, spki);
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, bytes(challenge, 32));
    sha256_add(&h, spki);
    sha256_add(&h, wrap_spki);
    struct hash32 part = sha256_final(&h);
    memcpy(r.b, part.b, 32);
    return r;
}
