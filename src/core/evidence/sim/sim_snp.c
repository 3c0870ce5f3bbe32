#include "core/evidence/sim/vendor.h"

#include "core/evidence/snp_report.h"
#include "core/evidence/snp_table.h"

#define AMD "\x2b\x06\x01\x04\x01\x9c\x78\x01"

/* --- extensions of the VCEK or VLEK certificate --- */

/* 1.3.6.1.4.1.3704.1.<number>[.<sub>] */
static size_t open_extension(struct writer *w, uint8_t number, uint8_t sub)
{
    uint8_t oid[] = AMD "  ";
    size_t extension = der_open(w, DER_SEQUENCE);
    oid[sizeof AMD - 1] = number;
    oid[sizeof AMD] = sub;
    der_element(w, DER_OID, bytes(oid, sizeof AMD + (sub != 0)));
    return extension;
}

static void number_extension(struct writer *w, uint8_t number, uint8_t sub, uint8_t v)
{
    size_t extension = open_extension(w, number, sub), value = der_open(w, DER_OCTET_STRING);
    der_uint(w, v);
    der_close(w, value);
    der_close(w, extension);
}

static void text_extension(struct writer *w, uint8_t number, const char *text)
{
    size_t extension = open_extension(w, number, 0), value = der_open(w, DER_OCTET_STRING);
    der_element(w, DER_IA5, bytes_str(text));
    der_close(w, value);
    der_close(w, extension);
}

static size_t hwid_size(const struct snp_claims *s)
{
    return s->product == SNP_TURIN ? 8 : 64;
}

static void write_vek_extensions(struct writer *w, const struct snp_claims *s)
{
    const struct snp_tcb *t = &s->reported_tcb;
    const uint8_t levels[] = {0, t->bootloader, t->tee, t->snp, 0, 0, 0, 0, t->microcode};
    number_extension(w, 1, 0, 1);
    text_extension(w, 2, snp_product_name(s->product));
    for (uint8_t i = 1; i < sizeof levels; i++)
        number_extension(w, 3, i, levels[i]);
    if (t->has_fmc)
        number_extension(w, 3, 9, t->fmc);
    if (s->signing_key == SNP_KEY_VLEK) {
        text_extension(w, 5, "CN=simulated");
        return;
    }
    size_t extension = open_extension(w, 4, 0);
    der_element(w, DER_OCTET_STRING, bytes(s->chip_id, hwid_size(s)));
    der_close(w, extension);
}

/* --- the certificate table --- */

static enum err add_certificate(struct buf *all, const struct sim_cert *c, size_t *size)
{
    size_t before = all->n;
    TRY(sim_cert_write(c, all));
    *size = all->n - before;
    return OK;
}

static enum err write_table(struct buf *out, bool vlek, struct bytes certs, const size_t sizes[3])
{
    static const uint8_t end[SNP_ENTRY_SIZE];
    const uint8_t *names[] = {snp_blob_guids[vlek ? SNP_BLOB_VLEK : SNP_BLOB_VCEK],
                              snp_blob_guids[SNP_BLOB_ASK], snp_blob_guids[SNP_BLOB_ARK]};
    struct writer w = writer(out);
    size_t at = 4 * SNP_ENTRY_SIZE;
    for (size_t i = 0; i < 3; i++) {
        wr_raw(&w, names[i], 16);
        wr_u32le(&w, (uint32_t)at);
        wr_u32le(&w, (uint32_t)sizes[i]);
        at += sizes[i];
    }
    wr_raw(&w, end, sizeof end);
    wr_raw(&w, certs.p, certs.n);
    return writer_end(&w);
}

static enum err write_certificates(struct sim_machine *m, const struct sim_key *vek)
{
    const struct snp_claims *s = &m->claims.snp;
    bool vlek = s->signing_key == SNP_KEY_VLEK;
    const char *product = snp_product_name(s->product);
    const char *leaf = vlek ? "SEV-VLEK" : "SEV-VCEK";
    struct sim_key ark = sim_rsa_key(SIM_RSA_ARK);
    struct sim_key ask = sim_rsa_key(vlek ? SIM_RSA_ASVK : SIM_RSA_ASK);
    struct buf extensions = BUF_INIT(2048), certs = BUF_INIT(8192);
    struct writer w = writer(&extensions);
    char ca_name[32], root_name[32];
    size_t sizes[3];
    enum err e;
    snprintf(ca_name, sizeof ca_name, "SEV-%s%s", vlek ? "VLEK-" : "", product);
    snprintf(root_name, sizeof root_name, "ARK-%s", product);
    write_vek_extensions(&w, s);
    TRY_OUT(writer_end(&w));
    const struct sim_cert chain[] = {
        {leaf, ca_name, vek, &ask, -1, buf_bytes(&extensions)},
        {ca_name, root_name, &ask, &ark, 0, BYTES_NONE},
        {root_name, root_name, &ark, &ark, 1, BYTES_NONE},
    };
    for (size_t i = 0; i < 3; i++)
        TRY_OUT(add_certificate(&certs, &chain[i], &sizes[i]));
    e = write_table(&m->certified, vlek, buf_bytes(&certs), sizes);
out:
    buf_free(&extensions);
    buf_free(&certs);
    return e;
}

/* --- the machine --- */

static bool can_exist(const struct snp_claims *s)
{
    size_t n = hwid_size(s);
    struct bytes id = bytes(s->chip_id, n), rest = bytes(s->chip_id + n, 64 - n);
    bool product = s->has_cpuid ? s->product == snp_product_of_cpu(s->cpuid_family, s->cpuid_model)
                                : s->product != SNP_TURIN;
    bool key =
        s->signing_key == SNP_KEY_VLEK || (s->signing_key == SNP_KEY_VCEK && !s->chip_key_masked &&
                                           !bytes_is_zero(id) && bytes_is_zero(rest));
    return s->version >= 2 && s->version <= 5 && s->has_cpuid == (s->version >= 3) &&
           s->has_mitigations == (s->version >= 5) && s->product != SNP_PRODUCT_UNKNOWN &&
           s->reported_tcb.has_fmc == (s->product == SNP_TURIN) && product && key;
}

enum err sim_snp_init(struct sim_machine *m)
{
    const struct snp_claims *s = &m->claims.snp;
    if (!can_exist(s))
        return E_VALUE;
    /* A VCEK belongs to a chip at a TCB level; a VLEK to a provider at a TCB level. */
    uint8_t of[64 + 8] = {0};
    if (s->signing_key == SNP_KEY_VCEK)
        memcpy(of, s->chip_id, 64);
    snp_tcb_encode(&s->reported_tcb, of + 64);
    struct sim_key vek =
        sim_key(CURVE_P384, s->signing_key == SNP_KEY_VLEK ? "VLEK" : "VCEK", BYTES_OF(of));
    m->key = vek.secret;
    return write_certificates(m, &vek);
}

/* --- reports --- */

static void write_tcb(struct writer *w, const struct snp_tcb *tcb)
{
    uint8_t raw[8];
    snp_tcb_encode(tcb, raw);
    wr_raw(w, raw, sizeof raw);
}

static void write_zeros(struct writer *w, size_t n)
{
    while (n--)
        wr_u8(w, 0);
}

static void write_guest(struct writer *w, const struct snp_claims *s,
                        const uint8_t report_data[static 64])
{
    uint32_t flags = (uint32_t)s->author_key_enabled | (uint32_t)s->chip_key_masked << 1 |
                     (uint32_t)s->signing_key << 2;
    wr_u32le(w, s->version);
    wr_u32le(w, s->guest_svn);
    wr_u64le(w, s->policy);
    wr_raw(w, s->family_id, 16);
    wr_raw(w, s->image_id, 16);
    wr_u32le(w, s->vmpl);
    wr_u32le(w, 1);
    write_tcb(w, &s->current_tcb);
    wr_u64le(w, s->platform_info);
    wr_u32le(w, flags);
    wr_u32le(w, 0);
    wr_raw(w, report_data, 64);
    wr_raw(w, s->measurement, 48);
    wr_raw(w, s->host_data, 32);
    wr_raw(w, s->id_key_digest, 48);
    wr_raw(w, s->author_key_digest, 48);
    wr_raw(w, s->report_id, 32);
    wr_raw(w, s->report_id_ma, 32);
    write_tcb(w, &s->reported_tcb);
}

static void write_platform(struct writer *w, const struct snp_claims *s)
{
    static const uint8_t firmware[] = {0, 55, 1, 0};
    wr_u8(w, s->cpuid_family);
    wr_u8(w, s->cpuid_model);
    wr_u8(w, s->cpuid_stepping);
    write_zeros(w, 21);
    wr_raw(w, s->chip_id, 64);
    write_tcb(w, &s->committed_tcb);
    wr_raw(w, firmware, sizeof firmware); /* current, then committed */
    wr_raw(w, firmware, sizeof firmware);
    write_tcb(w, &s->launch_tcb);
    wr_u64le(w, s->launch_mitigations);
    wr_u64le(w, s->current_mitigations);
    write_zeros(w, 152);
}

/* A big-endian number of 48 bytes as a little-endian one of 72. */
static void write_number(struct writer *w, const uint8_t be[48])
{
    for (size_t i = 48; i-- > 0;)
        wr_u8(w, be[i]);
    write_zeros(w, 24);
}

enum err sim_snp_evidence(const struct sim_machine *m, const uint8_t report_data[static 64],
                          struct buf *out)
{
    struct buf report = BUF_INIT(SNP_SIGNED_SIZE);
    struct writer r = writer(&report), w = writer(out);
    struct ecdsa_rs signature;
    uint8_t digest[48];
    enum err e;
    write_guest(&r, &m->claims.snp, report_data);
    write_platform(&r, &m->claims.snp);
    TRY_OUT(writer_end(&r));
    sha384(buf_bytes(&report), digest);
    TRY_OUT(sim_sign(&m->key, BYTES_OF(digest), &signature));
    wr_raw(&w, report.p, report.n);
    write_number(&w, signature.rs);
    write_number(&w, signature.rs + 48);
    write_zeros(&w, 512 - 144);
    wr_raw(&w, m->certified.p, m->certified.n);
    e = writer_end(&w);
out:
    buf_free(&report);
    return e;
}
