#include "core/evidence/sim/intel.h"

#include "base/codec/hex.h"
#include "base/codec/json.h"
#include "base/codec/rfc3339.h"
#include "core/evidence/sim/vendor.h"

#define DAY 86400

/* INIT, MODE64BIT, PROVISION_KEY; XFRM. */
const uint8_t sim_qe_attributes[16] = {0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7};

struct hash32 sim_qe_signer(void)
{
    return sha256(bytes_str("simulated QE signer"));
}

/* --- a description --- */

static struct sim_verdict up_to_date(int64_t at)
{
    return (struct sim_verdict){.status = TCB_UP_TO_DATE, .date = at - 200 * DAY};
}

static struct sim_verdict behind(int64_t at)
{
    return (struct sim_verdict){
        .status = TCB_OUT_OF_DATE, .date = at - 400 * DAY, .advisories = {"SIM-SA-00001"}};
}

static void one_lower(uint8_t *svn, size_t n)
{
    for (size_t i = 0; i < n; i++)
        svn[i] -= svn[i] > 0;
}

static void describe_isv(struct sim_isv_levels *l, uint16_t svn, int64_t at)
{
    l->n = 2;
    l->level[0].svn = svn;
    l->level[0].verdict = up_to_date(at);
    l->level[1].svn = svn ? svn - 1 : 0;
    l->level[1].verdict = behind(at);
}

static void describe_levels(struct sim_tcb_info *t, const struct tdx_claims *m, int64_t at)
{
    struct sim_tcb_level *l = t->levels;
    t->n_levels = 2;
    memcpy(l[0].sgx, m->cpu_svn, 16);
    memcpy(l[0].tdx, m->tee_tcb_svn, 16);
    l[0].pce_svn = m->pce_svn;
    l[1] = l[0];
    one_lower(l[1].sgx, 16);
    one_lower(l[1].tdx, 16);
    l[1].pce_svn -= l[1].pce_svn > 0;
    l[0].verdict = up_to_date(at);
    l[1].verdict = behind(at);
}

static void describe_tcb_info(struct sim_tcb_info *t, const struct tdx_claims *m, int64_t at)
{
    t->id = "TDX";
    t->version = 3;
    memcpy(t->fmspc, m->fmspc, sizeof t->fmspc);
    memcpy(t->pce_id, m->pce_id, sizeof t->pce_id);
    t->n_identities = m->tee_tcb_svn[1] > 0;
    t->identities[0].version = m->tee_tcb_svn[1];
    describe_isv(&t->identities[0].levels, m->tee_tcb_svn[0], at);
    describe_levels(t, m, at);
}

static void describe_identity(struct sim_qe_identity *q, int64_t at)
{
    q->id = "TD_QE";
    q->version = 2;
    memset(q->miscselect_mask, 0xff, sizeof q->miscselect_mask);
    memset(q->attributes_mask, 0xff, 8); /* Intel leaves XFRM open */
    memcpy(q->attributes, sim_qe_attributes, 8);
    memcpy(q->mrsigner, sim_qe_signer().b, sizeof q->mrsigner);
    q->isv_prod_id = SIM_QE_PROD_ID;
    describe_isv(&q->levels, SIM_QE_SVN, at);
}

struct sim_intel sim_intel(const struct claims *machine, int64_t at)
{
    const struct sim_dates dates = {at - DAY, at + 30 * DAY};
    struct sim_intel s = {
        .document_key = SIM_CN_SIGNING,
        .signing = {SIM_CN_ROOT, SIM_CN_ROOT, {at - 1000 * DAY, at + 1000 * DAY}},
        .root_crl = {.issued_by = SIM_CN_ROOT, .key = SIM_CN_ROOT, .dates = dates},
        .pck_crl = {.issued_by = SIM_CN_PCK_CA, .key = SIM_CN_PCK_CA, .dates = dates}};
    describe_tcb_info(&s.tcb_info, &machine->tdx, at);
    describe_identity(&s.qe_identity, at);
    s.tcb_info.dates = s.qe_identity.dates = dates;
    memcpy(s.ppid, machine->tdx.ppid, sizeof s.ppid);
    return s;
}

/* --- documents --- */

static void put_date(struct json_builder *b, const char *name, int64_t at)
{
    char text[RFC3339_SIZE];
    if (rfc3339_write(at, text) == OK)
        jb_text(b, name, text);
    else
        b->err = E_VALUE;
}

static void put_head(struct json_builder *b, const char *id, unsigned version,
                     struct sim_dates dates)
{
    jb_text(b, "id", id);
    jb_uint(b, "version", version);
    put_date(b, "issueDate", dates.from);
    put_date(b, "nextUpdate", dates.until);
}

static void put_verdict(struct json_builder *b, const struct sim_verdict *v)
{
    put_date(b, "tcbDate", v->date);
    jb_text(b, "tcbStatus", tcb_status_name(v->status));
    if (!v->advisories[0])
        return;
    jb_array(b, "advisoryIDs");
    for (size_t i = 0; i < SIM_ADVISORIES_MAX && v->advisories[i]; i++)
        jb_text(b, NULL, v->advisories[i]);
    jb_close(b);
}

static void put_isv_levels(struct json_builder *b, const struct sim_isv_levels *l)
{
    jb_array(b, "tcbLevels");
    for (size_t i = 0; i < l->n; i++) {
        jb_object(b, NULL);
        jb_object(b, "tcb");
        jb_uint(b, "isvsvn", l->level[i].svn);
        jb_close(b);
        put_verdict(b, &l->level[i].verdict);
        jb_close(b);
    }
    jb_close(b);
}

static void put_module(struct json_builder *b, const struct sim_module *m)
{
    const uint8_t mask[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    jb_hex(b, "mrsigner", BYTES_OF(m->mrsigner));
    jb_hex(b, "attributes", BYTES_OF(m->attributes));
    jb_hex(b, "attributesMask", BYTES_OF(mask));
}

static void put_identity(struct json_builder *b, const struct sim_module *m)
{
    char id[8];
    snprintf(id, sizeof id, "TDX_%02X", m->version);
    jb_object(b, NULL);
    jb_text(b, "id", id);
    put_module(b, m);
    put_isv_levels(b, &m->levels);
    jb_close(b);
}

static void put_components(struct json_builder *b, const char *name, const uint8_t svn[static 16])
{
    jb_array(b, name);
    for (size_t i = 0; i < 16; i++) {
        jb_object(b, NULL);
        jb_uint(b, "svn", svn[i]);
        jb_close(b);
    }
    jb_close(b);
}

static void put_level(struct json_builder *b, const struct sim_tcb_level *l)
{
    jb_object(b, NULL);
    jb_object(b, "tcb");
    put_components(b, "sgxtcbcomponents", l->sgx);
    jb_uint(b, "pcesvn", l->pce_svn);
    put_components(b, "tdxtcbcomponents", l->tdx);
    jb_close(b);
    put_verdict(b, &l->verdict);
    jb_close(b);
}

static void put_tcb_info(struct json_builder *b, const struct sim_tcb_info *t)
{
    put_head(b, t->id, t->version, t->dates);
    jb_hex(b, "fmspc", BYTES_OF(t->fmspc));
    jb_hex(b, "pceId", BYTES_OF(t->pce_id));
    jb_uint(b, "tcbType", 0);
    jb_uint(b, "tcbEvaluationDataNumber", 1);
    jb_object(b, "tdxModule");
    put_module(b, &t->module);
    jb_close(b);
    jb_array(b, "tdxModuleIdentities");
    for (size_t i = 0; i < t->n_identities; i++)
        put_identity(b, &t->identities[i]);
    jb_close(b);
    jb_array(b, "tcbLevels");
    for (size_t i = 0; i < t->n_levels; i++)
        put_level(b, &t->levels[i]);
    jb_close(b);
}

static void put_qe_identity(struct json_builder *b, const struct sim_qe_identity *q)
{
    put_head(b, q->id, q->version, q->dates);
    jb_uint(b, "tcbEvaluationDataNumber", 1);
    jb_hex(b, "miscselect", BYTES_OF(q->miscselect));
    jb_hex(b, "miscselectMask", BYTES_OF(q->miscselect_mask));
    jb_hex(b, "attributes", BYTES_OF(q->attributes));
    jb_hex(b, "attributesMask", BYTES_OF(q->attributes_mask));
    jb_hex(b, "mrsigner", BYTES_OF(q->mrsigner));
    jb_uint(b, "isvprodid", q->isv_prod_id);
    put_isv_levels(b, &q->levels);
}

/* {"member": inner, "signature": hex}: the inner text is signed as it stands. */
static enum err write_signed(const char *member, struct bytes inner, const char *key_name,
                             struct buf *out)
{
    struct sim_key key = sim_key(CURVE_P256, key_name, BYTES_NONE);
    struct writer w = writer(out);
    struct ecdsa_rs rs;
    char head[32], hex[129];
    TRY(sim_sign(&key.secret, BYTES_OF(sha256(inner).b), &rs));
    hex_encode(bytes(rs.rs, 64), hex);
    snprintf(head, sizeof head, "{\"%s\":", member);
    wr_raw(&w, head, strlen(head));
    wr_raw(&w, inner.p, inner.n);
    wr_raw(&w, ",\"signature\":\"", 14);
    wr_raw(&w, hex, 128);
    wr_raw(&w, "\"}", 2);
    return writer_end(&w);
}

static enum err write_document(const struct sim_intel *s, enum sim_intel_part part, struct buf *out)
{
    struct buf inner = BUF_INIT(65536);
    struct json_builder b = json_build();
    if (part == SIM_TCB_INFO)
        put_tcb_info(&b, &s->tcb_info);
    else
        put_qe_identity(&b, &s->qe_identity);
    enum err e = jb_write(&b, &inner);
    if (e == OK)
        e = write_signed(part == SIM_TCB_INFO ? "tcbInfo" : "enclaveIdentity", buf_bytes(&inner),
                         s->document_key, out);
    buf_free(&inner);
    return e;
}

/* --- certificate and lists --- */

static enum err write_signing(const struct sim_intel *s, struct buf *out)
{
    struct sim_key key = sim_key(CURVE_P256, SIM_CN_SIGNING, BYTES_NONE);
    struct sim_key issuer = sim_key(CURVE_P256, s->signing.key, BYTES_NONE);
    return sim_cert_write(&(struct sim_cert){.subject = SIM_CN_SIGNING,
                                             .issued_by = s->signing.issued_by,
                                             .key = &key,
                                             .issuer = &issuer,
                                             .pathlen = -1,
                                             .not_before = s->signing.dates.from,
                                             .not_after = s->signing.dates.until},
                          out);
}

struct serial {
    uint8_t b[SIM_SERIAL_SIZE];
};

static struct serial serial_of(const char *subject, struct bytes of)
{
    struct serial serial;
    struct sim_key key = sim_key(CURVE_P256, subject, of);
    sim_serial(subject, &key, serial.b);
    return serial;
}

static enum err write_crl(const struct sim_intel *s, const struct sim_intel_crl *list,
                          struct buf *out)
{
    struct serial serials[3];
    struct bytes revoked[3];
    size_t n = 0;
    if (list->revokes_pck)
        serials[n++] = serial_of(SIM_CN_PCK, BYTES_OF(s->ppid));
    if (list->revokes_pck_ca)
        serials[n++] = serial_of(SIM_CN_PCK_CA, BYTES_NONE);
    if (list->revokes_signing)
        serials[n++] = serial_of(SIM_CN_SIGNING, BYTES_NONE);
    for (size_t i = 0; i < n; i++)
        revoked[i] = BYTES_OF(serials[i].b);
    struct sim_key key = sim_key(CURVE_P256, list->key, BYTES_NONE);
    return sim_crl_write(&(struct sim_crl){.issued_by = list->issued_by,
                                           .issuer = &key,
                                           .this_update = list->dates.from,
                                           .next_update = list->dates.until,
                                           .revoked = revoked,
                                           .n_revoked = n},
                         out);
}

enum err sim_intel_write(const struct sim_intel *s, enum sim_intel_part part, struct buf *out)
{
    switch (part) {
    case SIM_TCB_INFO:
    case SIM_QE_IDENTITY:
        return write_document(s, part, out);
    case SIM_SIGNING:
        return write_signing(s, out);
    case SIM_ROOT_CRL:
        return write_crl(s, &s->root_crl, out);
    default:
        return write_crl(s, &s->pck_crl, out);
    }
}
