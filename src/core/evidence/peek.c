#include "core/evidence/peek.h"

#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/codec/json.h"
#include "core/evidence/envelope.h"

/* Where a TD report's fields are in it (Intel TDX module, TDINFO as quoted), and it in a quote. */
#define V4_BODY       48
#define V5_BODY       54
#define TD_MRTD       136
#define TD_MRCONFIGID 184
#define TD_RTMR       328
#define TD_REPORTDATA 520
/* AMD 56860, table 23 */
#define SNP_REPORT_DATA 0x50
#define SNP_MEASUREMENT 0x90
#define SNP_HOST_DATA   0xC0
#define SNP_REPORT_ID   0x140
#define SNP_CHIP_ID     0x1A0

static bool copy(struct bytes in, size_t at, void *out, size_t n)
{
    if (at > in.n || n > in.n - at)
        return false;
    memcpy(out, in.p + at, n);
    return true;
}

static void peek_quote(struct bytes in, struct evidence_peek *p)
{
    size_t body = in.n > 0 && in.p[0] == 4 ? V4_BODY : V5_BODY;
    bool ok = copy(in, body + TD_MRTD, p->tdx.mrtd, sizeof p->tdx.mrtd) &&
              copy(in, body + TD_MRCONFIGID, p->tdx.mr_config_id, sizeof p->tdx.mr_config_id) &&
              copy(in, body + TD_RTMR, p->tdx.rtmr, sizeof p->tdx.rtmr) &&
              copy(in, body + TD_REPORTDATA, p->report_data, sizeof p->report_data);
    p->platform = ok ? PLATFORM_TDX : PLATFORM_NONE;
}

static void peek_report(struct bytes in, struct evidence_peek *p)
{
    bool ok = copy(in, SNP_REPORT_DATA, p->report_data, sizeof p->report_data) &&
              copy(in, SNP_MEASUREMENT, p->snp.measurement, sizeof p->snp.measurement) &&
              copy(in, SNP_HOST_DATA, p->snp.host_data, sizeof p->snp.host_data) &&
              copy(in, SNP_REPORT_ID, p->snp.report_id, sizeof p->snp.report_id) &&
              copy(in, SNP_CHIP_ID, p->snp.chip_id, sizeof p->snp.chip_id);
    p->platform = ok ? PLATFORM_SNP : PLATFORM_NONE;
}

static void peek_raw(struct bytes in, struct evidence_peek *p)
{
    if (tdx_quote_detect(in))
        peek_quote(in, p);
    else
        peek_report(in, p);
}

/* --- envelopes --- */

/* n bytes as numbers or hex. */
static bool field(const json_t *report, const char *name, uint8_t *out, size_t n)
{
    const json_t *v = json_member(report, name);
    if (json_str(v))
        return hex_decode(json_str(v), out, n) == OK;
    for (size_t i = 0; i < n; i++) {
        uint64_t byte;
        if (!json_to_uint(json_item(v, i), &byte) || byte > 0xff)
            return false;
        out[i] = (uint8_t)byte;
    }
    return json_count(v) == n;
}

static void peek_fields(const json_t *report, struct evidence_peek *p)
{
    bool ok = field(report, "report_data", p->report_data, sizeof p->report_data) &&
              field(report, "measurement", p->snp.measurement, sizeof p->snp.measurement) &&
              field(report, "host_data", p->snp.host_data, sizeof p->snp.host_data) &&
              field(report, "report_id", p->snp.report_id, sizeof p->snp.report_id) &&
              field(report, "chip_id", p->snp.chip_id, sizeof p->snp.chip_id);
    p->platform = ok ? PLATFORM_SNP : PLATFORM_NONE;
}

static void peek_text(const char *text, struct evidence_peek *p)
{
    struct buf raw = BUF_INIT(EVIDENCE_MAX);
    if (text && b64_decode(B64_STANDARD, bytes_str(text), &raw) == OK)
        peek_raw(buf_bytes(&raw), p);
    buf_free(&raw);
}

static void peek_envelope(struct bytes in, struct evidence_peek *p)
{
    json_t *v;
    if (json_parse(in, EVIDENCE_MAX, &v, NULL) != OK)
        return;
    const json_t *quote = json_member(v, "quote"), *report = json_member(v, "attestation_report");
    if (quote)
        peek_text(json_str(quote), p);
    else if (json_is_obj(report))
        peek_fields(report, p);
    else
        peek_text(json_str(report), p);
    json_free(v);
}

struct evidence_peek evidence_peek(struct bytes in)
{
    struct evidence_peek p = {0};
    if (evidence_is_json(in))
        peek_envelope(in, &p);
    else
        peek_raw(in, &p);
    return p;
}

/* --- comparing --- */

#define SAME(a, b) (memcmp((a), (b), sizeof(a)) == 0)

bool evidence_peek_agrees(const struct evidence_peek *p, const struct claims *c)
{
    if (p->platform == PLATFORM_NONE || p->platform != c->platform ||
        !SAME(p->report_data, c->report_data))
        return false;
    if (p->platform == PLATFORM_TDX)
        return SAME(p->tdx.mrtd, c->tdx.mrtd) && SAME(p->tdx.rtmr, c->tdx.rtmr) &&
               SAME(p->tdx.mr_config_id, c->tdx.mr_config_id);
    return SAME(p->snp.measurement, c->snp.measurement) &&
           SAME(p->snp.host_data, c->snp.host_data) && SAME(p->snp.report_id, c->snp.report_id) &&
           SAME(p->snp.chip_id, c->snp.chip_id);
}
