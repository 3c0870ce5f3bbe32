#include "core/evidence/sim/intel.h"
#include "core/evidence/sim/vendor.h"

#include "base/codec/b64.h"

#define SGX "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"

/* --- the SGX extension of the PCK certificate --- */

static size_t open_part(struct writer *w, uint8_t number)
{
    uint8_t oid[] = SGX " ";
    size_t part = der_open(w, DER_SEQUENCE);
    oid[sizeof SGX - 1] = number;
    der_element(w, DER_OID, bytes(oid, sizeof SGX));
    return part;
}

static void octets_part(struct writer *w, uint8_t number, struct bytes value)
{
    size_t part = open_part(w, number);
    der_element(w, DER_OCTET_STRING, value);
    der_close(w, part);
}

static size_t open_tcb_part(struct writer *w, uint8_t number)
{
    uint8_t oid[] = SGX "\x02 ";
    size_t part = der_open(w, DER_SEQUENCE);
    oid[sizeof SGX] = number;
    der_element(w, DER_OID, bytes(oid, sizeof SGX + 1));
    return part;
}

static void write_tcb(struct writer *w, const struct tdx_claims *t)
{
    size_t part = open_part(w, 2), list = der_open(w, DER_SEQUENCE);
    for (uint8_t i = 0; i < 17; i++) {
        size_t component = open_tcb_part(w, (uint8_t)(i + 1));
        der_uint(w, i < 16 ? t->cpu_svn[i] : t->pce_svn);
        der_close(w, component);
    }
    size_t raw = open_tcb_part(w, 18);
    der_element(w, DER_OCTET_STRING, BYTES_OF(t->cpu_svn));
    der_close(w, raw);
    der_close(w, list);
    der_close(w, part);
}

static void write_sgx_extension(struct writer *w, const struct tdx_claims *t)
{
    const uint8_t standard = 0;
    size_t extension = der_open(w, DER_SEQUENCE);
    der_oid(w, SGX);
    size_t value = der_open(w, DER_OCTET_STRING), list = der_open(w, DER_SEQUENCE);
    octets_part(w, 1, BYTES_OF(t->ppid));
    write_tcb(w, t);
    octets_part(w, 3, BYTES_OF(t->pce_id));
    octets_part(w, 4, BYTES_OF(t->fmspc));
    size_t type = open_part(w, 5);
    der_element(w, DER_ENUMERATED, bytes(&standard, 1));
    der_close(w, type);
    if (t->has_platform_instance)
        octets_part(w, 6, BYTES_OF(t->platform_instance_id));
    der_close(w, list);
    der_close(w, value);
    der_close(w, extension);
}

/* --- the chain --- */

static enum err add_pem(const struct sim_cert *c, struct buf *out)
{
    struct buf der = BUF_INIT(4096), text = BUF_INIT(8192);
    struct writer w = writer(out);
    enum err e;
    TRY_OUT(sim_cert_write(c, &der));
    TRY_OUT(b64_encode(B64_STANDARD, buf_bytes(&der), &text));
    wr_raw(&w, "-----BEGIN CERTIFICATE-----\n", 28);
    for (size_t at = 0; at < text.n; at += 64) {
        wr_raw(&w, text.p + at, text.n - at < 64 ? text.n - at : 64);
        wr_u8(&w, '\n');
    }
    wr_raw(&w, "-----END CERTIFICATE-----\n", 26);
    e = writer_end(&w);
out:
    buf_free(&der);
    buf_free(&text);
    return e;
}

static enum err write_chain(const struct tdx_claims *t, const struct sim_key *pck, struct buf *out)
{
    struct sim_key root = sim_key(CURVE_P256, SIM_CN_ROOT, BYTES_NONE);
    struct sim_key ca = sim_key(CURVE_P256, SIM_CN_PCK_CA, BYTES_NONE);
    struct buf sgx = BUF_INIT(2048);
    struct writer w = writer(&sgx);
    enum err e;
    write_sgx_extension(&w, t);
    TRY_OUT(writer_end(&w));
    TRY_OUT(
        add_pem(&(struct sim_cert){SIM_CN_PCK, SIM_CN_PCK_CA, pck, &ca, -1, buf_bytes(&sgx)}, out));
    TRY_OUT(
        add_pem(&(struct sim_cert){SIM_CN_PCK_CA, SIM_CN_ROOT, &ca, &root, 0, BYTES_NONE}, out));
    TRY_OUT(
        add_pem(&(struct sim_cert){SIM_CN_ROOT, SIM_CN_ROOT, &root, &root, 1, BYTES_NONE}, out));
out:
    buf_free(&sgx);
    return e;
}

/* --- the quoting enclave --- */

/* An SGX report body: CPUSVN .. MRENCLAVE .. MRSIGNER .. product id, SVN .. REPORTDATA. */
static void write_qe_report(struct writer *w, const struct tdx_claims *t, struct hash32 vouches)
{
    static const uint8_t zero[96];
    wr_raw(w, t->cpu_svn, 16);
    wr_raw(w, zero, 4 + 28);
    wr_raw(w, sim_qe_attributes, 16);
    wr_raw(w, sha256(bytes_str("simulated QE")).b, 32);
    wr_raw(w, zero, 32);
    wr_raw(w, sim_qe_signer().b, 32);
    wr_raw(w, zero, 96);
    wr_u16le(w, SIM_QE_PROD_ID);
    wr_u16le(w, SIM_QE_SVN);
    wr_raw(w, zero, 60);
    wr_raw(w, vouches.b, 32);
    wr_raw(w, zero, 32);
}

#define AUTH_SIZE 32

/* What follows the quote's signature: the attestation key and who vouches for it. */
static enum err write_certified(struct sim_machine *m, const struct sim_key *attestation,
                                const struct sim_key *pck, struct bytes chain)
{
    struct buf report = BUF_INIT(384);
    struct writer r = writer(&report), w = writer(&m->certified);
    struct ecdsa_rs signature;
    uint8_t auth[AUTH_SIZE];
    struct sha256 h;
    enum err e;
    for (uint8_t i = 0; i < AUTH_SIZE; i++)
        auth[i] = i;
    sha256_init(&h);
    sha256_add(&h, bytes(attestation->public.xy, 64));
    sha256_add(&h, BYTES_OF(auth));
    write_qe_report(&r, &m->claims.tdx, sha256_final(&h));
    TRY_OUT(writer_end(&r));
    TRY_OUT(sim_sign(&pck->secret, BYTES_OF(sha256(buf_bytes(&report)).b), &signature));

    wr_raw(&w, attestation->public.xy, 64);
    wr_u16le(&w, 6);
    wr_u32le(&w, (uint32_t)(384 + 64 + 2 + AUTH_SIZE + 6 + chain.n));
    wr_raw(&w, report.p, report.n);
    wr_raw(&w, signature.rs, 64);
    wr_u16le(&w, AUTH_SIZE);
    wr_raw(&w, auth, AUTH_SIZE);
    wr_u16le(&w, 5);
    wr_u32le(&w, (uint32_t)chain.n);
    wr_raw(&w, chain.p, chain.n);
    e = writer_end(&w);
out:
    buf_free(&report);
    return e;
}

enum err sim_tdx_init(struct sim_machine *m)
{
    const struct tdx_claims *t = &m->claims.tdx;
    struct sim_key pck = sim_key(CURVE_P256, SIM_CN_PCK, BYTES_OF(t->ppid));
    struct sim_key attestation = sim_key(CURVE_P256, "attestation key", BYTES_OF(t->ppid));
    struct buf chain = BUF_INIT(8192);
    enum err e;
    if (t->quote_version < 4 || t->quote_version > 5 || (t->quote_version == 4 && t->has_td15))
        return E_VALUE;
    TRY_OUT(write_chain(t, &pck, &chain));
    m->key = attestation.secret;
    e = write_certified(m, &attestation, &pck, buf_bytes(&chain));
out:
    buf_free(&chain);
    return e;
}

/* --- quotes --- */

static void write_header(struct writer *w, const struct tdx_claims *t)
{
    static const uint8_t user_data[20];
    wr_u16le(w, t->quote_version);
    wr_u16le(w, 2);
    wr_u32le(w, 0x81);
    wr_u32le(w, 0);
    wr_raw(w, t->vendor_id, 16);
    wr_raw(w, user_data, sizeof user_data);
    if (t->quote_version == 5) {
        wr_u16le(w, t->has_td15 ? 3 : 2);
        wr_u32le(w, t->has_td15 ? 648 : 584);
    }
}

static void write_body(struct writer *w, const struct tdx_claims *t,
                       const uint8_t report_data[static 64])
{
    wr_raw(w, t->tee_tcb_svn, 16);
    wr_raw(w, t->mr_seam, 48);
    wr_raw(w, t->mrsigner_seam, 48);
    wr_raw(w, t->seam_attributes, 8);
    wr_raw(w, t->td_attributes, 8);
    wr_raw(w, t->xfam, 8);
    wr_raw(w, t->mrtd, 48);
    wr_raw(w, t->mr_config_id, 48);
    wr_raw(w, t->mr_owner, 48);
    wr_raw(w, t->mr_owner_config, 48);
    wr_raw(w, t->rtmr, sizeof t->rtmr);
    wr_raw(w, report_data, 64);
    if (t->has_td15) {
        wr_raw(w, t->tee_tcb_svn2, 16);
        wr_raw(w, t->mr_servicetd, 48);
    }
}

enum err sim_tdx_evidence(const struct sim_machine *m, const uint8_t report_data[static 64],
                          struct buf *out)
{
    struct buf quote = BUF_INIT(1024);
    struct writer q = writer(&quote), w = writer(out);
    struct ecdsa_rs signature;
    enum err e;
    write_header(&q, &m->claims.tdx);
    write_body(&q, &m->claims.tdx, report_data);
    TRY_OUT(writer_end(&q));
    TRY_OUT(sim_sign(&m->key, BYTES_OF(sha256(buf_bytes(&quote)).b), &signature));
    wr_raw(&w, quote.p, quote.n);
    wr_u32le(&w, (uint32_t)(64 + m->certified.n));
    wr_raw(&w, signature.rs, 64);
    wr_raw(&w, m->certified.p, m->certified.n);
    e = writer_end(&w);
out:
    buf_free(&quote);
    return e;
}
