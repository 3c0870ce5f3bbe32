#include "core/ca/tbs.h"

#include "base/crypto/csr.h"

#include <stdio.h>

/* --- names --- */

struct ca_dn ca_dn_of(enum ca_profile profile, const char *trust_domain, bool simulation,
                      const char *ns, uint32_t gid)
{
    const char *mark = simulation ? " (simulation)" : "";
    struct ca_dn dn = {trust_domain, profile == CA_PROFILE_ROOT ? NULL : ns, ""};
    if (profile == CA_PROFILE_ROOT)
        snprintf(dn.common, sizeof dn.common, "Guardian Root%s", mark);
    else if (profile == CA_PROFILE_NAMESPACE)
        snprintf(dn.common, sizeof dn.common, "Guardian Namespace CA%s", mark);
    else if (profile == CA_PROFILE_ISSUING)
        snprintf(dn.common, sizeof dn.common, "Guardian Issuing CA %u%s", gid, mark);
    else
        dn = (struct ca_dn){0};
    return dn;
}

/* A RelativeDistinguishedName of one attribute. */
static void write_rdn(struct writer *w, struct bytes oid, const char *text)
{
    size_t set = der_open(w, DER_SET), pair = der_open(w, DER_SEQUENCE);
    der_element(w, DER_OID, oid);
    der_element(w, DER_UTF8, bytes_str(text));
    der_close(w, pair);
    der_close(w, set);
}

void ca_dn_write(struct writer *w, const struct ca_dn *dn)
{
    size_t name = der_open(w, DER_SEQUENCE);
    if (dn->organization)
        write_rdn(w, CA_OID("\x55\x04\x0a"), dn->organization);
    if (dn->unit)
        write_rdn(w, CA_OID("\x55\x04\x0b"), dn->unit);
    if (dn->common[0])
        write_rdn(w, CA_OID("\x55\x04\x03"), dn->common);
    der_close(w, name);
}

/* --- keys --- */

/* RFC 7093, 2(1): of the BIT STRING's content, which ends the SubjectPublicKeyInfo. */
static void identify(struct ca_key *k, size_t content)
{
    struct hash32 h = sha256(bytes(k->spki + k->spki_n - content, content));
    memcpy(k->id, h.b, sizeof k->id);
}

struct ca_key ca_key_ed25519(const struct sig_public *key)
{
    /* RFC 8410, 4 */
    static const uint8_t frame[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    struct ca_key k = {.spki_n = sizeof frame + sizeof key->b};
    memcpy(k.spki, frame, sizeof frame);
    memcpy(k.spki + sizeof frame, key->b, sizeof key->b);
    identify(&k, sizeof key->b);
    return k;
}

enum err ca_key_p256(const struct p256_public *key, struct ca_key *out)
{
    *out = (struct ca_key){0};
    TRY(p256_check(key));
    struct buf spki = BUF_INIT(P256_SPKI_LEN);
    enum err e = p256_spki_write(key, &spki);
    if (e == OK) {
        memcpy(out->spki, spki.p, spki.n);
        out->spki_n = spki.n;
        identify(out, sizeof key->b);
    }
    buf_free(&spki);
    return e;
}

enum err ca_key_spki(struct bytes spki, struct ca_key *out)
{
    enum csr_key kind;
    struct p256_public p256;
    struct sig_public ed25519;
    TRY(csr_spki_read(spki, &kind, &p256, &ed25519));
    if (kind == CSR_P256)
        return ca_key_p256(&p256, out);
    *out = ca_key_ed25519(&ed25519);
    return OK;
}

/* --- algorithms and extensions --- */

void ca_alg_write(struct writer *w, enum ca_alg alg)
{
    size_t sequence = der_open(w, DER_SEQUENCE);
    if (alg == CA_ED25519)
        der_oid(w, "\x2b\x65\x70"); /* RFC 8410, 3: no parameters */
    else
        der_oid(w, "\x2a\x86\x48\xce\x3d\x04\x03\x02"); /* RFC 5758, 3.2: none either */
    der_close(w, sequence);
}

void ca_extension(struct writer *w, struct bytes oid, bool critical, struct buf *value)
{
    size_t sequence = der_open(w, DER_SEQUENCE);
    der_element(w, DER_OID, oid);
    if (critical)
        der_true(w);
    der_element(w, DER_OCTET_STRING, buf_bytes(value));
    der_close(w, sequence);
    buf_clear(value);
}

void ca_authority_key(struct writer *w, const struct ca_key *issuer)
{
    struct buf value = BUF_INIT(64);
    struct writer v = writer(&value);
    size_t sequence = der_open(&v, DER_SEQUENCE);
    der_element(&v, DER_IMPLICIT | 0, BYTES_OF(issuer->id));
    der_close(&v, sequence);
    ca_extension(w, CA_OID("\x55\x1d\x23"), false, &value);
    w->err = w->err ? w->err : v.err;
    buf_free(&value);
}
