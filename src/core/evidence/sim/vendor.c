#include "core/evidence/sim/vendor.h"

/* --- keys --- */

struct sim_key sim_key(enum curve curve, const char *name, struct bytes of)
{
    struct sim_key key = {.rsa = NULL};
    struct rng_seeded seeded;
    struct sha256 h;
    sha256_init(&h);
    sha256_add_var(&h, bytes_str(SIM_VENDOR_SEED));
    sha256_add_var(&h, bytes_str(name));
    sha256_add_var(&h, of);
    struct rng rng = rng_seeded(&seeded, sha256_final(&h).b);
    ecdsa_secret_new(curve, rng, &key.secret, &key.public);
    return key;
}

/* What a signature's nonce or salt follows from. */
static struct rng signing_rng(struct rng_seeded *state, struct bytes key, struct bytes message)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add_var(&h, key);
    sha256_add_var(&h, message);
    return rng_seeded(state, sha256_final(&h).b);
}

enum err sim_sign(const struct ecdsa_secret *secret, struct bytes digest, struct ecdsa_rs *out)
{
    struct rng_seeded state;
    struct rng rng = signing_rng(&state, BYTES_OF(secret->d), digest);
    return ecdsa_secret_sign(secret, rng, digest, out);
}

/* --- certificates (RFC 5280) --- */

#define ORGANISATION "Guardian simulated vendor (not a real one)"
#define NOT_BEFORE   1577836800 /* 2020-01-01 */
#define NOT_AFTER    2524607999 /* the end of 2049 */

static void write_attribute(struct writer *w, uint8_t type, const char *text)
{
    uint8_t oid[] = {0x55, 0x04, type};
    size_t set = der_open(w, DER_SET), pair = der_open(w, DER_SEQUENCE);
    der_element(w, DER_OID, BYTES_OF(oid));
    der_element(w, DER_UTF8, bytes_str(text));
    der_close(w, pair);
    der_close(w, set);
}

static void write_name(struct writer *w, const char *common_name)
{
    size_t name = der_open(w, DER_SEQUENCE);
    write_attribute(w, 10, ORGANISATION);
    write_attribute(w, 3, common_name);
    der_close(w, name);
}

static void write_validity(struct writer *w, const struct sim_cert *c)
{
    size_t validity = der_open(w, DER_SEQUENCE);
    bool given = c->not_before || c->not_after;
    der_time(w, given ? c->not_before : NOT_BEFORE);
    der_time(w, given ? c->not_after : NOT_AFTER);
    der_close(w, validity);
}

static void write_sha384(struct writer *w)
{
    size_t id = der_open(w, DER_SEQUENCE);
    der_oid(w, "\x60\x86\x48\x01\x65\x03\x04\x02\x02");
    der_element(w, DER_NULL, BYTES_NONE);
    der_close(w, id);
}

/* RSASSA-PSS-params with SHA-384 twice and 48 bytes of salt (RFC 4055, 3.1). */
static void write_pss(struct writer *w)
{
    size_t algorithm = der_open(w, DER_SEQUENCE);
    der_oid(w, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a");
    size_t params = der_open(w, DER_SEQUENCE), part = der_open(w, DER_CONTEXT | 0);
    write_sha384(w);
    der_close(w, part);
    part = der_open(w, DER_CONTEXT | 1);
    size_t mgf1 = der_open(w, DER_SEQUENCE);
    der_oid(w, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08");
    write_sha384(w);
    der_close(w, mgf1);
    der_close(w, part);
    part = der_open(w, DER_CONTEXT | 2);
    der_uint(w, 48);
    der_close(w, part);
    der_close(w, params);
    der_close(w, algorithm);
}

/* RSASSA-PSS; ecdsa-with-SHA256 or -SHA384 (RFC 5758). */
static void write_algorithm(struct writer *w, const struct sim_key *issuer)
{
    if (issuer->rsa) {
        write_pss(w);
        return;
    }
    size_t algorithm = der_open(w, DER_SEQUENCE);
    if (issuer->secret.curve == CURVE_P256)
        der_oid(w, "\x2a\x86\x48\xce\x3d\x04\x03\x02");
    else
        der_oid(w, "\x2a\x86\x48\xce\x3d\x04\x03\x03");
    der_close(w, algorithm);
}

/* rsaEncryption with RSAPublicKey {modulus, exponent} (RFC 3279, 2.3.1). */
static void write_rsa_spki(struct writer *w, const struct rsa_primes *key)
{
    uint8_t n[RSA_SIZE], no_unused_bits = 0;
    size_t spki = der_open(w, DER_SEQUENCE), algorithm = der_open(w, DER_SEQUENCE);
    der_oid(w, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01");
    der_element(w, DER_NULL, BYTES_NONE);
    der_close(w, algorithm);
    size_t bits = der_open(w, DER_BIT_STRING);
    wr_raw(w, &no_unused_bits, 1);
    size_t public = der_open(w, DER_SEQUENCE);
    rsa_modulus(key, n);
    der_number(w, BYTES_OF(n));
    der_uint(w, RSA_EXPONENT);
    der_close(w, public);
    der_close(w, bits);
    der_close(w, spki);
}

void sim_spki_write(struct writer *w, const struct sim_key *key)
{
    if (key->rsa) {
        write_rsa_spki(w, key->rsa);
        return;
    }
    enum curve curve = key->secret.curve;
    size_t spki = der_open(w, DER_SEQUENCE), algorithm = der_open(w, DER_SEQUENCE);
    der_oid(w, "\x2a\x86\x48\xce\x3d\x02\x01");
    if (curve == CURVE_P256)
        der_oid(w, "\x2a\x86\x48\xce\x3d\x03\x01\x07");
    else
        der_oid(w, "\x2b\x81\x04\x00\x22");
    der_close(w, algorithm);
    uint8_t point[1 + 2 * ECDSA_FIELD_MAX] = {0x04};
    memcpy(point + 1, key->public.xy, 2 * curve_size(curve));
    der_bits(w, bytes(point, 1 + 2 * curve_size(curve)));
    der_close(w, spki);
}

/* Opens an extension up to its value; close value, then extension. */
struct extension {
    size_t whole, value;
};

static struct extension open_critical(struct writer *w, uint8_t number)
{
    struct extension e = {.whole = der_open(w, DER_SEQUENCE)};
    uint8_t oid[] = {0x55, 0x1d, number}, yes = 0xFF;
    der_element(w, DER_OID, BYTES_OF(oid));
    der_element(w, DER_BOOLEAN, bytes(&yes, 1));
    e.value = der_open(w, DER_OCTET_STRING);
    return e;
}

static void close_extension(struct writer *w, struct extension e)
{
    der_close(w, e.value);
    der_close(w, e.whole);
}

static void write_extensions(struct writer *w, const struct sim_cert *c)
{
    const uint8_t ca_usage[] = {1, 0x06}, leaf_usage[] = {6, 0xC0}, yes = 0xFF;
    bool ca = c->pathlen >= 0;
    size_t wrapper = der_open(w, DER_CONTEXT | 3), list = der_open(w, DER_SEQUENCE);
    struct extension e = open_critical(w, 19); /* basicConstraints */
    size_t constraints = der_open(w, DER_SEQUENCE);
    if (ca) {
        der_element(w, DER_BOOLEAN, bytes(&yes, 1));
        der_uint(w, (uint64_t)c->pathlen);
    }
    der_close(w, constraints);
    close_extension(w, e);
    e = open_critical(w, 15); /* keyUsage: keyCertSign, cRLSign; or digitalSignature, nonRepud. */
    der_element(w, DER_BIT_STRING, ca ? BYTES_OF(ca_usage) : BYTES_OF(leaf_usage));
    close_extension(w, e);
    wr_raw(w, c->extensions.p, c->extensions.n);
    der_close(w, list);
    der_close(w, wrapper);
}

/* What tells one key from another. */
static struct bytes key_bytes(const struct sim_key *key)
{
    return key->rsa ? BYTES_OF(key->rsa->p) : BYTES_OF(key->public.xy);
}

void sim_serial(const char *subject, const struct sim_key *key, uint8_t out[static SIM_SERIAL_SIZE])
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add_var(&h, bytes_str(subject));
    sha256_add_var(&h, key_bytes(key));
    struct hash32 hash = sha256_final(&h);
    memcpy(out, hash.b, SIM_SERIAL_SIZE);
    out[0] = (uint8_t)(0x40 | (out[0] & 0x3F));
}

static void write_serial(struct writer *w, const struct sim_cert *c)
{
    uint8_t serial[SIM_SERIAL_SIZE];
    sim_serial(c->subject, c->key, serial);
    der_element(w, DER_INTEGER, BYTES_OF(serial));
}

static void write_tbs(struct writer *w, const struct sim_cert *c)
{
    size_t tbs = der_open(w, DER_SEQUENCE), version = der_open(w, DER_CONTEXT | 0);
    der_uint(w, 2);
    der_close(w, version);
    write_serial(w, c);
    write_algorithm(w, c->issuer);
    write_name(w, c->issued_by);
    write_validity(w, c);
    write_name(w, c->subject);
    sim_spki_write(w, c->key);
    write_extensions(w, c);
    der_close(w, tbs);
}

static enum err sign_rsa(const struct rsa_primes *key, struct bytes tbs, struct buf *signature)
{
    struct rng_seeded state;
    struct rsa_signature s;
    TRY(rsa_pss_sign(key, signing_rng(&state, BYTES_OF(key->p), tbs), tbs, &s));
    return buf_add(signature, s.s, sizeof s.s);
}

static enum err sign_tbs(const struct sim_key *issuer, struct bytes tbs, struct buf *signature)
{
    if (issuer->rsa)
        return sign_rsa(issuer->rsa, tbs, signature);
    struct ecdsa_rs rs;
    uint8_t digest[48];
    size_t n = curve_size(issuer->secret.curve);
    if (issuer->secret.curve == CURVE_P256)
        memcpy(digest, sha256(tbs).b, 32);
    else
        sha384(tbs, digest);
    TRY(sim_sign(&issuer->secret, bytes(digest, n), &rs));
    return ecdsa_rs_to_der(issuer->secret.curve, rs.rs, signature);
}

/* SEQUENCE {tbs, algorithm, signature} */
static enum err write_signed(const struct sim_key *issuer, struct bytes tbs, struct buf *out)
{
    struct buf signature = BUF_INIT(RSA_SIZE);
    struct writer w = writer(out);
    enum err e;
    TRY_OUT(sign_tbs(issuer, tbs, &signature));
    size_t whole = der_open(&w, DER_SEQUENCE);
    wr_raw(&w, tbs.p, tbs.n);
    write_algorithm(&w, issuer);
    der_bits(&w, buf_bytes(&signature));
    der_close(&w, whole);
    e = writer_end(&w);
out:
    buf_free(&signature);
    return e;
}

enum err sim_cert_write(const struct sim_cert *c, struct buf *out)
{
    struct buf tbs = BUF_INIT(4096);
    struct writer t = writer(&tbs);
    enum err e;
    write_tbs(&t, c);
    TRY_OUT(writer_end(&t));
    e = write_signed(c->issuer, buf_bytes(&tbs), out);
out:
    buf_free(&tbs);
    return e;
}

/* --- revocation lists (RFC 5280 section 5) --- */

static void write_revoked(struct writer *w, const struct sim_crl *crl)
{
    size_t list = der_open(w, DER_SEQUENCE);
    for (size_t i = 0; i < crl->n_revoked; i++) {
        size_t entry = der_open(w, DER_SEQUENCE);
        der_element(w, DER_INTEGER, crl->revoked[i]);
        der_time(w, crl->this_update);
        wr_raw(w, crl->entry_extensions.p, crl->entry_extensions.n);
        der_close(w, entry);
    }
    der_close(w, list);
}

/* The list's number, which RFC 5280 asks for, and what the caller adds. */
static void write_list_extensions(struct writer *w, const struct sim_crl *crl)
{
    size_t wrapper = der_open(w, DER_CONTEXT | 0), list = der_open(w, DER_SEQUENCE);
    size_t number = der_open(w, DER_SEQUENCE);
    der_oid(w, "\x55\x1d\x14");
    size_t value = der_open(w, DER_OCTET_STRING);
    der_uint(w, 1);
    der_close(w, value);
    der_close(w, number);
    wr_raw(w, crl->extensions.p, crl->extensions.n);
    der_close(w, list);
    der_close(w, wrapper);
}

static void write_list(struct writer *w, const struct sim_crl *crl)
{
    size_t tbs = der_open(w, DER_SEQUENCE);
    der_uint(w, 1);
    write_algorithm(w, crl->issuer);
    write_name(w, crl->issued_by);
    der_time(w, crl->this_update);
    der_time(w, crl->next_update);
    if (crl->n_revoked)
        write_revoked(w, crl);
    write_list_extensions(w, crl);
    der_close(w, tbs);
}

enum err sim_crl_write(const struct sim_crl *crl, struct buf *out)
{
    struct buf tbs = BUF_INIT(out->max);
    struct writer t = writer(&tbs);
    enum err e;
    write_list(&t, crl);
    TRY_OUT(writer_end(&t));
    e = write_signed(crl->issuer, buf_bytes(&tbs), out);
out:
    buf_free(&tbs);
    return e;
}
