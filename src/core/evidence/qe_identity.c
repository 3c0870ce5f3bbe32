#include "core/evidence/qe_identity.h"

#include "base/codec/hex.h"

static enum err read_identity(const json_t *inner, struct qe_identity *out, struct problem *p)
{
    json_t *levels;
    uint64_t product;
    const struct json_field fields[] = {
        {"miscselect", JF_HEX, out->miscselect, 4, 0, NULL, 0},
        {"miscselectMask", JF_HEX, out->miscselect_mask, 4, 0, NULL, 0},
        {"attributes", JF_HEX, out->attributes, 16, 0, NULL, 0},
        {"attributesMask", JF_HEX, out->attributes_mask, 16, 0, NULL, 0},
        {"mrsigner", JF_HEX, out->mrsigner, 32, 0, NULL, 0},
        {"isvprodid", JF_UINT, &product, UINT16_MAX, 0, NULL, 0},
        {"tcbLevels", JF_ARRAY, &levels, 0, 0, NULL, 0},
    };
    TRY(tcb_pick(inner, "enclaveIdentity", JSON_FIELDS(fields), p));
    out->isv_prod_id = (uint16_t)product;
    return isv_levels_read(levels, &out->levels, p);
}

enum err qe_identity_parse(struct bytes text, struct qe_identity **out, struct problem *p)
{
    static const struct tcb_document_kind kind = {"enclaveIdentity", "TD_QE", 2};
    json_t *whole = NULL, *inner;
    struct qe_identity *q = calloc(1, sizeof *q);
    enum err e = q ? OK : E_NOMEM;
    if (e == OK)
        e = tcb_document_parse(text, &kind, &q->document, &whole, &inner, p);
    if (e == OK)
        e = read_identity(inner, q, p);
    json_free(whole);
    if (e != OK)
        qe_identity_free(q);
    *out = e == OK ? q : NULL;
    return e;
}

void qe_identity_free(struct qe_identity *q)
{
    if (!q)
        return;
    isv_levels_free(&q->levels);
    free(q);
}

/* --- the report --- */

struct qe_report {
    struct bytes miscselect, attributes, mrsigner;
    uint16_t isv_prod_id, isv_svn;
};

static struct qe_report read_report(struct bytes in)
{
    struct qe_report q;
    struct reader r = reader(in);
    rd_skip(&r, 16); /* CPUSVN: the platform's is in the PCK certificate */
    q.miscselect = rd_bytes(&r, 4);
    rd_skip(&r, 28);
    q.attributes = rd_bytes(&r, 16);
    rd_skip(&r, 32 + 32); /* MRENCLAVE changes with each version; Intel signs all of them */
    q.mrsigner = rd_bytes(&r, 32);
    rd_skip(&r, 96);
    q.isv_prod_id = rd_u16le(&r);
    q.isv_svn = rd_u16le(&r);
    return q;
}

#define HEX_MAX 65

static enum err same(const char *what, struct bytes actual, const uint8_t *mask,
                     const uint8_t *expected, struct problem *p)
{
    uint8_t masked[32];
    char want[HEX_MAX], have[HEX_MAX];
    for (size_t i = 0; i < actual.n; i++)
        masked[i] = actual.p[i] & (mask ? mask[i] : 0xff);
    if (memcmp(masked, expected, actual.n) == 0)
        return OK;
    hex_encode(bytes(expected, actual.n), want);
    hex_encode(bytes(masked, actual.n), have);
    return problem(p, E_VENDOR, "%s of the quoting enclave: expected %s, is %s", what, want, have);
}

enum err qe_identity_match(const struct qe_identity *q, struct bytes report,
                           const struct tcb_verdict **out, struct problem *p)
{
    struct qe_report r = read_report(report);
    TRY(same("MISCSELECT", r.miscselect, q->miscselect_mask, q->miscselect, p));
    TRY(same("ATTRIBUTES", r.attributes, q->attributes_mask, q->attributes, p));
    TRY(same("MRSIGNER", r.mrsigner, NULL, q->mrsigner, p));
    if (r.isv_prod_id != q->isv_prod_id)
        return problem(p, E_VENDOR, "ISVPRODID of the quoting enclave: expected %u, is %u",
                       q->isv_prod_id, r.isv_prod_id);
    *out = isv_levels_find(&q->levels, r.isv_svn);
    if (!*out)
        return problem(p, E_TCB_STATUS, "ISVSVN %u of the quoting enclave is below all TCB levels",
                       r.isv_svn);
    return OK;
}
