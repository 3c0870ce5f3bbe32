#include "core/evidence/needs.h"

#include "base/codec/hex.h"
#include "core/evidence/codec_int.h"
#include "core/evidence/snp_report.h"

#include <stdio.h>

#define TURIN_HWID 8

/* --- from claims --- */

/*
 * Only certificates of the Platform CA, which serves machines of several
 * packages, name a platform instance ("SGX PCK Certificate and CRL Profile",
 * section 1.3.5).
 */
static size_t of_tdx(const struct tdx_claims *c, struct vendor_object *out)
{
    enum pck_ca ca = c->has_platform_instance ? PCK_CA_PLATFORM : PCK_CA_PROCESSOR;
    if (bytes_is_zero(BYTES_OF(c->fmspc)))
        return 0;
    out[0] = (struct vendor_object){.kind = OBJECT_TDX_TCB_INFO};
    memcpy(out[0].fmspc, c->fmspc, sizeof out[0].fmspc);
    out[1] = (struct vendor_object){.kind = OBJECT_TDX_QE_IDENTITY};
    out[2] = (struct vendor_object){.kind = OBJECT_PCK_CRL, .ca = ca};
    out[3] = (struct vendor_object){.kind = OBJECT_SGX_ROOT_CRL};
    return 4;
}

static size_t hwid_size(enum snp_product p)
{
    return p == SNP_TURIN ? TURIN_HWID : sizeof((struct vendor_object *)0)->hwid;
}

static size_t of_snp(const struct snp_claims *c, bool with_vcek, struct vendor_object *out)
{
    if (c->product == SNP_PRODUCT_UNKNOWN || c->signing_key > SNP_KEY_VLEK)
        return 0;
    out[0] = (struct vendor_object){
        .kind = OBJECT_SNP_CHAIN, .product = c->product, .key = c->signing_key};
    out[1] = out[0];
    out[1].kind = OBJECT_SNP_CRL;
    bool is_masked = bytes_is_zero(BYTES_OF(c->chip_id));
    if (!with_vcek || c->signing_key != SNP_KEY_VCEK || is_masked)
        return 2;
    out[2] =
        (struct vendor_object){.kind = OBJECT_VCEK, .product = c->product, .tcb = c->reported_tcb};
    memcpy(out[2].hwid, c->chip_id, hwid_size(c->product));
    return 3;
}

size_t objects_of_claims(const struct claims *c, bool with_vcek,
                         struct vendor_object out[static OBJECTS_OF_CLAIMS_MAX])
{
    if (c->platform == PLATFORM_TDX)
        return of_tdx(&c->tdx, out);
    return c->platform == PLATFORM_SNP ? of_snp(&c->snp, with_vcek, out) : 0;
}

/* --- names --- */

void object_name(const struct vendor_object *o, char out[static OBJECT_NAME_MAX])
{
    const char *product = snp_product_name(o->product), *key = snp_key_name(o->key);
    char hex[2 * sizeof o->fmspc + 1];
    hex_encode(o->kind == OBJECT_VCEK ? bytes(o->hwid, 4) : BYTES_OF(o->fmspc), hex);
    switch (o->kind) {
    case OBJECT_TDX_TCB_INFO:
        snprintf(out, OBJECT_NAME_MAX, "TCB info of %s", hex);
        break;
    case OBJECT_TDX_QE_IDENTITY:
        snprintf(out, OBJECT_NAME_MAX, "TD QE identity");
        break;
    case OBJECT_PCK_CRL:
        snprintf(out, OBJECT_NAME_MAX, "revocation list of the PCK %s CA",
                 o->ca == PCK_CA_PLATFORM ? "Platform" : "Processor");
        break;
    case OBJECT_SGX_ROOT_CRL:
        snprintf(out, OBJECT_NAME_MAX, "revocation list of the SGX root CA");
        break;
    case OBJECT_SNP_CHAIN:
        snprintf(out, OBJECT_NAME_MAX, "%s certificates of %s", key, product);
        break;
    case OBJECT_SNP_CRL:
        snprintf(out, OBJECT_NAME_MAX, "%s revocation list of %s", key, product);
        break;
    case OBJECT_VCEK:
        snprintf(out, OBJECT_NAME_MAX, "VCEK of the %s %s", product, hex);
        break;
    case OBJECT_NONE:
    case OBJECT_KINDS:
        snprintf(out, OBJECT_NAME_MAX, "nothing");
        break;
    }
}

/* --- bytes: one list of fields, written or read --- */

static unsigned number(struct codec *c, unsigned v, unsigned least, unsigned most)
{
    if (c->w) {
        wr_u8(c->w, (uint8_t)v);
        return v;
    }
    v = rd_u8(c->r);
    rd_require(c->r, v >= least && v <= most);
    return c->r->bad ? least : v;
}

static void product(struct codec *c, struct vendor_object *o)
{
    o->product = number(c, o->product, SNP_MILAN, SNP_PRODUCTS - 1);
}

static void tcb(struct codec *c, struct vendor_object *o)
{
    uint8_t *parts[] = {&o->tcb.bootloader, &o->tcb.tee, &o->tcb.snp, &o->tcb.microcode,
                        &o->tcb.fmc};
    o->tcb.has_fmc = o->product == SNP_TURIN;
    for (size_t i = 0; i < (o->tcb.has_fmc ? 5 : 4); i++)
        raw(c, parts[i], 1);
}

static void walk(struct codec *c, struct vendor_object *o)
{
    o->kind = number(c, o->kind, OBJECT_TDX_TCB_INFO, OBJECT_KINDS - 1);
    switch (o->kind) {
    case OBJECT_TDX_TCB_INFO:
        raw(c, o->fmspc, sizeof o->fmspc);
        break;
    case OBJECT_PCK_CRL:
        o->ca = number(c, o->ca, PCK_CA_PLATFORM, PCK_CA_PROCESSOR);
        break;
    case OBJECT_SNP_CHAIN:
    case OBJECT_SNP_CRL:
        product(c, o);
        o->key = number(c, o->key, SNP_KEY_VCEK, SNP_KEY_VLEK);
        break;
    case OBJECT_VCEK:
        product(c, o);
        raw(c, o->hwid, hwid_size(o->product));
        tcb(c, o);
        break;
    default:
        break;
    }
}

void object_write(struct writer *w, const struct vendor_object *o)
{
    struct vendor_object copy = *o; /* a walk that writes changes nothing */
    struct codec c = {.w = w};
    walk(&c, &copy);
}

void object_read(struct reader *r, struct vendor_object *out)
{
    struct codec c = {.r = r};
    memset(out, 0, sizeof *out);
    walk(&c, out);
    if (r->bad)
        memset(out, 0, sizeof *out);
}

bool object_eq(const struct vendor_object *a, const struct vendor_object *b)
{
    return a->kind == b->kind && a->ca == b->ca && a->product == b->product && a->key == b->key &&
           bytes_eq(BYTES_OF(a->fmspc), BYTES_OF(b->fmspc)) &&
           bytes_eq(BYTES_OF(a->hwid), BYTES_OF(b->hwid)) && snp_tcb_eq(&a->tcb, &b->tcb);
}
