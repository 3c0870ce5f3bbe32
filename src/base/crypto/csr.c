#include "base/crypto/csr.h"

#include "base/codec/der.h"
#include "base/codec/pem.h"

#define OID(literal)          bytes((literal), sizeof(literal) - 1)
#define OID_ED25519           OID("\x2b\x65\x70")                         /* RFC 8410, 3 */
#define OID_ECDSA_SHA256      OID("\x2a\x86\x48\xce\x3d\x04\x03\x02")     /* RFC 5758, 3.2 */
#define OID_EXTENSION_REQUEST OID("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e") /* RFC 2985, 5.4.2 */
#define OID_SAN               OID("\x55\x1d\x11")                         /* RFC 5280, 4.2.1.6 */

/* GeneralName; the others are wishes nobody grants. */
enum { NAME_DNS = DER_IMPLICIT | 2, NAME_URI = DER_IMPLICIT | 6, NAME_IP = DER_IMPLICIT | 7 };

/* The next SEQUENCE with its tag and length. */
static enum err expect_whole(struct bytes *in, struct bytes *whole)
{
    struct bytes content;
    const uint8_t *start = in->p;
    TRY(der_expect(in, DER_SEQUENCE, &content));
    *whole = bytes(start, (size_t)(in->p - start));
    return OK;
}

/* --- keys --- */

/* AlgorithmIdentifier without parameters, then the 32 bytes (RFC 8410, 4). */
static const uint8_t ed25519_frame[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                        0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

enum err csr_spki_read(struct bytes spki, enum csr_key *kind, struct p256_public *p256,
                       struct sig_public *ed25519)
{
    size_t frame = sizeof ed25519_frame;
    if (spki.n == frame + sizeof ed25519->b && memcmp(spki.p, ed25519_frame, frame) == 0) {
        *kind = CSR_ED25519;
        memcpy(ed25519->b, spki.p + frame, sizeof ed25519->b);
        return OK;
    }
    *kind = CSR_P256;
    return p256_spki_read(spki, p256);
}

/* --- requested names --- */

static bool is_printable_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x21 || text.p[i] > 0x7e)
            return false;
    return text.n > 0;
}

static enum err add_text(struct bytes *list, size_t *n, struct bytes text)
{
    if (!is_printable_ascii(text))
        return E_MALFORMED;
    if (*n == CSR_NAMES_MAX)
        return E_TOO_LARGE;
    list[(*n)++] = text;
    return OK;
}

static enum err add_ip(struct csr *out, struct bytes address)
{
    if (address.n != 4 && address.n != 16)
        return E_MALFORMED;
    if (out->n_ip == CSR_NAMES_MAX)
        return E_TOO_LARGE;
    struct csr_ip *ip = &out->ip[out->n_ip++];
    ip->n = (uint8_t)address.n;
    memcpy(ip->b, address.p, address.n);
    return OK;
}

static enum err read_names(struct bytes value, struct csr *out)
{
    struct bytes names, name;
    uint8_t tag;
    TRY(der_expect(&value, DER_SEQUENCE, &names));
    if (value.n || names.n == 0) /* RFC 5280: SIZE (1..MAX) */
        return E_MALFORMED;
    while (names.n) {
        if (der_next(&names, &tag, &name) != OK)
            return E_MALFORMED;
        if (tag == NAME_DNS)
            TRY(add_text(out->dns, &out->n_dns, name));
        else if (tag == NAME_URI)
            TRY(add_text(out->uri, &out->n_uri, name));
        else if (tag == NAME_IP)
            TRY(add_ip(out, name));
    }
    return OK;
}

static enum err read_extension(struct bytes *list, bool *seen_san, struct csr *out)
{
    struct bytes extension, oid, value;
    uint8_t tag;
    TRY(der_expect(list, DER_SEQUENCE, &extension));
    TRY(der_expect(&extension, DER_OID, &oid));
    if (der_next(&extension, &tag, &value) != OK)
        return E_MALFORMED;
    if (tag == DER_BOOLEAN) {
        if (value.n != 1 || value.p[0] != 0xff) /* FALSE is the default, so not written */
            return E_MALFORMED;
        TRY(der_expect(&extension, DER_OCTET_STRING, &value));
    } else if (tag != DER_OCTET_STRING) {
        return E_MALFORMED;
    }
    if (extension.n)
        return E_MALFORMED;
    if (!bytes_eq(oid, OID_SAN))
        return OK;
    if (*seen_san)
        return E_MALFORMED;
    *seen_san = true;
    return read_names(value, out);
}

static enum err read_extension_request(struct bytes values, struct csr *out)
{
    struct bytes list;
    bool seen_san = false;
    TRY(der_expect(&values, DER_SEQUENCE, &list));
    if (values.n) /* SINGLE VALUE TRUE */
        return E_MALFORMED;
    while (list.n)
        TRY(read_extension(&list, &seen_san, out));
    return OK;
}

static enum err read_attributes(struct bytes attributes, struct csr *out)
{
    bool seen = false;
    while (attributes.n) {
        struct bytes attribute, oid, values;
        TRY(der_expect(&attributes, DER_SEQUENCE, &attribute));
        TRY(der_expect(&attribute, DER_OID, &oid));
        TRY(der_expect(&attribute, DER_SET, &values));
        if (attribute.n)
            return E_MALFORMED;
        if (!bytes_eq(oid, OID_EXTENSION_REQUEST))
            continue;
        if (seen)
            return E_MALFORMED;
        seen = true;
        TRY(read_extension_request(values, out));
    }
    return OK;
}

/* --- CertificationRequest (RFC 2986, 4.2) --- */

static enum err read_info(struct bytes info, struct csr *out)
{
    struct bytes content, subject, attributes;
    uint64_t version;
    TRY(der_expect(&info, DER_SEQUENCE, &content));
    TRY(der_expect_uint(&content, &version));
    if (version != 0)
        return E_MALFORMED;
    TRY(der_expect(&content, DER_SEQUENCE, &subject));
    TRY(expect_whole(&content, &out->spki));
    TRY(der_expect(&content, DER_CONTEXT | 0, &attributes));
    if (content.n || csr_spki_read(out->spki, &out->kind, &out->p256, &out->ed25519) != OK)
        return E_MALFORMED;
    return read_attributes(attributes, out);
}

static enum err check_signature(const struct csr *csr, struct bytes info, struct bytes alg,
                                struct bytes signature)
{
    struct bytes oid;
    struct signature s;
    TRY(der_expect(&alg, DER_OID, &oid));
    if (alg.n) /* neither algorithm has parameters */
        return E_MALFORMED;
    if (csr->kind == CSR_P256)
        return bytes_eq(oid, OID_ECDSA_SHA256) ? p256_verify(&csr->p256, info, signature)
                                               : E_MALFORMED;
    if (!bytes_eq(oid, OID_ED25519) || signature.n != sizeof s.b)
        return E_MALFORMED;
    memcpy(s.b, signature.p, sizeof s.b);
    return sig_verify(&csr->ed25519, info, &s);
}

enum err csr_parse(struct bytes der, struct csr *out)
{
    struct bytes content, info, alg, bits;
    *out = (struct csr){0};
    if (der.n > CSR_MAX)
        return E_TOO_LARGE;
    TRY(der_expect(&der, DER_SEQUENCE, &content));
    TRY(expect_whole(&content, &info));
    TRY(der_expect(&content, DER_SEQUENCE, &alg));
    TRY(der_expect(&content, DER_BIT_STRING, &bits));
    if (der.n || content.n || bits.n < 1 || bits.p[0] != 0)
        return E_MALFORMED;
    TRY(read_info(info, out));
    return check_signature(out, info, alg, bytes(bits.p + 1, bits.n - 1));
}

enum err csr_read(struct bytes text, struct buf *der, struct csr *out)
{
    *out = (struct csr){0};
    if (text.n > 2 * CSR_MAX) /* base64 and its lines take less than twice the bytes */
        return E_TOO_LARGE;
    if (pem_looks_like(text))
        TRY(pem_read("CERTIFICATE REQUEST", text, der));
    else
        TRY(buf_add(der, text.p, text.n));
    return csr_parse(buf_bytes(der), out);
}

/* --- writing --- */

static void write_san(struct writer *w, const struct bytes *dns, size_t n)
{
    size_t attribute = der_open(w, DER_SEQUENCE);
    der_element(w, DER_OID, OID_EXTENSION_REQUEST);
    size_t set = der_open(w, DER_SET), list = der_open(w, DER_SEQUENCE),
           extension = der_open(w, DER_SEQUENCE);
    der_element(w, DER_OID, OID_SAN);
    size_t value = der_open(w, DER_OCTET_STRING), names = der_open(w, DER_SEQUENCE);
    for (size_t i = 0; i < n; i++)
        der_element(w, NAME_DNS, dns[i]);
    der_close(w, names);
    der_close(w, value);
    der_close(w, extension);
    der_close(w, list);
    der_close(w, set);
    der_close(w, attribute);
}

static enum err write_info(const struct p256_secret *key, const struct bytes *dns, size_t n,
                           struct buf *out)
{
    struct p256_public public;
    TRY(p256_public_of(key, &public));
    struct writer w = writer(out);
    size_t info = der_open(&w, DER_SEQUENCE);
    der_uint(&w, 0);
    der_element(&w, DER_SEQUENCE, BYTES_NONE); /* subject */
    if (w.err == OK)
        w.err = p256_spki_write(&public, out);
    size_t attributes = der_open(&w, DER_CONTEXT | 0);
    if (n)
        write_san(&w, dns, n);
    der_close(&w, attributes);
    der_close(&w, info);
    return writer_end(&w);
}

enum err csr_write_p256(struct rng rng, const struct p256_secret *key, const struct bytes *dns,
                        size_t n_dns, struct buf *out)
{
    struct buf info = BUF_INIT(CSR_MAX), signature = BUF_INIT(P256_SIG_MAX);
    struct writer w = writer(out);
    enum err e;
    TRY_OUT(write_info(key, dns, n_dns, &info));
    TRY_OUT(p256_sign(rng, key, buf_bytes(&info), &signature));
    size_t request = der_open(&w, DER_SEQUENCE);
    wr_raw(&w, info.p, info.n);
    size_t alg = der_open(&w, DER_SEQUENCE);
    der_element(&w, DER_OID, OID_ECDSA_SHA256);
    der_close(&w, alg);
    der_bits(&w, buf_bytes(&signature));
    der_close(&w, request);
    e = writer_end(&w);
out:
    buf_free(&info);
    buf_free(&signature);
    return e;
}
