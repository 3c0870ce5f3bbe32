/* Certificates: parsing (RFC 5280 section 4.1) and what they say. */
#include "base/codec/der.h"
#include "base/crypto/cert_parse.h"

/* --- algorithms --- */

/* AlgorithmIdentifiers byte for byte, with their tag. AMD writes the default trailer or leaves it
 * out. */
static const struct {
    const char *der;
    size_t n;
    enum cert_sig sig;
} algorithms[] = {
#define ROW(literal, sig)                 \
    {                                     \
        literal, sizeof(literal) - 1, sig \
    }
#define SHA384_ID  "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00"
#define MGF1_ID    "\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" SHA384_ID
#define PSS_OID    "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define PSS_HASHES "\xa0\x0f" SHA384_ID "\xa1\x1c" MGF1_ID "\xa2\x03\x02\x01\x30"
    ROW("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", CERT_SIG_ECDSA_SHA256),
    ROW("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", CERT_SIG_ECDSA_SHA384),
    ROW("\x30\x41" PSS_OID "\x30\x34" PSS_HASHES, CERT_SIG_PSS_SHA384),
    ROW("\x30\x46" PSS_OID "\x30\x39" PSS_HASHES "\xa3\x03\x02\x01\x01", CERT_SIG_PSS_SHA384),
};

enum cert_sig cert_sig_of(struct bytes der)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (bytes_eq(der, bytes(algorithms[i].der, algorithms[i].n)))
            return algorithms[i].sig;
    return CERT_SIG_OTHER;
}

/* --- parts --- */

enum err cert_take_whole(struct bytes *in, uint8_t tag, struct bytes *whole)
{
    struct bytes content;
    const uint8_t *start = in->p;
    TRY(der_expect(in, tag, &content));
    *whole = bytes(start, (size_t)(content.p + content.n - start));
    return OK;
}

/* Printable text only; what does not fit or is odd leaves the name empty, so it matches nothing. */
static void copy_text(struct bytes text, char out[CERT_NAME_MAX])
{
    out[0] = 0;
    if (text.n >= CERT_NAME_MAX)
        return;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            return;
    memcpy(out, text.p, text.n);
    out[text.n] = 0;
}

/* Name: SEQUENCE of SET of SEQUENCE {type, value}. */
enum err cert_read_name(struct bytes whole, char cn[CERT_NAME_MAX])
{
    struct bytes rdns, set, pair, oid, value;
    uint8_t tag;
    cn[0] = 0;
    TRY(der_expect(&whole, DER_SEQUENCE, &rdns));
    while (rdns.n) {
        TRY(der_expect(&rdns, DER_SET, &set));
        while (set.n) {
            TRY(der_expect(&set, DER_SEQUENCE, &pair));
            TRY(der_expect(&pair, DER_OID, &oid));
            TRY(der_next(&pair, &tag, &value));
            if (pair.n)
                return E_MALFORMED;
            if (bytes_eq(oid, CERT_OID("\x55\x04\x03")))
                copy_text(value, cn);
        }
    }
    return OK;
}

/* INTEGER in its shortest form, so that equal numbers are equal bytes. */
enum err cert_take_serial(struct bytes *in, struct bytes *serial)
{
    TRY(der_expect(in, DER_INTEGER, serial));
    const uint8_t *v = serial->p;
    bool padded = serial->n > 1 && ((v[0] == 0 && !(v[1] & 0x80)) || (v[0] == 0xFF && v[1] & 0x80));
    return serial->n == 0 || serial->n > CERT_SERIAL_MAX || padded ? E_MALFORMED : OK;
}

static enum err read_validity(struct bytes *in, struct cert *c)
{
    struct bytes validity;
    TRY(der_expect(in, DER_SEQUENCE, &validity));
    TRY(der_expect_time(&validity, &c->not_before));
    TRY(der_expect_time(&validity, &c->not_after));
    return validity.n ? E_MALFORMED : OK;
}

/* --- extensions --- */

static enum err read_boolean(struct bytes *in, bool *out)
{
    struct bytes v;
    TRY(der_expect(in, DER_BOOLEAN, &v));
    *out = true; /* false is the default everywhere here, so DER leaves it out */
    return v.n == 1 && v.p[0] == 0xFF ? OK : E_MALFORMED;
}

/* SEQUENCE {cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL} */
static enum err read_basic_constraints(struct bytes value, struct cert *c)
{
    struct bytes content;
    TRY(der_expect(&value, DER_SEQUENCE, &content));
    if (content.n && content.p[0] == DER_BOOLEAN)
        TRY(read_boolean(&content, &c->ca));
    if (content.n) {
        TRY(der_expect_uint(&content, &c->pathlen));
        c->has_pathlen = true;
    }
    return content.n || value.n || (c->has_pathlen && !c->ca) ? E_MALFORMED : OK;
}

/* BIT STRING; bit 5 is keyCertSign, bit 6 cRLSign. */
static enum err read_key_usage(struct bytes value, struct cert *c)
{
    struct bytes bits;
    TRY(der_expect(&value, DER_BIT_STRING, &bits));
    if (value.n || bits.n < 2 || bits.n > 3 || bits.p[0] > 7)
        return E_MALFORMED;
    c->has_usage = true;
    c->may_sign = bits.p[1] & 0x04;
    c->may_sign_lists = bits.p[1] & 0x02;
    return OK;
}

static enum err keep_extension(struct cert *c, struct bytes oid, struct bytes value, bool critical)
{
    struct bytes ignored;
    if (c->n_extensions == CERT_EXTENSIONS_MAX || cert_extension(c, oid, &ignored) == OK)
        return E_MALFORMED;
    c->extensions[c->n_extensions++] = (struct cert_extension){oid, value};
    if (bytes_eq(oid, CERT_OID("\x55\x1d\x13")))
        return read_basic_constraints(value, c);
    if (bytes_eq(oid, CERT_OID("\x55\x1d\x0f")))
        return read_key_usage(value, c);
    return critical ? E_MALFORMED : OK;
}

static enum err read_extensions(struct bytes list, struct cert *c)
{
    struct bytes extension, oid, value;
    while (list.n) {
        bool critical = false;
        TRY(der_expect(&list, DER_SEQUENCE, &extension));
        TRY(der_expect(&extension, DER_OID, &oid));
        if (extension.n && extension.p[0] == DER_BOOLEAN)
            TRY(read_boolean(&extension, &critical));
        TRY(der_expect(&extension, DER_OCTET_STRING, &value));
        if (extension.n)
            return E_MALFORMED;
        TRY(keep_extension(c, oid, value, critical));
    }
    return OK;
}

/* --- the whole --- */

/* [0] EXPLICIT version 3. */
static enum err read_version(struct bytes *tbs)
{
    struct bytes version;
    uint64_t v;
    TRY(der_expect(tbs, DER_CONTEXT | 0, &version));
    TRY(der_expect_uint(&version, &v));
    return v == 2 && version.n == 0 ? OK : E_MALFORMED;
}

static enum err read_tbs(struct cert *c, struct bytes algorithm)
{
    struct bytes whole = c->tbs, tbs, inner, wrapper, extensions;
    TRY(der_expect(&whole, DER_SEQUENCE, &tbs));
    TRY(read_version(&tbs));
    TRY(cert_take_serial(&tbs, &c->serial));
    TRY(cert_take_whole(&tbs, DER_SEQUENCE, &inner));
    if (!bytes_eq(inner, algorithm)) /* RFC 5280 4.1.1.2 */
        return E_MALFORMED;
    TRY(cert_take_whole(&tbs, DER_SEQUENCE, &c->issuer_name));
    TRY(cert_read_name(c->issuer_name, c->issuer));
    TRY(read_validity(&tbs, c));
    TRY(cert_take_whole(&tbs, DER_SEQUENCE, &c->subject_name));
    TRY(cert_read_name(c->subject_name, c->subject));
    TRY(cert_take_whole(&tbs, DER_SEQUENCE, &c->spki));
    TRY(der_expect(&tbs, DER_CONTEXT | 3, &wrapper));
    TRY(der_expect(&wrapper, DER_SEQUENCE, &extensions));
    if (tbs.n || wrapper.n)
        return E_MALFORMED;
    return read_extensions(extensions, c);
}

enum err cert_read_signed(struct bytes in, struct bytes *tbs, struct bytes *algorithm,
                          struct bytes *signature)
{
    struct bytes content, bits;
    TRY(der_expect(&in, DER_SEQUENCE, &content));
    TRY(cert_take_whole(&content, DER_SEQUENCE, tbs));
    TRY(cert_take_whole(&content, DER_SEQUENCE, algorithm));
    TRY(der_expect(&content, DER_BIT_STRING, &bits));
    if (in.n || content.n || bits.n < 2 || bits.p[0] != 0)
        return E_MALFORMED;
    *signature = bytes(bits.p + 1, bits.n - 1);
    return OK;
}

static enum err read_certificate(struct cert *c)
{
    struct bytes algorithm;
    TRY(cert_read_signed(buf_bytes(&c->der), &c->tbs, &algorithm, &c->signature));
    c->sig = cert_sig_of(algorithm);
    return read_tbs(c, algorithm);
}

enum err cert_parse(struct bytes der, struct cert **out, struct problem *p)
{
    *out = NULL;
    if (der.n == 0 || der.n > CERT_SIZE_MAX)
        return problem(p, E_CHAIN, "a certificate of %zu bytes (at most %d)", der.n, CERT_SIZE_MAX);
    struct cert *c = calloc(1, sizeof *c);
    if (!c)
        return E_NOMEM;
    c->der = BUF_INIT(CERT_SIZE_MAX);
    enum err e = buf_add(&c->der, der.p, der.n);
    if (e == OK && read_certificate(c) != OK)
        e = problem(p, E_CHAIN, "a certificate is malformed or has an unknown critical extension");
    if (e == OK)
        *out = c;
    else
        cert_free(c);
    return e;
}

void cert_free(struct cert *c)
{
    if (!c)
        return;
    buf_free(&c->der);
    free(c);
}

/* --- what it says --- */

const char *cert_subject(const struct cert *c)
{
    return c->subject;
}

const char *cert_issuer(const struct cert *c)
{
    return c->issuer;
}

int64_t cert_not_before(const struct cert *c)
{
    return c->not_before;
}

int64_t cert_not_after(const struct cert *c)
{
    return c->not_after;
}

bool cert_is_ca(const struct cert *c)
{
    return c->ca && (!c->has_usage || c->may_sign);
}

enum cert_sig cert_sig(const struct cert *c)
{
    return c->sig;
}

struct bytes cert_der(const struct cert *c)
{
    return buf_bytes(&c->der);
}

struct bytes cert_serial(const struct cert *c)
{
    return c->serial;
}

struct hash32 cert_spki_hash(const struct cert *c)
{
    return sha256(c->spki);
}

enum err cert_ec_point(const struct cert *c, enum curve curve, struct ecdsa_point *out)
{
    static const char p256[] = "\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
                               "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    static const char p384[] = "\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
                               "\x06\x05\x2b\x81\x04\x00\x22";
    struct bytes expected = curve == CURVE_P256 ? CERT_OID(p256) : CERT_OID(p384);
    struct bytes spki = c->spki, content, algorithm, bits;
    size_t n = 2 * curve_size(curve);
    memset(out, 0, sizeof *out);
    if (der_expect(&spki, DER_SEQUENCE, &content) != OK ||
        cert_take_whole(&content, DER_SEQUENCE, &algorithm) != OK ||
        der_expect(&content, DER_BIT_STRING, &bits) != OK || content.n)
        return E_CHAIN;
    if (!bytes_eq(algorithm, expected) || bits.n != 2 + n || bits.p[0] != 0 || bits.p[1] != 0x04)
        return E_CHAIN;
    memcpy(out->xy, bits.p + 2, n);
    return OK;
}

enum err cert_extension(const struct cert *c, struct bytes oid, struct bytes *value)
{
    for (size_t i = 0; i < c->n_extensions; i++) {
        if (bytes_eq(c->extensions[i].oid, oid)) {
            *value = c->extensions[i].value;
            return OK;
        }
    }
    return E_NOT_FOUND;
}
