#include "core/evidence/collateral.h"

#include "base/codec/hex.h"
#include "base/codec/pem.h"

/* --- certificates and revocation lists --- */

static enum err add_cert(struct collateral *c, struct bytes der, struct problem *p)
{
    struct cert *cert;
    TRY(cert_parse(der, &cert, p));
    if (c->certs.n == CERT_POOL_MAX) {
        cert_free(cert);
        return problem(p, E_TOO_LARGE, "collateral has at most %d certificates", CERT_POOL_MAX);
    }
    c->certs.c[c->certs.n++] = cert;
    return OK;
}

static enum err add_crl(struct collateral *c, struct bytes der, struct problem *p)
{
    struct crl *crl;
    TRY(crl_parse(der, &crl, p));
    if (c->n_crls == COLLATERAL_CRLS_MAX) {
        crl_free(crl);
        return problem(p, E_TOO_LARGE, "collateral has at most %d revocation lists",
                       COLLATERAL_CRLS_MAX);
    }
    c->crls[c->n_crls++] = crl;
    return OK;
}

/* Of two readings of the same bytes, none fits: what is wrong with either says little. */
static enum err add_der(struct collateral *c, struct bytes der, struct problem *p)
{
    enum err e = add_cert(c, der, p);
    if (e == E_CHAIN)
        e = add_crl(c, der, p);
    if (e == E_CHAIN)
        return problem(p, E_FORMAT, "neither a certificate nor a revocation list in DER");
    return e;
}

/* What stands between "-----BEGIN " and "-----". */
static bool next_is(struct bytes text, const char *label)
{
    static const char begin[] = "-----BEGIN ";
    size_t b = sizeof begin - 1, n = strlen(label);
    return text.n >= b + n && memcmp(text.p, begin, b) == 0 && memcmp(text.p + b, label, n) == 0;
}

static struct bytes skip_space(struct bytes in)
{
    while (in.n && strchr(" \t\r\n", in.p[0]) && in.p[0])
        in.p++, in.n--;
    return in;
}

static enum err add_block(struct collateral *c, struct bytes *text, struct buf *der,
                          struct problem *p)
{
    bool list = next_is(*text, "X509 CRL-----");
    enum err e = list ? crl_next_pem(text, der) : cert_next_pem(text, der);
    if (e == E_MALFORMED)
        return problem(p, E_FORMAT, "PEM of a certificate or revocation list is broken");
    TRY(e);
    e = list ? add_crl(c, buf_bytes(der), p) : add_cert(c, buf_bytes(der), p);
    return e == E_CHAIN ? problem(p, E_FORMAT, "a %s in PEM is malformed",
                                  list ? "revocation list" : "certificate")
                        : e;
}

static enum err add_pem(struct collateral *c, struct bytes text, struct problem *p)
{
    struct buf der = BUF_INIT(CRL_SIZE_MAX);
    enum err e = OK;
    for (text = skip_space(text); e == OK && text.n; text = skip_space(text)) {
        buf_clear(&der);
        e = add_block(c, &text, &der, p);
    }
    buf_free(&der);
    return e;
}

/* --- hexadecimal digits of DER --- */

static bool looks_like_hex(struct bytes in)
{
    return in.n >= 4 && memcmp(in.p, "30", 2) == 0 && strchr("0123456789abcdefABCDEF", in.p[2]);
}

static enum err add_hex(struct collateral *c, struct bytes text, struct problem *p)
{
    while (text.n && strchr(" \t\r\n", text.p[text.n - 1]))
        text.n--;
    if (text.n > 2 * CRL_SIZE_MAX)
        return problem(p, E_TOO_LARGE, "a revocation list has at most %d bytes", CRL_SIZE_MAX);
    char *digits = calloc(1, text.n + 1);
    uint8_t *der = malloc(text.n / 2 + 1);
    enum err e = digits && der ? OK : E_NOMEM;
    if (e == OK) {
        memcpy(digits, text.p, text.n);
        if (hex_decode(digits, der, text.n / 2) != OK)
            e = problem(p, E_FORMAT, "hexadecimal digits of DER are broken");
        else
            e = add_der(c, bytes(der, text.n / 2), p);
    }
    free(digits);
    free(der);
    return e;
}

/* --- Intel's documents --- */

static enum err add_tcb_info(struct collateral *c, struct bytes text, struct problem *p)
{
    struct tcb_info *info;
    TRY(tcb_info_parse(text, &info, p));
    if (c->n_tcb_infos == COLLATERAL_TCB_INFOS_MAX) {
        tcb_info_free(info);
        return problem(p, E_TOO_LARGE, "collateral has at most %d TCB infos",
                       COLLATERAL_TCB_INFOS_MAX);
    }
    c->tcb_infos[c->n_tcb_infos++] = info;
    return OK;
}

static enum err add_qe_identity(struct collateral *c, struct bytes text, struct problem *p)
{
    struct qe_identity *identity;
    TRY(qe_identity_parse(text, &identity, p));
    if (c->n_qe_identities == COLLATERAL_QE_IDENTITIES_MAX) {
        qe_identity_free(identity);
        return problem(p, E_TOO_LARGE, "collateral has at most %d QE identities",
                       COLLATERAL_QE_IDENTITIES_MAX);
    }
    c->qe_identities[c->n_qe_identities++] = identity;
    return OK;
}

static enum err add_json(struct collateral *c, struct bytes text, struct problem *p)
{
    json_t *whole;
    enum err e = json_parse(text, TCB_DOCUMENT_MAX, &whole, p);
    if (e == E_MALFORMED && p)
        p->err = E_FORMAT;
    if (e != OK)
        return e == E_MALFORMED ? E_FORMAT : e;
    bool info = json_member(whole, "tcbInfo"), identity = json_member(whole, "enclaveIdentity");
    json_free(whole);
    if (info)
        return add_tcb_info(c, text, p);
    if (identity)
        return add_qe_identity(c, text, p);
    return problem(p, E_NOT_FOUND, "JSON that is neither TCB info nor QE identity");
}

/* --- all kinds --- */

static enum err add_any(struct collateral *c, struct bytes in, struct problem *p)
{
    struct bytes text = skip_space(in);
    if (pem_looks_like(text))
        return add_pem(c, text, p);
    if (looks_like_hex(text))
        return add_hex(c, text, p);
    if (in.n && in.p[0] == 0x30) /* SEQUENCE */
        return add_der(c, in, p);
    if (text.n && text.p[0] == '{')
        return add_json(c, text, p);
    return problem(p, E_NOT_FOUND, "no certificate, revocation list or document of Intel's");
}

static void free_from(struct collateral *c, size_t n_certs, size_t n_crls)
{
    while (c->certs.n > n_certs)
        cert_free(c->certs.c[--c->certs.n]);
    while (c->n_crls > n_crls)
        crl_free(c->crls[--c->n_crls]);
}

static struct hash32 next_id(struct hash32 id, struct bytes in)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, BYTES_OF(id.b));
    sha256_add_var(&h, in);
    return sha256_final(&h);
}

enum err collateral_add(struct collateral *c, struct bytes in, struct problem *p)
{
    size_t n_certs = c->certs.n, n_crls = c->n_crls;
    enum err e = add_any(c, in, p);
    if (e == OK)
        c->id = next_id(c->id, in);
    else
        free_from(c, n_certs, n_crls); /* a document is the only one of its file */
    return e;
}

void collateral_free(struct collateral *c)
{
    if (!c)
        return;
    free_from(c, 0, 0);
    for (size_t i = 0; i < c->n_tcb_infos; i++)
        tcb_info_free(c->tcb_infos[i]);
    for (size_t i = 0; i < c->n_qe_identities; i++)
        qe_identity_free(c->qe_identities[i]);
    memset(c, 0, sizeof *c);
}
