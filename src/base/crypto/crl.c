/* Revocation lists (RFC 5280 section 5). */
#include "base/crypto/crl.h"

#include "base/codec/der.h"
#include "base/codec/pem.h"
#include "base/crypto/cert_parse.h"

/* Vendors use two. */
#define EXTENSIONS_MAX 16

#define REASON_REMOVE_FROM_CRL 8 /* stands in delta lists only (5.3.1) */

/* Views borrow from `der`. */
struct crl {
    struct buf der;
    struct bytes tbs; /* with its tag: what is signed */
    struct bytes issuer_name, revoked, signature;
    char issuer[CERT_NAME_MAX];
    int64_t this_update, next_update;
    enum cert_sig sig;
    size_t entries;
};

/* --- extensions --- */

/* A delta list, an issuing distribution point, another issuer: not all of the issuer's list. */
static bool narrows(struct bytes oid)
{
    return bytes_eq(oid, CERT_OID("\x55\x1d\x1b")) || bytes_eq(oid, CERT_OID("\x55\x1d\x1c")) ||
           bytes_eq(oid, CERT_OID("\x55\x1d\x1d"));
}

/* reasonCode: ENUMERATED. */
static enum err check_reason(struct bytes value)
{
    struct bytes code;
    TRY(der_expect(&value, DER_ENUMERATED, &code));
    return value.n || code.n != 1 || code.p[0] > 10 || code.p[0] == REASON_REMOVE_FROM_CRL
               ? E_MALFORMED
               : OK;
}

static enum err read_extension(struct bytes *list, struct bytes *oid)
{
    struct bytes extension, value;
    TRY(der_expect(list, DER_SEQUENCE, &extension));
    TRY(der_expect(&extension, DER_OID, oid));
    /* `critical` would come next: FALSE is the default and never written, TRUE is refused. */
    TRY(der_expect(&extension, DER_OCTET_STRING, &value));
    if (extension.n || narrows(*oid))
        return E_MALFORMED;
    return bytes_eq(*oid, CERT_OID("\x55\x1d\x15")) ? check_reason(value) : OK;
}

/* A non-empty SEQUENCE of extensions, none critical, none twice. */
static enum err check_extensions(struct bytes *in)
{
    struct bytes list, seen[EXTENSIONS_MAX];
    size_t n = 0;
    TRY(der_expect(in, DER_SEQUENCE, &list));
    do {
        if (n == EXTENSIONS_MAX)
            return E_MALFORMED;
        TRY(read_extension(&list, &seen[n]));
        for (size_t i = 0; i < n; i++)
            if (bytes_eq(seen[i], seen[n]))
                return E_MALFORMED;
        n++;
    } while (list.n);
    return OK;
}

/* --- the whole --- */

/* SEQUENCE {userCertificate, revocationDate, crlEntryExtensions OPTIONAL} */
static enum err next_entry(struct bytes *list, struct bytes *serial)
{
    struct bytes entry;
    int64_t date;
    TRY(der_expect(list, DER_SEQUENCE, &entry));
    TRY(cert_take_serial(&entry, serial));
    TRY(der_expect_time(&entry, &date));
    if (entry.n)
        TRY(check_extensions(&entry));
    return entry.n ? E_MALFORMED : OK;
}

/* Absent if nothing is revoked (5.1.2.6). */
static enum err read_revoked(struct bytes *tbs, struct crl *crl)
{
    struct bytes list, serial;
    if (!tbs->n || tbs->p[0] != DER_SEQUENCE)
        return OK;
    TRY(der_expect(tbs, DER_SEQUENCE, &list));
    crl->revoked = list;
    do {
        TRY(next_entry(&list, &serial));
        crl->entries++;
    } while (list.n);
    return OK;
}

/* Version 2 has extensions, the list's number at least (5.2.3). */
static enum err read_tbs(struct crl *crl, struct bytes algorithm)
{
    struct bytes whole = crl->tbs, tbs, inner, wrapper;
    uint64_t version;
    TRY(der_expect(&whole, DER_SEQUENCE, &tbs));
    TRY(der_expect_uint(&tbs, &version));
    TRY(cert_take_whole(&tbs, DER_SEQUENCE, &inner));
    if (version != 1 || !bytes_eq(inner, algorithm)) /* 5.1.1.2 */
        return E_MALFORMED;
    TRY(cert_take_whole(&tbs, DER_SEQUENCE, &crl->issuer_name));
    TRY(cert_read_name(crl->issuer_name, crl->issuer));
    TRY(der_expect_time(&tbs, &crl->this_update));
    TRY(der_expect_time(&tbs, &crl->next_update));
    TRY(read_revoked(&tbs, crl));
    TRY(der_expect(&tbs, DER_CONTEXT | 0, &wrapper));
    TRY(check_extensions(&wrapper));
    return tbs.n || wrapper.n ? E_MALFORMED : OK;
}

static enum err read_list(struct crl *crl)
{
    struct bytes algorithm;
    TRY(cert_read_signed(buf_bytes(&crl->der), &crl->tbs, &algorithm, &crl->signature));
    crl->sig = cert_sig_of(algorithm);
    return read_tbs(crl, algorithm);
}

enum err crl_parse(struct bytes der, struct crl **out, struct problem *p)
{
    *out = NULL;
    if (der.n == 0 || der.n > CRL_SIZE_MAX)
        return problem(p, E_CHAIN, "a revocation list of %zu bytes (at most %d)", der.n,
                       CRL_SIZE_MAX);
    struct crl *crl = calloc(1, sizeof *crl);
    if (!crl)
        return E_NOMEM;
    crl->der = BUF_INIT(CRL_SIZE_MAX);
    enum err e = buf_add(&crl->der, der.p, der.n);
    if (e == OK && read_list(crl) != OK)
        e = problem(p, E_CHAIN, "a revocation list is malformed or has a critical extension");
    if (e == OK)
        *out = crl;
    else
        crl_free(crl);
    return e;
}

void crl_free(struct crl *crl)
{
    if (!crl)
        return;
    buf_free(&crl->der);
    free(crl);
}

/* --- what it says --- */

const char *crl_issuer(const struct crl *crl)
{
    return crl->issuer;
}

int64_t crl_this_update(const struct crl *crl)
{
    return crl->this_update;
}

int64_t crl_next_update(const struct crl *crl)
{
    return crl->next_update;
}

size_t crl_entries(const struct crl *crl)
{
    return crl->entries;
}

struct bytes crl_der(const struct crl *crl)
{
    return buf_bytes(&crl->der);
}

/* --- judging --- */

enum err crl_check_issued(const struct crl *crl, const struct cert *issuer, struct problem *p)
{
    if (!bytes_eq(crl->issuer_name, issuer->subject_name))
        return problem(p, E_CHAIN, "the revocation list of \"%s\" is not \"%s\"'s", crl->issuer,
                       issuer->subject);
    if (!issuer->ca || (issuer->has_usage && !issuer->may_sign_lists))
        return problem(p, E_CHAIN, "certificate \"%s\" may not sign revocation lists",
                       issuer->subject);
    if (!cert_verify_signed(crl->sig, crl->tbs, crl->signature, issuer))
        return problem(p, E_CHAIN, "the signature on the revocation list of \"%s\" does not verify",
                       crl->issuer);
    return OK;
}

enum err crl_check_dates(const struct crl *crl, int64_t unix_time, struct problem *p)
{
    if (unix_time < crl->this_update)
        return problem(p, E_COLL_EXPIRED,
                       "the revocation list of \"%s\" is valid from %lld, the time is %lld",
                       crl->issuer, (long long)crl->this_update, (long long)unix_time);
    if (unix_time > crl->next_update)
        return problem(p, E_COLL_EXPIRED,
                       "the revocation list of \"%s\" expired at %lld, the time is %lld",
                       crl->issuer, (long long)crl->next_update, (long long)unix_time);
    return OK;
}

enum err crl_check_cert(const struct crl *crl, const struct cert *c, struct problem *p)
{
    struct bytes list = crl->revoked, serial;
    if (!bytes_eq(crl->issuer_name, c->issuer_name))
        return problem(p, E_CHAIN, "the revocation list of \"%s\" does not cover \"%s\"",
                       crl->issuer, c->subject);
    while (list.n && next_entry(&list, &serial) == OK)
        if (bytes_eq(serial, c->serial))
            return problem(p, E_CERT_REVOKED, "certificate \"%s\" is revoked by \"%s\"", c->subject,
                           crl->issuer);
    return OK;
}

/* --- PEM --- */

enum err crl_next_pem(struct bytes *text, struct buf *der)
{
    while (text->n && strchr(" \t\r\n", text->p[0]) && text->p[0])
        *text = bytes_after(*text, 1);
    return text->n ? pem_next("X509 CRL", text, der) : E_NOT_FOUND;
}
