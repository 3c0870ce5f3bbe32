#include "io/collateral/fetch.h"

#include "base/codec/hex.h"
#include "base/codec/pem.h"
#include "io/client/client.h"
#include "io/collateral/plan.h"

#include <stdio.h>

/* --- what is asked for, and what must come --- */

enum form { FORM_JSON, FORM_CRL, FORM_PEM, FORM_DER };

static const struct {
    enum form form;
    size_t max;
    const char *chain_header; /* NULL: the answer has none */
} kinds[OBJECT_KINDS] = {
    /* Some twenty levels of sixteen components: 10 KiB. */
    [OBJECT_TDX_TCB_INFO] = {FORM_JSON, 256 << 10, "TCB-Info-Issuer-Chain"},
    [OBJECT_TDX_QE_IDENTITY] = {FORM_JSON, 64 << 10, "SGX-Enclave-Identity-Issuer-Chain"},
    [OBJECT_PCK_CRL] = {FORM_CRL, COLLATERAL_OBJECT_MAX, "SGX-PCK-CRL-Issuer-Chain"},
    [OBJECT_SGX_ROOT_CRL] = {FORM_CRL, COLLATERAL_OBJECT_MAX, NULL},
    [OBJECT_SNP_CHAIN] = {FORM_PEM, COLLATERAL_CHAIN_MAX, NULL},
    [OBJECT_SNP_CRL] = {FORM_CRL, COLLATERAL_OBJECT_MAX, NULL},
    [OBJECT_VCEK] = {FORM_DER, COLLATERAL_CHAIN_MAX, NULL},
};

/* --- the URL --- */

static const char pcs_path[] = "/sgx/certification/v4";

/* The length of a base URL without what the API's paths begin with. */
static int base_size(const char *url, const char *path)
{
    size_t n = strlen(url), m = strlen(path);
    while (n > 0 && url[n - 1] == '/')
        n--;
    if (n >= m && memcmp(url + n - m, path, m) == 0)
        n -= m;
    return (int)n;
}

static int print_vcek(const struct vendor_object *o, char *out, size_t cap)
{
    char hwid[2 * sizeof o->hwid + 1], fmc[16] = "";
    hex_encode(bytes(o->hwid, o->product == SNP_TURIN ? 8 : sizeof o->hwid), hwid);
    if (o->tcb.has_fmc)
        snprintf(fmc, sizeof fmc, "&fmcSPL=%02u", o->tcb.fmc);
    return snprintf(out, cap, "/vcek/v1/%s/%s?blSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u%s",
                    snp_product_name(o->product), hwid, o->tcb.bootloader, o->tcb.tee, o->tcb.snp,
                    o->tcb.microcode, fmc);
}

static int print_path(const struct vendor_object *o, char *out, size_t cap)
{
    const char *key = snp_key_name(o->key), *product = snp_product_name(o->product);
    char fmspc[2 * sizeof o->fmspc + 1];
    hex_encode(BYTES_OF(o->fmspc), fmspc);
    switch (o->kind) {
    case OBJECT_TDX_TCB_INFO:
        return snprintf(out, cap, "/tdx/certification/v4/tcb?fmspc=%s", fmspc);
    case OBJECT_TDX_QE_IDENTITY:
        return snprintf(out, cap, "/tdx/certification/v4/qe/identity");
    case OBJECT_PCK_CRL:
        return snprintf(out, cap, "%s/pckcrl?ca=%s&encoding=der", pcs_path,
                        o->ca == PCK_CA_PLATFORM ? "platform" : "processor");
    case OBJECT_SGX_ROOT_CRL:
        return snprintf(out, cap, "%s/rootcacrl", pcs_path);
    case OBJECT_SNP_CHAIN:
        return snprintf(out, cap, "/%s/v1/%s/cert_chain", key, product);
    case OBJECT_SNP_CRL:
        return snprintf(out, cap, "/%s/v1/%s/crl", key, product);
    case OBJECT_VCEK:
        return print_vcek(o, out, cap);
    default:
        return 0;
    }
}

enum err collateral_url(const struct collateral_services *s, const struct vendor_object *object,
                        char out[static COLLATERAL_URL_MAX], struct problem *p)
{
    char path[256];
    bool amd = plan_service_of(object) == PLAN_AMD;
    const char *base = amd ? s->kds_url : s->pcs_url;
    if (print_path(object, path, sizeof path) <= 0)
        return problem(p, E_VALUE, "no such object");
    int n = object->kind == OBJECT_SGX_ROOT_CRL && s->root_crl_url
                ? snprintf(out, COLLATERAL_URL_MAX, "%s", s->root_crl_url)
                : snprintf(out, COLLATERAL_URL_MAX, "%.*s%s", base_size(base, amd ? "" : pcs_path),
                           base, path);
    return n < COLLATERAL_URL_MAX ? OK : problem(p, E_VALUE, "the service's URL is too long");
}

/* --- the answer's parts --- */

static bool is_text(uint8_t c)
{
    return (c >= ' ' && c < 0x7F) || c == '\n' || c == '\r' || c == '\t';
}

enum err collateral_unescape(struct bytes text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '%') {
            char digits[3] = {0};
            if (text.n - i < 3)
                return E_MALFORMED;
            memcpy(digits, text.p + i + 1, 2);
            TRY(hex_decode(digits, &c, 1));
            i += 2;
        }
        if (!is_text(c))
            return E_MALFORMED;
        TRY(buf_add(out, &c, 1));
    }
    return OK;
}

static enum err take_chain(const struct client_answer *from, const char *header, struct buf *out,
                           struct problem *p)
{
    struct bytes value;
    enum err e = client_header(from, header, &value);
    if (e == OK)
        e = collateral_unescape(value, out);
    if (e == OK && !pem_looks_like(buf_bytes(out)))
        e = E_MALFORMED;
    return e == OK ? OK
                   : problem(p, e == E_TOO_LARGE ? e : E_MALFORMED,
                             "the answer has no certificates in its header %s", header);
}

static struct bytes trim(struct bytes in)
{
    while (in.n && strchr(" \t\r\n", in.p[0]) && in.p[0])
        in.p++, in.n--;
    while (in.n && strchr(" \t\r\n", in.p[in.n - 1]) && in.p[in.n - 1])
        in.n--;
    return in;
}

static bool is_der(struct bytes in)
{
    return in.n > 4 && in.p[0] == 0x30 && in.p[1] >= 0x81;
}

/* As a PCCS answers: the DER of a list in hexadecimal. */
static bool is_hex(struct bytes text)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    bool ok = text.n > 4 && text.n % 2 == 0 && memcmp(text.p, "30", 2) == 0;
    for (size_t i = 0; ok && i < text.n; i++)
        ok = text.p[i] && strchr(digits, text.p[i]);
    return ok;
}

/*
 * Judged by content: a PCCS calls hexadecimal text/html, and an error page of a
 * proxy may be called anything.
 */
enum err collateral_body(enum object_kind kind, struct bytes in, struct buf *out)
{
    enum form form = kinds[kind].form;
    struct bytes text = trim(in);
    bool fits = form == FORM_DER    ? is_der(in)
                : form == FORM_PEM  ? pem_looks_like(text)
                : form == FORM_JSON ? text.n && text.p[0] == '{' && text.p[text.n - 1] == '}'
                                    : is_der(in) || pem_looks_like(text) || is_hex(text);
    if (!fits)
        return E_MALFORMED;
    return is_der(in) ? buf_add(out, in.p, in.n) : buf_add(out, text.p, text.n);
}

static enum err take_body(const struct client_answer *from, const struct vendor_object *o,
                          struct buf *out, struct problem *p)
{
    static const char *const names[] = {[FORM_JSON] = "JSON",
                                        [FORM_CRL] = "a revocation list",
                                        [FORM_PEM] = "PEM",
                                        [FORM_DER] = "a certificate in DER"};
    struct bytes type = BYTES_NONE;
    enum err e = collateral_body(o->kind, buf_bytes(&from->body), out);
    if (e != E_MALFORMED)
        return e;
    (void)!client_header(from, "Content-Type", &type); /* only for the sentence */
    return problem(p, e, "the answer is not %s but %zu bytes of \"%.*s\"",
                   names[kinds[o->kind].form], from->body.n, (int)(type.n < 60 ? type.n : 60),
                   (const char *)type.p);
}

/* --- the exchange --- */

static enum err judge_status(const struct client_answer *a, const char *url, struct problem *p)
{
    enum err e = a->status == 404                            ? E_NOT_FOUND
                 : a->status == 429                          ? E_RATE
                 : a->status == 503 && a->retry_after_s != 0 ? E_RATE
                                                             : E_IO;
    return a->status == 200 ? OK : problem(p, e, "%.200s answers %d", url, a->status);
}

static enum err take_answer(const struct client_answer *from, const struct vendor_object *object,
                            const char *url, struct collateral_answer *out, struct problem *p)
{
    const char *header = kinds[object->kind].chain_header;
    out->retry_after_s = from->retry_after_s;
    TRY(judge_status(from, url, p));
    TRY(take_body(from, object, &out->body, p));
    return header ? take_chain(from, header, &out->chain, p) : OK;
}

enum err collateral_fetch(const struct collateral_services *s, const struct vendor_object *object,
                          struct collateral_answer *out, struct problem *p)
{
    char url[COLLATERAL_URL_MAX];
    TRY(collateral_url(s, object, url, p));
    struct client_request request = {.url = url,
                                     .method = "GET",
                                     .accept = "*/*",
                                     .proxy = s->proxy,
                                     .ca_file = s->ca_file,
                                     .timeout_ms = s->timeout_ms};
    struct client_answer answer = client_answer(kinds[object->kind].max);
    enum err e = client_call(&request, &answer, p);
    if (e == OK)
        e = take_answer(&answer, object, url, out, p);
    if (e != OK) {
        buf_clear(&out->body);
        buf_clear(&out->chain);
    }
    client_answer_free(&answer);
    return e;
}

struct collateral_answer collateral_answer(void)
{
    return (struct collateral_answer){.body = BUF_INIT(COLLATERAL_OBJECT_MAX),
                                      .chain = BUF_INIT(COLLATERAL_CHAIN_MAX)};
}

void collateral_answer_free(struct collateral_answer *a)
{
    buf_free(&a->body);
    buf_free(&a->chain);
    a->retry_after_s = 0;
}
