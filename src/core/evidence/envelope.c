#include "core/evidence/envelope.h"

#include "base/codec/b64.h"
#include "base/codec/hex.h"
#include "base/codec/json.h"
#include "base/reader.h"
#include "base/writer.h"

/* --- bytes in JSON: an array of numbers, hex or (certificates) base64 --- */

static enum err byte_array(const json_t *v, const char *name, struct buf *out, struct problem *p)
{
    for (size_t i = 0; i < json_count(v); i++) {
        uint64_t n;
        if (!json_to_uint(json_item(v, i), &n) || n > 0xFF)
            return problem(p, E_VALUE, "%s: item %zu is no byte", name, i);
        uint8_t byte = (uint8_t)n;
        TRY(buf_add(out, &byte, 1));
    }
    return OK;
}

/* Exactly n bytes, as numbers or hex. */
static enum err fixed_bytes(const json_t *v, const char *name, size_t n, struct writer *w,
                            struct problem *p)
{
    uint8_t raw[72] = {0};
    struct buf list = BUF_INIT(sizeof raw);
    const char *text = json_str(v);
    enum err e = OK;
    if (text)
        e = hex_decode(text, raw, n) == OK ? OK : E_VALUE;
    else if (json_is_list(v))
        e = byte_array(v, name, &list, p);
    else
        e = E_MALFORMED;
    if (e == OK && !text && list.n != n)
        e = E_VALUE;
    if (e == OK)
        wr_raw(w, text ? raw : list.p, n);
    buf_free(&list);
    return e == OK ? OK
                   : problem(p, e == E_TOO_LARGE ? E_VALUE : e, "%s must be %zu bytes", name, n);
}

/* --- a report as fields, as the sev crate serialises it --- */

static enum err number(const json_t *o, const char *name, uint64_t max, uint64_t *out,
                       struct problem *p)
{
    const json_t *v = json_member(o, name);
    *out = 0;
    if (json_is_nothing(v))
        return OK; /* a field that this version of the report does not have */
    if (!json_to_uint(v, out) || *out > max)
        return problem(p, E_VALUE, "attestation_report: %s is out of range", name);
    return OK;
}

/* {"fmc": number or null, "bootloader", "tee", "snp", "microcode"}: fmc says which layout. */
static enum err write_tcb(const json_t *o, const char *name, struct writer *w, struct problem *p)
{
    const json_t *v = json_member(o, name);
    struct snp_tcb tcb = {0};
    uint64_t fmc = 0, bootloader, tee, snp, microcode;
    bool has_fmc = false;
    const struct json_field fields[] = {
        {"fmc", JF_UINT, &fmc, 255, JF_OPTIONAL | JF_NULLABLE, &has_fmc, 0},
        {"bootloader", JF_UINT, &bootloader, 255, JF_REQUIRED, NULL, 0},
        {"tee", JF_UINT, &tee, 255, JF_REQUIRED, NULL, 0},
        {"snp", JF_UINT, &snp, 255, JF_REQUIRED, NULL, 0},
        {"microcode", JF_UINT, &microcode, 255, JF_REQUIRED, NULL, 0},
    };
    uint8_t raw[8];
    TRY(json_fields(v, name, JSON_FIELDS(fields), p));
    tcb = (struct snp_tcb){(uint8_t)bootloader, (uint8_t)tee, (uint8_t)snp,
                           (uint8_t)microcode,  (uint8_t)fmc, has_fmc};
    snp_tcb_encode(&tcb, raw);
    wr_raw(w, raw, sizeof raw);
    return OK;
}

/* {"major", "minor", "build"} */
static enum err write_firmware(const json_t *o, const char *name, struct writer *w,
                               struct problem *p)
{
    uint64_t major, minor, build;
    const struct json_field fields[] = {
        {"major", JF_UINT, &major, 255, JF_REQUIRED, NULL, 0},
        {"minor", JF_UINT, &minor, 255, JF_REQUIRED, NULL, 0},
        {"build", JF_UINT, &build, 255, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(json_member(o, name), name, JSON_FIELDS(fields), p));
    wr_u8(w, (uint8_t)build);
    wr_u8(w, (uint8_t)minor);
    wr_u8(w, (uint8_t)major);
    wr_u8(w, 0);
    return OK;
}

static enum err write_signature(const json_t *o, struct writer *w, struct problem *p)
{
    static const uint8_t reserved[512 - 144];
    json_t *r, *s;
    const struct json_field fields[] = {
        {"r", JF_ANY, &r, 0, JF_REQUIRED, NULL, 0},
        {"s", JF_ANY, &s, 0, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(json_member(o, "signature"), "signature", JSON_FIELDS(fields), p));
    TRY(fixed_bytes(r, "signature.r", 72, w, p));
    TRY(fixed_bytes(s, "signature.s", 72, w, p));
    wr_raw(w, reserved, sizeof reserved);
    return OK;
}

enum part_kind { PART_NUMBER, PART_BYTES, PART_TCB, PART_FIRMWARE, PART_ZERO };

/* The report from its first byte to the signature: a number's or field's size in bytes. */
static const struct part {
    const char *name;
    enum part_kind kind;
    size_t size;
} parts[] = {
    {"version", PART_NUMBER, 4},
    {"guest_svn", PART_NUMBER, 4},
    {"policy", PART_NUMBER, 8},
    {"family_id", PART_BYTES, 16},
    {"image_id", PART_BYTES, 16},
    {"vmpl", PART_NUMBER, 4},
    {"sig_algo", PART_NUMBER, 4},
    {"current_tcb", PART_TCB, 8},
    {"plat_info", PART_NUMBER, 8},
    {"key_info", PART_NUMBER, 4},
    {NULL, PART_ZERO, 4},
    {"report_data", PART_BYTES, 64},
    {"measurement", PART_BYTES, 48},
    {"host_data", PART_BYTES, 32},
    {"id_key_digest", PART_BYTES, 48},
    {"author_key_digest", PART_BYTES, 48},
    {"report_id", PART_BYTES, 32},
    {"report_id_ma", PART_BYTES, 32},
    {"reported_tcb", PART_TCB, 8},
    {"cpuid_fam_id", PART_NUMBER, 1},
    {"cpuid_mod_id", PART_NUMBER, 1},
    {"cpuid_step", PART_NUMBER, 1},
    {NULL, PART_ZERO, 21},
    {"chip_id", PART_BYTES, 64},
    {"committed_tcb", PART_TCB, 8},
    {"current", PART_FIRMWARE, 4},
    {"committed", PART_FIRMWARE, 4},
    {"launch_tcb", PART_TCB, 8},
    {"launch_mit_vector", PART_NUMBER, 8},
    {"current_mit_vector", PART_NUMBER, 8},
    {NULL, PART_ZERO, 152},
};
#define N_PARTS (sizeof parts / sizeof *parts)

static enum err write_number(const json_t *o, const struct part *part, struct writer *w,
                             struct problem *p)
{
    uint64_t v;
    TRY(number(o, part->name, part->size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * part->size) - 1,
               &v, p));
    for (size_t i = 0; i < part->size; i++)
        wr_u8(w, (uint8_t)(v >> 8 * i));
    return OK;
}

static enum err write_part(const json_t *o, const struct part *part, struct writer *w,
                           struct problem *p)
{
    switch (part->kind) {
    case PART_NUMBER:
        return write_number(o, part, w, p);
    case PART_BYTES:
        return fixed_bytes(json_member(o, part->name), part->name, part->size, w, p);
    case PART_TCB:
        return write_tcb(o, part->name, w, p);
    case PART_FIRMWARE:
        return write_firmware(o, part->name, w, p);
    default:
        for (size_t i = 0; i < part->size; i++)
            wr_u8(w, 0);
        return OK;
    }
}

static bool is_part(const char *name)
{
    for (size_t i = 0; i < N_PARTS; i++)
        if (parts[i].name && strcmp(parts[i].name, name) == 0)
            return true;
    return strcmp(name, "signature") == 0;
}

static enum err check_names(json_t *report, struct problem *p)
{
    void *state = NULL;
    const char *name;
    json_t *value;
    while (json_each(report, &state, &name, &value))
        if (!is_part(name))
            return problem(p, E_MALFORMED, "attestation_report has a field that no report has");
    return OK;
}

/* Writes the 1184 bytes that were taken apart; the signature covers what was left out as zero. */
static enum err join_report(json_t *report, struct buf *out, struct problem *p)
{
    struct writer w = writer(out);
    TRY(check_names(report, p));
    for (size_t i = 0; i < N_PARTS; i++)
        TRY(write_part(report, &parts[i], &w, p));
    TRY(write_signature(report, &w, p));
    return writer_end(&w);
}

/* --- SNP --- */

/* {"cert_type", "data": bytes}: what it is said to be does not matter. */
static enum err read_cert(const json_t *v, struct buf *out, struct problem *p)
{
    json_t *type, *data;
    const struct json_field fields[] = {
        {"cert_type", JF_ANY, &type, 0, JF_REQUIRED, NULL, 0},
        {"data", JF_ANY, &data, 0, JF_REQUIRED, NULL, 0},
    };
    TRY(json_fields(v, "cert_chain[]", JSON_FIELDS(fields), p));
    const char *text = json_str(data);
    if (text)
        return b64_decode(B64_STANDARD, bytes_str(text), out) == OK
                   ? OK
                   : problem(p, E_VALUE, "cert_chain[].data is not base64");
    if (!json_is_list(data))
        return problem(p, E_MALFORMED, "cert_chain[].data must be bytes");
    return byte_array(data, "cert_chain[].data", out, p);
}

static enum err read_certs(const json_t *chain, struct evidence *out, struct problem *p)
{
    size_t ends[SNP_TABLE_ENTRIES], n = json_count(chain), start = 0;
    if (n > SNP_TABLE_ENTRIES)
        return problem(p, E_VALUE, "cert_chain has more than %d certificates", SNP_TABLE_ENTRIES);
    for (size_t i = 0; i < n; i++) {
        TRY(read_cert(json_item(chain, i), &out->cert_store, p));
        ends[i] = out->cert_store.n;
    }
    for (size_t i = 0; i < n; i++) {
        if (out->n_certs == SNP_TABLE_ENTRIES)
            return problem(p, E_VALUE, "more than %d certificates", SNP_TABLE_ENTRIES);
        out->certs[out->n_certs++] = bytes(out->cert_store.p + start, ends[i] - start);
        start = ends[i];
    }
    return OK;
}

static enum err parse_snp(json_t *envelope, struct evidence *out, struct problem *p)
{
    json_t *report = NULL, *chain = NULL;
    const struct json_field fields[] = {
        {"attestation_report", JF_ANY, &report, 0, JF_REQUIRED, NULL, 0},
        {"cert_chain", JF_ARRAY, &chain, 0, JF_OPTIONAL | JF_NULLABLE, NULL, 0},
    };
    TRY(json_fields(envelope, "evidence", JSON_FIELDS(fields), p));
    if (json_is_obj(report))
        TRY(join_report(report, &out->store, p));
    else if (!json_str(report))
        return problem(p, E_MALFORMED, "attestation_report must be an object or base64");
    else if (b64_decode(B64_STANDARD, bytes_str(json_str(report)), &out->store) != OK)
        return problem(p, E_VALUE, "attestation_report is not base64");
    if (tdx_quote_detect(buf_bytes(&out->store)))
        return problem(p, E_FORMAT, "attestation_report holds a quote");
    TRY(evidence_parse_raw(buf_bytes(&out->store), out, p));
    return read_certs(chain, out, p);
}

/* --- TDX --- */

static enum err parse_tdx(json_t *envelope, struct evidence *out, struct problem *p)
{
    const struct json_field fields[] = {
        {"quote", JF_B64, &out->store, 0, JF_REQUIRED, NULL, 0},
        {"cc_eventlog", JF_B64, &out->log_store, 0, JF_OPTIONAL | JF_NULLABLE, NULL, 0},
    };
    TRY(json_fields(envelope, "evidence", JSON_FIELDS(fields), p));
    if (!tdx_quote_detect(buf_bytes(&out->store)))
        return problem(p, E_FORMAT, "\"quote\" does not hold a TDX quote");
    out->event_log = buf_bytes(&out->log_store);
    return evidence_parse_raw(buf_bytes(&out->store), out, p);
}

enum err evidence_parse_envelope(struct bytes text, struct evidence *out, struct problem *p)
{
    json_t *envelope;
    TRY(json_parse(text, EVIDENCE_MAX, &envelope, p));
    enum err e;
    if (json_member(envelope, "quote"))
        e = parse_tdx(envelope, out, p);
    else if (json_member(envelope, "attestation_report"))
        e = parse_snp(envelope, out, p);
    else
        e = problem(p, E_MALFORMED, "there is neither a quote nor an attestation_report");
    json_free(envelope);
    return e;
}
