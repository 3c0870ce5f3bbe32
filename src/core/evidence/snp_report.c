#include "core/evidence/snp_report.h"

#include "base/reader.h"

#define SIG_ALGO_P384_SHA384 1
#define VMPL_MAX             3

#define POLICY_MUST_BE_ONE (UINT64_C(1) << 17)
#define POLICY_DEBUG       (UINT64_C(1) << 19)
#define POLICY_KNOWN_BITS  26 /* bit 25: PAGE_SWAP_DISABLE is the last one defined */

#define FLAG_AUTHOR_KEY     0x01
#define FLAG_MASK_CHIP_KEY  0x02
#define FLAG_SIGNING_KEY(f) ((f) >> 2 & 7)
#define FLAGS_KNOWN         0x1F

enum snp_product snp_product_of_cpu(uint8_t family, uint8_t model)
{
    if (family == 0x19 && model <= 0x0F)
        return SNP_MILAN;
    if (family == 0x19 && ((model >= 0x10 && model <= 0x1F) || (model >= 0xA0 && model <= 0xAF)))
        return SNP_GENOA; /* A0 to AF are Bergamo and Siena, on Genoa's chain */
    if (family == 0x1A && model <= 0x1F)
        return SNP_TURIN;
    return SNP_PRODUCT_UNKNOWN;
}

struct snp_tcb snp_tcb_decode(const uint8_t raw[static 8], enum snp_product product)
{
    if (product == SNP_TURIN)
        return (struct snp_tcb){.fmc = raw[0],
                                .bootloader = raw[1],
                                .tee = raw[2],
                                .snp = raw[3],
                                .microcode = raw[7],
                                .has_fmc = true};
    return (struct snp_tcb){
        .bootloader = raw[0], .tee = raw[1], .snp = raw[6], .microcode = raw[7]};
}

void snp_tcb_encode(const struct snp_tcb *tcb, uint8_t raw[static 8])
{
    memset(raw, 0, 8);
    raw[7] = tcb->microcode;
    if (tcb->has_fmc) {
        raw[0] = tcb->fmc;
        raw[1] = tcb->bootloader;
        raw[2] = tcb->tee;
        raw[3] = tcb->snp;
    } else {
        raw[0] = tcb->bootloader;
        raw[1] = tcb->tee;
        raw[6] = tcb->snp;
    }
}

bool snp_tcb_eq(const struct snp_tcb *a, const struct snp_tcb *b)
{
    return a->bootloader == b->bootloader && a->tee == b->tee && a->snp == b->snp &&
           a->microcode == b->microcode && a->has_fmc == b->has_fmc && a->fmc == b->fmc;
}

static bool tcb_at_most(const struct snp_tcb *a, const struct snp_tcb *b)
{
    return a->bootloader <= b->bootloader && a->tee <= b->tee && a->snp <= b->snp &&
           a->microcode <= b->microcode && a->fmc <= b->fmc;
}

/* The four TCB versions stand before the CPUID that says how to read them. */
struct raw_tcbs {
    uint8_t current[8], reported[8], committed[8], launch[8];
};

static void rd_zero(struct reader *r, size_t n)
{
    rd_require(r, bytes_is_zero(rd_bytes(r, n)));
}

static void read_flags(struct reader *r, struct snp_claims *s)
{
    uint32_t flags = rd_u32le(r), key = FLAG_SIGNING_KEY(flags);
    s->author_key_enabled = flags & FLAG_AUTHOR_KEY;
    s->chip_key_masked = flags & FLAG_MASK_CHIP_KEY;
    s->signing_key = (enum snp_key)key;
    rd_require(r, (flags & ~FLAGS_KNOWN) == 0);
    rd_require(r, key == SNP_KEY_VCEK || key == SNP_KEY_VLEK || key == SNP_KEY_NONE);
    rd_zero(r, 4);
}

/* 0x00 to 0x18B */
static void read_guest(struct reader *r, struct claims *c, struct raw_tcbs *tcbs, uint32_t *algo)
{
    struct snp_claims *s = &c->snp;
    s->version = rd_u32le(r);
    s->guest_svn = rd_u32le(r);
    s->policy = rd_u64le(r);
    rd_copy(r, s->family_id, 16);
    rd_copy(r, s->image_id, 16);
    s->vmpl = rd_u32le(r);
    *algo = rd_u32le(r);
    rd_copy(r, tcbs->current, 8);
    s->platform_info = rd_u64le(r);
    read_flags(r, s);
    rd_copy(r, c->report_data, 64);
    rd_copy(r, s->measurement, 48);
    rd_copy(r, s->host_data, 32);
    rd_copy(r, s->id_key_digest, 48);
    rd_copy(r, s->author_key_digest, 48);
    rd_copy(r, s->report_id, 32);
    rd_copy(r, s->report_id_ma, 32);
    rd_copy(r, tcbs->reported, 8);
    s->has_cpuid = s->version >= 3;
    s->cpuid_family = rd_u8(r);
    s->cpuid_model = rd_u8(r);
    s->cpuid_stepping = rd_u8(r);
}

/* 0x18B to 0x2A0 */
static void read_platform(struct reader *r, struct snp_claims *s, struct raw_tcbs *tcbs)
{
    rd_zero(r, 21);
    rd_copy(r, s->chip_id, 64);
    rd_copy(r, tcbs->committed, 8);
    for (int i = 0; i < 2; i++) { /* firmware build, minor, major: current, then committed */
        rd_skip(r, 3);
        rd_zero(r, 1);
    }
    rd_copy(r, tcbs->launch, 8);
    s->has_mitigations = s->version >= 5;
    s->launch_mitigations = rd_u64le(r);
    s->current_mitigations = rd_u64le(r);
    rd_zero(r, 152);
}

/* r and s are little-endian numbers of 72 bytes, of which P-384 uses 48. */
static void read_number(struct reader *r, uint8_t out[48])
{
    struct bytes low = rd_bytes(r, 48);
    for (size_t i = 0; i < low.n; i++)
        out[47 - i] = low.p[i];
    rd_zero(r, 24);
}

/* Fields a version does not have are reserved there and must be zero. */
static bool newer_fields_set(const struct snp_claims *s)
{
    bool cpuid = s->cpuid_family || s->cpuid_model || s->cpuid_stepping;
    bool mitigations = s->launch_mitigations || s->current_mitigations;
    return (!s->has_cpuid && cpuid) || (!s->has_mitigations && mitigations);
}

/* E_FORMAT if a byte is set that the layout reserves. */
static enum err decode_tcb(const uint8_t raw[static 8], enum snp_product product,
                           struct snp_tcb *out)
{
    uint8_t known[8];
    *out = snp_tcb_decode(raw, product);
    snp_tcb_encode(out, known);
    return memcmp(raw, known, sizeof known) == 0 ? OK : E_FORMAT;
}

static enum err decode_tcbs(struct snp_claims *s, const struct raw_tcbs *raw)
{
    TRY(decode_tcb(raw->current, s->product, &s->current_tcb));
    TRY(decode_tcb(raw->reported, s->product, &s->reported_tcb));
    TRY(decode_tcb(raw->committed, s->product, &s->committed_tcb));
    return decode_tcb(raw->launch, s->product, &s->launch_tcb);
}

static enum err find_product(struct snp_claims *s, struct problem *p)
{
    if (!s->has_cpuid)
        return OK; /* the certificate will tell */
    s->product = snp_product_of_cpu(s->cpuid_family, s->cpuid_model);
    return s->product != SNP_PRODUCT_UNKNOWN
               ? OK
               : problem(p, E_FORMAT, "no known product has a CPU of family %u, model %u",
                         s->cpuid_family, s->cpuid_model);
}

static enum err check_values(const struct snp_claims *s, struct problem *p)
{
    if (s->policy >> POLICY_KNOWN_BITS || !(s->policy & POLICY_MUST_BE_ONE))
        return problem(p, E_FORMAT, "reserved bits of the guest policy %#llx are wrong",
                       (unsigned long long)s->policy);
    if (s->vmpl > VMPL_MAX)
        return problem(p, E_FORMAT, "VMPL %u is no privilege level of a guest", s->vmpl);
    if (s->chip_key_masked && s->signing_key == SNP_KEY_VCEK)
        return problem(p, E_FORMAT, "the report is signed by a VCEK that it says is not in use");
    if (!tcb_at_most(&s->committed_tcb, &s->current_tcb))
        return problem(p, E_FORMAT, "the committed TCB is above the current one");
    if (!tcb_at_most(&s->reported_tcb, &s->committed_tcb))
        return problem(p, E_FORMAT, "the reported TCB is above the committed one");
    return OK;
}

enum err snp_report_parse(struct bytes in, struct snp_report *out, struct claims *claims,
                          struct problem *p)
{
    struct reader r = reader(in);
    struct raw_tcbs tcbs;
    struct snp_claims *s = &claims->snp;
    uint32_t algo;
    memset(out, 0, sizeof *out);
    memset(claims, 0, sizeof *claims);
    if (in.n != SNP_REPORT_SIZE)
        return problem(p, E_FORMAT, "a report has %d bytes, not %zu", SNP_REPORT_SIZE, in.n);
    claims->platform = PLATFORM_SNP;
    read_guest(&r, claims, &tcbs, &algo);
    read_platform(&r, s, &tcbs);
    out->signed_part = bytes(in.p, SNP_SIGNED_SIZE);
    if (s->version < 2 || s->version > 5)
        return problem(p, E_FORMAT, "report version %u is not supported (2 to 5 are)", s->version);
    if (algo != SIG_ALGO_P384_SHA384)
        return problem(p, E_FORMAT, "signature algorithm %u is not supported (1 is)", algo);
    read_number(&r, out->rs);
    read_number(&r, out->rs + 48);
    rd_zero(&r, 512 - 2 * 72);
    if (reader_end(&r, E_FORMAT) != OK || newer_fields_set(s))
        return problem(p, E_FORMAT, "a reserved field of the report is not zero");
    TRY(find_product(s, p));
    if (decode_tcbs(s, &tcbs) != OK)
        return problem(p, E_FORMAT, "a reserved byte of a TCB version is not zero");
    claims->debug = s->policy & POLICY_DEBUG;
    claims_hash_measurements(claims);
    return check_values(s, p);
}
