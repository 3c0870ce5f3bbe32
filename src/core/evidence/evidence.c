#include "core/evidence/evidence.h"

#include "core/evidence/envelope.h"
#include "core/evidence/verify.h"

#include "base/codec/b64.h"

static void reset(struct evidence *out)
{
    memset(out, 0, sizeof *out);
    out->store = BUF_INIT(EVIDENCE_MAX);
    out->cert_store = BUF_INIT(EVIDENCE_MAX);
    out->log_store = BUF_INIT(EVENTLOG_MAX);
}

void evidence_free(struct evidence *e)
{
    buf_free(&e->store);
    buf_free(&e->cert_store);
    buf_free(&e->log_store);
}

void pck_fill_claims(const struct pck *pck, struct tdx_claims *out)
{
    memcpy(out->fmspc, pck->fmspc, sizeof out->fmspc);
    memcpy(out->ppid, pck->ppid, sizeof out->ppid);
    memcpy(out->pce_id, pck->pce_id, sizeof out->pce_id);
    memcpy(out->cpu_svn, pck->cpu_svn, sizeof out->cpu_svn);
    out->pce_svn = pck->pce_svn;
    out->has_platform_instance = pck->has_platform_instance;
    memcpy(out->platform_instance_id, pck->platform_instance_id, sizeof out->platform_instance_id);
}

struct claims evidence_claims(const struct evidence *e)
{
    struct claims claims = e->claims;
    struct pck pck;
    if (e->platform == PLATFORM_TDX && chain_read_pck(e->tdx.chain, &pck) == OK)
        pck_fill_claims(&pck, &claims.tdx);
    return claims;
}

static enum err parse_report(struct bytes in, struct evidence *out, struct problem *p)
{
    if (in.n < SNP_REPORT_SIZE)
        return problem(p, E_FORMAT, "%zu bytes are neither a TDX quote nor an SNP report", in.n);
    struct snp_table table;
    out->body = bytes(in.p, SNP_REPORT_SIZE);
    TRY(snp_report_parse(out->body, &out->snp, &out->claims, p));
    TRY(snp_table_parse(bytes_after(in, SNP_REPORT_SIZE), &table, p));
    /* Not its revocation list: those are the judge's own. */
    for (size_t i = SNP_BLOB_VCEK; i <= SNP_BLOB_ARK; i++)
        if (table.blobs[i].n)
            out->certs[out->n_certs++] = table.blobs[i];
    return OK;
}

enum err evidence_parse_raw(struct bytes in, struct evidence *out, struct problem *p)
{
    if (!tdx_quote_detect(in)) {
        out->platform = PLATFORM_SNP;
        return parse_report(in, out, p);
    }
    out->platform = PLATFORM_TDX;
    TRY(tdx_quote_parse(in, &out->tdx, &out->claims, p));
    out->body = out->tdx.whole;
    return OK;
}

/* No quote or report begins with the byte of '{' or of white space. */
bool evidence_is_json(struct bytes in)
{
    size_t i = 0;
    while (i < in.n && strchr(" \t\r\n", in.p[i]) && in.p[i])
        i++;
    return i < in.n && in.p[i] == '{';
}

static enum err parse_any(struct bytes in, struct evidence *out, struct problem *p)
{
    if (in.n > EVIDENCE_MAX)
        return problem(p, E_TOO_LARGE, "evidence has at most %d bytes", EVIDENCE_MAX);
    if (evidence_is_json(in))
        return evidence_parse_envelope(in, out, p);
    return evidence_parse_raw(in, out, p);
}

enum err evidence_parse(struct bytes in, struct evidence *out, struct problem *p)
{
    reset(out);
    return parse_any(in, out, p);
}

/* The decoded bytes stay in `store`; an envelope decodes its parts behind them. */
static enum err parse_decoded(struct evidence *out, struct bytes text, struct problem *p)
{
    struct buf decoded = BUF_INIT(EVIDENCE_MAX + 3);
    enum err e = b64_decode(B64_STANDARD, text, &decoded);
    if (e != OK) {
        buf_free(&decoded);
        return e == E_MALFORMED ? problem(p, e, "the evidence is not base64") : e;
    }
    if (evidence_is_json(buf_bytes(&decoded))) {
        e = parse_any(buf_bytes(&decoded), out, p);
        buf_free(&decoded);
        return e;
    }
    out->store = decoded;
    return parse_any(buf_bytes(&out->store), out, p);
}

enum err evidence_parse_base64(struct bytes text, struct evidence *out, struct problem *p)
{
    reset(out);
    if (text.n > EVIDENCE_MAX / 3 * 4)
        return problem(p, E_TOO_LARGE, "evidence has at most %d bytes", EVIDENCE_MAX);
    return parse_decoded(out, text, p);
}

/* Text without its white space; false if some byte cannot be base64. */
static bool strip_base64(struct bytes in, struct buf *out)
{
    for (size_t i = 0; i < in.n; i++) {
        uint8_t c = in.p[i];
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
            continue;
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/' && c != '=')
            return false;
        if (buf_add(out, &c, 1) != OK)
            return false;
    }
    return out->n > 0;
}

enum err evidence_parse_file(struct bytes in, struct evidence *out, struct problem *p)
{
    struct buf text = BUF_INIT(2 * EVIDENCE_MAX);
    reset(out);
    bool base64 = !evidence_is_json(in) && strip_base64(in, &text);
    enum err e = base64 ? parse_decoded(out, buf_bytes(&text), p) : parse_any(in, out, p);
    buf_free(&text);
    return e;
}
