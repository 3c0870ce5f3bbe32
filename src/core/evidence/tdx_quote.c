#include "core/evidence/tdx_quote.h"

#include "base/reader.h"

#define KEY_TYPE_P256     2
#define KEY_TYPE_P384     3
#define TEE_SGX           0x00
#define TEE_TDX           0x81
#define BODY_TD10         2
#define BODY_TD15         3
#define CERT_QE_REPORT    6
#define CERT_PCK_CHAIN    5
#define TD10_SIZE         584
#define TD15_SIZE         648
#define QE_REPORT_SIZE    384
#define QE_REPORT_DATA_AT 320
#define HEADER_SIZE       48

bool tdx_quote_detect(struct bytes in)
{
    struct reader r = reader(in);
    uint16_t version = rd_u16le(&r), key = rd_u16le(&r);
    return !r.bad && version >= 1 && version <= 5 && (key == KEY_TYPE_P256 || key == KEY_TYPE_P384);
}

static enum err check_kind(uint16_t version, uint16_t key, uint32_t tee, struct problem *p)
{
    if (tee == TEE_SGX || version < 4)
        return problem(p, E_FORMAT, "this is an SGX quote (version %u), not a TDX quote", version);
    if (tee != TEE_TDX)
        return problem(p, E_FORMAT, "TEE type %#x is not TDX (0x81)", tee);
    if (version > 5)
        return problem(p, E_FORMAT, "quote version %u is not supported (4 and 5 are)", version);
    if (key != KEY_TYPE_P256)
        return problem(p, E_FORMAT, "attestation key type %u is not supported (2 is)", key);
    return OK;
}

/* Version, key type, TEE type; QE SVN and PCE SVN (v4) or reserved (v5); vendor; user data. */
static enum err read_header(struct reader *r, struct claims *c, struct problem *p)
{
    uint16_t version = rd_u16le(r), key = rd_u16le(r);
    uint32_t tee = rd_u32le(r);
    rd_skip(r, 4);
    rd_copy(r, c->tdx.vendor_id, 16);
    rd_skip(r, 20);
    if (r->bad)
        return problem(p, E_FORMAT, "the quote ends inside its header");
    c->tdx.quote_version = version;
    return check_kind(version, key, tee, p);
}

/* Version 5 says which body follows; version 4 always has the TD 1.0 report. */
static enum err read_descriptor(struct reader *r, struct claims *c, struct problem *p)
{
    if (c->tdx.quote_version == 4)
        return OK;
    uint16_t type = rd_u16le(r);
    uint32_t size = rd_u32le(r);
    c->tdx.has_td15 = type == BODY_TD15;
    if (r->bad || (type != BODY_TD10 && type != BODY_TD15))
        return problem(p, E_FORMAT, "body type %u is no TD report (2 or 3)", type);
    if (size != (type == BODY_TD15 ? TD15_SIZE : TD10_SIZE))
        return problem(p, E_FORMAT, "body type %u cannot have %u bytes", type, size);
    return OK;
}

static void read_body(struct reader *r, struct claims *c)
{
    struct tdx_claims *t = &c->tdx;
    rd_copy(r, t->tee_tcb_svn, 16);
    rd_copy(r, t->mr_seam, 48);
    rd_copy(r, t->mrsigner_seam, 48);
    rd_copy(r, t->seam_attributes, 8);
    rd_copy(r, t->td_attributes, 8);
    rd_copy(r, t->xfam, 8);
    rd_copy(r, t->mrtd, 48);
    rd_copy(r, t->mr_config_id, 48);
    rd_copy(r, t->mr_owner, 48);
    rd_copy(r, t->mr_owner_config, 48);
    for (size_t i = 0; i < 4; i++)
        rd_copy(r, t->rtmr[i], 48);
    rd_copy(r, c->report_data, 64);
    if (t->has_td15) {
        rd_copy(r, t->tee_tcb_svn2, 16);
        rd_copy(r, t->mr_servicetd, 48);
    }
    c->debug = t->td_attributes[0] & 1; /* TUD bit 0: DEBUG */
}

/* Some platforms end the PEM text with a NUL that counts as part of it. */
static struct bytes without_nul(struct bytes text)
{
    if (text.n && text.p[text.n - 1] == 0)
        text.n--;
    return text;
}

/* Certification data of type 6: the QE's report, and inside it type 5: the PCK chain. */
static enum err read_certification(struct bytes in, struct tdx_quote *q, struct problem *p)
{
    struct reader r = reader(in);
    q->qe_report = rd_bytes(&r, QE_REPORT_SIZE);
    q->qe_signature = rd_bytes(&r, 64);
    q->qe_auth = rd_bytes(&r, rd_u16le(&r));
    uint16_t type = rd_u16le(&r);
    struct bytes chain = rd_var_le(&r, TDX_QUOTE_MAX);
    if (!r.bad && type != CERT_PCK_CHAIN)
        return problem(p, E_FORMAT, "certification data of type %u is not supported (5 is)", type);
    if (reader_end(&r, E_FORMAT) != OK)
        return problem(p, E_FORMAT, "the sizes in the certification data do not add up");
    q->chain = without_nul(chain);
    return OK;
}

static enum err read_signatures(struct bytes in, struct tdx_quote *q, struct problem *p)
{
    struct reader r = reader(in);
    q->signature = rd_bytes(&r, 64);
    q->attestation_key = rd_bytes(&r, 64);
    uint16_t type = rd_u16le(&r);
    struct bytes certification = rd_var_le(&r, TDX_QUOTE_MAX);
    if (!r.bad && type != CERT_QE_REPORT)
        return problem(p, E_FORMAT, "certification data of type %u is not supported (6 is)", type);
    if (reader_end(&r, E_FORMAT) != OK)
        return problem(p, E_FORMAT, "the sizes in the signature data do not add up");
    return read_certification(certification, q, p);
}

enum err tdx_quote_parse(struct bytes in, struct tdx_quote *out, struct claims *claims,
                         struct problem *p)
{
    struct reader r = reader(in);
    memset(out, 0, sizeof *out);
    memset(claims, 0, sizeof *claims);
    claims->platform = PLATFORM_TDX;
    if (in.n > TDX_QUOTE_MAX)
        return problem(p, E_TOO_LARGE, "a quote has at most %d bytes", TDX_QUOTE_MAX);
    TRY(read_header(&r, claims, p));
    TRY(read_descriptor(&r, claims, p));
    read_body(&r, claims);
    out->signed_part = bytes(in.p, in.n - rd_left(&r));
    struct bytes signatures = rd_var_le(&r, TDX_QUOTE_MAX);
    if (r.bad)
        return problem(p, E_FORMAT, "the quote is shorter than it says");
    out->whole = bytes(in.p, in.n - rd_left(&r));
    if (!bytes_is_zero(rd_rest(&r)))
        return problem(p, E_FORMAT, "bytes other than zero follow the quote");
    TRY(read_signatures(signatures, out, p));
    claims_hash_measurements(claims);
    return OK;
}

enum err tdx_quote_check_binding(const struct tdx_quote *q, struct problem *p)
{
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, q->attestation_key);
    sha256_add(&h, q->qe_auth);
    struct hash32 expected = sha256_final(&h);
    const uint8_t *data = q->qe_report.p + QE_REPORT_DATA_AT;
    if (memcmp(data, expected.b, 32) != 0 || !bytes_is_zero(bytes(data + 32, 32)))
        return problem(p, E_SIGNATURE,
                       "the quoting enclave does not vouch for the attestation key");
    return OK;
}
