/* Reading the certificates we made. */
#include "base/crypto/csr.h"
#include "core/ca/tbs.h"

#include <stdio.h>

/* A certificate's three parts. */
struct outer {
    struct bytes whole_tbs, tbs, alg, signature;
};

static enum err read_outer(struct bytes der, struct outer *out)
{
    struct bytes in, bits;
    TRY(der_expect(&der, DER_SEQUENCE, &in));
    if (der.n)
        return E_MALFORMED;
    const uint8_t *start = in.p;
    TRY(der_expect(&in, DER_SEQUENCE, &out->tbs));
    out->whole_tbs = bytes(start, (size_t)(in.p - start));
    TRY(der_expect(&in, DER_SEQUENCE, &out->alg));
    TRY(der_expect(&in, DER_BIT_STRING, &bits));
    if (in.n || bits.n < 1 || bits.p[0] != 0)
        return E_MALFORMED;
    out->signature = bytes(bits.p + 1, bits.n - 1);
    return OK;
}

/* What stands in a TBSCertificate before its extensions. */
struct inner {
    struct ca_serial serial;
    struct bytes subject, spki, extensions;
    int64_t not_before, not_after;
};

static enum err read_inner(struct bytes tbs, struct inner *out)
{
    struct bytes v, wrapper;
    uint64_t version;
    TRY(der_expect(&tbs, DER_CONTEXT | 0, &v));
    TRY(der_expect_uint(&v, &version));
    if (version != 2 || v.n)
        return E_MALFORMED;
    TRY(der_expect_number(&tbs, out->serial.b, sizeof out->serial.b));
    TRY(der_expect(&tbs, DER_SEQUENCE, &v)); /* algorithm */
    TRY(der_expect(&tbs, DER_SEQUENCE, &v)); /* issuer */
    TRY(der_expect(&tbs, DER_SEQUENCE, &v));
    TRY(der_expect_time(&v, &out->not_before));
    TRY(der_expect_time(&v, &out->not_after));
    TRY(der_expect(&tbs, DER_SEQUENCE, &out->subject));
    const uint8_t *start = tbs.p;
    TRY(der_expect(&tbs, DER_SEQUENCE, &v));
    out->spki = bytes(start, (size_t)(tbs.p - start));
    TRY(der_expect(&tbs, DER_CONTEXT | 3, &wrapper));
    TRY(der_expect(&wrapper, DER_SEQUENCE, &out->extensions));
    return tbs.n || wrapper.n ? E_MALFORMED : OK;
}

/* The value of the extension 2.5.29.id; E_MALFORMED if there is none. */
static enum err find_extension(struct bytes list, uint8_t id, struct bytes *value)
{
    const uint8_t wanted[] = {0x55, 0x1d, id};
    struct bytes extension, oid;
    while (list.n) {
        uint8_t tag;
        TRY(der_expect(&list, DER_SEQUENCE, &extension));
        TRY(der_expect(&extension, DER_OID, &oid));
        if (der_next(&extension, &tag, value) != OK)
            return E_MALFORMED;
        if (tag == DER_BOOLEAN)
            TRY(der_expect(&extension, DER_OCTET_STRING, value));
        else if (tag != DER_OCTET_STRING)
            return E_MALFORMED;
        if (bytes_eq(oid, BYTES_OF(wanted)))
            return OK;
    }
    return E_MALFORMED;
}

/* Takes `prefix` off the front of the text. */
static bool take(struct bytes *text, const char *prefix)
{
    size_t n = strlen(prefix);
    if (text->n < n || memcmp(text->p, prefix, n) != 0)
        return false;
    *text = bytes(text->p + n, text->n - n);
    return true;
}

static enum err read_gid(struct bytes text, uint32_t *out)
{
    uint64_t v = 0;
    if (text.n == 0 || text.n > 10 || (text.p[0] == '0' && text.n > 1))
        return E_MALFORMED;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return E_MALFORMED;
        v = v * 10 + (uint64_t)(text.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v <= UINT32_MAX ? OK : E_MALFORMED;
}

/* spiffe://<ns>.<trust domain>/instance/<id> or .../guardian/<gid> */
static enum err read_uri(const char *trust_domain, struct bytes uri, struct ca_leaf_view *out)
{
    const uint8_t *dot;
    if (!take(&uri, "spiffe://") || !(dot = memchr(uri.p, '.', uri.n)) ||
        (size_t)(dot - uri.p) >= sizeof out->ns)
        return E_MALFORMED;
    snprintf(out->ns, sizeof out->ns, "%.*s", (int)(dot - uri.p), (const char *)uri.p);
    uri = bytes(dot + 1, uri.n - (size_t)(dot + 1 - uri.p));
    if (!take(&uri, trust_domain))
        return E_MALFORMED;
    if (take(&uri, "/guardian/"))
        return read_gid(uri, &out->gid);
    if (!take(&uri, "/instance/") || uri.n == 0 || uri.n > CA_INSTANCE_MAX)
        return E_MALFORMED;
    memcpy(out->instance, uri.p, uri.n);
    /* What ca_spiffe_id() would not write is not ours. */
    struct buf again = BUF_INIT(CA_SPIFFE_MAX);
    enum err e = ca_spiffe_id(trust_domain, out->ns, out->instance, &again);
    buf_free(&again);
    return e == OK && strlen(out->instance) == uri.n ? OK : E_MALFORMED;
}

enum err ca_leaf_read(const char *trust_domain, struct bytes der, struct ca_leaf_view *out)
{
    struct outer outer;
    struct inner inner;
    struct bytes value, names, uri;
    *out = (struct ca_leaf_view){0};
    TRY(read_outer(der, &outer));
    TRY(read_inner(outer.tbs, &inner));
    if (inner.subject.n || inner.spki.n > sizeof out->spki)
        return E_MALFORMED;
    TRY(find_extension(inner.extensions, 0x11, &value));
    TRY(der_expect(&value, DER_SEQUENCE, &names));
    TRY(der_expect(&names, DER_IMPLICIT | 6, &uri)); /* it stands first */
    TRY(read_uri(trust_domain, uri, out));
    out->serial = inner.serial;
    out->not_before = inner.not_before;
    out->not_after = inner.not_after;
    memcpy(out->spki, inner.spki.p, inner.spki.n);
    out->spki_n = inner.spki.n;
    return OK;
}

/* --- signatures --- */

static bool is_alg(struct bytes alg, enum ca_alg wanted)
{
    struct buf b = BUF_INIT(32);
    struct writer w = writer(&b);
    ca_alg_write(&w, wanted);
    /* `alg` is the content, 2 bytes of tag and length come first */
    bool same = w.err == OK && bytes_eq(bytes(b.p + 2, b.n - 2), alg);
    buf_free(&b);
    return same;
}

static enum err verify(const struct outer *cert, enum csr_key kind, const struct p256_public *p256,
                       const struct sig_public *ed25519)
{
    struct signature s;
    if (kind == CSR_P256)
        return is_alg(cert->alg, CA_ECDSA_P256)
                   ? p256_verify(p256, cert->whole_tbs, cert->signature)
                   : E_SIGNATURE;
    if (!is_alg(cert->alg, CA_ED25519) || cert->signature.n != sizeof s.b)
        return E_SIGNATURE;
    memcpy(s.b, cert->signature.p, sizeof s.b);
    return sig_verify(ed25519, cert->whole_tbs, &s);
}

enum err ca_chain_verify(const struct bytes *certs, size_t n, const struct sig_public *root_key,
                         int64_t unix_time)
{
    enum csr_key kind = CSR_ED25519;
    struct p256_public p256 = {0};
    struct sig_public ed25519 = *root_key;
    for (size_t i = n; i-- > 0;) {
        struct outer outer;
        struct inner inner;
        TRY(read_outer(certs[i], &outer));
        TRY(read_inner(outer.tbs, &inner));
        TRY(verify(&outer, kind, &p256, &ed25519));
        if (unix_time < inner.not_before || unix_time > inner.not_after)
            return E_CERT_EXPIRED;
        if (csr_spki_read(inner.spki, &kind, &p256, &ed25519) != OK)
            return E_MALFORMED;
    }
    return n ? OK : E_MALFORMED;
}
